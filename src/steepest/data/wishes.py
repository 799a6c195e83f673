"""What a user wants done about the columns of a table, and how messages speak of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from steepest.data.quoting import nearest, quoted
from steepest.data.schema import MISSING_POLICIES, UNSEEN_POLICIES
from steepest.errors import DataError

__all__ = ["SHOWN", "Wishes", "Wording"]

SHOWN = 8  # problems and names that a message lists


def _leave(names: Sequence[str]) -> str:
    some = f"{list(names)!r}" if len(names) <= SHOWN else "…"
    return f"steepest.schema(frame, y, exclude={some})"


@dataclass(frozen=True, slots=True)
class Wording:
    """How messages name a row, what to leave out, and a policy: in Python, or on the command line."""

    row: Callable[[int], str] = "row {}".format
    leave: Callable[[Sequence[str]], str] = _leave
    missing: str = "missing={}"
    number: str = "write it as a number, or make a schema with categories=[{name}], or exclude=[{name}]"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for; see `schema`."""

    missing: str | Mapping[str, str] = "error"
    unseen: str | Mapping[str, str] = "error"
    reference: str | Mapping[str, str | None] | None = "first"
    exclude: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    rare: float | Mapping[str, float] = 0
    wording: Wording = field(default_factory=Wording)

    def check(self, names: Sequence[str]) -> None:
        """DataError for names that are not there, ValueError for policies that do not exist."""
        for what, value, known in (
            ("missing", self.missing, MISSING_POLICIES),
            ("unseen", self.unseen, UNSEEN_POLICIES),
        ):
            for policy in value.values() if isinstance(value, Mapping) else (value,):
                if policy not in known:
                    raise ValueError(f"{what}={policy!r} is none of {', '.join(known)}")
        if isinstance(self.reference, str) and self.reference != "first":
            raise ValueError(f"reference={self.reference!r}: say 'first', None, or {{column: level}}")
        for least in self.rare.values() if isinstance(self.rare, Mapping) else (self.rare,):
            if not 0 <= least < math.inf:
                raise ValueError(f"rare={least!r} must be a number of rows, or a share of them below 1")
        asked = (self.missing, self.unseen, self.reference, self.rare)
        mappings = [each for each in asked if isinstance(each, Mapping)]
        for name in (*self.exclude, *self.categories, *(name for each in mappings for name in each)):
            if name not in names:
                raise DataError(f"the frame has no column {quoted(str(name))}: {nearest(str(name), names)}")

    def missing_of(self, name: str, category: bool) -> str:
        """The policy for one column; an indicator of a category is a level of its own."""
        policy = self.missing.get(name, "error") if isinstance(self.missing, Mapping) else self.missing
        return "category" if category and policy == "indicator" else policy

    def unseen_of(self, name: str) -> str:
        """The policy for one column."""
        return self.unseen.get(name, "error") if isinstance(self.unseen, Mapping) else self.unseen

    def least_of(self, name: str, m: int) -> float:
        """Rows below which a level is rare."""
        least = self.rare.get(name, 0) if isinstance(self.rare, Mapping) else self.rare
        return least * m if least < 1 else least

    def reference_of(self, name: str, levels: Sequence[str]) -> str | None:
        """The level without a column; DataError if the one asked for is none of the levels."""
        wish = self.reference.get(name, "first") if isinstance(self.reference, Mapping) else self.reference
        if wish is None or not levels:
            return None
        if wish == "first" and not (isinstance(self.reference, Mapping) and name in self.reference):
            return levels[0]
        if wish not in levels:
            raise DataError(f"column {quoted(name)} has no level {quoted(wish)} to refer to: {nearest(wish, levels)}")
        return wish
