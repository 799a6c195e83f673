"""Cyanure minimises the mean loss + ½ lambda_1 |w|²; its tolerance is a duality gap. Labels -1 and 1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from cyanure.estimators import Classifier

from benchmarks.problem import Answer, Candidate, Declined, Problem


def candidates(problem: Problem, threads: int, option: str) -> Iterator[Candidate]:
    """Its automatic choice and quasi-Newton acceleration, each by tolerance."""
    if problem.folds:
        raise Declined("one fit at a time")
    yield Candidate("default", "default", lambda: _fit(problem, {}))
    for solver in ("auto", "qning-miso"):
        for tol in (1e-3, 1e-4, 1e-6, 1e-7, 1e-9, 1e-11):
            asked = {"solver": solver, "tol": tol, "max_iter": 100_000, "n_threads": threads}
            yield Candidate(solver, f"{solver} {tol:g}", partial(_fit, problem, asked))


def _fit(problem: Problem, options: dict[str, Any]) -> Answer:
    softmax = problem.classes > 2
    made = Classifier(
        loss="multiclass-logistic" if softmax else "logistic", penalty="l2", fit_intercept=True,
        lambda_1=1.0 / (problem.C * len(problem.y)), verbose=False, **options
    )  # fmt: skip
    made.fit(problem.X, problem.y if softmax else 2 * problem.y - 1)
    if softmax:
        return Answer(np.asarray(made.coef_), np.asarray(made.intercept_).ravel())
    return Answer(np.asarray(made.coef_).ravel(), np.asarray(made.intercept_).ravel()[0])
