"""Many fits on the same rows: one read of a block answers all of them, through matrix products.

Rows come framed and signed, x = (2y - 1) ((x - centre) / scale, 1), so that u = x'theta is the margin of a row and

    loss = softplus(-u),   p = sigmoid(-u),   gradient = -X'(s p),   Hessian = X' diag(s p (1 - p)) X.

With theta (n + 1, F) for F fits, U = X theta and -X'(s P) are two products of matrices, which run an order of magnitude
nearer to the machine's peak than 2F products with vectors, and X is read once. The rows of a block stand fold by
fold: leaving fold k out of a fit is setting a rectangle of P to 0, and what stood there is the fit's held-out loss.

Between the products stands what each row says to each fit, `margins`. Of rows that all weigh 1 the losses are added as
the logarithm of a product, 1 < 1 + e <= 2: one logarithm for up to `RUN` rows, where as many were two thirds of a pass.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = [
    "ByFold",
    "Fitted",
    "Margins",
    "Piece",
    "Second",
    "by_fold",
    "extent",
    "margins",
    "own_memory",
    "second",
    "sums",
]

RUN = 512  # rows whose losses are one product: at most 2^512
NUMBERS = 15_000  # of the margins at a time: 120 KB, which the C library hands out again and again
CONFIDENT = 2.0**-10  # mean loss below which a product of numbers next to 1 has lost too many digits of it

_own = threading.local()  # a piece and its margins are 0.5 MB each: new memory of that size costs as much as to fill it


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

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Fitted:
        """Those of some fits."""
        return Fitted(self.loss[which], self.gradient[:, which], self.held_loss[which], self.held_right[which])

    def put(self, which: NDArray[np.intp], found: Fitted) -> None:
        """Replace those of some fits."""
        self.loss[which], self.gradient[:, which] = found.loss, found.gradient
        self.held_loss[which], self.held_right[which] = found.held_loss, found.held_right


@dataclass(frozen=True, slots=True)
class Second:
    """What `Fitted` holds, and the Hessian (F, n + 1, n + 1) of each fit over the rows that count. Can be added."""

    fitted: Fitted
    hessian: Floats

    def __add__(self, other: Second) -> Second:
        return Second(self.fitted + other.fitted, self.hessian + other.hessian)


@dataclass(frozen=True, slots=True)
class ByFold:
    """Totals of F thetas over each of K folds: loss (K, F), gradient (K, F, n + 1), right (K, F), and by the number of
    a fold the Hessians (A, n + 1, n + 1) of A of the thetas; `longest` is the largest |x|, `length` (B,) the largest
    |T x| for each of B matrices T. Can be added.
    """

    loss: Floats
    gradient: Floats
    right: Floats
    hessian: dict[int, Floats]
    longest: float
    length: Floats

    def __add__(self, other: ByFold) -> ByFold:
        both = self.hessian.keys() & other.hessian.keys()
        return ByFold(
            self.loss + other.loss,
            self.gradient + other.gradient,
            self.right + other.right,
            self.hessian | other.hessian | {fold: self.hessian[fold] + other.hessian[fold] for fold in both},
            max(self.longest, other.longest),
            np.maximum(self.length, other.length),
        )


Margins = Callable[[Floats, Piece, NDArray[np.intp]], tuple[Floats, Floats, Floats]]


def margins(U: Floats, piece: Piece, held: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    """Loss (F,), held-out loss and held-out weight on the right side of F fits with margins U (rows, F).

    U becomes s p, and 0 where a row is held out.
    """
    loss, held_loss, held_right = (np.zeros(len(held)) for _ in range(3))
    ends = piece.ends if held.max(initial=-1) >= 0 else (0, len(U))  # fits that see all rows take them as they come
    for k, rows in _runs(ends, len(held)):
        part, s = U[rows], None if piece.s is None else piece.s[rows]
        e = _exponentials(part)
        lost, out = _loss(part, e, s), _columns(held, k)
        held_loss[out] += lost[out]
        lost[out] = 0.0
        loss += lost
        held_right[out] += _weight(part[:, out] > 0.0, s)
        _slopes(part, e, s)
        part[:, out] = 0.0
    return loss, held_loss, held_right


def sums(piece: Piece, theta: Floats, held: NDArray[np.intp], of_rows: Margins = margins) -> Fitted:
    """Loss and gradient of every fit over the rows outside fold held[f] (-1: over all rows); theta (n + 1, F).

    >>> one = Piece(np.array([[1.0, 1.0], [-2.0, -1.0]]), None, (0, 1, 2))
    >>> fitted = sums(one, np.zeros((2, 2)), np.array([-1, 1]))
    >>> fitted.loss.round(4).tolist(), fitted.held_loss.round(4).tolist()
    ([1.3863, 0.6931], [0.0, 0.6931])
    """
    U = _activations(piece, theta)
    loss, held_loss, held_right = of_rows(U, piece, held)
    return Fitted(loss, -(piece.X.T @ U), held_loss, held_right)


def second(piece: Piece, theta: Floats, held: NDArray[np.intp], of_rows: Margins = margins) -> Second:
    """As `sums`, with the Hessian of every fit."""
    U = _activations(piece, theta)
    Q = _roots(U, piece.s)
    for k, (start, stop) in enumerate(itertools.pairwise(piece.ends)):
        Q[_columns(held, k), start:stop] = 0.0
    loss, held_loss, held_right = of_rows(U, piece, held)
    hessian = np.empty((len(held), len(theta), len(theta)))
    rooted = own_memory("rooted", *piece.X.shape)
    for f in range(len(held)):
        np.multiply(piece.X, Q[f, :, None], out=rooted)
        np.matmul(rooted.T, rooted, out=hessian[f])  # through a root BLAS forms one half, the other is its mirror
    return Second(Fitted(loss, -(piece.X.T @ U), held_loss, held_right), hessian)


def by_fold(piece: Piece, theta: Floats, bent: NDArray[np.intp], T: Floats, of_rows: Margins = margins) -> ByFold:
    """Loss and gradient of every theta over each fold by itself, and the Hessian of the thetas numbered `bent`."""
    U = _activations(piece, theta)
    Q = _roots(U[:, bent], piece.s)
    K, (k, F) = len(piece.ends) - 1, theta.shape
    seen = (np.matmul(piece.X, each.T, out=own_memory("rooted", len(piece.X), len(each))) for each in T)
    lengths = _longest(piece.X), np.array([_longest(each) for each in seen])
    total = ByFold(np.zeros((K, F)), np.zeros((K, F, k)), np.zeros((K, F)), {}, *lengths)
    rooted, all_rows = own_memory("rooted", *piece.X.shape), np.full(F, -1)
    for fold, (start, stop) in enumerate(itertools.pairwise(piece.ends)):
        if start == stop:
            continue
        X, part, some = piece.X[start:stop], U[start:stop], rooted[: stop - start]
        s = None if piece.s is None else piece.s[start:stop]
        total.right[fold] = _weight(part > 0.0, s)
        total.loss[fold] = of_rows(part, Piece(X, s, (0, len(X))), all_rows)[0]
        total.gradient[fold] = -(part.T @ X)
        hessian = total.hessian[fold] = np.empty((len(bent), k, k))
        for a in range(len(bent)):
            np.multiply(X, Q[a, start:stop, None], out=some)
            np.matmul(some.T, some, out=hessian[a])
    return total


def extent(piece: Piece, moves: Floats) -> Floats:
    """Largest |x'd| of any row for each column d of moves (n + 1, F)."""
    Z = _activations(piece, moves)
    farthest: Floats = np.maximum(Z.max(axis=0, initial=0.0), -Z.min(axis=0, initial=0.0))
    return farthest


