"""Many fits advance together: one pass over the rows answers all of them, and stacked arrays hold what each remembers.

Each fit goes the way of `solvers.lbfgs`, its plain twin, which a test holds it to: theta := theta - t B gradient with B
the inverse of a Hessian, formed at an anchor, corrected by the steps made since. A generator per fit gives the same
iterates, and takes longer than the pass: 60 of them 3 ms a round, a pass over 2,000 x 20 for all of them 2 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.kernels.many import Fitted
from steepest.lockstep.metrics import Metrics
from steepest.lockstep.rows import Rows
from steepest.lockstep.together import Fits
from steepest.types import Floats

__all__ = ["Walk"]

RISE = 1.0 + 2.0**-46  # where no step lowers F any more, its last bits come and go
SHORTER = 0.25  # the share of a step that is tried where it raised F


@dataclass(frozen=True, slots=True)
class _Pair:
    """A step of every fit and the change of its slope, (F, k); inverse (F,) is 1 / step'bent, 0 for fits without."""

    step: Floats
    bent: Floats
    inverse: Floats


class Walk:
    """F fits on their way.

    theta (F, k), fitted, value (F,), slope (F, k)    where they stand, and what was summed there
    metrics, anchor (F, k)                            a Hessian of each, and where it was formed
    before, decrement (F,)                            ½ |slope|²_{M^-1} at the last point and at this one
    """

    def __init__(
        self, rows: Rows, fits: Fits, theta: Floats, fitted: Fitted, metrics: Metrics, anchor: Floats | None = None
    ) -> None:
        self.rows, self.fits, self.theta, self.fitted, self.metrics = rows, fits, theta.copy(), fitted, metrics
        self.anchor = self.theta.copy() if anchor is None else anchor
        self.value, self.slope = fits.value(fitted, theta), fits.slope(fitted, theta)
        self.before = np.full(len(theta), np.inf)
        self.decrement = 0.5 * np.einsum("fj,fj->f", self.slope, metrics.solve(np.arange(len(theta)), self.slope))
        self._share, self._pairs = np.ones(len(theta)), list[_Pair]()

    @classmethod
    def from_here(cls, rows: Rows, fits: Fits, theta: Floats) -> Walk:
        """With Hessians formed at theta, for steps only; one pass."""
        found = rows.second(theta, fits.held)
        return cls(rows, fits, theta, found.fitted, Metrics.of(_with_ridge(found.hessian, fits)))

    def step(self, which: NDArray[np.intp]) -> None:
        """One step of some of the fits: one pass. One that would raise F is not made, and tried shorter next time."""
        fits, step = self.fits.take(which), -self._share[which, None] * self._corrected(which)
        trial = self.theta[which] + step
        found, before = self.rows.sums(trial, fits.held), self.slope[which]
        better = self._move(which, trial, found)
        moved = which[better]
        self._remember(moved, step[better], self.slope[moved] - before[better])
        self._measure(moved)

    def ahead(self, which: NDArray[np.intp]) -> Floats:
        """Where all fits would stand after a step of some of them; no pass, and nothing changes."""
        theta = self.theta.copy()
        theta[which] -= self._share[which, None] * self._corrected(which)
        return theta

    def newton(self, which: NDArray[np.intp]) -> None:
        """The same, with new Hessians where they arrive, and in memory of nothing else; one pass."""
        fits = self.fits.take(which)
        step = self.metrics.solve(which, self.slope[which])
        trial = self.theta[which] - self._share[which, None] * step
        found = self.rows.second(trial, fits.held)
        better = self._move(which, trial, found.fitted)
        self._bent(which[better], found.hessian[better])

    def bend(self, which: NDArray[np.intp]) -> None:
        """Form the Hessians of some fits where they stand; one pass."""
        self._bent(which, self.rows.second(self.theta[which], self.fits.held[which]).hessian)
        for pair in self._pairs:
            pair.inverse[which] = 0.0

    def _bent(self, which: NDArray[np.intp], hessians: Floats) -> None:
        if len(which):
            self.metrics.put(which, Metrics.of(_with_ridge(hessians, self.fits.take(which))))
            self.anchor[which], self._share[which] = self.theta[which], 1.0
            self._measure(which)
            self.before[which] = np.inf

    def _move(self, which: NDArray[np.intp], trial: Floats, found: Fitted) -> NDArray[np.bool_]:
        """Go where F is no larger; which of the fits did."""
        fits = self.fits.take(which)
        value, slope = fits.value(found, trial), fits.slope(found, trial)
        better = np.asarray(value <= self.value[which] * RISE)
        self._share[which] = np.where(better, 1.0, SHORTER * self._share[which])
        moved = which[better]
        self.theta[moved], self.value[moved], self.slope[moved] = trial[better], value[better], slope[better]
        self.fitted.put(moved, found.take(better))
        self.before[moved] = self.decrement[moved]
        return better

    def _measure(self, which: NDArray[np.intp]) -> None:
        slope = self.slope[which]
        self.decrement[which] = 0.5 * np.einsum("fj,fj->f", slope, self.metrics.solve(which, slope))

    def _remember(self, moved: NDArray[np.intp], step: Floats, bent: Floats) -> None:
        whole_step, whole_bent, inverse = (
            np.zeros_like(self.theta),
            np.zeros_like(self.theta),
            np.zeros(len(self.theta)),
        )
        curvature = np.einsum("fj,fj->f", step, bent)
        told = curvature > np.finfo(float).eps * np.linalg.norm(step, axis=1) * np.linalg.norm(bent, axis=1)
        whole_step[moved], whole_bent[moved] = step, bent
        inverse[moved[told]] = 1.0 / curvature[told]
        self._pairs.append(_Pair(whole_step, whole_bent, inverse))

    def _corrected(self, which: NDArray[np.intp]) -> Floats:
        """B slope by the two-loop recursion (J. Nocedal, S. Wright, Numerical Optimization (2006), algorithm 7.4)."""
        q = self.slope[which].copy()
        pairs = [(pair.step[which], pair.bent[which], pair.inverse[which]) for pair in self._pairs]
        pairs = [pair for pair in pairs if pair[2].any()]
        shares: list[Floats] = []
        for step, bent, inverse in reversed(pairs):
            share = inverse * np.einsum("fj,fj->f", step, q)
            shares.append(share)
            q -= share[:, None] * bent
        q = self.metrics.solve(which, q)
        for (step, bent, inverse), share in zip(pairs, reversed(shares), strict=True):
            q += (share - inverse * np.einsum("fj,fj->f", bent, q))[:, None] * step
        return q


def _with_ridge(hessians: Floats, fits: Fits) -> Floats:
    k: Any = range(hessians.shape[1])
    hessians[:, k, k] += fits.ridge
    return hessians
