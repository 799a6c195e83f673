"""Many fits of one table: the rows that they share, the metric of each, and the proof of each.

    F_f(theta) = sum over rows outside fold held[f] of s_i softplus(-u_i) + ½ theta'R_f theta,   R_f = l2_f W_f / scale²

Hessians are formed fold by fold at an anchor theta_a; the sum over the folds that a fit sees, plus R_f, is M_f. With
V_f >= |x_i'(theta_f - theta_a)| on all rows, softplus'' changes by a factor e^V at most (docs/decisions, step S), so
e^-V M_f <= H_f(theta_f): what C2 needs, without a Hessian at theta_f. And with any matrix T and U ~ T^-1,
|Y_f x| <= |Y_f U| |T x| + |Y_f| |1 - U T| |x| bounds the leverages of all fits by one pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from steepest.engines import MemoryEngine
from steepest.kernels.many import ByFold, Extent, Fitted, Piece, by_fold, extent, sums
from steepest.proof.curves import excess
from steepest.proof.problem import Problem
from steepest.proof.rounding import LEAST, SLACK, UNIT, gamma
from steepest.scaling import Scaling
from steepest.types import Addable, Block, Floats

__all__ = ["At", "Fits", "Metrics", "Rows", "frame_of", "hessian_error", "prove"]

A = TypeVar("A", bound=Addable)
KEPT = 1 << 20  # elements of X up to which its framed rows are kept (8 MB); larger tables are framed in every pass
BATCH = 1 << 17  # numbers of a piece, its rows and what belongs to its fits together: 1 MB stays in cache
FEW = 16.0 * UNIT
FEW_FITS = 8  # whose matrices are looked at together


class Rows:
    """The rows in their frame, a piece at a time and fold by fold; `passes` counts how often they were all read."""

    def __init__(self, engine: MemoryEngine, frame: Scaling, fold: NDArray[np.intp] | None, fits: int) -> None:
        n = engine.n
        rows = min(4096, max(128, BATCH // (n + 1 + 2 * fits)))
        self.engine = MemoryEngine(
            engine.X, engine.y, engine.weight, threads=engine.threads, block_bytes=8 * max(1, n) * rows
        )
        self.m, self.n, self.fold, self.frame = engine.m, n, fold, frame
        self.K = 1 if fold is None else int(fold.max()) + 1
        self.passes = 0
        self._kept: dict[int, Piece] = {}
        self._keeps = engine.X.size <= KEPT

    def sum(self, of_piece: Callable[[Piece], A]) -> A:
        """`of_piece` over all rows, in one pass."""
        self.passes += 1
        return self.engine.sum(lambda block: of_piece(self._piece(block)))

    def sums(self, theta: Floats, held: NDArray[np.intp]) -> Fitted:
        """Loss and gradient of every fit, and its held-out loss; theta (F, n + 1)."""
        columns = np.ascontiguousarray(theta.T)
        return self.sum(lambda piece: sums(piece, columns, held))

    def by_fold(self, theta: Floats, bent: NDArray[np.intp]) -> ByFold:
        """Totals over each fold; the Hessians of the thetas numbered `bent`."""
        columns = np.ascontiguousarray(theta.T)
        return self.sum(lambda piece: by_fold(piece, columns, bent))

    def extent(self, moves: Floats, T: Floats) -> Extent:
        """How far moves (F, n + 1) take any row."""
        columns = np.ascontiguousarray(moves.T)
        return self.sum(lambda piece: extent(piece, columns, T))

    def weights(self) -> Floats:
        """Sum of the weights of each fold, (K,)."""
        fold = np.zeros(self.m, dtype=np.intp) if self.fold is None else self.fold
        return np.bincount(fold, weights=self.engine.weight, minlength=self.K).astype(np.float64)

    def _piece(self, block: Block) -> Piece:
        if block.start in self._kept:
            return self._kept[block.start]
        rows = len(block.y)
        X = np.ones((rows, self.n + 1))
        np.subtract(block.X, self.frame.centre, out=X[:, :-1])
        X[:, :-1] *= 1.0 / self.frame.scale
        X *= (2.0 * block.y - 1.0)[:, None]
        s, ends = block.weight, (0, rows)
        if self.fold is not None:
            fold = self.fold[block.start : block.start + rows]
            if np.any(fold[1:] < fold[:-1]):
                order = np.argsort(fold, kind="stable")
                X, s, fold = X[order], None if s is None else s[order], fold[order]
            ends = tuple(np.searchsorted(fold, np.arange(self.K + 1)).tolist())
        piece = Piece(X, s, ends)
        if self._keeps:
            self._kept[block.start] = piece
        return piece


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

    def penalty(self, theta: Floats) -> Floats:
        """½ theta'R theta, (F,)."""
        half: Floats = 0.5 * np.einsum("fj,fj,fj->f", self.ridge, theta, theta)
        return half


