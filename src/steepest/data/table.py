"""A file with a header -> a `Table`: columns of numbers by name, and the target's labels as they are written.

The one door for files: `read_table` for a table to fit, `read_rows` for rows to predict, `bundled` for the table that
comes with the package.
"""

from __future__ import annotations

import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

from steepest.data.csv_rows import CsvRows, open_csv
from steepest.data.numbers import Numbers
from steepest.data.quoting import nearest, quoted
from steepest.data.target import Target, find_classes
from steepest.errors import DataError
from steepest.types import Floats

__all__ = [
    "BUNDLED_SOURCE",
    "BUNDLED_TARGET",
    "Columns",
    "Table",
    "read_bundled",
    "read_names",
    "read_rows",
    "read_table",
]

BUNDLED_TARGET = "sex"
BUNDLED_SOURCE = "333 penguins of Palmer Station, Antarctica; Gorman, Williams, Fraser, PLoS ONE 9(3): e90081; CC0 1.0"
CHUNK = 4096  # rows that travel together
DROP = "leave the column out (--drop {name}), or write it as numbers"
WEIGHT = "leave out --weights"
NEEDED = "the model needs this column as numbers"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns: the target, the features (all others if none are named), those left out, the row weights."""

    target: str
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """m rows: X (m, n), the target as 0 and 1 with its classes as written, weights (m,) or None.

    `source` is the name of the file as shown; `notes` what was odd, though it could be read.
    """

    source: str
    names: tuple[str, ...]
    X: Floats
    target: Target
    weights: Floats | None
    notes: tuple[str, ...]


def read_table(
    path: str | os.PathLike[str],
    columns: Columns,
    positive: str | None = None,
    on_rows: Callable[[int], None] | None = None,
    shown: str | None = None,
) -> Table:
    """Read the CSV file at `path` ("-": standard input); `positive` names the positive class; messages call the
    file `shown`.

    `on_rows(count)` is called now and then with the number of rows read. Raises DataError, naming file, line and
    column, for everything that is not a complete table of finite numbers beside a target of two labels.
    """
    with open_csv(path, shown) as rows:
        names = _features(rows, columns)
        read = _read(rows, names, columns, on_rows)
    target = find_classes(read.codes, read.counts, columns.target, rows.shown, positive)
    weights = None
    if columns.weights is not None:
        weights = _checked(read.weights, columns.weights, target, rows.shown)
    return Table(rows.shown, names, read.X, target, weights, rows.notes)


def read_bundled(columns: Columns, positive: str | None = None) -> Table:
    """The table that comes with the package, target `sex`; its README beside it tells the story."""
    with as_file(files("steepest.data.bundled") / "penguins.csv") as path:
        return read_table(path, columns, positive, shown=path.name)


def read_names(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names of the columns of the CSV file at `path`."""
    with open_csv(path) as rows:
        return rows.names


def read_rows(path: str | os.PathLike[str], names: Sequence[str]) -> Iterator[Floats]:
    """The columns `names`, whatever their order in the file, as blocks (rows, n) of some thousand rows."""
    with open_csv(path) as rows:
        numbers = Numbers(rows, [position(rows, name) for name in names], NEEDED)
        block = array("d")
        for line, row in rows:
            block.extend(numbers.read(line, row))
            if len(block) >= CHUNK * len(names):
                yield np.frombuffer(block).reshape(-1, len(names))
                block = array("d")
        if block:
            yield np.frombuffer(block).reshape(-1, len(names))


def position(rows: CsvRows, name: str) -> int:
    """Where the column `name` is; DataError with the nearest names if there is none."""
    if name not in rows.names:
        raise DataError(f"{rows.shown} has no column {quoted(name)}: {nearest(name, rows.names)}")
    return rows.names.index(name)


def _features(rows: CsvRows, columns: Columns) -> tuple[str, ...]:
    special = [columns.target] if columns.weights is None else [columns.target, columns.weights]
    for name in (*special, *columns.features, *columns.drop):
        position(rows, name)
    if columns.weights == columns.target:
        raise DataError(f"{quoted(columns.target)} cannot be both the target and the row weights")
    for name in (*columns.features, *columns.drop):
        if name in special:
            raise DataError(f"{quoted(name)} is the target or the row weights, it can be neither a feature nor dropped")
    chosen = dict.fromkeys(columns.features or (name for name in rows.names if name not in special))
    names = tuple(name for name in chosen if name not in columns.drop)
    if not names:
        raise DataError(f"{rows.shown}: no column is left beside the target {quoted(columns.target)}")
    return names


@dataclass(frozen=True, slots=True)
class _Read:
    """The rows of a file: X (m, n), weights (m,) or none, each row's label as its place in the counts of labels."""

    X: Floats
    weights: Floats
    codes: NDArray[np.intp]
    counts: Counter[str]


def _read(rows: CsvRows, names: Sequence[str], columns: Columns, on_rows: Callable[[int], None] | None) -> _Read:
    numbers = Numbers(rows, [position(rows, name) for name in names], DROP)
    # Weights are kept apart, so that X is one block of memory: the same bits as without them.
    weighing = Numbers(rows, [] if columns.weights is None else [position(rows, columns.weights)], WEIGHT)
    where = position(rows, columns.target)
    flat, weights, codes = array("d"), array("d"), array("q")
    counts: Counter[str] = Counter()
    place: dict[str, int] = {}
    for line, row in rows:
        flat.extend(numbers.read(line, row))
        if weighing.positions:
            weights.extend(weighing.read(line, row))
        label = row[where].strip()
        codes.append(place.setdefault(label, len(place)))
        counts[label] += 1
        if on_rows is not None and len(codes) % CHUNK == 0:
            on_rows(len(codes))
        if counts[label] == 1 and missing_label(label):
            raise rows.error(
                line, f"the target {quoted(columns.target)} is missing ({quoted(label)}): delete such rows"
            )
    if not codes:
        raise DataError(f"{rows.shown} has a header, but no rows: there is nothing to fit")
    X = np.frombuffer(flat).reshape(-1, len(names))
    return _Read(X, np.frombuffer(weights), np.frombuffer(codes, dtype=np.int64).astype(np.intp), counts)


def missing_label(text: str) -> bool:
    """Whether a label says that there is none. "-" is a label: beside "+" it is a usual one."""
    return text != "-" and text.casefold() in {"", "na", "n/a", "null", "nan", "?"}


def _checked(weights: Floats, name: str, target: Target, shown: str) -> Floats:
    negative = np.flatnonzero(weights < 0.0)
    if len(negative):
        first = int(negative[0])
        raise DataError(
            f"{shown}, row {first + 1} of the data: the weight {weights[first]:g} in column {quoted(name)} is negative "
            f"({len(negative)} of {len(weights)} are); weights must be >= 0"
        )
    for value, label in enumerate(target.classes):
        if not weights[target.y == value].any():
            raise DataError(f"{shown}: column {quoted(name)} gives weight 0 to every row of class {quoted(label)}")
    return weights
