"""Made-up rows with their predictions: by them any copy of a model, in whatever language, can be checked.

They are made from the schema and the ranges alone, and hold no row of the data: a model file may travel further than
the data may. Among them are the least and the largest value of every number, levels in turn, missing values, unseen
levels, numbers out of range, and rows that are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from steepest.data.guards import Range, fills, missing_place, spellings, unseen_place
from steepest.data.row_blocks import Coded, Found, RowBlock
from steepest.data.schema import Column, Schema
from steepest.portable.parts import Parity
from steepest.portable.predicting import Scorer, allowance, predict

__all__ = ["block_of", "difference", "make_parity"]

Cell: TypeAlias = float | str | None
Row: TypeAlias = tuple[Cell, ...]
MOST_CELLS = 4096  # of all rows together
MOST_ROWS = 32
BEYOND = 1e200  # its square is no float: refused


def make_parity(scorer: Scorer) -> Parity:
    """The rows and what the scorer says of them; no rows for a model of more than 4,096 columns."""
    count = min(MOST_ROWS, MOST_CELLS // max(1, len(scorer.schema.columns)))
    rows = tuple(row for row, _ in zip(_rows(scorer), range(count), strict=False))
    if not rows:
        return Parity()
    said = predict(scorer, block_of(scorer.schema, rows))
    z, probability = (np.reshape(values, (len(rows), -1)) for values in (said.z, said.probability))
    outside = [None] * len(rows) if said.out_of_range is None else said.out_of_range.tolist()
    return Parity(rows, _told(z), _told(probability), said.missing.tolist(), said.unseen.tolist(), outside)


def _told(values: np.ndarray) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(None if math.isnan(value) else value for value in row) for row in values.tolist())


def block_of(schema: Schema, rows: Sequence[Row]) -> RowBlock:
    """Rows of cells, one per column of the schema, as a block."""
    columns: dict[str, Found] = {}
    for column, cells in zip(schema.columns, zip(*rows, strict=True), strict=True):
        if column.kind == "number":
            columns[column.name] = np.array([math.nan if cell is None else float(cell) for cell in cells])
        else:
            levels: dict[str, int] = {}
            codes = [-1 if cell is None else levels.setdefault(str(cell), len(levels)) for cell in cells]
            columns[column.name] = Coded(np.array(codes, dtype=np.intp), tuple(levels))
    return RowBlock(0, len(rows), columns, lambda i: f"parity row {i + 1}")


def difference(parity: Parity, scorer: Scorer) -> str:
    """What the scorer says otherwise than the parity rows do, in words; empty if it agrees."""
    if not parity.rows:
        return ""
    block = block_of(scorer.schema, parity.rows)
    said, allowed = predict(scorer, block), allowance(scorer, block)
    for i in range(block.m):
        outside = None if said.out_of_range is None else int(said.out_of_range[i])
        counts = (int(said.missing[i]), int(said.unseen[i]), outside)
        expected = (parity.missing[i], parity.unseen[i], parity.out_of_range[i])
        if counts != expected:
            return f"parity row {i + 1} has {expected} missing, unseen and out of range in the file, {counts} here"
        for what, stored, now in (
            ("z", parity.z[i], said.z[i]),
            ("probability", parity.probability[i], said.probability[i]),
        ):
            for old, new in zip(stored, np.atleast_1d(now).tolist(), strict=True):
                same = math.isnan(new) if old is None else abs(old - new) <= float(allowed[i])
                if not same:
                    return f"parity row {i + 1} has {what} = {old} in the file, {new} here"
    return ""


def _rows(scorer: Scorer) -> Iterator[Row]:
    """The rows in the order of their use: what is usual, then what the guard rails are for."""
    columns = scorer.schema.columns
    limits = scorer.ranges or (None,) * len(columns)
    ends = [_ends(scorer, j, limit) for j, limit in enumerate(limits)]
    rng = np.random.default_rng(0)
    for share in (0.5, 0.0, 1.0):
        yield tuple(_usual(column, end, share, 0) for column, end in zip(columns, ends, strict=True))
    yield tuple(_missing(column, end) for column, end in zip(columns, ends, strict=True))
    yield tuple(_unseen(column, end) for column, end in zip(columns, ends, strict=True))
    yield tuple(_outside(column, end) for column, end in zip(columns, ends, strict=True))
    usual = [_usual(column, end, 0.25, 1) for column, end in zip(columns, ends, strict=True)]
    for odd in _odd(columns):
        yield tuple(odd.get(j, cell) for j, cell in enumerate(usual))
    for k in range(MOST_ROWS):
        shares = rng.uniform(size=len(columns)).tolist()
        yield tuple(_usual(column, end, share, k) for column, end, share in zip(columns, ends, shares, strict=True))


def _ends(scorer: Scorer, j: int, limit: Range) -> tuple[float, float]:
    """Where numbers of a column lie: as in the data, or so that they matter as much as those of other columns."""
    if limit is not None:
        return limit
    columns = scorer.schema.columns
    start = sum(len(column.names) for column in columns[:j])
    weight = float(np.abs(scorer.w[start : start + 1]).max(initial=0.0))
    size = 2.0 / math.sqrt(len(columns)) / weight if weight > 0.0 else 1.0
    size = min(max(size, 1e-100), 1e100)
    return -size, size


def _usual(column: Column, end: tuple[float, float], share: float, k: int) -> Cell:
    if column.kind == "number":
        low, high = end
        return min(high, max(low, (1.0 - share) * low + share * high))
    return column.levels[(k + int(share * len(column.levels))) % len(column.levels)] if column.levels else None


def _missing(column: Column, end: tuple[float, float]) -> Cell:
    """None where that is allowed."""
    allowed = fills(column) if column.kind == "number" else missing_place(column) is not None
    return None if allowed else _usual(column, end, 0.5, 0)


def _unseen(column: Column, end: tuple[float, float]) -> Cell:
    """A level that there is not, where that is allowed."""
    if column.kind == "number" or unseen_place(column) is None:
        return _usual(column, end, 0.5, 0)
    return _stranger(column)


def _stranger(column: Column) -> str:
    known, level = spellings(column), "no such level"
    while level in known:
        level += "!"
    return level


def _outside(column: Column, end: tuple[float, float]) -> Cell:
    low, high = end
    return high + (high - low) + 1.0 if column.kind == "number" else _usual(column, end, 0.5, 0)


def _odd(columns: Sequence[Column]) -> Iterator[dict[int, Cell]]:
    """Single cells that are refused: missing, unseen, beyond all numbers; the first column of each kind."""
    numbers = [j for j, column in enumerate(columns) if column.kind == "number"]
    categories = [j for j, column in enumerate(columns) if column.kind == "category"]
    for chosen, cell in (
        ([j for j in numbers if not fills(columns[j])], None),
        ([j for j in categories if missing_place(columns[j]) is None], None),
        (numbers, BEYOND),
    ):
        if chosen:
            yield {chosen[0]: cell}
    strangers = [j for j in categories if unseen_place(columns[j]) is None]
    if strangers:
        yield {strangers[0]: _stranger(columns[strangers[0]])}
