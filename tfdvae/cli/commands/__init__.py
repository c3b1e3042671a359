"""The commands. Each module registers its own with `register_command`.

All are named here too, in the order of `tfdvae --help`, so that it imports none of the modules and
a command imports only its own.
"""

SUMMARIES = {
    "train": "Train a generative model on few images and measure what its images are worth to a "
    "classifier.",
    "study": "Repeat a published study, or make one of tfdvae's own, over several seeds.",
    "augment": "Write labelled synthetic images in the layout of the input, and a manifest.csv of "
    "origins.",
    "classify": "Train a classifier on labelled images, with the augmentation that is best for it, "
    "if any.",
    "denoise": "Denoise images; the output has the layout, file types and names of the input.",
    "detect": "Write a CSV of images with their anomaly scores, the most anomalous first.",
    "encode": "Write the code of each image to an .npz file: `codes` and `names`.",
    "export": "Write a model for use without tfdvae: a SavedModel or an ONNX file.",
    "impute": "Fill in missing pixels: those that a mask marks, or NaN in arrays.",
    "inspect": "Tell what is in a folder or file of images, and what each command would do with "
    "it.",
    "models": "List the trained models that come with tfdvae.",
    "networks": "List the networks: name, what each is, what it can do, whose default it is.",
    "corruptions": "List the corruptions: name, what it does, what its level measures.",
    "recipes": "List the recipes of `tfdvae train`: name, what each is, its settings.",
    "predict": "Write what a classifier says of images: a CSV with a label and a probability for "
    "each.",
    "sample": "Draw images from a VAE or DVAE: a folder of PNG files, or an .npy or .npz file.",
}
"""The first line of the docstring of each command's settings, by the command's name."""

_LISTINGS = ("models", "networks", "corruptions", "recipes")
HOMES = {name: f"{__name__}.{'listings' if name in _LISTINGS else name}" for name in SUMMARIES}
"""The module of each command."""
