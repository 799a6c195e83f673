"""Columns that lie apart in memory, seen as one table: row blocks are put together when somebody asks for them.

A frame keeps every column by itself, in its own dtype and often in pieces; a category is kept as codes. `ColumnTable`
shows them as X (m, n) to whoever takes rows by slices or by numbers: engines, samples, checks. A block is written
column by column and turned over while it is in cache, so that it has C order: the same bits as a C-ordered array of the
same values, for 15 ms per 50 million numbers on top of the 21 ms of gathering them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from steepest.data.columns import Held, Numbers, Rows
from steepest.types import Floats

__all__ = ["ColumnTable", "Filled", "Levels", "Number", "Source"]

BLOCK = 1 << 18  # elements put together at a time where nobody else says how many
PART, LEAST = 1 << 16, 256  # elements, and rows at least, that are turned over together: half a megabyte
WIDE, ROWS = 256, 1 << 14  # columns beyond which levels are looked up, and rows at a time then


class Source(Protocol):
    """One column of a frame on its way to `width` columns of the table, 0 or more."""

    @property
    def width(self) -> int:
        """Columns of the table."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The narrowest that holds the values."""

    def write(self, out: NDArray[Any], rows: Rows) -> None:
        """Fill out (width, number of rows)."""

    def entries(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """What is not 0, for a sparse table: places (k, rows) within the width, -1 for none, and values (k, rows)."""

    def taken(self, rows: NDArray[np.intp]) -> Source:
        """The same of some rows, copied."""


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """Numbers as they are."""

    numbers: Numbers

    @property
    def width(self) -> int:
        """1."""
        return 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the numbers."""
        return self.numbers.dtype

    def write(self, out: NDArray[Any], rows: Rows) -> None:
        """Fill out (1, rows)."""
        out[0] = self.numbers.take(rows)

    def entries(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """One place per row; -1 where the number is 0."""
        values = self.numbers.take(rows)[None]
        return np.where(values != 0, 0, -1), values

    def taken(self, rows: NDArray[np.intp]) -> Number:
        """The same of some rows, copied."""
        return Number(Held(self.numbers.take(rows)))


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Numbers with `fill` where one is missing and, if `indicated`, a second column that is 1 there and 0 elsewhere."""

    numbers: Numbers
    fill: float
    indicated: bool

    @property
    def width(self) -> int:
        """1 or 2."""
        return 2 if self.indicated else 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64, which the fill needs."""
        return np.dtype(np.float64)

    def write(self, out: NDArray[Any], rows: Rows) -> None:
        """Fill out (width, rows)."""
        out[0] = self.numbers.take(rows)
        missing = np.isnan(out[0])
        out[0][missing] = self.fill
        if self.indicated:
            out[1] = missing

    def entries(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """One place per row and column; -1 where there is a 0."""
        values = np.empty((self.width, len(self.numbers.take(rows))))
        self.write(values, rows)
        return np.where(values != 0.0, np.arange(self.width)[:, None], -1), values

    def taken(self, rows: NDArray[np.intp]) -> Filled:
        """The same of some rows, copied."""
        return Filled(Held(self.numbers.take(rows)), self.fill, self.indicated)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """A category: codes (m,), -1 for missing; `place[code]` is the column that is 1 there, -1 for none of them.

    The last entry of `place` is that of the missing ones, which code -1 finds by itself.
    """

    codes: NDArray[Any]
    place: NDArray[np.intp]
    width: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """One byte holds 0 and 1."""
        return np.dtype(np.int8)

    def write(self, out: NDArray[Any], rows: Rows) -> None:
        """Fill out (width, rows)."""
        place = self.place[self.codes[rows]]
        out[:] = 0
        at = np.flatnonzero(place >= 0)
        out[place[at], at] = 1

    def entries(self, rows: Rows) -> tuple[NDArray[np.intp], NDArray[Any]]:
        """One place per row."""
        place = self.place[self.codes[rows]][None]
        return place, np.ones(place.shape, dtype=np.int8)

    def taken(self, rows: NDArray[np.intp]) -> Levels:
        """The same of some rows, copied."""
        return Levels(self.codes[rows], self.place, self.width)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnTable:
    """X (m, n) out of `sources`, whose widths add up to n, or of those `chosen` among the n columns.

    `X[i:k]` is a float64 block in C order, `X[rows]` some rows in the narrowest dtype, `X[:, columns]` a table of
    some columns; `X @ w` goes block by block. What needs a whole matrix gets a copy, by
    `np.asarray(X)`.

    >>> from steepest.data.columns import Held
    >>> codes = np.array([0, 1, -1], dtype=np.int8)
    >>> X = ColumnTable.of(3, [Number(Held(np.array([1.5, 2.5, 3.5]))), Levels(codes, np.array([-1, 0, 1]), 2)])
    >>> X.shape, X[1:3].tolist(), (X @ np.array([2.0, 1.0, 0.0])).tolist()
    ((3, 3), [[2.5, 1.0, 0.0], [3.5, 0.0, 1.0]], [3.0, 6.0, 7.0])
    """

    sources: tuple[Source, ...]
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    chosen: NDArray[np.intp] | None = None

    ndim = 2
    __array_ufunc__ = None  # so that array @ table asks the table, which refuses, and NumPy makes no object array

    @classmethod
    def of(cls, m: int, sources: Sequence[Source]) -> ColumnTable:
        """m rows of the columns of `sources`."""
        dtype = np.result_type(np.int8, *{source.dtype for source in sources})
        return cls(tuple(sources), (m, sum(source.width for source in sources)), dtype)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        """m n."""
        return self.shape[0] * self.shape[1]

    @property
    def nbytes(self) -> int:
        """Of the same numbers as an array of the narrowest dtype."""
        return self.size * self.dtype.itemsize

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self._rows(slice(*key.indices(len(self))), np.float64)
        if not isinstance(key, tuple):
            index = np.asarray(key)
            return self._rows(np.flatnonzero(index) if index.dtype == bool else index, self.dtype)
        rows, columns = key
        if not isinstance(rows, slice):
            raise TypeError("rows by their numbers and columns at once: take one after the other")
        if rows != slice(None):
            return self[rows][:, columns]
        chosen = np.arange(self.shape[1])[columns] if self.chosen is None else self.chosen[columns]
        return ColumnTable(self.sources, (len(self), len(chosen)), self.dtype, chosen)

    def taken(self, rows: NDArray[np.intp]) -> ColumnTable:
        """Some rows as a table of their own: each column keeps its dtype, where `X[rows]` has one for all."""
        sources = tuple(source.taken(rows) for source in self.sources)
        return ColumnTable(sources, (len(rows), self.shape[1]), self.dtype, self.chosen)

    def __matmul__(self, weights: NDArray[Any]) -> Floats:
        """X w for w (n,) or (n, K), in blocks; of many columns, levels are looked up instead of multiplied."""
        product = np.empty((len(self), *weights.shape[1:]))
        for part, some in self.products(weights):
            product[part] = some
        return product

    def products(self, weights: NDArray[Any]) -> Iterator[tuple[slice, Floats]]:
        """X w some rows at a time."""
        if self.shape[1] <= WIDE or self.chosen is not None:
            for part in self.slices():
                yield part, self[part] @ weights
            return
        for start in range(0, len(self), ROWS):
            part = slice(start, min(start + ROWS, len(self)))
            yield part, self._looked_up(weights, part)

    def _looked_up(self, weights: NDArray[Any], rows: slice) -> Floats:
        """Rows of X w, source by source."""
        total, start = np.zeros((rows.stop - rows.start, *weights.shape[1:])), 0
        for source in self.sources:
            some = weights[start : start + source.width]
            start += source.width
            if isinstance(source, Levels):
                total += np.concatenate([some, np.zeros_like(weights[:1])])[source.place[source.codes[rows]]]
            else:
                columns = np.empty((source.width, rows.stop - rows.start))
                source.write(columns, rows)
                total += columns.T @ some
        return total

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the columns lie apart in memory: as one array they are a copy")
        whole = np.empty(self.shape, dtype=np.float64 if dtype is None else dtype)
        for part in self.slices():
            whole[part] = self[part]
        return whole

    def slices(self) -> list[slice]:
        """Rows of the table in parts of two megabytes."""
        step = max(1, BLOCK // max(1, sum(source.width for source in self.sources)))
        return [slice(start, min(start + step, len(self))) for start in range(0, len(self), step)]

    def _rows(self, rows: Rows, dtype: DTypeLike) -> NDArray[Any]:
        """Some rows in C order: columns are written as they lie, for as many rows as stay in cache, and turned over."""
        index = np.arange(len(self))[rows] if isinstance(rows, slice) and rows.step not in (None, 1) else rows
        count = index.stop - index.start if isinstance(index, slice) else len(index)
        block = np.empty((max(0, count), self.shape[1]), dtype=dtype)
        width = sum(source.width for source in self.sources)
        step = max(LEAST, PART // max(1, width))
        for start in range(0, count, step):
            stop = min(start + step, count)
            some = slice(index.start + start, index.start + stop) if isinstance(index, slice) else index[start:stop]
            columns, end = np.empty((width, stop - start), dtype=dtype), 0
            for source in self.sources:
                source.write(columns[end : end + source.width], some)
                end += source.width
            block[start:stop] = (columns if self.chosen is None else columns[self.chosen]).T
        return block
