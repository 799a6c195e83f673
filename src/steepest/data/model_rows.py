"""The rows of a file as a model wants them. The one place that says how files are read for predicting and verifying."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Iterator, Mapping

from steepest.data.csv_rows import STANDARD_INPUT, open_csv
from steepest.data.files import open_source
from steepest.data.files.cells import tokens_of
from steepest.data.files.coder import Coder, Plan
from steepest.data.files.inputs import Paths, packed
from steepest.data.files.plain import plain_blocks
from steepest.data.guards import spellings
from steepest.data.row_blocks import RowBlock
from steepest.data.schema import Schema

__all__ = ["model_rows"]

ROWS = 4096  # of a block
REMEDY = "the model needs this column as numbers"


def model_rows(
    path: Paths,
    schema: Schema,
    labels: Mapping[str, Collection[str]] | None = None,
    weights: str | None = None,
) -> Iterator[RowBlock]:
    """The columns of `schema` in the files at `path` ("-": standard input), in blocks, read once and in order.

    CSV on standard input is read as it comes, whatever its length.

    `labels` names further columns of text with the texts that are values there, `weights` a further column of numbers.
    Raises DataError for a column that is not there, and for what cannot be read, with line and column.
    """
    numbers = [column.name for column in schema.columns if column.kind == "number"]
    if weights is not None and weights not in numbers:
        numbers.append(weights)
    texts = {column.name: spellings(column).keys() for column in schema.columns if column.kind == "category"}
    wanted = {**texts, **(labels or {})}
    if path == STANDARD_INPUT and not _packed_input():
        return _as_it_comes(tuple(numbers), wanted, tokens_of(schema.missing_texts))
    return open_source(path, missing=schema.missing_texts).batches(numbers, wanted, rows=ROWS, remedy=REMEDY)


def _packed_input() -> bool:
    """Whether standard input is no plain text, and goes to a temporary file first."""
    source = sys.stdin.buffer
    return isinstance(source, io.BufferedReader) and packed(source.peek(8))


def _as_it_comes(
    numbers: tuple[str, ...], texts: Mapping[str, Collection[str]], tokens: frozenset[str]
) -> Iterator[RowBlock]:
    with open_csv(STANDARD_INPUT) as rows:
        coders = {name: Coder.of(name, some) for name, some in texts.items()}
        yield from plain_blocks(rows, Plan(numbers, coders, tokens, ROWS, remedy=REMEDY))
