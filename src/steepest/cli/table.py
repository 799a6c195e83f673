"""From FILE and --target to a table: the bundled one if no file is named, with one line that says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import click

from steepest.cli.lazily import module
from steepest.cli.screen import note, on_screen
from steepest.data.quoting import quoted
from steepest.data.table import BUNDLED_SOURCE, BUNDLED_TARGET, Columns, Table, read_bundled, read_names, read_table

__all__ = ["open_table"]

PATIENCE = 1.0  # seconds without a word


class Asked(Protocol):
    """The options about a table."""

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


def open_table(asked: Asked, positive: str | None = None, weights: str | None = None, quiet: bool = False) -> Table:
    """The table asked for; notes about it go to standard error. A file without --target is a usage error."""
    features = tuple(name for names in asked.columns for name in names)
    if asked.file is None:
        if not quiet:
            note(f"no file given: the bundled table penguins.csv is read, {BUNDLED_SOURCE}")
        return read_bundled(Columns(asked.target or BUNDLED_TARGET, features, asked.drop, weights), positive)
    if asked.target is None:
        hint = "the name of a column" if asked.file == "-" else _choices(asked.file)
        raise click.UsageError(f"--target is needed with a file: {hint}")
    columns = Columns(asked.target, features, asked.drop, weights)
    with _progress() as on_rows:
        table = read_table(asked.file, columns, positive, on_rows)
    for each in table.notes:
        note(each)
    return table


def _choices(file: str) -> str:
    names = read_names(file)
    more = ", …" if len(names) > 12 else ""
    return f"one of {', '.join(quoted(name) for name in names[:12])}{more}"


class _progress:  # noqa: N801  (a context manager, used as a function)
    """Counts the rows on a terminal once reading has lasted for a second."""

    def __enter__(self) -> Callable[[int], None] | None:
        self.started, self.bar = time.perf_counter(), None
        return self.rows if on_screen(err=True) else None

    def rows(self, count: int) -> None:
        if self.bar is None and time.perf_counter() - self.started > PATIENCE:
            self.bar = module("progress").Progress("reading")
        if self.bar is not None:
            self.bar.show(None, f"{count:,} rows")

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()
