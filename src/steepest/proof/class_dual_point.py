"""Dual points of K classes: what a proof by duality is made from, and what must hold of them exactly.

A dual point is alpha (m, K), each row in the simplex, with sum of s (Y - alpha) = 0 for every class; c = X's (Y -
alpha) belongs to it. It is held as floats that add up to 1 nearly, and is what these are divided by their exact sum:
then every entry, and 1 - alpha_y, are known to a few roundings, however confident a row is.

The sums, and c_jk = 0 where neither l1 nor l2 nor a bound holds W_jk, are restored by a move that is only thought of,
alpha_ik (1 + d_ik - alpha_i'd_i) with d_i linear in x_i: it keeps the sums of the rows at 1, and all that is needed is
a bound on every |d_ik - alpha_i'd_i|. Proofs: docs/decisions/0005-penalties-beyond-l2.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.penalties import ElasticNet
from steepest.proof.dual_point import INWARD, RUN, Table, total
from steepest.proof.evidence import TINY
from steepest.proof.rounding import SLACK, Metric, gamma
from steepest.types import Floats

__all__ = ["ClassPoint", "ClassRows", "Dual", "Move", "accuracy", "inward", "restoring"]

MOST_RESTORED = 1000  # weights whose c is made 0, or moved, together
WIDENED = 3  # times that weights join because the move itself makes their c less certain
SUMS = 2.0**-30  # by which the entries of a row may miss 1 before they are divided by their sum


def accuracy(K: int) -> float:
    """The relative error of a softmax, of a normalised row and of what is computed from one in a few steps."""
    return gamma(4 * K + 48)


@dataclass(frozen=True, slots=True)
class ClassRows:
    """Classes y (m,), 0 … K-1, and weights s (m,) >= 0; whether the model has an intercept."""

    y: NDArray[np.intp]
    s: Floats
    K: int
    intercept: bool = True

    @property
    def m(self) -> int:
        """Rows."""
        return len(self.y)

    def apart(self, a: Floats) -> Floats:
        """|Y - a|, (m, K): at the own class the sum of the others.

        >>> rows = ClassRows(np.array([1]), np.ones(1), 3)
        >>> rows.apart(np.array([[0.25, 0.5, 0.25]]))
        array([[0.25, 0.5 , 0.25]])
        """
        found, own = a.copy(), (np.arange(len(self.y)), self.y)
        found[own] = 0.0
        found[own] = found.sum(axis=1)
        return found

    def residual(self, apart: Floats) -> Floats:
        """S (Y - alpha), (K, m), from `apart` of alpha."""
        found = -(apart.T * self.s)
        own = (self.y, np.arange(len(self.y)))
        found[own] = -found[own]
        return found


@dataclass(frozen=True, slots=True)
class ClassPoint:
    """(U, b) in the frame, (n, K) and (K,), b within a relative 2u of the user's.

    a (m, K) is the softmax of z = X~U + b as computed, `others` (m,) = 1 - a_y, losses (m,).
    """

    u: Floats
    b: Floats
    a: Floats
    others: Floats
    losses: Floats

    def doubt(self, table: Table) -> float:
        """How wrong any z may be: the roundings of X~U + b."""
        size = float((table.extent @ np.abs(self.u) + np.abs(self.b)).max())
        used = int(np.count_nonzero(self.u, axis=0).max(initial=0))
        return gamma(used + 12) * SLACK * size + TINY


@dataclass(frozen=True, slots=True)
class Dual:
    """alpha (m, K), |Y - alpha| and c (n, K); `sound` says whether alpha is a point of the simplex at all."""

    alpha: Floats
    apart: Floats
    c: Floats
    sound: bool = True

    @classmethod
    def of(cls, rows: ClassRows, alpha: Floats, correlate: object) -> Dual:
        """From entries >= 0 that add up to 1 nearly; `correlate` is R (K, m) -> X~'R', (K, n)."""
        sums = alpha.sum(axis=1)
        sound = bool(float(alpha.min()) >= 0.0 and np.all(np.abs(sums - 1.0) <= SUMS))
        alpha = alpha / sums[:, None] if sound else alpha
        apart = rows.apart(alpha)
        return cls(alpha, apart, np.asarray(correlate(rows.residual(apart))).T, sound)  # type: ignore[operator]

    def drawn(self, rows: ClassRows, share: float) -> Dual:
        """Y + share (alpha - Y)."""
        alpha, apart, own = share * self.alpha, share * self.apart, (np.arange(rows.m), rows.y)
        alpha[own] += 1.0 - share
        return Dual(alpha, apart, share * self.c, self.sound)


@dataclass(frozen=True, slots=True)
class Move:
    """What makes (alpha, c) a dual point: reach >= |d_ik - alpha_i'd_i|, infinite if no such move is known.

    free (n, K) are the weights whose c it makes 0; error (n, K) bounds how far c may then be from the computed one.
    """

    free: NDArray[np.bool_]
    reach: float
    error: Floats


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def restoring(table: Table, rows: ClassRows, net: ElasticNet, dual: Dual) -> Move:
    """The move for `net`, whose strengths are sure.

    Weights that nothing holds but an l1 below the rounding of c are restored to c = 0 as well.
    """
    size = totals(rows.s[:, None] * dual.apart) * SLACK
    error = rounding_of(table, rows.K, size)
    free = _loose(net, dual.c, error, error)
    for _ in range(WIDENED):
        move = _move(table, rows, dual, free, (error, size))
        wider = free | _loose(net, dual.c, error, move.error)
        if not math.isfinite(move.reach) or np.array_equal(wider, free):
            break
        free = wider
    return move


def rounding_of(table: Table, K: int, size: Floats) -> Floats:
    """(n, K) how far a computed c may be from the true one, for size (K,) >= sum of s |Y - alpha|."""
    return (gamma(table.terms + 16) + accuracy(K)) * SLACK * np.outer(table.extent, size)


def _move(table: Table, rows: ClassRows, dual: Dual, free: NDArray[np.bool_], known: tuple[Floats, Floats]) -> Move:
    """The move that makes c 0 where `free`."""
    (error, size), columns = known, np.flatnonzero(free.any(axis=1))
    if not len(columns) and not rows.intercept:
        return Move(free, 0.0, error)
    if np.count_nonzero(free) > MOST_RESTORED:
        return Move(free, math.inf, error)
    slope = totals(rows.residual(dual.apart).T)
    slope_error = (gamma(RUN + rows.m // RUN + 16) + accuracy(rows.K)) * size * SLACK
    place, which = _coordinates(free, columns, rows.intercept)
    one = np.column_stack([table.dense(columns), np.ones(rows.m)])
    metric = Metric.of(_curvature(one, rows, dual, place, which), gamma(rows.m + 64) + accuracy(rows.K))
    if metric is None:
        return Move(free, math.inf, error)
    wanted, doubt = np.vstack([dual.c[columns], slope]), np.vstack([error[columns], slope_error])
    norm = metric.norm(wanted[place, which], doubt[place, which])
    length = math.sqrt(2.0 * (1.0 + float(table.extent[columns] @ table.extent[columns]))) * SLACK
    mass = np.sqrt(totals(rows.s[:, None] * dual.alpha)) * (SLACK * norm)
    return Move(free, norm * metric.longest(length), error + np.outer(table.extent, mass) * SLACK)


def _loose(net: ElasticNet, c: Floats, rounding: Floats, error: Floats) -> NDArray[np.bool_]:
    """(n, K) the weights that nothing holds but an l1 below the rounding, and that c, known to `error`, pulls at."""
    pull, doubt = c.ravel(), error.ravel()
    loose = (net.l1 <= INWARD * rounding.ravel()) & (net.l2 == 0.0)
    over = (net.upper == np.inf) & (pull + doubt > net.l1)
    under = (net.lower == -np.inf) & (pull - doubt < -net.l1)
    found: NDArray[np.bool_] = (loose & (over | under)).reshape(c.shape)
    return found


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def inward(table: Table, rows: ClassRows, net: ElasticNet, dual: Dual) -> Floats | None:
    """Probabilities near alpha with c a little inside l1 where nothing but l1 holds the weight, as `dual_point.inward`.

    None if c is well as it is, or too many weights are tight.
    """
    size = totals(rows.s[:, None] * dual.apart)
    most = rounding_of(table, rows.K, size).max(axis=1, keepdims=True)  # alike for all classes, which add up to 0
    error, c = np.broadcast_to(most, dual.c.shape).ravel(), dual.c.ravel()
    open_end = np.where(c > 0.0, net.upper == np.inf, net.lower == -np.inf)
    tight = (net.l2 == 0.0) & open_end & (np.abs(c) + 2.0 * error > net.l1) & (net.l1 > INWARD * error)
    if not 0 < np.count_nonzero(tight) <= MOST_RESTORED:
        return None
    where = tight.reshape(dual.c.shape)
    columns = np.flatnonzero(where.any(axis=1))
    place, which = _coordinates(where, columns, rows.intercept)
    one = np.column_stack([table.dense(columns), np.ones(rows.m)])
    aim = np.sign(c) * (net.l1 - INWARD * error)
    away = np.vstack([(c - aim).reshape(where.shape)[columns], totals(rows.residual(dual.apart).T)])
    move = np.zeros((len(columns) + 1, rows.K))
    move[place, which] = np.linalg.lstsq(_curvature(one, rows, dual, place, which), away[place, which], rcond=None)[0]
    pull = one @ move
    moved: Floats = np.maximum(dual.alpha * (1.0 + pull - (dual.alpha * pull).sum(axis=1, keepdims=True)), 0.0)
    return moved


def _coordinates(free: NDArray[np.bool_], columns: NDArray[np.intp], intercept: bool) -> tuple[NDArray[np.intp], ...]:
    """(place, class) of what is restored; of all K of a column the last follows, as its classes add up to 0."""
    wanted = np.vstack([free[columns], np.full(free.shape[1], intercept)])
    wanted[wanted.all(axis=1), -1] = False
    return np.nonzero(wanted)


def _curvature(one: Floats, rows: ClassRows, dual: Dual, place: NDArray[np.intp], which: NDArray[np.intp]) -> Floats:
    """The sum of s_i x_i x_i' times (diag(alpha_i) - alpha_i alpha_i') for these coordinates.

    On the diagonal of the classes stands alpha (1 - alpha), never a difference.
    """
    alpha = dual.alpha
    rest, top = 1.0 - alpha, np.argmax(alpha, axis=1)
    at = (np.arange(rows.m), top)
    others = alpha.copy()
    others[at] = 0.0
    rest[at] = others.sum(axis=1)
    found = np.empty((len(place), len(place)))
    for k in np.unique(which).tolist():
        mine = np.flatnonzero(which == k)
        for other in np.unique(which).tolist():
            theirs = np.flatnonzero(which == other)
            factor = rows.s * alpha[:, k] * (rest[:, k] if other == k else -alpha[:, other])
            found[np.ix_(mine, theirs)] = one[:, place[mine]].T @ (one[:, place[theirs]] * factor[:, None])
    return found


def totals(values: Floats) -> Floats:
    """`total` of every column."""
    return np.array([total(each) for each in values.T])
