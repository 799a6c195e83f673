"""scikit-learn's LogisticRegression: C times the *sum* of the losses, plus a penalty of strength 1."""

from __future__ import annotations

import math
from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import STANDARDIZED, alike, joined, one_number, origin, share, split
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, penalised_bias, penalty, sum_loss

__all__ = ["TOOL", "from_sklearn", "to_sklearn"]

TOOL = Tool(
    key="sklearn",
    name="scikit-learn",
    formula="C Σᵢ sᵢ Lᵢ + l1_ratio Σⱼ |wⱼ| + (1 - l1_ratio) ½ Σⱼ wⱼ²",
    differs=(
        "a sum of losses: the penalty weakens as rows are added, or weights grow (l1 + l2 = 1/(C W))",
        "solver='liblinear' penalises the intercept too: b = intercept_scaling · v, and v is one of the wⱼ",
        "class_weight multiplies sample_weight",
        "LogisticRegressionCV: the same C means another l1, l2 in a fold than in the final fit, W being smaller there",
    ),
    sources=(
        "https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression",
        "https://scikit-learn.org/stable/modules/generated/sklearn.linear_model.LogisticRegression.html",
    ),
    checked="1.9.1",
    defaults={
        "C": 1.0, "l1_ratio": 0.0, "penalty": "deprecated", "solver": "lbfgs", "fit_intercept": True,
        "intercept_scaling": 1.0, "class_weight": None,
    },
    aside=frozenset({"dual", "tol", "max_iter", "multi_class", "n_jobs", "random_state", "verbose", "warm_start"}),
)  # fmt: skip

CLASS = "LogisticRegression"
RATIOS = {"l1": 1.0, "l2": 0.0}  # the spellings up to 1.7


def from_sklearn(rows: RowsLike, *, standardized: bool = False, **parameters: Any) -> Translation:
    """LogisticRegression(**parameters) on these rows, as an objective of ours.

    l1 = l1_ratio/(C W), l2 = (1 - l1_ratio)/(C W), W the total weight; penalty="l1", "l2", "elasticnet" and None of
    versions up to 1.7 are understood. What `estimator.get_params()` holds may be handed on as it is.

    Parameters
    ----------
    rows
        Their number, or their weights (with class_weight multiplied in).
    standardized
        X goes through a StandardScaler first; then the penalty refers to standardised columns.
    **parameters
        Of LogisticRegression; what does not shape the objective is read past.

    Raises
    ------
    ValueError
        for a parameter that is not known here, or out of range.

    Examples
    --------
    >>> from_sklearn(50, C=0.1, l1_ratio=0.5, solver="saga").objective.options
    {'l1': 0.1, 'l2': 0.1}

    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    C, ratio = _strengths(asked)
    l1, l2 = split(1.0 / (C * about.total), ratio)
    objective = Penalised(l1, l2, None, standardized, bool(asked["fit_intercept"]))
    bias = _bias(asked, ratio) if math.isfinite(C) else ""
    reasons = origin(objective)
    if bias:
        reasons += (f"liblinear penalises the intercept too, by {bias}; ours never does, nor do its other solvers",)
    steps: tuple[str, ...] = (STANDARDIZED,) * standardized
    if asked["class_weight"] is not None:
        steps += ("sample_weight is to hold the class weights too, and `rows` these products",)
    settings = tuple((name, value) for name, value in asked.items() if name == "C" or value != TOOL.defaults[name])
    formula = _formula(C, ratio, about) + (f" + {bias}" if bias else "")
    theirs = Theirs(settings, called(CLASS, settings), formula, _multiple(C, about), reasons, steps)
    return Translation(TOOL, about, objective, theirs, standardized)


def to_sklearn(objective: Penalised, rows: RowsLike) -> Translation:
    """The LogisticRegression whose minimiser on these rows is that of ours: C = 1/((l1 + l2) W).

    L1 needs solver="saga" there, the others go by "lbfgs". Columns that are penalised apart are beyond it.

    >>> to_sklearn(Penalised(l2=0.02), 100).call
    'LogisticRegression(C=0.5)'
    >>> to_sklearn(Penalised(l2=0.02, penalty_factors=(1, 0)), 100).exact
    False
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    total, ratio = joined(even.l1, even.l2)
    C = 1.0 / (total * about.total) if total else math.inf
    settings: tuple[tuple[str, Any], ...] = (("C", C),)
    steps: tuple[str, ...] = (STANDARDIZED,) * objective.standardize
    if ratio:
        settings += (("l1_ratio", ratio), ("solver", "saga"))
        steps += ("before version 1.8 also penalty='elasticnet'",)
    settings += (("fit_intercept", False),) * (not objective.intercept)
    theirs = Theirs(settings, called(CLASS, settings), _formula(C, ratio, about), _multiple(C, about), reasons, steps)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _strengths(asked: dict[str, Any]) -> tuple[float, float]:
    """C and the share of L1, from the parameters of any version."""
    C = one_number("C", asked["C"])
    if not C > 0.0:
        raise ValueError(f"C={C} must be > 0")
    spelled = asked["penalty"]
    if spelled is None or spelled == "none":
        return math.inf, 0.0
    if spelled in RATIOS:
        return C, RATIOS[spelled]
    if spelled not in ("deprecated", "elasticnet"):
        raise ValueError(f"penalty={spelled!r} is none of 'l1', 'l2', 'elasticnet', None")
    return C, share("l1_ratio", asked["l1_ratio"] or 0.0)


def _bias(asked: dict[str, Any], ratio: float) -> str:
    """How liblinear penalises b = intercept_scaling · v: as it does the weights; empty for the other solvers."""
    if asked["solver"] != "liblinear" or not asked["fit_intercept"]:
        return ""
    return penalised_bias(one_number("intercept_scaling", asked["intercept_scaling"]), ratio == 1.0)


def _formula(C: float, ratio: float, rows: Rows) -> str:
    return sum_loss(rows, C) + penalty(*split(1.0, ratio)) if math.isfinite(C) else sum_loss(rows)


def _multiple(C: float, rows: Rows) -> float:
    return C * rows.total if math.isfinite(C) else rows.total
