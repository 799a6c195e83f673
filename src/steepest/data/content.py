"""What is in the columns of a frame: numbers looked at once, categories as codes; and what is neither, refused by name.

Missing values are nulls and NaN, in every kind of frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.arrays import LARGEST
from steepest.data.categories import Category, category_of
from steepest.data.column_table import ColumnTable, Number
from steepest.data.columns import Held, Numbers, as_matrix, ends
from steepest.data.frames import Given
from steepest.data.numbers import EXACT
from steepest.data.owners import absent, codes_of, inexact, numbers_of, smallest
from steepest.data.quoting import quoted
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Content", "Measured", "as_category", "as_number", "look", "matrix_of", "mean_of", "slices"]

SLICE = 1 << 16  # numbers looked at together


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The numbers of a column: least and largest value and mean of those that are there, the missing rows, the first.

    `whole`: they are integers by type.
    """

    name: str
    numbers: Numbers
    whole: bool
    low: float = math.nan
    high: float = math.nan
    mean: float = math.nan
    missing: int = 0
    first_missing: int = -1


Content = Measured | Category


def as_number(given: Given, m: int) -> Measured:
    """A column as numbers, not yet looked at; DataError if it holds something else."""
    if given.kind == "empty":
        return Measured(given.name, Held(np.broadcast_to(np.nan, m)), whole=False)
    if given.kind == "objects":
        return Measured(given.name, Held(_objects(given)), whole=False)
    if given.kind != "number":
        raise DataError(
            f"column {quoted(given.name)} is of numbers in the schema, but holds {given.shown} here: convert it"
        )
    whole = given.series.dtype.is_integer()
    return Measured(given.name, numbers_of(given.name, given.series), whole)


def as_category(given: Given, m: int) -> Category:
    """A column as a category: text, categories, booleans, or numbers of which each is a level."""
    if given.kind == "empty":
        return category_of(given.name, np.full(m, -1, dtype=np.int8), (), declared=False)
    if given.kind not in ("category", "number", "objects"):
        raise DataError(f"column {quoted(given.name)} holds {given.shown}, which is no category: convert it to text")
    if given.kind == "number":
        return _of_numbers(given.name, numbers_of(given.name, given.series), m)
    coded = codes_of(given.series)
    return category_of(given.name, coded.codes, coded.values, coded.declared)


def _of_numbers(name: str, numbers: Numbers, m: int) -> Category:
    values = np.asarray(numbers.take(slice(0, m)))
    if values.dtype == bool:
        values = values.astype(np.int8)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(m, dtype=bool)
    distinct = np.unique(values[~missing])
    codes = np.searchsorted(distinct, values)
    codes[missing] = -1
    return category_of(name, smallest(codes, len(distinct)), distinct.tolist(), declared=False)


def _objects(given: Given) -> Floats:
    """A column of Python objects as floats, if all of them are numbers."""
    values = given.series.to_list()
    floats = np.empty(len(values))
    for i, value in enumerate(values):
        if absent(value):
            floats[i] = np.nan
        elif not isinstance(value, Real | Decimal | np.bool_):
            raise DataError(f"column {quoted(given.name)} {_mixture(values, i)}")
        else:
            try:
                floats[i] = float(value)
            except OverflowError:
                floats[i] = math.inf
            if isinstance(value, int) and abs(value) >= EXACT and (math.isinf(floats[i]) or int(floats[i]) != value):
                raise inexact(given.name, i, value)
    return floats


def _mixture(values: Sequence[Any], i: int) -> str:
    """What to say of a column of objects that has no number in row i."""
    shown, kind = quoted(str(values[i])), type(values[i]).__name__
    number = next(
        (k for k, value in enumerate(values) if isinstance(value, Real | Decimal) and not absent(value)), None
    )
    if isinstance(values[i], str) and number is not None:
        return (
            f"mixes text and numbers: {shown} in row {i}, {values[number]!s} in row {number}; write all of them as "
            "numbers, or all as text"
        )
    return f"holds objects of type {kind} ({shown} in row {i}): convert it to numbers or to text"


def matrix_of(columns: Sequence[Measured]) -> NDArray[Any] | None:
    """The columns as one matrix in place, if they lie like that."""
    held = [column.numbers.values for column in columns if isinstance(column.numbers, Held)]
    return as_matrix(held) if held and len(held) == len(columns) else None


