"""Functions of one number in the bounds of `certificate.py`, derived in docs/decisions/0001-certificates.md."""

from __future__ import annotations

import math

__all__ = ["excess", "flattening", "turn_of"]

SERIES = 0.05  # below, the closed forms cancel, and their series end: the terms left out are below 1e-17 of the sum
EXCESS = tuple(2.0 / ((j + 1) * (j + 2)) for j in reversed(range(12)))
FLATTENING = tuple((-1.0) ** j / (math.factorial(j) * (j + 2)) for j in reversed(range(9)))


def excess(sigma: float) -> float:
    """k(sigma) = 2 [sigma + (1 - sigma) log(1 - sigma)] / sigma², 1 at 0 and 2 at 1, for 0 <= sigma <= 1.

    >>> excess(0.0), round(excess(0.5), 6), excess(1.0)
    (1.0, 1.227411, 2.0)
    """
    if sigma < SERIES:
        return _polynomial(EXCESS, sigma)
    rest = 1.0 - sigma
    return 2.0 * (sigma + (rest * math.log(rest) if rest else 0.0)) / sigma**2


def flattening(turn: float) -> float:
    """[1 - (1 + x) e^-x] / x² = ½ - x/3 + x²/8 - …: F(theta) - F* >= this |theta - theta*|_H², x = max |x_i'(…)|.

    >>> flattening(0.0), round(flattening(1.0), 6)
    (0.5, 0.264241)
    """
    if turn < SERIES:
        return _polynomial(FLATTENING, turn)
    return (1.0 - (1.0 + turn) * math.exp(-turn)) / turn**2


def turn_of(scaled_gap: float) -> float:
    """The x with 1 - (1 + x) e^-x = gap B², rounded up; infinite from gap B² = 1 on. |x_i'(theta - theta*)| <= x.

    >>> round(turn_of(0.264241), 5), turn_of(1.0)
    (1.0, inf)
    """
    if not scaled_gap < 1.0 - 1e-9:
        return math.inf
    first = math.sqrt(2.0 * scaled_gap)
    if first <= 1e-3:  # x²/2 - x³/3 at s (1 + s) is more than s²/2: an upper bound, too large by a factor 1 + s at most
        return first * (1.0 + first)
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        reached = middle * middle * flattening(middle) >= scaled_gap * (1.0 + 1e-9)
        low, high = (low, middle) if reached else (middle, high)
        if high - low <= 1e-9 * high:
            break
    return high


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    """By Horner's rule, the highest power first."""
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total
