"""K classes on a block of rows by matrix products: Z = W'X' + b, dZ = A - Y, dW = X'dZ'. Classes are the first axis.

With z_y of the true class subtracted, one exponential per row and class serves loss and slopes: with
e_k = exp(z_k - z_y - top), top = max(0, largest of the others), the loss is log1p(sum of the others) on the right side
and top + log(sum of all) on the wrong one; dz_k = e_k / sum, and dz_y is minus the sum of the others. Nothing cancels.
Labels stand in `Block.y` as the floats 0 … K-1.

A block's X may be CSR: then both products are SciPy's, with K columns at once, and there are no `pairs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.kernels.softmax_sums import ClassBends, ClassProduct, ClassSums
from steepest.kernels.sparse import entries, pieces, turned, with_entries
from steepest.types import Block, Floats

__all__ = ["along", "bends", "forward", "hessian_times", "pair_sums", "slopes", "sums"]

RUN = 512  # rows that BLAS adds up one after the other


def sums(block: Block, w: Floats, b: Floats, order: int) -> ClassSums:
    """Losses (order 0), with dw, db (order 1), with `pairs` (order 2); w (n, K), b (K,); see `ClassSums`."""
    X, s = block.X, block.weight
    which = block.y.astype(np.intp)
    losses, D, own, wrong = slopes(forward(X, w, b), which)
    if s is None:
        total = float(len(which)), float(losses.sum()), int(np.count_nonzero(wrong))
    else:
        total = float(s.sum()), float((s * losses).sum()), int(np.count_nonzero(wrong & (s > 0.0)))
    if order == 0:
        return ClassSums(*total)
    dZ = D if s is None else D * s
    dw, db = _over_rows(dZ, X).T, dZ.sum(axis=1)
    if order == 1:
        return ClassSums(*total, dw, db)
    D[which, np.arange(len(which))] = own
    return ClassSums(*total, dw, db, pair_sums(np.column_stack([X, np.ones(len(X))]), D, s))


def slopes(Z: Floats, which: np.ndarray) -> tuple[Floats, Floats, Floats, np.ndarray]:
    """Losses (m,), dZ = A - Y (K, m), the true class's a (m,), and which rows are on the wrong side. Z is used up."""
    rows = np.arange(Z.shape[1])
    Z -= Z[which, rows]
    Z[which, rows] = -np.inf
    top = Z.max(axis=0)
    wrong = top >= 0.0
    np.maximum(top, 0.0, out=top)
    Z -= top
    e = np.exp(Z, out=Z)
    others = e.sum(axis=0)
    own = np.exp(-top)
    total = others + own
    losses = np.where(wrong, top + np.log(total), np.log1p(others))
    inverse = 1.0 / total
    e *= inverse
    e[which, rows] = -others * inverse
    return losses, e, own * inverse, wrong


def pair_sums(X: Floats, A: Floats, s: Floats | None) -> Floats:
    """Sum of s a_k a_l x x' for k < l, (K(K-1)/2, columns, columns): per class k one product with all l > k."""
    m, columns = X.shape
    K = len(A)
    right = (X * A[:, :, None]).transpose(1, 0, 2).reshape(m, K * columns) if m else np.zeros((0, K * columns))
    parts = []
    for k in range(K - 1):
        left = right[:, k * columns : (k + 1) * columns]
        if s is not None:
            left = left * s[:, None]
        product = np.matmul(left.T, right[:, (k + 1) * columns :])
        parts.append(product.reshape(columns, K - 1 - k, columns).transpose(1, 0, 2))
    return np.concatenate(parts)


def hessian_times(block: Block, w: Floats, b: Floats, v: Floats, c: Floats) -> ClassProduct:
    """Sum of s x u' and of s u, with u = (diag(a) - a a') (V'x + c)."""
    A = _activations(block.X, w, b)
    U = forward(block.X, v, c)
    U -= (A * U).sum(axis=0)
    U *= A
    if block.weight is not None:
        U *= block.weight
    return ClassProduct(_over_rows(U, block.X).T, np.asarray(U.sum(axis=1)))


def along(block: Block, w: Floats, b: Floats, v: Floats, c: Floats, steps: Floats) -> Floats:
    """Total loss at (w + t v, b + t c) for each t of `steps`; X is read once, for both products."""
    Z, D = forward(block.X, w, b), forward(block.X, v, c)
    which = block.y.astype(np.intp)
    losses = [slopes(Z + step * D, which)[0] for step in steps]
    if block.weight is not None:
        return np.array([(block.weight * each).sum() for each in losses])
    return np.array([each.sum() for each in losses])


def bends(block: Block, w: Floats, b: Floats) -> ClassBends:
    """What a diagonal metric needs: sums of s a_k (1 - a_k) with x², with x and with 1, for each class."""
    A = _activations(block.X, w, b)
    A *= 1.0 - A
    if block.weight is not None:
        A *= block.weight
    square = np.zeros((len(A), block.X.shape[1]), order="F")
    for rows, X in pieces(block.X):
        square += _over_rows(A[:, rows], with_entries(X, np.square(entries(X), dtype=np.float64)))
    return ClassBends(square.T, _over_rows(A, block.X).T, np.asarray(A.sum(axis=1)))


def forward(X: Any, w: Floats, b: Floats) -> Floats:
    """Z = W'X' + b, (K, m)."""
    Z: Floats = np.matmul(w.T, X.T) if isinstance(X, np.ndarray) else np.ascontiguousarray((X @ w).T)
    Z += b[:, None]
    return Z


def _activations(X: Any, w: Floats, b: Floats) -> Floats:
    """softmax(Z) over the classes, (K, m)."""
    Z = forward(X, w, b)
    Z -= Z.max(axis=0)
    A = np.exp(Z, out=Z)
    A /= A.sum(axis=0)
    return np.asarray(A)


def _over_rows(D: Floats, X: Any) -> Floats:
    """D X, (K, n), in runs of rows: one long product would lose digits with the number of rows."""
    if not isinstance(X, np.ndarray):
        return np.asarray((turned(X) @ D.T).T)
    m = len(X)
    total = np.matmul(D[:, :RUN], X[:RUN])
    for i in range(RUN, m, RUN):
        total += np.matmul(D[:, i : i + RUN], X[i : i + RUN])
    return np.asarray(total)
