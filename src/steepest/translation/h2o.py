"""H2O's GLM: the mean loss, columns standardised by default, by the deviation with divisor n - 1."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import BOUNDED, alike, one_number, origin, share, split, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.unbiased import by_their_deviation, by_used_rows, ours_from
from steepest.translation.wording import called, mean_loss, number, penalty, sum_loss

__all__ = ["TOOL", "from_h2o", "to_h2o"]

TOOL = Tool(
    key="h2o",
    name="H2O",
    formula="1/W Σᵢ sᵢ Lᵢ + lambda Σⱼ (alpha |ŝⱼ wⱼ| + (1 - alpha) ½ (ŝⱼ wⱼ)²)",
    differs=(
        "standardize=True by default: the penalty refers to standardised columns, ŝⱼ² = n/(n - 1) σⱼ², n the rows of "
        "weight > 0",
        "alpha=0.5 by default, and where no lambda is given H2O chooses one from the data",
        "obj_reg, 1/W by default, multiplies the loss alone",
        "with L1 only solver='COORDINATE_DESCENT' arrived at the optimum (3.46: IRLSM left a gradient of 1e-4, L_BFGS "
        "one of 5e-2)",
    ),
    sources=("https://docs.h2o.ai/h2o/latest-stable/h2o-docs/data-science/glm.html",),
    checked="3.46.0.12",
    defaults={
        "lambda_": None, "alpha": 0.5, "standardize": True, "intercept": True, "obj_reg": -1.0, "family": "binomial",
        "link": "family_default", "solver": "AUTO", "non_negative": False, "beta_constraints": None, "prior": -1.0,
    },
    aside=frozenset(
        {
            "max_iterations", "beta_epsilon", "gradient_epsilon", "objective_epsilon", "seed", "nfolds", "model_id",
            "remove_collinear_columns", "compute_p_values", "ignore_const_cols", "missing_values_handling",
            "weights_column", "max_runtime_secs", "lambda_search", "early_stopping", "score_each_iteration",
        }
    ),
    aliases={"lambda": "lambda_", "Lambda": "lambda_"},
)  # fmt: skip


def from_h2o(rows: RowsLike, **parameters: Any) -> Translation:
    """H2OGeneralizedLinearEstimator(family="binomial", **parameters) as an objective of ours.

    l1, l2 = alpha lambda √k, (1 - alpha) lambda k with k = n/(n - 1), or 1 where standardize=False. `rows` is their
    number, or the weights_column. Give the lambda that the fit used. Raises ValueError for a parameter that is not
    known here, or out of range, or without lambda.

    >>> from_h2o(5, lambda_=0.1, alpha=0.0).objective.options
    {'l2': 0.125, 'standardize': True}
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    if asked["family"] not in ("binomial", "AUTO") or asked["link"] not in ("family_default", "logit"):
        raise ValueError(f"family={asked['family']!r}, link={asked['link']!r}: only binomial with logit is logistic")
    total, ratio = strength("lambda_", asked["lambda_"]), share("alpha", asked["alpha"])
    divisor = one_number("obj_reg", asked["obj_reg"])
    times = 1.0 if divisor < 0.0 else divisor * about.total
    standardize = bool(asked["standardize"])
    l1, l2 = ours_from(total / times, ratio, by_used_rows(about) if standardize else 1.0)
    objective = Penalised(l1, l2, None, standardize, bool(asked["intercept"]))
    reasons = [*origin(objective)]
    reasons += [f"non_negative=True {BOUNDED}"] * bool(asked["non_negative"])
    reasons += [f"beta_constraints {BOUNDED}"] * (asked["beta_constraints"] is not None)
    reasons += ["prior moves the intercept after the fit"] * (one_number("prior", asked["prior"]) >= 0.0)
    settings = _settings(total, ratio, objective, asked["solver"])
    settings += (("obj_reg", divisor),) * (divisor >= 0.0)
    theirs = _theirs(settings, times, about, tuple(reasons))
    return Translation(TOOL, about, objective, theirs)


def to_h2o(objective: Penalised, rows: RowsLike) -> Translation:
    """The lambda and alpha whose minimiser on these rows is that of ours; columns penalised apart are beyond it.

    >>> to_h2o(Penalised(l1=0.01, l2=0.03), 50).call[:79]
    "H2OGeneralizedLinearEstimator(family='binomial', lambda_=0.04, alpha=0.25, stan"
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    total, ratio = by_their_deviation(even, by_used_rows(about) if objective.standardize else 1.0)
    settings = _settings(total, ratio, objective, "COORDINATE_DESCENT" if even.l1 else "AUTO")
    return Translation(TOOL, about, objective, _theirs(settings, 1.0, about, reasons))


def _settings(total: float, ratio: float, objective: Penalised, solver: str) -> tuple[tuple[str, Any], ...]:
    named: tuple[tuple[str, Any], ...] = (
        ("family", "binomial"), ("lambda_", total), ("alpha", ratio), ("standardize", objective.standardize)
    )  # fmt: skip
    named += (("solver", solver),) * (solver != "AUTO")
    return named if objective.intercept else (*named, ("intercept", False))


def _theirs(settings: tuple[tuple[str, Any], ...], times: float, rows: Rows, reasons: tuple[str, ...]) -> Theirs:
    named = dict(settings)
    scale = "ŝⱼ " if named["standardize"] else ""
    loss = mean_loss(rows) if times == 1.0 else sum_loss(rows, times / rows.total)
    formula = loss + penalty(*split(named["lambda_"], named["alpha"]), None, scale)
    if scale and named["lambda_"]:
        formula += f", ŝⱼ² = {number(by_used_rows(rows))} σⱼ²"
    return Theirs(settings, called("H2OGeneralizedLinearEstimator", settings), formula, times, reasons)
