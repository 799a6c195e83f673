"""What is translated: an objective of ours, and what a translation must know of the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Penalised", "Rows", "RowsLike"]


@dataclass(frozen=True, slots=True)
class Penalised:
    """F(w, b) = 1/W Σᵢ sᵢ Lᵢ + Σⱼ fⱼ (l1 |wⱼ| + ½ l2 wⱼ²), W = Σᵢ sᵢ; the intercept b is never penalised.

    The names are those of `steepest.fit`.

    l1, l2            strengths relative to the mean cost, >= 0
    penalty_factors   fⱼ >= 0, one per column, or None for 1 everywhere
    standardize       the penalty refers to σⱼ wⱼ in place of wⱼ, σⱼ² = 1/W Σᵢ sᵢ (xᵢⱼ - mean)², divisor W
    intercept         False: b = 0

    Raises ValueError for a strength or a factor that is negative or not finite.

    >>> Penalised(l2=0.5).options
    {'l2': 0.5}
    """

    l1: float = 0.0
    l2: float = 0.0
    penalty_factors: tuple[float, ...] | None = None
    standardize: bool = False
    intercept: bool = True

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            value = float(getattr(self, name))
            if not 0.0 <= value < math.inf:
                raise ValueError(f"{name}={value} must be a number >= 0")
            object.__setattr__(self, name, value)
        if self.penalty_factors is not None:
            factors = tuple(float(each) for each in self.penalty_factors)
            if not factors or not all(0.0 <= each < math.inf for each in factors):
                raise ValueError(f"penalty_factors={factors} must be numbers >= 0, one per column")
            object.__setattr__(self, "penalty_factors", factors)

    @property
    def options(self) -> dict[str, Any]:
        """What to hand to `steepest.fit(X, y, **options)`; what is at its default is left out."""
        named = {
            "l1": self.l1, "l2": self.l2, "penalty_factors": self.penalty_factors, "standardize": self.standardize
        }  # fmt: skip
        return {name: value for name, value in named.items() if value} | (
            {} if self.intercept else {"intercept": False}
        )

    @property
    def evenly(self) -> Penalised | None:
        """The same objective without factors, where they are all equal; None where columns differ."""
        if self.penalty_factors is None:
            return self
        first = self.penalty_factors[0]
        if any(each != first for each in self.penalty_factors) and self.l1 + self.l2 > 0.0:
            return None
        return replace(self, l1=self.l1 * first, l2=self.l2 * first, penalty_factors=None)

    def same_as(self, other: Penalised, rel: float = 1e-12) -> bool:
        """Whether both are one function of (w, b): equal strengths column by column, to `rel`.

        l1 = 1 with factors (2, 4) is l1 = 2 with factors (1, 2); of nothing penalised the columns' scale is no matter.

        >>> Penalised(l1=1.0, penalty_factors=(2.0, 4.0)).same_as(Penalised(l1=2.0, penalty_factors=(1.0, 2.0)))
        True
        """
        n = max(len(each.penalty_factors or (1.0,)) for each in (self, other))
        mine, theirs = self._columns(n), other._columns(n)
        if (
            self.intercept != other.intercept
            or mine.shape != theirs.shape
            or not np.allclose(mine, theirs, rtol=rel, atol=0.0)
        ):
            return False
        return self.standardize == other.standardize or not mine.any()

    def _columns(self, n: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(2, n) strengths of |wⱼ| and of ½ wⱼ², column by column."""
        factors = np.ones(n) if self.penalty_factors is None else np.asarray(self.penalty_factors)
        return np.stack([self.l1 * factors, self.l2 * factors])


@dataclass(frozen=True, slots=True)
class Rows:
    """What a translation must know of the rows: sums and means differ by W, deviations by their divisors.

    m        rows
    total    W = Σᵢ sᵢ, their total weight; m where all weigh 1
    squares  Σᵢ sᵢ²
    used     rows of weight > 0

    >>> Rows.of([0.5, 0.0, 1.5])
    Rows(m=3, total=2.0, squares=2.5, used=2)
    """

    m: int
    total: float
    squares: float
    used: int

    @classmethod
    def of(cls, rows: RowsLike) -> Rows:
        """From a number of rows, or from their weights (m,); raises ValueError where nothing would be weighed."""
        if isinstance(rows, Rows):
            return rows
        if isinstance(rows, Integral):
            if rows < 1:
                raise ValueError(f"rows={rows} must be at least 1, or the weights of the rows")
            return cls(int(rows), float(rows), float(rows), int(rows))
        weight = np.asarray(rows, dtype=np.float64)
        if weight.ndim != 1 or not np.isfinite(weight).all() or (weight < 0.0).any() or not weight.sum() > 0.0:
            raise ValueError("rows must be a number of rows, or one finite weight >= 0 per row, not all of them 0")
        return cls(len(weight), float(weight.sum()), float(weight @ weight), int((weight > 0.0).sum()))

    @property
    def weighted(self) -> bool:
        """Whether any weight differs from 1; all are 1 only where Σ s = Σ s² = m (Cauchy-Schwarz)."""
        return not self.m == self.total == self.squares


RowsLike = int | Rows | Sequence[float] | ArrayLike
