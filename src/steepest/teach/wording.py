"""How numbers and names are written on every drawing: four significant digits, a real minus sign, never too wide."""

from __future__ import annotations

import math
import unicodedata

__all__ = ["clean", "columns", "number", "shorten"]

NOT_COMPUTED = "—"


def number(value: float | None, digits: int = 4) -> str:
    """`value` with four significant digits and U+2212; infinities and NaN in words; "—" if it is not yet computed.

    >>> number(-0.26894), number(4.2e-18), number(None), number(float("inf")), number(-0.0)
    ('−0.2689', '4.2e−18', '—', 'infinity', '0')
    """
    if value is None:
        return NOT_COMPUTED
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinity" if value > 0 else "−infinity"
    return f"{value + 0.0:.{digits}g}".replace("-", "−")


def clean(name: str) -> str:
    r"""`name` without anything that a terminal or XML cannot hold: control characters, lone surrogates, line breaks.

    >>> clean("hours\nstudied\x00")
    'hours studied'
    """
    return " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())


def columns(text: str) -> int:
    """How many terminal columns `text` takes: wide East Asian letters and emoji two, combining marks none.

    >>> columns("z = 1"), columns("時間")
    (5, 4)
    """
    return sum(_columns_of(letter) for letter in text)


def _columns_of(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(letter) in {"W", "F"} else 1


def shorten(text: str, width: int) -> str:
    """`text`, cut with "…" where it would take more than `width` columns.

    >>> shorten("hours studied", 8)
    'hours s…'
    """
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…"
