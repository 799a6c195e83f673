"""A tiny table as `tiny` sees it: its rows once, as columns, centred, and signed by their labels.

With q_i = (1 - 2 y_i) (x_i - centre, 1), k = n + 1 numbers, and R = l2 W on all but the intercept:
    t_i = q_i'theta,   loss = log1p(e^t),   p = e^t / (1 + e^t),   c = p / (1 + e^t),
    value = sum of s loss + ½ theta'R theta,   gradient = sum of s p q + R theta,   Hessian = sum of s c q q' + R:
sums over the rows, not means. One exponential per row, and nothing cancels for any t below 709, where e^t overflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from steepest.data.arrays import check_size
from steepest.engines import MemoryEngine
from steepest.lapack import lapack
from steepest.types import Floats

__all__ = ["Ahead", "At", "Factor", "Table", "ahead", "factorised", "length", "look", "table_of"]

UNITS = 2.0**60  # columns in larger units, or in smaller than its inverse, are scaled by `dense`
ALIKE = 2.0**-40  # of the mean: a column that varies by less may be constant
SINGULAR = 1e-10  # squared pivot of a unit diagonal: below, columns may depend on each other
SINGLE = 1e-4  # the same, for a Hessian in single precision: its pivots are wrong by some 1e-6
WORTH_SINGLE = 200_000  # multiply-adds of a Hessian; fewer take no longer in double precision


@dataclass(frozen=True, slots=True)
class Table:
    """The signed rows of an engine that have a weight, what they weigh, and bounds on them.

    signed  (k, m) the q_i as columns                 thin    the same in single precision, where that is quicker
    extent  (k,) >= |q_ij| of every row               offset  (k,) extent + |centre|: >= all that is added up in a z
    s       (m,) or None for all ones                 weight  W, their sum
    """

    engine: MemoryEngine
    signed: Floats
    thin: NDArray[np.float32] | None
    s: Floats | None
    weight: float
    centre: Floats
    extent: Floats
    offset: Floats
    ridge: Floats


class At(NamedTuple):
    """A theta and what the sum over all rows says of it; `bend` holds the s c of its Hessian."""

    theta: Floats
    t: Floats
    bend: Floats
    loss: float
    value: float
    gradient: Floats


class Factor(NamedTuple):
    """The Hessian at a point, as computed, and its Cholesky factor L; `exact` if in double precision."""

    at: At
    hessian: Floats
    lower: Floats
    exact: bool


class Ahead(NamedTuple):
    """Newton's step in the metric of a factor, to be subtracted, and half its squared decrement."""

    step: Floats
    promise: float


def table_of(engine: MemoryEngine, l2: float) -> Table | None:
    """The signed copy; None for targets that are no labels, and for columns that need scaling or may be constant.

    Raises DataError as `check_size` does.
    """
    X, y, s = np.asarray(engine.X[:], dtype=np.float64), engine.y, engine.weight
    if y.dtype != np.uint8 and not np.all((y == 0) | (y == 1)):
        return None
    engine.passes += 1
    if s is not None and not s.all():
        check_size(X)  # rows of weight 0 included
        X, y, s = X[s > 0.0], y[s > 0.0], s[s > 0.0]
    m, n = X.shape
    signed = np.empty((n + 1, m))
    signed[n] = 1.0
    centre = signed[n].dot(X) / m
    np.subtract(X.T, centre[:, None], out=signed[:n])
    extent, size = np.maximum.reduce(np.abs(signed), axis=1), np.abs(centre)
    offset, ridge = extent.copy(), np.zeros(n + 1)
    offset[:n] += size
    if not (np.minimum.reduce(extent) > 1.0 / UNITS and np.maximum.reduce(offset) < UNITS):  # NaN fails either
        check_size(engine.X)
        return None
    if (extent[:n] <= ALIKE * size).any():
        return None
    signed *= 1.0 - 2.0 * y
    weight = float(m) if s is None else float(s.sum())
    ridge[:n] = l2 * weight
    thin = signed.astype(np.float32) if m * n * n >= WORTH_SINGLE else None
    return Table(engine, signed, thin, s, weight, centre, extent * (1.0 + ALIKE), offset * (1.0 + ALIKE), ridge)


def look(table: Table, theta: Floats) -> At:
    """Value, gradient and the weights of the Hessian at theta, in one pass."""
    table.engine.passes += 1
    t = theta.dot(table.signed)
    e = np.exp(t)
    rest = 1.0 + e
    p = e / rest
    bend = p / rest
    losses = np.log1p(e)
    if table.s is not None:
        p *= table.s
        bend *= table.s
        losses *= table.s
    loss, pull = float(losses.sum()), table.ridge * theta
    return At(theta, t, bend, loss, loss + 0.5 * float(pull.dot(theta)), table.signed.dot(p) + pull)


def factorised(table: Table, at: At, l2: float, exact: bool) -> Factor | None:
    """The Hessian and its factor, not necessarily `exact`; None where it is singular, or where columns may depend."""
    exact = exact or table.thin is None
    root = np.sqrt(at.bend)
    half: NDArray[Any] = table.signed * root if table.thin is None or exact else table.thin * root.astype(np.float32)
    hessian = half.dot(half.T).astype(np.float64, copy=False)
    diagonal = hessian.reshape(-1)[:: len(hessian) + 1]
    diagonal += table.ridge
    lower, failed = lapack.dpotrf(hessian.T, lower=1)
    if failed or ((not exact or l2 == 0.0) and not _regular(lower, diagonal, SINGULAR if exact else SINGLE)):
        return None if exact else factorised(table, at, l2, exact=True)
    return Factor(at, hessian, lower, exact)


def _regular(lower: Floats, diagonal: Floats, least: float) -> bool:
    pivots = lower.diagonal()
    return bool((pivots * pivots > least * diagonal).all())


def ahead(factor: Factor, at: At) -> Ahead:
    """What `factor` says of a step from `at`, which need not be the point of the factor."""
    step = lapack.dpotrs(factor.lower, at.gradient, lower=1)[0]
    return Ahead(step, 0.5 * float(step.dot(at.gradient)))


def length(array: Floats) -> float:
    """Euclidean norm of all entries."""
    return math.sqrt(np.vdot(array, array))
