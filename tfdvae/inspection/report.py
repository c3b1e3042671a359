"""What was found, as text and as values for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfdvae.inspection import noise
from tfdvae.inspection.scan import Scan

Outcome = tuple[bool, str]
"""Whether a command takes the input, and what it makes of it or why it refuses it."""

_SHOWN = 3  # names of images, or rows of a table, before "and N more"
_WIDTH = 24


def to_values(found: Scan, outcomes: Mapping[str, Outcome], notes: Sequence[str]) -> dict[str, Any]:
    """Return everything as a dictionary for JSON, all names of images included.

    `noise` has the median and the 10th and 90th percentile over images; it is null where no image
    allows an estimate. It also has what all of them together show, as `metrics.noise.NoiseEstimate`
    names it, and the objective that follows.
    """
    values = vars(found) | {"path": str(found.path), "noise": _noise(found)}
    del values["tally"], values["sample"], values["estimate"]
    ranges = {name: list(limits) for name, limits in found.ranges.items()}
    commands = {name: {"takes": taken, "says": text} for name, (taken, text) in outcomes.items()}
    return values | {"ranges": ranges, "notes": list(notes), "commands": commands}


def to_text(found: Scan, outcomes: Mapping[str, Outcome]) -> str:
    """Return everything as lines for the terminal."""
    lines = [f"{found.path}: {found.kind}, {_images(found.images)}"]
    rows: list[tuple[str, str]] = []
    if len(found.classes) > 1 or any(found.classes):
        rows.append(("images by folder", _counts(found.classes, shown=20)))
    rows += [
        ("formats", _counts(found.formats)),
        ("sizes", _counts(found.sizes)),
        ("types", _counts(found.types)),
    ]
    for name, (least, greatest) in found.ranges.items():
        rows.append((f"values of {name}", f"{least:g} to {greatest:g}"))
    if single := _noise(found):
        rows.append(
            (
                "noise (estimated)",
                f"standard deviation {single['median']:.3f} of the range, median of "
                f"{_images(single['images'])}; 80% are between {single['percentile_10']:.3f} and "
                f"{single['percentile_90']:.3f}. Fine texture counts as noise.",
            )
        )
    rows += noise.to_rows(found)
    rows += [
        ("stacks", _counted([f"{name} of {count:,}" for name, count in found.stacks.items()])),
        ("constant", _counted(found.constant)),
        ("equal to another", _equal(found)),
        ("cannot be read", _counted([each.rstrip(".") for each in found.unreadable], 1)),
        (
            "left out",
            "; ".join(f"{suffix} {_counted(each)}" for suffix, each in found.skipped.items()),
        ),
    ]
    lines += [f"  {name:<{_WIDTH}}{text}" for name, text in rows if text]
    lines += ["", "What each command does with it:"]
    for name, (taken, text) in outcomes.items():
        lines.append(f"  {name:<{_WIDTH}}{'takes it' if taken else 'refuses it'}: {text}")
    return "\n".join(lines)


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _counts(counts: Mapping[str, int], shown: int = _SHOWN) -> str:
    return _names([f"{count:,} {name or '(no folder)'}" for name, count in counts.items()], shown)


def _counted(names: Sequence[str], shown: int = _SHOWN) -> str:
    return f"{len(names):,}: {_names(names, shown)}" if names else ""


def _names(names: Sequence[str], shown: int = _SHOWN) -> str:
    more = f", and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _equal(found: Scan) -> str:
    if not found.equal:
        return ""
    count = sum(map(len, found.equal))
    return f"{count:,}, such as {' = '.join(found.equal[0][:_SHOWN])}"


def _noise(found: Scan) -> dict[str, Any] | None:
    if not found.noise:
        return None
    low, median, high = np.percentile(found.noise, [10, 50, 90]).tolist()
    return {
        "median": median,
        "percentile_10": low,
        "percentile_90": high,
        "images": len(found.noise),
        **noise.to_values(found),
    }
