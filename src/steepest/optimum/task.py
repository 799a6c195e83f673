"""A table with what is asked of it where a penalty is not smooth or weights are bounded, all in the table's frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steepest.diagnosis import Note
from steepest.driver import StopRules
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum.course import Course
from steepest.optimum.held import Table
from steepest.optimum.held_dense import DenseTable
from steepest.optimum.held_sparse import SparseTable
from steepest.optimum.leg import Goal
from steepest.optimum.sparse_rows import densely
from steepest.optimum.sparse_scaling import standard
from steepest.penalties import ElasticNet, Penalties
from steepest.proof.certificate import Certificate, disproved
from steepest.proof.dual_point import Rows
from steepest.proof.existence import Witness, find_witness
from steepest.proof.face import distances, pinsker
from steepest.proof.linear_relations import Dependence, dependent_columns
from steepest.proof.problem import Problem
from steepest.types import Floats

__all__ = ["MOST_IN_A_PROGRAMME", "ROUGH", "Task", "certificate", "compact", "table_of", "task_of"]

Engine = MemoryEngine | SparseEngine
ROUGH = 1e-2  # relative gap that an estimate must promise on the way to what is asked for
MOST_FREE = 1 << 26  # numbers of unpenalised columns up to which they are searched for relations
MOST_IN_A_PROGRAMME = 512  # of a sparse table, up to which a linear programme looks for a separating plane


@dataclass(frozen=True, slots=True)
class Task:
    """`unit` (n,) are the factors of l1 and `square` those of l2, in the frame and on the sum of losses.

    lower, upper (n,) are in the frame; columns that say what others say are held at 0 by them.
    """

    engine: Engine
    table: Table
    rows: Rows
    unit: Floats
    square: Floats
    lower: Floats
    upper: Floats
    notes: tuple[Note, ...]

    def net(self, l1: float, l2: float) -> ElasticNet:
        """The penalty for these strengths on the mean loss."""
        return ElasticNet(l1 * self.unit, l2 * self.square, self.lower, self.upper)

    @property
    def shrinks(self) -> NDArray[np.bool_]:
        """(n,) the columns with a penalty."""
        return self.unit > 0.0

    def start(self, given: tuple[Floats, Any] | None) -> Course:
        """A course from the given (w, b), or from the weights nearest to 0 and the log-odds."""
        if given is not None:
            u, b = self.table.frame.from_user(*given)
            return Course(self.table, self.rows, np.clip(u, self.lower, self.upper), float(b))
        rest = np.clip(np.zeros(self.table.n), self.lower, self.upper)
        share = float(self.rows.s @ self.rows.y) / self.rows.weight
        share = min(max(share, 1e-12), 1.0 - 1e-12)
        return Course(self.table, self.rows, rest, math.log(share / (1.0 - share)))

    def null(self, course: Course, l2: float, stop: StopRules, tol: float = ROUGH) -> float:
        """Fit what has no penalty; the smallest l1 at which all penalised weights are nearest to 0."""
        net = self.net(0.0, l2)
        rest = np.clip(0.0, net.lower, net.upper)
        lower, upper = np.where(self.shrinks, rest, net.lower), np.where(self.shrinks, rest, net.upper)
        pinned = replace(net, lower=lower, upper=upper)
        course.u = np.clip(course.u, lower, upper)
        course.to(pinned, ~self.shrinks, Goal(tol, stop, rough=tol >= ROUGH))
        assert course.c is not None  # looked at
        free = replace(net, l2=np.zeros(len(rest)))
        off = np.abs(free.violation(course.u, course.c - net.l2 * course.u))
        return float((off[self.shrinks] / self.unit[self.shrinks]).max(initial=0.0))


def task_of(engine: Engine, l2: float, penalties: Penalties, standardize: bool, names: Sequence[str]) -> Task:
    """Survey the table, and bring penalties and bounds into its frame; raises DataError for values beyond 1e152."""
    table = table_of(engine)
    n, scale = table.n, table.frame.scale
    rows = Rows.of(np.asarray(engine.y, dtype=np.float64), engine.weight, engine.offset)
    factors = np.ones(n) if penalties.factors is None else penalties.factors
    lower = np.full(n, -np.inf) if penalties.lower is None else penalties.lower * scale
    upper = np.full(n, np.inf) if penalties.upper is None else penalties.upper * scale
    free = (factors == 0.0) | ((penalties.l1 == 0.0) and (l2 == 0.0))
    dropped = _dropped(engine, table, np.flatnonzero(free & (lower == -np.inf) & (upper == np.inf)))
    for found in dropped:
        lower[found.column] = upper[found.column] = 0.0
    notes = tuple(
        Note(
            "dependent-column",
            f"{found.sentence(names)}: the column says nothing that earlier ones without a penalty do not say, so it "
            "is left out (its weight is 0); predictions are the same",
        )
        for found in dropped
    )
    size = _units(engine, standardize) / scale
    unit, square = factors * size * rows.weight, factors * size * size * rows.weight
    return Task(engine, table, rows, unit, square, lower, upper, notes)


def table_of(engine: Engine) -> DenseTable | SparseTable:
    """The table of an engine; raises DataError for values that are not finite or beyond 1e152."""
    return SparseTable.of(engine) if isinstance(engine, SparseEngine) else DenseTable.of(engine)


def _units(engine: Engine, standardize: bool) -> Floats:
    """What a penalty on standardised columns multiplies: their deviations; 1 for constant ones, whose weight is 0."""
    scale = standard(engine).scale if standardize else np.ones(engine.n)
    return np.where(np.isfinite(scale), scale, 1.0)


def _dropped(engine: Engine, table: Table, free: NDArray[np.intp]) -> tuple[Dependence, ...]:
    """Columns without penalty or bound that depend on earlier ones: no matrix of them is regular, nothing is lost."""
    if not len(free) or len(free) * engine.m > MOST_FREE:
        return ()
    part = MemoryEngine(table.dense(free), engine.y, engine.weight, threads=engine.threads)
    scale, centre, moved = table.frame.scale, table.frame.centre, []
    for found in dependent_columns(Problem.of(part)):
        j = int(free[found.column])
        terms = tuple((int(free[k]), float(factor * scale[j] / scale[free[k]])) for k, factor in found.terms)
        constant = found.constant * scale[j] + centre[j] - sum(factor * centre[k] for k, factor in terms)
        moved.append(Dependence(j, float(constant), terms))
    return tuple(moved)


def compact(net: ElasticNet) -> bool:
    """Whether penalty and bounds alone keep every weight from running away."""
    return bool(np.all(_holds(net)))


def _holds(net: ElasticNet) -> NDArray[np.bool_]:
    return np.asarray((net.l1 > 0.0) | (net.l2 > 0.0) | ((net.lower > -np.inf) & (net.upper < np.inf)))


def certificate(task: Task, course: Course, net: ElasticNet, close: bool) -> Certificate:
    """What the last proof says, or that there is no optimum. `close`: distances too, which takes a Hessian."""
    proof, rows, at = course.proof, task.rows, course.at
    assert proof is not None  # every course ends with a look
    assert at is not None
    exists: Literal["proved", "unknown"] = "unknown"
    both = 0.0 < float(rows.s @ rows.y) < float(rows.s.sum())
    if (compact(net) and both) or (math.isfinite(proof.bound) and proof.inside):
        exists = "proved"
    if exists == "unknown":
        witness = _witness(task, net) if course.stalled else None
        return Certificate(proof.gap, 1.0, math.inf, exists) if witness is None else disproved(witness)
    if not close:
        return Certificate(proof.gap, pinsker(rows, proof.bound), math.inf, exists)
    return Certificate(proof.gap, *distances(task.table, rows, net, at, proof), exists)


def _witness(task: Task, net: ElasticNet) -> Witness | None:
    """A direction along which F falls for ever, within the bounds; None if none was found."""
    engine: Any = task.engine
    if isinstance(engine, SparseEngine):
        if engine.n > MOST_IN_A_PROGRAMME:
            return None
        engine = densely(engine)
    found = find_witness(engine, penalised=_holds(net).astype(float))
    if found is None:
        return None
    rises, falls = (found.w >= 0.0) | (net.lower == -np.inf), (found.w <= 0.0) | (net.upper == np.inf)
    return found if np.all(rises & falls) else None
