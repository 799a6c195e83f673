"""The engine for rows of numbers and categories: blocks that are read piece by piece, threads, the same fixed tree.

Blocks depend on the shape of the rows alone, not on who holds them nor on the threads: the same rows in memory, in a
sample or in a file give the same bits. A block is as long as makes adding up its second derivatives cheap beside
forming them, and its rows are never all there at once: the kernel asks for one piece after the other.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from steepest.engines.memory import MemoryEngine, usable_cores
from steepest.engines.reduction import tree_sum
from steepest.mixed_rows import HeldRows, MixedBlock, Rows
from steepest.types import Addable, Block, Floats

__all__ = ["MixedEngine"]

A = TypeVar("A", bound=Addable)
LEAST, MOST, PER_CELL = 1 << 14, 1 << 16, 16  # rows of a block; cells of the tables of pairs per row of it


class MixedEngine(MemoryEngine):
    """`rows` and y (m,) in [0, 1], weight and offset of z (m,) or None; these need slices and lists of rows only.

    >>> from steepest.mixed_rows import HeldRows, Layout
    >>> rows = HeldRows(Layout.of(2, [0], [(1, 1)]), np.array([[0.5], [1.5]]), np.array([[0], [1]], dtype=np.int32))
    >>> engine = MixedEngine(rows, np.array([0.0, 1.0]))
    >>> engine.sum(lambda block: len(block.X))
    2
    """

    def __init__(
        self,
        rows: Rows,
        y: Any,
        weight: Any = None,
        offset: Any = None,
        *,
        threads: int | None = None,
    ) -> None:
        self.X: Any = rows
        self.y, self.weight, self.offset = y, weight, offset
        self.m, self.n = len(rows), rows.layout.n
        self.passes, self.checkpoint, self.on_rows = 0, None, None
        self.threads = max(1, usable_cores() if threads is None else threads)
        suited = max(LEAST, min(MOST, rows.layout.cells // PER_CELL))
        self.rows = 1 << (suited - 1).bit_length()

    def densely(self) -> MemoryEngine:
        """The same rows written out, a block at a time, for what reads dense ones."""
        X: Any = _Dense(self.X, None)
        return MemoryEngine(X, self.y, self.weight, self.offset, threads=self.threads)

    def sum(self, of_block: Callable[[Block], A], *, widen: bool = True) -> A:
        """`of_block(block)` for every block, added along the fixed tree; block.X is a `MixedBlock`."""
        self.passes += 1
        starts = range(0, self.m, self.rows)
        if self.threads == 1 or len(starts) == 1:
            return tree_sum(self._told((of_block(self._at(start)) for start in starts), self.rows))
        return tree_sum(self._told(self._in_order(of_block, starts), self.rows))

    def _in_order(self, of_block: Callable[[Block], A], starts: range) -> Iterator[A]:
        """`of_block` of all blocks by the threads, few ahead of whoever adds: a result may be some megabytes."""
        here, over = contextvars.copy_context(), threading.Event()
        waiting: deque[Future[A]] = deque()

        def work(start: int) -> A:
            return of_block(self._at(start, over.is_set))

        try:
            for start in starts:
                waiting.append(self._pool.submit(here.copy().run, work, start))
                if len(waiting) > self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            over.set()  # of a sum that was interrupted: whatever is being read ends at its next piece
            for each in waiting:
                each.cancel()

    def _taken(self, index: NDArray[np.intp]) -> Any:
        return self.X.take(index)

    def _made(self, X: Any, y: NDArray[Any], weight: Floats | None, offset: Floats | None) -> MixedEngine:
        return MixedEngine(X, y, weight, offset, threads=self.threads)

    def _at(self, start: int, given_up: Callable[[], bool] | None = None) -> Block:
        stop = min(start + self.rows, self.m)
        y = np.asarray(self.y[start:stop], dtype=np.float64)
        weight, offset = (None if part is None else part[start:stop] for part in (self.weight, self.offset))
        X: Any = MixedBlock(self.X, start, stop, given_up=given_up)
        return Block(X, y, weight, start, offset)


class _Dense:
    """What `MemoryEngine` needs of a table: slices of rows, and a choice of columns."""

    def __init__(self, rows: Rows, chosen: Any) -> None:
        self.rows, self.chosen = rows, chosen
        self.shape = (len(rows), rows.layout.n if chosen is None else int(np.count_nonzero(chosen)))
        self.dtype = np.dtype(np.float64)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return _Dense(self.rows, key[1])
        start, stop, _ = key.indices(len(self))
        layout = self.rows.layout
        numbers, slots = np.empty((stop - start, layout.p)), np.empty((stop - start, layout.k), dtype=np.int32)
        self.rows.read(start, stop, numbers, slots)
        whole = HeldRows(layout, numbers, slots).dense()
        return np.ascontiguousarray(whole if self.chosen is None else whole[:, self.chosen])
