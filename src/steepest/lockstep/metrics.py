"""The metrics of many fits at once: matrices M_f, and norms over M_f^-1 and M_f that are never too small.

The proof is that of `rounding.Metric`: whatever Y is, Y N Y' = 1 + G with |G|_F <= loss bounds N^-1 by Y'Y from both
sides. Lengths of rows need no pass of their own: with any matrix T, U ~ T^-1 and L >= |T x| of all rows,
    |Y_f x| <= |Y_f U|_2 |T x| + |Y_f|_F |1 - U T|_F |x|,
and with a bound B_f on |x| over M_f^-1, Cauchy's inequality says how far a move d takes any row: |x'd| <= B_f |d|_M.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.lapack import inverse_factor
from steepest.proof.rounding import LEAST, SLACK, UNIT, gamma, spectral
from steepest.types import Floats

__all__ = ["Lengths", "Metrics"]


@dataclass(frozen=True, slots=True)
class Lengths:
    """What is known of all rows: |x| <= longest, and |T x| <= reached for each of T (B, k, k), with factor ~ T^-1."""

    T: Floats
    factor: Floats
    longest: float
    reached: Floats


@dataclass(frozen=True, slots=True)
class Metrics:
    """M_f^-1 ~ Y'Y / (unit unit') for every fit, with loss as in `rounding.Metric`.

    `loss` is infinite until `verify` has found it: for steps it is not needed. From ½ on nothing is claimed. M_f is
    known up to |true - computed|_jl <= error sqrt(M_jj M_ll).
    """

    matrix: Floats  # (F, k, k)
    unit: Floats  # (F, k)
    inverse: Floats  # (F, k, k)
    error: Floats  # (F,)
    loss: Floats  # (F,)

    @classmethod
    def of(cls, matrices: Floats) -> Metrics:
        """Metrics of matrices (F, k, k); of one that is not positive definite M^-1 is taken for 0."""
        diagonal = np.einsum("fjj->fj", matrices)
        usable = np.isfinite(matrices).all(axis=(1, 2)) & (diagonal > LEAST).all(axis=1)
        F, k = diagonal.shape
        unit = np.ldexp(1.0, np.rint(0.5 * np.log2(np.where(diagonal > LEAST, diagonal, 1.0))).astype(np.int64))
        inverse = np.zeros((F, k, k))
        for f in np.flatnonzero(usable):
            found = inverse_factor(matrices[f] / unit[f] / unit[f, :, None])
            if found is not None:
                inverse[f] = found
        return cls(matrices, unit, inverse, np.full(F, np.inf), np.full(F, np.inf))

    def verify(self, which: NDArray[np.intp], error: float) -> None:
        """Find the loss of some of the metrics, each known up to `error`."""
        for f in which.tolist():
            if not self.inverse[f].any():
                continue
            scaled = self.matrix[f] / self.unit[f] / self.unit[f, :, None]
            self.error[f], self.loss[f] = error, _loss(self.inverse[f], scaled, error)

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Where M_f is proved to be positive definite."""
        return self.loss < 0.5

    def put(self, which: NDArray[Any], found: Metrics) -> None:
        """Replace the metrics of some of the fits."""
        self.matrix[which], self.unit[which], self.inverse[which] = found.matrix, found.unit, found.inverse
        self.error[which], self.loss[which] = found.error, found.loss

    def solve(self, which: NDArray[np.intp], vectors: Floats) -> Floats:
        """M_f^-1 v to ordinary accuracy for the vectors (G, k) of some fits.

        One by one: to gather matrices of 60 fits takes longer than to multiply by them.
        """
        solved = vectors / self.unit[which]
        for i, f in enumerate(which.tolist()):
            Y = self.inverse[f]
            solved[i] = (Y @ solved[i]) @ Y
        solved /= self.unit[which]
        return solved

    def norms(self, which: NDArray[np.intp], vectors: Floats, error: Floats) -> Floats:
        """Upper bounds on |v|_{M^-1} for every v within `error` of vectors (G, k), componentwise."""
        scaled, off = vectors / self.unit[which], error / self.unit[which]
        off += gamma(scaled.shape[1] + 2) * np.abs(scaled)
        size = np.empty_like(scaled)
        for i, f in enumerate(which.tolist()):
            Y = self.inverse[f]
            size[i] = np.abs(Y @ scaled[i]) + np.abs(Y) @ off[i]
        return np.asarray(np.linalg.norm(size, axis=1) * self._up(which))

    def distances(self, which: NDArray[np.intp], ends: Floats, starts: Floats) -> Floats:
        """Upper bounds on |end - start|_M, (G,); a subtraction and a product round each term a few times at most."""
        moves, images, roots = ends - starts, np.empty_like(ends), np.empty_like(ends)
        for i, f in enumerate(which.tolist()):
            images[i], roots[i] = self.matrix[f] @ moves[i], self.matrix[f].diagonal()
        square = np.einsum("fj,fj->f", moves, images)
        spread = np.einsum("fj,fj->f", np.sqrt(roots), np.abs(moves))
        doubt = (self.error[which] + gamma(2 * moves.shape[1] + 8)) * spread * spread
        return np.asarray((np.sqrt(np.maximum(square, 0.0) + doubt * SLACK) + 4.0 * UNIT * spread) * SLACK)

    def leverages(self, which: NDArray[np.intp], rows: Lengths) -> Floats:
        """Upper bounds on |x|_{M_f^-1} of all rows, (G,)."""
        found = np.full(len(which), np.inf)
        for T, factor, reached in zip(rows.T, rows.factor, rows.reached.tolist(), strict=True):
            np.minimum(found, self._through(which, T, factor, (reached, rows.longest)), out=found)
        return found * (SLACK * self._up(which))

    def _through(self, which: NDArray[np.intp], T: Floats, factor: Floats, reach: tuple[float, float]) -> Floats:
        """max |Y_f x| through one T, with reach = (max |T x|, max |x|)."""
        k = len(T)
        left = float(np.linalg.norm(np.eye(k) - factor @ T))
        left += gamma(k + 4) * float(np.linalg.norm(np.abs(factor) @ np.abs(T)))
        reached = reach[0] + gamma(k + 8) * float(np.linalg.norm(T)) * reach[1]
        size, found = gamma(k + 4) * float(np.linalg.norm(factor)), np.empty(len(which))
        for i, f in enumerate(which.tolist()):
            turned = self.inverse[f] / self.unit[f]
            spread = math.sqrt(np.vdot(turned, turned))
            product = spectral(turned @ factor) + size * spread
            found[i] = product * reached + spread * left * reach[1]
        return found

    def _up(self, which: NDArray[np.intp]) -> Floats:
        return SLACK / np.sqrt(1.0 - np.minimum(self.loss[which], 0.5))


def _loss(inverse: Floats, scaled: Floats, error: float) -> float:
    """A bound on |Y N Y' - 1|_F for every N within `error` of scaled, as in `rounding.Metric`."""
    k, rest = len(scaled), inverse @ scaled @ inverse.T
    rest.reshape(-1)[:: k + 1] -= 1.0
    # | |Y| |N| |Y'| |_F <= | |Y| r |² with r the root of the diagonal, because |N_jl| <= r_j r_l
    reached = np.abs(inverse) @ np.sqrt(scaled.diagonal())
    rounding = gamma(2 * k + 4)
    return (math.sqrt(np.vdot(rest, rest)) + (rounding + error) * float(reached @ reached) + rounding * k) * SLACK
