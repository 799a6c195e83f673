"""Where the fits of a path begin: near the optimum of each penalty on all rows, found on a part of them first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.engines import MemoryEngine
from steepest.lockstep.advance import Walk
from steepest.lockstep.metrics import Metrics
from steepest.lockstep.rows import Rows
from steepest.lockstep.together import Fits
from steepest.sampling import draw
from steepest.types import Floats

__all__ = ["SERVING", "Near", "draw_part", "is_cheap", "middle_of", "near_optima", "rough_optima", "serving"]

PER_COLUMN, LEAST_PART = 40, 400  # rows of the part that gives a start and a metric
CHEAP = 1 << 27  # multiply-adds of one round of Hessians, some 10 ms: below, every penalty gets its own
ROUGH = 1e-2  # what a part of the rows is solved to: its optimum is no nearer to that of all rows
SHARED, SERVING = 1e-3, 0.5  # of the tolerance is what one fit may lose for another penalty, and its own: roots add up
FIRST = 0.02  # what the first step in the metric of a part of the rows leaves of the decrement, or less
NEAR = 1e-4  # and what all penalties are solved to before Hessians are formed there
MOST_STEPS = 60


@dataclass(frozen=True, slots=True)
class Near:
    """Rough optima of P penalties, theta (P, n + 1), F there (P,), and metrics, for all rows."""

    theta: Floats
    value: Floats
    metrics: Metrics

    def take(self, which: NDArray[np.intp]) -> Near:
        """Those of some of the penalties."""
        return Near(self.theta[which], self.value[which], Metrics.of(self.metrics.matrix[which]))


def is_cheap(rows: MemoryEngine | Rows, P: int) -> bool:
    """Whether P Hessians take next to nothing: then every penalty gets its own, wherever it stands."""
    return bool(P * rows.m * (rows.n + 1) ** 2 <= CHEAP)


def draw_part(engine: MemoryEngine, P: int) -> MemoryEngine | None:
    """A random part of the rows with weights that make up for the rest; None where all rows cost little more."""
    size = max(LEAST_PART, PER_COLUMN * (engine.n + 1))
    if engine.m < 2 * size or is_cheap(engine, P):
        return None
    part = draw(engine, size).weighted
    return MemoryEngine(part.X, part.y, part.weight, threads=1)


def rough_optima(drawn: MemoryEngine | None, rows: Rows, fits: Fits) -> Near:
    """Optima of all penalties on a part of the rows, or on all of them, by Newton's method; fits without a fold."""
    k, P = rows.n + 1, len(fits.l2)
    part, scope = rows, fits
    if drawn is not None:
        part = Rows(drawn, rows.frame, None, P)
        scope = Fits.of(part, fits.l2, np.full(P, -1))
    own, rough = is_cheap(part, P), NEAR if part is rows else ROUGH
    first = np.arange(P) if own and part is rows else middle_of(fits.l2)
    walk = _newton(Walk.from_here(part, scope.take(first), np.zeros((len(first), k))), rough)
    if len(first) == P:
        return Near(walk.theta, walk.value, walk.metrics)
    theta, value = np.repeat(walk.theta, P, axis=0), np.repeat(walk.value, P)
    if own:
        walk = _newton(Walk.from_here(part, scope, theta), rough)
        theta, value, matrices = walk.theta, walk.value, walk.metrics.matrix
    else:
        matrices = np.repeat(walk.metrics.matrix, P, axis=0)
        matrices[:, range(k), range(k)] += scope.ridge - scope.ridge[first]
    grown = fits.weight / scope.weight
    return Near(theta, value * grown, Metrics.of(matrices * grown[:, None, None]))


def serving(near: Near, fits: Fits, tol: float) -> NDArray[np.intp]:
    """For each penalty (P,), the one whose fits serve it: itself, or a weaker one whose optimum is as good.

    At the optimum of R_q the slope for R_p is (R_p - R_q) theta: half its decrement² is what sharing costs. On
    50,000 x 50 C of 166, 1,300 and 10,000 have one optimum to 1e-9. The gap of each is proved like any other,
    so that a wrong guess here costs time only.
    """
    serves, at = np.arange(len(near.theta)), -1
    for p in np.argsort(fits.l2[: len(near.theta)], kind="stable").tolist():
        if at >= 0:
            slope = (fits.ridge[p] - fits.ridge[at]) * near.theta[at]
            cost = 0.5 * float(slope @ near.metrics.solve(np.array([at]), slope[None])[0])
            if cost <= SHARED * tol * near.value[at]:
                serves[p] = at
                continue
        at = p
    return serves


def near_optima(rough: Near, rows: Rows, fits: Fits) -> Near:
    """Optima of all penalties on all rows to about `NEAR`, by L-BFGS in the metric of a part of them.

    The last step is not looked at: the pass that forms Hessians there does that as well.
    """
    walk = Walk(rows, fits, rough.theta, rows.sums(rough.theta, fits.held), rough.metrics)
    for _ in range(MOST_STEPS):
        far = np.flatnonzero(walk.decrement > NEAR * walk.value)
        shrinks = np.minimum(walk.decrement / walk.before, 1.0)
        ahead = np.where(np.isfinite(walk.before), shrinks, FIRST) * walk.decrement
        if np.all(ahead[far] <= NEAR * walk.value[far]):
            return Near(walk.ahead(far), walk.value, rough.metrics)
        walk.step(far)
    return Near(walk.theta, walk.value, rough.metrics)


def _newton(walk: Walk, rough: float) -> Walk:
    """Newton's method for all fits at once until ½ decrement² <= rough F."""
    for _ in range(MOST_STEPS):
        far = np.flatnonzero(walk.decrement > rough * walk.value)
        if not len(far):
            break
        walk.newton(far)
    return walk


def middle_of(l2: Floats) -> NDArray[np.intp]:
    """Number of the middle one of the penalties, (1,)."""
    return np.argsort(l2, kind="stable")[len(l2) // 2 :][:1]
