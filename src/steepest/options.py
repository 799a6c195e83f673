"""The options of a fit: checked once, frozen, and handed on as one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from steepest.diagnosis import Note
from steepest.driver import Step, StopRules
from steepest.errors import DataError
from steepest.kernels import KERNELS
from steepest.penalties import NONE, Penalties
from steepest.solvers import METHODS
from steepest.types import Floats

__all__ = ["MOST", "Options", "checked_penalties", "checked_start", "checked_stop", "checked_threads", "named"]

MOST = 1000  # iterations unless the user says otherwise: the seeds' number


@dataclass(frozen=True, slots=True)
class Options:
    """What a fit was asked for; raises ValueError for options outside their range or at odds with each other."""

    method: str
    learning_rate: float | Literal["safe"]
    l2: float
    standardize: bool
    kernel: str
    names: Sequence[str]
    tol: float
    callback: Callable[[Step], Any] | None
    on_note: Callable[[Note], Any] | None
    penalties: Penalties = NONE

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if self.method not in METHODS and self.method != "auto":
            raise ValueError(f"method={self.method!r} is none of auto, {', '.join(METHODS)}")
        if rate != "safe" and not (isinstance(rate, (int, float)) and 0.0 < rate < math.inf):
            raise ValueError(f"learning_rate={rate!r} must be a positive number or 'safe'")
        if not 0.0 <= self.l2 < math.inf:
            raise ValueError(f"l2={self.l2} must be a number >= 0")
        if not self.penalties.plain and self.method != "auto":
            raise ValueError(
                f"l1, penalty_factors, lower and upper are for method='auto', not for {self.method!r} (a learning "
                "rate, a number of iterations, a tolerance or a kernel asks for 'gd')"
            )
        if not 0.0 < self.tol < 1.0:
            raise ValueError(f"tol={self.tol} must be a relative gap between 0 and 1")
        if self.kernel not in ("auto", "gram", *KERNELS):
            raise ValueError(f"kernel={self.kernel!r} is none of auto, gram, {', '.join(KERNELS)}")
        if self.kernel == "gram" and (self.standardize or not METHODS[self.method].spans):
            raise ValueError("kernel='gram' is for gd, momentum and nesterov on columns as they are")


def checked_stop(
    iterations: int | None, tolerance: float, gradient_tolerance: float, budget: float | None
) -> StopRules:
    """The stop rules; `iterations` defaults to the seeds' 1,000."""
    iterations = MOST if iterations is None else iterations
    if int(iterations) != iterations or iterations < 0:
        raise ValueError(f"iterations={iterations} must be a whole number >= 0")
    for name, value in (("tolerance", tolerance), ("gradient_tolerance", gradient_tolerance)):
        if not 0.0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be a number >= 0")
    if budget is not None and not budget > 0.0:
        raise ValueError(f"budget={budget} must be a number of seconds > 0, or None")
    return StopRules(int(iterations), float(tolerance), float(gradient_tolerance), budget)


class Numbered(Sequence[str]):
    """x1, x2, … xn, made when they are asked for: each takes eight times as much memory as a weight.

    >>> names = Numbered(3)
    >>> names[0], names[-1], names[1:], len(names)
    ('x1', 'x3', ('x2', 'x3'), 3)
    """

    def __init__(self, n: int) -> None:
        self._places = range(1, n + 1)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        return (f"x{j}" for j in self._places)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at: int | slice) -> str | tuple[str, ...]:
        if isinstance(at, slice):
            return tuple(f"x{j}" for j in self._places[at])
        return f"x{self._places[at]}"


def named(feature_names: Sequence[str] | None, n: int) -> Sequence[str]:
    """One name per column: those given, or x1, x2, …"""
    if feature_names is None:
        return Numbered(n)
    if len(feature_names) != n:
        raise DataError(f"feature_names has {len(feature_names)} names for {n} columns")
    return tuple(str(name) for name in feature_names)


def checked_start(w: ArrayLike | None, b: Any, n: int, classes: int = 2) -> tuple[Floats, Any]:
    """The start as floats: zeros unless given; (n,) and a number, or (n, K) and (K,) for K classes."""
    shape, shift = ((n,), ()) if classes == 2 else ((n, classes), (classes,))
    weights = np.zeros(shape) if w is None else np.array(w, dtype=np.float64)
    if weights.shape != shape:
        each = "one weight per column" if classes == 2 else f"one weight per column and class, {shape}"
        raise DataError(f"w has shape {weights.shape}, but X has {n} columns: give {each}")
    intercept = np.array(b, dtype=np.float64)
    if intercept.shape != shift and intercept.ndim:
        raise DataError(f"b has shape {intercept.shape}, but {shift} is needed for {classes} classes")
    if not (np.isfinite(weights).all() and np.isfinite(intercept).all()):
        raise DataError("the starting w and b must be finite")
    return weights, float(intercept) if classes == 2 else np.broadcast_to(intercept, shift)


def checked_penalties(
    l1: float, factors: ArrayLike | None, lower: ArrayLike | None, upper: ArrayLike | None, n: int
) -> Penalties:
    """The penalties beyond one l2, each None where it says nothing: factors of 1, bounds at infinity."""
    if not 0.0 <= l1 < math.inf:
        raise ValueError(f"l1={l1} must be a number >= 0")
    if factors is None and lower is None and upper is None:
        return Penalties(float(l1)) if l1 else NONE
    scale = None if factors is None else _per_column("penalty_factors", factors, n)
    if scale is not None and not np.all((scale >= 0.0) & np.isfinite(scale)):
        raise ValueError("penalty_factors must be finite numbers >= 0; 0 leaves a column without a penalty")
    low = None if lower is None else _per_column("lower", lower, n)
    high = None if upper is None else _per_column("upper", upper, n)
    least, most = (-math.inf if low is None else low), (math.inf if high is None else high)
    if not np.all((least <= most) & (least < math.inf) & (most > -math.inf)):
        raise ValueError("lower and upper must be numbers, lower <= upper for every column; infinite ones hold nothing")
    return Penalties(
        float(l1),
        None if scale is None or np.all(scale == 1.0) else scale,
        None if low is None or np.all(low == -math.inf) else low,
        None if high is None or np.all(high == math.inf) else high,
    )


def _per_column(name: str, values: ArrayLike, n: int) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (n,)):
        raise ValueError(f"{name} has shape {array.shape}, but X has {n} columns: give one number, or one per column")
    return np.array(np.broadcast_to(array, (n,)))


def checked_threads(threads: int | None) -> int | None:
    """A number of threads, or None for all."""
    if threads is not None and threads < 1:
        raise ValueError(f"threads={threads} must be at least 1, or None for all")
    return threads