def _activations(piece: Piece, theta: Floats) -> Floats:
    """X theta, in memory that this thread keeps for it."""
    U: Floats = np.matmul(piece.X, theta, out=own_memory("margins", len(piece.X), theta.shape[1]))
    return U


def own_memory(use: str, rows: int, columns: int) -> Floats:
    """An array that this thread keeps for this use, with what the last one left in it."""
    size = rows * columns
    kept: Floats | None = getattr(_own, use, None)
    if kept is None or not size <= len(kept) <= 4 * size:
        kept = np.empty(size)
        setattr(_own, use, kept)
    own: Floats = kept[:size].reshape(rows, columns)
    return own


def _runs(ends: tuple[int, ...], F: int) -> Iterator[tuple[int, slice]]:
    """The rows of every fold, a few at a time: 2^run fits a float, and so much memory is had without asking for it."""
    run = min(RUN, max(8, NUMBERS // max(1, F)))
    for k, (start, stop) in enumerate(itertools.pairwise(ends)):
        for i in range(start, stop, run):
            yield k, slice(i, min(i + run, stop))


def _columns(held: NDArray[np.intp], k: int) -> Any:
    """The fits that do not see fold k: a slice where they stand side by side."""
    out = np.flatnonzero(held == k)
    if len(out) and out[-1] - out[0] == len(out) - 1:
        return slice(int(out[0]), int(out[-1]) + 1)
    return out


def _weight(chosen: NDArray[np.bool_], s: Floats | None) -> Floats:
    """Weight of the chosen rows of each column."""
    return np.asarray(np.count_nonzero(chosen, axis=0) if s is None else s @ chosen, dtype=np.float64)


def _longest(rows: Floats) -> float:
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0)))


def _exponentials(U: Floats) -> Floats:
    """exp(-|u|), the one exponential that loss and slope need."""
    e = np.abs(U)
    np.negative(e, out=e)
    return np.exp(e, out=e)


def _loss(U: Floats, e: Floats, s: Floats | None) -> Floats:
    """Sum over the rows of s softplus(-u), (F,)."""
    wrong = np.minimum(U, 0.0)
    if s is not None:
        return np.asarray(s @ (np.log1p(e) - wrong))
    lost: Floats = np.log(np.multiply.reduce(1.0 + e, axis=0)) - wrong.sum(axis=0)
    sure = np.flatnonzero(lost < CONFIDENT * len(U))
    if len(sure):
        lost[sure] = np.log1p(e[:, sure]).sum(axis=0) - wrong[:, sure].sum(axis=0)
    return lost


def _slopes(U: Floats, e: Floats, s: Floats | None) -> None:
    """U becomes s p: p = e / (1 + e) where u > 0, else 1 / (1 + e); e = exp(-|u|) is overwritten."""
    wrong = np.less_equal(U, 0.0, out=np.empty_like(U))
    np.add(e, 1.0, out=U)
    np.maximum(e, wrong, out=e)  # 1 or e: a choice by a mask takes ten times as long where signs come and go
    np.divide(e, U, out=U)
    if s is not None:
        U *= s[:, None]


def _roots(U: Floats, s: Floats | None) -> Floats:
    """sqrt(s p (1 - p)) by fit, (F, rows): with h = exp(-|u| / 2) that is h / (1 + h²) sqrt(s)."""
    Q = np.ascontiguousarray(np.abs(U).T)
    Q *= -0.5
    np.exp(Q, out=Q)
    Q /= 1.0 + Q * Q
    if s is not None:
        Q *= np.sqrt(s)
    return Q
