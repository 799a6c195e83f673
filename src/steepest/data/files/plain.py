"""The plain twin of `reading`: a CSV file row by row in Python.

It reads small files and pipes, says in which line something is wrong, and goes on where DuckDB gives up on a file that
is in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.csv_rows import CsvRows
from steepest.data.files.cells import SPACE, has_numbers, number_of
from steepest.data.files.coder import Coder, Plan
from steepest.data.numbers import EXACT
from steepest.data.quoting import nearest, quoted
from steepest.data.row_blocks import Coded, Found, RowBlock
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["line_of", "plain_blocks", "position"]

MOST_ROWS, MOST_CELLS = 4096, 1 << 19  # of a block: cells of text are some 60 bytes each while they are read


def plain_blocks(rows: CsvRows, plan: Plan, start: int = 0, skip: int = 0) -> Iterator[RowBlock]:
    """The columns of a plan in the rows of an open CSV file, but for the first `skip` rows; see `Source.batches`.

    `start` is the number of the first row that comes. DataError with line and column as the rules of `cells` say.
    """
    where = {name: position(rows, name) for name in (*plan.numbers, *plan.coders)}
    lines_and_cells = islice(rows, skip, plan.limit)
    together = max(1, min(MOST_ROWS, plan.rows, MOST_CELLS // max(1, len(rows.names))))
    while some := list(islice(lines_and_cells, together)):
        lines = [line for line, _ in some]
        cells = list(zip(*(row for _, row in some), strict=True))
        found: dict[str, Found] = {}
        for name in plan.numbers:
            found[name] = _numbers(cells[where[name]], name, plan, _place(rows, lines, name))
        for name, coder in plan.coders.items():
            found[name] = Coded(_codes(cells[where[name]], coder, plan.tokens), coder.levels)
        yield RowBlock(start, len(some), found, _place(rows, lines))
        start += len(some)


def position(rows: CsvRows, name: str) -> int:
    """Where the column `name` is; DataError with the nearest names if there is none."""
    if name not in rows.names:
        raise DataError(f"{rows.shown} has no column {quoted(name)}: {nearest(name, rows.names)}")
    return rows.names.index(name)


def line_of(rows: CsvRows, row: int) -> int | None:
    """The line in which a row, from 0, begins."""
    return next((line for line, _ in islice(rows, row, None)), None)


def _place(rows: CsvRows, lines: Sequence[int], name: str | None = None) -> Callable[[int], str]:
    column = "" if name is None else f", column {quoted(name)}"
    return lambda i: f"{rows.shown}, line {lines[i]}{column}"


def _numbers(cells: Sequence[str], name: str, plan: Plan, place: Callable[[int], str]) -> Floats:
    """The cells as floats; those that Python reads otherwise than everybody else are looked at one by one."""
    with suppress(ValueError):
        values = np.array([float(cell) for cell in cells])
        usual = (np.abs(values) < EXACT).all() and not has_numbers(plan.tokens)
        if usual and not any("_" in cell or not cell.isascii() for cell in cells):
            return values
    values = np.empty(len(cells))
    for i, cell in enumerate(cells):
        try:
            values[i] = number_of(cell, plan.tokens)
        except DataError as error:
            raise DataError(f"{place(i)}: {error}; {plan.remedy.format(name=quoted(name))}") from None
    return values


def _codes(cells: Sequence[str], coder: Coder, tokens: frozenset[str]) -> NDArray[Any]:
    codes = np.empty(len(cells), dtype=np.int32)
    for i, cell in enumerate(cells):
        text = cell.strip(SPACE)
        if text in coder.known:
            codes[i] = coder.places[text]
        elif cell in coder.known:
            codes[i] = coder.places[cell]
        else:
            codes[i] = -1 if text.lower() in tokens else coder.code(text)
    return codes
