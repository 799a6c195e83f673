"""Snap ML minimises Σ L + ½ regularizer |w|², dual coordinate ascent. It appends a column s for the intercept and
penalises ½(b/s)²: s = 1, 10 and 100 are tried, and the referee sees what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from snapml import LogisticRegression

from benchmarks.problem import Answer, Candidate, Declined, Problem


def candidates(problem: Problem, threads: int, option: str) -> Iterator[Candidate]:
    """Tolerances of the change of the weights for three scalings of the intercept."""
    if problem.classes > 2 or problem.folds:
        raise Declined("one against the rest, one fit at a time")
    yield Candidate("default", "default", lambda: _fit(problem, {}, 1.0))
    for scale in (1.0, 10.0, 100.0):
        for tol in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
            asked = {"tol": tol, "max_iter": 10_000, "n_jobs": threads}
            name = f"s={scale:g}"
            yield Candidate(name, f"{name} {tol:g}", partial(_fit, problem, asked, scale))


def _fit(problem: Problem, options: dict[str, Any], scale: float) -> Answer:
    made = LogisticRegression(
        regularizer=1.0 / problem.C, fit_intercept=True, intercept_scaling=scale, dual=True, random_state=0, **options
    )
    made.fit(problem.X, problem.y.astype(np.float64))
    # intercept_ is the weight b/s of the column s
    return Answer(np.asarray(made.coef_).ravel(), scale * np.asarray(made.intercept_).ravel()[0])
