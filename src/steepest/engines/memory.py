"""The engine for tables in memory: row blocks by bytes, threads over groups of blocks, sums along a fixed tree.

Blocks depend on the shape of X alone, never on the number of threads; inside a block BLAS is held to one thread;
the tree is fixed (`reduction.py`). So one thread and many give the same bits. X is never copied: float64 is sliced,
any other dtype is converted one block at a time; so is y.
"""

from __future__ import annotations

import contextvars
import functools
import math
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from steepest.engines.reduction import tree_sum
from steepest.types import Addable, Block, Floats

__all__ = ["MemoryEngine", "lightest", "usable_cores"]

A = TypeVar("A", bound=Addable)
# A leaf is read twice (Xw, then X'dZ). Two megabytes stay in cache between the two; on 1,000,000 x 50 and two
# threads they gave 15 GB/s, half a megabyte 9: below that the interpreter, not the memory, sets the pace.
LEAF_BYTES = 1 << 21
LEAST_ROWS = 64  # fewer rows make matrix-vector products of wide tables slow
TOGETHER, FEW = 4, 2048  # blocks of no more rows are taken together where X keeps its dtype: each call costs 0.1 ms
GATHERED = 512  # rows copied at a time where some are drawn
GROUPS = 16  # tasks handed to the threads per pass: enough to balance two to sixteen of them


