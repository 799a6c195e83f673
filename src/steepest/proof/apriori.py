"""A certificate from what a solver already has: no further pass over the rows.

`certificate.py` measures what rounding did to every sum, in passes of its own. Here it is bounded beforehand, from
the extent of each column alone: with |x~_ij| <= E_j,
    |error of z|            <= delta = gamma(n + 10) (sum of E_j |u_j| + sum of |centre_j w_j| + |c| + |offset|)
    |error of gradient_j|   <= W E_j (delta e^delta / 4 + 16 u + gamma(rows + depth))
because |a - y| <= 1 and the slope of a is at most 1/4. That is larger by some orders than what happens, and still far
below what a relative gap of 1e-9 needs. Everything else is C2 of `certificate.py`; proofs: docs/decisions/0001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from steepest.proof.bounds import bounds
from steepest.proof.certificate import Certificate, published
from steepest.proof.rounding import FEW, SLACK, UNIT, Metric, gamma
from steepest.scaling import Scaling
from steepest.types import Floats, Point

__all__ = ["Apriori"]


@dataclass(frozen=True, slots=True)
class Apriori:
    """What is known of a table before any sum is formed.

    frame     x~ = (x - centre) / scale, scales powers of two (or infinite: the column is left out)
    extent    (n,) E_j >= |x~_ij| of every row
    length    >= |(x~_i, 1)| of every row
    offset    >= |offset of z| of every row
    lightest  the smallest positive row weight
    framed    (m, n + 1) the rows (x~_i, 1) themselves where they are few: leverages are then exact, not bounds
    strength  (n,) of the penalty on the mean cost, in the frame
    weight    W, the sum of the row weights
    rows      rows of a block plus the depth of the tree: roundings on the way into a sum
    """

    frame: Scaling
    extent: Floats
    length: float
    strength: Floats
    weight: float
    rows: int
    framed: Floats | None = None
    offset: float = 0.0
    lightest: float = 1.0

    def doubt(self, theta: Floats) -> float:
        """delta: how wrong z of any row may be, the rounding of the user's intercept included."""
        u, c = np.abs(theta[:-1]), abs(float(theta[-1]))
        size = float(self.extent @ u + np.abs(self.frame.centre) @ (u / self.frame.scale)) + c
        return gamma(len(theta) + 10) * (size + self.offset) * SLACK

    def metric(self, hessian: Floats, doubt: float) -> Metric | None:
        """The sum `hessian` over some or all rows, as computed, plus the penalty; None if it may be singular."""
        error = (self._adding + 2.0 * FEW + math.expm1(min(doubt, 1.0))) * (1.0 + 2.0**-6)
        ridge = np.append(self.strength * self.weight, 0.0)
        return Metric.of(hessian + np.diag(ridge), error + gamma(8)) if doubt < 1.0 else None

    def certificate(self, theta: Floats, point: Point, metric: Metric) -> Certificate:
        """The certificate at theta, whose point is (value, gradient); `metric` from `metric` at the same theta."""
        doubt = self.doubt(theta)
        if not doubt < 1.0:
            return Certificate(math.inf, 1.0, math.inf, "unknown")
        norm = metric.norm(self.weight * point.gradient, self.gradient_doubts(theta, point, doubt))
        proved = bounds(norm, self.leverage(metric))
        return published(proved, self.value(point, doubt), self.lightest)

    def gradient_doubts(self, theta: Floats, point: Point, doubt: float) -> Floats:
        """(n + 1,) how wrong each entry of W times the gradient at theta may be."""
        change = 0.25 * doubt * math.exp(doubt) + FEW + self._adding
        pull = np.append(self.strength * np.abs(theta[:-1]), 0.0)
        doubts = self.weight * (change * self.mass + self._adding * pull) * SLACK
        return np.asarray(doubts + 4.0 * UNIT * self.weight * np.abs(point.gradient))

    def value(self, point: Point, doubt: float) -> float:
        """F at least."""
        return self.weight * (point.value * (1.0 - FEW - self._adding) - doubt)

    @property
    def mass(self) -> Floats:
        """(n + 1,) the mean of |x~_ij| at most."""
        return np.append(self.extent, 1.0)

    def leverage(self, metric: Metric) -> float:
        """The largest |x~_i|_{M^-1} of any row, at most."""
        if self.framed is None:
            return metric.longest(self.length)
        return float(metric.row_norms(self.framed, exact=True).max())

    @property
    def _adding(self) -> float:
        return gamma(self.rows + 8)
