"""A part of the rows that stands for all of them: where a fit starts, and the metric in which it goes on.

Rows are drawn at random from each class by itself, and the classes get equal shares: among a million rows with
seventy positives it is the seventy that carry the information. Weights undo the shares, so that sums over the part
estimate sums over all. Sorted files and rare classes are no trap; a rare level may still be missing, which makes the
metric worse in that direction and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.data.row_ranks import Lowest, ranks
from steepest.engines import MemoryEngine

__all__ = ["Sample", "draw", "lowest"]

SLICE = 1 << 16  # rows looked at together
SEED = 1847  # Cauchy's year of steepest descent; any fixed number makes the same rows be drawn again


@dataclass(frozen=True, slots=True)
class Sample:
    """`weighted` estimates sums over all rows; `plain` has the rows' own weights, so its sums are part of theirs.

    A row of `weighted` has at most `share` times its own weight.
    """

    weighted: MemoryEngine
    plain: MemoryEngine
    share: float

    def thinned(self, size: int) -> MemoryEngine:
        """About `size` of the weighted rows, evenly spaced; all of them if they are not twice as many."""
        all_rows, step = self.weighted, max(1, self.weighted.m // max(1, size))
        if step == 1:
            return all_rows
        return all_rows.some(np.arange(0, all_rows.m, step))


def draw(engine: MemoryEngine, size: int) -> Sample:
    """About `size` rows of `engine`, half of them from each class as far as there are that many."""
    random = np.random.default_rng(SEED)
    counts = [np.array([np.count_nonzero(_members(engine, k, at)) for at in _starts(engine)]) for k in (False, True)]
    totals = [int(count.sum()) for count in counts]
    asked = _asked(totals, size)
    drawn = [_some(engine, bool(k), counts[k], asked[k], random) for k in (0, 1)]
    index = np.concatenate(drawn)
    share = np.concatenate([np.full(asked[k], totals[k] / max(1, asked[k])) for k in (0, 1)])
    order = np.argsort(index, kind="stable")
    index, share = index[order], share[order]
    plain = engine.some(index, apart=True)
    return Sample(plain.weighed(share), plain, float(share.max()))


def lowest(engine: MemoryEngine, size: int) -> MemoryEngine:
    """As the weighted rows of `draw`, those of lowest rank of each class: one look at the classes finds them.

    Rows on disk of lowest rank were put together when they were written (`data/spool/kept.py`): no read is needed.
    """
    kept, totals = (Lowest(size), Lowest(size)), [0, 0]
    for start in _starts(engine):
        positive = engine.y[start : start + SLICE] > 0.5
        there = True if engine.weight is None else engine.weight[start : start + SLICE] > 0.0
        ranked = ranks(start, start + len(positive))
        for k in (0, 1):
            rows = np.flatnonzero((positive == bool(k)) & there)
            totals[k] += len(rows)
            kept[k].offer(ranked[rows], start + rows)
    asked = _asked(totals, size)
    drawn = [found[0] for k in (0, 1) for found in [kept[k].taken(asked[k])] if found]
    index = np.concatenate(drawn)
    order = np.argsort(index, kind="stable")
    share = np.concatenate([np.full(asked[k], totals[k] / max(1, asked[k])) for k in (0, 1)])
    return engine.some(index[order]).weighed(share[order])


def _asked(totals: Sequence[int], size: int) -> list[int]:
    """Rows of each class: half of `size`, or what there is."""
    of_fewer = min(*totals, size // 2)
    return [of_fewer if k == int(np.argmin(totals)) else min(totals[k], size - of_fewer) for k in (0, 1)]


def _starts(engine: MemoryEngine) -> range:
    return range(0, engine.m, SLICE)


def _members(engine: MemoryEngine, positive: bool, start: int) -> NDArray[np.bool_]:
    """Which rows of a slice are of that class and have a weight."""
    part = slice(start, start + SLICE)
    flags = (engine.y[part] > 0.5) == positive
    return np.asarray(flags if engine.weight is None else flags & (engine.weight[part] > 0.0))


def _some(
    engine: MemoryEngine, positive: bool, counts: NDArray[np.int64], size: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """`size` rows of a class. Ranks within the class are drawn, so that no list of all rows is ever held."""
    total = int(counts.sum())
    ranks = np.arange(total) if size >= total else np.sort(random.choice(total, size, replace=False, shuffle=False))
    found, before = [np.empty(0, dtype=np.int64)], 0
    for start, count in zip(_starts(engine), counts.tolist(), strict=True):
        low, high = np.searchsorted(ranks, [before, before + count])
        if high > low:
            found.append(start + np.flatnonzero(_members(engine, positive, start))[ranks[low:high] - before])
        before += count
    return np.concatenate(found)
