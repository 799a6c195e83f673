"""Many fits of one table: the rows that count for each, its penalty, and the proof of its gap.

    F_f(theta) = sum over rows outside fold held[f] of s_i softplus(-u_i) + ½ theta'R_f theta,   R_f = l2_f W_f / scale²

M_f is the Hessian of a fit at an anchor theta_a. With V_f >= |x_i'(theta_f - theta_a)| on all rows, softplus'' changes
by a factor e^V at most (decision 1, step S), so e^-V M_f <= H_f(theta_f): what C2 needs, without a Hessian at theta_f.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.kernels.many import CONFIDENT, Fitted
from steepest.lockstep.metrics import Metrics
from steepest.lockstep.rows import Rows
from steepest.proof.curves import excess
from steepest.proof.rounding import FEW, SLACK, UNIT, gamma
from steepest.types import Floats

__all__ = ["At", "Fits", "hessian_error", "prove"]

PRODUCT = 4.0 * UNIT / CONFIDENT  # of a sum of losses: the logarithm of a product of 1 + e, each wrong by 4u at most


@dataclass(frozen=True, slots=True)
class Fits:
    """F fits: their penalty on the mean loss l2 (F,), the fold held out (F,) or -1, R (F, n + 1), and W_f (F,)."""

    l2: Floats
    held: NDArray[np.intp]
    ridge: Floats
    weight: Floats

    @classmethod
    def of(cls, rows: Rows, l2: Floats, held: NDArray[np.intp], on_sum: bool = False) -> Fits:
        """The fits of `rows`; with `on_sum`, l2 W is the same for all folds, instead of l2."""
        weights = rows.weights()
        left = np.array([weights[np.arange(rows.K) != k].sum() for k in held.tolist()])
        strength = l2 * (weights.sum() if on_sum else left)
        ridge = np.zeros((len(l2), rows.n + 1))
        ridge[:, :-1] = strength[:, None] / rows.frame.scale / rows.frame.scale
        return cls(strength / left, held, ridge, left)

    def take(self, which: NDArray[Any]) -> Fits:
        """Some of the fits."""
        return Fits(self.l2[which], self.held[which], self.ridge[which], self.weight[which])

    def seen(self, parts: Floats) -> Floats:
        """Sum of parts (K, F, …) over the folds that each fit sees; sums of terms >= 0 stay as accurate as they are."""
        counted = np.arange(len(parts))[:, None] != self.held
        total: Floats = np.einsum("kf,kf...->f...", counted.astype(np.float64), parts)
        return total

    def value(self, fitted: Fitted, theta: Floats) -> Floats:
        """F of every fit, (F,)."""
        value: Floats = fitted.loss + 0.5 * np.einsum("fj,fj,fj->f", self.ridge, theta, theta)
        return value

    def slope(self, fitted: Fitted, theta: Floats) -> Floats:
        """The gradient of F of every fit, (F, n + 1)."""
        slope: Floats = fitted.gradient.T + self.ridge * theta
        return slope


@dataclass(frozen=True, slots=True)
class At:
    """Where F fits stand: theta (F, n + 1), the sums there, the largest |x| of any row, a bound on every
    |x'(theta - anchor)| (F,), and on |x|_{M^-1} (F,), and how far the intercept may be from that of the user's (w, b).
    """

    theta: Floats
    fitted: Fitted
    longest: float
    drift: Floats
    leverage: Floats
    shift: Floats


def prove(rows: Rows, fits: Fits, at: At, metrics: Metrics, which: NDArray[np.intp]) -> Floats:
    """The proved relative gap of every fit at a point: C2 with e^-V M; infinite where nothing is proved. `which` of the
    metrics belongs to each.

    sum of s_i |x_ij| <= W max |x|, and z_i is off by gamma |x| |theta| =: delta, which moves p_i by at most
    e^delta delta / 4, and by at most p_i (e^delta - 1).
    """
    theta, fitted = at.theta, at.fitted
    k, adding, length = theta.shape[1], gamma(rows.m + 64), np.linalg.norm(theta, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        doubt = (gamma(k + 12) * at.longest * length + at.shift) * SLACK + 2.0**-1000
        slope = 0.25 * np.expm1(2.0 * doubt) + FEW + adding
        # p is relatively accurate, and sigmoid <= softplus: sum of s p <= sum of the losses, far less than W where F is
        losses = fitted.loss * np.exp(np.minimum(doubt, 1.0)) * 1.01
        pull = np.minimum(fits.weight * slope, losses * (np.expm1(2.0 * doubt) + FEW + adding))
        error = (pull * at.longest)[:, None] + (adding + gamma(8)) * np.abs(fits.ridge * theta)
        value = fits.value(fitted, theta)
        off = fits.weight * doubt * np.exp(np.minimum(doubt, 1.0)) + (PRODUCT + FEW + adding + gamma(k + 16)) * value
        stretch = np.exp(0.5 * (at.drift + 4.0 * doubt) * SLACK) * SLACK
        norm = stretch * metrics.norms(which, fits.slope(fitted, theta), error * SLACK)
        sigma = norm * stretch * at.leverage * SLACK
    gaps = np.full(len(theta), math.inf)
    for f in np.flatnonzero(metrics.sound[which] & (sigma < 1.0) & np.isfinite(value)):
        bound = 0.5 * float(norm[f]) ** 2 * excess(float(sigma[f])) * SLACK
        least = float(value[f] - off[f] * SLACK) - bound
        gaps[f] = bound / least * SLACK if least > 0.0 else math.inf
    return gaps


def hessian_error(rows: Rows, size: float, theta: Floats) -> float:
    """e with |true - computed|_jl <= e sqrt(H_jj H_ll) for Hessians at theta (F, n + 1); `size` bounds all |x|."""
    doubt = gamma(theta.shape[1] + 12) * size * float(np.linalg.norm(theta, axis=1).max(initial=0.0)) * SLACK
    return (gamma(rows.m + 64) + 2.0 * FEW + math.expm1(min(doubt, 1.0))) * (1.0 + 2.0**-6)
