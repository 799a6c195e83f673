"""From FILE and the options about its columns to a table: the bundled one if no file is named, and a line says so."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Protocol

import click

from steepest.cli.screen import note
from steepest.cli.watching import Reading
from steepest.data.csv_rows import refusal
from steepest.data.files import Source, open_source
from steepest.data.files.table import Chosen, FileTable, read_files
from steepest.data.quoting import quoted, safe
from steepest.data.schema import MISSING_POLICIES, UNSEEN_POLICIES, Schema
from steepest.data.spool.writing import Place
from steepest.data.wishes import Wishes, Wording
from steepest.errors import DataError

__all__ = ["BUNDLED_SOURCE", "BUNDLED_TARGET", "chosen_of", "open_table", "two_classes"]

BUNDLED_TARGET = "sex"
BUNDLED_SOURCE = "333 penguins of Palmer Station, Antarctica; Gorman, Williams, Fraser, PLoS ONE 9(3): e90081; CC0 1.0"
NUMBER = "write it as a number, take the column as a category (--category {name}), or leave it out (--drop {name})"
LARGEST_SCHEMA = 16_000_000  # bytes


class Asked(Protocol):
    """The options about a table; those about a schema may be absent."""

    @property
    def file(self) -> str | None:
        """FILE."""

    @property
    def target(self) -> str | None:
        """--target."""

    @property
    def columns(self) -> tuple[tuple[str, ...], ...]:
        """--columns, one tuple each time."""

    @property
    def drop(self) -> tuple[str, ...]:
        """--drop."""


def open_table(asked: Asked, quiet: bool = False, dense_up_to: float = math.inf) -> FileTable:
    """The table asked for; notes about it go to standard error. A file without --target is a usage error."""
    if asked.file is None:
        chosen, _ = chosen_of(asked, asked.target or BUNDLED_TARGET)
        if not quiet:
            note(f"no file given: the bundled table penguins.csv is read, {BUNDLED_SOURCE}")
        with as_file(files("steepest.data.bundled") / "penguins.csv") as path:
            return read_files(open_source(path, shown=path.name), chosen, dense_up_to)
    chosen, tokens = chosen_of(asked, asked.target)
    memory = getattr(asked, "memory", None)
    source = open_source(asked.file, missing=tokens, memory=None if memory is None else memory // 4)
    if asked.target is None:
        raise click.UsageError(f"--target is needed with a file: {_choices(source)}")
    with Reading("reading" if chosen.spool is None else "decoding", source.rows) as on_rows:
        table = read_files(source, chosen, dense_up_to, on_rows)
    for each in source.notes:
        note(each)
    return table


def two_classes(table: FileTable) -> None:
    """DataError for more than two labels."""
    if len(table.target.classes) > 2:
        raise DataError(
            f"{table.shown}, column {quoted(table.target.name)} holds {len(table.target.classes)} labels: here two are "
            "needed"
        )


def chosen_of(asked: Any, target: str | None) -> tuple[Chosen, Sequence[str] | None]:
    """Which columns are what, and the texts that mean a missing value; None: the usual ones."""
    schema = _schema(getattr(asked, "schema", None))
    features = tuple(name for names in asked.columns for name in names)
    na = tuple(text for texts in getattr(asked, "na", ()) for text in texts) or None
    wishes = _wishes(asked)
    if schema is not None:
        if features or asked.drop or wishes != Wishes(wording=wishes.wording):
            raise click.UsageError("--schema says what the columns are: leave out the options about columns")
        na = na or schema.missing_texts
    weights, positive = getattr(asked, "weights", None), getattr(asked, "positive", None)
    return Chosen(target, features, weights, positive, schema, wishes, na, _spool(asked)), na


def _spool(asked: Any) -> Place | None:
    """Where rows are decoded to, if not to memory."""
    folder, disk, memory, resume = (getattr(asked, name, None) for name in ("spool", "disk", "memory", "resume"))
    if folder is None and (disk is not None or memory is not None or resume):
        raise click.UsageError("--disk, --memory and --resume are for rows on disk: name a folder by --spool DIR")
    return None if folder is None else Place(Path(folder), disk, memory, bool(resume))


def _wishes(asked: Any) -> Wishes:
    missing = _policies("--missing", getattr(asked, "missing", ()), MISSING_POLICIES)
    unseen = _policies("--unseen", getattr(asked, "unseen", ()), UNSEEN_POLICIES)
    least, each = _split("--rare", getattr(asked, "rare", ()))
    reference, of = _split("--reference", getattr(asked, "reference", ()))
    if reference is not None:
        raise click.UsageError(f"--reference {reference}: write NAME=LEVEL")
    rare = {name: _least(text) for name, text in each.items()} if each else _least(least or "0")
    wording = Wording(leave=_leave, missing="--missing {}", number=NUMBER)
    return Wishes(missing, unseen, of or "first", tuple(asked.drop), getattr(asked, "category", ()), rare, wording)


def _policies(option: str, given: Sequence[str], known: Sequence[str]) -> str | Mapping[str, str]:
    one, each = _split(option, given)
    for policy in (one or "error", *each.values()):
        if policy not in known:
            raise click.UsageError(f"{option} {policy}: it is none of {', '.join(known)}")
    return each or one or "error"


def _split(option: str, given: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """What is said for all columns, or for each by its name; both at once is a usage error."""
    each = dict(text.rsplit("=", 1) for text in given if "=" in text)
    alone = [text for text in given if "=" not in text]
    if len(alone) > 1 or (alone and each):
        raise click.UsageError(f"{option} is said for all columns, or for each by NAME=…, not both")
    return alone[0] if alone else None, each


def _least(text: str) -> float:
    try:
        least = float(text)
    except ValueError:
        least = math.nan
    if not 0.0 <= least < math.inf:
        raise click.UsageError(f"--rare {text}: it is no number of rows, and no share of them")
    return least


def _leave(names: Sequence[str]) -> str:
    return " ".join(f"--drop {quoted(name)}" for name in names[:8]) + (" …" if len(names) > 8 else "")


def _schema(path: str | None) -> Schema | None:
    if path is None:
        return None
    shown = safe(path)
    try:
        raw = Path(path).read_bytes()
        if len(raw) > LARGEST_SCHEMA:
            raise DataError(f"{shown} has {len(raw):,} bytes: no schema is that long")
        document = json.loads(raw)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown}: {refusal(error)}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{shown} is no JSON ({error}): give what `steepest schema` wrote") from None
    try:
        return Schema.from_dict(document)
    except (DataError, TypeError) as error:
        raise DataError(f"{shown}: {error}; give what `steepest schema` wrote") from None


def _choices(source: Source) -> str:
    more = ", …" if len(source.names) > 12 else ""
    return f"one of {', '.join(quoted(name) for name in source.names[:12])}{more}"
