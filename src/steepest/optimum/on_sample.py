"""What a sample says of a dense table: its optimum, where a fit starts, and its Hessian there, the metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from steepest import formulas
from steepest.driver import Iterate, StopRules, rehearse
from steepest.lapack import cholesky, solved
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.sampling import Sample
from steepest.solvers.lbfgs import lbfgs
from steepest.types import Floats

__all__ = ["FOR_A_START", "Prepared", "left_of", "on_sample", "singular"]

TOGETHER = 512  # rows of the sample that are widened together
STEPS_ON_SAMPLE = 40
SETTLED = 0.01  # of the sample's own uncertainty: its optimum need not be known better
FOR_A_START = 6  # rows per column that say enough to solve the sample: its scales, and a metric
RIDGE = 0.1  # rows' worth of penalty on the sample: keeps its optimum finite where classes are separable in it
SINGULAR = 1e-10  # squared pivot of a unit diagonal: below, columns are looked at for relations


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the sample says: its optimum, a(1 - a) of its rows there, its Hessian without penalty, and its inverse."""

    theta: Floats
    curvature: Floats
    hessian: Floats
    solve: Callable[[Floats], Floats]


def on_sample(objective: Objective, strength: Floats, sample: Sample, theta: Floats) -> Prepared | None:
    """The optimum of the sample and its Hessian there; None if that is singular.

    L-BFGS starts in the metric of some of the sample's rows: a step on the sample costs a hundredth of a Hessian.
    """
    rows, n = sample.weighted, len(strength)
    penalised = replace(objective, engine=rows, penalty=L2(strength + RIDGE / rows.m))
    with rows.quiet_blas():
        few = replace(penalised, engine=sample.thinned(FOR_A_START * n))
        first = inverse(few.evaluated(theta, 2).hessian)
        if first is None:
            return None
        enough = SETTLED * n / rows.m

        def settled(at: Iterate) -> bool:
            decrement = float(at.point.gradient @ first(at.point.gradient))
            return bool(0.5 * decrement <= enough)

        there = rehearse(lbfgs(theta, first), penalised, StopRules(STEPS_ON_SAMPLE, enough=settled)).last.theta
        plain = replace(penalised, penalty=L2(np.zeros(n)))
        hessian = plain.evaluated(there, 2).hessian
        assert hessian is not None  # it was asked for
        solve = inverse(hessian + np.diag(np.append(strength, 0.0)))
        if solve is None:
            return None
        return Prepared(there, np.concatenate(list(curvatures(objective, sample, there))), hessian, solve)


def curvatures(objective: Objective, sample: Sample, theta: Floats) -> Iterator[Floats]:
    """a(1 - a) of the sample's rows, some at a time."""
    w, b = objective.seen(theta)
    rows, centre = sample.weighted, 0.0 if objective.scaling is None else objective.scaling.centre
    for start in range(0, rows.m, TOGETHER):
        part = slice(start, start + TOGETHER)
        X = rows.X[part] - centre if np.any(centre) else rows.X[part]
        yield formulas.curvature(np.matmul(X, w) + b + (0.0 if rows.offset is None else rows.offset[part]))


def left_of(objective: Objective, sample: Sample, theta: Floats, before: Floats) -> float:
    """The least ratio of any row's a(1 - a) to what it was `before`; rows that were 0 are in no sum."""
    least, start = math.inf, 0
    for here in curvatures(objective, sample, theta):
        was = before[start : start + len(here)]
        counts = was > 0.0
        least = min(least, float(np.min(here[counts] / was[counts], initial=math.inf)))
        start += len(here)
    return least


def inverse(hessian: Floats | None) -> Callable[[Floats], Floats] | None:
    """v -> H^-1 v, or None if H is singular to working precision."""
    if hessian is None or singular(hessian):
        return None
    factor = cholesky(hessian)
    return None if factor is None else lambda v: solved(factor, v)


def singular(hessian: Floats | None) -> bool:
    """Whether, in units that make its diagonal 1, the matrix has a pivot next to nothing."""
    assert hessian is not None  # whoever asks has evaluated it
    unit = np.sqrt(np.diagonal(hessian))
    if not np.all(unit > 0.0) or not np.isfinite(unit).all():
        return True
    factor = cholesky(hessian / unit / unit[:, None])
    return factor is None or bool(np.min(np.diagonal(factor)) ** 2 <= SINGULAR)
