"""Names, labels and cells come from strangers: how they are written where a person reads them.

A name may hold escape sequences that repaint a terminal, or bidirectional overrides that show other text than it holds.
Everything that is not printable is written as its escape; nothing is silently left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

__all__ = ["all_numbers", "cell", "is_number", "nearest", "quoted", "safe"]

LONGEST = 200  # characters of an offending text that a message repeats
SHOWN = 8  # names that a message lists


def safe(text: str, limit: int | None = None) -> str:
    r"""`text` with whatever is not printable written as an escape, cut with "…" after `limit` characters.

    >>> print(safe("a\x1b[31mb\u202ec"), safe("abcdef", 3))
    a\x1b[31mb\u202ec abc…
    """
    cut = text if limit is None or len(text) <= limit else text[:limit] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut)


def quoted(text: str) -> str:
    """`text` in single quotes, safe to print, cut after 200 characters."""
    return f"'{safe(text, LONGEST)}'"


def nearest(name: str, names: Sequence[str]) -> str:
    """What to offer to somebody who asked for `name`: the nearest of `names`, or some of them.

    >>> nearest("heigth", ["weight", "height"])
    "did you mean 'height' or 'weight'?"
    """
    folded = {each.casefold(): each for each in reversed(names)}
    close = [folded[each] for each in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(quoted(each) for each in close)}?"
    return f"there are {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(quoted(each) for each in names[:SHOWN]) + more


def cell(text: str) -> str:
    """A label as a cell of a CSV that a spreadsheet will not run as a formula: = + - @ get an apostrophe before them.

    Numbers stay as they are, -1 as well.

    >>> cell("=1+1"), cell("-1"), cell("yes")
    ("'=1+1", '-1', 'yes')
    """
    if text[:1] not in ("=", "+", "-", "@", "\t", "\r") or is_number(text):
        return text
    return f"'{text}"


def is_number(text: str) -> bool:
    """Whether `text` alone spells a number, nan and infinity included."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def all_numbers(texts: Iterable[str]) -> bool:
    """Whether every one of `texts` spells a number."""
    return all(is_number(text) for text in texts)
