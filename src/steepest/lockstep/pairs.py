"""All (penalty, fold) fits of a path: from a rough start, over Hessians formed fold by fold, to proved gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.engines import MemoryEngine
from steepest.kernels.many import ByFold, Fitted
from steepest.lockstep.advance import Walk
from steepest.lockstep.metrics import Lengths, Metrics
from steepest.lockstep.rows import Rows
from steepest.lockstep.together import At, Fits, hessian_error, prove
from steepest.sampling import draw
from steepest.types import Floats

__all__ = ["Judge", "Near", "anchors_of", "draw_part", "near_optima", "pairs_of", "proved", "rough_optima", "serving"]

PER_COLUMN, LEAST_PART = 40, 400  # rows of the part that gives a start and a metric
CHEAP = 1 << 27  # multiply-adds of one round of Hessians, some 10 ms: below, every penalty gets its own
ROUGH = 1e-2  # what a part of the rows is solved to: its optimum is no nearer to that of all rows
APART = 1e-3  # squared distance of the margins, as the metric measures it, from which Hessians are formed anew
SHARED, SERVING = 1e-3, 0.7  # of the tolerance is what one fit may lose for another penalty, and its own: roots add up
FIRST = 0.02  # what the first step in the metric of a part of the rows leaves of the decrement, or less
NEAR = 1e-4  # and what all penalties are solved to before Hessians are formed there
MOST_STEPS, MOST_ROUNDS = 60, 200
MOST_NUMBERS = 1 << 21  # of the Hessians that are formed together: 16 MB
PATIENCE, LOWER = 6, 1.0 - 1e-9  # rounds in which neither the decrement halves nor F falls, before a fit is left


@dataclass(frozen=True, slots=True)
class Near:
    """Rough optima of P penalties, theta (P, n + 1), F there (P,), and metrics, for all rows."""

    theta: Floats
    value: Floats
    metrics: Metrics

    def take(self, which: NDArray[np.intp]) -> Near:
        """Those of some of the penalties."""
        return Near(self.theta[which], self.value[which], Metrics.of(self.metrics.matrix[which]))


def is_cheap(rows: MemoryEngine | Rows, P: int) -> bool:
    """Whether P Hessians take next to nothing: then every penalty gets its own, wherever it stands."""
    return P * rows.m * (rows.n + 1) ** 2 <= CHEAP


def draw_part(engine: MemoryEngine, P: int) -> MemoryEngine | None:
    """A random part of the rows with weights that make up for the rest; None where all rows cost little more."""
    size = max(LEAST_PART, PER_COLUMN * (engine.n + 1))
    if engine.m < 3 * size or is_cheap(engine, P):
        return None
    part = draw(engine, size).weighted
    return MemoryEngine(part.X, part.y, part.weight, threads=1)


def rough_optima(drawn: MemoryEngine | None, rows: Rows, fits: Fits) -> Near:
    """Optima of all penalties on a part of the rows, or on all of them, by Newton's method; fits without a fold."""
    k, P = rows.n + 1, len(fits.l2)
    part, scope = rows, fits
    if drawn is not None:
        part = Rows(drawn, rows.frame, None, P)
        scope = Fits.of(part, fits.l2, np.full(P, -1))
    own, rough = is_cheap(part, P), NEAR if part is rows else ROUGH
    first = np.arange(P) if own and part is rows else _middle(fits.l2)
    walk = _newton(Walk.from_here(part, scope.take(first), np.zeros((len(first), k))), rough)
    if len(first) == P:
        return Near(walk.theta, walk.value, walk.metrics)
    theta, value = np.repeat(walk.theta, P, axis=0), np.repeat(walk.value, P)
    if own:
        walk = _newton(Walk.from_here(part, scope, theta), rough)
        theta, value, matrices = walk.theta, walk.value, walk.metrics.matrix
    else:
        matrices = np.repeat(walk.metrics.matrix, P, axis=0)
        matrices[:, range(k), range(k)] += scope.ridge - scope.ridge[first]
    grown = fits.weight / scope.weight
    return Near(theta, value * grown, Metrics.of(matrices * grown[:, None, None]))


def serving(near: Near, fits: Fits, tol: float) -> NDArray[np.intp]:
    """For each penalty (P,), the one whose fits serve it: itself, or a weaker one whose optimum is as good.

    At the optimum of R_q the slope for R_p is (R_p - R_q) theta: half its decrement² is what sharing costs. A penalty is
    weak where that is next to nothing: on 50,000 x 50 all C from 3 to 10,000 have one optimum to 1e-8. The gap of
    each is proved at the end like any other, so that a wrong guess here costs time only.
    """
    serves, at = np.arange(len(near.theta)), -1
    for p in np.argsort(fits.l2[: len(near.theta)], kind="stable").tolist():
        if at >= 0:
            slope = (fits.ridge[p] - fits.ridge[at]) * near.theta[at]
            cost = 0.5 * float(slope @ near.metrics.solve(np.array([at]), slope[None])[0])
            if cost <= SHARED * tol * near.value[at]:
                serves[p] = at
                continue
        at = p
    return serves


def near_optima(rough: Near, rows: Rows, fits: Fits) -> Near:
    """Optima of all penalties on all rows to about `NEAR`, by L-BFGS in the metric of a part of them.

    The last step is not looked at: the pass that forms Hessians there does that as well.
    """
    walk = Walk(rows, fits, rough.theta, rows.sums(rough.theta, fits.held), rough.metrics)
    for _ in range(MOST_STEPS):
        far = np.flatnonzero(walk.decrement > NEAR * walk.value)
        shrinks = np.minimum(walk.decrement / walk.before, 1.0)
        ahead = np.where(np.isfinite(walk.before), shrinks, FIRST) * walk.decrement
        if np.all(ahead[far] <= NEAR * walk.value[far]):
            return Near(walk.ahead(far), walk.value, rough.metrics)
        walk.step(far)
    return Near(walk.theta, walk.value, rough.metrics)


