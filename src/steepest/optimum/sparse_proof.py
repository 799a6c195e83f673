"""What is proved about a penalised fit on sparse rows: two products with the table, and no matrix.

With R = l2 W > 0 on every weight, D = sum-weights s a(1-a), S = sum of D, c = X'D / S the centre of the rows in them,
g = (g_w, g_b) the gradient of the sum F, and R the diagonal matrix of its strengths:

    alpha = a + kappa a(1-a), kappa = -g_b / S  makes  sum of s (y - alpha) = 0  exactly, and lies in (0, 1) if
    |kappa| < 1;  X's(y - alpha) - R w = -(g_w - c g_b), so that the Fenchel dual value at alpha gives (C1)

    F - F* <= sum of s KL(alpha | a) + ½ |g_w - c g_b|²_{R^-1} <= ½ lambda²,
    lambda² = |g_w - c g_b|²_{R^-1} + k(|kappa|) g_b² / S

In the frame with the exact centre c the Hessian is [A + R, 0; 0, S] with A >= 0, so M = diag(R, S) <= H, and C2 and C3
hold with B² = max |x - c|²_{R^-1} + 1/S, which bounds probabilities and coefficients once lambda B < 1. The centre is
only thought of: every quantity is algebra on sums over the sparse rows, each with a bound on its rounding.
Proofs: docs/decisions/0004-the-default-fit.md, "Sparse rows".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.kernels.sparse import entries, most_entries, pieces, turned, with_entries
from steepest.objective import Engine
from steepest.proof.bounds import bounds
from steepest.proof.certificate import Certificate, published
from steepest.proof.curves import excess
from steepest.proof.evidence import TINY, activation_change, halves
from steepest.proof.rounding import FEW, SLACK, gamma
from steepest.types import Block, Floats

__all__ = ["longest_row", "prove"]

DEPTH = 16  # of the tree of partial sums, and some to spare: at most 64 blocks
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore")  # what overflows makes a bound infinite


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Totals over rows with bounds on their errors. Can be added.

    products (n, k): X'[s (a - y), D, error of the first] and, where X has negative entries, |X|'D
    slope, slope_error, curvature: the same for the column of ones; error: of D, relative
    """

    weight: float
    ones: float
    loss: float
    loss_doubt: float
    products: Floats
    slope: float
    slope_error: float
    curvature: float
    error: float
    adding: float

    def __add__(self, other: _Evidence) -> _Evidence:
        return _Evidence(
            self.weight + other.weight,
            self.ones + other.ones,
            self.loss + other.loss,
            self.loss_doubt + other.loss_doubt,
            np.add(self.products, other.products, out=self.products),  # its only use: a third array would cost 3 n
            self.slope + other.slope,
            self.slope_error + other.slope_error,
            self.curvature + other.curvature,
            max(self.error, other.error),
            max(self.adding, other.adding),
        )


@QUIET
def prove(engine: SparseEngine | MemoryEngine, strength: Floats, w: Floats, b: float, longest: float) -> Certificate:
    """The certificate at (w, b) for penalties `strength` (n,) > 0 on the mean loss; one pass.

    `longest` is what `longest_row` says. What is not proved is infinite (1 for probabilities).

    >>> import scipy.sparse as sp
    >>> engine = SparseEngine(sp.csr_array([[1.0], [0.0]]), np.array([1, 0]))
    >>> proof = prove(engine, np.array([0.5]), np.array([0.45]), -0.225, 1.5)
    >>> proof.exists, proof.gap < 1e-3
    ('proved', True)
    """
    seen: _Evidence = engine.sum(lambda block: _evidence(block, w, b))
    exists: Literal["proved", "unknown"] = "proved" if 0.0 < seen.ones < seen.weight else "unknown"
    off = seen.adding + gamma(8)
    ridge = strength * seen.weight
    penalty = 0.5 * float((ridge * w) @ w)
    value = seen.loss + penalty
    value_error = (seen.loss_doubt + seen.adding * seen.loss + (off + gamma(len(w) + 8)) * value) * SLACK
    least = ridge * (1.0 - off)
    norm, kappa, reach = _norm(seen, ridge * w, least, off, longest / math.sqrt(seen.weight * (1.0 - off)))
    if not (kappa < 1.0 and math.isfinite(norm)):
        return Certificate(math.inf, 1.0, math.inf, exists)
    found = bounds(norm, reach, 0.5 * norm * norm * SLACK)
    return published(found, value - value_error, engine.lightest, exists)


