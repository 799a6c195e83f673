"""What a LogisticRegression minimises, in one line with its numbers."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["minimised"]


def minimised(estimator: Any) -> str:
    """The objective as it was spelled."""
    within = _within(estimator)
    if math.isinf(estimator.C) or estimator.penalty is None:
        return "minimises the mean loss, without a penalty" + within
    l1_ratio = {"l1": 1.0, "l2": 0.0}.get(estimator.penalty, estimator.l1_ratio or 0.0)
    terms = [f"{0.5 * (1.0 - l1_ratio):g} |w|²"] if l1_ratio < 1.0 else []
    terms += [f"{l1_ratio:g} |w|_1"] if l1_ratio > 0.0 else []
    if estimator.penalty_factors is not None:
        terms[-1] += ", each column by its penalty factor"
    losses = "sum of losses" if estimator.weights == "frequency" else "sum of losses, weights of mean 1"
    return "minimises " + " + ".join([f"{estimator.C:g} ({losses})", *terms]) + within


def _within(estimator: Any) -> str:
    told = [name for name in ("lower", "upper", "monotonic_cst") if getattr(estimator, name) is not None]
    return f", within {', '.join(told)}" if told else ""
