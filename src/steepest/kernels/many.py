"""Many fits on the same rows: one read of a block answers all of them, through matrix products.

Rows come framed and signed, x = (2y - 1) ((x - centre) / scale, 1), so that u = x'theta is the margin of a row and

    loss = softplus(-u),   p = sigmoid(-u),   gradient = -X'(s p),   Hessian = X' diag(s p (1 - p)) X.

With theta (n + 1, F) for F fits, U = X theta and -X'(s P) are two products of matrices, which run an order of magnitude
nearer to the machine's peak than 2F products with vectors, and X is read once. The rows of a block stand fold by
fold: leaving fold k out of a fit is setting a rectangle of P to 0, and what stood there is the fit's held-out loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = ["ByFold", "Extent", "Fitted", "Piece", "by_fold", "extent", "sums"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Framed, signed rows X (rows, n + 1), their weights s or None; fold k is rows ends[k] … ends[k + 1] - 1."""

    X: Floats
    s: Floats | None
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Totals of F fits over the rows that count for them, and over those held out. Can be added.

    loss (F,)   gradient (n + 1, F)   held_loss (F,)   held_right (F,) weight of held-out rows with u > 0
    """

    loss: Floats
    gradient: Floats
    held_loss: Floats
    held_right: Floats

    def __add__(self, other: Fitted) -> Fitted:
        return Fitted(
            self.loss + other.loss,
            self.gradient + other.gradient,
            self.held_loss + other.held_loss,
            self.held_right + other.held_right,
        )

    def take(self, which: NDArray[np.intp] | slice) -> Fitted:
        """Those of some fits."""
        return Fitted(self.loss[which], self.gradient[:, which], self.held_loss[which], self.held_right[which])

    @classmethod
    def join(cls, parts: list[Fitted]) -> Fitted:
        """Those of several fits side by side."""
        return cls(
            np.concatenate([part.loss for part in parts]),
            np.concatenate([part.gradient for part in parts], axis=1),
            np.concatenate([part.held_loss for part in parts]),
            np.concatenate([part.held_right for part in parts]),
        )

    def put(self, which: NDArray[np.intp], found: Fitted) -> None:
        """Replace those of some fits."""
        self.loss[which], self.gradient[:, which] = found.loss, found.gradient
        self.held_loss[which], self.held_right[which] = found.held_loss, found.held_right


@dataclass(frozen=True, slots=True)
class ByFold:
    """Totals of F thetas over each of K folds: loss (K, F), gradient (K, F, n + 1), hessian (K, A, n + 1, n + 1) for A
    of the thetas; `longest` is the largest |x|. Can be added.
    """

    loss: Floats
    gradient: Floats
    hessian: Floats
    longest: float

    def __add__(self, other: ByFold) -> ByFold:
        return ByFold(
            self.loss + other.loss,
            self.gradient + other.gradient,
            self.hessian + other.hessian,
            max(self.longest, other.longest),
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """The largest |x'd| for each column d (F,), and the largest |T x|, over the rows. Adding keeps the larger."""

    move: Floats
    length: float

    def __add__(self, other: Extent) -> Extent:
        return Extent(np.maximum(self.move, other.move), max(self.length, other.length))


def sums(piece: Piece, theta: Floats, held: NDArray[np.intp]) -> Fitted:
    """Loss and gradient of every fit over the rows outside fold held[f] (-1: over all rows); theta (n + 1, F).

    >>> one = Piece(np.array([[1.0, 1.0], [-2.0, -1.0]]), None, (0, 1, 2))
    >>> fitted = sums(one, np.zeros((2, 2)), np.array([-1, 1]))
    >>> fitted.loss.round(4).tolist(), fitted.held_loss.round(4).tolist()
    ([1.3863, 0.6931], [0.0, 0.6931])
    """
    U = piece.X @ theta
    losses, P, _ = _loss_and_slope(U)
    if piece.s is not None:
        losses *= piece.s[:, None]
        P *= piece.s[:, None]
    loss = losses.sum(axis=0)
    held_loss, held_right = np.zeros(len(held)), np.zeros(len(held))
    for k, (start, stop) in enumerate(zip(piece.ends, piece.ends[1:], strict=False)):
        out = np.flatnonzero(held == k)
        if start == stop or not len(out):
            continue
        held_loss[out] = losses[start:stop, out].sum(axis=0)
        right = U[start:stop, out] > 0.0
        held_right[out] = right.sum(axis=0) if piece.s is None else piece.s[start:stop] @ right
        P[start:stop, out] = losses[start:stop, out] = 0.0
    if held_loss.any():
        loss = losses.sum(axis=0)  # not total - held: that would cancel where the fit lies in the other folds
    return Fitted(loss, -(piece.X.T @ P), held_loss, held_right)


def by_fold(piece: Piece, theta: Floats, bent: NDArray[np.intp]) -> ByFold:
    """Loss and gradient of every theta over each fold by itself, and the Hessian of the thetas numbered `bent`."""
    U = piece.X @ theta
    losses, P, e = _loss_and_slope(U)
    Q = np.ascontiguousarray(e[:, bent].T)
    Q = np.sqrt(Q) / (1.0 + Q)
    if piece.s is not None:
        Q *= np.sqrt(piece.s)
    if piece.s is not None:
        losses *= piece.s[:, None]
        P *= piece.s[:, None]
    K, (k, F) = len(piece.ends) - 1, theta.shape
    total = ByFold(np.zeros((K, F)), np.zeros((K, F, k)), np.zeros((K, len(bent), k, k)), _longest(piece.X))
    for fold, (start, stop) in enumerate(zip(piece.ends, piece.ends[1:], strict=False)):
        if start == stop:
            continue
        X = piece.X[start:stop]
        total.loss[fold] = losses[start:stop].sum(axis=0)
        total.gradient[fold] = -(P[start:stop].T @ X)
        for a in range(len(bent)):
            rooted = X * Q[a, start:stop, None]  # through a root BLAS forms one half, and the other is its mirror
            np.matmul(rooted.T, rooted, out=total.hessian[fold, a])
    return total


def extent(piece: Piece, moves: Floats, T: Floats) -> Extent:
    """How far each of `moves` (n + 1, F) takes any row, and how long the rows are in T (k, n + 1)."""
    Z = piece.X @ moves
    move = np.maximum(Z.max(axis=0, initial=0.0), -Z.min(axis=0, initial=0.0))
    return Extent(move, _longest(piece.X @ T.T))


def _longest(rows: Floats) -> float:
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0)))


def _loss_and_slope(U: Floats) -> tuple[Floats, Floats, Floats]:
    """softplus(-u), sigmoid(-u) and e = exp(-|u|), the one exponential that they need."""
    e = np.abs(U)
    np.negative(e, out=e)
    np.exp(e, out=e)
    losses = np.log1p(e)
    losses -= np.minimum(U, 0.0)
    P = np.where(U >= 0.0, e, 1.0)
    P /= 1.0 + e
    return losses, P, e
