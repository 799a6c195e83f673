"""All rows of a source in memory, column by column: what a schema is made from, and then a design."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.arrays import LARGEST
from steepest.data.categories import category_of
from steepest.data.columns import Pieces
from steepest.data.content import Content, Measured, look
from steepest.data.files.coder import REMEDY
from steepest.data.files.source import Source
from steepest.data.owners import smallest
from steepest.data.quoting import quoted
from steepest.data.row_blocks import Coded, RowBlock
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Gathered", "check_finite", "content_of", "gather"]

ROWS = 1 << 17  # of a block: what the reader brings at a time


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """m rows: columns of numbers, NaN for missing; of texts as codes, -1 for missing; and the place of a row.

    `found_in` is the folder where an earlier run had decoded them, empty if they were read now.
    """

    m: int
    numbers: Mapping[str, Floats]
    texts: Mapping[str, Coded]
    place: Callable[[int], str]
    found_in: str = ""


def gather(
    source: Source,
    numbers: Sequence[str],
    texts: Mapping[str, Iterable[str]],
    on_rows: Callable[[int], Any] | None = None,
    remedy: str = REMEDY,
) -> Gathered:
    """All rows. DataError for the first number that is not finite or beyond 1e152, and for what `batches` refuses.

    `texts` are columns with the levels that a sample has, or none. `on_rows(count)` is called now and then; `remedy` as
    in `batches`.
    """
    held: dict[str, list[NDArray[Any]]] = {name: [] for name in (*numbers, *texts)}
    levels: dict[str, tuple[str, ...]] = dict.fromkeys(texts, ())
    starts, places, m = [], [], 0
    known = {name: tuple(some) for name, some in texts.items()}
    for block in source.batches(numbers, known, rows=ROWS, remedy=remedy):
        for name, column in block.columns.items():
            if isinstance(column, Coded):
                held[name].append(column.codes)
                levels[name] = column.levels
            else:
                held[name].append(check_finite(block, name, column))
        starts.append(block.start)
        places.append(block.place)
        m += block.m
        if on_rows is not None:
            on_rows(m)

    def place(row: int) -> str:
        k = bisect_right(starts, row) - 1
        return places[k](row - starts[k])

    whole = {name: _joined(held.pop(name)) for name in (*numbers, *texts)}
    coded = {name: Coded(whole[name], levels[name]) for name in texts}
    return Gathered(m, {name: whole[name] for name in numbers}, coded, place)


def content_of(found: Gathered, kinds: Mapping[str, str]) -> dict[str, Content]:
    """What a schema wants to know of each column of `kinds`."""
    content: dict[str, Content] = {}
    measured = []
    for name, kind in kinds.items():
        if kind == "category":
            coded = found.texts[name]
            codes = smallest(coded.codes, len(coded.levels) + 1)
            content[name] = category_of(name, codes, coded.levels, declared=False)
        else:
            values = found.numbers[name]
            # one piece, not `Held`: arrays that happen to lie side by side would be taken for a matrix, whose order of
            # adding up is another, so that the last bits depended on where memory was free
            measured.append(Measured(name, Pieces.of([values]), whole=bool((values == np.trunc(values)).all())))
    return content | dict(look(measured, found.m))


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty(0)


def check_finite(block: RowBlock, name: str, values: Floats) -> Floats:
    """The values; DataError for the first that is infinite or beyond 1e152."""
    wrong = np.abs(values) > LARGEST
    if wrong.any():
        i = int(np.argmax(wrong))
        what = (
            f"{values[i]:g} is beyond {LARGEST:.0e}, its square is no float; rescale the column"
            if np.isfinite(values[i])
            else f"{values[i]:g} is not finite; every value must be; correct it, or delete the row"
        )
        raise DataError(f"{block.place(i)}, column {quoted(name)}: {what}")
    return values
