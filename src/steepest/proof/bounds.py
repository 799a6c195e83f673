"""C1, C2 and C3 of docs/decisions/0001-certificates.md as numbers: what a gradient over a metric says of the optimum.

With lambda = |g|_{M^-1}, B >= |x_i|_{M^-1} for all rows and sigma = lambda B < 1, k as in `curves.excess`:
    F - F* <= ½ lambda² k(sigma),   |theta - theta*|_M <= -log(1 - sigma) / B,
and from whatever a gap is known, it bounds the distance as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from steepest.proof.curves import excess, flattening, turn_of
from steepest.proof.rounding import SLACK

__all__ = ["Bounds", "bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the theorems give on the sum F; see `bounds`."""

    gap: float  # F - F*
    radius: float  # |theta - theta*|_H
    reach: float  # max |x_i'(theta - theta*)|
    sigma: float
    exists: bool


def bounds(norm: float, leverage: float, dual: float = math.inf, inside: bool = False, beside: float = 0.0) -> Bounds:
    """C1 and C2 together: the gap is the smaller of both, and the gap bounds the radius too.

    `norm` is |g| and `leverage` the largest |x|, both over M^-1; `dual` what C1 says; `inside` whether that alone shows
    that an optimum exists; `beside` is added to the gap of C2, for what M leaves out.
    """
    sigma = norm * leverage * SLACK
    near = sigma < 1.0
    dual = math.inf if math.isnan(dual) else dual
    gap = min(dual, (0.5 * norm * norm * excess(sigma) + beside) * SLACK if near else math.inf)
    turn = -math.log1p(-sigma) * SLACK if near else math.inf
    turn = min(turn, turn_of(gap * leverage * leverage * SLACK))
    if not math.isfinite(turn):
        return Bounds(gap, math.inf, math.inf, sigma, near or inside)
    radius = math.sqrt(gap / flattening(turn)) * SLACK
    if near and leverage > 0.0:  # rows of zeros without an intercept have none, and no z depends on theta
        radius = min(radius, turn / leverage * SLACK)
    return Bounds(gap, radius, min(turn, leverage * radius * SLACK), sigma, near or inside)