@dataclass(frozen=True, slots=True)
class At:
    """Where F fits stand: theta (F, n + 1), the sums there, the largest |x| of any row, the largest
    |x'(theta - anchor)| (F,), and how far the intercept may be from that of the user's (w, b) (F,).
    """

    theta: Floats
    fitted: Fitted
    longest: float
    drift: Floats
    shift: Floats


@dataclass(frozen=True, slots=True)
class Metrics:
    """M_f^-1 ~ Y'Y / (unit unit') for every fit at once, with loss as in `rounding.Metric`, whose proof is the same.

    `sound` says where M_f is proved to be positive definite; elsewhere nothing is claimed.
    """

    unit: Floats  # (F, k)
    inverse: Floats  # (F, k, k)
    loss: Floats  # (F,)
    sound: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def of(cls, matrices: Floats, error: float) -> Metrics:
        """Metrics of matrices (F, k, k), each known up to |true - computed|_jl <= error sqrt(M_jj M_ll)."""
        diagonal = np.einsum("fjj->fj", matrices)
        sound = np.isfinite(matrices).all(axis=(1, 2)) & (diagonal > LEAST).all(axis=1)
        F, k = diagonal.shape
        one = np.eye(k)
        unit = np.ldexp(1.0, np.rint(0.5 * np.log2(np.where(diagonal > LEAST, diagonal, 1.0))).astype(np.int64))
        scaled = matrices / unit[:, None, :] / unit[:, :, None]
        scaled[~sound] = one
        inverse = np.empty((F, k, k))
        for f in range(F):
            inverse[f] = _inverse_factor(scaled[f])
        loss = np.concatenate(
            [_loss(inverse[f : f + FEW_FITS], scaled[f : f + FEW_FITS], error) for f in range(0, F, FEW_FITS)]
            or [np.empty(0)]
        )
        sound &= loss < 0.5
        return cls(unit, inverse, np.where(sound, loss, 0.0), sound)

    def take(self, which: NDArray[Any]) -> Metrics:
        """The metrics of some of the fits."""
        return Metrics(self.unit[which], self.inverse[which], self.loss[which], self.sound[which])

    def put(self, which: NDArray[Any], found: Metrics) -> None:
        """Replace the metrics of some of the fits."""
        self.unit[which], self.inverse[which] = found.unit, found.inverse
        self.loss[which], self.sound[which] = found.loss, found.sound

    def solve(self, vectors: Floats) -> Floats:
        """M_f^-1 v_f for every fit, to ordinary accuracy; vectors (F, k)."""
        seen = self.inverse @ (vectors / self.unit)[:, :, None]
        solved: Floats = (self.inverse.transpose(0, 2, 1) @ seen)[:, :, 0] / self.unit
        return solved

    def one(self, f: int) -> Callable[[Floats], Floats]:
        """v -> M_f^-1 v for one fit: the metric that a solver takes."""
        Y, unit = self.inverse[f], self.unit[f]
        return lambda v: np.asarray((Y.T @ (Y @ (v / unit))) / unit)

    def norms(self, vectors: Floats, error: Floats) -> Floats:
        """Upper bounds on |v|_{M^-1} for every v within `error` of vectors, componentwise."""
        scaled, off = vectors / self.unit, error / self.unit
        off = off + gamma(scaled.shape[1] + 2) * np.abs(scaled)
        size = np.abs(self.inverse @ scaled[:, :, None]) + np.abs(self.inverse) @ off[:, :, None]
        return np.asarray(np.linalg.norm(size[:, :, 0], axis=1) * self._up)

    def leverages(self, reached: Extent, longest: float, factor: Floats, T: Floats) -> Floats:
        """Upper bounds on |x|_{M_f^-1} of all rows, from one extent of the rows in T, factor ~ T^-1."""
        k = len(T)
        turned = self.inverse / self.unit[:, None, :]
        left = np.linalg.norm(np.eye(k) - factor @ T) + gamma(k + 4) * np.linalg.norm(np.abs(factor) @ np.abs(T))
        spread = np.linalg.norm(turned, axis=(1, 2))
        product = np.linalg.norm(turned @ factor, axis=(1, 2))
        product += gamma(k + 4) * spread * np.linalg.norm(factor)
        blur = gamma(k + 8) * np.linalg.norm(T) * longest
        return np.asarray((product * (reached.length + blur) + spread * left * longest) * (SLACK * self._up))

    @property
    def _up(self) -> Floats:
        return SLACK / np.sqrt(1.0 - self.loss)


