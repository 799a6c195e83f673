"""Dual points: what a proof by duality is made from, and what must hold of them exactly although they are floats.

A dual point is alpha in [0, 1]^m with sum of s (y - alpha) = 0; c = X's (y - alpha) belongs to it. It is held as rho,
the probability it gives to the less likely side by y: alpha where y < ½, 1 - alpha elsewhere, so that confident rows
keep all their digits. Any floats will do: they are then exactly what they are, and only c is known up to rounding.

The sum, and c_j = 0 where neither l1 nor l2 nor a bound holds w_j, are restored by a move that is only thought of,
alpha + omega x'k with omega = alpha (1 - alpha), of which a bound on every |x_i'k| is all that is needed.
Proofs: docs/decisions/0005-penalties-beyond-l2.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steepest.penalties import ElasticNet
from steepest.proof.evidence import TINY
from steepest.proof.rounding import SLACK, UNIT, Metric, gamma
from steepest.types import Floats

__all__ = [
    "INWARD",
    "RUN",
    "Point",
    "Restoring",
    "Rows",
    "Table",
    "doubt_of",
    "inward",
    "restoring",
    "sure",
    "total",
    "unsure",
]

RUN = 512  # numbers that are added up one after the other
INWARD = 8.0  # times what c_j may be off, by which it is drawn inside l1_j
MOST_TIGHT, MOST_NUMBERS = 1000, 1 << 25  # columns that are drawn inside together, and numbers of them


class Table(Protocol):
    """What a proof needs to know of X in its frame: x~ = (x - centre) / scale, scales powers of two."""

    @property
    def extent(self) -> Floats:
        """(n,) >= |x~_ij| of all rows."""
        ...

    @property
    def terms(self) -> int:
        """Roundings on the way into X~'r."""
        ...

    def dense(self, columns: NDArray[np.intp]) -> Floats:
        """(m, k) some columns of X~."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """Targets y (m,) in [0, 1], weights s (m,) >= 0, offsets of z (m,) or None, which are `away` at most.

    sign (m,) is 1 where y < ½ and -1 elsewhere, so that sign z is the z of the less likely side by y; `rest` is the
    smaller of y and 1 - y.
    """

    y: Floats
    s: Floats
    weight: float
    sign: Floats
    rest: Floats
    offset: Floats | None = None
    away: float = 0.0

    @classmethod
    def of(cls, y: Floats, s: Floats | None, offset: Floats | None = None) -> Rows:
        """Rows with these targets, weights, all 1 if None, and offsets of z."""
        s = np.ones(len(y)) if s is None else s
        away = 0.0 if offset is None else float(np.max(np.abs(offset), initial=0.0))
        return cls(y, s, total(s), np.where(y >= 0.5, -1.0, 1.0), np.where(y >= 0.5, 1.0 - y, y), offset, away)

    def residual(self, rho: Floats) -> Floats:
        """S (y - alpha), within a relative 3u.

        >>> Rows.of(np.array([0.0, 1.0]), None).residual(np.array([0.25, 0.125]))
        array([-0.25 ,  0.125])
        """
        return (self.rest - rho) * self.s * self.sign


@dataclass(frozen=True, slots=True)
class Point:
    """(u, b) in the frame; b is within a relative 2u of the user's.

    q (m,) the probability of the less likely side, p = 1 - q and the losses are those of z = X~u + b + offset as
    computed (`evidence.halves` of sign z and `rest`).
    """

    u: Floats
    b: float
    q: Floats
    p: Floats
    losses: Floats


def doubt_of(table: Table, rows: Rows, at: Point) -> float:
    """How wrong any z may be: the roundings of X~u + b + offset."""
    size = float(table.extent @ np.abs(at.u)) + abs(at.b) + rows.away
    return gamma(int(np.count_nonzero(at.u)) + 12) * SLACK * size + TINY


def unsure(m: int) -> float:
    """What the strengths of a penalty on the sum may be off, relatively: they were multiplied by the sum of m s."""
    return gamma(RUN + m // RUN + 16)


def sure(m: int, net: ElasticNet) -> ElasticNet:
    """The penalty with strengths no larger than the true ones."""
    least = 1.0 - unsure(m)
    return ElasticNet(net.l1 * least, net.l2 * least, net.lower, net.upper)


@dataclass(frozen=True, slots=True)
class Restoring:
    """The move alpha + omega x~'k: free (n,) the columns whose c it makes 0, with the sum; reach >= |x~_i'k|.

    error (n,) bounds how far c may then be from the computed one. size >= sum of |residual|, slope >= |its sum|, and
    mass <= sum of s omega: what the move is made of where no column is free.
    """

    free: NDArray[np.bool_]
    reach: float
    error: Floats
    size: float
    slope: float
    mass: float

    @classmethod
    def of_sum(cls, table: Table, size: float, slope: float, mass: float) -> Restoring:
        """The move that restores the sum alone."""
        reach = slope / mass * SLACK if mass > 0.0 else math.inf
        rounding = gamma(table.terms + 16) * size + reach * mass
        return cls(np.zeros(len(table.extent), dtype=bool), reach, rounding * SLACK * table.extent, size, slope, mass)

    def drawn(self, table: Table, share: float) -> Restoring | None:
        """That of y + share (alpha - y), omega changes by (1 - share) |alpha - y| at most; None if columns are free."""
        if np.any(self.free):
            return None
        less = (self.mass - (1.0 - share) * self.size) / SLACK
        return Restoring.of_sum(table, self.size * SLACK, (share * self.slope + 16.0 * UNIT * self.size) * SLACK, less)


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def restoring(table: Table, rows: Rows, net: ElasticNet, rho: Floats, c: Floats) -> Restoring:
    """The move that makes (rho, c) a dual point for `net`, whose strengths are sure; of infinite reach if none does.

    Columns that nothing holds but an l1 below the rounding of c are restored to c_j = 0 as well.
    """
    residual = rows.residual(rho)
    size = total(np.abs(residual) + rows.s * rows.rest) * SLACK
    mass = rows.s * rho * (1.0 - rho)
    counted = gamma(RUN + len(rho) // RUN + 16)
    slope, slope_error, whole = total(residual), counted * size * SLACK, total(mass) * (1.0 - 4.0 * counted)
    error = gamma(table.terms + 16) * SLACK * size * table.extent
    loose = (net.l1 <= INWARD * error) & (net.l2 == 0.0)
    if np.any(loose):
        over, under = (net.upper == np.inf) & (c + error > net.l1), (net.lower == -np.inf) & (c - error < -net.l1)
        loose &= over | under
    columns = np.flatnonzero(loose)
    most = (abs(slope) + slope_error) * SLACK
    if not len(columns):
        return Restoring.of_sum(table, size, most, whole)
    free = np.zeros(len(c), dtype=bool)
    free[columns] = True
    one = np.column_stack([table.dense(columns), np.ones(len(rho))])
    metric = Metric.of(one.T @ (one * mass[:, None]), gamma(len(rho) + 32))
    if metric is None:
        return Restoring(free, math.inf, np.full(len(c), np.inf), size, most, whole)
    norm = metric.norm(np.append(c[columns], slope), np.append(error[columns], slope_error))
    length = math.sqrt(1.0 + float(table.extent[columns] @ table.extent[columns])) * SLACK
    further = norm * math.sqrt(total(mass)) * SLACK * table.extent
    return Restoring(free, norm * metric.longest(length), error + further, size, most, whole)


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def inward(table: Table, rows: Rows, net: ElasticNet, rho: Floats, c: Floats) -> Floats | None:
    """A dual point near rho with c_j a little inside l1_j where nothing but l1_j holds the weight that c_j pulls at.

    There |c_j| may not exceed l1_j; it is equal to it where w_j is not 0, and rounding takes it beyond as often as not.
    To shrink all of c for that costs a share of the penalty as large as the rounding is beside l1; a move by least
    squares costs what the rounding is beside F. None if c is well as it is, or too many columns are tight.
    """
    residual = rows.residual(rho)
    error = gamma(table.terms + 16) * total(np.abs(residual) + rows.s * rows.rest) * table.extent
    above, below = net.upper == np.inf, net.lower == -np.inf
    sign = np.where(net.l1 == 0.0, np.where(above, 1.0, -1.0), np.where(c > 0.0, 1.0, -1.0))
    open_end = np.where(sign > 0.0, above, below)
    restored = above & below & (net.l1 <= INWARD * error)
    tight = (net.l2 == 0.0) & open_end & (sign * c + 2.0 * error > net.l1) & ~restored
    columns = np.flatnonzero(tight)
    if not 0 < len(columns) <= MOST_TIGHT or len(columns) * len(rho) > MOST_NUMBERS:
        return None
    mass = rows.s * rho * (1.0 - rho)
    one = np.column_stack([table.dense(columns), np.ones(len(rho))])
    aim = sign[columns] * (net.l1[columns] - INWARD * error[columns])
    wanted = np.append(aim - c[columns], -total(residual))
    move = one @ np.linalg.lstsq(one.T @ (one * mass[:, None]), wanted, rcond=None)[0]
    moved: Floats = np.clip(rho - rho * (1.0 - rho) * move * rows.sign, 0.0, 1.0)
    return moved


def total(values: Floats) -> float:
    """Sum in runs of 512, so that its rounding is that of 512 + m / 512 terms.

    >>> total(np.ones(1000))
    1000.0
    """
    whole = len(values) // RUN * RUN
    runs = float(values[:whole].reshape(-1, RUN).sum(axis=1).sum()) if whole else 0.0
    return runs + float(values[whole:].sum())
