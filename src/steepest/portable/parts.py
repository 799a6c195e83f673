"""The parts of a model beside its weights: frozen records, each of which is an object in the model file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steepest.data.guards import Range
from steepest.scaling import Scaling
from steepest.types import Floats

__all__ = ["Ending", "Made", "Minimised", "Parity", "Provenance", "Reach"]


@dataclass(frozen=True, slots=True)
class Made:
    """The version of steepest that made the model, and when (ISO 8601, UTC); None if that is not known."""

    version: str
    date: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Minimised:
    """The objective with its numbers: the mean loss, plus ½ l2 sum of f_j u_j², plus l1 sum of f_j |u_j|.

    l2, l1         strengths, on the mean loss
    factors        f (n,), or None for ones       lower, upper   bounds of w (n,), infinite where there is none, or None
    intercept      whether there is a b, which is never penalised
    standardize    whether u are the weights of standardised columns; w otherwise
    class_weights  by which the weights of the rows of each class are multiplied, or None
    strengths      (n,) of ½ strengths_j w_j², which says the same of the columns as they are; None if not known
    """

    l2: float = 0.0
    l1: float = 0.0
    factors: Floats | None = None
    lower: Floats | None = None
    upper: Floats | None = None
    intercept: bool = True
    standardize: bool = False
    class_weights: tuple[float, ...] | None = None
    strengths: Floats | None = None

    @property
    def smooth(self) -> bool:
        """Whether a gradient says how far the optimum is: no l1 and no bounds."""
        return self.l1 == 0.0 and self.lower is None and self.upper is None

    def ridge(self, n: int) -> Floats | None:
        """(n,) the strengths of ½ ridge_j w_j² on the columns as they are; None if they are not known."""
        if self.strengths is not None or (self.standardize and self.l2 > 0.0):
            return self.strengths
        return self.l2 * (np.ones(n) if self.factors is None else self.factors)

    def penalty(self, w: Floats) -> float | None:
        """What is added to the mean loss at w (n,) or (n, K); None if it is not known."""
        ridge = self.ridge(len(w))
        if ridge is None or (self.l1 > 0.0 and self.standardize):
            return None
        factors = np.ones(len(w)) if self.factors is None else self.factors
        squares, sizes = (w * w, np.abs(w)) if w.ndim == 1 else ((w * w).sum(axis=1), np.abs(w).sum(axis=1))
        return 0.5 * float(ridge @ squares) + self.l1 * float(factors @ sizes)

    def formula(self, classes: int) -> str:
        """What was minimised, in words and numbers.

        >>> Minimised(l2=0.5).formula(2)
        'mean of −(y log a + (1 − y) log(1 − a)), plus ½ · 0.5 · |w|²'
        """
        parts = ["mean of −(y log a + (1 − y) log(1 − a))" if classes == 2 else "mean of −log softmax(z)[y]"]
        w = "w" if self.factors is None else "f·w"
        parts += [f"½ · {self.l2:g} · |{w}|²"] if self.l2 else []
        parts += [f"{self.l1:g} · |{w}|₁"] if self.l1 else []
        text = ", plus ".join(parts)
        text += ", with w of the standardised columns" if self.standardize and len(parts) > 1 else ""
        text += ", with bounds on w" if self.lower is not None or self.upper is not None else ""
        if self.class_weights is not None:
            each = ", ".join(f"{weight:.4g}" for weight in self.class_weights[:8])
            text = f"weighted {text}, rows of the classes weigh {each}"
        return text if self.intercept else f"{text}, without an intercept"


@dataclass(frozen=True, slots=True)
class Ending:
    """How the fit went, as in `Fit`; `status` is its key. `passes` is None where it was not recorded."""

    method: str
    learning_rate: float | None
    iterations: int
    status: str
    cost: float
    value: float
    passes: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Provenance:
    """What is known of the rows that the model was fitted to; None where it is not.

    file, weights   names of the file and of the column of row weights
    rows, counts    number of rows, and of those of each class
    sha256, form    the fingerprint of the design (`data/fingerprint.py`), and how it was made
    ranges          least and largest value of each column of the schema
    frame           centre and scale of each column of the design, in which certificates are computed
    """

    file: str | None = None
    weights: str | None = None
    rows: int | None = None
    counts: tuple[int, ...] | None = None
    sha256: str | None = None
    form: str | None = None
    ranges: tuple[Range, ...] | None = None
    frame: Scaling | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """How far the optimum's z may be from ours, for any row x: intercept + sum of |x_j - centre_j| weights_j.

    A bound on every coefficient of the difference in the frame of `Provenance.frame`, rounding included.
    """

    weights: Floats
    intercept: float

    def at(self, X: Floats, centre: Floats) -> Floats:
        """(m,) the bound for each row of X (m, n)."""
        return np.asarray(np.abs(X - centre) @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True)
class Parity:
    """Made-up rows, one cell per column of the schema (None: missing), and what the model says of them.

    z and probability have 1 number per row, or K; None where the row is refused. The counts are those of the guard
    rails; out_of_range is None where no range is known.
    """

    rows: tuple[tuple[float | str | None, ...], ...] = ()
    z: tuple[tuple[float | None, ...], ...] = ()
    probability: tuple[tuple[float | None, ...], ...] = ()
    missing: Sequence[int] = ()
    unseen: Sequence[int] = ()
    out_of_range: Sequence[int | None] = ()
