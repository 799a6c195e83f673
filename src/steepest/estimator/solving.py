"""From rows and a penalty to coefficients: the one place where the estimators call `steepest.fit`.

Classes without weight (a class weight of 0, a fold that lacks a class) have no finite intercept: the optimum is
approached as it goes to -inf, and the others are those of the fit without them. That limit is what is returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.arrays import is_sparse
from steepest.driver import Step
from steepest.estimator.arrival import Arrived
from steepest.estimator.spelling import Asked, check_classes, strengths
from steepest.fitting import fit
from steepest.penalties import NONE, Penalties
from steepest.proof.certificate import Certificate
from steepest.result import Fit
from steepest.types import Floats, Status

__all__ = [
    "ENOUGH",
    "NOTHING",
    "TINY",
    "Settings",
    "Solved",
    "Watcher",
    "each_against",
    "gap_of_tol",
    "present_classes",
    "solve",
    "solve_asked",
    "solve_each",
    "stacked",
]

NOTHING = Certificate(math.inf, 1.0, math.inf, "unknown")
LEAST_GAP, LARGEST_GAP = 1e-25, 0.5  # certificates go no further down; a gap of 1 says nothing
LEAST_L1_GAP = 1e-14  # nor, with absolute values, does the search
TINY = 20_000  # elements of X: up to here a fit that is not watched has a quicker way, and makes few updates
ENDINGS = {Status.ITERATIONS: "max_iter", Status.CALLBACK: "max_iter", Status.BUDGET: "budget"}  # both count updates
ENOUGH = 40  # updates that such a fit never needs
Watcher = Callable[[Floats, Floats], bool]  # (coef, intercept) before an update -> whether to stop


@dataclass(frozen=True, slots=True)
class Settings:
    """How to search: `gap` is the proved relative gap to reach, `max_iter` updates at most, `budget` seconds.

    `beyond` are the factors and bounds of single columns; its l1 says nothing.
    """

    method: str
    learning_rate: Any
    gap: float
    budget: float | None
    max_iter: int
    intercept: bool
    threads: int | None
    names: tuple[str, ...] | None = None
    beyond: Penalties = NONE


@dataclass(frozen=True, slots=True)
class Solved:
    """coef (1, n) or (K, n), intercept (1,) or (K,), float64; the fits they came from, none where no update was made.

    `stopped` is what ended a fit before it was as good as asked for: "max_iter", "budget", "callback"; else "".
    """

    coef: Floats
    intercept: Floats
    fits: tuple[Fit, ...]
    iterations: int
    stopped: str = ""

    @property
    def history(self) -> Floats:
        """J before each update; of several fits the sum of them, as far as the shortest goes."""
        if len(self.fits) == 1:
            return self.fits[0].history
        shortest = min((len(fit.history) for fit in self.fits), default=0)
        total: Floats = np.sum([fit.history[:shortest] for fit in self.fits], axis=0) if self.fits else np.empty(0)
        return total

    @property
    def certificate(self) -> Certificate:
        """The weakest of the fits' certificates."""
        if len(self.fits) < 2:
            return self.fits[0].certificate if self.fits else NOTHING
        return max((fit.certificate for fit in self.fits), key=lambda each: each.gap)


def gap_of_tol(tol: float) -> float:
    """tol² / 10: the gap is quadratic in the gradient, which scikit-learn's tol bounds; 1e-9 at its default of 1e-4.

    >>> gap_of_tol(1e-4), gap_of_tol(0.0)
    (1e-09, 1e-25)
    """
    return min(max(0.1 * tol * tol, LEAST_GAP), LARGEST_GAP)


