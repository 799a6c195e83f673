"""Guard rails: what is unusual about each row that a model is asked about, and whether it may be predicted at all.

    missing         columns of the row without a value
    unseen          categories of the row whose level the schema does not have
    out_of_range    numbers of the row below the least or above the largest that the model was fitted to
    refused         a policy of the schema is "error" or "drop" where something is missing or unseen, or a number is not
                    finite or beyond 1e152: there is no prediction

The counts come in the same way from `steepest predict`, from `Model.predictions` and from every export.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.data.arrays import LARGEST
from steepest.data.column_table import ColumnTable, Filled, Levels, Number, Source
from steepest.data.columns import Held
from steepest.data.quoting import is_number, quoted
from steepest.data.row_blocks import Coded, RowBlock
from steepest.data.schema import Column, Schema
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Guarded", "Range", "Refusal", "fills", "guard", "missing_place", "spellings", "unseen_place"]

Range: TypeAlias = tuple[float, float] | None
Mask: TypeAlias = NDArray[np.bool_]
NOWHERE = -1  # the place of a level that has no column of the design: the reference


@dataclass(frozen=True, slots=True)
class Refusal:
    """The first row that has no prediction: its place in the block, and why."""

    row: int
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Guarded:
    """The design X (m, n) of some rows, an array or a `ColumnTable`, and the counts of each row, (m,).

    `out_of_range` is None where no range is known.
    Refused rows have zeros in X where something was refused; `refusals` are reasons with the rows that they hold for.
    """

    X: Any
    missing: NDArray[np.intp]
    unseen: NDArray[np.intp]
    out_of_range: NDArray[np.intp] | None
    refused: Mask
    refusals: tuple[tuple[Mask, str], ...]

    def refusal(self, but: Mask | None = None) -> Refusal | None:
        """The first refused row and why; rows `but` do not count. None if there is none."""
        told = [(mask if but is None else mask & ~but, why) for mask, why in self.refusals]
        first = min(((int(np.argmax(mask)), why) for mask, why in told if mask.any()), default=None)
        return None if first is None else Refusal(*first)


def fills(column: Column) -> bool:
    """Whether a missing number of this column has something to stand in for it."""
    return column.fill is not None and column.missing != "drop" and (column.has_missing or column.unseen == "reference")


def missing_place(column: Column) -> int | None:
    """Where a missing value of a category counts: a place among the columns of the design, -1 for none; None: refused.

    >>> missing_place(Column("c", "category", ("a", "b"), (1, 1), "a", missing="category", missing_rows=2))
    1
    """
    if column.has_missing:
        return len(_own(column))
    return NOWHERE if column.missing == "category" and column.unseen == "reference" else None


def unseen_place(column: Column) -> int | None:
    """Where a level counts that the schema does not have; as `missing_place`."""
    if column.unseen == "rare" and column.rare:
        return _places(column)[column.levels[-1]]
    if column.unseen == "missing" and column.has_missing:
        return len(_own(column))
    return NOWHERE if column.unseen == "reference" else None


def spellings(column: Column) -> dict[str, int]:
    """The place of every level, by each way it may be written: 3 is the level, and 3.0 what some files make of it.

    >>> spellings(Column("c", "category", ("1", "2"), (1, 1), "1"))
    {'1': -1, '1.0': -1, '2': 0, '2.0': 0}
    """
    places: dict[str, int] = {}
    own = _places(column)
    for level in (*column.levels, *column.rare):
        place = own[level] if level in own else own[column.levels[-1]]
        places[level] = place
        whole = level.removeprefix("-")
        if whole.isascii() and whole.isdigit() and is_number(level) and f"{level}.0" not in column.levels:
            places[f"{level}.0"] = place
    return places


def _places(column: Column) -> dict[str, int]:
    """The place of each level among the columns of the design."""
    own = {level: k for k, level in enumerate(_own(column))}
    return {level: own.get(level, NOWHERE) for level in column.levels}


def _own(column: Column) -> list[str]:
    """The levels that have a column of the design."""
    return [level for level in column.levels if level != column.reference]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One column of a block: its source, and which rows are missing, unseen, out of range, refused (m,), and why."""

    source: Source
    missing: Mask
    unseen: Mask
    outside: Mask
    refusals: tuple[tuple[Mask, str], ...]


def guard(schema: Schema, ranges: Sequence[Range] | None, block: RowBlock) -> Guarded:
    """The rows of a block by a schema. What a policy refuses is marked, the first row of it in words."""
    limits = ranges or [None] * len(schema.columns)
    if all(column.kind == "number" and not column.has_missing for column in schema.columns):
        return _matrix(schema, limits, block, known=ranges is not None)
    parts = [_part(column, block, limit) for column, limit in zip(schema.columns, limits, strict=True)]
    refusals = tuple((mask, why) for part in parts for mask, why in part.refusals if mask.any())
    return Guarded(
        ColumnTable.of(block.m, [part.source for part in parts]),
        _count([part.missing for part in parts]),
        _count([part.unseen for part in parts]),
        None if ranges is None else _count([part.outside for part in parts]),
        np.logical_or.reduce([np.zeros(block.m, dtype=bool), *(mask for mask, _ in refusals)]),
        refusals,
    )


