"""The numbers of one column, wherever they lie: in one array, in several, or with a library that translates them.

Where the columns of a frame already are a matrix (pandas keeps columns of one dtype so), `as_matrix` shows it in place.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = ["Converted", "Held", "Numbers", "Pieces", "Rows", "as_matrix", "ends"]

Rows: TypeAlias = slice | NDArray[np.intp]
TOGETHER = 32
FAR_APART = 2  # columns of a matrix lie no farther apart than this many columns' lengths


class Numbers(Protocol):
    """The numbers of one column; missing ones are NaN."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """What `take` gives."""

    def take(self, rows: Rows) -> NDArray[Any]:
        """The numbers of some rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Numbers in one array, which is only read."""

    values: NDArray[Any]

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the array."""
        return self.values.dtype

    def take(self, rows: Rows) -> NDArray[Any]:
        """A view for a slice, a copy otherwise."""
        taken: NDArray[Any] = self.values[rows]
        return taken


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Numbers in several arrays, one after the other; `ends` are their last rows + 1.

    >>> Pieces.of([np.arange(3), np.arange(10, 12)]).take(slice(1, 5)).tolist()
    [1, 2, 10, 11]
    """

    parts: tuple[NDArray[Any], ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, parts: Sequence[NDArray[Any]]) -> Pieces:
        """From the arrays in their order."""
        return cls(tuple(parts), tuple(accumulate(len(part) for part in parts)))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The one that holds all of them."""
        return np.result_type(*{part.dtype for part in self.parts})

    def take(self, rows: Rows) -> NDArray[Any]:
        """A view for a slice within one piece, a copy otherwise."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.ends[-1])
            k = min(bisect_right(self.ends, start), len(self.parts) - 1)
            begin = self.ends[k] - len(self.parts[k])
            if stop <= self.ends[k]:
                return self.parts[k][start - begin : max(start, stop) - begin]
            last = bisect_left(self.ends, stop)
            inner, end = self.parts[k + 1 : last], stop - self.ends[last - 1]
            return np.concatenate([self.parts[k][start - begin :], *inner, self.parts[last][:end]])
        taken = np.empty(len(rows), dtype=self.dtype)
        which = np.searchsorted(self.ends, rows, side="right")
        for k in np.unique(which).tolist():
            here = which == k
            taken[here] = self.parts[k][rows[here] - (self.ends[k] - len(self.parts[k]))]
        return taken


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """Numbers that their owner must translate: `read(rows)` gives them as float64, NaN where there is none."""

    read: Callable[[Rows], Floats]

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64."""
        return np.dtype(np.float64)

    def take(self, rows: Rows) -> NDArray[Any]:
        """Translated now."""
        return self.read(rows)


def ends(X: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least and largest value of each column of X (m, n).

    Rows in C order are taken 32 at a time as one long row: six times as fast.
    """
    m, n = X.shape
    whole = m - m % TOGETHER
    if not X.flags.c_contiguous or whole == 0:
        return X.min(axis=0), X.max(axis=0)
    long, rest = X[:whole].reshape(-1, TOGETHER * n), X[whole - 1 :]
    low, high = long.min(axis=0).reshape(TOGETHER, n).min(axis=0), long.max(axis=0).reshape(TOGETHER, n).max(axis=0)
    return np.minimum(low, rest.min(axis=0)), np.maximum(high, rest.max(axis=0))


class _Whole:
    """Keeps the columns alive for as long as somebody looks at the matrix."""

    def __init__(self, columns: Sequence[NDArray[Any]], step: int) -> None:
        first = columns[0]
        self.columns = tuple(columns)
        self.__array_interface__ = {
            "version": 3,
            "typestr": first.dtype.str,
            "shape": (len(first), len(columns)),
            "strides": (first.strides[0], step),
            "data": (_address(first), True),
        }


def as_matrix(columns: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """The columns (m,) as one read-only matrix (m, n) in place, if that is how they lie in memory; None otherwise.

    They do if they have one dtype and one stride, and begin at equal distances: one column after the other, or one
    row after the other. Nothing is read beyond the columns themselves, whose addresses are those of the matrix.

    >>> rows = np.arange(6.0).reshape(3, 2)
    >>> np.shares_memory(as_matrix([rows[:, 0], rows[:, 1]]), rows), as_matrix([rows[:, 1], rows[:, 0]])
    (True, None)
    """
    first = columns[0]
    m, n, item = len(first), len(columns), first.dtype.itemsize
    if any(each.dtype != first.dtype or each.strides != first.strides or len(each) != m for each in columns):
        return None
    step = _address(columns[1]) - _address(first) if n > 1 else item
    if any(_address(each) - _address(first) != j * step for j, each in enumerate(columns)):
        return None
    by_columns = first.strides[0] == item and m * item <= step <= FAR_APART * m * item
    by_rows = step == item and first.strides[0] >= n * item
    if not (by_columns or by_rows or n == 1) or (_address(first) | step | first.strides[0]) % item:
        return None
    return np.asarray(_Whole(columns, step))


def _address(values: NDArray[Any]) -> int:
    address: int = values.__array_interface__["data"][0]
    return address