def look(columns: Sequence[Measured], m: int) -> Mapping[str, Measured]:
    """Every column with its least and largest value, mean and missing rows, in one read of the numbers.

    DataError for the first value that is infinite, beyond 1e152, or an integer that is not exactly a float.
    """
    by_rows = [column for column in columns if _strided(column.numbers)]
    found_ends = {column.name: _ends(column, m) for column in columns if not _strided(column.numbers)}
    seen = {}
    with np.errstate(invalid="ignore"):
        found_ends |= _ends_by_rows(by_rows, m)
        for column in columns:
            least, largest = found_ends[column.name]
            found = replace(column, low=least, high=largest)
            if not -LARGEST <= least <= largest <= LARGEST:  # also if either is NaN
                found = _closer(column, m)
            if column.whole and max(-found.low, found.high) >= EXACT:
                _check_exact(column, m)
            seen[column.name] = found
    return seen


def _strided(numbers: Numbers) -> bool:
    """Whether the numbers of a column are spread among those of others, as in rows that lie one after the other."""
    return isinstance(numbers, Held) and numbers.values.strides[0] > numbers.values.dtype.itemsize


def _ends(column: Measured, m: int) -> tuple[float, float]:
    """Least and largest number of a column; NaN if one is missing."""
    lows, highs = zip(*((part.min(), part.max()) for part in map(column.numbers.take, slices(m))), strict=True)
    return float(np.min(lows)), float(np.max(highs))


def _ends_by_rows(columns: Sequence[Measured], m: int) -> dict[str, tuple[float, float]]:
    """The same for columns that lie side by side: memory is read once for all of them."""
    if not columns:
        return {}
    matrix = matrix_of(columns)
    rows: Any = ColumnTable.of(m, [Number(column.numbers) for column in columns]) if matrix is None else matrix
    step = max(1, 4 * SLICE // len(columns))
    low, high = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    for start in range(0, m, step):
        least, largest = ends(np.asarray(rows[start : start + step]))
        low, high = np.minimum(low, least), np.maximum(high, largest)
    names = [column.name for column in columns]
    return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def mean_of(column: Measured, m: int) -> float:
    """The mean of what is there; sums of 65,536 rows each are added in order, however the owner keeps the column."""
    return _closer(column, m).mean if math.isnan(column.mean) else column.mean


def slices(m: int) -> Iterator[slice]:
    """The rows in parts that keep temporary copies small."""
    return (slice(start, min(start + SLICE, m)) for start in range(0, m, SLICE))


def _closer(column: Measured, m: int) -> Measured:
    """A column in which something is missing or too large."""
    low, high, total, missing, first = math.inf, -math.inf, 0.0, 0, -1
    for rows in slices(m):
        part = np.asarray(column.numbers.take(rows), dtype=np.float64)
        absent = np.isnan(part)
        if absent.any():
            first = rows.start + int(np.argmax(absent)) if first < 0 else first
            missing += int(absent.sum())
        there = part[~absent]
        if not len(there):
            continue
        low, high = min(low, float(there.min())), max(high, float(there.max()))
        if not -LARGEST <= low <= high <= LARGEST:
            i = int(np.argmax(np.abs(part) > LARGEST))
            raise DataError(f"column {quoted(column.name)} is {part[i]} in row {rows.start + i}: {_too_large(part[i])}")
        total += float(there.sum())
    mean = total / (m - missing) if missing < m else math.nan
    if missing == m:
        low = high = math.nan
    return replace(column, low=low, high=high, mean=mean, missing=missing, first_missing=first)


def _too_large(value: float) -> str:
    if math.isinf(value):
        return "every value must be finite; correct it, or make it missing and say what to do with missing values"
    return f"values beyond {LARGEST:.0e} cannot be squared in floating point; divide the column by a power of ten"


def _check_exact(column: Measured, m: int) -> None:
    """Every integer of 64 bits must be a float as well: an identifier that is rounded is another one."""
    for rows in slices(m):
        part = np.asarray(column.numbers.take(rows))
        if part.dtype.kind == "f":
            return  # translated by its owner, and checked there
        for i in np.flatnonzero((part >= EXACT) | (part <= -EXACT)).tolist():
            if int(float(part[i])) != int(part[i]):
                raise inexact(column.name, rows.start + i, int(part[i]))
