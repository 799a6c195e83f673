"""The metric in which L-BFGS moves with K classes: one block per class, X~' diag(s a_k (1 - a_k)) X~ + R.

What classes do to each other (- a_k a_l) is left to the pairs of L-BFGS; the blocks are what makes its unit step
right: a class bends only where rows are undecided about it. D. Böhning's bound ½ (I - 11'/K) (Multinomial logistic
regression algorithm, Annals of the Institute of Statistical Mathematics 44 (1992), 197-200) has one block for all
classes, the same everywhere; it serves for the first steps only, at its value at 0, 1/K on contrasts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from steepest.engines import MemoryEngine
from steepest.lapack import inverse_factor
from steepest.softmax_objective import SoftmaxObjective, contrasts
from steepest.types import Block, Floats

__all__ = ["draw_rows", "first_metric", "metric_of_classes"]

SEED = 1847
SHARED = 1e-6  # of the classes' mean, added to each: a class that no row is undecided about has no curvature of its own
RIDGE = 1e-11  # of the diagonal: collinear columns

Metric = Callable[[Floats], Floats]


def first_metric(objective: SoftmaxObjective) -> Metric:
    """H^-1 at theta = 0 in one block for all classes: 1/K of the Gram matrix of the rows, plus R."""
    K = objective.K

    def gram(block: Block) -> Floats:
        rooted = _framed(block, objective.intercept)
        if block.weight is not None:
            rooted *= np.sqrt(block.weight)[:, None]
        return np.asarray(np.matmul(rooted.T, rooted))[None]

    return _inverse(objective, objective.sum(gram) / (K * objective.engine.total_weight))


def metric_of_classes(objective: SoftmaxObjective, theta: Floats) -> Metric:
    """The blocks at theta over the rows of `objective`, one pass with K products of n² each."""
    w, b = objective.seen(theta)

    def blocks(block: Block) -> Floats:
        X = _framed(block, objective.intercept)
        Z = np.matmul(w.T, block.X.T) + b[:, None]
        Z -= Z.max(axis=0)
        A = np.exp(Z, out=Z)
        A /= A.sum(axis=0)
        roots = np.sqrt(A * (1.0 - A))
        if block.weight is not None:
            roots *= np.sqrt(block.weight)
        out = np.empty((len(A), X.shape[1], X.shape[1]))
        for k, root in enumerate(roots):
            rooted = X * root[:, None]
            np.matmul(rooted.T, rooted, out=out[k])
        return out

    # K / (K - 1): on contrasts the neglected coupling adds, on average, what keeps traces equal
    totals: Floats = objective.sum(blocks) * (objective.K / ((objective.K - 1.0) * objective.engine.total_weight))
    return _inverse(objective, totals + SHARED * totals.mean(axis=0))


def draw_rows(engine: MemoryEngine, K: int, size: int) -> MemoryEngine:
    """About `size` rows, equal shares of every class as far as there are that many; weights undo the shares."""
    random = np.random.default_rng(SEED)
    y = np.asarray(engine.y)
    drawn, shares = [], []
    for k in range(K):
        rows = np.flatnonzero(y == k)
        # half of the size is shared out equally, half by frequency: rare classes are seen, common ones not thinned out
        count = min(len(rows), size // (2 * K) + size * len(rows) // (2 * len(y)) + 1)
        drawn.append(rows if count == len(rows) else random.choice(rows, count, replace=False, shuffle=False))
        shares.append(np.full(count, len(rows) / max(1, count)))
    index, share = np.concatenate(drawn), np.concatenate(shares)
    order = np.argsort(index, kind="stable")
    index, share = index[order], share[order]
    weight = share if engine.weight is None else share * engine.weight[index]
    return MemoryEngine(engine.X[index], y[index], weight, threads=engine.threads)


def _framed(block: Block, intercept: bool) -> Floats:
    X = np.full((len(block.y), block.X.shape[1] + 1), float(intercept))
    X[:, :-1] = block.X
    return X


def _inverse(objective: SoftmaxObjective, blocks: Floats) -> Metric:
    """v -> Q' blocks^-1 Q v, symmetric and positive definite."""
    scale = np.append(objective.scaling.scale, 1.0)
    blocks /= scale
    blocks /= scale[:, None]
    at = np.arange(len(scale))
    blocks[:, at, at] += (
        RIDGE * blocks[:, at, at] + np.append(objective.l2, 0.0 if objective.intercept else 1.0) + np.finfo(float).tiny
    )
    inverses = np.stack([_inverted(each) for each in blocks])
    Q = contrasts(objective.K)

    def metric(v: Floats) -> Floats:
        full = objective.matrix(v) @ Q.T
        solved = np.matmul(inverses, full.T[:, :, None])[:, :, 0].T
        return np.asarray((solved @ Q).ravel())

    return metric


def _inverted(block: Floats) -> Floats:
    """By Cholesky; where that fails the inverse of the diagonal, which is positive definite too."""
    half = inverse_factor(block)
    if half is None:
        return np.diag(1.0 / np.maximum(np.diagonal(block), np.finfo(float).tiny))
    return np.asarray(half.T @ half)
