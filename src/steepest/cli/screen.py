"""How wide the screen is, whether it has colours, and how notes get there."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

import click

from steepest.data.quoting import safe

__all__ = ["coloured", "note", "on_screen", "width"]

NARROWEST, WIDEST = 40, 80


def on_screen(*, err: bool = False) -> bool:
    """Whether standard output (or error) is a terminal that a person looks at."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured() -> bool:
    """Whether standard output may carry colours (https://no-color.org)."""
    return on_screen() and not os.environ.get("NO_COLOR")


def width() -> int:
    """Columns to fill: those of the terminal, at least 40 and at most 80."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def note(text: str) -> None:
    """A note on standard error: wrapped on a terminal, one line elsewhere."""
    line = f"note: {safe(text)}"
    if on_screen(err=True):
        line = textwrap.fill(line, width(), subsequent_indent="      ", break_on_hyphens=False)
    click.echo(line, err=True)
