"""A frame by its schema -> the design X (m, n), put together in the way that suits its size.

    up to 1,000,000 numbers    one float64 array in C order: the same bits whoever owned the columns
    columns that are a matrix  that matrix, in place
    many levels                CSR, where a row has few of the columns and the regime takes sparse rows; see below
    more columns than rows     one array: such tables are solved in the space of the rows, all at once
    large tables with levels   a `ColumnTable`, whose rows are read as numbers and codes (`mixed_table.py`)
    all others                 a `ColumnTable`: float64 blocks on the fly, levels out of codes; nothing is copied

The values are the same in each, and so is the optimum. CSR is faster where at most a sixteenth of the numbers is stored
(200,000 rows, 300 levels, penalised: 0.15 against 0.61 s, median of one; 100 levels: the same), but it is a copy, and
without a penalty nothing is proved of many sparse columns: there rows stay dense as long as a Hessian can be had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.categories import Category
from steepest.data.column_table import ColumnTable, Filled, Levels, Number, Source
from steepest.data.content import Content, Measured, as_category, as_number, look, matrix_of, slices
from steepest.data.frames import Frame, open_frame
from steepest.data.mixed_table import pays
from steepest.data.quoting import quoted
from steepest.data.schema import Column, Schema
from steepest.data.sparse_table import sparse_of
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Design", "content_by", "of_content", "of_frame"]

SMALL = 1 << 20  # numbers that are simply copied: 8 MB are little beside what a fit needs anyway
STORED = 1.0 / 16.0  # share of the numbers beyond which dense blocks are as fast
SHOWN = 8


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """X (m, n) of a frame: an array, a table of columns that lie apart, or CSR; and what happened on the way.

    names      of the n columns
    missing    rows in which a column is missing, by its name
    unseen     rows with a level that the schema does not have, by column and level
    dropped    (m,) whether a row is to be left out, because missing="drop"; None if none is
    """

    X: Any
    names: tuple[str, ...]
    missing: Mapping[str, int]
    unseen: Mapping[str, Mapping[str, int]]
    dropped: NDArray[np.bool_] | None = None

    def weight(self, sample_weight: Floats | None) -> Floats | None:
        """Row weights: those given, or 1; 0 on dropped rows, which changes no bit of what the others say."""
        if self.dropped is None:
            return sample_weight
        kept = np.array(~self.dropped, dtype=np.float64)
        return kept if sample_weight is None else sample_weight * kept


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One column on its way: its source, what was unseen in it, and the rows that it drops."""

    source: Source
    unseen: Mapping[str, int]
    drops: bool = False


def of_frame(frame: Any, schema: Schema) -> Design:
    """The design of new rows; DataError as `Schema.design` says, also for rows that would have to be dropped."""
    opened = open_frame(frame)
    design = of_content(content_by(schema, opened), schema, opened.m)
    if design.dropped is not None:
        column = next(each for each in schema.columns if each.missing == "drop" and each.name in design.missing)
        raise DataError(
            f"column {quoted(column.name)} is missing in {design.missing[column.name]:,} of {opened.m:,} rows; such "
            "rows were dropped in the fit, but every row asks for a prediction: leave them out, or fill them in"
        )
    return design


def content_by(schema: Schema, frame: Frame) -> Mapping[str, Content]:
    """What is in the columns that the schema names."""
    if not frame.m:
        raise DataError("the frame has no rows")
    content: dict[str, Content] = {}
    measured: list[Measured] = []
    for column in schema.columns:
        given = frame.column(column.name)
        if column.kind == "category":
            content[column.name] = as_category(given, frame.m)
        else:
            measured.append(as_number(given, frame.m))
    return content | dict(look(measured, frame.m))


def of_content(content: Mapping[str, Content], schema: Schema, m: int, dense_up_to: float = math.inf) -> Design:
    """The design from what is in the columns; of more than `dense_up_to` columns it may be CSR."""
    parts = {column.name: _part(column, content[column.name], m) for column in schema.columns}
    dropped = None
    for name, part in parts.items():
        if part.drops:
            dropped = np.zeros(m, dtype=bool) if dropped is None else dropped
            _mark(dropped, content[name], m)
    if dropped is not None and dropped.all():
        raise DataError(f"each of the {m:,} rows misses something and would be dropped: nothing is left to fit")
    missing = {name: content[name].missing for name in parts if content[name].missing}
    unseen = {name: part.unseen for name, part in parts.items() if part.unseen}
    X = _assembled([part.source for part in parts.values()], content, m, dense_up_to)
    return Design(X, schema.names, missing, unseen, dropped)


