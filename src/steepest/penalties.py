"""Penalties: functions of w alone, added to the mean cost. The intercept is never penalised."""

from dataclasses import dataclass

from steepest.types import Floats

__all__ = ["L2"]


@dataclass(frozen=True, slots=True)
class L2:
    """½ l2 |w|², on the mean cost: value = J + ½ l2 w'w, gradient + l2 w, Hessian + l2 I.

    In scikit-learn's terms l2 = 1 / (C m): theirs is C times the *sum* of losses.

    >>> import numpy as np
    >>> L2(0.5).value(np.array([1.0, 2.0]))
    1.25
    """

    strength: float = 0.0

    def value(self, w: Floats) -> float:
        """½ l2 w'w."""
        return 0.5 * self.strength * float(w @ w) if self.strength else 0.0

    def gradient(self, w: Floats) -> Floats:
        """l2 w."""
        return self.strength * w
