"""glum minimises the mean loss + ½ alpha |w|²: alpha = 1/(C m). Beyond 1,000 columns by its L-BFGS."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from glum import GeneralizedLinearRegressor

from benchmarks.problem import Answer, Candidate, Declined, Problem


def candidates(problem: Problem, threads: int, option: str) -> Iterator[Candidate]:
    """Tolerances of the gradient, and the default."""
    if problem.classes > 2 or problem.folds:
        raise Declined("two classes, one fit at a time")
    solver = "irls-ls" if problem.X.shape[1] <= 1_000 else "lbfgs"
    yield Candidate("default", "default", lambda: _fit(problem, {}))
    for tol in (1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10):
        asked = {"gradient_tol": tol, "solver": solver, "max_iter": 10_000}
        yield Candidate(solver, f"{solver} {tol:g}", partial(_fit, problem, asked))


def _fit(problem: Problem, options: dict[str, Any]) -> Answer:
    alpha = 1.0 / (problem.C * len(problem.y))
    made = GeneralizedLinearRegressor(family="binomial", alpha=alpha, l1_ratio=0, **options).fit(problem.X, problem.y)
    return Answer(made.coef_, made.intercept_)
