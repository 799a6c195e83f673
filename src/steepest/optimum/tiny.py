"""The proved optimum of a tiny table, where calling costs more than computing: few calls, no blocks, no driver.

Newton's method on one signed copy of the rows (`tiny_table`) starts at 0 and goes along its first direction to the
lowest point: from 0 the plain step is too short, by a factor of 2 to 4 where the classes are nearly separable, and a
look along a line costs m numbers. Far from the optimum the Hessian is formed in single precision, where that is
quicker. Near it the factor of the last step serves once more: for the proof (`tiny_proof`), so that no Hessian is
formed at the point that is returned, and for a further step where that step alone promises what is asked for.

Whatever is not plain sailing is None here: it is work for `dense`, where it has its one implementation.
"""

from __future__ import annotations

import math
import time

import numpy as np

from steepest.driver import Trace
from steepest.engines import MemoryEngine
from steepest.optimum.outcome import Outcome, Request
from steepest.optimum.tiny_proof import left, prove
from steepest.optimum.tiny_table import At, Table, ahead, factorised, length, look, table_of
from steepest.proof.certificate import Certificate
from steepest.types import Floats, Status

__all__ = ["minimise"]

STEPS = 40
HALVINGS = 8  # of a step at whose end the value is larger
RISE = 1.0 + 2.0**-48  # where no step lowers the value any more, its last bits come and go
LOOKS, CLOSE = 4, 0.1  # along the first direction; a move by less than a tenth of the way ends them
PATIENCE, CREEPS = 6, 0.05  # steps after which the decrement must fall to less: else the classes may be separable
RARE, BALANCE = 0.05, 1e-9  # expected and observed positives of a rare class must agree, as `judge` asks
NEAR = 1e-4  # of the value: from such a decrement on, a factor may serve twice
HOPE = 1.0 / 16.0  # of the tolerance is what a proof is tried at: a step with the factor at hand is next to nothing
TRIES = 3  # proofs that fall short before `dense` measures rounding instead of bounding it beforehand

Entry = tuple[float, ...]


@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")  # what overflows proves nothing
def minimise(engine: MemoryEngine, request: Request) -> Outcome | None:
    """The optimum over the rows of `engine`, proved to `request.tol`; None where `dense` has to look."""
    started = time.perf_counter()
    watched = request.callback is not None or request.budget is not None or request.iterations < STEPS
    more = request.standardize or not request.penalties.plain or engine.offset is not None
    if watched or more or request.start is not None:
        return None
    table = table_of(engine, request.l2)
    if table is None:
        return None
    entries: list[Entry] = []
    found = _newton(table, request, entries, started)
    if found is None:
        return None
    at, certificate = found
    w = at.theta[:-1].copy()
    b = float(at.theta[-1]) - float(table.centre.dot(w))
    cost, value = at.loss / table.weight, at.value / table.weight
    trace = Trace(*np.array(list(zip(*entries, strict=True))))
    seconds = time.perf_counter() - started
    return Outcome(w, b, cost, value, certificate, Status.PROVED, trace, engine.passes, seconds)


def _newton(table: Table, request: Request, entries: list[Entry], started: float) -> tuple[At, Certificate] | None:
    """Newton's method from 0 to the proof; enters into `entries` what a `Trace` holds of each update."""
    wanted, imbalance, tries = HOPE * request.tol, _imbalance(table), 0
    at, step, before, near = look(table, np.zeros(len(table.ridge))), None, math.inf, False
    seconds = time.perf_counter() - started
    for number in range(STEPS):
        if step is None:
            made = factorised(table, at, request.l2, near)
            if made is None:
                return None
            factor, step = made, ahead(made, at)
        here, moved = _moved(table, at, step.step if number else _lengthened(table, step.step))
        entries.append(_entry(table, at, moved, seconds))
        seconds = time.perf_counter() - started
        creeps = number >= PATIENCE and step.promise > CREEPS * before
        if not here.value <= at.value * RISE or (request.l2 == 0.0 and (creeps or here.t.max() < 0.0)):
            return None  # no step lowers the value, or a plane may separate the classes
        rest = ahead(factor, here)
        near = rest.promise <= NEAR * here.value
        share = left(factor, here) if near else 0.0
        goal, again = share * wanted * here.value, False
        if rest.promise <= goal and abs(here.gradient[-1]) <= imbalance:
            certificate = prove(table, factor, here, share)
            if certificate.gap <= request.tol:
                return here, certificate
            tries += 1
            if tries == TRIES:
                return None
        else:
            again = 8.0 * rest.promise * rest.promise <= goal * step.promise
        at, before, step = here, step.promise, rest if again else None
    return None


def _imbalance(table: Table) -> float:
    """How far the sum of a - y may be from 0: expected and observed positives of a rare class must agree."""
    y, s = table.engine.y, table.engine.weight
    positive = float(np.count_nonzero(y)) if s is None else float(s.dot(y))
    rarer = min(positive, table.weight - positive)
    return BALANCE * rarer if rarer < RARE * table.weight else math.inf


def _lengthened(table: Table, step: Floats) -> Floats:
    """The multiple f >= 1 of a step from 0 at whose end the value is lowest, roughly: Newton's method in f."""
    table.engine.passes += 1
    along, bend = -step.dot(table.signed), float((table.ridge * step).dot(step))
    slope = along if table.s is None else table.s * along
    square, share = slope * along, 1.0
    for _ in range(LOOKS):
        e = np.exp(share * along)
        rest = 1.0 + e
        p = e / rest
        curvature = float(square.dot(p / rest)) + bend
        if not curvature > 0.0:
            return step
        move = (float(slope.dot(p)) + share * bend) / curvature
        share -= move
        if not abs(move) > CLOSE * share:
            break
    return share * step if 1.0 < share < math.inf else step


def _moved(table: Table, at: At, step: Floats) -> tuple[At, Floats]:
    """The first of at - step, at - ½ step, … where the value is no larger, or the last one, and what was subtracted."""
    here = look(table, at.theta - step)
    for _ in range(HALVINGS):
        if here.value <= at.value * RISE:
            break
        step = 0.5 * step
        here = look(table, at.theta - step)
    return here, step


def _entry(table: Table, at: At, moved: Floats, seconds: float) -> Entry:
    """What a `Trace` holds of an update."""
    weight = table.weight
    return at.loss / weight, at.value / weight, length(at.gradient) / weight, length(moved), seconds
