"""Proximal Newton: theta := theta + t (target - theta), the target minimising a model of loss plus penalty.

The model keeps what is not smooth (|w|, bounds) as it is and expands the rest to second order, so that weights become
exactly 0 and stay within their bounds (J. Lee, Y. Sun, M. Saunders, Proximal Newton-type methods for minimizing
composite functions, SIAM Journal on Optimization 24 (2014), algorithm 1). The model is the business of whoever passes
`nearest`; it may be an older one, for a while.
"""

from __future__ import annotations

from collections.abc import Callable

from steepest.types import Evaluate, Floats, Solver, Status

__all__ = ["proximal_newton"]

SHORTER = (0.5, 0.25, 0.0625, 2.0**-8, 2.0**-16)
LAST = 2.0**-50
NOISE = 2.0**-44  # of the value, that adding up the losses of many rows may be off: such a rise says nothing
SUFFICIENT = 1e-4  # of the decrease that the model promises

Nearest = Callable[[Floats], tuple[Floats, float]]


def proximal_newton(theta: Floats, nearest: Nearest) -> Solver:
    """From theta; `nearest(theta)` is the target of the model at theta and the change of the value that it promises.

    The value never rises, but by its own rounding in the very last step. Ends where no step lowers it any further.
    """
    at = yield Evaluate(theta, order=1)
    while True:
        target, promised = nearest(theta)
        if not promised < 0.0:
            return Status.MINIMUM
        trial = target
        there = yield Evaluate(trial, order=1, trial=True)
        if -promised <= LAST * abs(at.value) and there.value <= at.value * (1.0 + NOISE):
            yield Evaluate(target, order=1)  # what it promises is below the rounding of the value: the last step
            return Status.MINIMUM
        if not there.value <= at.value:
            for share in SHORTER:
                trial = theta + share * (target - theta)
                there = yield Evaluate(trial, order=1, trial=True)
                if there.value <= at.value + SUFFICIENT * share * promised:
                    break
            else:
                return Status.MINIMUM
        theta = trial
        at = yield Evaluate(theta, order=1)
