"""`python -m benchmarks.l1`: paths of 50 strengths to a relative gap of 1e-6, against the best solvers for them.

    F(w, b) = 1/m Σ L(σ(w'x + b), y) + λ (r |w|₁ + (1 - r)/2 |w|²)

r = 1 is the lasso, r = 0.5 an elastic net; λ goes from the smallest that leaves no weight down to 1/100 of it. Every λ
of a path must be within 1e-6. F is evaluated at the returned weights by NumPy alone; F* is not below what a proof of
steepest says, to 1e-9. Weights count unless they are exactly 0.0. A peer gets the loosest of its tolerances that is
enough, so nobody is slowed down by being asked for too much; conversions of the data are its own. Each run of a peer is
a process of its own, ended after 22 times the seconds of steepest (15 at least): its ratio is then a lower bound. celer
(which answers all λ at once) and liblinear have no intercept that is not penalised, so they solve the lasso without it,
with an F* of their own; scikit-learn 1.9 has no solver for absolute values that is newer than saga.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import multiprocessing
import resource
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
PATIENCE, MARGIN = 15.0, 22.0  # a path may take so many seconds and so many times ours; then only a bound is known
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "l1.md"


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows, labels 0 and 1, the strengths λ, and r: how much of a λ is for absolute values."""

    X: Any
    y: Floats
    strengths: Floats
    l1_ratio: float

    def value(self, w: Floats, b: float, strength: float) -> float:
        """F(w, b)."""
        t = (1.0 - 2.0 * self.y) * (np.asarray(self.X @ w) + b)
        mean = float(np.mean(np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))))
        return mean + strength * float(self.l1_ratio * np.abs(w).sum() + 0.5 * (1.0 - self.l1_ratio) * (w @ w))


@dataclass(frozen=True, slots=True)
class Peer:
    """A solver of paths: solve(problem, tolerance) yields (w, b) one after the other."""

    name: str
    solve: Callable[[Problem, float], Iterator[tuple[Floats, float]]]
    tolerances: tuple[float, ...]
    intercept: bool
    elastic: bool


def _by_columns(X: Any) -> Any:
    return X.tocsc() if hasattr(X, "tocsc") else np.asfortranarray(X)


def _celer(asked: Problem, tol: float) -> Iterator[tuple[Floats, float]]:
    alphas = asked.strengths * len(asked.y)
    found = celer_path(_by_columns(asked.X), 2.0 * asked.y - 1.0, pb="logreg", alphas=alphas, tol=tol, max_iter=100)
    yield from ((w, 0.0) for w in found[1].T)


def _skglm(asked: Problem, tol: float) -> Iterator[tuple[Floats, float]]:
    rows = _by_columns(asked.X)
    model = SparseLogisticRegression(
        l1_ratio=asked.l1_ratio, tol=tol, fit_intercept=True, warm_start=True, max_iter=100
    )
    for strength in asked.strengths:
        model.set_params(alpha=strength).fit(rows, asked.y)
        yield model.coef_.ravel().copy(), float(np.ravel(model.intercept_)[0])


def _scikit(solver: str, intercept: bool) -> Callable[[Problem, float], Iterator[tuple[Floats, float]]]:
    def solve(asked: Problem, tol: float) -> Iterator[tuple[Floats, float]]:
        model = LogisticRegression(
            solver=solver, l1_ratio=asked.l1_ratio, tol=tol, fit_intercept=intercept, warm_start=True, max_iter=100_000
        )
        for strength in asked.strengths:
            model.set_params(C=1.0 / (strength * len(asked.y))).fit(asked.X, asked.y)
            yield model.coef_.ravel().copy(), float(np.ravel(model.intercept_)[0])

    return solve


class Clock:
    """What is measured: seconds that pass, or, where others use the machine too, those of this process on all cores."""

    now = staticmethod(time.perf_counter)


