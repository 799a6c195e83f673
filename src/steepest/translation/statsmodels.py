"""statsmodels: fit_regularized of GLM (elastic net, divided by the number of rows) and of Logit (L1, summed)."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import (
    STANDARDIZED,
    factors_of,
    joined,
    origin,
    per_column,
    share,
    split,
    strength,
)
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, mean_loss, penalty, sum_loss

__all__ = ["TOOL", "from_statsmodels", "to_statsmodels"]

TOOL = Tool(
    key="statsmodels",
    name="statsmodels",
    formula="GLM: 1/m Σᵢ sᵢ Lᵢ + Σⱼ αⱼ (L1_wt |wⱼ| + (1 - L1_wt) ½ wⱼ²);   Logit: Σᵢ Lᵢ + Σⱼ αⱼ |wⱼ|",
    differs=(
        "GLM divides by the number of rows m, also where the rows have weights (l = α m/W)",
        "Logit divides by nothing (l1 = α/m), has no weights and no L2",
        "the constant is a column of exog like any other: penalised with it, unless its α is 0",
        "GLM's own default is L1_wt = 1",
        "with L1, GLM never takes up again a column that it once set to 0, unless zero_tol=0 (0.15: 4e-4 above the "
        "optimum otherwise, on the table of our tests), and gives nan where a weight is 0",
    ),
    sources=(
        "https://www.statsmodels.org/stable/generated/"
        "statsmodels.genmod.generalized_linear_model.GLM.fit_regularized.html",
        "https://www.statsmodels.org/stable/generated/statsmodels.discrete.discrete_model.Logit.fit_regularized.html",
        "https://www.statsmodels.org/devel/_modules/statsmodels/base/elastic_net.html",
    ),
    checked="0.15.0",
    defaults={"model": "GLM", "alpha": 0.0, "L1_wt": 1.0, "constant": 0, "refit": False},
    aside=frozenset(
        {
            "method", "start_params", "check_step",
            "opt_method", "maxiter", "cnvrg_tol", "zero_tol", "acc", "full_output", "disp",
            "callback", "trim_mode", "auto_trim_tol", "size_trim_tol", "qc_tol",
        }
    ),
)  # fmt: skip


def from_statsmodels(rows: RowsLike, *, standardized: bool = False, **parameters: Any) -> Translation:
    """GLM(..., family=Binomial()).fit_regularized(**parameters), or of Logit, as an objective of ours.

    model     "GLM" or "Logit"
    alpha     one number, or one per column of exog
    L1_wt     the share of L1 (GLM alone)
    constant  which column of exog is the constant (add_constant puts it first), or None

    l1, l2 = L1_wt α m/W, (1 - L1_wt) α m/W; of Logit l1 = α/m. `rows` is their number, or their freq_weights or
    var_weights. Raises ValueError for a parameter that is not known here, or out of range.

    >>> from_statsmodels(50, alpha=[0.0, 0.25, 0.75], L1_wt=0.5).objective.options
    {'l1': 0.25, 'l2': 0.25, 'penalty_factors': (0.5, 1.5)}
    >>> from_statsmodels(50, alpha=0.1).reasons[0][:40]
    'the constant is penalised as the columns'
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    logit = _is_logit(asked["model"])
    ratio = 1.0 if logit else share("L1_wt", asked["L1_wt"])
    alpha, at, reasons = _alphas(asked)
    if logit and about.weighted:
        reasons += ("Logit takes no weights",)
    if asked["refit"]:
        reasons += ("refit=True fits again without the penalty, on the columns that are left",)
    scale = 1.0 / about.total if logit else about.m / about.total
    l1s, l2s = split(1.0, ratio)
    relative = [scale * each for each in alpha]
    found = per_column(
        [l1s * each for each in relative],
        [l2s * each for each in relative],
        standardized,
        asked["constant"] is not None,
    )
    assert found is not None  # one α for both
    reasons += origin(found)
    settings = _settings(logit, at[0] if np.ndim(asked["alpha"]) == 0 else at, ratio, asked["constant"])
    theirs = Theirs(
        settings, _call(settings), _formula(logit, alpha, ratio, about), 1.0 / scale, reasons,
        (STANDARDIZED,) * standardized,
    )  # fmt: skip
    return Translation(TOOL, about, found, theirs, standardized)


