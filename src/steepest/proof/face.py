"""From the gap to the distance: how far probabilities and coefficients are from the optimum's, where weights are 0.

With G >= F - F*, the optimum's a* is the best dual point, and the dual is strongly concave: |a* - alpha|_s² <= G / 2.
So c* = X's(y - a*) lies within |x_j - middle|_s sqrt(G / 2) of c. Where all of that interval is inside (-l1, l1), or
pulls beyond a bound, w*_j is known: 0, or the bound. If every column where w_j is something else than that belongs to a
set A, then (w - w*, b - b*) lives on A and the intercept, and

    G >= sum of s KL(a* | a) + ½ sum of l2 (w - w*)² >= kappa(X) |theta - theta*|_H²,   X >= max |x_i'(theta - theta*)|

as in C3 of `certificate.py`, H the Hessian on A. Without any matrix, s_i KL(a*_i | a_i) <= G bounds each probability.
Proofs: docs/decisions/0005-penalties-beyond-l2.md.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steepest.penalties import ElasticNet
from steepest.proof.bounds import bounds
from steepest.proof.dual_point import Point, Rows, doubt_of, sure, unsure
from steepest.proof.dual_point import Table as Columns
from steepest.proof.duality import Proof
from steepest.proof.rounding import FEW, SLACK, Metric, gamma
from steepest.types import Floats

__all__ = ["distances", "pinsker"]

MOST = 512  # columns of a set A: M is formed and inverted once
EXACT = 1 << 24  # numbers of X_A, up to which the leverage of each row is computed instead of bounded


class Table(Columns, Protocol):
    """What is asked of X in its frame beyond that: the ends of each column."""

    @property
    def low(self) -> Floats:
        """(n,) <= x~_ij of all rows."""
        ...

    @property
    def high(self) -> Floats:
        """(n,) >= x~_ij of all rows."""
        ...

    def hold(self, columns: NDArray[np.intp], before: Any) -> Any:
        """Some columns, of which products X_A'DX_A can be asked."""
        ...


class Weighted(Protocol):
    """Rows with weights."""

    @property
    def s(self) -> Floats:
        """(m,) >= 0."""
        ...


def pinsker(rows: Weighted, bound: float) -> float:
    """max |a_i - a*_i| <= sqrt(G / (2 s_i)), because 2 (a - a*)² <= KL(a* | a) (Pinsker); at most 1.

    >>> rows = Rows.of(np.array([0.0, 1.0]), None)
    >>> round(pinsker(rows, 0.02), 6), pinsker(rows, np.inf)
    (0.1, 1.0)
    """
    least = float(rows.s[rows.s > 0.0].min())
    return min(1.0, math.sqrt(0.5 * bound / least) * SLACK)


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def distances(table: Table, rows: Rows, net: ElasticNet, at: Point, proof: Proof) -> tuple[float, float]:
    """(largest |a_i - a*_i|, largest |theta_j - theta*_j| in standard errors on A), at most; 1 and infinity if unknown.

    An optimum must exist, and `proof` belong to this point.
    """
    G, probability = proof.bound, pinsker(rows, proof.bound)
    face = np.flatnonzero(~_known(table, rows, net, at.u, proof))
    if not math.isfinite(G) or len(face) > MOST:
        return probability, math.inf
    doubt = doubt_of(table, rows, at)
    error = gamma(len(at.p) + 32) + 2.0 * FEW + math.expm1(min(doubt, 1.0)) + unsure(len(rows.y))
    D = rows.s * (at.p * at.q)
    products, edge = table.hold(face, None).products(0, D)
    matrix = np.empty((len(face) + 1,) * 2)
    matrix[:-1, :-1], matrix[-1, :-1], matrix[:-1, -1], matrix[-1, -1] = products, edge, edge, float(D.sum())
    matrix[range(len(face)), range(len(face))] += sure(len(rows.y), net).l2[face]
    metric = Metric.of(matrix, error * (1.0 + 2.0**-6)) if doubt < 1.0 else None
    if metric is None:
        return probability, math.inf
    if len(at.p) * (len(face) + 1) <= EXACT:
        framed = np.column_stack([table.dense(face), np.ones(len(at.p))])[rows.s > 0.0]
        leverage = float(metric.row_norms(framed, exact=True).max())
    else:
        leverage = metric.longest(math.sqrt(1.0 + float(table.extent[face] @ table.extent[face])) * SLACK)
    found = bounds(math.inf, leverage, G)
    return min(probability, 0.25 * found.reach), found.radius


def _known(table: Table, rows: Rows, net: ElasticNet, u: Floats, proof: Proof) -> NDArray[np.bool_]:
    """Where w* is proved to be w: 0 (or the bound nearest to it), or the bound that c* pulls against."""
    half = 0.5 * (table.high - table.low) * (1.0 + 2.0**-20)
    away = half * math.sqrt(rows.weight * proof.bound / 2.0) * SLACK
    low, high = proof.low - away, proof.high + away
    off = unsure(len(rows.y))
    l1, most = net.l1 * (1.0 - off), net.l1 * (1.0 + off)
    pull = net.l2 * (1.0 + off) * np.abs(u)
    quiet = (low > -l1) & (high < l1) & (u == np.clip(0.0, net.lower, net.upper))
    up, down = (u == net.upper) & (low > most + pull), (u == net.lower) & (high < -most - pull)
    return np.asarray(quiet | up | down)
