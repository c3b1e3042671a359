"""What was measured of a trained model in its run, said once where the model is used."""

import contextlib
import logging
from pathlib import Path

from tfdvae import csv_rows
from tfdvae.metrics import findings

logger = logging.getLogger(__name__)

_IN_A_RUN = ("generator.keras", "saved_model")


class Record:
    """What the user of a model should hear of it.

    Args:
        harm: what to say where it denoises; empty where there is nothing to say.
        empty_code: what to say where its code is used.

    Example:
        >>> Record(harm="it does harm").say_harm()
    """

    def __init__(self, harm: str = "", empty_code: str = ""):
        self._unsaid = {"harm": harm, "empty_code": empty_code}

    @classmethod
    def beside(cls, path: Path, variational: bool, units: int) -> "Record":
        """Return the record of a model that lies in a run folder, from its `metrics.csv`.

        Of a model that lies elsewhere, or whose run was not measured, nothing is known; nor where
        the file is damaged, or a plugin that it needs cannot be imported.

        Args:
            path: of the `.keras` file or the SavedModel.
            variational: whether its code is a distribution.
            units: units of its code.
        """
        with contextlib.suppress(OSError, ValueError, OverflowError, ImportError):
            if path.name in _IN_A_RUN:
                rows = csv_rows.read_rows(path.parent / "metrics.csv")
                code = findings.empty_code(rows, units) if variational else ""
                return cls(findings.harm(rows), code)
        return cls()

    def say_harm(self) -> None:
        """Log that denoising does harm, if so and not said yet."""
        self._say("harm")

    def say_empty_code(self) -> None:
        """Log that the code carries nothing, if so and not said yet."""
        self._say("empty_code")

    def _say(self, what: str) -> None:
        if text := self._unsaid.pop(what, ""):
            logger.warning("NOTE: %s", text)
