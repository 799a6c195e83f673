"""All fits of a cross-validation: for every fold, ratio and C.

Two classes, dense rows of labels, an intercept and a penalty on the squares: `steepest.path`, all fits in lockstep.
Anything else one by one. A fold whose other rows are all of one class has no optimum; its limit, that class with
certainty, is what is returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steepest.estimator.arrival import Arrived
from steepest.estimator.solving import ENOUGH, Settings, Solved, present_classes, solve
from steepest.estimator.spelling import strengths
from steepest.lockstep.paths import MOST_MATRICES, path
from steepest.types import Floats

__all__ = ["Grid", "Plan", "fit_all"]

WORTH_LOCKSTEP = 4_000  # elements of X: smaller tables are fitted one by one in as many microseconds

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows to fit to, rows to score


@dataclass(frozen=True, slots=True)
class Plan:
    """F folds, R ratios and P values of C, and how to search; `symmetric` as in `spelling.Asked`."""

    folds: tuple[Fold, ...]
    ratios: tuple[float, ...]
    Cs: Floats
    settings: Settings
    symmetric: bool = False

    def strengths(self, C: float, l1_ratio: float, weight: float) -> tuple[float, float]:
        """(l1, l2) on the mean loss of rows that weigh so much."""
        l1, l2 = strengths(C, l1_ratio, weight)
        return l1, 0.5 * l2 if self.symmetric else l2


@dataclass(frozen=True, slots=True)
class Grid:
    """coef (F, R, P, rows, n), intercept (F, R, P, rows), iterations (F, R, P); rows is 1 for two classes, else K.

    gap   the largest gap of any of the fits      stopped   as in `Solved`, of any of them
    """

    coef: Floats
    intercept: Floats
    iterations: NDArray[np.int32]
    gap: float
    stopped: str
    with_intercept: bool = True


def fit_all(arrived: Arrived, plan: Plan) -> Grid:
    """Fit to the rows of every fold, for every ratio and C."""
    labels = _partition(arrived, plan) if _suits(arrived, plan) else None
    return _one_by_one(arrived, plan) if labels is None else _in_lockstep(arrived, plan, labels)


def _suits(arrived: Arrived, plan: Plan) -> bool:
    """Whether all fits are of the kind that `steepest.path` advances together, and it pays."""
    (m, n), asked = arrived.X.shape, plan.settings
    plain = isinstance(arrived.X, np.ndarray) and len(arrived.classes) == 2 and plan.ratios == (0.0,)
    free = asked.method == "auto" and asked.intercept and asked.budget is None and asked.max_iter >= ENOUGH
    small = len(plan.Cs) * (len(plan.folds) + 1) * (n + 1) ** 2 <= MOST_MATRICES
    free &= asked.beyond.plain and arrived.offset is None and not arrived.grouped
    return plain and free and small and m * n > WORTH_LOCKSTEP and n <= m and bool(np.isfinite(plan.Cs).all())


def _partition(arrived: Arrived, plan: Plan) -> NDArray[np.intp] | None:
    """The fold of each row, if every row is left out once and every fold has both classes; else None."""
    m = arrived.X.shape[0]
    labels = np.full(m, -1)
    for f, (train, test) in enumerate(plan.folds):
        fitted = np.zeros(m, dtype=bool)
        fitted[train] = True
        if len(train) + len(test) != m or np.count_nonzero(fitted) != len(train) or fitted[test].any():
            return None
        labels[test] = f
    counted = np.ones(m, dtype=bool) if arrived.weight is None else arrived.weight > 0.0
    whole = len(plan.folds) > 1 and labels.min() >= 0 and sum(len(test) for _, test in plan.folds) == m
    places = 2 * labels + arrived.codes
    return labels if whole and np.bincount(places[counted], minlength=2 * len(plan.folds)).all() else None


def _in_lockstep(arrived: Arrived, plan: Plan, labels: NDArray[np.intp]) -> Grid:
    l2s = [plan.strengths(C, 0.0, arrived.total_weight)[1] for C in plan.Cs.tolist()]
    found = path(
        arrived.X, arrived.codes, l2s, folds=labels, tol=plan.settings.gap, sample_weight=arrived.weight, same_sum=True,
        threads=plan.settings.threads,
    )  # fmt: skip
    coef, intercept = found.fold_w.swapaxes(0, 1)[:, None, :, None], found.fold_b.T[:, None, :, None]
    iterations = np.full(intercept.shape[:3], found.passes, dtype=np.int32)
    return Grid(coef, intercept, iterations, float(found.held_out_gap.max()), "")


def _one_by_one(arrived: Arrived, plan: Plan) -> Grid:
    shape = (len(plan.folds), len(plan.ratios), len(plan.Cs))
    K = len(arrived.classes)
    rows = 1 if K == 2 else K
    coef, intercept = np.empty((*shape, rows, arrived.X.shape[1])), np.empty((*shape, rows))
    iterations = np.zeros(shape, dtype=np.int32)
    gap, stopped = 0.0, ""
    for place, part, C, ratio in _parts(arrived, plan):
        solved = _one(part, C, ratio, plan)
        coef[place], intercept[place], iterations[place] = solved.coef, solved.intercept, solved.iterations
        gap, stopped = max(gap, solved.certificate.gap), stopped or solved.stopped
    return Grid(coef, intercept, iterations, gap, stopped, plan.settings.intercept)


def _parts(arrived: Arrived, plan: Plan) -> Iterator[tuple[tuple[int, int, int], Arrived, float, float]]:
    for f, (train, _) in enumerate(plan.folds):
        part = arrived.take(train)
        for r, ratio in enumerate(plan.ratios):
            for p, C in enumerate(plan.Cs.tolist()):
                yield (f, r, p), part, C, ratio


def _one(part: Arrived, C: float, ratio: float, plan: Plan) -> Solved:
    present = present_classes(part)
    if len(present) > 1 or not plan.settings.intercept:
        return solve(part, plan.strengths(C, ratio, part.total_weight), plan.settings)
    K, n = len(part.classes), part.X.shape[1]
    intercept = np.full(K, -np.inf)
    intercept[present] = 0.0
    if K == 2:
        intercept = np.array([np.inf if present[0] else -np.inf])
    return Solved(np.zeros((len(intercept), n)), intercept, (), 0)
