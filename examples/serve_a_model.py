"""A SavedModel in plain TensorFlow, and an ONNX file in ONNX Runtime.

python examples/serve_a_model.py   # ONNX needs `pip install -e ".[onnx]"`
"""

# %% Export a model: here one that comes with tfdvae. A run folder holds a SavedModel already.
import numpy as np

import tfdvae

trained = tfdvae.load("clothing-dvae")
tfdvae.export(trained, "serve_a_model/1")
tfdvae.export(trained, "serve_a_model.onnx", format="onnx")

# %% Images: float32 (N, 28, 28, 1) in [0, 1], which noise may exceed.
noisy = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
expected = trained.denoise(noisy)

# %% Plain TensorFlow: nothing of tfdvae is needed to load and call the folder.
import tensorflow as tf

served = tf.saved_model.load("serve_a_model/1")
denoised = served.serve(noisy)
mean, standard_deviation = served.posterior(noisy)
drawn = served.sample(16, [1, 2])
print("SavedModel: largest difference", float(np.abs(denoised - expected).max()))

# %% ONNX Runtime.
import onnxruntime

session = onnxruntime.InferenceSession("serve_a_model.onnx")
denoised, codes = session.run(["denoised", "codes"], {"images": noisy})
print("ONNX: largest difference", float(np.abs(denoised - expected).max()))

# %% TensorFlow Serving, where there is Docker:
# docker run -p 8501:8501 -v "$PWD/serve_a_model:/models/denoiser" -e MODEL_NAME=denoiser \
#     tensorflow/serving
