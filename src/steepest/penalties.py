"""Penalties: functions of w alone, added to the mean cost. The intercept is never penalised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = ["L2", "NONE", "ElasticNet", "Penalties"]


@dataclass(frozen=True, slots=True)
class L2:
    """½ sum of l2_j w_j², on the mean cost: value = J + that, gradient + l2 w, Hessian + diag(l2).

    `strength` is l2, one number or one per column. In scikit-learn's terms l2 = 1 / (C m): theirs is C times the
    *sum* of losses.

    >>> import numpy as np
    >>> L2(0.5).value(np.array([1.0, 2.0]))
    1.25
    """

    strength: float | Floats = 0.0

    def value(self, w: Floats) -> float:
        """½ sum of l2_j w_j²."""
        return 0.5 * float((self.strength * w) @ w)

    def gradient(self, w: Floats) -> Floats:
        """l2 w."""
        return self.strength * w


@dataclass(frozen=True, slots=True)
class Penalties:
    """What a fit may ask for beyond one l2: an l1, a factor for each column's l1 and l2, bounds on the weights.

    factors (n,) >= 0, taken as given, or None for ones; lower, upper (n,) or None where nothing is bounded.
    """

    l1: float = 0.0
    factors: Floats | None = None
    lower: Floats | None = None
    upper: Floats | None = None

    @property
    def smooth(self) -> bool:
        """Whether what is left is a ridge, with one strength per column."""
        return self.l1 == 0.0 and self.lower is None and self.upper is None

    @property
    def plain(self) -> bool:
        """Whether there is nothing but one l2."""
        return self.smooth and self.factors is None


NONE = Penalties()


@dataclass(frozen=True, slots=True)
class ElasticNet:
    """g(w) = sum of l1_j |w_j| + ½ l2_j w_j² where lower_j <= w_j <= upper_j for all j, and infinite elsewhere.

    All four are arrays (n,). g is a sum of functions of one weight each, and so is what belongs to it:
        prox(v, h)      argmin of ½ h (w - v)² + g(w)
        conjugate(c)    g*(c) = sup of c w - g(w), which is infinite where |c| > l1, l2 = 0 and no bound holds
        nearest(c)      where that supremum is taken
    N. Parikh, S. Boyd, Proximal algorithms, Foundations and Trends in Optimization 1 (2014), sections 2.1 and 6.5.

    >>> import numpy as np
    >>> net = ElasticNet(np.array([1.0, 1.0]), np.array([2.0, 0.0]), np.array([-9.0, 0.0]), np.array([9.0, np.inf]))
    >>> net.value(np.array([-2.0, 3.0])), net.nearest(np.array([-5.0, 0.5])), net.conjugate(np.array([-5.0, 0.5]))
    (9.0, array([-2.,  0.]), array([4., 0.]))
    """

    l1: Floats
    l2: Floats
    lower: Floats
    upper: Floats

    def take(self, columns: NDArray[np.intp]) -> ElasticNet:
        """The same for some of the columns."""
        return ElasticNet(self.l1[columns], self.l2[columns], self.lower[columns], self.upper[columns])

    def value(self, w: Floats) -> float:
        """g(w), for w within the bounds."""
        return float(self.l1 @ np.abs(w) + 0.5 * ((self.l2 * w) @ w))

    def nearest(self, c: Floats) -> Floats:
        """(n,) the w that maximises c w - g(w); of several, that nearest to 0; infinite where nothing holds it."""
        pull = shrunk(c, self.l1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            free = np.where(pull == 0.0, 0.0, pull / self.l2)
        return np.clip(free, self.lower, self.upper)

    def conjugate(self, c: Floats) -> Floats:
        """(n,) the terms of g*(c); infinite where c pulls harder than anything holds."""
        w = self.nearest(c)
        there = np.isfinite(w)
        at = np.where(there, w, 0.0)
        return np.where(there, c * at - self.l1 * np.abs(at) - 0.5 * self.l2 * at * at, np.inf)

    def excess(self, w: Floats, c: Floats) -> Floats:
        """(n,) g(w) + g*(c) - c w >= 0, which is 0 where w and c belong together (Fenchel, Young); w within bounds.

        As the difference of c v - g(v) at v = nearest(c) and v = w: next to the optimum nothing cancels.
        """
        v = self.nearest(c)
        there = np.isfinite(v)
        at = np.where(there, v, w)
        over = (w - at) * (0.5 * self.l2 * (w + at) - c) + self.l1 * (np.abs(w) - np.abs(at))
        return np.where(there, np.maximum(over, 0.0), np.inf)

    def violation(self, w: Floats, c: Floats) -> Floats:
        """(n,) how far c lies outside the subdifferential of g at w; 0 for all columns at the optimum, c = -gradient.

        Positive where w should grow, negative where it should fall.
        """
        bent = self.l2 * w
        right = np.where(w < self.upper, bent + np.where(w >= 0.0, self.l1, -self.l1), np.inf)
        left = np.where(w > self.lower, bent + np.where(w > 0.0, self.l1, -self.l1), -np.inf)
        return np.where(c > right, c - right, np.where(c < left, c - left, 0.0))


def shrunk(c: Floats, by: Floats) -> Floats:
    """sign(c) max(|c| - by, 0): soft thresholding.

    >>> import numpy as np
    >>> shrunk(np.array([3.0, -0.5]), np.array([1.0, 1.0])).tolist()
    [2.0, 0.0]
    """
    return np.where(c > by, c - by, np.where(c < -by, c + by, 0.0))
