"""All (penalty, fold) fits of a path: over Hessians formed fold by fold, to proved gaps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from steepest.kernels.many import ByFold, Fitted
from steepest.lockstep.advance import Walk
from steepest.lockstep.judge import Judge
from steepest.lockstep.metrics import Lengths, Metrics
from steepest.lockstep.near import Near, is_cheap, middle_of
from steepest.lockstep.rows import Rows
from steepest.lockstep.together import Fits
from steepest.types import Floats

__all__ = ["anchors_of", "pairs_of", "proved"]

APART = 1e-3  # squared distance of the margins, as the metric measures it, from which Hessians are formed anew
MOST_ROUNDS = 200
MOST_NUMBERS = 1 << 21  # of the Hessians that are formed together: 16 MB
PATIENCE, LOWER = 6, 1.0 - 1e-9  # rounds in which neither the decrement halves nor F falls, before a fit is left


def anchors_of(fits: Fits, near: Near, everyone: bool) -> NDArray[np.intp]:
    """For each penalty (P,), the one at whose optimum its Hessians are formed: itself, or one nearly as good.

    From strong to weak penalties, a new anchor stands where |theta - anchor|_M² exceeds `APART` W: the margins then
    differ by about 0.03 (root mean square), the Hessians by a percent. What an anchor far away costs is a weaker
    proof, never a wrong one.
    """
    theta, anchored = near.theta, np.arange(len(near.theta))
    if everyone:
        return anchored
    current = -1
    for p in np.argsort(-fits.l2[: len(theta)], kind="stable").tolist():
        if current >= 0:
            away = theta[p] - theta[current]
            apart = float(away @ near.metrics.matrix[p] @ away)
        if current < 0 or not apart <= APART * fits.weight[p]:
            current = p
        anchored[p] = current
    return anchored


def pairs_of(rows: Rows, fits: Fits, near: Near) -> tuple[Walk, Lengths]:
    """All (1 + K) P fits at the near optimum of their penalty, with the Hessians of the rows they see; one pass."""
    P, k = len(near.theta), rows.n + 1
    own = np.tile(np.arange(P), len(fits.l2) // P)
    anchors, place = np.unique(anchors_of(fits, near, is_cheap(rows, P)), return_inverse=True)
    few = [int(middle_of(fits.l2[:P])[0]), int(np.argmin(fits.l2[:P]))]  # of a weak penalty M is small: T serves all
    T = near.metrics.inverse[few] / near.metrics.unit[few][:, None, :]
    parts = rows.by_fold(near.theta, anchors, T)
    factor = np.array([np.linalg.inv(each) if each.any() else each for each in T])
    lengths = Lengths(T, factor, parts.longest, parts.length)
    hessians = np.zeros((len(own), k, k))
    for f, (held, a) in enumerate(zip(fits.held.tolist(), place[own].tolist(), strict=True)):
        for fold, matrix in parts.hessian.items():
            if fold != held:
                hessians[f] += matrix[a]
    hessians[:, range(k), range(k)] += fits.ridge
    start = near.theta[own]
    walk = Walk(rows, fits, start, _fitted(fits, parts, own), Metrics.of(hessians), near.theta[anchors][place[own]])
    return walk, lengths


def _fitted(fits: Fits, parts: ByFold, own: NDArray[np.intp]) -> Fitted:
    """What each fit's own sums are, from those over the folds."""
    loss, gradient = fits.seen(parts.loss[:, own]), fits.seen(parts.gradient[:, own])
    out = np.arange(len(parts.loss))[:, None] == fits.held
    held_loss, held_right = (np.where(out, part[:, own], 0.0).sum(axis=0) for part in (parts.loss, parts.right))
    return Fitted(loss, np.ascontiguousarray(gradient.T), held_loss, held_right)


def proved(walk: Walk, lengths: Lengths, tol: Floats) -> Judge:
    """Walk until every gap is proved to be at most its tol (F,), or floating point ends; who proved it."""
    F, judge = len(walk.theta), Judge(walk, lengths, tol)
    least, lowest = np.full(F, math.inf), np.full(F, math.inf)
    waited, bent = np.zeros(F, dtype=int), np.zeros(F, dtype=bool)
    open_ = np.arange(F)
    for _ in range(MOST_ROUNDS):
        open_ = judge.not_proved(open_)
        stale = open_[~bent[open_]]
        stale = stale[judge.stale(stale)]
        for some in _few(stale, walk.theta.shape[1]):
            walk.bend(some)
            bent[some] = True
        if len(stale):
            judge.leverage[stale] = math.inf
            open_ = judge.not_proved(open_)
        progress = (walk.decrement <= 0.5 * least) | (walk.value < LOWER * lowest)
        waited = np.where(progress, 0, waited + 1)
        least, lowest = np.minimum(least, walk.decrement), walk.value.copy()
        open_ = open_[waited[open_] < PATIENCE]
        if not len(open_):
            break
        if not bent[open_].all():
            walk.step(open_[~bent[open_]])
        for some in _few(open_[bent[open_]], walk.theta.shape[1]):
            walk.newton(some)
            judge.leverage[some] = math.inf
    judge.last_word()
    return judge


def _few(which: NDArray[np.intp], k: int) -> list[NDArray[np.intp]]:
    """As many at a time as have their Hessians in 16 MB together; one pass for each few."""
    few = max(1, MOST_NUMBERS // (k * k))
    return [which[i : i + few] for i in range(0, len(which), few)]
