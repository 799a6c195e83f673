"""What goes wrong with plain descent, named while it runs: nothing here alters a step.

Too large a step   J rises or the iterates swing between two points. Two limits decide: below 2/L every step lowers J
                   from anywhere; beyond 2/lambda_max of the Hessian at the optimum descent cannot settle there.
Separable data     (2y - 1) z > 0 on every row: weights grow for ever and J tends to 0, no finite optimum exists.
Creeping           J is still far above the optimum, and steps no longer close the distance.

The estimate of J - J* is half the squared Newton decrement, ½ g'H^-1 g (S. Boyd, L. Vandenberghe, Convex
Optimization, 2004, section 9.5.1): an estimate, not a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.driver import Iterate, Run
from steepest.solvers import Curvature, Method, largest_curvature
from steepest.solvers.newton import newton, newton_step
from steepest.types import Evaluate, Floats, Point, Question, Status

__all__ = ["Note", "Subject", "creeping", "watch"]

RISE = 1e-12  # relative: less is rounding
SAME = 1e-6  # two iterates are the same point of a cycle if they differ by this share of a step
SMALLEST = 1e-8  # of the weights: steps below this are rounding, even if they swing
FAR = 0.01  # of J: an estimated J - J* beyond this is worth a word
SHARE = 0.1  # of the steepest direction: a column with less does not set the step by itself
ROUGHLY = 1e-4  # relative error of a limit that is printed with four digits
PLAIN = 2.0  # the limit of plain descent
NEWTON_STEPS = 50
MOST_COLUMNS = 500  # the Hessian of more columns costs more than the advice is worth


@dataclass(frozen=True, slots=True)
class Note:
    """One finding: a word for programs (`step-too-large`, `two-cycle`, `separable`, …) and a sentence for people."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is being watched: the method, its step, penalty, names of theta's coordinates, standardised or not."""

    method: Method
    learning_rate: float
    l2: float
    names: tuple[str, ...]
    standardized: bool = False
    close_look: bool = True  # whether some dozens of passes over the rows are cheap


Ask = Callable[[Generator[Question, Any, Note]], Note]


def watch(subject: Subject, ask: Ask, base_theta: Callable[[Floats], Floats]) -> Generator[Note | None, Iterate, None]:
    """Is sent every iterate, yields a note or None; each kind of note once.

    `ask` answers the questions of a closer look (it knows the objective); `base_theta` translates an iterate for it.
    """
    said: set[str] = set()
    note: Note | None = None
    start = last = yield None
    before = last
    while True:
        here = yield note
        note = _finding(subject, here, last, before, start)
        if note is not None and note.kind in said:
            note = None
        if note is not None:
            said.add(note.kind)
            if note.kind in ("step-too-large", "two-cycle"):
                note = ask(_explain_step(note, subject, base_theta(here.theta)))
        before, last = last, here


def _finding(subject: Subject, here: Iterate, last: Iterate, before: Iterate, start: Iterate) -> Note | None:
    """What is seen at once, from the last three iterates, without a further pass."""
    value = here.point.value
    if here.point.errors == 0 and subject.l2 == 0.0:
        return Note(
            "separable",
            "a plane separates the two classes, (2y - 1) z > 0 on every row: no finite optimum exists, "
            "the weights grow for ever and J tends to 0; add a penalty (l2) for finite weights",
        )
    if not subject.method.limit:
        return None
    moving = here.change > SMALLEST * float(np.linalg.norm(here.theta))
    if moving and abs(value - before.point.value) <= RISE * value and _same(here, before, last):
        return Note("two-cycle", "the weights swing between two points for ever (a 2-cycle), J does not fall any more")
    plain = subject.method.name == "gd"
    reference = last.point.value if plain else start.point.value
    if value > reference * (1.0 + RISE):
        what = "J rose" if plain else "J rose above its start"
        return Note("step-too-large", f"{what}, from {reference:.6g} to {value:.6g}")
    return None


def _same(here: Iterate, before: Iterate, last: Iterate) -> bool:
    """Whether `here` is where the iterate before the last one was, seen from the length of the step between."""
    step = float(np.linalg.norm(here.theta - last.theta))
    return float(np.linalg.norm(here.theta - before.theta)) <= SAME * step


