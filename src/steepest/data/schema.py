"""The schema of a frame: what every column is, and which columns of the design it becomes.

    number                  x                    itself; with missing="indicator" the mean where it is missing, and a
                                                 column x[missing] that is 1 there and 0 elsewhere
    category with levels    x[red], x[sky], …    1 where the row has that level: one column for every level but the
                                                 reference, so that with the intercept nothing is said twice
                            x[missing]           with missing="category": missing is a level

Levels stand in the order that the user declared (pandas category, Enum, ordered Arrow dictionary), otherwise numbers by
value and texts as text, whatever the order of the rows; the first one is the reference. A schema is data: frozen, equal
to another one with the same content, and the same after a trip through JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from steepest.data.quoting import nearest, quoted, safe
from steepest.errors import DataError

if TYPE_CHECKING:
    from steepest.data.design import Design

__all__ = ["MISSING_POLICIES", "RARE", "UNSEEN_POLICIES", "Column", "Remark", "Schema"]

MISSING_POLICIES = ("error", "indicator", "category", "drop")
UNSEEN_POLICIES = ("error", "reference", "missing", "rare")
RARE = "(rare)"
SHOWN = 8  # levels of a category that are listed


class Remark(NamedTuple):
    """Something odd about a column: a word for programs, and a sentence with what was done and what to do."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a frame.

    name           as text
    kind           "number" or "category"
    levels, counts   of a category: its levels in order, and the rows of each when the schema was made
    reference      the level that has no column; None: every level has one
    missing        what happens to missing values: "error", "indicator" (numbers), "category" (categories) or "drop"
    unseen         what happens, when the schema is used, to a level that it does not have, and to a missing value where
                   there was none: "error"; "reference": the reference level, or the mean; "missing": as if missing;
                   "rare" (levels): as if rare
    missing_rows   rows that were missing when the schema was made
    fill           of a number: what stands where it is missing
    rare           levels with few rows, which count as one: the last of `levels`
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    reference: str | None = None
    missing: str = "error"
    unseen: str = "error"
    missing_rows: int = 0
    fill: float | None = None
    rare: tuple[str, ...] = ()

    @property
    def has_missing(self) -> bool:
        """Whether there is a column of the design that says that this one is missing."""
        return self.missing in ("indicator", "category") and self.missing_rows > 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of the design that this one becomes."""
        missing = "missing" if "missing" not in self.levels else "(missing)"
        last = (f"{self.name}[{missing}]",) if self.has_missing else ()
        if self.kind == "number":
            return (self.name, *last)
        return (*(f"{self.name}[{level}]" for level in self.levels if level != self.reference), *last)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a frame in their order, the target's name if it is one of them, what was left out, and the rows.

    `remarks` are what was odd when it was made; they are not part of what makes two schemas equal. `missing_texts` are
    the texts that mean a missing value in files, if others than usual were asked for.

    >>> colour = Column("colour", "category", ("blue", "red"), (2, 1), reference="blue")
    >>> schema = Schema((Column("size", "number"), colour), rows=3)
    >>> schema.names
    ('size', 'colour[red]')
    >>> Schema.from_dict(schema.to_dict()) == schema
    True
    """

    columns: tuple[Column, ...]
    target: str | None = None
    excluded: tuple[str, ...] = ()
    rows: int = 0
    remarks: tuple[Remark, ...] = field(default=(), compare=False)
    missing_texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"two columns of the design would be called {quoted(twice)}: rename one of the frame")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the n columns of the design."""
        return tuple(name for column in self.columns for name in column.names)

    @property
    def plain(self) -> bool:
        """Whether the design is the columns of numbers as they are, so that an array can stand for the frame."""
        return all(column.kind == "number" and len(column.names) == 1 for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; DataError with the nearest names if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            f"the schema has no column {quoted(name)}: {nearest(name, [column.name for column in self.columns])}"
        )

    def design(self, frame: Any) -> Design:
        """The design X (m, n) of another frame by this schema, and the counts of what happened on the way.

        Columns are matched by name, whatever their order; others are ignored. Raises DataError for a column that is
        not there or is of another kind, and for missing values and unseen levels as their policies say.
        """
        design: Design = import_module("steepest.data.design").of_frame(frame, self)
        return design

    def to_dict(self) -> dict[str, Any]:
        """The schema as lists, text, numbers and None: what JSON can hold."""
        document: dict[str, Any] = import_module("steepest.data.schema_document").written(self)
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Schema:
        """The schema that `to_dict` wrote; DataError for anything else."""
        schema: Schema = import_module("steepest.data.schema_document").read(document)
        return schema

    def __str__(self) -> str:
        target = f", target {quoted(self.target)}" if self.target is not None else ""
        lines = [f"{self.rows:,} rows{target}: {len(self.columns)} columns become {len(self.names)} of the design"]
        width = max((len(_shown(column.name)) for column in self.columns), default=0)
        lines += [
            f"  {_shown(column.name):<{width}}  {column.kind:<8}  {_told(column)}".rstrip() for column in self.columns
        ]
        if self.excluded:
            lines.append(f"  left out: {', '.join(quoted(name) for name in self.excluded)}")
        return "\n".join(lines)


def _shown(text: str) -> str:
    """A name or level as it is, in quotes where its ends could not be seen."""
    return safe(text) if text and text == text.strip() else quoted(text)


def _told(column: Column) -> str:
    """What there is to say of a column beside its kind."""
    parts = []
    if column.kind == "category":
        some = zip(column.levels[:SHOWN], column.counts, strict=False)
        listed = [f"{_shown(level)} {count:,}{' (reference)' * (level == column.reference)}" for level, count in some]
        more = f", … {len(column.levels):,} levels" if len(column.levels) > SHOWN else ""
        parts.append(", ".join(listed) + more)
    if column.rare:
        parts.append(f"{len(column.rare):,} rare levels are {column.levels[-1]}")
    if column.missing_rows:
        done = {"category": "a level of its own", "drop": "rows left out"}.get(column.missing)
        done = done or (f"{column.fill:.6g} and an indicator" if column.fill is not None else "refused")
        parts.append(f"{column.missing_rows:,} missing: {done}")
    return "; ".join(parts)
