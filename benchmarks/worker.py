"""One process for one (problem, solver, threads): it loads the data, warms up, and runs the settings it is told.

`python -m benchmarks.worker FOLDER SOLVER THREADS [--tiny]` speaks JSON lines on what was its standard output (whatever
a solver prints goes to standard error); every line it is sent is the number of a setting.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import candidates
from benchmarks.problem import Candidate, Declined, Problem, load

Say = Callable[[dict[str, Any]], None]

SHORTEST = 0.02  # seconds that one timing of a tiny problem lasts at least
WARM_ROWS = 200


def _status(field: str) -> int:
    """Bytes in a field of /proc/self/status, or the high-water mark where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _forget_peak() -> None:
    """Give freed memory back and reset the high-water mark (Linux; elsewhere the mark of the whole process counts)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    except (OSError, AttributeError):
        pass


def _timed(candidate: Candidate, tiny: bool) -> tuple[float, Any, int]:
    """Seconds of one fit, its answer, and the bytes of its peak above what was there before."""
    _forget_peak()
    before = _status("VmRSS")
    start = time.perf_counter()
    answer = candidate.run()
    once = time.perf_counter() - start
    peak = max(0, _status("VmHWM") - before)
    if not tiny or once > SHORTEST:
        return once, answer, peak
    repeats = min(1_000, int(SHORTEST / once) + 1)
    start = time.perf_counter()
    for _ in range(repeats):
        candidate.run()
    return (time.perf_counter() - start) / repeats, answer, peak


def _warm(name: str, problem: Problem, threads: int) -> None:
    """Import and initialise everything on a few rows, the loosest setting."""
    m = len(problem.y)
    step = max(1, m // WARM_ROWS)
    rows = np.union1d(
        np.arange(0, m, step), np.concatenate([np.flatnonzero(problem.y == k)[:10] for k in range(problem.classes)])
    )
    X, y = problem.X[rows], problem.y[rows]
    few = Problem(X, y, problem.C, problem.classes, problem.penalties[:1], problem.folds)
    for candidate in candidates(name, few, threads):
        if candidate.setting != "default":
            candidate.run()
            return


def _serve(folder: Path, name: str, threads: int, say: Say, tiny: bool) -> None:
    """Answer until standard input ends."""
    problem = load(folder)
    try:
        found = list(candidates(name, problem, threads))
    except Declined as reason:
        say({"declined": str(reason)})
        return
    try:
        _warm(name, problem, threads)
    except Exception as error:  # a peer that fails on few rows may work on all
        print(f"{name}: warming up failed: {error!r}", file=sys.stderr)
    say({"settings": [(c.variant, c.setting) for c in found]})
    for line in sys.stdin:
        say(_one(found[int(line)], folder, tiny))


def _one(candidate: Candidate, folder: Path, tiny: bool) -> dict[str, Any]:
    try:
        seconds, answer, peak = _timed(candidate, tiny)
    except Exception as error:  # whatever a peer raises is its result
        return {"error": f"{type(error).__name__}: {str(error)[:200]}"}
    np.savez(folder / f"answer-{os.getpid()}.npz", w=np.asarray(answer.w), b=np.asarray(answer.b))
    return {"seconds": seconds, "peak": peak, "passes": answer.passes, "gap": answer.gap, "pid": os.getpid()}


def main() -> None:
    """Take the real standard output for the answers, and serve."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")

    def say(what: dict[str, Any]) -> None:
        channel.write(json.dumps(what) + "\n")
        channel.flush()

    folder, name, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    _serve(folder, name, threads, say, "--tiny" in sys.argv)


if __name__ == "__main__":
    main()
