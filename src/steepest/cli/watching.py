"""What a person at a terminal sees of work that lasts: how far a read is, rows per second, what is proved, time left.

Nothing is drawn within the first second, nor where standard error is no terminal; `--quiet` draws nothing of a fit.
"""

from __future__ import annotations

import math
import time
from typing import Any

from steepest.cli.lazily import module
from steepest.cli.screen import on_screen
from steepest.driver import Step

__all__ = ["Fitting", "Reading"]

PATIENCE = 1.0  # seconds without a word
REDRAWN = 0.1  # seconds between two looks of the bar
STEPS = 4  # reads of a fit from files that begins at the optimum of a sample
FEWEST = 0.2  # seconds of a read from which its pace is known


class Reading:
    """Counts the rows while files are read or decoded: a context whose value is told (rows so far)."""

    def __init__(self, what: str, rows: int | None) -> None:
        self.what, self.total = what, rows
        self.started, self.due = time.perf_counter(), PATIENCE
        self.bar: Any = None

    def __enter__(self) -> Any:
        return self if on_screen(err=True) else None

    def __call__(self, done: int) -> None:
        """So many rows are read."""
        seconds = time.perf_counter() - self.started
        if seconds < self.due:
            return
        self.due = seconds + REDRAWN
        if self.bar is None:
            self.bar = module("progress").Progress(self.what, self.total)
        left = "" if self.total is None else f"  {lasting((self.total - done) / (done / seconds))} left"
        self.bar.show(None if self.total is None else done, f"{done:,} rows  {pace(done, seconds)}{left}")

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


class Fitting:
    """The callback of a fit (`driver.Watching`): step, J and its change; within long reads how far they are."""

    def __init__(self, iterations: int, tol: float) -> None:
        self.iterations, self.tol = iterations, tol
        self.began = time.perf_counter()
        self.bar: Any = None
        self.last: Step | None = None
        self.due = PATIENCE
        self.gap, self.reads, self.read_began = math.inf, 0, 0.0

    def __call__(self, step: Step) -> None:
        """Called at every update: nothing but a comparison, most of the time."""
        change = "" if self.last is None else f"  ({step.cost - self.last.cost:+.2g})"
        if self._is_due():
            self._show(step.iteration, self.iterations, f"step {step.iteration:,}  J {step.cost:.6g}{change}")
            self.last = step

    def rows(self, done: int, m: int) -> None:
        """Within a read of all m rows."""
        now = time.perf_counter()
        if done == 0:
            self.reads, self.read_began = self.reads + 1, now
        seconds = now - self.read_began
        if done and seconds > FEWEST and self._is_due():
            proved = f"gap {self.gap:.1e} proved" if math.isfinite(self.gap) else "no gap proved yet"
            left = seconds / done * (m - done + m * self._more())
            said = f"read {self.reads}: {done / m:.0%}  {pace(done, seconds)}  {proved}  about {lasting(left)} left"
            self._show(done, m, said)

    def sampled(self, rows: int, step: int, cost: float) -> None:
        """On a sample, before all rows are read."""
        if self._is_due():
            self._show(None, None, f"a sample of {rows:,} rows: step {step}  J {cost:.6g}")

    def proved(self, gap: float) -> None:
        """The gap proved so far."""
        self.gap = min(self.gap, gap)

    def close(self) -> None:
        """Remove the bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _more(self) -> int:
        """Reads expected after this one: each squares the gap, and a sample leaves some three."""
        if math.isfinite(self.gap):
            return 0 if self.gap <= math.sqrt(self.tol) else 1
        return max(0, STEPS - self.reads)

    def _is_due(self) -> bool:
        seconds = time.perf_counter() - self.began
        if seconds < self.due:
            return False
        self.due = seconds + REDRAWN
        return True

    def _show(self, done: int | None, of: int | None, words: str) -> None:
        if self.bar is None:
            self.bar = module("progress").Progress("descending", of)
        self.bar.show(done, words, of)


def pace(rows: int, seconds: float) -> str:
    """Rows per second, to be read at a glance.

    >>> pace(3_000_000, 2.0), pace(900, 1.0)
    ('1.5 M rows/s', '900 rows/s')
    """
    each = rows / seconds
    return f"{each / 1e6:.2g} M rows/s" if each >= 1e6 else f"{each:,.0f} rows/s"


def lasting(seconds: float) -> str:
    """A time in words.

    >>> lasting(7.4), lasting(95.0), lasting(4000.0)
    ('7 s', '1 min 35 s', '1 h 6 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, hours = whole // 60, whole // 3600
    return f"{minutes} min {whole % 60} s" if minutes < 60 else f"{hours} h {minutes % 60} min"
