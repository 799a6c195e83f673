"""What every regime is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.diagnosis import Note
from steepest.driver import Step, Trace
from steepest.penalties import NONE, Penalties
from steepest.proof.certificate import Certificate
from steepest.proof.linear_relations import Dependence
from steepest.types import Floats, Status

__all__ = ["Outcome", "Request", "after", "following", "joined", "left_out"]


@dataclass(frozen=True, slots=True)
class Request:
    """How near, for how long, and who wants to watch.

    tol            the proved relative gap (F - F*) / F* to reach
    l2             strength of the penalty on the mean cost
    budget         seconds; None: no limit. When they end, what is proved so far is returned
    iterations     updates at most, over all rows
    standardize    whether the penalty refers to standardised columns
    start          (w, b) to start from, in the user's units, of K classes (n, K) and (K,); None: wherever is best
    names          one per column
    callback       called with every step over all rows; returning True stops
    on_note        called with every note at once
    intercept      of K classes: whether there is one; of two, `origin.py` does without
    penalties      l1, factors of the penalty per column, bounds on the weights
    """

    tol: float
    l2: float
    names: Sequence[str]
    budget: float | None = None
    iterations: int = 1000
    standardize: bool = False
    start: tuple[Floats, Any] | None = None
    callback: Callable[[Step], Any] | None = None
    on_note: Callable[[Note], Any] | None = None
    intercept: bool = True
    penalties: Penalties = NONE

    def left(self, seconds: float) -> float | None:
        """What is left of the budget when so many seconds have gone by; None without one."""
        return None if self.budget is None else max(1e-9, self.budget - seconds)

    def strengths(self, n: int) -> Floats:
        """(n,) l2 times the factors of the columns."""
        return self.l2 * (np.ones(n) if self.penalties.factors is None else self.penalties.factors)


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


def joined(traces: Iterable[Trace]) -> Trace:
    """The steps of several runs, one after the other."""
    parts = [(each.cost, each.value, each.gradient_norm, each.change, each.seconds) for each in traces]
    return Trace(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def following(request: Request, so_far: Outcome) -> Request:
    """The request for another attempt: its steps are numbered on, and what is left of the budget is its own."""
    callback, made = request.callback, len(so_far.trace.cost)

    def watch(step: Step) -> Any:
        assert callback is not None  # else nobody watches
        return callback(step.later(made, so_far.seconds))

    watched = None if callback is None else watch
    return replace(request, callback=watched, budget=request.left(so_far.seconds))


def after(so_far: Outcome, more: Outcome) -> Outcome:
    """What the second attempt found, with the steps, passes and seconds of both."""
    later = replace(more.trace, seconds=more.trace.seconds + so_far.seconds)
    trace = joined((so_far.trace, later))
    passes, seconds = so_far.passes + more.passes, so_far.seconds + more.seconds
    return replace(more, trace=trace, passes=passes, seconds=seconds)


def left_out(dropped: Iterable[Dependence], names: Sequence[str]) -> tuple[Note, ...]:
    """A note for every column that was left out."""
    return tuple(
        Note(
            "dependent-column",
            f"{found.sentence(names)}: the column says nothing that earlier ones do not say, so it is left "
            "out (its weight is 0); predictions are the same",
        )
        for found in dropped
    )