def _part(column: Column, found: Content, m: int) -> _Part:
    if isinstance(found, Category):
        return _category(column, found, m)
    if not found.missing:
        indicated = column.has_missing
        return _Part(Filled(found.numbers, 0.0, indicated) if indicated else Number(found.numbers), {})
    if column.missing == "drop":
        return _Part(Filled(found.numbers, 0.0, indicated=False), {}, drops=True)
    if column.fill is None or not (column.has_missing or column.unseen == "reference"):
        raise _gap(column, found, m)
    return _Part(Filled(found.numbers, column.fill, column.has_missing), {})


def _category(column: Column, found: Category, m: int) -> _Part:
    """Codes of the frame -> columns of the design, by one small table of places."""
    own = [level for level in column.levels if level != column.reference]
    places = {level: k for k, level in enumerate(own)}
    if column.reference is not None:
        places[column.reference] = -1
    places |= dict.fromkeys(column.rare, places[column.levels[-1]])
    last = len(own) if column.has_missing else -1
    stand_in = column.missing == "category" and column.unseen == "reference"
    if found.missing and not (column.has_missing or column.missing == "drop" or stand_in):
        raise _gap(column, found, m)
    unseen = {level: rows for level, rows in zip(found.levels, found.counts, strict=True) if level not in places}
    lenient = {"reference": True, "missing": column.has_missing, "rare": bool(column.rare)}
    if unseen and not lenient.get(column.unseen, False):
        raise _unseen(column, found, unseen)
    other = last if column.unseen == "missing" else places[column.levels[-1]] if column.unseen == "rare" else -1
    place = np.array([*(places.get(level, other) for level in found.levels), last], dtype=np.intp)
    source = Levels(found.codes, place, len(own) + column.has_missing)
    return _Part(source, unseen, drops=bool(found.missing) and column.missing == "drop")


def _gap(column: Column, found: Content, m: int) -> DataError:
    """The refusal of missing values, by the column's policy and what it knows of missing values."""
    where = (
        f"column {quoted(column.name)} is missing in {found.missing:,} of {m:,} rows (row {found.first_missing} first)"
    )
    if column.missing == "error":
        cure = "'indicator' or 'drop'" if column.kind == "number" else "'category' or 'drop'"
        return DataError(f"{where}: fill them in, or make a schema with missing={cure}")
    return DataError(
        f"{where}, but in none of those that the schema was made from: fill them in, or make a schema with "
        "unseen='reference'"
    )


def _unseen(column: Column, found: Category, unseen: Mapping[str, int]) -> DataError:
    some = ", ".join(f"{quoted(level)} ({rows:,})" for level, rows in list(unseen.items())[:SHOWN])
    more = f", … ({len(unseen)} in all)" if len(unseen) > SHOWN else ""
    first = int(np.argmax(np.isin(found.codes, [k for k, level in enumerate(found.levels) if level in unseen])))
    return DataError(
        f"column {quoted(column.name)} has levels that the schema does not have, {some}{more}, first in row {first}: "
        "make a schema with unseen='reference' to treat them as the reference, or 'missing' where missing is a level"
    )


def _mark(dropped: NDArray[np.bool_], found: Content, m: int) -> None:
    for rows in slices(m):
        if isinstance(found, Category):
            dropped[rows] |= found.codes[rows] < 0
        else:
            dropped[rows] |= np.isnan(found.numbers.take(rows))


def _assembled(sources: Sequence[Source], content: Mapping[str, Content], m: int, dense_up_to: float) -> Any:
    """The design in the form that suits it; see the module's head."""
    table = ColumnTable.of(m, sources)
    n = table.shape[1]
    if table.size <= SMALL:
        return np.asarray(table)
    numbers = [found for found in content.values() if isinstance(found, Measured)]
    if len(numbers) == len(sources) == n and all(isinstance(source, Number) for source in sources):
        matrix = matrix_of(numbers)
        if matrix is not None:
            return matrix
    if n > dense_up_to and len(sources) <= STORED * n and not pays(table):
        return sparse_of(table)
    return np.asarray(table) if n > m else table
