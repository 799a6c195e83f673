"""LIBLINEAR's own Python interface: C Σ L + ½|w|², trust-region Newton (-s 0, intercept not penalised by -R) and dual
coordinate descent (-s 7, which cannot: it penalises ½b², and the referee sees that). Its dense interface goes row by
row in Python, so dense data become CSR first; one thread always.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import scipy.sparse as sp
from liblinear.liblinearutil import parameter, train
from liblinear.liblinearutil import problem as native

from benchmarks.problem import Answer, Candidate, Declined, Problem


def candidates(problem: Problem, threads: int, option: str) -> Iterator[Candidate]:
    """Tolerances of both solvers."""
    if problem.classes > 2 or problem.folds:
        raise Declined("one against the rest, one fit at a time")
    yield Candidate("default", "default", lambda: _fit(problem, "-s 0"))
    for solver, options in (("primal", "-s 0 -R"), ("dual", "-s 7")):
        for tol in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8):
            asked = f"{options} -e {tol:g}"
            yield Candidate(solver, f"{solver} {tol:g}", partial(_fit, problem, asked))


def _fit(problem: Problem, options: str) -> Answer:
    X = problem.X if problem.sparse else sp.csr_matrix(problem.X)
    made = train(native(2.0 * problem.y - 1.0, X, 1.0), parameter(f"{options} -c {problem.C!r} -B 1 -q"))
    n = X.shape[1]
    theta = np.ctypeslib.as_array(made.w, (n + 1,)).copy() * (1.0 if made.label[0] == 1 else -1.0)
    return Answer(theta[:n], theta[n])