def _norm(seen: _Evidence, pull: Floats, least: Floats, off: float, longest: float) -> tuple[float, float, float]:
    """Upper bounds on lambda, |kappa| and B, of rows no longer than `longest` over R^-1. `least` <= R; `pull` is R w,
    off by `off` like everything with W.
    """
    spread = seen.products[:, 3 if seen.products.shape[1] > 3 else 1]
    curvature = seen.curvature * (1.0 - seen.error)
    if not curvature > 0.0:
        return math.inf, math.inf, math.inf
    centre = seen.products[:, 1] / seen.curvature
    centre_error = 3.0 * seen.error * (spread / curvature + np.abs(centre)) * SLACK
    slope = abs(seen.slope) + seen.slope_error
    gradient = seen.products[:, 0] + pull
    inner = gradient - centre * seen.slope
    doubt = seen.products[:, 2] + off * (np.abs(pull) + np.abs(gradient)) + gamma(4) * np.abs(centre) * slope
    doubt = (doubt + np.abs(centre) * seen.slope_error + centre_error * slope) * SLACK
    kappa = slope / curvature * SLACK
    size = (np.abs(inner) + doubt) / np.sqrt(least)
    square = float(size @ size) + excess(min(1.0, kappa)) * slope * kappa
    away = (longest + float(np.linalg.norm((np.abs(centre) + centre_error) / np.sqrt(least)))) * SLACK
    reach = math.sqrt(away * away + 1.0 / curvature) * SLACK
    return math.sqrt(square) * SLACK, kappa, reach


def _evidence(block: Block, w: Floats, b: float) -> _Evidence:
    X: Any = block.X
    y = block.y
    s = np.ones(len(y)) if block.weight is None else block.weight
    signed = bool(entries(X).min(initial=0.0) < 0.0)
    size = with_entries(X, np.abs(entries(X), dtype=np.float64)) if signed else X
    if signed:
        z, length = X @ w, size @ np.abs(w)
    else:
        z, length = (X @ np.column_stack([w, np.abs(w)])).T
    away = 0.0 if block.offset is None else block.offset
    doubt = gamma(most_entries(X) + 10) * SLACK * (length + abs(b) + np.abs(away)) + TINY
    p, q, losses = halves(z + b + away, y)
    total = (1.0 - y) * p + y * q
    D = s * p * q
    adding = gamma(len(y) + DEPTH + 8)
    small = np.minimum(doubt, 1.0)
    error = (adding + 2.0 * FEW + float(np.expm1(small.max(initial=0.0)))) * (1.0 + 2.0**-6)
    loss_doubt = FEW * losses + np.where(doubt < 1.0, doubt * np.exp(small) * total, doubt) + TINY
    slope = s * ((1.0 - y) * p - y * q)  # a - y without cancellation for labels
    off = s * (activation_change(doubt, p * q) + (FEW + adding) * total + TINY) * SLACK
    if signed:
        products = np.column_stack([turned(X) @ np.column_stack([slope, D]), turned(size) @ np.column_stack([off, D])])
    else:
        products = turned(X) @ np.column_stack([slope, D, off])
    return _Evidence(
        float(s.sum()), float(s @ y), float(s @ losses), float(s @ loss_doubt), products,
        float(slope.sum()), float(off.sum()), float(D.sum()), error, adding,
    )  # fmt: skip


def longest_row(engine: Engine, strength: Floats) -> float:
    """An upper bound on the square root of sum_j x_ij² / strength_j over all rows; one pass.

    Entries stored twice are safe: then it is the sum of |x_ij| / sqrt(strength_j).

    >>> import scipy.sparse as sp
    >>> rows = SparseEngine(sp.csr_array([[3.0, 4.0], [0.0, 1.0]]), np.array([0, 1]))
    >>> round(longest_row(rows, np.array([1.0, 4.0])), 4)
    3.6056
    """
    canonical = not isinstance(engine, SparseEngine) or engine.canonical
    inverse = 1.0 / strength if canonical else 1.0 / np.sqrt(strength)

    def of_block(block: Block) -> _Largest:
        longest = 0.0
        for _, X in pieces(block.X):
            size = np.abs(entries(X), dtype=np.float64)
            if canonical:
                size *= size
            longest = max(longest, float((with_entries(X, size) @ inverse).max(initial=0.0)))
        longest = math.sqrt(longest) if canonical else longest
        return _Largest(longest * (1.0 + gamma(block.X.shape[1] + 8)) * SLACK)

    found: _Largest = engine.sum(of_block)
    return found.value


@dataclass(frozen=True, slots=True)
class _Largest:
    value: float

    def __add__(self, other: _Largest) -> _Largest:
        return self if self.value >= other.value else other
