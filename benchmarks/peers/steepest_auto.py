"""steepest: the mean loss + ½ l2 |w|², l2 = 1/(C m); the tolerance is a proved relative gap."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import steepest
from benchmarks.problem import Answer, Candidate, Declined, Problem, training_rows

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9, 1e-10)


def candidates(problem: Problem, threads: int, option: str) -> Iterator[Candidate]:
    """Tolerances, and the default."""
    known = inspect.signature(steepest.fit).parameters
    certified = "tol" in known
    if not certified and (problem.sparse or problem.classes > 2):
        raise Declined("dense and two classes only, so far")
    base: dict[str, Any] = {} if certified else {"method": "newton"}
    fit = _cross_validate if problem.folds else _fit
    yield Candidate("default", "default", lambda: fit(problem, base))
    for tol in TOLERANCES:
        asked = base | ({"tol": tol} if certified else {"gradient_tolerance": tol}) | {"threads": threads}
        yield Candidate("tol", f"tol {tol:g}", partial(fit, problem, asked))


def _fit(problem: Problem, options: dict[str, Any]) -> Answer:
    made = steepest.fit(problem.X, problem.y, l2=1.0 / (problem.C * len(problem.y)), **options)
    certificate = getattr(made, "certificate", None)
    return Answer(made.w, np.asarray(made.b), made.passes, None if certificate is None else certificate.gap)


def _cross_validate(problem: Problem, options: dict[str, Any]) -> Answer:
    """Fit by fit and penalty by penalty, until the lockstep has a public name."""
    w = np.empty((problem.folds, len(problem.penalties), problem.X.shape[1]))
    b = np.empty(w.shape[:2])
    passes = 0
    for fold in range(problem.folds):
        rows = training_rows(problem, fold)
        X, y = problem.X[rows], problem.y[rows]
        for at, C in enumerate(problem.penalties):
            answer = _fit(Problem(X, y, C), options)
            w[fold, at], b[fold, at] = answer.w, answer.b
            passes += answer.passes or 0
    return Answer(w, b, passes)
