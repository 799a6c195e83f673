"""Newton's method with step control: J never rises on an accepted step.

The full step is tried first. Where it does not lower J (far from the optimum plain Newton runs away), one further
pass looks along the same direction at 2^-1 … 2^-40 of it at once; where rows are so far out that the Hessian is next to
nothing (z = 200 leaves 1e-87), further ones at 2^-41 … 2^-80 and so on, as long as that still moves theta. Where the
Hessian is singular (collinear columns, saturated rows) the step is the shortest of the least-squares steps, which
leaves undetermined directions alone.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from steepest.lapack import lapack
from steepest.types import Along, Evaluate, Floats, Point, Solver, Status

__all__ = ["EPS", "SHORTER", "TINY", "newton", "newton_from", "newton_step"]

SHORTER = tuple(2.0**-k for k in range(1, 41))
TINY, EPS = np.finfo(float).tiny, np.finfo(float).eps
SUFFICIENT = 1e-4  # share of the promised decrease that a shortened step must deliver (Armijo)


def newton(theta: Floats) -> Solver:
    """theta := theta - t H^-1 gradient, t = 1 unless J would rise."""
    at = yield Evaluate(theta, order=2)
    return (yield from newton_from(theta, at))


def newton_from(theta: Floats, at: Point) -> Solver:
    """As `newton`, from a theta whose point is known."""
    while True:
        if not np.isfinite(at.hessian).all():
            return Status.OVERFLOW
        step = newton_step(at)
        promised = -float(at.gradient @ step)
        trial = yield Evaluate(theta + step, order=2, trial=True)
        if not trial.value <= at.value:
            shortened = yield from _shortened(theta, step, at)
            if shortened is None:
                return Status.MINIMUM
            step = shortened
            trial = yield Evaluate(theta + step, order=2, trial=True)
            if not trial.value <= at.value:
                return Status.MINIMUM
        theta, value = theta + step, at.value
        at = yield Evaluate(theta, order=2)
        if 0.5 * promised <= EPS * value:
            return Status.MINIMUM


def _shortened(theta: Floats, step: Floats, at: Point) -> Generator[Along, Floats, Floats | None]:
    """The longest 2^-k step that lowers J by its share of what is promised, or None if none that moves theta does."""
    slope = float(at.gradient @ step)
    while np.any(theta + SHORTER[0] * step != theta):
        values = yield Along(theta, step, SHORTER)
        enough = at.value + SUFFICIENT * slope * np.array(SHORTER)
        lower = np.flatnonzero((values <= enough) & (values < at.value))
        if len(lower):
            return np.asarray(SHORTER[lower[0]] * step)
        step, slope = SHORTER[-1] * step, SHORTER[-1] * slope
    return None


def newton_step(at: Point) -> Floats:
    """-H^-1 gradient, by Cholesky; by least squares where H is singular to working precision.

    H is scaled to a unit diagonal first, so that the verdict does not depend on the units of the columns.
    """
    unit = np.sqrt(np.maximum(np.diagonal(at.hessian), TINY))
    scaled = at.hessian / unit / unit[:, None]
    downhill = -at.gradient / unit
    # LAPACK itself: on small tables the checks around it would cost more than it does
    factor, solution, failed = lapack.dposv(scaled, downhill, lower=1)
    if not failed and np.min(np.diagonal(factor)) ** 2 > len(unit) * EPS:
        return np.asarray(solution / unit)
    return np.asarray(np.linalg.lstsq(scaled, downhill, rcond=None)[0] / unit)
