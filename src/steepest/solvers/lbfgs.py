"""L-BFGS in a given metric, with unit steps: one pass over the rows per iteration.

J. Nocedal, Updating quasi-Newton matrices with limited storage, Mathematics of Computation 35 (1980); the two-loop
recursion is J. Nocedal, S. Wright, Numerical Optimization (2006), algorithm 7.4. What is not usual here is the
metric: in place of a multiple of the identity stands the inverse of a Hessian that was formed on a part of the rows.
It is wrong by the sampling error only, so the unit step is nearly always right, and the pairs correct the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from steepest.solvers.newton import SHORTER
from steepest.types import Along, Evaluate, Floats, Point, Solver, Status

__all__ = ["lbfgs"]

MEMORY = 12  # pairs kept


def lbfgs(
    theta: Floats,
    metric: Callable[[Floats], Floats],
    memory: int = MEMORY,
    shorter: tuple[float, ...] = SHORTER,
    rescale: bool = False,
) -> Solver:
    """theta := theta - t B gradient, B the metric corrected by the last steps; J never rises on an accepted step.

    `metric(v)` is an approximation of H^-1 v, symmetric and positive definite; `memory` pairs are kept; `shorter` are
    the steps looked at together when the unit step would raise J. A metric that is wrong by an unknown factor, such as
    a diagonal of correlated columns, is rescaled to the last pair (D. F. Shanno, K.-H. Phua, Matrix conditioning and
    nonlinear optimization, Mathematical Programming 14 (1978)).
    """
    at: Point = yield Evaluate(theta, order=1)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=memory)
    while True:
        step = -_corrected(at.gradient, pairs, metric, rescale)
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
        curvature = float(step @ bent)
        if curvature > np.finfo(float).eps * float(np.linalg.norm(step) * np.linalg.norm(bent)):
            pairs.append((step, bent, 1.0 / curvature))
        elif at.value >= before.value:
            return Status.MINIMUM


def _corrected(
    gradient: Floats,
    pairs: deque[tuple[Floats, Floats, float]],
    metric: Callable[[Floats], Floats],
    rescale: bool,
) -> Floats:
    """B gradient by the two-loop recursion."""
    q = gradient.copy()
    shares: list[float] = []
    for step, bent, inverse in reversed(pairs):
        share = inverse * float(step @ q)
        shares.append(share)
        q -= share * bent
    q = metric(q)
    if rescale and pairs:
        _, bent, inverse = pairs[-1]
        q *= 1.0 / (inverse * float(bent @ metric(bent)))
    for (step, bent, inverse), share in zip(pairs, reversed(shares), strict=True):
        q += (share - inverse * float(bent @ q)) * step
    return q
