"""`apriori.py` for rows of numbers and categories: a row has p + k terms, so its rounding does not grow with levels.

    |error of z|            <= gamma(p + k + 10) (sum over numbers of E_j |u_j| + over categories of max |u_l| + …)
    |error of gradient_l|   <= (weight of the rows of level l) (delta e^delta / 4 + 16 u + gamma(depth))
    |x~_i|_{M^-1}           <= |(numbers, 1)| |Y_numbers|_2 + sum over categories of max_l |e_l|_{M^-1}

The last is the triangle inequality, x~ being its numbers plus k unit vectors: no row is looked at. Columns of levels
are neither scaled nor centred. docs/decisions/0008 has the proofs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from steepest.mixed_rows import Layout
from steepest.proof.apriori import Apriori
from steepest.proof.rounding import FEW, SLACK, Metric, gamma
from steepest.types import Floats

__all__ = ["MixedApriori"]


@dataclass(frozen=True, slots=True)
class MixedApriori(Apriori):
    """As `Apriori`, with `length` that of (numbers, 1) alone.

    weights  (N,) sum of the row weights of each slot, as computed
    deep     roundings on the way into a second derivative, which is added to row by row
    """

    layout: Layout | None = None
    weights: Floats | None = None
    deep: int = 0

    def doubt(self, theta: Floats) -> float:
        """delta: how wrong z of any row may be, the rounding of the user's intercept included."""
        size = self.reach(theta) + float(np.abs(self.frame.centre) @ (np.abs(theta[:-1]) / self.frame.scale))
        return gamma(self._layout.terms + 10) * (size + self.offset) * SLACK

    def reach(self, step: Floats) -> float:
        """V >= |x~_i'step| of every row: by as much z moves at most."""
        layout = self._layout
        seen = np.where(np.isfinite(self.frame.scale), np.abs(step[:-1]), 0.0)
        of_numbers, of_slots = layout.split(seen)
        size = float(self.extent[layout.numbers] @ of_numbers) + float(self._worst(of_slots).sum())
        return (size + abs(float(step[-1]))) * SLACK

    def metric(self, hessian: Floats, doubt: float) -> Metric | None:
        """The sum `hessian` over all rows, as computed, plus the penalty; None if it may be singular."""
        error = (gamma(self.deep + 8) + 2.0 * FEW + math.expm1(min(doubt, 1.0))) * (1.0 + 2.0**-6)
        ridge = np.append(self.strength * self.weight, 0.0)
        return Metric.of(hessian + np.diag(ridge), error + gamma(8)) if doubt < 1.0 else None

    @property
    def mass(self) -> Floats:
        """(n + 1,) the mean of |x~_ij| at most: of a level the share of its rows."""
        layout = self._layout
        assert self.weights is not None  # they come with the layout
        share = self.weights / self.weight * (1.0 + 2.0 * self._adding)
        return np.append(layout.joined(self.extent[layout.numbers], share), 1.0)

    def leverage(self, metric: Metric) -> float:
        """The largest |x~_i|_{M^-1} of any row, at most."""
        layout, kept = self._layout, np.isfinite(self.frame.scale)
        columns = np.append(layout.numbers[kept[layout.numbers]], layout.n)
        _, of_slots = layout.split(np.where(kept, metric.lengths()[:-1], 0.0))
        return metric.longest_in(columns, self.length) + float(self._worst(of_slots).sum()) * SLACK

    @property
    def _layout(self) -> Layout:
        assert self.layout is not None  # made with one
        return self.layout

    def _worst(self, of_slots: Floats) -> Floats:
        """(k,) the largest of each category."""
        base = self._layout.base
        return np.maximum.reduceat(of_slots, base[:-1]) if len(base) > 1 else np.zeros(0)
