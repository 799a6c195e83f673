"""What a fit leaves behind: weights, what J became, how it ended, what was noticed. Frozen, and it predicts."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest import formulas
from steepest.data import Schema, as_rows, framed, product
from steepest.data.arrays import is_sparse
from steepest.data.targets import as_offset
from steepest.diagnosis import Note
from steepest.driver import Trace
from steepest.engines.sparse import as_csr
from steepest.errors import DataError
from steepest.penalties import NONE, Penalties
from steepest.proof.certificate import Certificate
from steepest.softmax_formulas import softmax
from steepest.types import Floats, Status

__all__ = ["Fit"]


@dataclass(frozen=True, slots=True)
class Fit:
    """The result of `steepest.fit`.

    w (n,), b       weights and intercept, in the user's units; of K classes (n, K) and (K,)
    cost            J(w, b), the weighted mean loss, without the penalty
    value           J + ½ l2 |w|², and the l1 where there is one: what was minimised
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
    schema          of a fit to a frame: what its columns are; None for arrays
    class_weights   of the fit, one per class; None without
    penalties       beyond l2: `l1`, `factors`, `lower`, `upper`, the last three None where they say nothing
    intercept       whether there is a b, or the plane goes through the origin
    passes          times that all rows were read (the distinct ones, where rows repeat and are counted instead); of a
                    named method, by itself: notes and certificate not counted
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
    schema: Schema | None = None
    intercept: bool = True
    class_weights: tuple[float, ...] | None = None
    penalties: Penalties = NONE

    def predict_proba(self, X: ArrayLike, offset: ArrayLike | None = None) -> Floats:
        """P(positive class) for each row of X (m, n), shape (m,): sigmoid(X w + b); of K classes (m, K), softmax.

        X may be sparse. `offset` (m,) is added to z; 0 if not given, also where the fit had one. The columns of a frame
        are matched by name: their order does not matter, others are ignored.
        Raises DataError if X has another number of columns, or a value that is not finite.
        """
        z = self.decision_function(X, offset)
        return np.asarray(formulas.sigmoid(z) if z.ndim == 1 else softmax(z))

    def decision_function(self, X: ArrayLike, offset: ArrayLike | None = None) -> Floats:
        """z = X w + b + offset of each row of X (m, n), shape (m,) or (m, K); raises DataError as `predict_proba`."""
        given = framed(X, self.schema, self.feature_names)
        rows = as_csr(given) if is_sparse(given) else as_rows(given)
        if rows.shape[1] != len(self.w):
            raise DataError(f"X has {rows.shape[1]} columns, but the fit has {len(self.w)} weights")
        z = product(rows, self.w)
        z += self.b
        if offset is not None:
            if z.ndim == 2:
                raise DataError("an offset is added to the one z of two classes; this fit has one z per class")
            z += as_offset(offset, len(z))
        return z

    def calibrated(self) -> Fit:
        """The same fit with the intercept that undoes its class weights, so that probabilities are those of the rows.

        Weights v_k multiply the odds of two classes by v_1 / v_0 where the model is right, so b - log(v_1 / v_0) is b
        without them, and of K classes b_k - log v_k, less their mean. G. King, L. Zeng, Logistic regression in rare
        events data, Political Analysis 9 (2001), eq. 7. Ranks do not change; `predict` then uses the odds of the rows.
        The certificate still speaks of the weighted fit, cost and value likewise. Without class weights: itself.
        """
        if self.class_weights is None:
            return self
        logs = np.log(self.class_weights)
        shift = logs[1] - logs[0] if len(logs) == 2 else logs - logs.mean()
        b = self.b - shift
        return replace(self, b=float(b) if len(logs) == 2 else b, class_weights=None)

    def save(
        self,
        path: str | os.PathLike[str],
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        source: str | None = None,
    ) -> None:
        """Write a model file (docs/model-file.md), which `steepest.load` reads; replaced whole or not at all.

        With the rows of the fit (as `steepest.fit` takes them) the file also has their ranges, for the guard rails,
        their fingerprint, and what `steepest verify` can prove again; `source` is their name. Four reads of the rows.
        Raises DataError if the file cannot be written, or if these are not the rows of the fit.
        """
        import_module("steepest.model").Model.of(self, X, y, sample_weight, source=source).save(path)

    def predict(self, X: ArrayLike, offset: ArrayLike | None = None) -> NDArray[Any]:
        """The most probable label for each row of X; a probability of exactly ½ goes to the negative class."""
        z = self.decision_function(X, offset)
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