def _explain_step(note: Note, subject: Subject, theta: Floats) -> Generator[Question, Any, Note]:
    """The note with both limits, the largest safe step and the column that sets it."""
    limit, rate = subject.method.limit, subject.learning_rate
    anywhere = yield from largest_curvature(np.zeros_like(theta), ROUGHLY)
    safe = limit / anywhere.value if anywhere.value else np.inf
    text = f"{note.text}. The learning rate {rate:.4g} "
    if rate > safe:
        beyond = "the largest that lowers J from anywhere" if limit == PLAIN else "beyond which it may run away"
        text += f"exceeds {limit:.3g}/L = {safe:.4g}, {beyond}"
    else:
        text += f"is below {limit:.3g}/L = {safe:.4g}"
    sharpness = (yield from _sharpness_at_optimum(theta)) if subject.close_look else None
    if sharpness is not None and sharpness.value > 0.0:
        edge = limit / sharpness.value
        relation = "and exceeds" if rate > edge else "but is below"
        verdict = "it cannot settle" if rate > edge else "it may still settle"
        text += f", {relation} {limit:.3g}/lambda_max = {edge:.4g} at the optimum: {verdict}"
    text += f". Take at most {safe:.4g} ('safe' takes 1/L = {1.0 / anywhere.value:.4g})" if anywhere.value else ""
    return Note(note.kind, f"{text}; {_setter(anywhere, subject.names)}.")


def _setter(curvature: Curvature, names: tuple[str, ...]) -> str:
    """Which column the largest curvature comes from."""
    if curvature.share < SHARE:
        return f"no single column sets it, {len(names)} share it"
    return f"{names[curvature.column]} sets it, with {curvature.share:.0%} of the steepest direction"


def _sharpness_at_optimum(theta: Floats) -> Generator[Question, Any, Curvature | None]:
    """lambda_max of the Hessian at the optimum, found by Newton's method; None for many columns or separable data."""
    if len(theta) > MOST_COLUMNS:
        return None
    solver = newton(np.zeros_like(theta))
    question = next(solver)
    errors = 0
    for _ in range(2 * NEWTON_STEPS):
        answer = yield question
        if isinstance(question, Evaluate) and not question.trial:
            theta, errors = question.theta, answer.errors
        try:
            question = solver.send(answer)
        except StopIteration:
            break
    return (yield from largest_curvature(theta, ROUGHLY)) if errors else None


def creeping(subject: Subject, run: Run, theta: Floats) -> Generator[Question, Any, Note | None]:
    """After a run of a first-order method: is J still far above the optimum, and which columns are to blame?"""
    steps = len(run.trace.value)
    if run.status not in (Status.ITERATIONS, Status.UNCHANGED, Status.BUDGET) or steps == 0:
        return None
    tenth = max(1, steps // 10)
    recent = np.append(run.trace.value[-tenth:], run.last.point.value)
    if np.any(np.diff(recent) > RISE * recent[:-1]):
        return None  # it jumps about rather than creeps
    point: Point = yield Evaluate(theta, order=2)
    if not np.isfinite(point.hessian).all():
        return None
    above = 0.5 * max(0.0, -float(point.gradient @ newton_step(point)))
    gained = float(recent[0] - recent[-1])
    if above <= FAR * point.value or gained >= above:
        return None
    bends, directions = np.linalg.eigh(point.hessian)
    flat, steep = (subject.names[int(np.argmax(np.abs(directions[:, k])))] for k in (0, -1))
    along = f"along {steep} than along {flat}" if flat != steep else f"one way than another, {steep} leading in both"
    ratio = bends[-1] / bends[0] if bends[0] > 0.0 else np.inf
    cure = "Take" if subject.standardized else "Standardise the columns, or take"
    begin = (
        "The weights moved by no more than the tolerance, yet" if run.status is Status.UNCHANGED else "Descent creeps:"
    )
    pace = f"; the last {tenth} steps gained {gained:.2g}" if run.status is not Status.UNCHANGED else ""
    return Note(
        "creeping",
        f"{begin} J is still about {above:.2g} above the optimum (half the squared Newton decrement){pace}. "
        f"J bends {ratio:.2g} times more {along}, and the step must suit the steeper. {cure} Newton's method.",
    )
