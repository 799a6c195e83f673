"""The engine for sparse tables in memory: CSR, never densified, never copied.

Blocks are views: a slice of `data` and `indices`, and an `indptr` of their own (4 or 8 bytes per row). They hold about
equal numbers of stored entries and depend on the table alone, and partial sums are added along the fixed tree: one
thread and many give the same bits. SciPy's products were measured to run one at a time (two threads took twice as
long for two of them), so threads overlap them only with the arithmetic on rows; Xw and X'dZ together take some 1.5 ns
per stored entry.

The table is only read. SciPy's `abs` sorts and sums the entries of its argument in place, of a view too, and `X.T` of a
view copies it: `kernels/sparse.py` has ways that do neither.

Entries stored twice count as their sum in everything that is linear in them: z, gradients, Hessians.
"""

from __future__ import annotations

import contextvars
import functools
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from steepest.engines.memory import ONE_BLAS_THREAD, lightest, usable_cores
from steepest.engines.reduction import tree_sum
from steepest.errors import DataError
from steepest.types import Addable, Block, Floats

__all__ = ["SparseEngine", "as_csr"]

A = TypeVar("A", bound=Addable)
LEAST_ENTRIES = 1 << 17  # of a block: with fewer the interpreter sets the pace
PER_COLUMN = 8  # entries of a block per column at least: each block makes n-vectors of its own
BLOCKS = 64  # what is made of a block on the way (squares of its values) must stay small beside the table
SLICE = 1 << 16  # values checked at a time
LARGEST = 1e152  # its square is still a float


def as_csr(X: Any) -> Any:
    """X as CSR: itself if it is CSR; CSC, COO and the other formats are converted once, which is a copy.

    Raises DataError for no rows or columns, for values that are not real numbers, and for the first one that is NaN,
    infinite or beyond 1e152, named by row and column (counted from 0).

    >>> as_csr(scipy.sparse.coo_array([[0.0, 2.0]])).format
    'csr'
    """
    if len(X.shape) != 2 or 0 in X.shape:
        raise DataError(f"X has shape {X.shape}: at least one example and one feature are needed, in two dimensions")
    if X.dtype.kind not in "biuf":
        raise DataError(f"X must hold real numbers, its dtype is {X.dtype}; encode text columns as numbers first")
    rows = X if X.format == "csr" else X.tocsr()
    _check_size(rows)
    return rows


class SparseEngine:
    """Sparse rows in memory: X (m, n) CSR of any real dtype and index dtype, y (m,) in [0, 1], weight and offset of z
    (m,) or None.

    threads   how many work on one pass; None: as many as this process may use

    >>> engine = SparseEngine(scipy.sparse.csr_array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1]))
    >>> engine.sum(lambda block: block.X.T @ block.y)
    array([2., 0.])
    """

    def __init__(
        self,
        X: Any,
        y: NDArray[Any],
        weight: Floats | None = None,
        offset: Floats | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        self.X, self.y, self.weight, self.offset = X, y, weight, offset
        self.m, self.n = X.shape
        self.threads = max(1, usable_cores() if threads is None else threads)
        self.passes = 0  # times that all rows were read
        self.checkpoint: Any = None  # of rows on disk only
        self._ends = _cuts(X)
        self._views = [_view(X, i, k) for i, k in zip(self._ends, self._ends[1:], strict=False)]

    @functools.cached_property
    def total_weight(self) -> float:
        """Sum of the row weights, m without any."""
        weight = self.weight
        if weight is None:
            return float(self.m)
        return tree_sum(float(weight[i:k].sum()) for i, k in zip(self._ends, self._ends[1:], strict=False))

    @functools.cached_property
    def lightest(self) -> float:
        """The smallest positive row weight."""
        return lightest(self.weight)

    def sum(self, of_block: Callable[[Block], A]) -> A:
        """`of_block(block)` for every block, added along the fixed tree; block.X is CSR."""
        self.passes += 1
        if self.threads == 1 or len(self._views) == 1:
            return tree_sum(of_block(self._block(k)) for k in range(len(self._views)))
        return tree_sum(self._in_order(of_block))

    def quiet_blas(self) -> AbstractContextManager[Any]:
        """A context that holds BLAS to one thread, so that the bits stay the same."""
        return ONE_BLAS_THREAD

    @functools.cached_property
    def canonical(self) -> bool:
        """Whether it is known that no entry is stored twice: sorted indices tell in one look."""
        return bool(self.X.has_sorted_indices and self.X.has_canonical_format)

    def _in_order(self, of_block: Callable[[Block], A]) -> Iterator[A]:
        """`of_block` of all blocks by the threads, a few ahead of whoever adds: results are as long as columns."""
        # NumPy's floating-point settings belong to the calling context; the threads take a copy of it along.
        here = contextvars.copy_context()
        waiting: deque[Future[A]] = deque()
        try:
            for k in range(len(self._views)):
                waiting.append(self._pool.submit(here.copy().run, lambda k: of_block(self._block(k)), k))
                if len(waiting) > 2 * self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:  # of a sum that was interrupted
                each.cancel()

    def _block(self, k: int) -> Block:
        i, end = self._ends[k], self._ends[k + 1]
        y = np.asarray(self.y[i:end], dtype=np.float64)
        weight, offset = (None if part is None else part[i:end] for part in (self.weight, self.offset))
        return Block(self._views[k], y, weight, i, offset)

    @functools.cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="steepest")


def _cuts(X: Any) -> list[int]:
    """First rows of the blocks and m: about equal numbers of entries plus rows."""
    m, entries = X.shape[0], int(X.indptr[-1]) + X.shape[0]
    count = min(BLOCKS, max(1, entries // max(LEAST_ENTRIES, PER_COLUMN * X.shape[1])))
    ends = [bisect_left(range(m), entries * k // count, key=lambda i: int(X.indptr[i]) + i) for k in range(1, count)]
    return sorted({0, *ends, m})


def _view(X: Any, i: int, k: int) -> Any:
    """Rows i … k - 1. The constructor would copy indices of 64 bits, so the parts are put in one by one."""
    start, stop = int(X.indptr[i]), int(X.indptr[k])
    view = scipy.sparse.csr_array((k - i, X.shape[1]), dtype=X.dtype)
    view.data, view.indices = X.data[start:stop], X.indices[start:stop]
    view.indptr = X.indptr[i : k + 1] - X.indptr.dtype.type(start)
    return view


def _check_size(X: Any) -> None:
    """Every value finite and at most LARGEST in size; NaN fails every comparison, so one per slice finds all."""
    if X.dtype.kind != "f":
        return
    stop = int(X.indptr[-1])
    for start in range(0, stop, SLICE):
        part = X.data[start : min(start + SLICE, stop)]
        if not max(float(part.max()), -float(part.min())) <= LARGEST:
            at = start + int(np.flatnonzero(~(np.abs(part, dtype=np.float64) <= LARGEST))[0])
            row = int(np.searchsorted(X.indptr, at, side="right")) - 1
            reason = (
                f"values beyond {LARGEST:.0e} cannot be squared in floating point; divide the column by a power of ten"
                if np.isfinite(X.data[at])
                else "every value must be finite; drop such rows or fill them in before fitting"
            )
            raise DataError(f"X[{row}, {X.indices[at]}] is {X.data[at]}: {reason}")
