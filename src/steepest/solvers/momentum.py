"""Gradient descent with momentum: B. T. Polyak, Some methods of speeding up the convergence of iteration methods,
USSR Computational Mathematics and Mathematical Physics 4 (1964), eq. 9.
"""

from __future__ import annotations

from steepest.types import Evaluate, Floats, Solver

__all__ = ["MOMENTUM", "momentum"]

MOMENTUM = 0.9  # the usual share of the last step that is kept


def momentum(theta: Floats, learning_rate: float, keep: float = MOMENTUM) -> Solver:
    """step := keep step - learning_rate d(theta);  theta := theta + step.  J may rise on the way; keep = 0 is descent.

    On a quadratic it is stable up to learning_rate = 2 (1 + keep) / lambda_max.
    """
    step = 0.0 * theta
    while True:
        at = yield Evaluate(theta, order=1)
        step = keep * step - learning_rate * at.gradient
        theta = theta + step
