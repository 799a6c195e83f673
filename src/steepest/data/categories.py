"""Levels of a category: how they are written, in which order they stand, and what looks like no category at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.numbers import EXACT
from steepest.data.quoting import all_numbers, quoted
from steepest.errors import DataError

__all__ = ["Category", "category_of", "counted_category", "looks_like", "text_of"]

FEW = 20  # levels that any category may have
DISTINCT = 0.5  # share of the rows: more different texts than that tell rows apart, they do not group them
LONG, WORDS = 40, 4  # characters and words of a text, on average, from which on it is prose
LOOKED_AT = 50  # texts that are tried as dates


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """codes (m,), -1 for missing; levels in their order, all of which occur; `counts`, the rows of each; `missing`
    rows, the first of them; whether the user `declared` the order; levels `left_out` because no row has them.
    """

    codes: NDArray[Any]
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    missing: int
    first_missing: int
    declared: bool
    left_out: tuple[str, ...] = ()


def text_of(value: Any) -> str:
    """A value as a level is written: text as it is, a whole number without a point, whatever its type.

    >>> text_of("a"), text_of(3), text_of(3.0), text_of(np.float32(0.5)), text_of(True)
    ('a', '3', '3', '0.5', 'True')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < EXACT else repr(number)
    return str(value)


def category_of(name: str, codes: NDArray[Any], values: Sequence[Any], declared: bool) -> Category:
    """Codes into `values`, put in order: that of the values if it was `declared`; else numbers by value, texts as text.

    DataError if two values are written alike, such as 1 and '1'.
    """
    texts = [text_of(value) for value in values]
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        both = " and ".join(repr(value) for value, text in zip(values, texts, strict=True) if text == twice)
        raise DataError(f"column {quoted(name)} has the levels {both}, which are written alike: make them one")
    rows = _rows_of(codes, len(texts))
    missing = int(rows[-1])
    first = int(np.argmax(codes < 0)) if missing else -1
    kept, left_out = _kept(texts, rows, declared)
    if kept != list(range(len(texts))):
        codes = _place_of(kept, len(texts), codes.dtype)[codes]
    counts = tuple(int(rows[k]) for k in kept)
    return Category(codes, tuple(texts[k] for k in kept), counts, missing, first, declared, left_out)


def counted_category(codes: Any, texts: Sequence[str], counts: Sequence[int], missing: tuple[int, int]) -> Category:
    """As `category_of` of texts, for codes on disk whose rows were counted: `missing` are how many, and the first.

    `codes.mapped(place)` gives those in order.
    """
    kept, left_out = _kept(texts, counts, declared=False)
    place = _place_of(kept, len(texts), np.dtype(np.int32))
    ordered = codes if kept == list(range(len(texts))) else codes.mapped(place)
    found, rows = tuple(texts[k] for k in kept), tuple(counts[k] for k in kept)
    return Category(ordered, found, rows, missing[0], missing[1], False, left_out)


def _place_of(kept: Sequence[int], count: int, dtype: Any) -> NDArray[Any]:
    """The code in order of each of `count` codes, that of missing values last."""
    place = np.full(count + 1, -1, dtype=dtype)
    place[list(kept)] = np.arange(len(kept))
    return place


def _kept(texts: Sequence[str], rows: Any, declared: bool) -> tuple[list[int], tuple[str, ...]]:
    """Levels that some row has, in order, by their codes; and the others."""
    order = list(range(len(texts))) if declared else sorted(range(len(texts)), key=_order(texts))
    return [k for k in order if rows[k]], tuple(texts[k] for k in order if not rows[k])


def _rows_of(codes: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Rows of each code, those of -1 last; in parts, because bincount widens its argument."""
    rows = np.zeros(count + 1, dtype=np.intp)
    for start in range(0, len(codes), 1 << 16):
        part = codes[start : start + (1 << 16)].astype(np.intp)
        part[part < 0] = count
        rows += np.bincount(part, minlength=count + 1)
    return rows


def _order(texts: Sequence[str]) -> Any:
    """The key by which levels are sorted: as the labels of a target are."""
    if all_numbers(texts) and all(math.isfinite(float(text)) for text in texts):
        return lambda k: (float(texts[k]), texts[k])
    return lambda k: texts[k]


def looks_like(found: Category) -> str:
    """What a column of texts is if it is no category, in words; empty if it is one. Declared ones always are."""
    if found.declared or not found.levels:
        return ""
    levels, present = found.levels, sum(found.counts)
    few = levels[:: max(1, len(levels) // LOOKED_AT)]
    if len(levels) > 1 and all(_is_date(text) for text in few):
        return f"holds dates as texts ({quoted(levels[0])}, …)"
    if len(levels) <= max(FEW, DISTINCT * present):
        return ""
    what = f"holds {len(levels):,} different texts in {present:,} rows"
    if all_numbers(levels):
        return f"{what}, and they spell numbers ({quoted(levels[0])}, …)"
    if np.mean([len(text) for text in few]) >= LONG or np.mean([len(text.split()) for text in few]) > WORDS:
        return f"{what}: it looks like free text"
    return f"{what}: it looks like an identifier"


def _is_date(text: str) -> bool:
    """Whether a text is a date or a time in the notation of ISO 8601, with its dashes."""
    if "-" not in text[1:]:
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
