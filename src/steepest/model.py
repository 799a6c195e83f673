"""What a fit leaves behind: names, classes, weights, what was minimised and how it ended, as one file of readable JSON.

The file is text, never code: loading runs nothing. It holds the sha256 of itself and is read strictly: one changed
byte, an unknown version or a number that is not finite is refused. Numbers are the shortest decimals that give the same
doubles back, so a model that was saved and loaded predicts the same bits.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest import __version__, formulas
from steepest.data import as_rows
from steepest.data.model_file import FORMAT, LARGEST, VERSION, parse, render
from steepest.data.quoting import safe
from steepest.data.whole_file import whole_file
from steepest.errors import DataError
from steepest.result import Fit
from steepest.types import Floats

__all__ = ["Model", "load"]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted model, ready to predict and to be saved.

    feature_names, classes       names of the n columns; (negative, positive) label as written
    w (n,), b                    weights and intercept, in the units of the columns
    l2, standardize              the penalty on the mean cost, and whether it refers to standardised columns
    cost, value, iterations, status, method, learning_rate      as in `Fit`; `status` is its key
    target, source, rows         name of the target column and of the file, number of rows; None where unknown
    version                      of steepest, when the model was made
    """

    feature_names: tuple[str, ...]
    classes: tuple[Any, Any]
    w: Floats
    b: float
    l2: float
    standardize: bool
    cost: float
    value: float
    iterations: int
    status: str
    method: str
    learning_rate: float | None
    target: str | None = None
    source: str | None = None
    rows: int | None = None
    version: str = __version__

    @classmethod
    def of(cls, fit: Fit, *, target: str | None = None, source: str | None = None, rows: int | None = None) -> Model:
        """The model of a fit; `target`, `source` and `rows` say what it was fitted to."""
        if fit.w.ndim != 1:
            raise DataError(f"a model file holds two classes, this fit has {len(fit.classes)}")
        w = fit.w.copy()
        w.flags.writeable = False
        return cls(
            fit.feature_names, fit.classes, w, float(fit.b), float(fit.l2), fit.standardize, float(fit.cost),
            float(fit.value), fit.iterations, fit.status.key, fit.method, fit.learning_rate, target, source, rows,
        )  # fmt: skip

    def decision_function(self, X: ArrayLike) -> Floats:
        """z = X w + b for each row of X (m, n), shape (m,); raises DataError for another number of columns."""
        rows = as_rows(X)
        if rows.shape[1] != len(self.w):
            raise DataError(f"X has {rows.shape[1]} columns, but the model has {len(self.w)} weights")
        return np.asarray(np.matmul(rows, self.w) + self.b)

    def predict_proba(self, X: ArrayLike) -> Floats:
        """P(positive class) for each row of X (m, n), shape (m,): sigmoid(X w + b)."""
        return np.asarray(formulas.sigmoid(self.decision_function(X)))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The more probable label for each row of X; a probability of exactly ½ goes to the negative class."""
        chosen: NDArray[Any] = np.asarray(self.classes)[(self.decision_function(X) > 0.0).astype(int)]
        return chosen

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON; the file is replaced whole or not at all.

        Raises DataError if it cannot be written, or if the labels are neither text nor numbers nor booleans.
        """
        text = render(self._document())
        if len(text.encode()) > LARGEST:
            raise DataError(
                f"{safe(os.fspath(path))}: the model takes more than {LARGEST >> 20} MB, and could not be loaded"
            )
        with whole_file(path) as file:
            file.write(text)

    def _document(self) -> dict[str, Any]:
        fitted = {
            "method": self.method,
            "learning_rate": self.learning_rate,
            "iterations": self.iterations,
            "status": self.status,
            "cost": self.cost,
            "value": self.value,
        }
        return {
            "format": FORMAT,
            "format_version": VERSION,
            "steepest": self.version,
            "target": self.target,
            "classes": list(self.classes),
            "features": list(self.feature_names),
            "w": self.w.tolist(),
            "b": self.b,
            "objective": {"l2": self.l2, "standardize": self.standardize},
            "fit": fitted,
            "data": {"file": self.source, "rows": self.rows},
        }


def load(path: str | os.PathLike[str]) -> Model:
    """The model that `Model.save` wrote.

    Raises DataError, in one sentence, for anything else: no such file, not JSON, a version this release does not know,
    missing or wrong fields, a number that is not finite, or a file that was changed since it was saved.
    """
    shown = safe(os.fspath(path))
    try:
        with Path(path).open("rb") as file:
            raw = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"{shown} cannot be read ({reason})") from None
    try:
        document = parse(raw)
    except DataError as error:
        raise DataError(f"{shown}: {error}") from None
    objective, fitted, data = document["objective"], document["fit"], document["data"]
    w = np.array(document["w"], dtype=np.float64)
    w.flags.writeable = False
    negative, positive = document["classes"]
    return Model(
        tuple(document["features"]), (negative, positive), w, document["b"], objective["l2"], objective["standardize"],
        fitted["cost"], fitted["value"], fitted["iterations"], fitted["status"], fitted["method"],
        fitted["learning_rate"], document["target"], data["file"], data["rows"], document["steepest"],
    )  # fmt: skip
