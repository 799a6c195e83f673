"""Objectives of ours, evaluated by their definition, and how far from the optimum of one a point is."""

import numpy as np

import steepest
from steepest.translation import Penalised

N = 4


def deviations(X, s):
    """σⱼ with divisor W, by its definition."""
    W = s.sum()
    return np.sqrt(s @ (X - s @ X / W) ** 2 / W)


def losses(X, y, w, b):
    """L of every row."""
    return np.logaddexp(0.0, (1 - 2 * y) * (X @ w + b))


def value(X, y, s, objective, w, b):
    """F(w, b) of an objective of ours, written down again here."""
    scale = deviations(X, s) if objective.intercept else np.sqrt(s @ X**2 / s.sum())
    scaled = scale * w if objective.standardize else w
    f = np.ones(len(w)) if objective.penalty_factors is None else np.array(objective.penalty_factors)
    penalty = objective.l1 * (f @ abs(scaled)) + objective.l2 / 2 * (f @ scaled**2)
    return s @ losses(X, y, w, b) / s.sum() + penalty


def fitted(X, y, s, objective):
    """w and b of `steepest.fit`, with a proved gap far below what is compared."""
    made = steepest.fit(X, y, sample_weight=s, tol=1e-9, **objective.options)
    return np.asarray(made.w), float(made.b)


def excess(X, y, s, objective, w, b):
    """(F(theirs) - F(ours)) / F(ours): 0 where both found the same optimum, to the accuracy of both."""
    best = value(X, y, s, objective, *fitted(X, y, s, objective))
    return (value(X, y, s, objective, w, b) - best) / best


def random_objective(rng, factors=True):
    """Any objective of ours on the table."""
    intercept = bool(rng.random() < 0.7)
    l1, l2 = rng.choice([0.0, 0.01, 0.3], 2)
    f = tuple(rng.choice([0.0, 0.5, 1.0, 3.0], N).tolist()) if factors and rng.random() < 0.5 else None
    return Penalised(l1, l2, f, bool(rng.random() < 0.5), intercept)
