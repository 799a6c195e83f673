"""Labels as they are written in a file -> 0, 1, …, and which of two is the positive class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.quoting import all_numbers, nearest, quoted
from steepest.data.row_blocks import Coded
from steepest.data.spool.columns import SpoolColumn
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Labels", "find_labels"]

SHOWN = 5
MOST = 1000  # classes
FEW, DISTINCT = 20, 0.5  # more classes than that, and than this share of the rows: a quantity or a name


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The column `name`: codes (m,) into the labels as written, the positive one of two last, and the rows of each."""

    name: str
    codes: NDArray[np.unsignedinteger]
    classes: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def y(self) -> Floats:
        """The codes as float64: of two classes 0 and 1."""
        return self.codes.astype(np.float64)


def find_labels(coded: Coded, name: str, shown: str, positive: str | None = None, *, declared: bool = False) -> Labels:
    """The labels of a column without missing values, in order; levels that no row has are no labels.

    Numbers are ordered by value, other labels as text; of two the later one is positive, unless `positive` says
    otherwise. Raises DataError for one label, for more than 1,000, for what looks like a quantity or an identifier (a
    `declared` category does not), for
    one number spelled twice, and for a `positive` that is no label or stands among more than two.
    """
    codes: Any = coded.codes
    on_disk = isinstance(codes, SpoolColumn)
    counts = np.array(codes.column.counts) if on_disk else np.bincount(codes, minlength=len(coded.levels))
    kept = [k for k in range(len(coded.levels)) if counts[k]]
    labels = [coded.levels[k] for k in kept]
    rows = {label: int(counts[k]) for label, k in zip(labels, kept, strict=True)}
    where = f"{shown}, column {quoted(name)}"
    numeric = all_numbers(labels) and all(math.isfinite(float(label)) for label in labels)
    order = sorted(labels, key=float) if numeric else sorted(labels)
    why = _no_classes(order, numeric and not declared, len(coded.codes))
    if why:
        raise DataError(f"{where} {_listed(order, rows)}: {why}")
    twice = [pair for pair in pairwise(order) if numeric and float(pair[0]) == float(pair[1])]
    if twice:
        raise DataError(f"{where}: the labels {quoted(twice[0][0])} and {quoted(twice[0][1])} are the same number")
    if positive is not None:
        order = _last(order, positive, where)
    place = np.zeros(len(coded.levels), dtype=np.uint8 if len(order) <= 256 else np.uint16)
    place[[coded.levels.index(label) for label in order]] = np.arange(len(order))
    places = codes.mapped(place) if on_disk else place[codes]
    return Labels(name, places, tuple(order), tuple(rows[label] for label in order))


def _last(order: Sequence[str], positive: str, where: str) -> list[str]:
    if positive not in order:
        raise DataError(f"{where} has no label {quoted(positive)}: {nearest(positive, order)}")
    if len(order) > 2:
        raise DataError(f"{where} has {len(order)} labels: a positive one can be stated of two only")
    return [label for label in order if label != positive] + [positive]


def _no_classes(order: Sequence[str], numeric: bool, m: int) -> str:
    """Why the labels are no classes; empty if they are."""
    if len(order) == 1:
        return "two are needed to tell them apart"
    if numeric and (len(order) > FEW or (len(order) > 2 and not all(float(label).is_integer() for label in order))):
        return "such numbers are a quantity; is it the right target? If they are names of classes, say it is a category"
    if len(order) > MOST or len(order) > max(FEW, DISTINCT * m):
        return f"classes repeat, and there are at most {MOST:,}; is it the right target?"
    return ""


def _listed(order: Sequence[str], rows: dict[str, Any]) -> str:
    most = sorted(order, key=lambda label: -rows[label])[:SHOWN]
    seen = ", ".join(f"{quoted(label)} ({rows[label]})" for label in most)
    if len(order) == 1:
        return f"holds one class only, {seen}"
    more = f", … ({len(order)} in all)" if len(order) > SHOWN else ""
    return f"holds {len(order)} distinct labels, {seen}{more}"
