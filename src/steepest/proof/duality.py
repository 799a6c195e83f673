"""How far (w, b) is from the optimum of loss + elastic net within bounds: the value of a dual point, rounding included.

    F(w, b) = sum of s_i L(z_i, y_i) + g(w),   g = sum of l1 |w_j| + ½ l2 w_j² for lower <= w <= upper, else infinite

For every alpha in [0, 1]^m with sum of s (y - alpha) = 0, with c = X's (y - alpha) and a = sigmoid(z):

    F(w, b) - F* <= sum of s_i KL(alpha_i | a_i) + sum of [g_j(w_j) + g_j*(c_j) - c_j w_j]

Every term is >= 0 and none cancels. Where |c_j| may not exceed l1, alpha is drawn towards y, which shrinks c.
Proofs: docs/decisions/0005-penalties-beyond-l2.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steepest.penalties import ElasticNet
from steepest.proof.certificate import relative
from steepest.proof.dual_point import RUN, Point, Restoring, Rows, Table, doubt_of, restoring, sure, total, unsure
from steepest.proof.evidence import bend
from steepest.proof.rounding import FEW, SLACK, UNIT, gamma
from steepest.types import Floats

__all__ = ["NEAR", "Proof", "fenchel", "prove", "shares"]

NEAR = 0.03  # |t| up to which f(t) = (1 + t) log(1 + t) - t <= ½ t² / (1 - |t|) is close enough
STILL = 0.5  # a restoring move of more than this is none
AMPLE = 1.125  # times the error of c: the move that restores a drawn point is bounded a little less closely
TRIES = 4  # of shrinking c: a first guess may miss by a rounding


@dataclass(frozen=True, slots=True)
class Proof:
    """F - F* <= bound, for the sum F whose value is >= least; infinite where nothing is proved.

    low, high (n,)   c of the dual point lies between them     inside   whether every alpha is strictly inside (0, 1)
    """

    bound: float
    least: float
    low: Floats
    high: Floats
    inside: bool

    @property
    def gap(self) -> float:
        """(F - F*) / F* at most."""
        return relative(self.least, self.bound)


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def prove(
    table: Table, rows: Rows, net: ElasticNet, at: Point, dual: tuple[Floats, Floats], enough: float = 0.0
) -> Proof:
    """The proof at `at` from a dual point (rho (m,) in [0, 1], c (n,) = X~' rows.residual(rho) as computed).

    `net` belongs to the sum F and to the frame. It may be known to a few roundings and to those of adding up s.
    Of the ways to make c a dual point those after the first are tried while the gap is more than `enough`.
    """
    (rho, c), low, off = dual, sure(len(rows.y), net), unsure(len(rows.y))
    doubt = doubt_of(table, rows, at)
    counted = gamma(RUN + len(rho) // RUN)
    slip = doubt * math.exp(min(doubt, 1.0)) * total(rows.s * np.abs(at.q - rows.rest)) * SLACK
    loss = total(rows.s * at.losses) * (1.0 - FEW - counted) - slip
    value = net.value(at.u)
    least = (loss + value * (1.0 - off - gamma(len(c) + 8))) / SLACK
    best = Proof(math.inf, least, np.full(len(c), -np.inf), np.full(len(c), np.inf), False)
    if not (doubt < 1.0 and np.isfinite(c).all() and math.isfinite(least)):
        return best
    move = restoring(table, rows, low, rho, c)
    extra = 2.0 * (off + gamma(8)) * value * SLACK
    for share in shares(low, c, move.error, move.free):
        tried = _at_share(table, rows, low, (at, doubt), (rho, c, move), share)
        best = min(best, replace(tried, bound=tried.bound + extra, least=least), key=lambda proof: proof.bound)
        if best.gap <= enough:
            break
    return best


def shares(net: ElasticNet, c: Floats, error: Floats, free: NDArray[np.bool_]) -> list[float]:
    """By how much to shrink c: 1 where a ridge holds every weight anyway, and what brings |c_j| to l1_j.

    No c_j is off by more than error_j; those that are `free` are 0.
    """
    held = np.where(c > 0.0, net.upper, -net.lower) < np.inf
    room, size = net.l1 - AMPLE * error, np.abs(c)
    over = ~held & ~free & (size > room)
    if not np.any(over):
        return [1.0]
    share = float((room[over] / size[over]).min()) * (1.0 - 4.0 * UNIT)
    found = [share] if share > 0.0 else []
    return found if np.any(net.l2[over] == 0.0) else [1.0, *found]


def _at_share(
    table: Table,
    rows: Rows,
    net: ElasticNet,
    where: tuple[Point, float],
    dual: tuple[Floats, Floats, Restoring],
    share: float,
) -> Proof:
    """The bound for y + share (alpha - y)."""
    (at, doubt), (rho, c, first) = where, dual
    move = first
    for _ in range(TRIES):
        drawn = rho
        if share != 1.0:
            drawn = rows.rest + share * (rho - rows.rest)
            quick = first.drawn(table, share)  # where little of alpha is left, its bound of the mass is below 0
            move = quick if quick and quick.reach < STILL else restoring(table, rows, net, drawn, share * c)
        low, high = share * c - move.error, share * c + move.error
        low[move.free] = high[move.free] = 0.0
        bound = math.inf
        if move.reach < STILL and float(drawn.min()) >= 0.0 and float(drawn.max()) <= 1.0:
            bound = (fenchel(net, at.u, low, high) + _divergence(rows, at, doubt, drawn, move.reach)) * SLACK
        if share == 1.0 or math.isfinite(bound):
            break
        share *= 1.0 - 2.0**-40
    seen = drawn if float(rows.s.min()) > 0.0 else drawn[rows.s > 0.0]
    inside = math.isfinite(bound) and bool(seen.min() > 0.0 and seen.max() < 1.0)
    return Proof(bound if not math.isnan(bound) else math.inf, 0.0, low, high, inside)


def fenchel(net: ElasticNet, u: Floats, low: Floats, high: Floats) -> float:
    """Sum of the largest g(u) + g*(c) - c u for low <= c <= high; it is convex in c, so the ends are enough."""
    rests = (u == 0.0) & (net.lower <= 0.0) & (net.upper >= 0.0)
    busy = np.flatnonzero(~(rests & (high <= net.l1) & (low >= -net.l1)))
    part, w = net.take(busy), u[busy]
    worst = np.zeros(len(busy))
    for c in (low[busy], high[busy]):
        v = part.nearest(c)
        v = np.where(np.isfinite(v), v, w)
        sizes = np.abs(w) + np.abs(v)
        rounding = np.abs(w - v) * (part.l2 * sizes + np.abs(c)) + part.l1 * sizes
        worst = np.maximum(worst, part.excess(w, c) + 16.0 * UNIT * rounding)
    return float(worst.sum()) * SLACK


def _divergence(rows: Rows, at: Point, doubt: float, rho: Floats, reach: float) -> float:
    """An upper bound on the sum of s KL(alpha | a) for the restored alpha and the exact z.

    With v = (rho - q) / (p q), KL = q f(p v) + p f(-q v). It is convex in z, with slope q - rho and curvature p q; no z
    is off by more than `doubt`.
    """
    p, q = at.p, at.q
    curvature = p * q
    away = np.where(q <= 0.5, rho - q, p - (1.0 - rho))
    v = np.where(away == 0.0, 0.0, away / curvature)
    error = 64.0 * UNIT * (1.0 + np.abs(v)) + np.where(rho > 0.0, reach * rho * (1.0 - rho) / curvature, 0.0)
    size = np.abs(v) + error
    most = size * np.maximum(p, q)
    apart = 0.5 * curvature * size * size / (1.0 - most)
    far = np.flatnonzero(~(most <= NEAR))
    if len(far):
        p, q, v, error = p[far], q[far], v[far], error[far]
        apart[far] = np.maximum(_apart(p, q, v - error), _apart(p, q, v + error))
    moved = doubt * (curvature * size + 0.25 * doubt * math.exp(min(1.0, doubt)))
    return total(np.where(rows.s > 0.0, rows.s * (apart + moved), 0.0)) * SLACK


def _apart(p: Floats, q: Floats, v: Floats) -> Floats:
    """KL for rho = q + p q v; v that was rounded outwards may lie a little beyond the ends rho = 0 and rho = 1."""
    return np.asarray(q * bend(np.maximum(p * v, -1.0 + UNIT)) + p * bend(np.maximum(-q * v, -1.0 + UNIT)))
