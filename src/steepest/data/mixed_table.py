"""A table of columns that lie apart, as rows of numbers and categories: what `engines/mixed.py` reads.

Codes stay where they are, in the width they have; a piece of them at a time is looked up in a small table of slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.column_table import ColumnTable, Levels, Source
from steepest.engines.memory import usable_cores
from steepest.errors import DataError
from steepest.kernels.mixed_compiled import translated
from steepest.mixed_rows import HeldRows, Layout, Slots
from steepest.types import Floats

__all__ = ["MixedTable", "check_memory", "pays", "terms_of_codes"]

WORTH = 1 << 22  # numbers of the same rows written out: below, whole fits are done before compiled code is loaded
PROCESS = 500_000_000  # bytes of the interpreter, compiled code, and the reader's buffers
SHARE = 3  # columns per term of a row from which codes are the cheaper


@dataclass(frozen=True, slots=True, eq=False)
class MixedTable:
    """`numbers` are sources with their first columns, `categories` sources of levels with the slot of each code."""

    layout: Layout
    m: int
    numbers: tuple[tuple[int, Source], ...]
    categories: tuple[tuple[Levels, NDArray[np.int32]], ...]

    @classmethod
    def of(cls, table: ColumnTable) -> MixedTable:
        """The same rows.

        >>> from steepest.data.column_table import Number
        >>> from steepest.data.columns import Held
        >>> codes = np.array([0, 1, -1], dtype=np.int8)
        >>> columns = [Levels(codes, np.array([-1, 0, 1]), 2), Number(Held(np.array([1.5, 2.5, 3.5])))]
        >>> MixedTable.of(ColumnTable.of(3, columns)).take(np.arange(3)).dense().tolist()
        [[0.0, 0.0, 1.5], [1.0, 0.0, 2.5], [0.0, 1.0, 3.5]]
        """
        starts = np.cumsum([0, *(source.width for source in table.sources)]).tolist()
        placed = list(zip(starts, table.sources, strict=False))
        levels = [(start, source) for start, source in placed if isinstance(source, Levels)]
        levels.sort(key=lambda each: each[1].width)
        others = [(start, source) for start, source in placed if not isinstance(source, Levels)]
        columns = [start + j for start, source in others for j in range(source.width)]
        layout = Layout.of(table.shape[1], columns, [(start, source.width) for start, source in levels])
        categories = tuple(
            (source, np.where(source.place >= 0, base + source.place, base + source.width).astype(np.int32))
            for (_, source), base in zip(levels, layout.base.tolist(), strict=False)
        )
        ends = np.cumsum([0, *(source.width for _, source in others)]).tolist()
        return cls(layout, len(table), tuple(zip(ends, (source for _, source in others), strict=False)), categories)

    def __len__(self) -> int:
        return self.m

    def read(self, start: int, stop: int, numbers: Floats, slots: Slots) -> None:
        """Fill in rows start … stop."""
        self._fill(slice(start, stop), numbers, slots)

    def take(self, index: NDArray[np.intp]) -> HeldRows:
        """Some rows, copied."""
        numbers = np.empty((len(index), self.layout.p))
        slots = np.empty((len(index), self.layout.k), dtype=np.int32)
        self._fill(index, numbers, slots)
        return HeldRows(self.layout, numbers, slots)

    def _fill(self, rows: slice | NDArray[np.intp], numbers: Floats, slots: Slots) -> None:
        for first, source in self.numbers:
            columns = np.empty((source.width, len(numbers)))
            source.write(columns, rows)
            numbers[:, first : first + source.width] = columns.T
        for c, (source, table) in enumerate(self.categories):
            translated(source.codes[rows], table, slots, c)


def check_memory(X: Any, memory: int, threads: int | None = None) -> None:
    """DataError if fitting rows on disk takes more than `memory` bytes, before it is tried.

    The process and the reader, the sample, tables of pairs (those of the threads, those that wait in the tree, the one
    that is put together), some matrices of the columns: nothing of it grows with the rows once a sample is full.
    """
    if not isinstance(X, ColumnTable):
        return
    layout, n = MixedTable.of(X).layout, X.shape[1] + 1
    sample = min(len(X) // 4, 200 * n) * (8 * layout.p + 4 * layout.k + 32)
    tables = 8 * (layout.cells + len(layout.columns) * (layout.p + 1)) * (2 * (threads or usable_cores()) + 4)
    needed = PROCESS + 2 * sample + tables + 8 * 8 * n * n
    if needed > memory:
        raise DataError(
            f"a fit of {n - 1:,} columns needs about {needed // 10**6:,} MB of memory, but {memory // 10**6:,} MB are "
            "allowed: allow more, or group rare levels into one"
        )


def pays(table: ColumnTable) -> bool:
    """Whether the rows are better read as numbers and codes than written out: by their shape alone."""
    levels = any(isinstance(source, Levels) for source in table.sources)
    m, n = table.shape
    return table.chosen is None and levels and table.size >= WORTH and n >= SHARE * _terms(table) and m >= 4 * n


def terms_of_codes(X: Any) -> int | None:
    """Numbers and categories of a row, if its categories are read as codes; None if it is written out."""
    return _terms(X) if isinstance(X, ColumnTable) and pays(X) else None


def _terms(table: ColumnTable) -> int:
    return sum(1 if isinstance(source, Levels) else source.width for source in table.sources)
