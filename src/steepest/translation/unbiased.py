"""Standardising by the deviation with divisor n - 1: by how much it differs from ours, which divides by W.

Where their s² = k σ², the penalty l1' |s w| + ½ l2' (s w)² is √k l1' |σ w| + ½ k l2' (σ w)²: an objective of ours, on
any data, with l1 = √k l1' and l2 = k l2'.
"""

from __future__ import annotations

import math

from steepest.translation.penalised import Penalised, Rows
from steepest.translation.strengths import joined, split

__all__ = ["by_their_deviation", "by_used_rows", "by_weights", "ours_from"]


def by_used_rows(rows: Rows) -> float:
    """k = n/(n - 1), n the rows of weight > 0."""
    return rows.used / _positive(rows.used - 1.0)


def by_weights(rows: Rows) -> float:
    """k = W/(W - Σ sᵢ²/W): the unbiased variance of weighted rows; n/(n - 1) where all weigh the same.

    >>> by_weights(Rows.of(5)), by_used_rows(Rows.of(5))
    (1.25, 1.25)
    """
    return rows.total / _positive(rows.total - rows.squares / rows.total)


def ours_from(strength: float, share: float, k: float) -> tuple[float, float]:
    """(l1, l2) with respect to our deviation."""
    l1, l2 = split(strength, share)
    return l1 * math.sqrt(k), l2 * k


def by_their_deviation(objective: Penalised, k: float) -> tuple[float, float]:
    """(strength, share) with respect to theirs."""
    return joined(objective.l1 / math.sqrt(k), objective.l2 / k)


def _positive(value: float) -> float:
    if not value > 0.0:
        raise ValueError("of one single row no deviation can be had: switch their standardising off")
    return value
