"""`tfdvae.load`: trained models from files, by name, or from Keras models."""

import math
from importlib import resources
from pathlib import Path

import keras

from tfdvae._utils import records
from tfdvae.inference import keras_files, model_files, onnx_model, record, saved_model, shipped
from tfdvae.inference.trained_model import TrainedModel
from tfdvae.models.inference_mixin import InferenceMixin


def load(
    model: str | Path | keras.Model | TrainedModel,
    *,
    white: float | None = None,
    background: str | None = None,
) -> TrainedModel:
    """Return a trained model, ready to use.

    Load only models that you trust: a SavedModel is a program, and TensorFlow runs what its graph
    says, which may also read and write files.

    Args:
        model: a run folder, a `.keras` file, a SavedModel or an ONNX file that tfdvae exported, the
            name of a model that comes with tfdvae, a `DAE`, `VAE` or `DVAE`, or a `TrainedModel`.
            What lies at a path goes before a name. A model of an ONNX file denoises, detects and
            imputes, on the CPU, small images faster; it needs the packages of `tfdvae[onnx]`.
        white: the value that stands for white in the images that the model is given, such as 4095
            for 12 bits in uint16; a type that cannot hold it keeps its largest value. Default: that
            of the images that it was trained on, otherwise the largest value of their type, of
            floats 1.
        background: `white` or `black`, what transparent parts of image files are put on. Default:
            as in training, otherwise white.

    Raises:
        FileNotFoundError: nothing of that name.
        TypeError: another Keras model, or something else.
        ValueError: a file or folder that holds no model of tfdvae, a damaged one, or one that would
            fill half of the memory once it is unpacked; or a run of a newer version of tfdvae.

    Example:
        >>> tfdvae.load("clothing-denoiser").denoise(pictures)
    """
    if isinstance(model, TrainedModel):
        if white is None and background is None:
            return model
        white = model.white if white is None else white
        return TrainedModel(model.core, model.record, white, background or model.background)
    if isinstance(model, InferenceMixin):
        return TrainedModel(model, None, white, background)
    if isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a DAE, VAE or DVAE; got {type(model).__name__}.")
    if not isinstance(model, (str, Path)):
        raise TypeError(
            f"`model` must be a path, a name, or a DAE, VAE or DVAE; got {type(model).__name__}."
        )
    path = model_files.find(model)
    if path is None:
        with resources.as_file(shipped.file(str(model))) as file:
            return TrainedModel(keras_files.load(file, "model"), None, white, background)
    if path.name == "generator.keras":
        records.check_maker(path.parent)
    core: InferenceMixin
    if path.is_dir():
        core = saved_model.SavedModel(path)
    elif path.suffix.lower() == ".onnx":
        core = onnx_model.OnnxModel.read(path)
    else:
        core = keras_files.load(path, "model")
    units = math.prod(core.code_shape)
    found = record.Record.beside(path, core.variational, units)
    return TrainedModel(core, found, white, background)