def _newton(walk: Walk, rough: float) -> Walk:
    """Newton's method for all fits at once until ½ decrement² <= rough F."""
    for _ in range(MOST_STEPS):
        far = np.flatnonzero(walk.decrement > rough * walk.value)
        if not len(far):
            break
        walk.newton(far)
    return walk


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


def _middle(l2: Floats) -> NDArray[np.intp]:
    return np.argsort(l2, kind="stable")[len(l2) // 2 :][:1]


def pairs_of(rows: Rows, fits: Fits, near: Near) -> tuple[Walk, Lengths]:
    """All (1 + K) P fits at the near optimum of their penalty, with the Hessians of the rows they see; one pass."""
    P, k = len(near.theta), rows.n + 1
    own = np.tile(np.arange(P), len(fits.l2) // P)
    anchors, place = np.unique(anchors_of(fits, near, is_cheap(rows, P)), return_inverse=True)
    middle = int(_middle(fits.l2[:P])[0])
    T = near.metrics.inverse[middle] / near.metrics.unit[middle]
    parts = rows.by_fold(near.theta, anchors, T)
    lengths = Lengths(T, np.linalg.inv(T) if T.any() else T, parts.longest, parts.length)
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


class Judge:
    """What is proved of the fits of a walk: their gaps (F,), infinite where nothing was proved or tried."""

    def __init__(self, walk: Walk, lengths: Lengths, tol: Floats) -> None:
        self.walk, self.lengths, self.tol = walk, lengths, tol
        self.gaps = np.full(len(walk.theta), math.inf)
        self.leverage, self.drift = np.full(len(walk.theta), math.inf), np.full(len(walk.theta), math.inf)

    def not_proved(self, which: NDArray[np.intp]) -> NDArray[np.intp]:
        """Those whose gap is not proved to be as small as asked. Half a decrement² above it proves no such gap.

        Where Cauchy's bound on how far a fit is from its anchor is too weak, one pass measures it, of all such fits.
        """
        hopeful = which[self.walk.decrement[which] <= self.tol[which] * self.walk.value[which]]
        self.gaps[which] = math.inf
        if len(hopeful):
            self._prove(hopeful, self._drift(hopeful))
            left = hopeful[~(self.gaps[hopeful] <= self.tol[hopeful])]
            moves = self.walk.theta[left] - self.walk.anchor[left]
            if moves.any():
                self._prove(left, self.walk.rows.extent(moves))
        return which[~(self.gaps[which] <= self.tol[which])]

    def stale(self, which: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Whether steps in the metric at hand would cost more than a Hessian where the fit stands.

        Steps shrink the decrement by what the last one did. A Hessian costs k² / 12 ns a row and as much again as
        a step, which costs k / 7 + 8: measured on one core, products of matrices at 25 ... 30 GFLOP/s.
        """
        walk, k, tol = self.walk, self.walk.theta.shape[1], self.tol[which]
        before, now = walk.before[which], walk.decrement[which]
        with np.errstate(all="ignore"):
            need = np.log(0.5 * tol * walk.value[which] / (now * np.exp(self._drift(which))))
            steps = np.where(now < before, need / np.log(now / before), math.inf)
        weak = now <= 0.1 * tol * walk.value[which]  # and yet not proved: what is proved there suffers from the way made
        return np.isfinite(before) & (weak | ~(steps <= max(2.0, (k * k / 12.0) / (k / 7.0 + 8.0))))

    def last_word(self) -> None:
        """Prove what can be of fits that floating point stopped before they were as good as asked for."""
        left = np.flatnonzero(np.isinf(self.gaps))
        if len(left):
            self._prove(left, self._drift(left))

    def of(self, fits: Fits, which: NDArray[np.intp]) -> Floats:
        """The gaps of other fits at the same weights: fit i at those of which[i], whose penalty is no stronger.

        M of the weaker penalty is no larger than that of the stronger one, so it serves both.
        """
        return prove(self.walk.rows, fits, self._at(which, self.drift[which]), self.walk.metrics, which)

    def _drift(self, which: NDArray[np.intp]) -> Floats:
        """A bound on |x'(theta - anchor)| of any row, for each of some fits."""
        walk = self.walk
        new = which[np.isinf(self.leverage[which])]
        if len(new):
            walk.metrics.verify(new, hessian_error(walk.rows, self.lengths.longest, walk.anchor[new]))
            self.leverage[new] = walk.metrics.leverages(new, self.lengths)
        distance = walk.metrics.distances(which, walk.theta[which], walk.anchor[which])
        return np.where(distance > 0.0, self.leverage[which] * distance, 0.0)

    def _prove(self, which: NDArray[np.intp], drift: Floats) -> None:
        walk, self.drift[which] = self.walk, drift
        self.gaps[which] = prove(walk.rows, walk.fits.take(which), self._at(which, drift), walk.metrics, which)

    def _at(self, which: NDArray[np.intp], drift: Floats) -> At:
        walk, theta = self.walk, self.walk.theta[which]
        shift = _shift(walk.rows, theta)
        return At(theta, walk.fitted.take(which), self.lengths.longest, drift, self.leverage[which], shift)


def _shift(rows: Rows, theta: Floats) -> Floats:
    """How far rounding may take the user's intercept b = c - centre'w from c."""
    size = np.abs(theta[:, :-1]) @ np.abs(rows.frame.centre / rows.frame.scale)
    shift: Floats = (rows.n + 4) * 2.0**-52 * (size + np.abs(theta[:, -1]))
    return shift
