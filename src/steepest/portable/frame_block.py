"""A frame of any library as a block of rows."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from steepest.data.row_blocks import Coded, Found, RowBlock
from steepest.data.schema import Schema

__all__ = ["block_of_frame"]


def block_of_frame(frame: Any, schema: Schema) -> RowBlock:
    """The columns that the schema names, whatever their order in the frame; DataError if one is not there.

    The modules that read frames are loaded when one comes in, and not before.
    """
    opened = import_module("steepest.data.frames").open_frame(frame)
    content = import_module("steepest.data.content")
    columns: dict[str, Found] = {}
    for column in schema.columns:
        given = opened.column(column.name)
        if column.kind == "category":
            found = content.as_category(given, opened.m)
            columns[column.name] = Coded(found.codes, found.levels)
        else:
            numbers = content.as_number(given, opened.m).numbers.take(slice(0, opened.m))
            columns[column.name] = np.asarray(numbers, dtype=np.float64)
    return RowBlock(0, opened.m, columns, lambda i: f"row {i}")