def solve(
    arrived: Arrived,
    penalty: tuple[float, float],
    settings: Settings,
    start: tuple[Floats, Floats] | None = None,
    watch: Watcher | None = None,
) -> Solved:
    """Minimise mean loss + l1 |w|_1 + ½ l2 |w|² with penalty = (l1, l2), the softmax of all classes where K > 2.

    `start` is (coef, intercept) of an earlier fit; `watch` sees every iterate.
    """
    K, n = len(arrived.classes), arrived.X.shape[1]
    present = present_classes(arrived)
    if len(present) < K:
        return _without(arrived, present, penalty, settings)
    if settings.max_iter == 0:
        rows = 1 if K == 2 else K
        coef, intercept = (np.zeros((rows, n)), np.zeros(rows)) if start is None else start
        return Solved(coef, intercept, (), 0, "max_iter")
    counter = _Counter(settings, watch)
    free = arrived.X.shape[0] * n <= TINY and settings.max_iter >= ENOUGH
    counted = watch is not None or (settings.method == "auto" and not free)
    found = _fit(arrived, penalty, settings, start, counter if counted else None)
    if found.iterations > settings.max_iter:
        found = _fit(arrived, penalty, settings, start, counter)
    if found.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    coef, intercept = as_coef(found.w, found.b)
    short = found.certificate.gap > settings.gap and found.certificate.exists != "disproved"
    stopped = ENDINGS.get(found.status, "") if short else ""
    if stopped == "max_iter" and found.iterations < settings.max_iter:
        stopped = "callback"
    return Solved(coef, intercept, (found,), found.iterations, stopped)


def solve_asked(
    arrived: Arrived, asked: Asked, settings: Settings, start: tuple[Floats, Floats] | None, watch: Watcher | None
) -> Solved:
    """What a LogisticRegression was asked for: one softmax or one fit per class, its C as strengths on the mean."""
    K = len(arrived.classes)
    check_classes(asked, K)
    l1, l2 = strengths(asked.C, asked.l1_ratio, arrived.total_weight)
    # softmax of two classes with weights -u/2 and u/2 is the sigmoid of u, and |u/2|² + |-u/2|² = ½ |u|²
    penalty = (l1, 0.5 * l2 if asked.symmetric and K == 2 else l2)
    if asked.one_vs_rest and K > 2:
        return solve_each(arrived, penalty, settings, start)
    return solve(arrived, penalty, settings, start, watch)


def solve_each(
    arrived: Arrived,
    penalty: tuple[float, float],
    settings: Settings,
    start: tuple[Floats, Floats] | None = None,
) -> Solved:
    """One fit per class, that class against all others: coef (K, n), intercept (K,)."""
    solved = []
    for k, against in enumerate(each_against(arrived)):
        begin = None if start is None else (start[0][k : k + 1], start[1][k : k + 1])
        solved.append(solve(against, penalty, settings, begin))
    return stacked(solved)


def each_against(arrived: Arrived) -> Iterator[Arrived]:
    """The rows with two classes, one after the other: each class as 1, all others as -1."""
    for k in range(len(arrived.classes)):
        yield replace(arrived, codes=(arrived.codes == k).view(np.uint8), classes=np.array([-1, 1]))


def stacked(solved: Sequence[Solved]) -> Solved:
    """One row per class from the fits of every class against all others."""
    return Solved(
        np.vstack([each.coef for each in solved]),
        np.concatenate([each.intercept for each in solved]),
        tuple(fit for each in solved for fit in each.fits),
        max(each.iterations for each in solved),
        next((each.stopped for each in solved if each.stopped), ""),
    )


def as_coef(w: Any, b: Any) -> tuple[Floats, Floats]:
    """Weights (n,) and a number, or (n, K) and (K,), as coef and intercept."""
    if isinstance(b, float):
        return w[None, :], np.array([b])
    return np.asarray(w).T, np.asarray(b, dtype=np.float64)


