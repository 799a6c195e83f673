"""Labels as they are written in a file -> 0 and 1, and which of them is the positive class."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.data.quoting import all_numbers, nearest, quoted
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Target", "find_classes"]

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Target:
    """The column `name`: y (m,) of 0 and 1, the (negative, positive) labels as written, and the rows of each."""

    name: str
    y: Floats
    classes: tuple[str, str]
    counts: tuple[int, int]


def find_classes(
    codes: NDArray[np.intp], counts: Counter[str], name: str, shown: str, positive: str | None = None
) -> Target:
    """The target of two classes: `codes` (m,) are places in `counts`, which holds the labels with their rows.

    Numbers are ordered by value, other labels as text; the later one is positive, unless `positive` says otherwise.
    Raises DataError for another number of labels, and for a `positive` that is none of them.
    """
    labels = list(counts)
    where = f"{shown}, column {quoted(name)}"
    if len(labels) != 2:
        raise DataError(f"{where} {_not_two(counts)}")
    order = sorted(labels, key=float) if _numeric(labels) else sorted(labels)
    if _numeric(labels) and float(order[0]) == float(order[1]):
        raise DataError(f"{where}: the labels {quoted(order[0])} and {quoted(order[1])} are the same number")
    if positive is not None:
        if positive not in order:
            raise DataError(f"{where} has no label {quoted(positive)}: {nearest(positive, order)}")
        order = [label for label in order if label != positive] + [positive]
    y = (codes == labels.index(order[1])).astype(np.float64)
    return Target(name, y, (order[0], order[1]), (counts[order[0]], counts[order[1]]))


def _numeric(labels: Sequence[str]) -> bool:
    return all_numbers(labels) and all(math.isfinite(float(label)) for label in labels)


def _not_two(counts: Counter[str]) -> str:
    most = counts.most_common(SHOWN)
    seen = ", ".join(f"{quoted(label)} ({count})" for label, count in most)
    if len(counts) == 1:
        return f"holds one class only, {seen}: two are needed to tell them apart"
    more = f", … ({len(counts)} in all)" if len(counts) > SHOWN else ""
    return f"holds {len(counts)} distinct labels, {seen}{more}: exactly two are needed; is it the right --target?"
