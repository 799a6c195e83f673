"""Nesterov's accelerated gradient with restart.

Yu. Nesterov, A method of solving a convex programming problem with convergence rate O(1/k²), Soviet Mathematics
Doklady 27 (1983); restart whenever J rises: B. O'Donoghue, E. Candès, Adaptive restart for accelerated gradient
schemes, Foundations of Computational Mathematics 15 (2015), section 3.2, function scheme.
"""

from __future__ import annotations

import math

from steepest.types import Evaluate, Floats, Solver

__all__ = ["nesterov"]


def nesterov(theta: Floats, learning_rate: float) -> Solver:
    """landed := theta - learning_rate d(theta);  theta := landed + ((t - 1) / t') (landed - landed before).

    t' = (1 + sqrt(1 + 4 t²)) / 2 grows from 1; when J has risen the momentum is dropped and t begins again at 1.
    The iterates are the points where the gradient is taken.
    """
    landed, t, value = theta, 1.0, math.inf
    while True:
        at = yield Evaluate(theta, order=1)
        if at.value > value:
            t = 1.0
        value = at.value
        before, landed = landed, theta - learning_rate * at.gradient
        longer = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0
        theta = landed + ((t - 1.0) / longer) * (landed - before)
        t = longer
