"""What a field of a JSON document may hold: predicates to put together, and the first thing that does not fit.

Numbers are strict: 1 is a count and 1.0 a float, true is neither, and everything is finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from steepest.data.numbers import EXACT
from steepest.data.quoting import quoted

__all__ = [
    "Check",
    "each",
    "either",
    "is_bool",
    "is_cell",
    "is_count",
    "is_float",
    "is_hash",
    "is_label",
    "is_object",
    "is_positive",
    "is_range",
    "is_text",
    "maybe",
    "misfit",
    "one_of",
]

Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Any text."""
    return isinstance(value, str)


def is_bool(value: Any) -> bool:
    """true or false."""
    return isinstance(value, bool)


def is_float(value: Any) -> bool:
    """A finite float."""
    return isinstance(value, float) and math.isfinite(value)


def is_positive(value: Any) -> bool:
    """A finite float >= 0."""
    return is_float(value) and bool(value >= 0.0)


def is_count(value: Any) -> bool:
    """A whole number from 0 to 2^53."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= EXACT


def is_label(value: Any) -> bool:
    """What a class may be called: text, boolean, finite float, or an integer of 64 bits."""
    return isinstance(value, str | bool) or is_float(value) or (isinstance(value, int) and abs(value) < 2**63)


def is_hash(value: Any) -> bool:
    """64 hexadecimal digits."""
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def is_range(value: Any) -> bool:
    """[low, high], two floats in order."""
    return isinstance(value, list) and len(value) == 2 and all(map(is_float, value)) and bool(value[0] <= value[1])


def is_cell(value: Any) -> bool:
    """A value of a row: text, a finite float, or None."""
    return value is None or isinstance(value, str) or is_float(value)


def is_object(value: Any) -> bool:
    """An object, looked at elsewhere."""
    return isinstance(value, dict)


def one_of(*values: str) -> Check:
    """One of these texts."""
    return lambda value: isinstance(value, str) and value in values


def each(check: Check, least: int = 1) -> Check:
    """A list of at least so many values that pass."""
    return lambda value: isinstance(value, list) and len(value) >= least and all(check(each) for each in value)


def maybe(check: Check) -> Check:
    """None, or what passes."""
    return lambda value: value is None or check(value)


def either(one: Check, other: Check) -> Check:
    """What passes one or the other."""
    return lambda value: one(value) or other(value)


def misfit(document: Any, fields: dict[str, Any], path: str) -> str:
    """The first thing in `document` that is not as the fields say, in words; `path` is where it lies. Empty if none."""
    if not isinstance(document, dict):
        return f'"{path.rstrip(".")}" must be an object'
    for name in document.keys() - fields.keys():
        return f"the field {quoted(path + name)} is not known"
    for name, check in fields.items():
        if name not in document:
            return f'the field "{path}{name}" is missing'
        value = document[name]
        if isinstance(check, dict):
            problem = misfit(value, check, f"{path}{name}.")
            if problem:
                return problem
        elif not check(value):
            return f'"{path}{name}" has a wrong type or value'
    return ""
