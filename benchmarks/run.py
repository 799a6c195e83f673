"""The whole benchmark: `python -m benchmarks.run`, from the root of the checkout. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.cells import CELLS, Cell
from benchmarks.measure import Court, Limits, Measured, measure
from benchmarks.peers import PEERS
from benchmarks.problem import Declined, Problem, save
from benchmarks.processes import cold_start
from benchmarks.report import markdown, plot

COLD_CELLS = ("iid", "cancer-std")
OUT = Path(__file__).parents[1] / "docs" / "benchmarks"


def record(cell: Cell, problem: Problem, court: Court, threads: int, made: Measured) -> dict[str, Any]:
    """Everything about one cell at one number of threads, for the raw file."""
    shots = [
        {
            "solver": shot.solver, "setting": shot.setting, "seconds": shot.seconds, "median": shot.median,
            "rel": court.error(shot.values), "peak": shot.peak, "passes": shot.passes, "gap": shot.gap,
        }
        for shot in made.shots
    ]  # fmt: skip
    return {
        "cell": cell.name, "about": cell.about, "floor": cell.floor, "threads": threads,
        "shape": list(problem.X.shape), "input_bytes": problem.nbytes, "unknown_of_optimum": court.width,
        "shots": shots, "skipped": made.skipped, "failed": made.failed,
    }  # fmt: skip


def run_cell(cell: Cell, asked: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All numbers of threads, and the cold starts."""
    try:
        problem = cell.problem(asked.quick)
    except Declined as reason:
        print(f"{cell.name}: skipped: {reason}")
        return [], []
    warm, cold = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(problem, folder)
        court = Court(problem)
        for threads in asked.threads:
            print(f"{cell.name}: {cell.about}; {threads} threads; F* known to {court.width:.1e}", flush=True)
            limits = Limits(asked.repeats, asked.timeout, asked.patience, threads, cell.tiny)
            warm.append((threads, measure(folder, asked.solvers, court, limits)))
        if cell.name in COLD_CELLS and asked.cold:
            cold = [cold_of(folder, cell, solver, asked) for solver in asked.solvers]
    return [record(cell, problem, court, threads, made) for threads, made in warm], cold


def cold_of(folder: Path, cell: Cell, solver: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Medians over fresh processes."""
    runs = [cold_start(folder, solver, max(asked.threads), asked.timeout) for _ in range(min(3, asked.repeats))]
    good = [run for run in runs if "import" in run]
    named: dict[str, Any] = {"cell": cell.name, "solver": solver}
    if not good:
        return named | runs[-1]
    return named | {key: statistics.median(run[key] for run in good) for key in ("numpy", "import", "first_fit")}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", nargs="+", choices=CELLS, default=list(CELLS), metavar="CELL")
    parser.add_argument("--solvers", nargs="+", choices=PEERS, default=list(PEERS), metavar="SOLVER")
    parser.add_argument("--threads", nargs="+", type=int, default=sorted({1, machine.cores()}))
    parser.add_argument("--repeats", type=int, default=5, help="runs of every setting that counts; the median counts")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds after which a fit is ended")
    parser.add_argument("--patience", type=float, default=20.0, help="end a fit at this many times the best to 1e-9")
    parser.add_argument("--quick", action="store_true", help="small problems: a smoke run, its numbers mean nothing")
    parser.add_argument("--no-cold", dest="cold", action="store_false", help="without the cold starts")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of results.json, README.md and ratios.svg")
    return parser.parse_args()


def main() -> None:
    """Measure, and write after every cell, so that an interrupted run leaves what it has."""
    asked = arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    speeds = {str(threads): machine.bandwidth(threads) for threads in asked.threads}
    results: dict[str, Any] = {
        "machine": machine.describe(), "bandwidth": speeds, "quick": asked.quick, "repeats": asked.repeats,
        "cells": [], "cold": [],
    }  # fmt: skip
    for name in asked.cells:
        warm, cold = run_cell(CELLS[name], asked)
        results["cells"] += warm
        results["cold"] += cold
        (asked.out / "results.json").write_text(json.dumps(results, indent=1))
        (asked.out / "README.md").write_text(markdown(results))
    plot(results, asked.out / "ratios.svg")
    print(markdown(results))


if __name__ == "__main__":
    main()
