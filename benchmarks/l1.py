"""`python -m benchmarks.l1`: lasso paths of 50 strengths to a relative gap of 1e-6, against the best solvers for them.

    F(w, b) = 1/m Σ L(σ(w'x + b), y) + λ |w|₁          λ from the smallest that leaves no weight down to 1/100 of it

Every λ of a path must be within 1e-6. F is evaluated at the returned weights by NumPy alone; F* is not below what a
proof of steepest says, to 1e-9, or a dual point where there is no intercept. A peer gets the loosest of its
tolerances that is enough, so nobody is slowed down by being asked for too much; conversions of the data are its own.
celer and liblinear have no intercept that is not penalised, so they solve the problem without it; F* is that of theirs.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from celer.homotopy import celer_path
from skglm import SparseLogisticRegression
from sklearn.datasets import load_svmlight_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import steepest
from benchmarks.cells import SHARED
from benchmarks.machine import describe
from benchmarks.problem import Floats

__all__ = ["main"]

GOAL, RATIO, COUNT = 1e-6, 1e-2, 50
PATIENCE = 40.0  # seconds that a path may take; then a lower bound is all that is known
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "l1.md"


@dataclass(frozen=True, slots=True)
class Peer:
    """A solver of paths: solve(X, y, λs, tolerance, deadline) yields (w, b) one after the other."""

    name: str
    solve: Callable[[Any, Floats, Floats, float, float], Iterator[tuple[Floats, float]]]
    tolerances: tuple[float, ...]
    intercept: bool


def _celer(X: Any, y: Floats, strengths: Floats, tol: float, deadline: float) -> Iterator[tuple[Floats, float]]:
    rows = X.tocsc() if hasattr(X, "tocsc") else np.asfortranarray(X)
    found = celer_path(rows, 2.0 * y - 1.0, pb="logreg", alphas=strengths * len(y), tol=tol, max_iter=100)
    yield from ((w, 0.0) for w in found[1].T)


def _skglm(
    X: Any, y: Floats, strengths: Floats, tol: float, deadline: float, intercept: bool = True
) -> Iterator[tuple[Floats, float]]:
    rows = X.tocsc() if hasattr(X, "tocsc") else np.asfortranarray(X)
    model = SparseLogisticRegression(alpha=1.0, tol=tol, fit_intercept=intercept, warm_start=True, max_iter=100)
    for strength in strengths:
        model.set_params(alpha=strength).fit(rows, y)
        yield model.coef_.ravel().copy(), float(np.ravel(model.intercept_)[0])


def _scikit(solver: str, intercept: bool) -> Callable[..., Iterator[tuple[Floats, float]]]:
    def solve(X: Any, y: Floats, strengths: Floats, tol: float, deadline: float) -> Iterator[tuple[Floats, float]]:
        model = LogisticRegression(
            solver=solver, l1_ratio=1.0, tol=tol, fit_intercept=intercept, warm_start=True, max_iter=100_000
        )
        for strength in strengths:
            if Clock.now() > deadline:
                return
            model.set_params(C=1.0 / (strength * len(y))).fit(X, y)
            yield model.coef_.ravel().copy(), float(np.ravel(model.intercept_)[0])

    return solve


class Clock:
    """What is measured: seconds that pass, or, where others use the machine too, those of this process on all cores."""

    now = staticmethod(time.perf_counter)
    patience = PATIENCE


PEERS = (
    Peer("celer", _celer, (1e-4, 1e-5, 1e-6, 1e-7, 1e-8), False),
    Peer("skglm", _skglm, (1e-4, 1e-5, 1e-6, 1e-7, 1e-8), True),
    Peer("liblinear", _scikit("liblinear", False), (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7), False),
    Peer("saga", _scikit("saga", True), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7), True),
)


def dense(quick: bool) -> tuple[Any, Floats]:
    """2,000 x 5,000, independent normal columns, 50 of which matter."""
    rng = np.random.default_rng(7)
    m, n = (200, 500) if quick else (2_000, 5_000)
    X = rng.standard_normal((m, n))
    z = X[:, :50] @ rng.standard_normal(50)
    return X, (rng.random(m) < 1.0 / (1.0 + np.exp(-z / 3.0))).astype(float)


def sms(quick: bool) -> tuple[Any, Floats]:
    """SMS spam: words weighted by tf-idf."""
    with (SHARED / "sms_spam" / "sms_spam.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1 : 500 if quick else None]
    X = TfidfVectorizer().fit_transform([row[-1] for row in rows])
    return X, np.array([row[0] == "spam" for row in rows], dtype=float)


def a9a(quick: bool) -> tuple[Any, Floats]:
    """Adult in 123 binary columns."""
    X, y = load_svmlight_file(str(SHARED / "a9a" / "a9a"), n_features=123)
    rows = 2_000 if quick else len(y)
    return X[:rows], (y[:rows] > 0.0).astype(float)


CELLS = {"SMS text": sms, "a9a": a9a, "dense 2,000 x 5,000": dense}


def value(X: Any, y: Floats, w: Floats, b: float, strength: float) -> float:
    """F(w, b)."""
    t = (1.0 - 2.0 * y) * (np.asarray(X @ w) + b)
    return float(np.mean(np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t))))) + strength * float(np.abs(w).sum())


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of a path, its largest relative gap, weights that are not 0 at its end; `short`: it was not finished."""

    seconds: float
    gap: float
    nonzeros: int
    tolerance: float
    short: bool = False


