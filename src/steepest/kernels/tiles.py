"""Rows as the compiled kernels read them: in place where they are float64, else as many copies as stay in cache.

A tile is a whole number of runs, the rows that a kernel adds up together, so narrow rows give the bits of the same rows
as float64. No copy of a block is ever made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = ["by_columns", "column_run", "column_tiles", "plain", "row_run", "row_tiles"]

IN_CACHE, TILE = 1 << 15, 1 << 14  # numbers that are taken together, 256 KB, and copied together
RUN, COLUMN_RUN = 128, 1024  # rows of them at most, as rows and as columns: 8 KB of each column


def row_run(n: int) -> int:
    """Rows of n columns in C order that are summed together."""
    return min(RUN, _whole(n))


def column_run(n: int) -> int:
    """The same in F order."""
    return min(COLUMN_RUN, _whole(n))


def by_columns(X: NDArray[Any]) -> bool:
    """Whether each column of X (m, n) lies in one piece, one after the other."""
    item = X.dtype.itemsize
    return X.shape[1] > 1 and X.strides[0] == item and X.strides[1] >= len(X) * item and X.strides[1] % item == 0


def row_tiles(X: NDArray[Any]) -> Iterator[tuple[int, Floats]]:
    """(first row, float64 rows in C order)."""
    if X.dtype == np.float64 and X.flags.c_contiguous and X.flags.aligned:
        yield 0, X
        return
    run = row_run(X.shape[1])
    rows = max(1, TILE // max(1, X.shape[1]) // run) * run
    tile = np.empty((min(rows, len(X)), X.shape[1]))
    for start in range(0, len(X), rows):
        part = X[start : start + rows]
        np.copyto(tile[: len(part)], part)
        yield start, tile[: len(part)]


def column_tiles(X: NDArray[Any]) -> Iterator[tuple[int, Floats, int, int]]:
    """(first row, numbers, step, rows) of X in F order: X[i, j] of the tile is numbers[i + j step]."""
    m, n = X.shape
    if X.dtype == np.float64 and X.flags.aligned:
        step = X.strides[1] // X.itemsize
        # what lies between two columns belongs to the same array: X is a part of its rows
        yield 0, as_strided(X, ((n - 1) * step + m,), (X.itemsize,), writeable=False), step, m
        return
    rows = min(column_run(n), m)
    tile = np.empty((n, rows))
    for start in range(0, m, rows):
        part = X[start : start + rows]
        np.copyto(tile[:, : len(part)], part.T)
        yield start, tile.reshape(-1), rows, len(part)


def plain(values: NDArray[Any]) -> Floats:
    """Float64 in one piece."""
    if values.dtype == np.float64 and values.flags.c_contiguous and values.flags.aligned:
        return values
    return np.require(values, np.float64, ["C", "A"])


def _whole(n: int) -> int:
    return max(8, IN_CACHE // max(1, n) // 8 * 8)
