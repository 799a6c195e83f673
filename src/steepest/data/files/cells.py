"""What a cell says: nothing, a number, or a text. The plain rules, one cell at a time; SQL decides the easy ones alike.

missing    empty, or one of the tokens (na, n/a, null, nan, ?, - unless others are asked for), in any case
number     what float() reads, in ASCII, without underscores; no integer that a float cannot hold
"""

from __future__ import annotations

import math

from steepest.data.numbers import EXACT, MISSING
from steepest.data.quoting import is_number, quoted
from steepest.errors import DataError

__all__ = ["MISSING", "SPACE", "has_numbers", "number_of", "tokens_of"]

SPACE = " \t\n\r\f\v"


def tokens_of(missing: object) -> frozenset[str]:
    """The texts that mean a missing value, folded; the empty cell is always one.

    >>> sorted(tokens_of(["NA", "none"]))
    ['', 'na', 'none']
    """
    if missing is None:
        return MISSING
    if isinstance(missing, str) or not all(isinstance(each, str) for each in missing):  # type: ignore[attr-defined]
        raise ValueError(f"missing tokens must be a list of texts, not {missing!r}")
    return frozenset(each.strip(SPACE).lower() for each in missing) | {""}  # type: ignore[attr-defined]


def has_numbers(tokens: frozenset[str]) -> bool:
    """Whether a token spells a finite number, such as -9: then every number must be looked at."""
    return any(is_number(token) and math.isfinite(float(token)) for token in tokens)


def number_of(cell: str, tokens: frozenset[str]) -> float:
    """The number in a cell, NaN if it is missing; DataError, without a place, if it is neither.

    >>> number_of(" 1.5 ", MISSING), number_of("?", MISSING), number_of("1e999", MISSING)
    (1.5, nan, inf)
    """
    text = cell.strip(SPACE)
    if text.lower() in tokens:
        return math.nan
    try:
        value = math.nan if "_" in text or not text.isascii() else float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise DataError(f"{quoted(text)} is not a number")
    if EXACT <= abs(value) < math.inf and text.lstrip("+-").isdigit() and int(text) != int(value):
        raise DataError(f"{quoted(text)} is an integer that is not exactly representable as a float (an id?)")
    return value
