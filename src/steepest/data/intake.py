"""What `fit` was given as a frame -> rows, labels, weights, schema: the one door for frames on the way to a fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from steepest.data.arrays import as_weights
from steepest.data.content import as_number
from steepest.data.design import Design, content_by, of_content
from steepest.data.door import Received
from steepest.data.frames import labels_of, open_frame
from steepest.data.inference import infer
from steepest.data.quoting import quoted
from steepest.data.schema import Column, Remark, Schema
from steepest.data.wishes import Wishes
from steepest.errors import DataError

__all__ = ["happened", "opened", "rows_of"]

SHOWN = 5  # levels that a remark lists


def opened(X: Any, y: Any, sample_weight: Any, schema: Schema | None, dense_up_to: float) -> Received:
    """A frame X by its schema, which is inferred if there is none; y and sample_weight may be names of its columns.

    More than `dense_up_to` columns of levels may become sparse rows.
    """
    frame = open_frame(X)
    special = tuple(name for name in (y, sample_weight) if isinstance(name, str))
    if schema is None:
        schema, content = infer(frame, special, Wishes())
    else:
        for name in special:
            if any(column.name == name for column in schema.columns):
                raise DataError(
                    f"column {quoted(name)} is a feature in the schema, it cannot be the target or the weights"
                )
        content = content_by(schema, frame)
    labels = labels_of(frame.column(y).series) if isinstance(y, str) else y
    weight = sample_weight
    if isinstance(weight, str):
        weight = as_number(frame.column(weight), frame.m).numbers.take(slice(0, frame.m))
    design = of_content(content, schema, frame.m, dense_up_to)
    remarks = (*schema.remarks, *happened(design, schema, frame.m))
    return Received(design.X, labels, design.weight(as_weights(weight, frame.m)), schema, remarks)


def rows_of(X: Any, names: tuple[str, ...] | None = None) -> Any:
    """A frame of numbers alone as dense rows, where no schema is at hand: by `names` if it has all, or by place."""
    frame = open_frame(X)
    special: tuple[str, ...] = ()
    if names is not None and set(names) <= set(frame.names):
        schema = Schema(tuple(Column(name, "number") for name in names))
        return of_content(content_by(schema, frame), schema, frame.m).X
    schema, content = infer(frame, special, Wishes())
    category = next((column for column in schema.columns if column.kind == "category"), None)
    if category is not None:
        raise DataError(
            f"column {quoted(category.name)} is a category: here only numbers are read; use steepest.fit(frame, …), or "
            "encode it first"
        )
    return of_content(content, schema, frame.m).X


def happened(design: Design, schema: Schema, m: int) -> Iterator[Remark]:
    """What was done about missing values and unseen levels, with counts."""
    for name, rows in design.missing.items():
        column = schema.column(name)
        done = "such rows are left out"
        if column.kind == "category" and column.missing != "drop":
            done = "a level of its own" if column.has_missing else "taken as the reference level"
        elif column.fill is not None:
            done = f"{column.fill:.6g} stands there" + (f", and {column.names[-1]} is 1" if column.has_missing else "")
        yield Remark("missing", f"column {quoted(name)} is missing in {rows:,} of {m:,} rows: {done}")
    if design.dropped is not None:
        yield Remark("dropped", f"{int(design.dropped.sum()):,} of {m:,} rows miss something and are left out")
    for name, levels in design.unseen.items():
        some = ", ".join(f"{quoted(level)} ({rows:,})" for level, rows in list(levels.items())[:SHOWN])
        more = f", … ({len(levels)} in all)" if len(levels) > SHOWN else ""
        what = "the reference level" if schema.column(name).unseen == "reference" else "missing"
        text = f"column {quoted(name)} has levels that the schema does not have, {some}{more}: taken as {what}"
        yield Remark("unseen-level", text)