class MemoryEngine:
    """Rows in memory: X (m, n) of any real dtype and order, y (m,) in [0, 1] of any real dtype, weight and offset of z
    (m,) or None.

    threads      how many work on one pass; None: as many as this process may use
    block_bytes  how much of the table, as float64, one task takes; None: a sixteenth. Any gives the same bits
    leaf_bytes   size of a leaf of the tree of sums; another one regroups the sums (other last bits)
    """

    def __init__(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        weight: Floats | None = None,
        offset: Floats | None = None,
        *,
        threads: int | None = None,
        block_bytes: int | None = None,
        leaf_bytes: int = LEAF_BYTES,
    ) -> None:
        self.X, self.y, self.weight, self.offset = X, y, weight, offset
        self.m, self.n = X.shape
        self.passes = 0  # times that all rows were read
        self.checkpoint: Any = None  # where answers about rows on disk are kept
        self.on_rows: Callable[[int, int], Any] | None = None  # told now and then how many of the m rows were read
        self.threads = max(1, usable_cores() if threads is None else threads)
        self.rows = max(LEAST_ROWS, leaf_bytes // (8 * max(1, self.n)))
        self.block_bytes = block_bytes

    @functools.cached_property
    def total_weight(self) -> float:
        """Sum of the row weights, m without any."""
        if self.weight is None:
            return float(self.m)
        return tree_sum(float(self.weight[i : i + self.rows].sum()) for i in range(0, self.m, self.rows))

    @functools.cached_property
    def positive(self) -> float:
        """Sum of weight times y."""
        if self.weight is None:
            return tree_sum(float(np.sum(self.y[i:k], dtype=np.float64)) for i, k in self._ends())
        return tree_sum(float(self.weight[i:k] @ self.y[i:k]) for i, k in self._ends())

    @functools.cached_property
    def lightest(self) -> float:
        """The smallest positive row weight."""
        weight = self.weight
        return 1.0 if weight is None else min(lightest(np.asarray(weight[i:k])) for i, k in self._ends())

    @property
    def farthest(self) -> float:
        """The largest offset in size."""
        if self.offset is None:
            return 0.0
        return max(float(np.max(np.abs(self.offset[i:k]), initial=0.0)) for i, k in self._ends())

    def some(self, index: NDArray[np.intp], apart: bool = False) -> MemoryEngine:
        """Some rows, `index` ascending, copied; with `apart` columns that lie apart stay so, each in its own dtype."""
        weight, offset = (None if part is None else part[index] for part in (self.weight, self.offset))
        X = self.X.taken(index) if apart and hasattr(self.X, "taken") else self._taken(index)
        return self._made(X, self.y[index], weight, offset)

    def weighed(self, share: Floats) -> MemoryEngine:
        """The same rows, their weights times `share`."""
        weight = share if self.weight is None else share * self.weight
        return self._made(self.X, self.y, weight, self.offset)

    def _taken(self, index: NDArray[np.intp]) -> Any:
        """Those rows, one after the other in memory, however X lies there."""
        rows = np.empty((len(index), self.n), dtype=self.X.dtype)
        for start in range(0, len(index), GATHERED):
            part = slice(start, start + GATHERED)
            rows[part] = self.X[index[part]]
        return rows

    def _made(self, X: Any, y: NDArray[Any], weight: Floats | None, offset: Floats | None) -> MemoryEngine:
        return MemoryEngine(X, y, weight, offset, threads=self.threads)

    def _ends(self) -> Iterator[tuple[int, int]]:
        return ((i, min(i + self.rows, self.m)) for i in range(0, self.m, self.rows))

    def sum(self, of_block: Callable[[Block], A], *, widen: bool = True) -> A:
        """`of_block(block)` for every block, added along the fixed tree.

        Without `widen` X has its own dtype there and blocks of few rows are four times as large: between two
        calls the interpreter has fallen out of the caches, and 0.1 ms goes by for each.
        """
        self.passes += 1
        if self.threads == 1 or self.m <= self.rows:
            return tree_sum(self._told(map(of_block, self.blocks(0, self.m, widen)), self.rows))

        def of_group(start: int) -> A:
            return tree_sum(map(of_block, self.blocks(start, min(start + self._group, self.m), widen)))

        # NumPy's floating-point settings belong to the calling context; the threads take a copy of it along.
        here = contextvars.copy_context()
        starts = range(0, self.m, self._group)
        parts = self._pool.map(lambda start: here.copy().run(of_group, start), starts)
        return tree_sum(self._told(parts, self._group))

    def _told(self, parts: Iterable[A], rows: int) -> Iterable[A]:
        """The parts of a read as they come, of so many rows each; whoever wants to know hears how far it is."""
        if self.on_rows is None:
            return parts
        return self._telling(parts, rows, self.on_rows)

    def _telling(self, parts: Iterable[A], rows: int, tell: Callable[[int, int], Any]) -> Iterator[A]:
        tell(0, self.m)
        for k, part in enumerate(parts, start=1):
            tell(min(k * rows, self.m), self.m)
            yield part

    def blocks(self, start: int, stop: int, widen: bool = True) -> Iterator[Block]:
        """The blocks of rows start … stop, in order; `start` is a multiple of the rows of a block."""
        rows = self.rows if widen else self._together * self.rows
        for i in range(start, stop, rows):
            yield self._cut(i, min(i + rows, stop), widen)  # no name is left for it: one at a time is in memory

    def _cut(self, i: int, k: int, widen: bool) -> Block:
        X = np.asarray(self.X[i:k], dtype=np.float64) if widen else self.X[i:k]
        y = np.asarray(self.y[i:k], dtype=np.float64)
        weight, offset = (None if part is None else part[i:k] for part in (self.weight, self.offset))
        return Block(X, y, weight, i, offset)

    def quiet_blas(self) -> AbstractContextManager[Any]:
        """A context that holds BLAS to one thread; the threads over blocks are enough, and the bits stay the same.

        Small tables need it too: OpenBLAS 0.3.30 solves a triangular system of 5 unknowns in two threads, and where
        another process has the second core it waits for that thread, 16 ms instead of 9 us.
        """
        return ONE_BLAS_THREAD

    @property
    def _together(self) -> int:
        return TOGETHER if self.rows <= FEW else 1  # of many rows, vectors beside a block are what counts

    @property
    def most_rows(self) -> int:
        """Rows of the largest block: as many numbers are added one after the other at most."""
        return int(min(self.m, self._together * self.rows))

    @functools.cached_property
    def _group(self) -> int:
        """Rows of a group: 2^k leaves, so that a group is a subtree of the fixed tree."""
        leaves = -(-self.m // self.rows)
        least = -(-leaves // GROUPS)
        if self.block_bytes is not None:
            least = self.block_bytes // (8 * self.rows * max(1, self.n))
        return int(self.rows * max(self._together, 1 << max(0, least - 1).bit_length()))

    @functools.cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="steepest")


def lightest(weight: Floats | None) -> float:
    """The smallest positive weight; 1 without any."""
    return 1.0 if weight is None else float(np.min(weight, where=weight > 0.0, initial=math.inf))


def usable_cores() -> int:
    """Cores that this process may use; a container or `taskset` may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _OneThread:
    """Holds BLAS to one thread until the last of its users has left, for fits that run side by side."""

    def __init__(self) -> None:
        self.users, self.before, self.turn = 0, list[tuple[Any, int]](), threading.Lock()

    def __enter__(self) -> None:
        with self.turn:
            self.users += 1
            if self.users == 1:
                self.before = [(library, library.get_num_threads()) for library in _blas()]
                for library, _ in self.before:
                    library.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        with self.turn:
            self.users -= 1
            if self.users == 0:
                for library, threads in self.before:
                    library.set_num_threads(threads)


ONE_BLAS_THREAD = _OneThread()


@functools.cache
def _blas() -> list[Any]:
    """The BLAS libraries that are loaded: NumPy and SciPy bring one each."""
    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found
