"""K classes, one example at a time: the referee of `kernels/softmax.py`, in the manner of `kernels/loop.py`.

for i = 1 to m:   z = W'x(i) + b;  a = softmax(z);  J += L(a, y(i));  dz = a - onehot(y(i));  dW += x(i) dz'
"""

from __future__ import annotations

import numpy as np

from steepest import softmax_formulas as formulas
from steepest.kernels.loop import Accumulator, forward
from steepest.kernels.softmax_sums import ClassProduct, ClassSums
from steepest.types import Block, Floats

__all__ = ["along", "hessian_times", "sums"]


def sums(block: Block, w: Floats, b: Floats, order: int) -> ClassSums:
    """Losses (order 0), with dw, db (order 1), with `pairs` (order 2); w (n, K), b (K,); see `ClassSums`."""
    m, n = block.X.shape
    K = len(b)
    first, second = np.triu_indices(K, 1)
    weight, loss, errors = Accumulator(), Accumulator(), 0
    dw, db = Accumulator(n, K), Accumulator(K)
    pairs = Accumulator(len(first) if order == 2 else 0, n + 1, n + 1)
    for i in range(m):
        x, y, s = _example(block, i)
        z = _forward(x, w, b)
        weight += s
        loss += s * formulas.loss(z, y)
        errors += int(s > 0.0 and np.any(np.delete(z, y) >= z[y]))
        if order >= 1:
            dz = formulas.dz(z, y)
            dw += s * np.outer(x, dz)
            db += s * dz
        if order >= 2:
            a, framed = formulas.softmax(z), np.append(x, 1.0)
            pairs += (s * a[first] * a[second])[:, None, None] * np.outer(framed, framed)
    total = float(weight.value), float(loss.value), errors
    if order == 0:
        return ClassSums(*total)
    return ClassSums(*total, dw.value, db.value, pairs.value if order == 2 else None)


def hessian_times(block: Block, w: Floats, b: Floats, v: Floats, c: Floats) -> ClassProduct:
    """Sum of s x u' and of s u, with u = (diag(a) - a a') (V'x + c)."""
    m, n = block.X.shape
    dw, db = Accumulator(n, len(b)), Accumulator(len(b))
    for i in range(m):
        x, _, s = _example(block, i)
        u = s * formulas.covariance_times(formulas.softmax(_forward(x, w, b)), _forward(x, v, c))
        dw += np.outer(x, u)
        db += u
    return ClassProduct(dw.value, db.value)


def along(block: Block, w: Floats, b: Floats, v: Floats, c: Floats, steps: Floats) -> Floats:
    """Total loss at (w + t v, b + t c) for each t of `steps`."""
    total = Accumulator(len(steps))
    for i in range(len(block.y)):
        x, y, s = _example(block, i)
        z, d = _forward(x, w, b), _forward(x, v, c)
        total += s * formulas.loss(z + steps[:, None] * d, np.full(len(steps), y))
    return total.value


def _forward(x: Floats, w: Floats, b: Floats) -> Floats:
    return np.array([forward(x, w[:, k], float(b[k])) for k in range(len(b))])


def _example(block: Block, i: int) -> tuple[Floats, int, float]:
    return block.X[i], int(block.y[i]), 1.0 if block.weight is None else float(block.weight[i])
