"""Texts -> codes that keep their meaning through a pass: known levels first, others as they occur."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from steepest.data.quoting import quoted
from steepest.errors import DataError

__all__ = ["REMEDY", "Coder", "Plan"]

REMEDY = "write it as a number"
MOST = 1 << 20  # different texts of a column: more are an identifier, and would fill the memory


@dataclass(slots=True)
class Coder:
    """The levels of one column so far; some were `known` beforehand.

    >>> coder = Coder.of("answer", ("no", "yes"))
    >>> coder.code("perhaps"), coder.code("no"), coder.levels
    (2, 0, ('no', 'yes', 'perhaps'))
    """

    name: str
    known: frozenset[str]
    places: dict[str, int]
    seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, known: Iterable[str]) -> Coder:
        """With the levels known, in their order."""
        places = {level: k for k, level in enumerate(dict.fromkeys(known))}
        return cls(name, frozenset(places), places)

    @property
    def levels(self) -> tuple[str, ...]:
        """All levels so far, in the order of their codes."""
        if len(self.seen) != len(self.places):
            self.seen = tuple(self.places)
        return self.seen

    def code(self, text: str) -> int:
        """The place of a text; a new one is the last."""
        place = self.places.setdefault(text, len(self.places))
        if place >= MOST:
            raise DataError(
                f"column {quoted(self.name)} holds more than {MOST:,} different texts, it looks like an identifier: "
                "leave it out"
            )
        return place


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass is to bring: columns of numbers and of texts, the tokens that mean missing, rows of a block.

    `borrowed`: arrays are views that are valid until the next block. `threads`, `memory` (bytes): what may be used.
    `limit`: rows of each file to read. `remedy`: what to do about a text in the column {name} of numbers.
    """

    numbers: tuple[str, ...]
    coders: dict[str, Coder]
    tokens: frozenset[str]
    rows: int
    borrowed: bool = False
    threads: int | None = None
    memory: int | None = None
    limit: int | None = None
    remedy: str = REMEDY
