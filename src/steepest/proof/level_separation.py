"""Levels whose rows are all of one class: F falls for ever along their weights, and two counts per level prove it.

Of a level with a column the direction is its own weight, +1 or -1; z is that on its rows and 0 on all others. Of a
reference level, which has no column, it is the intercept against all levels of its category. Directions of several
levels are added up: a row that is in two of them has one class, so nothing cancels. All are small whole numbers, so
what is computed from them is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.mixed_rows import Layout, parts_of
from steepest.objective import Engine
from steepest.proof.existence import FIRST, Witness
from steepest.types import Block, Floats

__all__ = ["separated_levels"]


@dataclass(frozen=True, slots=True)
class _Side:
    """Rows of a weight strictly on their side, all of them, and the first few. Can be added."""

    strict: int
    seen: int
    first: tuple[int, ...]

    def __add__(self, other: _Side) -> _Side:
        return _Side(self.strict + other.strict, self.seen + other.seen, (self.first + other.first)[:FIRST])


def separated_levels(engine: Engine, counts: Floats, free: NDArray[np.bool_]) -> Witness | None:
    """The witness that some levels are of one class, by `counts` (4, N) of `kernels.mixed.Look`; one pass if there are.

    free (n,)   columns whose weights carry no penalty; others cannot run away
    """
    rows: Any = engine
    layout: Layout = rows.X.layout
    side = np.where(counts[1] == counts[0], 1, np.where(counts[2] == counts[0], -1, 0)) * (counts[0] > 0.0)
    direction = np.zeros(layout.n + 1, dtype=np.int64)
    for start, stop in zip(layout.base[:-1], layout.base[1:], strict=True):
        columns = layout.columns[start : stop - 1]
        own = np.where(free[columns], side[start : stop - 1], 0)
        direction[columns] += own
        if side[stop - 1] and free[columns].all() and not own.any():
            direction[columns] -= side[stop - 1]
            direction[-1] += side[stop - 1]
    if not direction.any():
        return None
    found: _Side = engine.sum(lambda block: _side(block, layout, direction))
    kind = "complete" if found.strict == found.seen else "quasi-complete"
    whole = tuple(direction.tolist())
    responsible = tuple(np.flatnonzero(direction[:-1]).tolist())
    return Witness(kind, whole, found.strict, found.first, responsible)  # type: ignore[arg-type]


def _side(block: Block, layout: Layout, direction: NDArray[np.int64]) -> _Side:
    X: Any = block.X
    _, of_slots = layout.split(direction[:-1].astype(np.float64))
    total = _Side(0, 0, ())
    for piece in X.pieces():
        y, s, _ = parts_of(block, piece.part)
        z = of_slots[piece.slots].sum(axis=1) + float(direction[-1])
        seen = np.ones(len(y), dtype=bool) if s is None else s > 0.0
        strict = seen & (z != 0.0)
        first = tuple((np.flatnonzero(strict)[:FIRST] + piece.part.start + block.start).tolist())
        total = total + _Side(int(strict.sum()), int(seen.sum()), first)
    return total
