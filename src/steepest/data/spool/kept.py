"""The rows of lowest rank of each class, kept beside the columns while these are written: a sample for nothing.

A fit begins with the rows of lowest rank of each class (`sampling.lowest`). Picked out of the columns they would be a
read of everything; put together while the rows go by, at the end of each column's file, they are one of some megabytes.
How many will be asked for is not known then, for that depends on the columns of the design: what is kept is a fourth of
the rows, which is the most, or what 64 MB per class hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.row_ranks import Lowest, ranks

__all__ = ["Kept"]

ROOM = 1 << 26  # bytes in memory, for each class
MOST = 1 << 18  # rows, for each class
SHARE = 4  # of the rows of a table one in so many are in a sample, at most
CLASSES = 2  # of more no sample is drawn from rows on disk


class Kept:
    """Collects rows chunk by chunk; `target` is the place of the column with the classes, None if there is none."""

    def __init__(self, columns: int, target: int | None) -> None:
        self.most = min(MOST, ROOM // (8 * columns + 16))
        self.target, self.columns = target, columns
        self.lowest: dict[int, Lowest] = {}  # by the code of the class

    def add(self, start: int, chunks: Sequence[NDArray[Any]]) -> None:
        """A chunk of every column, whose first row is `start`."""
        if self.target is None:
            return
        codes = chunks[self.target]
        ranked = ranks(start, start + len(codes))
        for code in np.unique(codes[codes >= 0]).tolist():
            lowest = self.lowest.setdefault(code, Lowest(self.most))
            rows = np.flatnonzero(codes == code)
            rows = rows[lowest.wanted(ranked[rows])]
            lowest.offer(ranked[rows], start + rows, *(values[rows] for values in chunks))
        if len(self.lowest) > CLASSES:
            self.target, self.lowest = None, {}

    def taken(self, m: int) -> tuple[NDArray[np.int64], list[NDArray[Any]]]:
        """Numbers, ascending, of the rows kept of m, and their values column by column."""
        parts = [found for lowest in self.lowest.values() if (found := lowest.taken(m // SHARE))]
        self.lowest = {}
        if not parts:
            return np.empty(0, dtype=np.int64), [np.empty(0) for _ in range(self.columns)]
        index = np.concatenate([part[0] for part in parts])
        order = np.argsort(index, kind="stable")
        values = [np.concatenate([part[j] for part in parts])[order] for j in range(1, self.columns + 1)]
        return index[order], values
