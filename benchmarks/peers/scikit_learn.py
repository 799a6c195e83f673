"""scikit-learn: C Σ L + ½|w|² has the minimiser of F. liblinear appends a column s to X for the intercept and penalises
its weight b/s by ½(b/s)²; s = 10 and 1000 make that small, and the referee sees what is left. Cross-validation:
LogisticRegressionCV on the same folds, without its final refit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV

from benchmarks.problem import Answer, Candidate, Declined, Problem, training_rows

TOLERANCES = {
    "lbfgs": (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10),
    "newton-cholesky": (1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10),
    "newton-cg": (1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10),
    "liblinear": (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8),
    "saga": (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8),
}
LARGEST_HESSIAN = 5_000


def candidates(problem: Problem, threads: int, solver: str) -> Iterator[Candidate]:
    """The solver's tolerances, and its default."""
    unknowns = problem.X.shape[1] * (problem.classes if problem.classes > 2 else 1)
    if solver == "newton-cholesky" and unknowns > LARGEST_HESSIAN:
        raise Declined(f"a Hessian of {unknowns} x {unknowns}")
    if solver == "liblinear" and problem.classes > 2:
        raise Declined("one against the rest, not softmax")
    if problem.folds and solver == "saga":
        raise Declined("lbfgs, newton-cholesky, newton-cg and liblinear stand for LogisticRegressionCV")
    fit = _cross_validate if problem.folds else _fit
    yield Candidate("default", "default", lambda: fit(problem, {"solver": solver}))
    for variant, options in _variants(solver).items():
        for tol in TOLERANCES[solver]:
            asked = {"solver": solver, "tol": tol} | options
            yield Candidate(variant, f"{variant} {tol:g}", partial(fit, problem, asked))


def _variants(solver: str) -> dict[str, dict[str, Any]]:
    if solver != "liblinear":
        return {"tol": {"max_iter": 100_000}}
    kinds = (("primal s=10", False, 10.0), ("primal s=1000", False, 1000.0), ("dual s=10", True, 10.0))
    return {name: {"max_iter": 100_000, "intercept_scaling": s, "dual": dual} for name, dual, s in kinds}


def _fit(problem: Problem, options: dict[str, Any]) -> Answer:
    made = LogisticRegression(C=problem.C, **options).fit(problem.X, problem.y)
    if problem.classes == 2:
        return Answer(made.coef_[0], made.intercept_[0])
    return Answer(made.coef_.T, made.intercept_)


def _cross_validate(problem: Problem, options: dict[str, Any]) -> Answer:
    rows = np.arange(len(problem.y))
    folds = [(rows[kept], rows[~kept]) for kept in (training_rows(problem, f) for f in range(problem.folds))]
    made = LogisticRegressionCV(
        Cs=problem.penalties, cv=folds, refit=False, scoring="neg_log_loss", l1_ratios=(0.0,),
        use_legacy_attributes=False, **options
    ).fit(problem.X, problem.y)  # fmt: skip
    paths = np.asarray(made.coefs_paths_).reshape(problem.folds, len(problem.penalties), -1)
    return Answer(paths[..., :-1], paths[..., -1])
