"""tfdvae on the ONNX files that it exports."""

from functools import partial

from with_tfdvae import denoise, picture
from worker import serve

if __name__ == "__main__":
    serve(
        {
            "denoise": partial(denoise, 2000, file="clothing-denoiser.onnx"),
            "denoise-one": partial(denoise, 1, file="clothing-denoiser.onnx"),
            "denoise-512": partial(picture, 512, 512, file="unet.onnx"),
        }
    )
