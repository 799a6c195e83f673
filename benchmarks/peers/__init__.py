"""One adapter per rival: `candidates(name, problem, threads)` yields its settings, loosest tolerance first.

Everything between the user's X, y and the coefficients in the user's units happens inside `run`, and is timed. The
setting "default" is what a user gets who chooses the penalty and an intercept, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from benchmarks.problem import Candidate, Declined, Problem

__all__ = ["PEERS", "candidates", "package_of"]

# name of the solver -> (module here, package it needs, option of the adapter); the usually fastest come first, because
# what takes far longer than the best so far is cut off
PEERS: dict[str, tuple[str, str, str]] = {
    "steepest": ("steepest_auto", "steepest", "auto"),
    "sklearn newton-cholesky": ("scikit_learn", "sklearn", "newton-cholesky"),
    "sklearn lbfgs": ("scikit_learn", "sklearn", "lbfgs"),
    "glum": ("glum_irls", "glum", ""),
    "snapml": ("snap_ml", "snapml", ""),
    "liblinear": ("liblinear_official", "liblinear", ""),
    "cyanure": ("cyanure_erm", "cyanure", ""),
    "sklearn newton-cg": ("scikit_learn", "sklearn", "newton-cg"),
    "sklearn liblinear": ("scikit_learn", "sklearn", "liblinear"),
    "statsmodels": ("statsmodels_logit", "statsmodels", ""),
    "sklearn saga": ("scikit_learn", "sklearn", "saga"),
}


def package_of(name: str) -> str:
    """The package to import for this solver."""
    return PEERS[name][1]


def candidates(name: str, problem: Problem, threads: int) -> Iterator[Candidate]:
    """The settings of one solver; raises Declined with the reason when there are none."""
    module, package, option = PEERS[name]
    if find_spec(package) is None:
        raise Declined(f"{package} is not installed")
    found: Iterator[Candidate] = import_module(f"benchmarks.peers.{module}").candidates(problem, threads, option)
    return found
