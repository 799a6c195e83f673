"""The rows of a file as a model wants them. The one place that says how files are read for predicting and verifying."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from steepest.data.guards import spellings
from steepest.data.row_blocks import RowBlock, csv_blocks
from steepest.data.schema import Schema

__all__ = ["model_rows"]


def model_rows(
    path: str | os.PathLike[str],
    schema: Schema,
    labels: Mapping[str, Collection[str]] | None = None,
    weights: str | None = None,
) -> Iterator[RowBlock]:
    """The columns of `schema` in the file at `path` ("-": standard input), in blocks, read once and in order.

    `labels` names further columns of text with the texts that are values there, `weights` a further column of numbers.
    Raises DataError for a column that is not there, and for what cannot be read, with line and column.
    """
    numbers = [column.name for column in schema.columns if column.kind == "number"]
    if weights is not None and weights not in numbers:
        numbers.append(weights)
    texts = {column.name: spellings(column).keys() for column in schema.columns if column.kind == "category"}
    return csv_blocks(path, numbers, {**texts, **(labels or {})})
