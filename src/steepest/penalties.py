"""Penalties: functions of w alone, added to the mean cost. The intercept is never penalised."""

from dataclasses import dataclass

from steepest.types import Floats

__all__ = ["L2"]


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
