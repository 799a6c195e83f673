"""The driver: the one loop that runs any solver on any objective.

It answers the solver's questions, records every step, and decides when to stop: number of iterations, change of the
weights, size of the gradient, time budget, callback, Ctrl-C, overflow. Solvers know nothing of this.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from steepest.errors import DataError, Overtime
from steepest.types import Answer, Evaluate, Floats, Point, Question, Solver, Status

__all__ = ["Iterate", "Oracle", "Run", "Step", "StopRules", "Trace", "Watching", "ask", "drive", "rehearse"]

T = TypeVar("T")


class Oracle(Protocol):
    """What the driver needs of an objective."""

    def answer(self, question: Any) -> Answer:
        """The answer to a question of `types`."""
        ...

    def weights(self, theta: Floats) -> tuple[Floats, float]:
        """Theta as the user's (w, b)."""
        ...

    def norm(self, vector: Floats) -> float:
        """Euclidean norm of a step or gradient."""
        ...


@dataclass(frozen=True, slots=True)
class StopRules:
    """When to stop; each rule ends a run by itself.

    iterations          updates made at most
    tolerance           stop when an update moved the weights by no more than this (Euclidean norm); 0: not at all
    gradient_tolerance  stop when the norm of the gradient is no more than this
    budget              seconds; None: no limit
    enough              says of an iterate that it is proved to be good enough; None: nobody asks
    """

    iterations: int
    tolerance: float = 0.0
    gradient_tolerance: float = 0.0
    budget: float | None = None
    enough: Callable[[Iterate], bool] | None = None

    def after(self, runs: Sequence[Run], enough: Callable[[Iterate], bool]) -> StopRules:
        """What `runs` leave of iterations and budget, for one more that only `enough` may end before."""
        made = sum(len(run.trace.cost) for run in runs)
        spent = runs[-1].last.seconds if runs else 0.0
        budget = None if self.budget is None else max(1e-9, self.budget - spent)
        return StopRules(max(0, self.iterations - made), -1.0, -1.0, budget, enough)


@dataclass(frozen=True, slots=True)
class Iterate:
    """A theta with what the objective says of it; `change` is the norm of the update that led here."""

    theta: Floats
    point: Point
    gradient_norm: float
    change: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """What a callback sees of one update: the state before it, as in the history."""

    iteration: int
    cost: float
    value: float
    gradient_norm: float
    seconds: float
    _theta: Floats = field(repr=False)
    _weights: Callable[[Floats], tuple[Floats, float]] = field(repr=False)

    @property
    def w(self) -> Floats:
        """The weights that this cost belongs to."""
        return self._weights(self._theta)[0]

    @property
    def b(self) -> float:
        """The intercept that this cost belongs to."""
        return self._weights(self._theta)[1]

    def through(self, weights: Callable[[Floats, float], tuple[Floats, float]]) -> Step:
        """The same step, whose (w, b) `weights` takes to the user's."""
        return replace(self, _weights=lambda theta: weights(*self._weights(theta)))

    def later(self, made: int, seconds: float) -> Step:
        """The same step of a fit that made so many before, in so many seconds."""
        return replace(self, iteration=self.iteration + made, seconds=self.seconds + seconds)


@runtime_checkable
class Watching(Protocol):
    """A callback that also wants to hear what goes on between updates, for fits whose reads last."""

    def __call__(self, step: Step) -> Any:
        """An update was made; True stops the fit."""

    def rows(self, done: int, m: int) -> Any:
        """In a read of all m rows so many are done; called for every block."""

    def proved(self, gap: float) -> Any:
        """As much is proved of the newest weights: (J - J*) / J* is no more; infinite if nothing is."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One number per update, each taken before the update: arrays of shape (iterations,).

    `change` alone is that of the update itself.
    """

    cost: Floats
    value: Floats
    gradient_norm: Floats
    change: Floats
    seconds: Floats


@dataclass(frozen=True, slots=True)
class Run:
    """What `drive` returns: the last iterate, why it is the last, all steps before it, questions answered."""

    last: Iterate
    status: Status
    trace: Trace
    passes: int


def drive(
    solver: Solver,
    oracle: Oracle,
    stop: StopRules,
    callback: Callable[[Step], Any] | None = None,
    watch: Callable[[Iterate], None] | None = None,
    before: Sequence[Run] = (),
) -> Run:
    """Run `solver` on `oracle` until a rule of `stop` ends it; always returns the last sound iterate.

    `callback(step)` is called for every update and may return True to stop; `watch(iterate)` sees every iterate.
    Of a fit in several runs those `before` this one count in the numbers and seconds of its steps, not in its rules.
    Ctrl-C ends the run with the iterate reached, unless there is none yet.
    """
    ledger = _Ledger(oracle, stop, callback, watch, before)
    trial: tuple[Floats, Point] | None = None
    status: Status | None
    try:
        question: Question = next(solver)
        while True:
            if not isinstance(question, Evaluate):
                answer: Answer = ledger.ask(question)
            elif question.trial:
                trial = (question.theta, ledger.evaluate(question))
                answer = trial[1]
            else:
                tried = trial is not None and np.array_equal(trial[0], question.theta)
                answer = trial[1] if trial is not None and tried else ledger.evaluate(question)
                status = ledger.accept(question.theta, answer)
                if status is not None:
                    break
            question = solver.send(answer)
    except StopIteration as end:
        status = end.value
    except (KeyboardInterrupt, Overtime) as end:
        if ledger.last is None:
            raise
        status = Status.BUDGET if isinstance(end, Overtime) else Status.INTERRUPTED
    return ledger.run(status)


