"""What every regime is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from steepest.diagnosis import Note
from steepest.driver import Step, Trace
from steepest.proof.certificate import Certificate
from steepest.types import Floats, Status

__all__ = ["Outcome", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """How near, for how long, and who wants to watch.

    tol            the proved relative gap (F - F*) / F* to reach
    l2             strength of the penalty on the mean cost
    budget         seconds; None: no limit. When they end, what is proved so far is returned
    iterations     updates at most, over all rows
    standardize    whether the penalty refers to standardised columns
    start          (w, b) to start from, in the user's units; None: wherever is best
    names          one per column
    callback       called with every step over all rows; returning True stops
    on_note        called with every note at once
    """

    tol: float
    l2: float
    names: tuple[str, ...]
    budget: float | None = None
    iterations: int = 1000
    standardize: bool = False
    start: tuple[Floats, float] | None = None
    callback: Callable[[Step], Any] | None = None
    on_note: Callable[[Note], Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Weights (n,) and intercept, or (n, K) and (K,) for K classes; how good they are; how they came about.

    `passes` counts how often all rows were read, asides included; `trace` has one entry per update over all rows.
    """

    w: Floats
    b: Any
    cost: float
    value: float
    certificate: Certificate
    status: Status
    trace: Trace
    passes: int
    seconds: float
    notes: tuple[Note, ...] = ()
