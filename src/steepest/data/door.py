"""The door by which data come to a fit: arrays go through as they are, frames and files are opened by their schema."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from steepest.data.arrays import is_frame, is_paths
from steepest.data.quoting import quoted
from steepest.data.schema import Remark, Schema
from steepest.errors import DataError

__all__ = ["Received", "framed", "receive"]


@dataclass(frozen=True, slots=True, eq=False)
class Received:
    """X an array, a table of columns that lie apart, or sparse; y and weights as they came, or columns of the frame.

    schema    of the frame; None for arrays
    remarks   what is worth a word about its columns
    classes   of which y are the places, where they are known already: of a file the labels as written
    kept      of rows on disk: where answers about them may be kept, and a digest of rows, target and weights
    changes   of files: what happened to them since they were read
    """

    X: Any
    y: Any
    weight: Any
    schema: Schema | None = None
    remarks: tuple[Remark, ...] = ()
    classes: tuple[Any, ...] | None = None
    kept: tuple[Path, str] | None = None
    changes: Callable[[], tuple[Remark, ...]] = tuple


def receive(
    X: Any, y: Any, sample_weight: Any, schema: Schema | None, dense_up_to: float, spool: Any = None,
    positive: Any = None,
) -> Received:  # fmt: skip
    """What to fit. Of a frame or of files, y and sample_weight may be names of columns, and more columns of levels than
    `dense_up_to` may become sparse rows. Files are decoded to the folder `spool`, if one is given, not to memory; of
    their labels `positive` is the positive one.
    """
    if hasattr(type(X), "received"):  # a table of files, or rows of an estimator, looked at already
        found: Received = X.received()
        return found
    if spool is not None:
        return _spooled(X, y, sample_weight, schema, spool, positive)
    received: Received
    if is_paths(X):
        files = import_module("steepest.data.files.table")
        received = files.opened(X, y, sample_weight, schema, dense_up_to, positive=positive)
        return received
    if is_frame(X):
        received = import_module("steepest.data.intake").opened(X, y, sample_weight, schema, dense_up_to)
        return received
    if schema is not None:
        raise DataError(f"a schema describes the columns of a frame, but X is of type {type(X).__name__}")
    if isinstance(y, str):
        raise DataError(f"y={y!r} names a column, but X is no frame: give the labels themselves")
    return Received(X, y, sample_weight)


def _spooled(X: Any, y: Any, sample_weight: Any, schema: Schema | None, folder: Any, positive: Any) -> Received:
    if not is_paths(X):
        raise DataError(
            f"a spool is for rows in files, but X is of type {type(X).__name__}: give the paths of the files"
        )
    place = import_module("steepest.data.spool.writing").Place(Path(folder))
    files = import_module("steepest.data.files.table")
    received: Received = files.opened(X, y, sample_weight, schema, math.inf, place, positive)
    return received


def framed(X: Any, schema: Schema | None, names: tuple[str, ...]) -> Any:
    """New rows for a fit that has this schema and these features: a frame by its columns' names, an array as it is."""
    if not is_frame(X):
        if schema is not None and not schema.plain:
            raise DataError(
                "the fit was made to a frame with categories or missing values, so it predicts for frames: give one "
                f"with the columns {', '.join(quoted(column.name) for column in schema.columns[:8])}, …"
            )
        return X
    if schema is not None:
        return schema.design(X).X
    return import_module("steepest.data.intake").rows_of(X, names)
