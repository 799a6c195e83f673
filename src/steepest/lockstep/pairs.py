"""All (penalty, fold) fits of a path: from a rough start, over Hessians formed fold by fold, to proved gaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steepest.engines import MemoryEngine
from steepest.kernels.many import Fitted
from steepest.lockstep.advance import descend, newton_together
from steepest.lockstep.together import At, Fits, Metrics, Rows, hessian_error, prove
from steepest.optimum.regime import sample_size
from steepest.sampling import draw
from steepest.types import Floats

__all__ = ["WIDE", "Pairs", "anchors_of", "draw_part", "near_optima"]

WIDE = 128  # columns up to which every penalty gets Hessians of its own; beyond, those of the middle one serve all
ROUGH = 1e-2  # what a part of the rows is solved to: its optimum is no nearer to that of all rows
APART = 2.5e-3  # squared distance of the margins, as the metric measures it, from which Hessians are formed anew
NEAR = 1e-4  # and what all penalties are solved to before Hessians are formed there
ATTEMPTS = 12  # times that a fit is asked to come nearer, before its proved gap is returned as it is
MOST_NUMBERS = 1 << 21  # of the Hessians that are formed together: 16 MB


def draw_part(engine: MemoryEngine) -> MemoryEngine | None:
    """A random part of the rows with weights that make up for the rest; None where it would be much of the table."""
    size = max(200, sample_size(engine.m, engine.n))
    if engine.m < 4 * size:
        return None
    part = draw(engine, size).weighted
    return MemoryEngine(part.X, part.y, part.weight, threads=1)


def near_optima(drawn: MemoryEngine | None, rows: Rows, fits: Fits) -> tuple[Floats, Metrics]:
    """Optima of all penalties on all rows, to about `NEAR`, and metrics there; theta (P, n + 1)."""
    n, P = rows.n, len(fits.l2)
    part, scope = rows, fits
    if drawn is not None:
        part = Rows(drawn, rows.frame, None, P)
        scope = Fits.of(part, fits.l2, np.full(P, -1))
    middle, rough = _middle(fits.l2), NEAR if part is rows else ROUGH
    start, hessian = newton_together(part, scope.take(middle), np.zeros((1, n + 1)), rough)
    theta, hessians = np.repeat(start, P, axis=0), np.repeat(hessian, P, axis=0)
    if n <= WIDE:
        theta, hessians = newton_together(part, scope, theta, rough)
    else:
        hessians[:, range(n + 1), range(n + 1)] += scope.ridge - scope.ridge[middle]
    metrics = Metrics.of(hessians * (fits.weight / scope.weight)[:, None, None], 0.0)
    if part is rows and n <= WIDE:
        return theta, metrics
    return descend(rows, fits, theta, metrics, np.full(P, NEAR))[0], metrics


def anchors_of(fits: Fits, near: Floats, metrics: Metrics, one: bool) -> NDArray[np.intp]:
    """For each penalty (P,), the one at whose optimum its Hessians are formed: itself, or one nearly as good.

    From strong to weak penalties, a new anchor stands where |theta - anchor|_M² exceeds `APART` W: the margins then
    differ by about 0.1 (root mean square), the Hessians by some percent. What an anchor far away costs is a weaker
    proof, never a wrong one.
    """
    anchored = np.full(len(near), _middle(fits.l2)[0])
    if one:
        return anchored
    current = -1
    for p in np.argsort(-fits.l2[: len(near)], kind="stable").tolist():
        if current >= 0:
            apart = np.linalg.solve(metrics.inverse[p], (near[p] - near[current]) * metrics.unit[p])
        if current < 0 or float(apart @ apart) > APART * fits.weight[p] or not np.isfinite(apart).all():
            current = p
        anchored[p] = current
    return anchored


def _middle(l2: Floats) -> NDArray[np.intp]:
    return np.argsort(l2, kind="stable")[len(l2) // 2 :][:1]


class Pairs:
    """All fits, (1 + K) P of them, on their way from the anchors to a proved gap."""

    def __init__(self, rows: Rows, fits: Fits, near: Floats, anchored: NDArray[np.intp]) -> None:
        self.rows, self.fits, P = rows, fits, len(near)
        own = np.tile(np.arange(P), len(fits.l2) // P)
        anchors, place = np.unique(anchored, return_inverse=True)
        parts = rows.by_fold(near, anchors)
        self.longest = parts.longest
        self.anchor = near[anchored][own]
        k = range(near.shape[1])
        hessians = np.empty((len(own), len(k), len(k)))
        for f, (held, a) in enumerate(zip(fits.held.tolist(), place[own].tolist(), strict=True)):
            hessians[f] = parts.hessian[np.arange(rows.K) != held, a].sum(axis=0)
        hessians[:, k, k] += fits.ridge
        self.metrics = Metrics.of(hessians, hessian_error(rows, self.longest, near))
        self.middle = int(_middle(fits.l2[:P])[0])
        start = near[own]
        slopes = fits.seen(parts.gradient[:, own]) + fits.ridge * start
        self.theta = start - self.metrics.solve(slopes)
        self.fitted: Fitted = rows.sums(self.theta, fits.held)
        rise = fits.seen(parts.loss[:, own]) + fits.penalty(start) < self.fitted.loss + fits.penalty(self.theta)
        if rise.any():  # a step that leads up is not taken
            self.theta = np.where(rise[:, None], start, self.theta)
            self.fitted = rows.sums(self.theta, fits.held)

    def proved(self, tol: float) -> tuple[Floats, Fitted, Floats]:
        """Theta, the sums there and the proved gaps: at most tol, or where floating point ends."""
        target = np.full(len(self.theta), 0.25 * tol)
        self._descend(np.flatnonzero(self._estimated() > target), target)
        gaps = self._gaps(np.arange(len(self.theta)))
        for attempt in range(ATTEMPTS):
            far = np.flatnonzero(gaps > tol)
            if not len(far):
                break
            lost = far if attempt else far[~np.isfinite(gaps[far])]
            self._anchor_anew(lost)
            # what was proved is weaker than the estimate by some factor: aim lower by as much, and a little more
            factor = np.where(np.isfinite(gaps[far]), gaps[far] / self._estimated()[far], 100.0 ** (attempt + 1))
            target[far] = np.maximum(0.25 * tol / np.maximum(factor, 1.0), 1e-27)
            self._descend(far, target)
            now = self._gaps(far)
            stuck = attempt > 1 and np.all((now >= 0.5 * gaps[far]) & np.isfinite(now))
            gaps[far] = np.minimum(gaps[far], now)
            if stuck:
                break
        return self.theta, self.fitted, gaps

    def _anchor_anew(self, far: NDArray[np.intp]) -> None:
        """Form the Hessians of some fits where they now stand; a few at a time, one pass for each few."""
        k = self.theta.shape[1]
        few = max(1, MOST_NUMBERS // (self.rows.K * k * k))
        for start in range(0, len(far), few):
            some = far[start : start + few]
            fits, theta = self.fits.take(some), self.theta[some]
            hessians = fits.seen(self.rows.by_fold(theta, np.arange(len(some))).hessian)
            hessians[:, range(k), range(k)] += fits.ridge
            self.metrics.put(some, Metrics.of(hessians, hessian_error(self.rows, self.longest, theta)))
            self.anchor[some] = theta

    def _estimated(self) -> Floats:
        """½ |gradient|² over M^-1, relative to F."""
        slopes = self.fitted.gradient.T + self.fits.ridge * self.theta
        decrement = 0.5 * np.einsum("fj,fj->f", slopes, self.metrics.solve(slopes))
        share: Floats = decrement / (self.fitted.loss + self.fits.penalty(self.theta))
        return share

    def _descend(self, far: NDArray[np.intp], target: Floats) -> None:
        if not len(far):
            return
        some = self.fits.take(far)
        metrics, start = self.metrics.take(far), self.fitted.take(far)
        self.theta[far], found = descend(self.rows, some, self.theta[far], metrics, target[far], start)
        self.fitted.put(far, found)

    def _gaps(self, which: NDArray[np.intp]) -> Floats:
        T = self.metrics.inverse[self.middle] / self.metrics.unit[self.middle]
        factor = np.linalg.inv(T) if T.any() else T
        theta, fits, metrics = self.theta[which], self.fits.take(which), self.metrics.take(which)
        reached = self.rows.extent(theta - self.anchor[which], T)
        leverage = metrics.leverages(reached, self.longest, factor, T)
        fitted = self.fitted.take(which)
        at = At(theta, fitted, self.longest, reached.move, _shift(self.rows, theta))
        return prove(self.rows, fits, at, metrics, leverage)


def _shift(rows: Rows, theta: Floats) -> Floats:
    """How far rounding may take the user's intercept b = c - centre'w from c."""
    size = np.abs(theta[:, :-1]) @ np.abs(rows.frame.centre / rows.frame.scale)
    shift: Floats = (rows.n + 4) * 2.0**-52 * (size + np.abs(theta[:, -1]))
    return shift
