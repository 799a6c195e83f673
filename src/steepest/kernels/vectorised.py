"""The seed's vectorised form on a block of rows: Z = Xw + b, A = sigmoid(Z), dZ = A - Y, dw = X'dZ, db = sum dZ.

Our X is (rows, n), the transpose of the seed's. One exponential per row serves activation, loss and curvature:
with e = exp(-|z|), the activation is (1 or e)/(1 + e), the loss |z| (1-y or y) + log1p(e) by the sign of z, and the
curvature e/(1 + e)^2. Nothing in them cancels, for labels and for fractions y alike.

`np.matmul` hands strided blocks of F-ordered tables to BLAS as they are; `np.dot` would copy them.
"""

from __future__ import annotations

import numpy as np

from steepest import formulas
from steepest.types import Block, Floats, Product, Sums

__all__ = ["along", "forward", "hessian_times", "slopes", "sums", "totals"]

COPIED = 1 << 14  # elements (128 KB) copied at a time for the second derivatives
RUN = 128  # rows that BLAS adds up one after the other; longer runs are summed pairwise


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """Losses (order 0), with dw, db (order 1), with the second derivatives (order 2); see `types.Sums`."""
    X, s = block.X, block.weight
    Z = forward(block, w, b)
    total, e = totals(Z, block.y, s)
    if order == 0:
        return total
    dZ = slopes(Z, e, block.y, s)
    dw, db = _over_rows(dZ, X), float(dZ.sum())
    if order == 1:
        return Sums(total.weight, total.loss, total.errors, dw, db)
    return Sums(total.weight, total.loss, total.errors, dw, db, *second(X, e, s))


def totals(Z: Floats, y: Floats, s: Floats | None) -> tuple[Sums, Floats]:
    """Weight, loss and errors of rows whose Z is known, and e = exp(-|Z|) for what follows."""
    losses, e = _losses(Z, y)
    wrong = (2.0 * y - 1.0) * Z <= 0.0
    if s is None:
        return Sums(float(len(y)), float(losses.sum()), int(np.count_nonzero(wrong))), e
    return Sums(float(s.sum()), float((s * losses).sum()), int(np.count_nonzero(wrong & (s > 0.0)))), e


def slopes(Z: Floats, e: Floats, y: Floats, s: Floats | None) -> Floats:
    """s dZ = s (A - Y)."""
    A = np.where(Z >= 0.0, 1.0, e)
    A /= 1.0 + e
    A -= y
    if s is not None:
        A *= s
    return A


def hessian_times(block: Block, w: Floats, b: float, v: Floats, c: float) -> Product:
    """Sum of s a(1-a) x (x'v + c), and of s a(1-a) (x'v + c)."""
    along_direction = formulas.curvature(forward(block, w, b)) * (np.matmul(block.X, v) + c)
    if block.weight is not None:
        along_direction *= block.weight
    return Product(_over_rows(along_direction, block.X), float(along_direction.sum()))


def along(block: Block, w: Floats, b: float, v: Floats, c: float, steps: Floats) -> Floats:
    """Total loss at (w + t v, b + t c) for each t of `steps`; X is read once, for both products."""
    Z, D = forward(block, w, b), np.matmul(block.X, v) + c
    losses = [_losses(Z + step * D, block.y)[0] for step in steps]
    if block.weight is not None:
        return np.array([(block.weight * each).sum() for each in losses])
    return np.array([each.sum() for each in losses])


def forward(block: Block, w: Floats, b: float) -> Floats:
    """Z = Xw + b, and the offset where there is one."""
    Z: Floats = np.matmul(block.X, w)
    Z += b
    if block.offset is not None:
        Z += block.offset
    return Z


def _losses(Z: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The losses and e = exp(-|Z|)."""
    size = np.abs(Z)
    e = np.exp(-size)
    size *= np.where(Z >= 0.0, 1.0 - y, y)
    size += np.log1p(e)
    return size, e


def _over_rows(d: Floats, X: Floats) -> Floats:
    """X'd, in runs of rows: one long product of BLAS was 4e-13 off on 32,768 equal rows."""
    m, n = X.shape
    whole = m - m % RUN
    if whole <= RUN:
        return np.asarray(np.matmul(d, X))
    runs = np.matmul(d[:whole].reshape(-1, 1, RUN), X[:whole].reshape(-1, RUN, n))[:, 0]
    total: Floats = np.ascontiguousarray(runs.T).sum(axis=1)
    return total if whole == m else total + np.matmul(d[whole:], X[whole:])


def second(X: Floats, e: Floats, s: Floats | None) -> tuple[Floats, Floats, float]:
    """X'SX, X'S1 and 1'S1 with S = diag(s a(1-a)); through sqrt(S) X, so that BLAS forms half and it is symmetric.

    The copies sqrt(S) X are made for as many rows at a time as stay in cache.
    """
    root = np.sqrt(e)
    root /= 1.0 + e
    if s is not None:
        root *= np.sqrt(s)
    m, n = X.shape
    rows = max(COPIED // max(1, n), 2 * n)  # adding up n x n results should cost less than forming them
    total, first = np.zeros((n, n)), np.zeros(n)
    for i in range(0, m, rows):
        part = root[i : i + rows]
        rootX = X[i : i + rows] * part[:, None]
        total += np.matmul(rootX.T, rootX)
        first += _over_rows(part, rootX)
    return total, first, float((root * root).sum())