def prove(rows: Rows, fits: Fits, at: At, metrics: Metrics, leverage: Floats) -> Floats:
    """The proved relative gap (F,) of every fit at a point: C2 with e^-V M; infinite where nothing is proved.

    `leverage` is that of `Metrics.leverages`. sum of s_i |x_ij| <= W max |x|, and z_i is off by gamma |x| |theta|.
    """
    theta, fitted = at.theta, at.fitted
    k, adding, length = theta.shape[1], gamma(rows.m + 64), np.linalg.norm(theta, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        doubt = (gamma(k + 12) * at.longest * length + at.shift) * SLACK + 2.0**-1000
        slope = 0.25 * np.expm1(2.0 * doubt) + FEW + adding
        pull = fits.ridge * theta
        error = (fits.weight * slope * at.longest)[:, None] + (adding + gamma(8)) * np.abs(pull)
        value = fitted.loss + fits.penalty(theta)
        off = fits.weight * doubt * np.exp(np.minimum(doubt, 1.0)) + (FEW + adding + gamma(k + 16)) * value
        stretch = np.exp(0.5 * (at.drift + 4.0 * doubt) * SLACK) * SLACK
        norm = stretch * metrics.norms(fitted.gradient.T + pull, error * SLACK)
        sigma = norm * stretch * leverage * SLACK
    gaps = np.full(len(theta), math.inf)
    for f in np.flatnonzero(metrics.sound & (sigma < 1.0) & np.isfinite(value)):
        bound = 0.5 * float(norm[f]) ** 2 * excess(float(sigma[f])) * SLACK
        least = float(value[f] - off[f] * SLACK) - bound
        gaps[f] = bound / least * SLACK if least > 0.0 else math.inf
    return gaps


def hessian_error(rows: Rows, size: float, theta: Floats) -> float:
    """e with |true - computed|_jl <= e sqrt(H_jj H_ll) for Hessians at theta (F, n + 1); `size` bounds all |x|."""
    doubt = gamma(theta.shape[1] + 12) * size * float(np.linalg.norm(theta, axis=1).max(initial=0.0)) * SLACK
    return (gamma(rows.m + 64) + 2.0 * FEW + math.expm1(min(doubt, 1.0))) * (1.0 + 2.0**-6)


def frame_of(engine: MemoryEngine) -> Scaling:
    """Centre and power-of-two scales of the columns; two passes."""
    return Problem.of(engine).frame


def _loss(inverse: Floats, scaled: Floats, error: float) -> Floats:
    """Bounds on |Y N Y' - 1|_F for every N within `error` of scaled, as in `rounding.Metric`; (F,)."""
    size, k = np.abs(inverse), scaled.shape[1]
    seen = np.linalg.norm(inverse @ scaled @ inverse.transpose(0, 2, 1) - np.eye(k), axis=(1, 2))
    magnitude = np.linalg.norm(size @ np.abs(scaled) @ size.transpose(0, 2, 1), axis=(1, 2))
    unknown = error * ((size @ np.sqrt(np.einsum("fjj->fj", scaled))[:, :, None]) ** 2).sum(axis=(1, 2))
    return np.asarray((seen + gamma(2 * k + 4) * (magnitude + math.sqrt(k)) + unknown) * SLACK)


def _inverse_factor(scaled: Floats) -> Floats:
    """Y ~ L^-1 of scaled = L L'; zeros (which prove nothing) where it is not positive definite."""
    factor, failed = lapack.dpotrf(scaled, lower=1, clean=1)
    if failed:
        return np.zeros_like(scaled)
    inverse, failed = lapack.dtrtri(factor, lower=1)
    return np.zeros_like(scaled) if failed else np.asarray(inverse)
