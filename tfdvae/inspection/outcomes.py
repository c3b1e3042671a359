"""What each command would do with a folder or file, as the commands themselves see it."""

from collections.abc import Callable
from pathlib import Path

from tfdvae.data import findings, sources
from tfdvae.data.image_dataset import ImageDataset
from tfdvae.image_io import reader
from tfdvae.inference.on_disk import augmenting_arrays, generating
from tfdvae.inspection import noise
from tfdvae.inspection.report import Outcome
from tfdvae.inspection.scan import Scan
from tfdvae.studies.augmentation import study
from tfdvae.studies.augmentation.images import train_count
from tfdvae.studies.augmentation.settings import AugmentationStudyConfig


def outcomes(found: Scan, scratch: Path) -> tuple[dict[str, Outcome], list[str]]:
    """Return what each command would do, and what `train` would note.

    Images are decoded into the cache as `train` would, which then need not do it again.

    Args:
        found: what is in the folder or file.
        scratch: folder in which an `.npz` file is unpacked meanwhile.

    Returns:
        An outcome for each command, by its name with the flag that it needs, and the notes; where
        `train` refuses the images, those of the commands that use a model.

    Example:
        >>> outcomes(scan(Path("scans"), scratch), scratch)[0]["train"]
        (True, '96 training and 24 test images, 28x28 gray, of 3 classes; the test images were ...')
    """
    asked: dict[str, Outcome] = {}
    path = found.path
    text = str(path.resolve())
    labelled = _dataset(text, labelled=True)
    unlabelled = labelled if isinstance(labelled, ImageDataset) else _dataset(text, labelled=False)
    asked["train"] = _describe(labelled)
    asked["train --no-classifier"] = _describe(unlabelled)
    asked["study augmentation"] = (
        _attempt(lambda: _study(labelled))
        if isinstance(labelled, ImageDataset)
        else (False, str(labelled))
    )
    asked["denoise --learn"] = _attempt(lambda: _learn(found))
    every = _attempt(lambda: _images(found))
    asked["denoise, encode, detect"] = every
    asked["impute"] = (
        every if reader.is_array(path) or not every[0] else (True, f"{every[1]}; needs --mask")
    )
    asked["augment"] = _attempt(lambda: _augment(found, scratch))
    dataset = next(
        (each for each in (labelled, unlabelled) if isinstance(each, ImageDataset)), None
    )
    if dataset is None:
        return asked, findings.of_tally(found.tally, path, white=False, background=False)
    return asked, dataset.notice.splitlines()


def _attempt(work: Callable[[], str]) -> Outcome:
    try:
        return True, work()
    except (ValueError, TypeError, OSError) as error:
        return False, str(error)


def _dataset(text: str, labelled: bool) -> ImageDataset | Exception:
    try:
        return sources.load(text, labelled=labelled)
    except (ValueError, TypeError, OSError) as error:
        return error


def _describe(dataset: ImageDataset | Exception) -> Outcome:
    if isinstance(dataset, Exception):
        return False, str(dataset)
    height, width, channels = dataset.train.images.shape[1:]
    classes = f", of {len(dataset.class_names)} classes" if dataset.class_names else ""
    held_out = "; the test images were held out" if dataset.held_out else ""
    return True, (
        f"{len(dataset.train.labels):,} training and {len(dataset.test.labels):,} test images, "
        f"{height}x{width} {'gray' if channels == 1 else 'color'}{classes}{held_out}"
    )


def _study(dataset: ImageDataset) -> str:
    config = study.resolve(AugmentationStudyConfig(dataset=dataset.name), dataset)
    study.check(config, dataset)
    count = train_count(config, len(dataset.train.labels))
    return f"{count:,} training images for each of {len(config.seeds)} seeds"


def _images(found: Scan) -> str:
    if not found.images:
        raise ValueError(f"`input` {found.path} holds no image that can be read.")
    text = f"{found.images:,} image{'s' if found.images > 1 else ''}, with a model for their size"
    failed = len(found.unreadable)
    return f"{text}; {failed:,} cannot be read" if failed else text


def _learn(found: Scan) -> str:
    objective, reason = noise.objective(found)
    return f"objective {objective}, since {reason}"


def _augment(found: Scan, scratch: Path) -> str:
    path = found.path
    if not found.images:
        raise ValueError(f"`input` {path} holds no image that can be read.")
    if path.is_dir():
        listed = reader.list_files(path)
        generating.check_layout(path, listed)
        classes = {Path(name).parts[0] for name in listed if "/" in name}
        count = f"{len(classes)} class{'es' if len(classes) > 1 else ''}"
        return f"new images of {count}" if classes else "new images, without classes"
    if path.suffix.lower() != ".npz":
        raise ValueError(f"`input` {path} must be a folder or an .npz file of images and labels.")
    with reader.arrays(path, scratch) as arrays:
        augmenting_arrays.labelled_arrays(arrays, path)
    return "new images with their labels"
