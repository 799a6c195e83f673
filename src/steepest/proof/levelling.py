"""A dual point from any z: the nearest probabilities that fulfil what a dual point must.

A fit that is stopped stands where the sums of s (Y - a) are not 0, nor are the c of weights that nothing holds; the
restoring moves of `dual_point.py` are for roundings and reach no further than half an odds. Here

    alpha = softmax(z + X_A d),   d minimises the sum of s_i [log-sum-exp(z_i + d'x_i) - Y_i'(z_i + d'x_i)]

with A the intercept and the columns that nothing holds: its gradient X_A's(Y - alpha) is 0 at the minimum, to rounding.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steepest.softmax_formulas import softmax
from steepest.types import Floats

__all__ = ["MOST_LEVELLED", "levelled"]

MOST_LEVELLED = 400  # entries of d: its Hessian is formed at every step
STEPS = 60
HALVINGS = 40
STILL = 1e-13  # of the sum of weights: a gradient that restoring moves take care of
NEARLY = 1e-6  # likewise: more is no minimum
BLIND = 1e-11  # of the value: smaller decreases are lost in its rounding, and the slope says when to end
RIDGE = 1e-12  # of the trace: one number added to all classes changes nothing
DROP = 1e-4  # of what the slope promises must come true (L. Armijo, Pacific Journal of Mathematics 16 (1966))


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def levelled(z: Floats, Y: Floats, s: Floats, one: Floats) -> Floats | None:
    """Z + one d (m, K) for targets Y (m, K) that add up to 1 in each row; None if no minimum was found.

    >>> z = levelled(np.zeros((4, 2)), np.eye(2)[[0, 0, 0, 1]], np.ones(4), np.ones((4, 1)))
    >>> softmax(z)[0].round(9)
    array([0.75, 0.25])
    """
    K, size = z.shape[1], one.shape[1] * z.shape[1]
    if not 0 < size <= MOST_LEVELLED:
        return None
    value, unit = _value(z, Y, s), float(s.sum()) * max(1.0, float(np.abs(one).max()))
    steepest, blind = np.inf, False
    for _ in range(STEPS):
        a = softmax(z)
        slope = (one.T @ ((a - Y) * s[:, None])).ravel()
        before, steepest = steepest, float(np.abs(slope).max())
        if steepest <= STILL * unit or (blind and steepest > 0.5 * before):
            break
        H = _hessian(a, s, one, K)
        step = np.linalg.lstsq(H + RIDGE * np.trace(H) * np.eye(size), slope, rcond=None)[0]
        move, promised = one @ step.reshape(-1, K), float(slope @ step)
        blind = promised <= BLIND * abs(value)
        found = (z - move, value) if blind else _shortened(z, move, promised, (Y, s, value))
        if found is None:
            break
        z, value = found
    return z if steepest <= NEARLY * unit else None


def _shortened(
    z: Floats, move: Floats, promised: float, known: tuple[Floats, Floats, float]
) -> tuple[Floats, float] | None:
    """The longest of the steps 1, ½, … that lowers the value."""
    Y, s, value = known
    for k in range(HALVINGS):
        tried = z - 0.5**k * move
        there = _value(tried, Y, s)
        if there <= value - DROP * 0.5**k * promised:
            return tried, there
    return None


def _value(z: Floats, Y: Floats, s: Floats) -> float:
    top = z.max(axis=1, keepdims=True)
    each = np.log(np.exp(z - top).sum(axis=1)) - (Y * (z - top)).sum(axis=1)
    return float(s @ each)


def _hessian(a: Floats, s: Floats, one: Floats, K: int) -> NDArray[np.float64]:
    """Sum of s x x' times (diag(a) - a a'), entry (j K + k)."""
    k = one.shape[1]
    found = np.empty((k, K, k, K))
    for p in range(K):
        for q in range(K):
            factor = s * a[:, p] * ((1.0 if p == q else 0.0) - a[:, q])
            found[:, p, :, q] = one.T @ (one * factor[:, None])
    return found.reshape(k * K, k * K)
