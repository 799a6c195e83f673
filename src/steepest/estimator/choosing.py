"""Which C and ratio a cross-validation chooses, and how its results are laid out: as before scikit-learn 1.10, and from
then on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.estimator.grid import Grid, Plan
from steepest.types import Floats

__all__ = ["Choice", "averaged", "chosen", "new_layout", "old_layout"]


@dataclass(frozen=True, slots=True)
class Choice:
    """The C and the ratio to refit with; of refit=False their means over the folds, with the mean coefficients."""

    C: float
    l1_ratio: float
    coef: Floats | None = None
    intercept: Floats | None = None


def chosen(scores: Floats, plan: Plan, rule: str) -> Choice:
    """The C and the ratio with the best mean score over the folds (scores (F, R, P)); of equal ones the first.

    rule "one_standard_error": the smallest C, at that ratio, whose mean is within one standard error of the best one's
    (L. Breiman, J. Friedman, R. Olshen, C. Stone, Classification and Regression Trees (1984), section 3.4.3).
    """
    total = scores.sum(axis=0).T  # (P, R): of equal scores the first C counts, then the first ratio
    p, r = np.unravel_index(int(np.argmax(total)), total.shape)
    if rule == "one_standard_error" and len(scores) > 1:
        mean = scores[:, r].mean(axis=0)
        error = float(scores[:, r, p].std(ddof=1)) / math.sqrt(len(scores))
        near = np.flatnonzero(mean >= mean[p] - error)
        p = near[np.argmin(plan.Cs[near])]
    return Choice(float(plan.Cs[p]), plan.ratios[r])


def averaged(scores: Floats, grid: Grid, plan: Plan) -> Choice:
    """What refit=False means: each fold's best fit, averaged over the folds, its C and ratio likewise."""
    F, R, P = scores.shape
    best = scores.transpose(0, 2, 1).reshape(F, -1).argmax(axis=1)
    p, r = np.unravel_index(best, (P, R))
    fold = np.arange(F)
    ratio = float(np.mean(np.asarray(plan.ratios)[r]))
    coef, intercept = grid.coef[fold, r, p].mean(axis=0), grid.intercept[fold, r, p].mean(axis=0)
    return Choice(float(plan.Cs[p].mean()), ratio, coef, intercept)


def old_layout(grid: Grid, scores: Floats, choice: Choice, classes: NDArray[Any], by_ratio: bool) -> dict[str, Any]:
    """Attributes by class, (F, P, R, …) each; `by_ratio` False: without the axis of the ratios, of which there is one.

    Two classes have one entry, of the second.
    """
    rows = grid.coef.shape[3]
    named = classes[1:] if rows == 1 else classes
    paths = _paths(grid).transpose(3, 0, 2, 1, 4)  # (rows, F, P, R, n + 1)
    by_fold, updates = scores.transpose(0, 2, 1), grid.iterations.transpose(0, 2, 1)[None]
    if not by_ratio:
        paths, by_fold, updates = paths[:, :, :, 0], by_fold[:, :, 0], updates[:, :, :, 0]
    keys = named.tolist() if named.dtype.kind in "OUS" else list(named)
    return {
        "coefs_paths_": dict(zip(keys, paths, strict=True)),
        "scores_": {key: by_fold.copy() for key in keys},
        "n_iter_": updates,
        "C_": np.full(rows, choice.C),
        "l1_ratio_": np.full(rows, choice.l1_ratio),
    }


def new_layout(grid: Grid, scores: Floats, choice: Choice) -> dict[str, Any]:
    """coefs_paths_ (F, R, P, rows, n + 1), scores_ and n_iter_ (F, R, P), C_ and l1_ratio_ numbers."""
    return {
        "coefs_paths_": _paths(grid),
        "scores_": scores,
        "n_iter_": grid.iterations,
        "C_": choice.C,
        "l1_ratio_": choice.l1_ratio,
    }


def _paths(grid: Grid) -> Floats:
    return np.concatenate([grid.coef, grid.intercept[..., None]], axis=-1) if grid.with_intercept else grid.coef
