"""A spool as what `gather` brings, and as what a schema wants to know: from its summaries, without a read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from steepest.data.categories import counted_category
from steepest.data.content import Content, Measured
from steepest.data.files.gathering import Gathered
from steepest.data.files.source import Source
from steepest.data.guards import Range
from steepest.data.quoting import quoted, safe
from steepest.data.row_blocks import Coded
from steepest.data.schema import Schema
from steepest.data.spool.columns import CHUNK, SpoolColumn
from steepest.data.spool.writing import Place, spool
from steepest.errors import DataError

__all__ = ["check_weights", "content_of", "gather", "ranges_of"]


def gather(
    source: Source,
    numbers: Sequence[str],
    texts: Mapping[str, Iterable[str]],
    on_rows: Callable[[int], Any] | None,
    remedy: str,
    where: Place,
    target: str | None,
) -> Gathered:
    """As `files.gathering.gather`, on disk."""
    found = spool(source, numbers, texts, where, on_rows, remedy, target)
    columns: Any = found.columns
    coded = {name: Coded(columns[name], columns[name].column.levels) for name in texts}
    found_in = "" if found.decoded else safe(str(where.folder))
    return Gathered(found.m, {name: columns[name] for name in numbers}, coded, found.place, found_in)


def content_of(found: Gathered, kinds: Mapping[str, str]) -> dict[str, Content]:
    """As `files.gathering.content_of`."""
    content: dict[str, Content] = {}
    for name, kind in kinds.items():
        on_disk: Any = found.texts[name].codes if kind == "category" else found.numbers[name]
        seen = on_disk.column
        gaps = (seen.missing, seen.first_missing)
        if kind == "category":
            content[name] = counted_category(on_disk, seen.levels, seen.counts, gaps)
        else:
            content[name] = Measured(name, on_disk, seen.whole, seen.low, seen.high, seen.mean, *gaps)
    return content


def ranges_of(found: Gathered, schema: Schema) -> tuple[Range, ...]:
    """Least and largest value of each column of the schema that is a number, as they were seen when it was written.

    Rows of weight 0, and those that are left out because they miss something, count here.
    """
    ranges: list[Range] = []
    for column in schema.columns:
        seen: Any = found.numbers.get(column.name)
        known = seen is not None and column.kind == "number" and seen.column.low <= seen.column.high
        ranges.append((seen.column.low, seen.column.high) if known else None)
    return tuple(ranges)


def check_weights(
    weights: SpoolColumn, labels: SpoolColumn, said: Callable[[int], str], classes: Sequence[str]
) -> None:
    """DataError for a weight that is no number >= 0, and for a class without weight; one read of both columns."""
    total = np.zeros(len(classes))
    for start in range(0, len(weights), CHUNK):
        part, of = weights[start : start + CHUNK], labels[start : start + CHUNK]
        wrong = np.flatnonzero(~(part >= 0.0))
        if len(wrong):
            value = float(part[wrong[0]])
            shown = "missing" if math.isnan(value) else f"{value:g}"
            name = quoted(weights.column.name)
            raise DataError(f"{said(start + int(wrong[0]))}: the weight in column {name} is {shown}, not a number >= 0")
        total += np.bincount(of, part, minlength=len(classes))
    for label, weight in zip(classes, total.tolist(), strict=True):
        if not weight:
            name = quoted(weights.column.name)
            raise DataError(f"column {name} gives weight 0 to every row of class {quoted(label)}")
