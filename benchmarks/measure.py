"""The two phases of a measurement, and the court that judges what came out.

(1) Each solver alone goes through its tolerances, loosest first. (2) Of each solver the quickest setting that reached
each target, and its default, is repeated, the solvers interleaved; the median counts.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import Problem
from benchmarks.processes import Worker
from benchmarks.referee import Bracket, bracket, lower_bound, objective, parts

__all__ = ["TARGETS", "Court", "Limits", "Measured", "Shot", "measure"]

TARGETS = (1e-4, 1e-6, 1e-9)
ENOUGH = 1e-10  # relative error after which tighter tolerances of a solver are not tried


@dataclass(frozen=True, slots=True)
class Limits:
    """Repetitions; the most seconds of one fit; how many times the best so far a fit may take; threads; tiny cell."""

    repeats: int
    timeout: float
    patience: float
    threads: int
    tiny: bool


@dataclass(slots=True)
class Shot:
    """One setting of one solver: seconds of all its runs, F of the parts of the problem, and what else was measured."""

    solver: str
    index: int
    setting: str
    seconds: list[float]
    values: list[float]
    peak: int
    passes: int | None
    gap: float | None

    @property
    def median(self) -> float:
        """Median of the runs."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Measured:
    """All shots of a cell at one number of threads, the solvers that were skipped, and settings that failed."""

    shots: list[Shot]
    skipped: dict[str, str]
    failed: list[tuple[str, str, str]]


@dataclass
class Court:
    """Per part of the problem, the best value seen and the highest proved lower bound; grows as answers come in."""

    problem: Problem
    single: list[Problem] = field(init=False)
    known: list[Bracket] = field(init=False)

    def __post_init__(self) -> None:
        self.single = parts(self.problem)
        self.known = bracket(self.problem)

    def values(self, answer: Path) -> list[float]:
        """F of every part at the coefficients in a file."""
        with np.load(answer) as found:
            w, b = found["w"], found["b"]
        cv = self.problem.folds > 0
        ws, bs = (list(w.reshape(-1, w.shape[-1])), list(b.reshape(-1))) if cv else ([w], [b])
        values = [objective(part, wi, bi) for part, wi, bi in zip(self.single, ws, bs, strict=True)]
        for at, value in enumerate(values):
            if value < self.known[at].best:
                bound = lower_bound(self.single[at], ws[at], bs[at])
                self.known[at] = Bracket(value, max(bound, self.known[at].lower))
        return values

    def error(self, values: list[float]) -> float:
        """The largest (F - F*)/F* over the parts, F* being the best value seen; infinite when F is not finite."""
        return max(
            (value - at.best) / at.best if math.isfinite(value) else math.inf
            for value, at in zip(values, self.known, strict=True)
        )

    @property
    def width(self) -> float:
        """What is not known about F*, relatively: the widest bracket of the parts."""
        return max(at.width for at in self.known)


def measure(folder: Path, solvers: list[str], court: Court, limits: Limits) -> Measured:
    """Both phases, for one cell and one number of threads."""
    made = Measured([], {}, [])
    for solver in solvers:
        _sweep(folder, solver, court, limits, made)
    _repeat(folder, court, limits, made)
    return made


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


def _best(court: Court, shots: list[Shot], target: float) -> Shot | None:
    """The quickest shot that reached the target, the default not among them: it has a tier of its own."""
    reached = [shot for shot in shots if court.error(shot.values) <= target and shot.setting != "default"]
    return min(reached, key=lambda shot: shot.median, default=None)


def _limit(court: Court, made: Measured, limits: Limits) -> float:
    best = _best(court, made.shots, TARGETS[-1])
    return limits.timeout if best is None else min(limits.timeout, max(1.0, limits.patience * best.median))


def _sweep(folder: Path, solver: str, court: Court, limits: Limits, made: Measured) -> None:
    """Phase 1 of one solver; a process that had to be ended is replaced for the variants that are left."""
    dead: set[str] = set()  # variants that failed, or were accurate enough
    index = 0
    while True:
        with Worker(folder, solver, limits.threads, limits.tiny, sys.stderr) as worker:
            if worker.declined:
                made.skipped[solver] = worker.declined
                _say(f"{solver:24} skipped: {worker.declined}")
                return
            while index < len(worker.settings) and worker.alive:
                if worker.settings[index][0] not in dead:
                    _one(worker, index, court, _limit(court, made, limits), made, dead)
                index += 1
            if index >= len(worker.settings):
                return


def _one(worker: Worker, index: int, court: Court, limit: float, made: Measured, dead: set[str]) -> None:
    """One run of one setting, written down and shown."""
    variant, setting = worker.settings[index]
    found = worker.run(index, limit)
    if "error" in found:
        dead.add(variant)
        made.failed.append((worker.solver, setting, found["error"]))
        _say(f"{worker.solver:24} {setting:16} {found['error']}")
        return
    values = court.values(worker.folder / f"answer-{found['pid']}.npz")
    shot = Shot(worker.solver, index, setting, [found["seconds"]], values, found["peak"], found["passes"], found["gap"])
    made.shots.append(shot)
    error = court.error(values)
    _say(f"{worker.solver:24} {setting:16} {shot.seconds[0]:10.4g} s   rel {error:9.2e}   +{shot.peak / 1e6:.0f} MB")
    if error <= ENOUGH:
        dead.add(variant)


def _chosen(court: Court, shots: list[Shot], patience: float) -> list[Shot]:
    """What is worth repeating: per solver the quickest to each target, if within `patience`; the defaults."""
    chosen: dict[tuple[str, int], Shot] = {}
    for target in TARGETS:
        best = _best(court, shots, target)
        for solver in {shot.solver for shot in shots}:
            own = _best(court, [shot for shot in shots if shot.solver == solver], target)
            if own is not None and best is not None and own.median <= patience * best.median:
                chosen[solver, own.index] = own
    fastest = min((shot.median for shot in chosen.values()), default=math.inf)
    for shot in shots:
        if shot.setting == "default" and shot.median <= patience * fastest:
            chosen[shot.solver, shot.index] = shot
    return list(chosen.values())


def _repeat(folder: Path, court: Court, limits: Limits, made: Measured) -> None:
    """Phase 2: one process per solver, all alive, asked in turn."""
    chosen = _chosen(court, made.shots, min(limits.patience, 10.0))
    with ExitStack() as stack:
        start: Callable[[str], Worker] = lambda solver: stack.enter_context(  # noqa: E731
            Worker(folder, solver, limits.threads, limits.tiny, sys.stderr)
        )
        workers = {solver: start(solver) for solver in dict.fromkeys(shot.solver for shot in chosen)}
        for _ in range(limits.repeats - 1):
            for shot in chosen:
                found: dict[str, Any] = workers[shot.solver].run(shot.index, limits.timeout)
                if "error" not in found:
                    shot.seconds.append(found["seconds"])
                    shot.peak = max(shot.peak, found["peak"])