def to_statsmodels(objective: Penalised, rows: RowsLike, n: int, model: str = "GLM") -> Translation:
    """The `alpha` (constant first, at 0, then n columns) and `L1_wt` whose minimiser on these rows is that of ours.

    Raises ValueError where `n` is not the number of factors, or `model` neither "GLM" nor "Logit".

    >>> to_statsmodels(Penalised(l1=0.02, l2=0.02), 50, n=2).parameters
    {'model': 'GLM', 'alpha': (0.0, 0.04, 0.04), 'L1_wt': 0.5, 'zero_tol': 0.0}
    >>> to_statsmodels(Penalised(l2=0.02), 50, n=2, model="Logit").reasons
    ('Logit has no L2: l2=0.02 is left out',)
    """
    about, logit = Rows.of(rows), _is_logit(model)
    factors = objective.penalty_factors or (1.0,) * n
    if len(factors) != n:
        raise ValueError(f"the objective has {len(factors)} penalty_factors for n={n} columns")
    reasons = origin(objective)
    total, ratio = joined(objective.l1, objective.l2)
    if logit:
        if objective.l2:
            reasons += (f"Logit has no L2: l2={objective.l2!r} is left out",)
        if about.weighted:
            reasons += ("Logit takes no weights",)
        total, ratio = objective.l1, 1.0
    scale = about.total if logit else about.total / about.m
    alpha = tuple(total * scale * each for each in factors)
    settings = _settings(
        logit, (0.0, *alpha) if objective.intercept else alpha, ratio, 0 if objective.intercept else None
    )
    steps = (STANDARDIZED,) * objective.standardize
    if ratio and not logit:
        settings += (("zero_tol", 0.0),)
        steps += ("GLM gives nan where a weight is 0: leave these rows out, and out of `rows`",) * (
            about.used < about.m
        )
    theirs = Theirs(settings, _call(settings), _formula(logit, alpha, ratio, about), scale, reasons, steps)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _is_logit(model: str) -> bool:
    if model not in ("GLM", "Logit"):
        raise ValueError(f"model={model!r} is neither 'GLM' nor 'Logit'")
    return model == "Logit"


def _alphas(asked: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...], tuple[str, ...]]:
    """α of the columns, α as given, and what is wrong with that of the constant."""
    constant = asked["constant"]
    if np.ndim(asked["alpha"]) == 0:
        alpha = strength("alpha", asked["alpha"])
        penalised = "the constant is penalised as the columns are: give it an alpha of its own, 0"
        return (alpha,), (alpha,), (penalised,) * (alpha > 0.0 and constant is not None)
    given = factors_of("alpha", asked["alpha"])
    if constant is None:
        return given, given, ()
    if not -len(given) <= constant < len(given) or len(given) == 1:
        raise ValueError(
            f"alpha has {len(given)} numbers: give one per column of exog, with constant={constant} among them"
        )
    at = constant % len(given)
    if given[at]:
        return given[:at] + given[at + 1 :], given, (f"the constant is penalised: its alpha is {given[at]!r}",)
    return given[:at] + given[at + 1 :], given, ()


def _settings(logit: bool, alpha: Any, ratio: float, constant: int | None) -> tuple[tuple[str, Any], ...]:
    named: tuple[tuple[str, Any], ...] = (("model", "Logit" if logit else "GLM"), ("alpha", alpha))
    named += () if logit else (("L1_wt", ratio),)
    return named if constant == 0 else (*named, ("constant", constant))


def _call(settings: tuple[tuple[str, Any], ...]) -> str:
    model = settings[0][1]
    settings = tuple(each for each in settings if each[0] != "constant")
    made = "Logit(y, exog)" if model == "Logit" else "GLM(y, exog, family=Binomial())"
    written = called("fit_regularized", settings[1:]).replace("alpha=[", "alpha=np.array([").replace("]", "])")
    return f"{made}.{written}"


def _formula(logit: bool, alpha: tuple[float, ...], ratio: float, rows: Rows) -> str:
    alike = all(each == alpha[0] for each in alpha)
    l1, l2 = split(alpha[0] if alike else 1.0, ratio)
    loss = sum_loss(rows) if logit else mean_loss(rows, rows.m)
    return loss + penalty(l1, l2, None if alike else alpha).replace("fⱼ", "αⱼ").replace("f = ", "α = ")
