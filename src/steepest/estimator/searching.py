"""A search for C and the ratio: all folds fitted and scored, the best chosen and fitted to all rows; how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.estimator.arrival import Arrived
from steepest.estimator.choosing import Choice, averaged, chosen, new_layout, old_layout
from steepest.estimator.grid import Grid, Plan, fit_all
from steepest.estimator.held_out import HeldOut
from steepest.estimator.scoring import Scoring, score_all
from steepest.estimator.solving import Solved, solve
from steepest.types import Floats

__all__ = ["Searched", "results", "search"]


@dataclass(frozen=True, slots=True)
class Searched:
    """All fits, their scores (F, R, P), what was chosen, and the fit with it."""

    grid: Grid
    scores: Floats
    choice: Choice
    solved: Solved


def search(arrived: Arrived, plan: Plan, scoring: Scoring, refit: bool, rule: str) -> Searched:
    """Fit and score all folds of a plan; with `refit` fit all rows with what `rule` chooses, else average the best."""
    grid = fit_all(arrived, plan)
    model = HeldOut()
    model.classes_, model.n_features_in_ = arrived.classes, arrived.X.shape[1]
    scores = score_all(arrived, grid, plan, model, scoring)
    if refit:
        choice = chosen(scores, plan, rule)
        solved = solve(arrived, plan.strengths(choice.C, choice.l1_ratio, arrived.total_weight), plan.settings)
        return Searched(grid, scores, choice, replace(solved, stopped=solved.stopped or grid.stopped))
    choice = averaged(scores, grid, plan)
    assert choice.coef is not None
    assert choice.intercept is not None
    return Searched(grid, scores, choice, Solved(choice.coef, choice.intercept, (), 0, grid.stopped))


def results(found: Sequence[Searched], classes: NDArray[Any], legacy: bool, by_ratio: bool) -> dict[str, Any]:
    """The attributes of an estimator; of one search per class with entries per class, which only `legacy` has."""
    if len(found) == 1:
        one = found[0]
        if legacy:
            return old_layout(one.grid, one.scores, one.choice, classes, by_ratio)
        return new_layout(one.grid, one.scores, one.choice)
    if not legacy:
        raise ValueError("multi_class='ovr' has a C for every class: set use_legacy_attributes=True")
    parts = [old_layout(each.grid, each.scores, each.choice, classes[[0, k]], by_ratio) for k, each in enumerate(found)]
    told: dict[str, Any] = {}
    for name, first in parts[0].items():
        values = [part[name] for part in parts]
        if isinstance(first, dict):
            told[name] = {key: value for each in values for key, value in each.items()}
        else:
            told[name] = np.concatenate(values)
    return told
