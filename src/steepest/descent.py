"""The named methods, run as they are asked for: descent of the seeds, momentum, Nesterov, Newton.

Not one step is altered. What goes wrong is noted while it happens (`diagnosis.py`), and afterwards the result gets a
certificate like any other: the proved optimum is found beside it, and the two are compared.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from steepest import diagnosis
from steepest.diagnosis import Note, Subject
from steepest.driver import Iterate, Run, StopRules, ask, drive
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.errors import DataError
from steepest.gram import GramObjective, pays
from steepest.kernels import KERNELS, Kernel
from steepest.kernels.sparse_centred import Centred
from steepest.objective import Objective
from steepest.optimum import Outcome, Request, minimise
from steepest.optimum.comparison import compared
from steepest.optimum.sparse import KERNEL
from steepest.optimum.sparse_proof import longest_row, prove
from steepest.optimum.sparse_rows import densely
from steepest.optimum.sparse_scaling import penalties, standard
from steepest.options import Options
from steepest.penalties import L2
from steepest.proof.certificate import Certificate, certify, compare, disproved
from steepest.proof.problem import Problem
from steepest.scaling import Scaling, moments_of
from steepest.solvers import METHODS, largest_curvature
from steepest.types import Block, Floats, Status

__all__ = ["descend"]

CLOSE = 5_000_000  # elements of X up to which a step too large is explained by some dozens of passes
MOST_COLUMNS = 2_000  # of sparse rows for Newton's method: its Hessian is 32 MB then, and takes 0.1 s to factorise
SMALL = 100_000  # elements of X up to which the closing diagnosis is always worth its one pass


def descend(
    engine: MemoryEngine | SparseEngine, asked: Options, stop: StopRules, start: tuple[Floats, float]
) -> tuple[Outcome, float | None]:
    """Run the method of `asked` from `start`; what came of it, and the learning rate as a number."""
    started = time.perf_counter()
    method = METHODS[asked.method]
    base = _objective(asked, engine)
    theta = base.theta(*start)
    rate = _learning_rate(asked, base, theta) if method.limit else math.nan
    oracle: Objective | GramObjective = base
    if _in_row_space(asked, engine, stop):
        oracle = GramObjective.of(base, start[0])
        theta = oracle.theta(*start)

    def base_theta(theta: Floats) -> Floats:
        return theta if oracle is base else base.theta(*oracle.weights(theta))

    names = (*asked.names, "the intercept")
    subject = Subject(method, rate, asked.l2, names, asked.standardize, engine.X.size <= CLOSE)
    notes = _Notes(subject, base, base_theta, asked.on_note)
    run = drive(method.start(theta, rate), oracle, stop, asked.callback, notes.see)
    notes.close(run, engine)
    w, b = oracle.weights(run.last.theta)
    point, seconds = run.last.point, time.perf_counter() - started
    certificate = _certificate(engine, asked, (w, b), run.status)
    outcome = Outcome(
        w, b, point.cost, point.value, certificate, run.status, run.trace, run.passes, seconds, tuple(notes.all)
    )
    return outcome, rate if method.limit else None


def _certificate(
    engine: MemoryEngine | SparseEngine, asked: Options, at: tuple[Floats, float], status: Status
) -> Certificate:
    """How far (w, b) is from the optimum, by finding the optimum beside it; unknown after Ctrl-C, which is obeyed."""
    unknown = Certificate(math.inf, 1.0, math.inf, "unknown")
    if status in (Status.INTERRUPTED, Status.BUDGET, Status.CALLBACK):
        return unknown
    sparse, strength = isinstance(engine, SparseEngine), np.empty(0)
    by_rows = asked.l2 > 0.0 and (sparse or engine.n > engine.m)  # no Hessian of the columns is wanted
    if by_rows:
        strength = penalties(engine, asked.l2, asked.standardize)
        near = prove(engine, strength, *at, longest_row(engine, strength))
        if near.gap <= asked.tol:
            return near
    best = minimise(engine, Request(asked.tol, asked.l2, asked.names, standardize=asked.standardize))
    if best.certificate.witness is not None:
        return disproved(best.certificate.witness)
    if not math.isfinite(best.certificate.gap) or (engine.n > engine.m and not by_rows):
        return replace(unknown, exists=best.certificate.exists)
    if by_rows:
        return compared(engine, strength, at, best)
    rows = densely(engine) if isinstance(engine, SparseEngine) else engine
    l2: float | Floats = asked.l2
    if asked.standardize:
        moments = rows.sum(moments_of)
        l2 = asked.l2 * moments.square / moments.weight
    proof = certify(Problem.of(rows, l2), best.w, best.b, exact=rows.X.size <= CLOSE)
    return compare(proof, *at)


class _Notes:
    """Sends every iterate to the watch of `diagnosis.py` and keeps what it notes."""

    def __init__(
        self,
        subject: Subject,
        base: Objective,
        base_theta: Callable[[Floats], Floats],
        on_note: Callable[[Note], Any] | None,
    ) -> None:
        self.subject, self.base, self.base_theta, self.on_note = subject, base, base_theta, on_note
        self.all: list[Note] = []
        self._watch = diagnosis.watch(subject, lambda asking: ask(asking, base), base_theta)
        next(self._watch)

    def see(self, iterate: Iterate) -> None:
        """One iterate of the run."""
        self._keep(self._watch.send(iterate))

    def close(self, run: Run, engine: MemoryEngine | SparseEngine) -> None:
        """After the run: does descent creep? One pass with the Hessian, where that is cheap beside the run."""
        dear = max(1.0, engine.n / 10.0) > 0.1 * run.passes and engine.X.size > SMALL
        hopeless = any(note.kind in ("separable", "two-cycle") for note in self.all)
        if self.subject.method.limit and not hopeless and not dear and engine.n < diagnosis.MOST_COLUMNS:
            theta = self.base_theta(run.last.theta)
            self._keep(ask(diagnosis.creeping(self.subject, run, theta), self.base))

    def _keep(self, note: Note | None) -> None:
        if note is not None:
            self.all.append(note)
            if self.on_note is not None:
                self.on_note(note)


def _objective(asked: Options, engine: MemoryEngine | SparseEngine) -> Objective:
    """What the method minimises: the rows as they are, or standardised columns where they are asked for.

    Newton's method always has these: its steps do not depend on the units, but their rounding does (at an offset of 1e8
    deviations nothing would be left). Unless asked, the penalty stays on the user's columns: l2 w² = (l2 / scale²) u².
    """
    sparse = isinstance(engine, SparseEngine)
    if sparse:
        _refuse(asked, engine.n)
    twin = KERNEL if sparse else KERNELS["vectorised" if asked.kernel in ("auto", "gram") else asked.kernel]
    if not asked.standardize and METHODS[asked.method].limit:
        return Objective(engine, twin, L2(asked.l2))
    scaling = standard(engine)
    penalty = L2(asked.l2 if asked.standardize else asked.l2 / scaling.scale / scaling.scale)
    if sparse:
        about = Centred(scaling.centre)
        twin = Kernel("sparse", about.sums, about.hessian_times, about.along)
        scaling = _InTheKernel(scaling.centre, scaling.scale)
    return Objective(engine, twin, penalty, scaling)


class _InTheKernel(Scaling):
    """A scaling whose centre is the kernel's business: no row is touched."""

    __slots__ = ()

    def centred(self, block: Block) -> Block:
        """The block as it is."""
        return block


