"""Dual coordinate ascent over dense rows: where descent on a wide table starts from.

With c_i = s_i / (W l2), the optimum of J + ½ l2 |w|² is w = Σ c_i (y_i - a_i) x_i, a_i = sigmoid(z_i). A row at a time,
a_i is moved to where that holds for row i while the others stay: z solves z = z_i + c_i |x_i|² (a_i - sigmoid(z)), one
equation in one unknown, and w follows by c_i (a_i - sigmoid(z)) x_i. H.-F. Yu, F.-L. Huang, C.-J. Lin, Dual coordinate
descent methods for logistic regression and maximum entropy models, Machine Learning 85 (2011), algorithm 5; written
here in z, where nothing leaves its range. Rows of wide tables are nearly orthogonal: on 2,000 x 10,000 six rounds come
to 1e-4 of the optimum, for which L-BFGS needs 45 passes; from there on L-BFGS is quicker.

The intercept has no penalty and so no place in the dual. Here it has a little one, as the weight of a constant column
with 5 % of the rows' mean squared length: with much less of it b creeps, with much more it swings (0.1 to 100 %).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from steepest.types import Floats

__all__ = ["ROUNDS", "ascend"]

ROUNDS = 10  # at most
CONSTANT = 0.05  # of the rows' mean squared length
WORTH_ANOTHER = 0.35  # of the squared change of the round before; above, a pass of L-BFGS gains more
SOME = 64  # rows of which that mean is taken
SEED = 1847


def ascend(X: Floats, y: Floats, c: Floats) -> tuple[Floats, float, int]:
    """Weights (n,) and intercept near the optimum, and the rounds over the rows of X (m, n) that were made.

    `c` (m,) = s / (W l2). The rounds go through the rows in random orders, always the same ones.

    >>> X, y = np.array([[0.0, 1.0, 2.0], [2.0, 0.0, 1.0]]), np.array([0.0, 1.0])
    >>> w, b, rounds = ascend(X, y, np.full(2, 0.5))
    >>> bool(w[0] > 0.0 > w[1]), rounds <= ROUNDS
    (True, True)
    """
    random = np.random.default_rng(SEED)
    w, b, a, before, made = np.zeros(X.shape[1]), 0.0, y.copy(), math.inf, 0
    lengths, some = np.full(len(y), -1.0), X[:: max(1, len(y) // SOME)]
    constant = CONSTANT * float(np.einsum("ij,ij->", some, some)) / len(some)
    while made < ROUNDS:
        order = random.permutation(len(y))
        change, b = _round()(X, lengths, c, order, constant, w, b, a)
        made += 1
        if not change < WORTH_ANOTHER * before:
            break
        before = change
    return w, b, made


def one_round(X, lengths, c, order, constant, w, b, a):  # type: ignore[no-untyped-def]
    """Every row of `order` once; w and a are changed. Returns the sum of (c da)², and b.

    A row moves w while the next one is multiplied by it, so that each is fetched from memory once; where the
    `lengths` are still negative they become the squared lengths of the rows on the way.
    """
    change, n, measure = 0.0, len(w), lengths[order[0]] < 0.0
    d, before = 0.0, order[0]
    for at in range(len(order)):
        i = order[at]
        seen, square = b, 0.0
        if measure:
            for j in range(n):
                moved = w[j] + d * X[before, j]
                w[j] = moved
                seen += X[i, j] * moved
                square += X[i, j] * X[i, j]
            lengths[i] = square
        else:
            for j in range(n):
                moved = w[j] + d * X[before, j]
                w[j] = moved
                seen += X[i, j] * moved
        pull = c[i] * (lengths[i] + constant)
        low, high = seen + pull * (a[i] - 1.0), seen + pull * a[i]  # sigmoid lies between 0 and 1
        t = min(max(math.log(a[i] / (1.0 - a[i])) if 0.0 < a[i] < 1.0 else seen, low), high)
        activation = 0.5
        for _ in range(60):
            activation = 0.5 + 0.5 * math.tanh(0.5 * t)
            off = t - seen - pull * (a[i] - activation)
            if off > 0.0:
                high = t
            else:
                low = t
            step = off / (1.0 + pull * activation * (1.0 - activation))
            t -= step
            if not low < t < high:
                t = 0.5 * (low + high)
            if abs(step) <= 1e-9 * (1.0 + abs(t)):
                break
        d, before = c[i] * (a[i] - activation), i
        b += d * constant
        a[i] = activation
        change += d * d
    for j in range(n):
        w[j] += d * X[before, j]
    return change, b


@functools.cache
def _round() -> Callable[..., Any]:
    """`one_round`, compiled: it takes each number of X by itself."""
    compiled: Callable[..., Any] = import_module("steepest.kernels.fused_bends").kept_round(one_round)
    return compiled
