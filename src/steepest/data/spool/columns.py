"""One column on disk: raw numbers in chunks of 65,536 rows, each in the narrowest type that holds it exactly."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.quoting import safe
from steepest.errors import DataError

__all__ = ["CHUNK", "Column", "SpoolColumn", "narrowed"]

CHUNK = 1 << 16  # rows; also the slices in which means of columns in memory are added up, so that they are the same
KINDS: dict[str, np.dtype[Any]] = {
    "b": np.dtype(np.int8),
    "h": np.dtype(np.int16),
    "i": np.dtype(np.int32),
    "f": np.dtype(np.float32),
    "d": np.dtype(np.float64),
}


def narrowed(values: NDArray[Any]) -> tuple[str, NDArray[Any]]:
    """The values in the narrowest type that holds them all exactly, NaN included, and its letter.

    >>> narrowed(np.array([1.0, 0.5]))[0], narrowed(np.array([0.1]))[0], narrowed(np.array([-1, 300]))[0]
    ('f', 'd', 'h')
    """
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            narrow = values.astype(np.float32)
        same = (narrow == values) | (np.isnan(values) & np.isnan(narrow))
        # -0.0 equals 0.0, and both keep their sign
        return ("f", narrow) if same.all() else ("d", values.astype(np.float64, copy=False))
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    letter = next(each for each in "bhi" if np.iinfo(KINDS[each]).min <= low and high <= np.iinfo(KINDS[each]).max)
    return letter, values.astype(KINDS[letter], copy=False)


@dataclass(frozen=True, slots=True)
class Column:
    """What the manifest says of a column: its file, the letter of each chunk's type, and what was seen in it.

    `kept` is the type of the rows of lowest rank, which stand once more behind the last chunk.
    Of texts: `levels` with the rows of each (`counts`). Of numbers: least, largest and mean of those that are there,
    and whether all are integers.
    """

    name: str
    file: str
    kinds: str
    missing: int
    first_missing: int
    levels: tuple[str, ...] | None = None
    counts: tuple[int, ...] = ()
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    whole: bool = False
    kept: str = "d"


class _File:
    """An open file, closed with the last column that reads it."""

    def __init__(self, path: Path) -> None:
        self.path, self.descriptor = path, os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        os.close(self.descriptor)

    def read(self, size: int, offset: int) -> bytes:
        """Exactly so many bytes. Not mapped into memory: a file that shrinks would end the process by SIGBUS."""
        found = os.pread(self.descriptor, size, offset)
        while len(found) < size:
            more = os.pread(self.descriptor, size - len(found), offset + len(found))
            if not more:
                raise DataError(
                    f"{safe(str(self.path))} of the spool was cut short meanwhile: delete the spool, start again"
                )
            found += more
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SpoolColumn:
    """m numbers on disk that are read as an array is: by slices, and by ascending row numbers.

    `place` is looked up for every code, if there is one; the code -1 finds its last entry.
    """

    column: Column
    file: _File
    ends: tuple[int, ...]  # of the chunks, in bytes
    m: int
    kept: NDArray[np.int64]  # numbers of the rows of lowest rank
    place: NDArray[Any] | None = None

    @classmethod
    def of(cls, column: Column, folder: Path, m: int, kept: NDArray[np.int64]) -> SpoolColumn:
        """The column of a spool in `folder`."""
        rows = [min(CHUNK, m - start) for start in range(0, m, CHUNK)]
        sizes = [count * KINDS[kind].itemsize for count, kind in zip(rows, column.kinds, strict=True)]
        return cls(column, _File(folder / column.file), tuple(accumulate(sizes)), m, kept)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return (self.ends[-1] if self.ends else 0) + len(self.kept) * KINDS[self.column.kept].itemsize

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 of numbers, however they are stored: what a column in memory has; of codes one that holds them."""
        if self.place is not None:
            return self.place.dtype
        return np.dtype(np.int32 if self.column.levels is not None else np.float64)

    @property
    def shape(self) -> tuple[int]:
        """(m,)."""
        return (self.m,)

    def __len__(self) -> int:
        return self.m

    def mapped(self, place: NDArray[Any]) -> SpoolColumn:
        """The codes as they are looked up in `place`."""
        return replace(self, place=place)

    def take(self, rows: Any) -> NDArray[Any]:
        """Some rows."""
        return self[rows]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self.m)
            parts = [
                self._chunk(k, max(start, k * CHUNK), min(stop, (k + 1) * CHUNK))
                for k in range(start // CHUNK, -(-stop // CHUNK) if stop > start else start // CHUNK)
            ]
            found = parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, self.dtype)
        else:
            found = self._picked(np.asarray(rows))
        if self.place is not None:
            return self.place[found]
        return found.astype(np.float64, copy=False) if found.dtype.kind == "f" else found

    def _picked(self, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Rows by their numbers: those that were kept together if they are among them, or else out of the chunks."""
        if len(rows) and len(self.kept):
            places = np.searchsorted(self.kept, rows)
            if np.array_equal(self.kept[np.minimum(places, len(self.kept) - 1)], rows):
                return self._among_kept(places)
        found = np.empty(len(rows), dtype=np.result_type(*{KINDS[kind] for kind in self.column.kinds}))
        order = np.argsort(rows, kind="stable")
        cuts = np.searchsorted(rows[order], np.arange(0, self.m + CHUNK, CHUNK))
        for k, (i, stop) in enumerate(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)):
            if stop > i:
                some = rows[order[i:stop]]
                first, last = int(some[0]), int(some[-1]) + 1
                found[order[i:stop]] = self._chunk(k, first, last)[some - first]
        return found

    def _among_kept(self, places: NDArray[np.intp]) -> NDArray[Any]:
        dtype, end = KINDS[self.column.kept], self.ends[-1]
        first, last = int(places.min()), int(places.max()) + 1
        raw = self.file.read((last - first) * dtype.itemsize, end + first * dtype.itemsize)
        return np.frombuffer(raw, dtype=dtype)[places - first]

    def _chunk(self, k: int, start: int, stop: int) -> NDArray[Any]:
        """Rows start … stop, all in chunk k."""
        dtype = KINDS[self.column.kinds[k]]
        offset = (self.ends[k - 1] if k else 0) + (start - k * CHUNK) * dtype.itemsize
        return np.frombuffer(self.file.read((stop - start) * dtype.itemsize, offset), dtype=dtype)
