"""What the columns of one file are called and how they are stored, and whether several files are one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steepest.data.csv_rows import CsvRows
from steepest.data.files.engine import connected
from steepest.data.files.inputs import Input
from steepest.data.files.opening import open_rows
from steepest.data.files.statements import kind_of, no_glob
from steepest.data.files.zstd_frames import is_whole
from steepest.data.quoting import quoted
from steepest.errors import DataError

__all__ = ["Layout", "layout_of", "one_table"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and stored types of the columns of a file, the `blank` lines before a header, rows where they are known."""

    names: tuple[str, ...]
    stored: tuple[str, ...]
    blank: int
    rows: int | None
    notes: tuple[str, ...]


def layout_of(one: Input) -> Layout:
    """The layout of a file; DataError for a header that is none, and for damaged Parquet."""
    if one.form == "parquet":
        return _parquet(one)
    if one.compression == "zstd":
        with open(one.path, "rb") as file:
            if not is_whole(file):
                raise DataError(f"{one.shown} is no whole zstd file, it is cut off or damaged: pack or fetch it again")
    with open_rows(one) as rows:
        return _csv(rows)


def _csv(rows: CsvRows) -> Layout:
    return Layout(rows.names, ("VARCHAR",) * len(rows.names), rows.blank, None, rows.notes)


def _parquet(one: Input) -> Layout:
    path = {"path": no_glob(one.path)}
    with connected(one) as connection:
        tree = connection.execute("SELECT name, num_children FROM parquet_schema($path)", path).fetchall()
        described = connection.execute(
            "SELECT column_type FROM (DESCRIBE SELECT * FROM read_parquet($path, hive_partitioning=false))", path
        ).fetchall()
        rows = connection.execute("SELECT num_rows FROM parquet_file_metadata($path)", path).fetchone()[0]
    names = _top_level(tree)
    stored = tuple(kind for (kind,) in described)
    if len(names) != len(stored):
        raise DataError(f"{one.shown}: the footer names {len(names)} columns, but {len(stored)} can be read")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{one.shown} has {names.count(twice)} columns named {quoted(twice)}: rename one of them")
    return Layout(names, stored, 0, int(rows), ())


def _top_level(tree: Sequence[tuple[str, int | None]]) -> tuple[str, ...]:
    """Names of the children of the root, in a tree written as a list: each node before its children."""
    names, skipped = [], 0
    for name, children in tree[1:]:
        if not skipped:
            names.append(name)
        skipped = max(0, skipped - 1) + (children or 0)
    return tuple(names)


def one_table(inputs: Sequence[Input], layouts: Sequence[Layout]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and stored types of the table that all files are parts of, those of folders last.

    DataError names the first file that has other columns, or other key=value folders, than the first one, or a column
    of another kind. Columns are matched by name, whatever their order.
    """
    first, keys = layouts[0], tuple(key for key, _ in inputs[0].partition)
    for one, layout in zip(inputs, layouts, strict=True):
        if tuple(key for key, _ in one.partition) != keys:
            raise DataError(f"{one.shown} lies in other key=value folders than {inputs[0].shown}: arrange them alike")
        for name in set(first.names) ^ set(layout.names):
            has, lacks = (inputs[0], one) if name in first.names else (one, inputs[0])
            raise DataError(f"{has.shown} has a column {quoted(name)}, but {lacks.shown} has not: parts must agree")
        for name in first.names:
            before, here = (kind_of(each.stored[each.names.index(name)]) for each in (first, layout))
            if before != here:
                raise DataError(
                    f"column {quoted(name)} is of kind {before} in {inputs[0].shown}, but {here} in {one.shown}: write "
                    "all parts alike"
                )
    both = next((key for key in keys if key in first.names), None)
    if both is not None:
        raise DataError(f"{inputs[0].shown} has a column {quoted(both)}, and its folder too: rename one of them")
    return (*first.names, *keys), (*first.stored, *("VARCHAR" for _ in keys))
