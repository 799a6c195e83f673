"""The cost by step as a chart of letters, drawn by plotext; as text, no wider than asked, colour only on request."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import plotext

from steepest.types import Floats

__all__ = ["cost_chart"]

LINES = 14  # with frame and ticks
TICKS_X, TICKS_Y = 5, 4
COLOUR = 33  # of the 256: a blue that is readable on dark and on light


def cost_chart(costs: Floats, width: int, *, colour: bool = False) -> str:
    """J (steps + 1,), from before the first step to after the last, against the number of steps made."""
    steps, values = _thinned(costs, 4 * width)
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-9 * abs(high):  # a flat line needs room, or all ticks would read the same
        margin = 0.01 * abs(high) or 1.0
        low, high = low - margin, high + margin
    plotext.terminal.limit(False, False)  # our width decides: the terminal's is not known in a pipe
    figure = plotext.figure
    figure.clear()
    figure.canvas("default").theme("colorless")
    figure.plot_size(width, LINES)
    marker = plotext.marker("braille", pixel=plotext.pixel(COLOUR)) if colour else "braille"
    figure.draw(figure.signal(steps.tolist(), values.tolist(), marker=marker).lines(True))
    _ticks(figure, low, high, len(costs) - 1)
    drawn: str = figure.build().string()
    figure.clear()
    if not colour:
        drawn = plotext.uncolorize(drawn)
    return "\n".join(line.rstrip() for line in drawn.splitlines())


def _thinned(costs: Floats, most: int) -> tuple[Floats, Floats]:
    """At most about `most` points: the least and the greatest of each run of steps, so that no peak is lost."""
    if len(costs) <= most:
        return np.arange(len(costs), dtype=np.float64), costs
    edges = np.linspace(0, len(costs), most // 2, dtype=np.int64)
    keep = {0, len(costs) - 1}
    for start, end in pairwise(edges):
        keep.add(int(start + np.argmin(costs[start:end])))
        keep.add(int(start + np.argmax(costs[start:end])))
    chosen = np.array(sorted(keep))
    return chosen.astype(np.float64), costs[chosen]


def _ticks(figure: Any, low: float, high: float, steps: int) -> None:
    """Ticks with our own words: J with as many digits as tell them apart, whole numbers of steps."""
    at = np.linspace(low, high, TICKS_Y)
    digits = next((d for d in range(3, 10) if len({f"{value:#.{d}g}" for value in at}) == TICKS_Y), 10)
    figure.ruler("y").lim(low, high).ticks(at.tolist(), [f"{value:#.{digits}g}" for value in at])
    marks = sorted({round(step) for step in np.linspace(0, steps, TICKS_X)})
    figure.ruler("x").lim(0, steps).ticks(marks, [f"{mark:,}" for mark in marks])