def _matrix(schema: Schema, limits: Sequence[Range], block: RowBlock, known: bool) -> Guarded:
    """Columns of numbers together: of thousands of columns, one by one takes 20 us each for every few rows."""
    columns = schema.columns
    values = np.stack([_numbers_of(column, block) for column in columns], axis=1)
    absent, beyond = np.isnan(values), np.abs(values) > LARGEST
    low, high = np.array([limit or (-LARGEST, LARGEST) for limit in limits]).T
    outside = (values < low) | (values > high)
    refusing = np.array([not fills(column) for column in columns])
    refusals = [(beyond[:, j], _beyond(columns[j])) for j in np.flatnonzero(beyond.any(axis=0))]
    gaps = absent & refusing
    refusals += [(gaps[:, j], _absent(columns[j])) for j in np.flatnonzero(gaps.any(axis=0))]
    fill = np.array([0.0 if column.fill is None else column.fill for column in columns])
    X = np.where(beyond | gaps, 0.0, np.where(absent, fill, values))
    return Guarded(
        X,
        absent.sum(axis=1),
        np.zeros(block.m, dtype=np.intp),
        outside.sum(axis=1) if known else None,
        (beyond | gaps).any(axis=1),
        tuple(refusals),
    )


def _count(masks: Sequence[Mask]) -> NDArray[np.intp]:
    """How many of the masks are true in each row."""
    counts = np.zeros(len(masks[0]), dtype=np.intp)
    for mask in masks:
        counts += mask
    return counts


def _part(column: Column, block: RowBlock, limit: Range) -> _Part:
    if column.kind == "number":
        return _number(column, _numbers_of(column, block), limit)
    found = block.columns[column.name]
    if not isinstance(found, Coded):
        raise DataError(f"column {quoted(column.name)} is a category in the schema, but holds numbers in these rows")
    return _category(column, found)


def _numbers_of(column: Column, block: RowBlock) -> Floats:
    found = block.columns[column.name]
    if isinstance(found, Coded):
        raise DataError(f"column {quoted(column.name)} is a number in the schema, but holds texts in these rows")
    return found


def _beyond(column: Column) -> str:
    return f"column {quoted(column.name)} is not finite or beyond {LARGEST:.0e}; correct it"


def _absent(column: Column) -> str:
    return f"column {quoted(column.name)} is missing; {_cure(column)}"


def _number(column: Column, values: Floats, limit: Range) -> _Part:
    absent, beyond = np.isnan(values), np.abs(values) > LARGEST  # NaN is not
    stands_in = fills(column)
    refusals = [(beyond, _beyond(column))]
    if not stands_in:
        refusals.append((absent, _absent(column)))
    outside = beyond if limit is None else (values < limit[0]) | (values > limit[1])
    source: Source = Number(Held(values))
    if column.has_missing or absent.any() or beyond.any():
        fill = column.fill if stands_in and column.fill is not None else 0.0
        source = Filled(Held(np.where(beyond, 0.0, values)), fill, column.has_missing)
    return _Part(source, absent, np.zeros(len(values), dtype=bool), outside, tuple(refusals))


def _category(column: Column, found: Coded) -> _Part:
    places, absent = spellings(column), found.codes < 0
    known = np.array([*(level in places for level in found.levels), True])
    strange = ~known[found.codes]
    at_missing, at_unseen = missing_place(column), unseen_place(column)
    refusals = []
    if at_missing is None:
        refusals.append((absent, _absent(column)))
    if at_unseen is None and strange.any():
        level = found.levels[found.codes[int(np.argmax(strange))]]
        what = f"column {quoted(column.name)} is {quoted(level)}, a level that the model does not have"
        refusals.append((strange, f"{what}; fit with a schema that says unseen='reference' or 'missing'"))
    other = NOWHERE if at_unseen is None else at_unseen
    last = NOWHERE if at_missing is None else at_missing
    place = np.array([*(places.get(level, other) for level in found.levels), last], dtype=np.intp)
    nowhere = np.zeros(len(absent), dtype=bool)
    return _Part(Levels(found.codes, place, len(column.names)), absent, strange, nowhere, tuple(refusals))


def _cure(column: Column) -> str:
    if column.missing == "error":
        better = "indicator" if column.kind == "number" else "category"
        return f"fill it in, or fit with a schema that says missing={better!r}"
    if column.missing == "drop":
        return "the fit dropped such rows; fill it in"
    return "no row of the fit was; fill it in, or fit with a schema that says unseen='reference'"
