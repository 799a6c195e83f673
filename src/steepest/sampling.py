"""A part of the rows that stands for all of them: where a fit starts, and the metric in which it goes on.

Rows are drawn at random from each class by itself, and the classes get equal shares: among a million rows with
seventy positives it is the seventy that carry the information. Weights undo the shares, so that sums over the part
estimate sums over all. Sorted files and rare classes are no trap; a rare level may still be missing, which makes the
metric worse in that direction and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steepest.engines import MemoryEngine

__all__ = ["Sample", "draw"]

SEED = 1847  # Cauchy's year of steepest descent; any fixed number makes the same rows be drawn again


@dataclass(frozen=True, slots=True)
class Sample:
    """`weighted` estimates sums over all rows; `plain` has the rows' own weights, so its sums are part of theirs."""

    weighted: MemoryEngine
    plain: MemoryEngine


def draw(engine: MemoryEngine, size: int) -> Sample:
    """About `size` rows of `engine`, half of them from each class as far as there are that many."""
    random = np.random.default_rng(SEED)
    seen = True if engine.weight is None else engine.weight > 0.0
    positive = np.flatnonzero((engine.y > 0.5) & seen)
    negative = np.flatnonzero((engine.y <= 0.5) & seen)
    few, many = sorted((positive, negative), key=len)
    of_few = min(len(few), size // 2)
    drawn = (_some(random, few, of_few), _some(random, many, min(len(many), size - of_few)))
    index = np.concatenate(drawn)
    share = np.concatenate(
        [np.full(len(part), len(of) / len(part)) for part, of in zip(drawn, (few, many), strict=True)]
    )
    order = np.argsort(index, kind="stable")
    index, share = index[order], share[order]
    X, y = engine.X[index], engine.y[index]
    weight = None if engine.weight is None else engine.weight[index]
    return Sample(
        MemoryEngine(X, y, share if weight is None else share * weight, threads=engine.threads),
        MemoryEngine(X, y, weight, threads=engine.threads),
    )


def _some(random: np.random.Generator, rows: np.ndarray, size: int) -> np.ndarray:
    return rows if size >= len(rows) else random.choice(rows, size, replace=False, shuffle=False)