def _fit(
    arrived: Arrived,
    penalty: tuple[float, float],
    settings: Settings,
    start: tuple[Floats, Floats] | None,
    counter: _Counter | None,
) -> Fit:
    l1, l2 = penalty
    options: dict[str, Any] = {"method": settings.method} | ({} if l1 == 0.0 else {"l1": l1})
    if not settings.intercept:
        options["intercept"] = False
    if start is not None:
        coef, intercept = start
        two = len(coef) == 1
        options |= {"w": coef[0] if two else coef.T, "b": float(intercept[0]) if two else intercept}
    beyond = settings.beyond
    options |= {"penalty_factors": beyond.factors, "lower": beyond.lower, "upper": beyond.upper}
    if settings.method != "auto":
        options |= {"iterations": settings.max_iter, "learning_rate": settings.learning_rate}
    gap = settings.gap if l1 == 0.0 and settings.beyond.smooth else max(settings.gap, LEAST_L1_GAP)
    options |= {"tol": gap, "l2": l2, "budget": settings.budget, "callback": counter, "offset": arrived.offset}
    options |= {"feature_names": settings.names, "threads": settings.threads}
    if is_sparse(arrived.X) and arrived.X.shape[0] * arrived.X.shape[1] <= TINY:
        arrived = replace(arrived, X=arrived.X.toarray())  # as fast, and with the bits of dense ones
    if not arrived.grouped:
        opened: Any = arrived  # by its method `received`
        return fit(opened, arrived.codes, **options)
    found = fit(arrived.X, arrived.codes, trials=1.0, sample_weight=arrived.weight, **options)
    return replace(found, classes=tuple(arrived.classes.tolist()), schema=arrived.schema)


class _Counter:
    """A callback that stops `auto` after max_iter updates, and shows every iterate to `watch`."""

    def __init__(self, settings: Settings, watch: Watcher | None) -> None:
        self.most = settings.max_iter if settings.method == "auto" else math.inf  # descents count for themselves
        self.watch, self.intercept, self.made = watch, settings.intercept, 0

    def __call__(self, step: Step) -> bool:
        self.made += 1
        asked = False
        if self.watch is not None:
            coef, intercept = as_coef(step.w, step.b)
            asked = self.watch(coef, intercept if self.intercept else np.zeros_like(intercept))
        return asked or self.made >= self.most


def present_classes(arrived: Arrived) -> NDArray[np.intp]:
    """The classes that have a row of positive weight."""
    K = len(arrived.classes)
    if not arrived.part and (arrived.weight is None or arrived.grouped):  # of trials both were seen when they arrived
        return np.arange(K)
    if arrived.grouped:
        assert arrived.weight is not None
        return np.flatnonzero([arrived.weight @ (1.0 - arrived.codes), arrived.weight @ arrived.codes])
    counted = None if arrived.weight is None else arrived.weight > 0.0
    return np.flatnonzero(np.bincount(arrived.codes, counted, minlength=K))


def _without(arrived: Arrived, present: NDArray[np.intp], penalty: tuple[float, float], settings: Settings) -> Solved:
    """The fit to the classes that are there; the others get weights of 0 and an intercept of -inf."""
    K = len(arrived.classes)
    if len(present) < 2:
        label = arrived.classes[present[0]].item()
        raise ValueError(f"all rows that have a weight are of one class, {label!r}: two classes are needed")
    if not settings.intercept:
        missing = [arrived.classes[k].item() for k in np.setdiff1d(np.arange(K), present)]
        raise ValueError(f"no row of positive weight has class {missing}: leave it out, or fit an intercept")
    if not settings.beyond.smooth:
        raise ValueError("a class without weight has no finite intercept, and beside bounds on weights nothing is said")
    part = arrived.take(np.flatnonzero(np.isin(arrived.codes, present)))
    codes = np.searchsorted(present, part.codes).astype(arrived.codes.dtype)
    part = replace(part, codes=codes, classes=arrived.classes[present], part=False)
    # softmax of two classes is the sigmoid of the difference u of their weights, and |u/2|² + |-u/2|² = ½ |u|²
    inner = solve(part, (penalty[0], 0.5 * penalty[1]) if len(present) == 2 else penalty, settings)
    coef, intercept = inner.coef, inner.intercept
    if len(present) == 2:
        halves = np.array([-0.5, 0.5])
        coef, intercept = np.outer(halves, coef[0]) + 0.0, halves * intercept[0]  # + 0.0: no weight is -0
    whole, shifts = np.zeros((K, coef.shape[1])), np.full(K, -np.inf)
    whole[present], shifts[present] = coef, intercept
    return Solved(whole, shifts, inner.fits, inner.iterations, inner.stopped)
