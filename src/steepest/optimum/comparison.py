"""How far a point is from an optimum that was found beside it, on rows for which no Hessian is formed.

With (w*, b*) certified to the relative gap g, F* >= F(w*, b*) / (1 + g), so for any other point

    F - F* <= F(w, b) - F(w*, b*) / (1 + g)
    |a_i - a*_i|              <= |a_i(w, b) - a_i(w*, b*)| + what is proved of (w*, b*)
    |theta_j - theta*_j| / SE <= |theta_j - reference_j| sqrt(H_jj) + likewise,  because (H^-1)_jj >= 1 / H_jj

which holds at any distance; next to the optimum `sparse_proof.prove` is sharper. One pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.engines.sparse import SparseEngine
from steepest.kernels.sparse import entries, most_entries, turned, with_entries
from steepest.objective import Engine
from steepest.optimum.outcome import Outcome
from steepest.proof.certificate import Certificate
from steepest.proof.evidence import TINY, activation_change, halves
from steepest.proof.rounding import FEW, SLACK, gamma
from steepest.types import Block, Floats

__all__ = ["compared"]

DEPTH = 16  # of the tree of partial sums, and some to spare


@dataclass(frozen=True, slots=True)
class _Seen:
    """Sums of losses at both points with bounds on their errors, the largest difference of a probability, and the
    curvature of each column and of the intercept at the reference, an upper bound. Can be added.
    """

    weight: float
    losses: Floats  # (2,) at the point, at the reference
    doubts: Floats
    apart: float
    bends: Floats  # (n + 1,)
    adding: float

    def __add__(self, other: _Seen) -> _Seen:
        return _Seen(
            self.weight + other.weight,
            self.losses + other.losses,
            self.doubts + other.doubts,
            max(self.apart, other.apart),
            self.bends + other.bends,
            max(self.adding, other.adding),
        )


@np.errstate(over="ignore", under="ignore", invalid="ignore")
def compared(engine: Engine, strength: Floats, at: tuple[Floats, float], best: Outcome) -> Certificate:
    """The certificate of (w, b) = `at` for penalties `strength` (n,) on the mean loss, by that of `best`.

    >>> import scipy.sparse as sp
    >>> from steepest.optimum.outcome import Request
    >>> from steepest.optimum.sparse import minimise
    >>> rows = SparseEngine(sp.csr_array([[0.0], [1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
    >>> found = compared(rows, np.array([0.5]), (np.zeros(1), 0.0), minimise(rows, Request(1e-9, 0.5, ("x1",))))
    >>> found.exists, round(found.gap, 4)
    ('proved', 0.0779)
    """
    w, b = at
    seen: _Seen = engine.sum(lambda block: _seen(block, (w, b), (best.w, best.b)))
    ridge = strength * seen.weight
    penalties = 0.5 * np.array([float((ridge * each) @ each) for each in (w, best.w)])
    values = seen.losses + penalties
    errors = (seen.doubts + (seen.adding + gamma(len(w) + 16)) * values) * SLACK
    known = best.certificate
    lower = (values[1] - errors[1]) / (1.0 + known.gap) * (1.0 - gamma(8))
    above = (values[0] + errors[0]) * (1.0 + gamma(4)) - lower
    gap = max(0.0, float(above)) / float(lower) * SLACK if lower > 0.0 and math.isfinite(above) else math.inf
    moved = np.append(np.abs(w - best.w), abs(b - best.b))
    bends = seen.bends * (1.0 + seen.adding) + np.append(ridge, 0.0) * (1.0 + seen.adding + gamma(4))
    far = float(np.max(moved * np.sqrt(bends), initial=0.0)) * SLACK
    if isinstance(engine, SparseEngine) and not engine.canonical:
        far = math.inf  # the squares of entries stored twice are not those of their sums
    probability = min(1.0, seen.apart + known.max_probability_error)
    return Certificate(gap, probability, far + known.max_coefficient_error, known.exists)


def _seen(block: Block, *points: tuple[Floats, float]) -> _Seen:
    X: Any = block.X
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    used, away = s > 0.0, 0.0 if block.offset is None else block.offset
    size = with_entries(X, np.abs(entries(X), dtype=np.float64))
    losses, doubts, a, change = [], [], [], []
    for w, b in points:
        doubt = gamma(most_entries(X) + 10) * SLACK * (size @ np.abs(w) + abs(b) + np.abs(away)) + TINY
        doubt = np.where(used, doubt, 0.0)
        p, q, loss = halves(X @ w + b + away, block.y)
        total, small = (1.0 - block.y) * p + block.y * q, np.minimum(doubt, 1.0)
        losses.append(float(s @ loss))
        doubts.append(float(s @ (FEW * loss + np.where(doubt < 1.0, doubt * np.exp(small) * total, doubt) + TINY)))
        a.append((p, q))
        change.append(activation_change(doubt, p * q))
    (p, q), (p2, q2) = a
    # the smaller of the two differences: where both a are near 1, 1 - a has the digits
    apart = np.where(p + p2 < 1.0, np.abs(p - p2), np.abs(q - q2)) + change[0] + change[1]
    apart += FEW * np.minimum(p + p2, q + q2)
    bend = s * p2 * q2 * (1.0 + 2.0 * FEW) * np.where(doubt < 1.0, np.exp(small), np.inf) * SLACK
    bend = np.where(used, bend, 0.0)
    square = with_entries(size, np.square(entries(size), dtype=np.float64))
    bends = np.append(turned(square) @ bend, bend.sum())
    adding = gamma(len(s) + DEPTH + 8)
    return _Seen(
        float(s.sum()), np.array(losses), np.array(doubts), float(apart[used].max(initial=0.0)) * SLACK, bends, adding
    )
