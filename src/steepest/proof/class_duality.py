"""How far (W, b) of K classes is from the optimum of loss + elastic net within bounds: the value of a dual point.

    F(W, b) = sum of s_i [log-sum-exp(z_i) - z_i[y_i]] + sum over j, k of g_jk(W_jk),   g as in `duality.py`

For every alpha (m, K) whose rows lie in the simplex, with sum of s (Y - alpha) = 0 for every class (Y the labels, one
hot), c = X's (Y - alpha) (n, K) and a = softmax(z):

    F(W, b) - F* <= sum of s_i KL(alpha_i | a_i) + sum over j, k of [g_jk(W_jk) + g_jk*(c_jk) - c_jk W_jk]

Every term is >= 0 and none cancels. Where |c_jk| may not exceed l1, alpha is drawn towards Y, which shrinks c.
Proofs: docs/decisions/0005-penalties-beyond-l2.md.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from steepest.penalties import ElasticNet
from steepest.proof.class_dual_point import ClassPoint, ClassRows, Dual, Move, accuracy, restoring
from steepest.proof.dual_point import RUN, Table, sure, total, unsure
from steepest.proof.duality import NEAR, Proof, fenchel, shares
from steepest.proof.evidence import TINY, bend
from steepest.proof.rounding import SLACK, UNIT, gamma

__all__ = ["prove"]

STILL = 0.5  # a restoring move of more than this is none
TRIES = 4  # of shrinking c: a first guess may miss by a rounding
LEAST = 2.0**-900  # probabilities below lose digits; what they weigh is below any bound


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def prove(table: Table, rows: ClassRows, net: ElasticNet, at: ClassPoint, dual: Dual, enough: float = 0.0) -> Proof:
    """The proof at `at` from a dual point; c of `dual` is X~' rows.residual(dual) as computed; `enough`: see `duality`.

    `net` belongs to the sum F and to the frame, entry j K + k to feature j and class k; low, high of the proof too.
    """
    m, K = rows.m, rows.K
    low, off, c = sure(m, net), unsure(m), dual.c.ravel()
    doubt, loose = at.doubt(table), accuracy(K)
    slip = 2.0 * doubt * math.exp(min(2.0 * doubt, 1.0)) * total(rows.s * at.others) * SLACK
    loss = total(rows.s * at.losses) * (1.0 - loose - gamma(RUN + m // RUN)) - slip
    value = net.value(at.u.ravel())
    least = (loss + value * (1.0 - off - gamma(len(c) + 8))) / SLACK
    best = Proof(math.inf, least, np.full(len(c), -np.inf), np.full(len(c), np.inf), False)
    if not (doubt < 0.5 and np.isfinite(c).all() and math.isfinite(least) and dual.sound):
        return best
    move = restoring(table, rows, low, dual)
    extra = 2.0 * (off + gamma(8)) * value * SLACK
    for share in shares(low, c, move.error.ravel(), move.free.ravel()):
        tried = _at_share(table, rows, low, (at, doubt), (dual, move), share)
        best = min(best, replace(tried, bound=tried.bound + extra, least=least), key=lambda proof: proof.bound)
        if best.gap <= enough:
            break
    return best


def _at_share(
    table: Table,
    rows: ClassRows,
    net: ElasticNet,
    where: tuple[ClassPoint, float],
    given: tuple[Dual, Move],
    share: float,
) -> Proof:
    """The bound for Y + share (alpha - Y)."""
    (at, doubt), (dual, move) = where, given
    drawn = dual
    for _ in range(TRIES):
        if share != 1.0:
            drawn = dual.drawn(rows, share)
            move = restoring(table, rows, net, drawn)
        low, high = (drawn.c - move.error).ravel(), (drawn.c + move.error).ravel()
        low[move.free.ravel()] = high[move.free.ravel()] = 0.0
        bound = math.inf
        if move.reach < STILL:
            bound = (fenchel(net, at.u.ravel(), low, high) + _divergence(rows, at, doubt, drawn, move.reach)) * SLACK
        if share == 1.0 or math.isfinite(bound):
            break
        share *= 1.0 - 2.0**-40
    inside = math.isfinite(bound) and bool(np.all(drawn.alpha[rows.s > 0.0] > 0.0))
    return Proof(bound if not math.isnan(bound) else math.inf, 0.0, low, high, inside)


def _divergence(rows: ClassRows, at: ClassPoint, doubt: float, dual: Dual, reach: float) -> float:
    """An upper bound on the sum of s_i KL(alpha_i | a_i) for the restored alpha and the exact z.

    With t = alpha / a - 1, KL = sum over k of a_k f(t_k), because both add up to 1. By z it is convex, its slope is
    a - alpha, and along any change of z by `doubt` its curvature is at most 4 doubt² (1 - a_k), whatever k.
    """
    a, alpha, loose = at.a, dual.alpha, accuracy(rows.K)
    ratio = alpha / a
    t = ratio - 1.0
    error = (loose + UNIT) * (1.0 + np.abs(t)) + reach * ratio
    size = np.abs(t) + error
    apart = 0.5 * a * size * size / (1.0 - size)
    far = ~(size <= NEAR)
    if np.any(far):
        ends = (np.maximum(t[far] + step * error[far], -1.0 + UNIT) for step in (-1.0, 1.0))
        apart[far] = a[far] * np.maximum(*(bend(end) for end in ends))
    gone = a < LEAST
    apart[gone] = np.where(alpha[gone] <= LEAST / UNIT, LEAST / UNIT / UNIT, np.inf)
    size[gone] = 0.0
    moved = doubt * (a * size).sum(axis=1) + 2.0 * doubt * doubt * math.exp(2.0 * doubt) * at.others + TINY
    each = apart.sum(axis=1) * (1.0 + 2.0**-32) + moved * (1.0 + 2.0**-32)
    return total(np.where(rows.s > 0.0, rows.s * each, 0.0)) * SLACK
