"""glmnet (R): the mean loss, columns standardised by default, penalty factors rescaled to mean 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import BOUNDED, DEVIATES, factors_of, joined, origin, share, split, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import mean_loss, penalty

__all__ = ["TOOL", "from_glmnet", "to_glmnet"]

TOOL = Tool(
    key="glmnet",
    name="glmnet",
    formula="1/W Σᵢ sᵢ Lᵢ + lambda Σⱼ fⱼ (alpha |σⱼ wⱼ| + (1 - alpha) ½ (σⱼ wⱼ)²), Σⱼ fⱼ = n",
    differs=(
        "standardize = TRUE by default: the penalty refers to standardised columns (divisor W, weights included)",
        "penalty.factor is rescaled so that its mean is 1",
        "weights are divided by their sum; with alpha = 1 as its default the penalty is L1 alone",
    ),
    sources=(
        "https://glmnet.stanford.edu/reference/glmnet.html",
        "https://glmnet.stanford.edu/articles/glmnet.html",
    ),
    checked="4.1-6",
    defaults={
        "lambda": None, "alpha": 1.0, "standardize": True, "penalty.factor": None, "intercept": True,
        "lower.limits": -math.inf, "upper.limits": math.inf, "exclude": None, "relax": False, "family": "binomial",
    },
    aside=frozenset({"thresh", "maxit", "nlambda", "dfmax", "pmax", "type.logistic", "trace.it", "lambda.min.ratio"}),
    aliases={
        "lambda_": "lambda", "penalty_factor": "penalty.factor", "lower_limits": "lower.limits",
        "upper_limits": "upper.limits",
    },
)  # fmt: skip


def from_glmnet(rows: RowsLike, **parameters: Any) -> Translation:
    """glmnet(x, y, family = "binomial", ...) at one lambda, as an objective of ours.

    l1, l2 = alpha lambda, (1 - alpha) lambda, with the factors fⱼ n/Σf. Names are R's (`lambda`, `penalty.factor`) or
    Python's (`lambda_`, `penalty_factor`). `rows` is their number, or their weights. Raises ValueError for a parameter
    that is not known here, or out of range, or without lambda.

    >>> from_glmnet(50, lambda_=0.5, alpha=0.5, standardize=False, penalty_factor=[1, 0, 1]).objective.options
    {'l1': 0.375, 'l2': 0.375, 'penalty_factors': (1.0, 0.0, 1.0)}
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    if asked["family"] != "binomial":
        raise ValueError(f"family={asked['family']!r}: only 'binomial' is a logistic regression")
    total, ratio = strength("lambda", asked["lambda"]), share("alpha", asked["alpha"])
    factors = None if asked["penalty.factor"] is None else factors_of("penalty.factor", asked["penalty.factor"])
    l1, l2 = split(total / _mean(factors), ratio)
    objective = Penalised(l1, l2, factors, bool(asked["standardize"]), bool(asked["intercept"]))
    reasons = (*_reasons(asked), *origin(objective, DEVIATES))
    return Translation(TOOL, about, objective, _theirs(objective, total, ratio, about, reasons))


def to_glmnet(objective: Penalised, rows: RowsLike) -> Translation:
    """The lambda, alpha and penalty.factor whose minimiser is that of ours: lambda = (l1 + l2) mean(f).

    >>> to_glmnet(Penalised(l1=0.01, l2=0.03), 50).call
    'glmnet(x, y, family = "binomial", lambda = 0.04, alpha = 0.25, standardize = FALSE)'
    """
    about = Rows.of(rows)
    total, ratio = joined(objective.l1, objective.l2)
    factors = objective.penalty_factors
    if factors is not None and not any(factors):  # glmnet refuses factors that are all 0
        nothing = Penalised(intercept=objective.intercept)
        return Translation(TOOL, about, objective, _theirs(nothing, 0.0, 0.0, about, ()))
    return Translation(
        TOOL, about, objective, _theirs(objective, total * _mean(factors), ratio, about, origin(objective, DEVIATES))
    )


def _mean(factors: tuple[float, ...] | None) -> float:
    if factors is None:
        return 1.0
    if not any(factors):
        raise ValueError("penalty.factor is 0 for all columns: glmnet refuses that; use lambda=0")
    return sum(factors) / len(factors)


def _theirs(objective: Penalised, total: float, ratio: float, rows: Rows, reasons: tuple[str, ...]) -> Theirs:
    factors = objective.penalty_factors
    settings: tuple[tuple[str, Any], ...] = (
        ("lambda", total), ("alpha", ratio), ("standardize", objective.standardize)
    )  # fmt: skip
    written = [f"lambda = {total!r}", f"alpha = {ratio!r}", f"standardize = {str(objective.standardize).upper()}"]
    rescaled = None
    if factors is not None:
        settings += (("penalty.factor", factors),)
        written.append(f"penalty.factor = c({', '.join(repr(each) for each in factors)})")
        rescaled = tuple(each / _mean(factors) for each in factors)
    if not objective.intercept:
        settings += (("intercept", False),)
        written.append("intercept = FALSE")
    scale = "σⱼ " if objective.standardize else ""
    formula = mean_loss(rows) + penalty(*split(total, ratio), rescaled, scale)
    if scale and total:
        formula += ", σⱼ with divisor W"
    weights = ", weights = s" if rows.weighted else ""
    call = f'glmnet(x, y, family = "binomial", {", ".join(written)}{weights})'
    return Theirs(settings, call, formula, 1.0, reasons)


def _reasons(asked: dict[str, Any]) -> tuple[str, ...]:
    limits = (("lower.limits", -math.inf), ("upper.limits", math.inf))
    found = [f"{name} {BOUNDED}" for name, free in limits if (np.asarray(asked[name]) != free).any()]
    if asked["exclude"] is not None and np.size(asked["exclude"]):
        found.append("exclude leaves columns out: leave them out of X as well")
    if asked["relax"]:
        found.append("relax=True fits again without the penalty, on the columns that are left")
    return tuple(found)