def least(X: Any, y: Floats, strengths: Floats, intercept: bool) -> Floats:
    """F* of every λ from below: by the proofs of a run to 1e-9, without an intercept by a dual point of its own.

    For alpha = y + t (σ(z) - y) with |X'(y - alpha)|/m <= λ, F* is at least the mean entropy of alpha.
    """
    if intercept:
        found = steepest.regularisation_path(X, y, strengths, tol=1e-9)
        return np.array(found.values / (1.0 + found.gaps))
    bounds = []
    for (w, _), strength in zip(_skglm(X, y, strengths, 1e-9, np.inf, intercept=False), strengths, strict=True):
        a = 1.0 / (1.0 + np.exp(-np.asarray(X @ w)))
        pull = float(np.abs(np.asarray(X.T @ (y - a))).max()) / len(y)
        a = y + min(1.0, strength / pull) * (a - y)
        bounds.append(float(-np.mean(a * np.log(a) + (1.0 - a) * np.log1p(-a))))
    return np.array(bounds)


def timed(peer: Peer, X: Any, y: Floats, strengths: Floats, known: Floats, tol: float) -> Timed:
    """One run at one tolerance."""
    started = Clock.now()
    found = list(peer.solve(X, y, strengths, tol, started + Clock.patience))
    seconds = Clock.now() - started
    gaps = [value(X, y, w, b, s) / low - 1.0 for (w, b), s, low in zip(found, strengths, known, strict=False)]
    return Timed(seconds, max(gaps), int(np.count_nonzero(found[-1][0])), tol, len(found) < len(strengths))


def ours(X: Any, y: Floats, strengths: Floats, known: Floats, repeats: int) -> Timed:
    """The path of steepest, proved."""
    best = np.inf
    for _ in range(repeats):
        started = Clock.now()
        found = steepest.regularisation_path(X, y, strengths, tol=GOAL)
        best = min(best, Clock.now() - started)
    gaps = [value(X, y, *each) for each in zip(found.ws, found.bs, strengths, strict=True)] / known - 1.0
    assert found.gaps.max() <= GOAL
    return Timed(best, float(gaps.max()), int(found.nonzeros[-1]), GOAL)


def measure(name: str, quick: bool, repeats: int, peers: tuple[Peer, ...]) -> Iterator[tuple[str, str, Timed]]:
    """(cell, solver, how it went) for every solver of a cell."""
    X, y = CELLS[name](quick)
    count = 8 if quick else COUNT
    strengths = steepest.regularisation_path(X, y, count=count, ratio=RATIO, tol=1e-2).l1s
    known = {intercept: least(X, y, strengths, intercept) for intercept in {True, *(p.intercept for p in peers)}}
    yield name, "steepest", ours(X, y, strengths, known[True], repeats)
    for peer in peers:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            list(
                peer.solve(
                    X[:100], y[:100] if len(set(y[:100])) > 1 else np.arange(100) % 2.0, strengths[:2], 1e-2, np.inf
                )
            )
            for tol in peer.tolerances:
                seen = timed(peer, X, y, strengths, known[peer.intercept], tol)
                if seen.gap <= GOAL or seen.short:
                    break
            for _ in range(0 if seen.seconds > 20.0 else repeats - 1):
                again = timed(peer, X, y, strengths, known[peer.intercept], tol)
                seen = min(seen, again, key=lambda each: each.seconds)
        yield name, peer.name, seen


def table(results: list[tuple[str, str, Timed]], machine: dict[str, object]) -> str:
    """The page, from the measurements alone."""
    base = {cell: seen.seconds for cell, name, seen in results if name == "steepest"}
    lines = [
        "# Lasso paths", "", (__doc__ or "").split("\n\n", 1)[1].strip(), "",
        f"Written by `python -m benchmarks.l1` on {machine.get('cores', '?')} cores. Ratio: seconds of the peer by "
        "those of steepest, the shortest of several runs of each, in one process; > where the peer was stopped."
        + (" Seconds of CPU: others used the machine." if Clock.now is time.process_time else ""), "",
        "| path | solver | tolerance | s | largest gap | weights at the end | ratio |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for cell, name, seen in results:
        ratio = "" if name == "steepest" else f"{'> ' if seen.short else ''}{seen.seconds / base[cell]:.1f}"
        missed = " (stopped)" if seen.short else " (missed)" if seen.gap > GOAL else ""
        told = f"{seen.tolerance:.0e} | {seen.seconds:.2f} | {seen.gap:.1e}{missed} | {seen.nonzeros}"
        lines.append(f"| {cell} | {name} | {told} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small problems, nothing is written")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cells", nargs="*", default=list(CELLS))
    parser.add_argument("--peers", nargs="*", default=[peer.name for peer in PEERS])
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--patience", type=float, default=PATIENCE)
    asked = parser.parse_args()
    Clock.now, Clock.patience = staticmethod(CLOCKS[asked.clock]), asked.patience
    peers = tuple(peer for peer in PEERS if peer.name in asked.peers)
    results = []
    for name in asked.cells:
        for result in measure(name, asked.quick, asked.repeats, peers):
            results.append(result)
            print(*result, flush=True)
    if not asked.quick:
        PAGE.write_text(table(results, describe()), encoding="utf-8")
        print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
