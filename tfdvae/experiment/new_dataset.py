"""Images that were given in memory, and are kept in the folder of their run."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tfdvae._utils import files
from tfdvae.config import TrainConfig
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.experiment import folders

FILE = "dataset.npz"


@contextlib.contextmanager
def kept(config: TrainConfig, dataset: ImageDataset, folder: Path) -> Iterator[None]:
    """Store images that were given in memory; remove them where no run begins after all.

    Errors name the dataset, and not the file that it is stored in meanwhile.
    """
    if config.data.noisy_dir is not None:
        raise ValueError("`noisy_dir` is for a folder of images; got a `dataset` in memory.")
    if config.training_sets and not dataset.class_names:
        raise ValueError(
            "`dataset` must have labels for the classifiers; got none. no_classifier=True trains "
            "the generative model alone."
        )
    new = not folder.exists()
    folders.make_folder(folder)
    try:
        dataset.save(folder / FILE)
        yield
    except (ValueError, TypeError) as error:
        path = files.absolute(folder / FILE)
        text = str(error).replace(f"`dataset` {path}", "`dataset`").replace(str(path), "`dataset`")
        text = text.replace("--no-classifier", "no_classifier=True")
        if text == str(error) or type(error) not in (ValueError, TypeError):
            raise
        raise type(error)(text) from error
    finally:
        if not (folder / "config.json").exists():
            files.remove(folder / FILE)
            if new:
                files.remove(folder / ".lock")
                with contextlib.suppress(OSError):
                    folder.rmdir()
