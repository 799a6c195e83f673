"""A model column by column: what each value of each column adds to z. What exports are written from.

    z = intercept + sum over the columns of what the value adds,     None: the row is refused, and has no prediction

For K classes everything that is added has K numbers, otherwise one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from steepest.data.guards import Range, fills, missing_place, spellings, unseen_place
from steepest.data.schema import Column, Schema
from steepest.types import Floats

__all__ = ["Adds", "CategoryTerm", "NumberTerm", "Term", "terms_of"]

Adds: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NumberTerm:
    """A number x adds weight·x; a missing one adds `at_missing`. `limits` are those of the fit, or None."""

    name: str
    weight: Adds
    at_missing: Adds | None
    limits: Range


@dataclass(frozen=True, slots=True)
class CategoryTerm:
    """A level adds levels[level]; a missing one, and one that is not there, add what is said, or refuse the row."""

    name: str
    levels: Mapping[str, Adds]
    at_missing: Adds | None
    at_unseen: Adds | None


Term: TypeAlias = NumberTerm | CategoryTerm


def terms_of(schema: Schema, w: Floats, ranges: tuple[Range, ...] | None) -> tuple[Term, ...]:
    """The terms of weights w (n,) or (n, K), one for each column of the schema."""
    limits = ranges or (None,) * len(schema.columns)
    table = w[:, None] if w.ndim == 1 else w
    terms: list[Term] = []
    start = 0
    for column, limit in zip(schema.columns, limits, strict=True):
        some = table[start : start + len(column.names)]
        start += len(column.names)
        terms.append(_number(column, some, limit) if column.kind == "number" else _category(column, some))
    return tuple(terms)


def _number(column: Column, w: Floats, limit: Range) -> NumberTerm:
    at_missing = None
    if fills(column):
        filled: Any = w[0] * column.fill
        at_missing = _adds(filled + w[1] if column.has_missing else filled)
    return NumberTerm(column.name, _adds(w[0]), at_missing, limit)


def _category(column: Column, w: Floats) -> CategoryTerm:
    nothing = np.zeros(w.shape[1])

    def adds(place: int | None) -> Adds | None:
        return None if place is None else _adds(nothing if place < 0 else w[place])

    levels = {text: _adds(nothing if place < 0 else w[place]) for text, place in spellings(column).items()}
    return CategoryTerm(column.name, levels, adds(missing_place(column)), adds(unseen_place(column)))


def _adds(values: Floats) -> Adds:
    return tuple(float(value) for value in values)
