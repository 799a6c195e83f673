"""How far given coefficients are from the optimum on a table: the optimum is found beside them, and compared.

Two classes and squares: all that a certificate says, from `steepest.fit` with no iterations. Anything else: the gap
alone, from the proved lower bound of the optimum, F* >= F_found / (1 + gap_found), and F at the coefficients, which is
evaluated with a bound on its rounding.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steepest import softmax_formulas
from steepest.data.arrays import is_sparse
from steepest.estimator.arrival import Arrived
from steepest.estimator.solving import NOTHING, Settings, solve
from steepest.fitting import fit
from steepest.formulas import loss
from steepest.proof.certificate import Certificate
from steepest.proof.rounding import SLACK, UNIT, gamma
from steepest.types import Floats

__all__ = ["distance"]


def distance(
    arrived: Arrived, at: tuple[Floats, Floats], penalty: tuple[float, float], settings: Settings
) -> Certificate:
    """What is proved of (coef, intercept) on the rows of `arrived`, for the penalty (l1, l2) on their mean loss."""
    coef, intercept = at
    beyond = settings.beyond
    outside = any(
        limit is not None and np.any(sign * coef > sign * limit)
        for sign, limit in ((-1.0, beyond.lower), (1.0, beyond.upper))
    )
    if outside:
        return NOTHING
    if len(arrived.classes) == 2 and penalty[0] == 0.0 and beyond.plain:
        through: dict[str, Any] = {} if settings.intercept else {"intercept": False}
        seen = fit(
            arrived.X, arrived.codes, method="gd", learning_rate=1.0, iterations=0, w=coef[0], b=float(intercept[0]),
            l2=penalty[1], sample_weight=arrived.weight, tol=settings.gap, threads=settings.threads, **through,
        )  # fmt: skip
        return seen.certificate
    best = solve(arrived, penalty, settings)
    found = best.certificate
    if not best.fits or not math.isfinite(found.gap) or len(best.fits[0].classes) < len(arrived.classes):
        return Certificate(math.inf, 1.0, math.inf, found.exists, found.witness)
    adding = gamma(sum(arrived.X.shape) + 64.0)  # of every sum of m terms, the one that best.value was included
    least = best.fits[0].value * (1.0 - adding) / (1.0 + found.gap) * (1.0 - UNIT)
    value = _value(arrived, coef, intercept, (*penalty, 1.0 if beyond.factors is None else beyond.factors), adding)
    gap = max(0.0, value - least) / least * SLACK if least > 0.0 else math.inf
    return Certificate(gap, NOTHING.max_probability_error, NOTHING.max_coefficient_error, found.exists)


def _value(
    arrived: Arrived, coef: Floats, intercept: Floats, penalty: tuple[float, float, float | Floats], adding: float
) -> float:
    """Mean loss plus penalty (l1, l2, factors) at (coef, intercept), rounding included: an upper bound."""
    m, n = arrived.X.shape
    s = np.ones(m) if arrived.weight is None else arrived.weight
    X: Any = arrived.X if is_sparse(arrived.X) else np.asarray(arrived.X[:m])
    size = np.asarray(abs(X) @ np.abs(coef).T + np.abs(intercept)).max(axis=1)
    z = np.asarray(X @ coef.T + intercept)
    losses = loss(z[:, 0], arrived.codes) if z.shape[1] == 1 else softmax_formulas.loss(z, arrived.codes)
    l1, l2, factors = penalty
    charge = l1 * float(np.sum(factors * np.abs(coef))) + 0.5 * l2 * float(np.sum(factors * coef * coef))
    value = float(s @ losses) / float(s.sum()) + charge
    doubt = 2.0 * gamma(n + 4) * float(s @ size) / float(s.sum())  # a loss changes by at most twice what z does
    return value + (doubt + (adding + gamma(coef.size + 8.0)) * value) * SLACK
