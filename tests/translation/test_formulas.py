"""Their objectives, written down here from their documentation: `multiple` times ours at every (w, b).

This is what `exact` claims. The first terms of `to_theirs`, its parameters, go through the tool's formula.
"""

from dataclasses import replace

import numpy as np
import pytest
from translation.comparing import N, deviations, losses, random_objective, value
from translation.known_table import table

from steepest.translation import TOOLS, Penalised


def net(w, strength, share, scale=1.0, f=1.0):
    return strength * (share * (f * abs(scale * w)).sum() + (1 - share) / 2 * (f * (scale * w) ** 2).sum())


def unbiased(X, s, k):
    return deviations(X, s) * np.sqrt(k)


def sklearn(p, X, s, L, w):
    share = p.get("l1_ratio", 0.0)
    return s @ L if p["C"] == np.inf else p["C"] * (s @ L) + net(w, 1.0, share)


def statsmodels(p, X, s, L, w):
    alpha = np.array(p["alpha"][-N:])  # without the constant's
    if p["model"] == "Logit":
        return L.sum() + alpha @ abs(w)
    return (s @ L) / len(L) + net(w, 1.0, p["L1_wt"], f=alpha)


def glmnet(p, X, s, L, w):
    f = np.array(p.get("penalty.factor", [1.0] * N))
    f = f * N / f.sum()
    scale = deviations(X, s) if p["standardize"] else 1.0
    return (s / s.sum()) @ L + net(w, p["lambda"], p["alpha"], scale, f)


def glum(p, X, s, L, w):
    scale = deviations(X, s) if p.get("scale_predictors") else 1.0
    return (s / s.sum()) @ L + net(w, p["alpha"], p["l1_ratio"], scale, np.array(p.get("P1", [1.0] * N)))


def h2o(p, X, s, L, w):
    n = (s > 0).sum()
    scale = unbiased(X, s, n / (n - 1)) if p["standardize"] else 1.0
    return (s / s.sum()) @ L + net(w, p["lambda_"], p["alpha"], scale)


def spark(p, X, s, L, w):
    W = s.sum()
    scale = unbiased(X, s, W / (W - s @ s / W)) if p["standardization"] else 1.0
    return s @ L / W + net(w, p["regParam"], p["elasticNetParam"], scale)


def vw(p, X, s, L, w):
    return s @ L + net(w, p["l2"], 0.0)


def liblinear(p, X, s, L, w):
    return p["c"] * (s @ L) + (abs(w).sum() if p["s"] == 6 else w @ w / 2)


def skglm(p, X, s, L, w):
    return L.mean() + net(w, p["alpha"], p["l1_ratio"])


def cyanure(p, X, s, L, w):
    first, second = p["lambda_1"], p.get("lambda_2", 0.0)
    return L.mean() + (net(w, first, 0.0) if p["penalty"] == "l2" else net(w, first, 1.0) + net(w, second, 0.0))


def celer(p, X, s, L, w):
    return L.sum() + abs(w).sum() / p["C"]


def snapml(p, X, s, L, w):
    return s @ L + net(w, p["regularizer"], float(p["penalty"] == "l1"))


THEIRS = {
    each.__name__: each
    for each in (sklearn, statsmodels, glmnet, glum, h2o, spark, vw, liblinear, skglm, cyanure, celer, snapml)
}


@pytest.mark.parametrize("key", TOOLS)
@pytest.mark.parametrize("weighted", [True, False], ids=["weights", "rows"])
def test_theirs_is_a_multiple_of_ours(key, weighted, rng):
    X, y, s = table()
    s = s if weighted else np.ones(len(y))
    compared = 0
    for _ in range(40):
        objective = random_objective(rng)
        if key == "celer":
            objective = replace(objective, l1=0.3, penalty_factors=None, intercept=False)
        n = {"n": N} if key == "statsmodels" else {}
        told = TOOLS[key].to_theirs(objective, s if weighted else len(y), **n)
        if not all(reason.startswith("the intercept is penalised too") for reason in told.reasons):  # Snap ML's
            continue
        seen = (X - s @ X / s.sum()) / deviations(X, s) if told.standardized else X
        compared += 1
        w, b = rng.standard_normal(N), rng.standard_normal() if objective.intercept else 0.0
        ours_w, ours_b = w, b
        if told.standardized:  # their weights belong to standardised columns
            ours_w = w / deviations(X, s)
            ours_b = b - s @ X / s.sum() @ ours_w
        theirs = THEIRS[key](told.parameters, X, s, losses(seen, y, w, b), w)
        ours = value(X, y, s, objective, ours_w, ours_b)
        assert theirs == pytest.approx(told.multiple * ours, rel=1e-12), told.explain()
    assert compared >= 2 or (weighted and key in ("skglm", "cyanure", "celer", "snapml"))


def test_logit_too():
    X, y, _ = table()
    told = TOOLS["statsmodels"].to_theirs(Penalised(l1=0.1, penalty_factors=(1, 0, 2, 3)), len(y), n=N, model="Logit")
    w = np.array([0.5, -1.0, 2.0, 0.1])
    theirs = statsmodels(told.parameters, X, None, losses(X, y, w, 0.3), w)
    assert told.exact
    assert theirs == pytest.approx(told.multiple * value(X, y, np.ones(len(y)), told.objective, w, 0.3), rel=1e-14)
