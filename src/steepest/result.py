"""What a fit leaves behind: weights, what J became, how it ended, what was noticed. Frozen, and it predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse

from steepest import formulas
from steepest.data import as_rows
from steepest.diagnosis import Note
from steepest.driver import Trace
from steepest.engines.sparse import as_csr
from steepest.errors import DataError
from steepest.proof.certificate import Certificate
from steepest.softmax_formulas import softmax
from steepest.types import Floats, Status

__all__ = ["Fit"]


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of `steepest.fit`.

    w (n,), b       weights and intercept, in the user's units; of K classes (n, K) and (K,)
    cost            J(w, b), the weighted mean loss, without the penalty
    value           J + ½ l2 |w|², what was minimised
    certificate     what is proved: `gap` (relative), `max_probability_error`, `max_coefficient_error` (in standard
                    errors), `exists` ("proved", "disproved", "unknown"), `witness`
    iterations      updates made
    status          why it ended; `status.value` is advice to read, `status.key` a word for programs
    history         J before each update, shape (iterations,), as the course records it
    trace           value, gradient norm, change of the weights and seconds of each update, likewise
    notes           what was noticed on the way: steps too large, cycles, creeping, separable classes
    classes         (negative, positive) label as written in y, or all K in sorted order
    feature_names   one per column
    method, learning_rate, l2, standardize   what was asked for; the learning rate as a number
    passes          times that all rows were read; of a named method, by itself: notes and certificate not counted
    """

    w: Floats
    b: Any
    cost: float
    value: float
    certificate: Certificate
    iterations: int
    status: Status
    history: Floats
    trace: Trace
    notes: tuple[Note, ...]
    classes: tuple[Any, ...]
    feature_names: tuple[str, ...]
    method: str
    learning_rate: float | None
    l2: float
    standardize: bool
    passes: int
    seconds: float

    def predict_proba(self, X: ArrayLike) -> Floats:
        """P(positive class) for each row of X (m, n), shape (m,): sigmoid(X w + b); of K classes (m, K), softmax.

        X may be sparse. Raises DataError if X has another number of columns, or a value that is not finite.
        """
        z = self.decision_function(X)
        return np.asarray(formulas.sigmoid(z) if z.ndim == 1 else softmax(z))

    def decision_function(self, X: ArrayLike) -> Floats:
        """z = X w + b for each row of X (m, n), shape (m,) or (m, K); raises DataError as `predict_proba` does."""
        rows = as_csr(X) if issparse(X) else as_rows(X)
        if rows.shape[1] != len(self.w):
            raise DataError(f"X has {rows.shape[1]} columns, but the fit has {len(self.w)} weights")
        return np.asarray(rows @ self.w + self.b)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable label for each row of X; a probability of exactly ½ goes to the negative class."""
        z = self.decision_function(X)
        if z.ndim == 2:
            likeliest: NDArray[Any] = np.asarray(self.classes)[z.argmax(axis=1)]
            return likeliest
        negative, positive = self.classes
        chosen: NDArray[Any] = np.asarray(np.where(z > 0.0, positive, negative))
        return chosen

    def __repr__(self) -> str:
        return (
            f"Fit(J = {self.cost:.6g} after {self.iterations} iterations of {self.method}: {self.status.value}; "
            f"{self.certificate.sentence}; {len(self.w)} weights, {len(self.notes)} notes)"
        )
