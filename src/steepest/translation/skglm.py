"""skglm's SparseLogisticRegression: the mean loss, elastic net, an intercept that is not penalised."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import NO_WEIGHTS, STANDARDIZED, alike, joined, origin, share, split, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, mean_loss, penalty

__all__ = ["TOOL", "from_skglm", "to_skglm"]

TOOL = Tool(
    key="skglm",
    name="skglm",
    formula="1/m Σᵢ Lᵢ + alpha Σⱼ (l1_ratio |wⱼ| + (1 - l1_ratio) ½ wⱼ²)",
    differs=("the estimator takes no weights of rows",),
    sources=("https://contrib.scikit-learn.org/skglm/generated/skglm.SparseLogisticRegression.html",),
    checked="0.5",
    defaults={"alpha": 1.0, "l1_ratio": 1.0, "fit_intercept": True},
    aside=frozenset({"tol", "max_iter", "max_epochs", "verbose", "warm_start"}),
)


def from_skglm(rows: RowsLike, *, standardized: bool = False, **parameters: Any) -> Translation:
    """SparseLogisticRegression(**parameters) as an objective of ours: l1, l2 = alpha l1_ratio, alpha (1 - l1_ratio).

    Raises ValueError for a parameter that is not known here, or out of range.

    >>> from_skglm(50, alpha=0.1).objective.l1
    0.1
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    alpha, ratio = strength("alpha", asked["alpha"]), share("l1_ratio", asked["l1_ratio"])
    objective = Penalised(*split(alpha, ratio), None, standardized, bool(asked["fit_intercept"]))
    theirs = _theirs(alpha, ratio, objective, about, origin(objective))
    return Translation(TOOL, about, objective, theirs, standardized)


def to_skglm(objective: Penalised, rows: RowsLike) -> Translation:
    """The alpha and l1_ratio whose minimiser is that of ours; no columns penalised apart.

    >>> to_skglm(Penalised(l1=0.01, l2=0.03), 50).call
    'SparseLogisticRegression(alpha=0.04, l1_ratio=0.25)'
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    theirs = _theirs(*joined(even.l1, even.l2), objective, about, reasons)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _theirs(alpha: float, ratio: float, objective: Penalised, rows: Rows, reasons: tuple[str, ...]) -> Theirs:
    settings: tuple[tuple[str, Any], ...] = (("alpha", alpha), ("l1_ratio", ratio))
    settings += (("fit_intercept", False),) * (not objective.intercept)
    reasons += (NO_WEIGHTS,) * rows.weighted
    formula = mean_loss(Rows.of(rows.m)) + penalty(*split(alpha, ratio))
    call = called("SparseLogisticRegression", settings)
    return Theirs(settings, call, formula, 1.0, reasons, (STANDARDIZED,) * objective.standardize)
