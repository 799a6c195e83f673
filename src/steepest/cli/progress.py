"""The bar on standard error for work that lasts: drawn by rich, gone when the work is done."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

__all__ = ["Progress"]


class Progress:
    """A bar with a few words; `total` is the number of steps, None if that is not known."""

    def __init__(self, what: str, total: int | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[words]}", markup=False))
        console = Console(stderr=True)
        self._bar = Bar(*columns, TimeElapsedColumn(), console=console, transient=True, redirect_stdout=False)
        self._task = self._bar.add_task(what, total=total, words="")
        self._bar.start()

    def show(self, done: int | None, words: str, total: int | None = None) -> None:
        """Where the work is; `total` if that is another one now."""
        self._bar.update(self._task, completed=done, total=total, words=words)

    def close(self) -> None:
        """Remove the bar."""
        self._bar.stop()
