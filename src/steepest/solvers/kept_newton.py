"""Newton's method that keeps a Hessian while it serves: most steps then take a gradient, a tenth of the work.

The steps since a Hessian was formed correct it as in L-BFGS (`lbfgs.py`). While each step leaves a thirtieth of the
decrement at most, further gradients take a run to the end; where one leaves more, the next trial brings a Hessian of
its own, so that far from the optimum this is plain Newton's method. Whatever goes wrong (a singular Hessian, a step
that would raise J) is left to that, with its step control.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from steepest.lapack import cholesky, solved
from steepest.solvers.lbfgs import MEMORY, Pair, corrected
from steepest.solvers.newton import EPS, TINY, newton_from
from steepest.types import Evaluate, Floats, Solver, Status

__all__ = ["SERVES", "inverse_of", "kept_newton", "opening"]

SERVES = 1.0 / 30.0  # of the decrement is left at most by a step of a Hessian that serves


def kept_newton(theta: Floats, before: float = 0.0) -> Solver:
    """theta := theta - B gradient, B the inverse of the newest Hessian corrected by the steps since.

    `before` is the squared decrement that the step to theta promised, if there was one: it says how far that came.
    """
    at = yield Evaluate(theta, order=2)
    solve, pairs, fresh = inverse_of(at.hessian), deque[Pair](maxlen=MEMORY), True
    serves = solve is not None and float(at.gradient @ solve(at.gradient)) <= SERVES * before
    while solve is not None:
        step = -corrected(at.gradient, pairs, solve)
        promised = -float(at.gradient @ step)
        trial = yield Evaluate(theta + step, order=1 if serves else 2, trial=True)
        if not trial.value <= at.value:
            break
        last, theta = at, theta + step
        at = yield Evaluate(theta, order=1 if serves else 2)
        if at.hessian is not None:
            solve, fresh = inverse_of(at.hessian), True
            pairs.clear()
        else:
            pair, fresh = Pair.of(step, at.gradient - last.gradient, None), False
            if pair is not None:
                pairs.append(pair)
        if 0.5 * promised <= EPS * last.value:
            return Status.MINIMUM
        if solve is not None:
            serves = float(at.gradient @ corrected(at.gradient, pairs, solve)) <= SERVES * promised
    if not fresh:
        at = yield Evaluate(theta, order=2, trial=True)
    return (yield from newton_from(theta, at))


def opening(theta: Floats, metric: Callable[[Floats], Floats]) -> Solver:
    """One step in a metric that is at hand; the point that it leads to has a Hessian. None if J would rise."""
    at = yield Evaluate(theta, order=1)
    theta = theta - metric(at.gradient)
    trial = yield Evaluate(theta, order=2, trial=True)
    if trial.value <= at.value:
        yield Evaluate(theta, order=2)
    return Status.MINIMUM


def inverse_of(hessian: Floats) -> Callable[[Floats], Floats] | None:
    """v -> H^-1 v, by Cholesky in units that make the diagonal 1; None if H is singular to working precision.

    >>> inverse_of(np.diag([4.0, 16.0]))(np.ones(2)).tolist(), inverse_of(np.ones((2, 2)))
    ([0.25, 0.0625], None)
    """
    if not np.isfinite(hessian).all():
        return None
    unit = np.sqrt(np.maximum(np.diagonal(hessian), TINY))
    factor = cholesky(hessian / unit / unit[:, None])
    if factor is None or not np.min(np.diagonal(factor)) ** 2 > len(unit) * EPS:
        return None
    return lambda v: solved(factor, v / unit) / unit
