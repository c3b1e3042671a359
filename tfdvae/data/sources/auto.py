"""The default dataset: Fashion-MNIST, or digits where it cannot be had."""

import dataclasses

from tfdvae.data.image_dataset import ImageDataset
from tfdvae.data.sources.base import Request, Source, Unavailable, register_source
from tfdvae.data.sources.digits import DigitsSource
from tfdvae.data.sources.tfds_images import TfdsSource

DEFAULT = "fashion_mnist"


@register_source
class AutoSource(Source):
    """Fashion-MNIST where it can be had, otherwise digits with a notice.

    A dataset that is asked for by its name is never replaced by another.
    """

    name = "auto"
    description = "auto"
    datasets = ("auto",)

    def accepts(self, text: str) -> bool:
        return text == "auto"

    def load(self, request: Request) -> ImageDataset:
        try:
            return TfdsSource().load(dataclasses.replace(request, dataset=DEFAULT))
        except Unavailable as error:
            notice = f"{error} Going on with the embedded `digits` dataset instead of {DEFAULT}."
            return dataclasses.replace(DigitsSource().load(request), notice=notice)
