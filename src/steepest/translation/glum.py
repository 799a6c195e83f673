"""glum: the mean loss, factors per column for L1 and L2 apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import BOUNDED, factors_of, joined, origin, per_column, share, split, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, listed, mean_loss, penalty

__all__ = ["TOOL", "from_glum", "to_glum"]

CONSTRAINTS = ("lower_bounds", "upper_bounds", "A_ineq", "b_ineq", "monotonic_constraints")

MATRIX: tuple[float, ...] = ()  # what no factors per column can say

TOOL = Tool(
    key="glum",
    name="glum",
    formula="1/W Σᵢ sᵢ Lᵢ + alpha Σⱼ (l1_ratio P1ⱼ |wⱼ| + (1 - l1_ratio) P2ⱼ ½ wⱼ²)",
    differs=(
        "P1 and P2 may differ, and P2 may be a matrix; ours has one factor per column for both",
        "scale_predictors=True: the penalty refers to standardised columns (divisor W, weights included), as ours does",
        "no penalty by default (alpha=None)",
    ),
    sources=("https://glum.readthedocs.io/en/latest/glm.html", "https://glum.readthedocs.io/en/latest/background.html"),
    checked="3.4.1",
    defaults={
        "alpha": None, "l1_ratio": 0.0, "P1": "identity", "P2": "identity", "scale_predictors": False,
        "fit_intercept": True, "family": "binomial", "link": "auto",
    } | dict.fromkeys(CONSTRAINTS),
    aside=frozenset(
        {
            "solver", "max_iter", "max_inner_iter", "gradient_tol", "step_size_tol", "hessian_approx", "warm_start",
            "alpha_search", "alphas", "n_alphas", "min_alpha_ratio", "min_alpha", "start_params", "selection",
            "random_state", "copy_X", "check_input", "verbose", "force_all_finite", "drop_first", "robust",
            "expected_information", "formula", "interaction_separator", "categorical_format", "cat_missing_method",
            "cat_missing_name",
        }
    ),
)  # fmt: skip


def from_glum(rows: RowsLike, **parameters: Any) -> Translation:
    """GeneralizedLinearRegressor(family="binomial", **parameters) as an objective of ours.

    l1, l2 = alpha l1_ratio, alpha (1 - l1_ratio), factors P1, P2. `rows` is their number, or their sample_weight.
    Raises ValueError for a parameter that is not known here, or out of range.

    >>> from_glum(50, alpha=0.1, l1_ratio=0.5, P1=[0, 1], P2=[0, 1]).objective.options
    {'l1': 0.025, 'l2': 0.025, 'penalty_factors': (0.0, 2.0)}
    >>> from_glum(50, alpha=0.1, l1_ratio=0.5, P1=[0, 1]).exact
    False
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    if asked["family"] != "binomial" or asked["link"] not in ("auto", "logit"):
        raise ValueError(f"family={asked['family']!r}, link={asked['link']!r}: only binomial with logit is logistic")
    alpha, ratio = strength("alpha", asked["alpha"] or 0.0), share("l1_ratio", asked["l1_ratio"])
    reasons = [f"{name} {BOUNDED}" for name in CONSTRAINTS if asked[name] is not None]
    first = _factors("P1", asked["P1"]) if alpha * ratio else None
    second = _factors("P2", asked["P2"]) if alpha * (1.0 - ratio) else None
    if second is MATRIX:
        second, reasons = None, [*reasons, "P2 is no diagonal matrix; ours has one factor per column: it is left out"]
    standardize, intercept = bool(asked["scale_predictors"]), bool(asked["fit_intercept"])
    n = max(len(each or (1.0,)) for each in (first, second))
    l1s, l2s = (
        [each * factor for factor in factors or (1.0,) * n]
        for each, factors in zip(split(alpha, ratio), (first, second), strict=True)
    )
    objective = per_column(l1s, l2s, standardize, intercept)
    if objective is None:
        objective = Penalised(*split(alpha, ratio), None, standardize, intercept)
        reasons.append("P1 and P2 are not in proportion; ours has one factor per column for both: they are left out")
    reasons += origin(objective, "theirs refuses")
    return Translation(TOOL, about, objective, _theirs(objective, (alpha, ratio), (first, second), about, reasons))


def to_glum(objective: Penalised, rows: RowsLike) -> Translation:
    """The alpha, l1_ratio, P1 and P2 whose minimiser is that of ours.

    >>> to_glum(Penalised(l1=0.01, l2=0.03), 50).call
    "GeneralizedLinearRegressor(family='binomial', alpha=0.04, l1_ratio=0.25)"
    """
    about, strengths = Rows.of(rows), joined(objective.l1, objective.l2)
    both = (objective.penalty_factors, objective.penalty_factors)
    reasons = [*origin(objective, "theirs refuses")]
    return Translation(TOOL, about, objective, _theirs(objective, strengths, both, about, reasons))


def _factors(name: str, value: Any) -> tuple[float, ...] | None:
    """None for the identity; a diagonal matrix counts as its diagonal; MATRIX for any other."""
    if value is None or (isinstance(value, str) and value == "identity"):
        return None
    dense = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    if dense.ndim == 2:
        if (dense != np.diag(np.diag(dense))).any():
            return MATRIX
        dense = np.diag(dense)
    return factors_of(name, dense)


def _theirs(
    objective: Penalised,
    strengths: tuple[float, float],
    factors: tuple[tuple[float, ...] | None, tuple[float, ...] | None],
    rows: Rows,
    reasons: list[str],
) -> Theirs:
    settings: tuple[tuple[str, Any], ...] = (
        ("family", "binomial"), ("alpha", strengths[0]), ("l1_ratio", strengths[1])
    )  # fmt: skip
    settings += tuple((name, each) for name, each in zip(("P1", "P2"), factors, strict=True) if each is not None)
    if objective.standardize:
        settings += (("scale_predictors", True),)
    if not objective.intercept:
        settings += (("fit_intercept", False),)
    scale = "σⱼ " if objective.standardize else ""
    l1, l2 = split(*strengths)
    if factors[0] == factors[1] or not l1 or not l2:
        formula = mean_loss(rows) + penalty(l1, l2, factors[0] if l1 else factors[1], scale)
    else:
        first, second = penalty(l1, 0.0, factors[0], scale), penalty(0.0, l2, factors[1], scale)
        named = ((first, factors[0], "P1"), (second, factors[1], "P2"))
        formula = mean_loss(rows)
        for part, each, name in named:
            formula += (
                part if each is None else part.replace("fⱼ", f"{name}ⱼ").replace(listed(each), f"{name} = {each}")
            )
    if scale and l1 + l2:
        formula += ", σⱼ with divisor W"
    return Theirs(settings, called("GeneralizedLinearRegressor", settings), formula, 1.0, tuple(reasons))
