"""The gradient step of the seeds, and nothing else."""

from __future__ import annotations

from steepest.types import Evaluate, Floats, Solver

__all__ = ["gradient_descent"]


def gradient_descent(theta: Floats, learning_rate: float) -> Solver:
    """w := w - learning_rate dw;  b := b - learning_rate db.  Stopping is the driver's business."""
    while True:
        at = yield Evaluate(theta, order=1)
        theta = theta - learning_rate * at.gradient
