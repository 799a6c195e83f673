"""A strength and a share (lambda and alpha, alpha and l1_ratio, 1/C and l1_ratio) to l1 and l2, and back; checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from steepest.translation.penalised import Penalised

__all__ = [
    "BOUNDED",
    "DEVIATES",
    "MOVES",
    "NO_WEIGHTS",
    "STANDARDIZED",
    "alike",
    "factors_of",
    "joined",
    "one_number",
    "origin",
    "per_column",
    "share",
    "split",
    "strength",
]

NO_WEIGHTS = "theirs takes no weights of rows"
BOUNDED = "limits the weights, and an objective here does not: for bounds see `lower` and `upper` of steepest.fit"
MOVES = "theirs moves it to mean 0 as well"  # which then is another model; so do H2O and a StandardScaler
DEVIATES = "theirs by its deviation from the mean"  # glmnet and Spark
STANDARDIZED = (
    "their X has standardised columns (mean 0, deviation 1 with divisor W; of scikit-learn a StandardScaler, given the "
    "weights too), and their weights refer to them; ours is given X as it is"
)


def one_number(name: str, value: Any) -> float:
    """A number, also from a list that holds one (H2O's models report theirs so); raises ValueError otherwise."""
    found = np.asarray(value, dtype=np.float64).ravel() if value is not None else np.empty(0)
    if len(found) != 1:
        raise ValueError(f"{name}={value!r} must be one number: translate the one that the fit used")
    return float(found[0])


def strength(name: str, value: Any) -> float:
    """A number >= 0; raises ValueError otherwise."""
    found = one_number(name, value)
    if not 0.0 <= found < math.inf:
        raise ValueError(f"{name}={found} must be a number >= 0")
    return found


def share(name: str, value: Any) -> float:
    """A number from 0 to 1; raises ValueError otherwise."""
    found = one_number(name, value)
    if not 0.0 <= found <= 1.0:
        raise ValueError(f"{name}={found} must be between 0 and 1")
    return found


def split(strength: float, share: float) -> tuple[float, float]:
    """(l1, l2) = strength * (share, 1 - share)."""
    return strength * share, strength * (1.0 - share)


def joined(l1: float, l2: float) -> tuple[float, float]:
    """(l1 + l2, l1 / (l1 + l2)); the share of nothing is 0.

    >>> joined(1.0, 3.0), joined(0.0, 0.0)
    ((4.0, 0.25), (0.0, 0.0))
    """
    total = l1 + l2
    return total, l1 / total if total else 0.0


def factors_of(name: str, value: ArrayLike) -> tuple[float, ...]:
    """Factors per column as a tuple; raises ValueError where one is negative, infinite or missing."""
    found = np.asarray(value, dtype=np.float64)
    if found.ndim != 1 or not found.size or not np.isfinite(found).all() or (found < 0.0).any():
        raise ValueError(f"{name}={value!r} must be one finite number >= 0 per column")
    return tuple(found.tolist())


def per_column(
    l1s: Sequence[float], l2s: Sequence[float], standardize: bool = False, intercept: bool = True
) -> Penalised | None:
    """The objective whose column j is penalised by l1s[j] |wⱼ| + ½ l2s[j] wⱼ²; factors have mean 1.

    None where l1s and l2s are not in the same proportion in all columns: we have one factor for both.

    >>> per_column([1.0, 3.0], [2.0, 6.0])
    Penalised(l1=2.0, l2=4.0, penalty_factors=(0.5, 1.5), standardize=False, intercept=True)
    """
    first, second = np.asarray(l1s, dtype=np.float64), np.asarray(l2s, dtype=np.float64)
    total = first + second
    if not total.any():
        return Penalised(standardize=standardize, intercept=intercept)
    factors = total / total.mean()
    l1, l2 = float(first.mean()), float(second.mean())
    if not np.allclose(first, l1 * factors, rtol=1e-9, atol=1e-12 * float(total.max())):
        return None
    if (total == total[0]).all():
        return Penalised(float(first[0]), float(second[0]), None, standardize, intercept)
    return Penalised(l1, l2, tuple(factors.tolist()), standardize, intercept)


def alike(objective: Penalised, name: str, scales: str = MOVES) -> tuple[Penalised, tuple[str, ...]]:
    """The objective without factors, and the reasons why that is not the same thing, where there are any."""
    even = objective.evenly
    if even is not None:
        return even, origin(objective, scales)
    reason = (
        f"{name} penalises all columns alike, and penalty_factors differ: they are left out here. With L2 alone, "
        "dividing column j by √fⱼ beforehand is the same thing; with L1 alone, by fⱼ (fⱼ > 0)"
    )
    return replace(objective, penalty_factors=None), (reason, *origin(objective, scales))


def origin(objective: Penalised, scales: str = MOVES) -> tuple[str, ...]:
    """The reason why standardised columns without an intercept are not the same thing in any two tools."""
    if objective.intercept or not objective.standardize:
        return ()
    return (f"without an intercept ours scales a column by its root mean square, {scales}: standardise neither",)
