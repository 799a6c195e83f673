"""What is proved of fits on their way, and when a metric has served its time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from steepest.lockstep.advance import Walk
from steepest.lockstep.metrics import Lengths
from steepest.lockstep.rows import Rows
from steepest.lockstep.together import At, Fits, hessian_error, prove
from steepest.types import Floats

__all__ = ["Judge"]


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
        # a decrement as small as this and no proof: what is proved there suffers from how far the anchor is
        weak = now <= 0.1 * tol * walk.value[which]
        worn: NDArray[np.bool_] = np.isfinite(before) & (weak | ~(steps <= max(2.0, (k * k / 12.0) / (k / 7.0 + 8.0))))
        return worn

    def last_word(self) -> None:
        """Prove what can be of fits that floating point stopped before they were as good as asked for."""
        left = np.flatnonzero(np.isinf(self.gaps))
        if len(left):
            self._prove(left, self._drift(left))

    def of(self, fits: Fits, which: NDArray[np.intp], tol: float) -> Floats:
        """The gaps of other fits at the same weights: fit i at those of which[i], whose penalty is no stronger.

        M of the weaker penalty is no larger than that of the stronger one, so it serves both.
        """
        walk = self.walk
        gaps = prove(walk.rows, fits, self._at(which, self.drift[which]), walk.metrics, which)
        weak = np.flatnonzero(gaps > tol)
        moves = walk.theta[which[weak]] - walk.anchor[which[weak]]
        if moves.any():
            drift = walk.rows.extent(moves)
            again = prove(walk.rows, fits.take(weak), self._at(which[weak], drift), walk.metrics, which[weak])
            gaps[weak] = np.minimum(gaps[weak], again)
        return gaps

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
