"""Files -> a table to fit: the design by a schema, the labels as written, weights; all rows in memory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from steepest.data.categories import Category, looks_like, text_of
from steepest.data.column_table import ColumnTable
from steepest.data.design import of_content
from steepest.data.door import Received
from steepest.data.files.gathering import Gathered, content_of, gather
from steepest.data.files.inputs import Paths
from steepest.data.files.kinds import kinds_of, sample
from steepest.data.files.source import Source, open_source
from steepest.data.guards import Range, spellings
from steepest.data.inference import schema_from
from steepest.data.intake import happened
from steepest.data.mixed_table import check_memory
from steepest.data.quoting import quoted
from steepest.data.schema import Remark, Schema
from steepest.data.spool import content as on_disk
from steepest.data.spool.columns import SpoolColumn
from steepest.data.spool.writing import Place
from steepest.data.target import Labels, find_labels
from steepest.data.wishes import Wishes
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Chosen", "FileTable", "infer_schema", "opened", "read_files", "schema_of_files"]

ANSWERS = 1  # of kept answers: to be raised when kernels give other last bits


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which columns are what: the target, the features (all others if none are named), row weights; and how.

    `positive` is the positive class of two; `schema` says what the columns are, or `wishes` how to
    find out. `missing_texts` are those that the source was opened with, for the schema to keep. With a `spool` the rows
    are decoded to disk, not to memory.
    """

    target: str | None
    features: tuple[str, ...] = ()
    weights: str | None = None
    positive: str | None = None
    schema: Schema | None = None
    wishes: Wishes = field(default_factory=Wishes)
    missing_texts: tuple[str, ...] | None = None
    spool: Place | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FileTable:
    """m rows: the design X by `schema`, the labels, weights (m,) or None, and what is worth a word.

    Rows that miss something and are to be dropped have weight 0. Of rows on disk `kept` says where answers are kept,
    and `ranges` are those of the columns.
    """

    shown: str
    schema: Schema
    X: Any
    target: Labels
    weights: Floats | None
    remarks: tuple[Remark, ...]
    kept: tuple[Path, str] | None = None
    source: Source | None = None
    ranges: tuple[Range, ...] | None = None

    def changes(self) -> tuple[Remark, ...]:
        """What happened to the files since all rows were read; these, in memory or on disk, are of the time before."""
        since = () if self.source is None else self.source.changes()
        return tuple(
            Remark("file-changed", f"{happened} after its rows were read: the fit is of the rows as they were; fit "
                   "again for those of now")
            for happened in since
        )  # fmt: skip

    def received(self) -> Received:
        """What to fit, with nothing said twice."""
        return Received(
            self.X, self.target.codes, self.weights, self.schema, (), self.target.classes, self.kept, self.changes
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the n columns of the design."""
        return self.schema.names


def read_files(
    source: Source,
    chosen: Chosen,
    dense_up_to: float = math.inf,
    on_rows: Callable[[int], Any] | None = None,
) -> FileTable:
    """The table of a source. DataError, with file, line or row, column and remedy, for what cannot be fitted."""
    _check_names(source, chosen)
    assert chosen.target is not None
    try:
        schema, found, content, remarks = _by_schema(source, chosen, on_rows)
        design = of_content(content, schema, found.m, dense_up_to)
    except DataError as error:
        raise DataError(_with_name(str(error), source)) from None
    coded, declared = _target(found, chosen.target), chosen.target in chosen.wishes.categories
    labels = find_labels(coded, chosen.target, source.shown, chosen.positive, declared=declared)
    weights = None
    if chosen.weights is not None:
        weights = _weights(found, chosen.weights, labels, source.shown)
    if chosen.spool is not None and not isinstance(design.X, ColumnTable):  # few rows: they came into memory
        labels = replace(labels, codes=labels.codes[:])
        weights = None if weights is None else weights[:]
    if chosen.spool is not None and chosen.spool.memory is not None:
        check_memory(design.X, chosen.spool.memory, source.threads)
    kept = None if chosen.spool is None else _kept(chosen, schema, labels)
    remarks = (*remarks, *happened(design, schema, found.m), *_resumed(found.found_in))
    return FileTable(source.shown, schema, design.X, labels, design.weight(weights), remarks, kept, source,
                     None if chosen.spool is None else on_disk.ranges_of(found, schema))  # fmt: skip


def schema_of_files(paths: Paths, y: str | None, wishes: Wishes, missing_texts: Sequence[str] | None = None) -> Schema:
    """The schema of a table in files; see `steepest.schema`."""
    texts = None if missing_texts is None else tuple(missing_texts)
    return infer_schema(open_source(paths, missing=missing_texts), Chosen(y, wishes=wishes, missing_texts=texts))


def infer_schema(source: Source, chosen: Chosen) -> Schema:
    """The schema alone, by a read of all rows."""
    _check_names(source, chosen)
    try:
        return _by_schema(source, chosen, None)[0]
    except DataError as error:
        raise DataError(_with_name(str(error), source)) from None


def opened(
    paths: Paths, y: Any, weight: Any, schema: Schema | None, dense_up_to: float, spool: Place | None = None,
    positive: Any = None,
) -> Received:  # fmt: skip
    """What to fit, for `steepest.fit(paths, y)`: y names the column of the target, `weight` one of weights or None."""
    if not isinstance(y, str) or not (weight is None or isinstance(weight, str)):
        raise DataError(
            "X names files: y must be the name of the target, and sample_weight that of a column of weights"
        )
    texts = None if schema is None else schema.missing_texts
    source = open_source(paths, missing=texts)
    label = None if positive is None else text_of(positive)
    chosen = Chosen(y, weights=weight, positive=label, schema=schema, missing_texts=texts, spool=spool)
    table = read_files(source, chosen, dense_up_to)
    return replace(table.received(), remarks=table.remarks)


def _kept(chosen: Chosen, schema: Schema, labels: Labels) -> tuple[Path, str] | None:
    """Where answers about rows on disk are kept, and what tells these rows from others of the same spool."""
    codes: Any = labels.codes
    if not isinstance(codes, SpoolColumn):
        return None
    folder = codes.file.path.parent
    rows = [ANSWERS, folder.name, schema.to_dict(), labels.classes, chosen.target, chosen.weights]
    return folder / "answers", hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def _resumed(found_in: str) -> tuple[Remark, ...]:
    """That rows of an earlier run are used."""
    if not found_in:
        return ()
    return (Remark("resumed", f"{found_in}: the rows that an earlier run decoded are used"),)


def _with_name(said: str, source: Source) -> str:
    """A message with the file in it."""
    return said if any(one.shown in said for one in source.inputs) else f"{source.shown}: {said}"


def _check_names(source: Source, chosen: Chosen) -> None:
    special = [name for name in (chosen.target, chosen.weights) if name is not None]
    for name in (*special, *chosen.features, *chosen.wishes.exclude):
        source.stored_as(name)
    if chosen.weights is not None and chosen.weights == chosen.target:
        raise DataError(f"{quoted(chosen.weights)} cannot be both the target and the row weights")
    described = () if chosen.schema is None else [column.name for column in chosen.schema.columns]
    for name in (*chosen.features, *chosen.wishes.exclude, *described):
        if name in special:
            raise DataError(f"{quoted(name)} is the target or the row weights, it can be neither a feature nor dropped")


def _by_schema(
    source: Source, chosen: Chosen, on_rows: Callable[[int], Any] | None
) -> tuple[Schema, Gathered, Mapping[str, Any], tuple[Remark, ...]]:
    """The schema, inferred if there is none, with all rows and what they hold, and what was odd."""
    wishes = chosen.wishes
    # "-" is a label: beside "+" it is a usual one
    target = {name: (*levels, "-") for name, levels in sample(source, [chosen.target] if chosen.target else []).items()}
    weights = () if chosen.weights is None else (chosen.weights,)
    if chosen.schema is not None:
        kinds = {column.name: column.kind for column in chosen.schema.columns}
        levels = {
            column.name: tuple(spellings(column)) for column in chosen.schema.columns if column.kind == "category"
        }
        troubles: dict[str, str] = {}
    else:
        names = _features(source, chosen)
        wishes.check(source.names)
        kinds, troubles = kinds_of(source, names, wishes.categories)
        levels = {name: () for name, kind in kinds.items() if kind == "category"}
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    asked = [*numbers, *weights], levels | target, on_rows, wishes.wording.number
    found = (
        gather(source, *asked) if chosen.spool is None else on_disk.gather(source, *asked, chosen.spool, chosen.target)
    )
    if not found.m:
        raise DataError(f"{source.shown} has a header, but no rows: there is nothing to fit")
    wishes = replace(wishes, wording=replace(wishes.wording, row=found.place))
    content = content_of(found, kinds) if chosen.spool is None else on_disk.content_of(found, kinds)
    if chosen.schema is not None:
        return chosen.schema, found, content, ()
    for name, column in content.items():
        if isinstance(column, Category) and name not in wishes.categories and looks_like(column):
            troubles[name] = f"column {quoted(name)} {looks_like(column)}"
    schema = schema_from(names, content, troubles, (chosen.target, found.m), wishes)
    schema = replace(schema, missing_texts=chosen.missing_texts)
    return schema, found, content, schema.remarks


def _features(source: Source, chosen: Chosen) -> tuple[str, ...]:
    special = {chosen.target, chosen.weights}
    names = dict.fromkeys(chosen.features or (name for name in source.names if name not in special))
    left = tuple(name for name in names if name not in chosen.wishes.exclude)
    if not left:
        raise DataError(f"{source.shown}: no column is left beside the target {quoted(chosen.target or '')}")
    return left


def _target(found: Gathered, name: str) -> Any:
    """The codes and levels of the target; DataError for a missing label."""
    coded = found.texts[name]
    codes: Any = coded.codes
    spooled = isinstance(codes, SpoolColumn)
    missing = codes.column.missing if spooled else int(np.count_nonzero(codes < 0))
    if missing:
        first = codes.column.first_missing if spooled else int(np.argmax(codes < 0))
        raise DataError(
            f"{found.place(first)}: the target {quoted(name)} is missing ({missing:,} of "
            f"{found.m:,} rows): delete such rows"
        )
    return coded


def _weights(found: Gathered, name: str, labels: Labels, shown: str) -> Floats:
    weights = found.numbers[name]
    codes: Any = labels.codes
    if isinstance(weights, SpoolColumn):
        on_disk.check_weights(weights, codes, found.place, labels.classes)
        return weights
    wrong = np.flatnonzero(~(weights >= 0.0))
    if len(wrong):
        first = int(wrong[0])
        raise DataError(
            f"{found.place(first)}: the weight {weights[first]:g} in column {quoted(name)} is not a number >= 0 "
            f"({len(wrong)} of {len(weights)} are not)"
        )
    for code, label in enumerate(labels.classes):
        if not weights[labels.codes == code].any():
            raise DataError(f"{shown}: column {quoted(name)} gives weight 0 to every row of class {quoted(label)}")
    return weights