PEERS = (
    Peer("skglm", _skglm, (1e-4, 1e-5, 1e-6, 1e-7, 1e-8), True, True),
    Peer("saga", _scikit("saga", True), (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9), True, True),
    Peer("celer", _celer, (1e-4, 1e-5, 1e-6, 1e-7, 1e-8), False, False),
    Peer("liblinear", _scikit("liblinear", False), (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7), False, False),
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


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of a path, its largest relative gap, weights that are not 0 at its end, λ that were finished of how many.

    `short`: it was ended before it was through.
    """

    seconds: float
    gap: float
    nonzeros: int
    tolerance: float
    finished: int
    asked: int

    @property
    def short(self) -> bool:
        return self.finished < self.asked


def least(asked: Problem, intercept: bool) -> Floats:
    """F* of every λ from below, by the proofs of a run to 1e-9: of a path, or without an intercept of single fits."""
    if intercept:
        found = steepest.regularisation_path(asked.X, asked.y, asked.strengths, l1_ratio=asked.l1_ratio, tol=1e-9)
        return np.array(found.values / (1.0 + found.gaps))
    bounds = []
    for strength in asked.strengths:
        l1, l2 = asked.l1_ratio * strength, (1.0 - asked.l1_ratio) * strength
        fit = steepest.fit(asked.X, asked.y, l1=l1, l2=l2, intercept=False, tol=1e-9)
        bounds.append(fit.value / (1.0 + fit.certificate.gap))
    return np.array(bounds)


def _answer(peer: Peer, asked: Problem, tol: float, limit: float, pipe: Any) -> None:
    """What the process of a run does: (seconds since it began, (w, b)) of every λ."""
    warnings.simplefilter("ignore")
    started = Clock.now()
    if Clock.now is time.process_time:
        resource.setrlimit(resource.RLIMIT_CPU, (int(np.ceil(limit)), resource.RLIM_INFINITY))
    for found in peer.solve(asked, tol):
        pipe.send((Clock.now() - started, found))
    pipe.close()


def timed(peer: Peer, asked: Problem, known: Floats, tol: float, limit: float) -> Timed:
    """One run at one tolerance, of `limit` seconds at most."""
    reader, writer = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_answer, args=(peer, asked, tol, limit, writer))
    child.start()
    writer.close()
    began, found, seconds = time.perf_counter(), [], 0.0
    wall = Clock.now is time.perf_counter
    try:
        while reader.poll(max(0.0, began + limit - time.perf_counter()) if wall else None):
            seconds, each = reader.recv()
            found.append(each)
    except EOFError:
        pass
    child.kill()
    child.join()
    gaps = [asked.value(w, b, s) / low - 1.0 for (w, b), s, low in zip(found, asked.strengths, known, strict=False)]
    last = int(np.count_nonzero(found[-1][0])) if found else 0
    through = len(found) == len(asked.strengths)
    return Timed(seconds if through else limit, max(gaps, default=np.nan), last, tol, len(found), len(known))


def ours(asked: Problem, known: Floats, repeats: int) -> Timed:
    """The path of steepest, proved."""
    best = np.inf
    for _ in range(repeats):
        started = Clock.now()
        found = steepest.regularisation_path(asked.X, asked.y, asked.strengths, l1_ratio=asked.l1_ratio, tol=GOAL)
        best = min(best, Clock.now() - started)
    gaps = [asked.value(*each) for each in zip(found.ws, found.bs, asked.strengths, strict=True)] / known - 1.0
    assert found.gaps.max() <= GOAL
    return Timed(best, float(gaps.max()), int(found.nonzeros[-1]), GOAL, len(known), len(known))


def measure(
    cell: tuple[str, float], quick: bool, repeats: int, peers: tuple[Peer, ...], patience: float
) -> Iterator[tuple[str, str, Timed]]:
    """(cell, solver, how it went) for every solver of a cell and an l1_ratio."""
    X, y = CELLS[cell[0]](quick)
    count = 8 if quick else COUNT
    l1_ratio = cell[1]
    strengths = steepest.regularisation_path(X, y, l1_ratio=l1_ratio, count=count, ratio=RATIO, tol=1e-2)
    asked = Problem(X, y, strengths.l1s / l1_ratio, l1_ratio)
    peers = tuple(peer for peer in peers if peer.elastic or l1_ratio == 1.0)
    known = {intercept: least(asked, intercept) for intercept in {True, *(p.intercept for p in peers)}}
    name = f"{cell[0]}, r = {l1_ratio:g}"
    best = ours(asked, known[True], repeats)
    yield name, "steepest", best
    limit = max(patience, MARGIN * best.seconds)
    for peer in peers:
        list(peer.solve(Problem(X, y, asked.strengths[:3], l1_ratio), 0.1))  # with a weight that is not 0: all compiled
        for tol in peer.tolerances:
            seen = timed(peer, asked, known[peer.intercept], tol, limit)
            if seen.gap <= GOAL or seen.short:
                break
        for _ in range(0 if seen.seconds > 20.0 else repeats - 1):
            again = timed(peer, asked, known[peer.intercept], seen.tolerance, limit)
            seen = min(seen, again, key=lambda each: each.seconds)
        yield name, peer.name, seen


def table(results: list[tuple[str, str, Timed]], machine: dict[str, object]) -> str:
    """The page, from the measurements alone."""
    base = {cell: seen.seconds for cell, name, seen in results if name == "steepest"}
    lines = [
        "# Lasso and elastic-net paths", "", (__doc__ or "").split("\n\n", 1)[1].strip(), "",
        f"Written by `python -m benchmarks.l1` on {machine.get('cores', '?')} cores. Ratio: seconds of the peer by "
        "those of steepest, the shortest of several runs of each; > where the peer was stopped."
        + (" Seconds of CPU: others used the machine." if Clock.now is time.process_time else ""), "",
        "| path | solver | tolerance | λ finished | s | largest gap | weights at the end | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for cell, name, seen in results:
        ratio = "" if name == "steepest" else f"{'> ' if seen.short else ''}{seen.seconds / base[cell]:.1f}"
        missed = " (stopped)" if seen.short else " (missed)" if seen.gap > GOAL else ""
        done = f"{seen.finished} of {seen.asked}"
        told = f"{seen.tolerance:.0e} | {done} | {seen.seconds:.2f} | {seen.gap:.1e}{missed} | {seen.nonzeros}"
        lines.append(f"| {cell} | {name} | {told} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small problems, nothing is written")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cells", nargs="*", default=list(CELLS))
    parser.add_argument("--l1-ratios", nargs="*", type=float, default=[1.0, 0.5])
    parser.add_argument("--peers", nargs="*", default=[peer.name for peer in PEERS])
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--patience", type=float, default=PATIENCE)
    asked = parser.parse_args()
    Clock.now = staticmethod(CLOCKS[asked.clock])
    peers = tuple(peer for peer in PEERS if peer.name in asked.peers)
    results = []
    for cell in itertools.product(asked.cells, asked.l1_ratios):
        for result in measure(cell, asked.quick, asked.repeats, peers, asked.patience):
            results.append(result)
            print(*result, flush=True)
    if not asked.quick:
        PAGE.write_text(table(results, describe()), encoding="utf-8")
        print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