def rehearse(solver: Solver, oracle: Oracle, stop: StopRules) -> Run:
    """A run on some of the rows before the one on all of them; Ctrl-C there is meant for both, and is raised again."""
    run = drive(solver, oracle, stop)
    if run.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    return run


def ask(asking: Generator[Question, Any, T], oracle: Oracle) -> T:
    """Answer all questions of a generator that returns something: power iterations, a diagnosis."""
    try:
        question = next(asking)
        while True:
            question = asking.send(oracle.answer(question))
    except StopIteration as end:
        result: T = end.value
        return result


class _Ledger:
    """The book of a run: questions asked, updates made, the last sound iterate, and the rules that may end it."""

    def __init__(
        self,
        oracle: Oracle,
        stop: StopRules,
        callback: Callable[[Step], Any] | None,
        watch: Callable[[Iterate], None] | None,
        before: Sequence[Run],
    ) -> None:
        self.oracle, self.stop, self.callback, self.watch = oracle, stop, callback, watch
        self.made = sum(len(run.trace.cost) for run in before)
        self.spent = before[-1].last.seconds if before else 0.0
        self.started = time.perf_counter() - self.spent
        self.rows: list[tuple[float, ...]] = []
        self.last: Iterate | None = None
        self.passes = 0

    def ask(self, question: Question) -> Answer:
        """The oracle's answer, counted."""
        self.passes += 1
        return self.oracle.answer(question)

    def evaluate(self, question: Evaluate) -> Point:
        """The point at question.theta; no Hessian for the very last iterate, from which nobody will step."""
        final = not question.trial and self.updates == self.stop.iterations
        point = self.ask(Evaluate(question.theta, min(question.order, 1)) if final else question)
        if not isinstance(point, Point):
            raise TypeError(f"an objective answers Evaluate with a Point, not with {type(point).__name__}")
        return point

    @property
    def updates(self) -> int:
        """Updates made when the newest theta was asked for."""
        return len(self.rows) + (self.last is not None)

    def accept(self, theta: Floats, point: Point) -> Status | None:
        """Enter a new iterate, and the update that led to it; why to stop here, or None."""
        if not math.isfinite(point.value):
            return self._overflow()
        seconds = time.perf_counter() - self.started
        gradient_norm = self.oracle.norm(point.gradient)
        before = self.last
        change = math.inf if before is None else self.oracle.norm(theta - before.theta)
        self.last = Iterate(theta, point, gradient_norm, change, seconds)
        asked = before is not None and self._enter_update(before, change)
        if self.watch is not None:
            self.watch(self.last)
        return Status.CALLBACK if asked else self._verdict(self.last)

    def run(self, status: Status) -> Run:
        """The book, closed."""
        if self.last is None:
            raise RuntimeError("a solver must evaluate at least one theta")
        columns = np.array(self.rows, dtype=np.float64).reshape(-1, 5).T
        return Run(self.last, status, Trace(*columns), self.passes)

    def _enter_update(self, at: Iterate, change: float) -> bool:
        """Enter the update made from `at`; True if the callback asks to stop."""
        self.rows.append((at.point.cost, at.point.value, at.gradient_norm, change, at.seconds))
        if self.callback is None:
            return False
        step = Step(
            self.made + len(self.rows) - 1,
            at.point.cost,
            at.point.value,
            at.gradient_norm,
            at.seconds,
            at.theta,
            self.oracle.weights,
        )
        return self.callback(step) is True

    def _verdict(self, last: Iterate) -> Status | None:
        stop = self.stop
        if stop.enough is not None and stop.enough(last):
            return Status.PROVED
        if len(self.rows) >= stop.iterations:
            return Status.ITERATIONS
        if last.change <= stop.tolerance:
            return Status.UNCHANGED
        if last.gradient_norm <= stop.gradient_tolerance:
            return Status.GRADIENT
        if stop.budget is not None and last.seconds - self.spent >= stop.budget:
            return Status.BUDGET
        return None

    def _overflow(self) -> Status:
        if self.last is None:
            raise DataError(
                "J is not finite at the starting weights: the products w x exceed the range of floats; "
                "start nearer to 0, or scale the columns down"
            )
        return Status.OVERFLOW
