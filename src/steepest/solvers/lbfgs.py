"""L-BFGS in a given metric, with unit steps: one pass over the rows per iteration.

J. Nocedal, Updating quasi-Newton matrices with limited storage, Mathematics of Computation 35 (1980); the two-loop
recursion is J. Nocedal, S. Wright, Numerical Optimization (2006), algorithm 7.4. What is not usual here is the
metric: in place of a multiple of the identity stands the inverse of a Hessian that was formed on a part of the rows.
It is wrong by the sampling error only, so the unit step is nearly always right, and the pairs correct the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.solvers.newton import SHORTER
from steepest.types import Along, Evaluate, Floats, Point, Solver, Status

__all__ = ["MEMORY", "Pair", "corrected", "lbfgs"]

MEMORY = 12  # pairs kept


def lbfgs(
    theta: Floats,
    metric: Callable[[Floats], Floats],
    memory: int = MEMORY,
    shorter: tuple[float, ...] = SHORTER,
    unit: Floats | None = None,
) -> Solver:
    """theta := theta - t B gradient, B the metric corrected by the last steps; J never rises on an accepted step.

    `metric(v)` is an approximation of H^-1 v, symmetric and positive definite; `memory` pairs are kept; `shorter` are
    the steps looked at together when the unit step would raise J.

    `unit` is for a metric that is the inverse of a diagonal of H: its root. Such a metric is wrong by an unknown factor
    where columns are correlated, so it is rescaled to the last pair (D. F. Shanno, K.-H. Phua, Matrix conditioning and
    nonlinear optimization, Mathematical Programming 14 (1978)). And the pairs are kept in single precision, which
    halves what is by far the most that many columns need: a direction that is wrong by 1e-6 of itself took no more
    passes on text at C = 1 … 1e4. In the coordinates theta unit the numbers of columns of all units are of one size.
    """
    at: Point = yield Evaluate(theta, order=1)
    pairs: deque[Pair] = deque(maxlen=memory)
    while True:
        step = -corrected(at.gradient, pairs, metric, unit)
        trial = yield Evaluate(theta + step, order=1, trial=True)
        if not trial.value <= at.value:
            values = yield Along(theta, step, shorter)
            best = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
            step = shorter[best] * step
            trial = yield Evaluate(theta + step, order=1, trial=True)
            if not trial.value <= at.value:
                return Status.MINIMUM
        bent = trial.gradient - at.gradient
        theta, before = theta + step, at
        at = yield Evaluate(theta, order=1)
        pair = Pair.of(step, bent, unit)
        if pair is not None:
            pairs.append(pair)
        elif at.value >= before.value:
            return Status.MINIMUM


@dataclass(frozen=True, slots=True)
class Pair:
    """A step and the change of the gradient along it, each divided by a number of its own; `ratio` is the step's by the
    change's, `inverse` is 1 / step'bent as they are kept.
    """

    step: NDArray[np.floating]
    bent: NDArray[np.floating]
    inverse: float
    ratio: float

    @classmethod
    def of(cls, step: Floats, bent: Floats, unit: Floats | None) -> Pair | None:
        """The pair, or None if rounding hides its curvature: in coordinates in which all columns count alike."""
        if unit is not None:
            step, bent = step * unit, bent / unit
        curvature, size = float(step @ bent), float(np.linalg.norm(step) * np.linalg.norm(bent))
        if not curvature > np.finfo(float).eps * size:
            return None
        if unit is None or not curvature > np.finfo(np.float32).eps * size:
            return cls(step, bent, 1.0 / curvature, 1.0)
        long, steep = float(np.abs(step).max()), float(np.abs(bent).max())
        kept, change = (step / long).astype(np.float32), (bent / steep).astype(np.float32)
        return cls(kept, change, 1.0 / float(kept @ change), long / steep)


def corrected(
    gradient: Floats,
    pairs: deque[Pair],
    metric: Callable[[Floats], Floats],
    unit: Floats | None = None,
) -> Floats:
    """B gradient by the two-loop recursion."""
    q: NDArray[np.floating] = gradient.copy() if unit is None else gradient / unit
    size = 1.0 if unit is None else float(np.abs(q).max())
    if unit is not None:
        size = size if 0.0 < size < np.inf else 1.0
        q = (q / size).astype(np.float32)
    shares: list[float] = []
    for pair in reversed(pairs):
        share = pair.inverse * float(pair.step @ q)
        shares.append(share)
        q -= share * pair.bent
    q = metric(np.asarray(q, np.float64)) if unit is None else unit * metric(unit * q)
    if unit is not None and pairs:
        bent: Floats = np.asarray(unit * pairs[-1].bent, np.float64)
        q *= pairs[-1].ratio / (pairs[-1].inverse * float(bent @ metric(bent)))
    q = q if unit is None else q.astype(np.float32)
    for pair, share in zip(pairs, reversed(shares), strict=True):
        q += (pair.ratio * share - pair.inverse * float(pair.bent @ q)) * pair.step
    return np.asarray(q, dtype=np.float64) if unit is None else q * size / unit
