"""steepest: the mean loss + ½ l2 |w|², l2 = 1/(C m); the tolerance is a proved relative gap."""

from __future__ import annotations

import inspect
import math
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
    if problem.folds:
        yield from _of_folds(problem, threads)
        return
    yield Candidate("default", "default", lambda: _fit(problem, base))
    for tol in TOLERANCES:
        asked = base | ({"tol": tol} if certified else {"gradient_tolerance": tol}) | {"threads": threads}
        yield Candidate("tol", f"tol {tol:g}", partial(_fit, problem, asked))


def _fit(problem: Problem, options: dict[str, Any]) -> Answer:
    made = steepest.fit(problem.X, problem.y, l2=1.0 / (problem.C * len(problem.y)), **options)
    certificate = getattr(made, "certificate", None)
    return Answer(made.w, np.asarray(made.b), made.passes, None if certificate is None else certificate.gap)


def _of_folds(problem: Problem, threads: int) -> Iterator[Candidate]:
    """Both doors of the cross-validation: `steepest.path`, and the class in scikit-learn's place, without its refit."""
    _ = steepest.LogisticRegressionCV  # imports scikit-learn, before the clock runs
    yield Candidate("default", "default", lambda: _path(problem, {}))
    for tol in TOLERANCES:
        yield Candidate("path", f"path {tol:g}", partial(_path, problem, {"tol": tol, "threads": threads}))
    for tol in TOLERANCES:
        yield Candidate("class", f"class {tol:g}", partial(_class, problem, tol, threads))


def _path(problem: Problem, options: dict[str, Any]) -> Answer:
    l2s = 1.0 / (np.array(problem.penalties) * len(problem.y))
    folds = np.arange(len(problem.y)) % problem.folds
    made = steepest.path(problem.X, problem.y, l2s, folds=folds, same_sum=True, **options)
    gap = float(made.held_out_gap.max())
    return Answer(made.fold_w.swapaxes(0, 1), made.fold_b.T, made.passes, gap)


def _class(problem: Problem, tol: float, threads: int) -> Answer:
    rows = np.arange(len(problem.y))
    folds = [(rows[kept], rows[~kept]) for kept in (training_rows(problem, f) for f in range(problem.folds))]
    made = steepest.LogisticRegressionCV(
        Cs=problem.penalties, cv=folds, refit=False, scoring="neg_log_loss", tol=math.sqrt(10.0 * tol),
        n_jobs=threads, use_legacy_attributes=False,
    ).fit(problem.X, problem.y)  # fmt: skip
    paths = np.asarray(made.coefs_paths_).reshape(problem.folds, len(problem.penalties), -1)
    return Answer(paths[..., :-1], paths[..., -1], int(made.n_iter_.max()), made.fold_gap_)