def _refuse(asked: Options, n: int) -> None:
    """What sparse rows are not there for; raises DataError."""
    if asked.kernel not in ("auto", "vectorised"):
        raise DataError(f"kernel={asked.kernel!r} reads dense rows only; leave it out for sparse rows")
    if asked.method == "newton" and n > MOST_COLUMNS:
        size = 8.0 * (n + 1.0) ** 2 / 1e6
        raise DataError(
            f"method='newton' forms the Hessian of {n:,} columns at every step, {size:,.0f} MB of numbers; on sparse "
            f"rows it takes {MOST_COLUMNS:,} columns at most: method='auto' finds the optimum without one"
        )


def _in_row_space(asked: Options, engine: MemoryEngine | SparseEngine, stop: StopRules) -> bool:
    if asked.kernel != "auto":
        return asked.kernel == "gram"
    wide = METHODS[asked.method].spans and not asked.standardize and isinstance(engine, MemoryEngine)
    return wide and pays(engine.m, engine.n, stop.iterations)


def _learning_rate(asked: Options, base: Objective, theta: Floats) -> float:
    if asked.learning_rate != "safe":
        return float(asked.learning_rate)
    curvature = ask(largest_curvature(np.zeros_like(theta)), base)
    if not 0.0 < 1.0 / curvature.value < math.inf:
        name = (*asked.names, "the intercept")[curvature.column]
        raise DataError(
            f"no float is a safe learning rate: {name} bends J by {curvature.value:.3g}; rescale that column"
        )
    return 1.0 / curvature.value
