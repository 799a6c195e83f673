"""The options of a fit: checked once, frozen, and handed on as one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from steepest.diagnosis import Note
from steepest.driver import Step, StopRules
from steepest.errors import DataError
from steepest.kernels import KERNELS
from steepest.solvers import METHODS
from steepest.types import Floats

__all__ = ["MOST", "Options", "checked_start", "checked_stop", "checked_threads", "named"]

MOST = 1000  # iterations unless the user says otherwise: the seeds' number


@dataclass(frozen=True, slots=True)
class Options:
    """What a fit was asked for; raises ValueError for options outside their range or at odds with each other."""

    method: str
    learning_rate: float | Literal["safe"]
    l2: float
    standardize: bool
    kernel: str
    names: tuple[str, ...]
    tol: float
    callback: Callable[[Step], Any] | None
    on_note: Callable[[Note], Any] | None

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if self.method not in METHODS and self.method != "auto":
            raise ValueError(f"method={self.method!r} is none of auto, {', '.join(METHODS)}")
        if rate != "safe" and not (isinstance(rate, (int, float)) and 0.0 < rate < math.inf):
            raise ValueError(f"learning_rate={rate!r} must be a positive number or 'safe'")
        if not 0.0 <= self.l2 < math.inf:
            raise ValueError(f"l2={self.l2} must be a number >= 0")
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


def named(feature_names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    """One name per column: those given, or x1, x2, …"""
    if feature_names is None:
        return tuple(f"x{j + 1}" for j in range(n))
    if len(feature_names) != n:
        raise DataError(f"feature_names has {len(feature_names)} names for {n} columns")
    return tuple(str(name) for name in feature_names)


def checked_start(w: ArrayLike | None, b: float, n: int) -> tuple[Floats, float]:
    """The start as floats: zeros unless given."""
    weights = np.zeros(n) if w is None else np.array(w, dtype=np.float64)
    if weights.shape != (n,):
        raise DataError(f"w has shape {weights.shape}, but X has {n} columns: give one weight per column")
    if not (np.isfinite(weights).all() and math.isfinite(b)):
        raise DataError("the starting w and b must be finite")
    return weights, float(b)


def checked_threads(threads: int | None) -> int | None:
    """A number of threads, or None for all."""
    if threads is not None and threads < 1:
        raise ValueError(f"threads={threads} must be at least 1, or None for all")
    return threads
