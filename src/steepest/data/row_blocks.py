"""Rows on their way to a model, some thousand at a time: `RowBlock`, and the CSV file, array or frame they come from.

Whatever can be cut into such blocks can be predicted and verified in constant memory, whoever reads it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.data.csv_rows import CsvRows, open_csv
from steepest.data.numbers import EXACT, is_missing
from steepest.data.quoting import quoted
from steepest.data.table import position
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Coded", "Found", "RowBlock", "block_of_array", "csv_blocks", "rows_together"]

MOST_ROWS, MOST_CELLS = 4096, 1 << 19  # of a block: cells of text are some 60 bytes each while they are read


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Texts by their places in `levels`; codes (rows,), -1 for missing."""

    codes: NDArray[Any]
    levels: tuple[str, ...]


Found: TypeAlias = Floats | Coded


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """m consecutive rows, the first of which is number `start` (from 0): columns by name.

    A column is numbers, NaN where one is missing, or `Coded` texts. `place(i)` says in words where row i was read.
    """

    start: int
    m: int
    columns: Mapping[str, Found]
    place: Callable[[int], str]


def rows_together(columns: int) -> int:
    """Rows of a block of that many columns."""
    return max(1, min(MOST_ROWS, MOST_CELLS // max(1, columns)))


def block_of_array(X: NDArray[Any], names: Sequence[str]) -> RowBlock:
    """The rows of X (m, n), whose columns are called `names`, as one block.

    >>> block_of_array(np.array([[1.0, 2.0]]), ["a", "b"]).columns["b"]
    array([2.])
    """
    columns = {name: np.asarray(X[:, j], dtype=np.float64) for j, name in enumerate(names)}
    return RowBlock(0, len(X), columns, lambda i: f"row {i}")


def csv_blocks(
    path: str | os.PathLike[str], numbers: Collection[str], texts: Mapping[str, Collection[str]]
) -> Iterator[RowBlock]:
    """The columns `numbers` and `texts` of the CSV file at `path` ("-": standard input), whatever their order there.

    `texts` names, for each column of texts, those that are values even if they look missing, such as "-".
    Raises DataError, with line and column, for cells that are no numbers, and for what is no table.
    """
    with open_csv(path) as rows:
        where = {name: position(rows, name) for name in (*numbers, *texts)}
        known = {name: frozenset(values) for name, values in texts.items()}
        start, together = 0, rows_together(len(rows.names))
        while some := list(islice(rows, together)):
            lines = [line for line, _ in some]
            cells = list(zip(*(row for _, row in some), strict=True))
            found: dict[str, Found] = {name: _numbers(cells[where[name]], name, lines, rows) for name in numbers}
            found |= {name: _coded(cells[where[name]], known[name]) for name in texts}
            yield RowBlock(start, len(some), found, _placed(rows.shown, lines))
            start += len(some)


def _placed(shown: str, lines: Sequence[int]) -> Callable[[int], str]:
    return lambda i: f"{shown}, line {lines[i]}"


def _numbers(cells: Sequence[str], name: str, lines: Sequence[int], rows: CsvRows) -> Floats:
    """The cells as floats; those that Python reads otherwise than everybody else are looked at one by one."""
    try:
        values = np.array([float(cell) for cell in cells])
    except ValueError:
        return np.array([_number(cell, name, line, rows) for cell, line in zip(cells, lines, strict=True)])
    if not (np.abs(values) < EXACT).all() or any("_" in cell for cell in cells):
        return np.array([_number(cell, name, line, rows) for cell, line in zip(cells, lines, strict=True)])
    return values


def _number(cell: str, name: str, line: int, rows: CsvRows) -> float:
    text = cell.strip()
    if is_missing(text):
        return math.nan
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    where = f"{rows.shown}, line {line}, column {quoted(name)}: {quoted(text)}"
    if math.isnan(value):
        raise DataError(f"{where} is not a number; the model needs this column as numbers")
    if EXACT <= abs(value) < math.inf and text.lstrip("+-").isdigit() and int(text) != int(value):
        raise DataError(f"{where} is an integer that is not exactly representable as a float (an id?)")
    return value


def _coded(cells: Sequence[str], known: frozenset[str]) -> Coded:
    codes = np.empty(len(cells), dtype=np.intp)
    places: dict[str, int] = {}
    for i, cell in enumerate(cells):
        text = cell if cell in known else cell.strip()
        missing = text not in known and is_missing(text)
        codes[i] = -1 if missing else places.setdefault(text, len(places))
    return Coded(codes, tuple(places))
