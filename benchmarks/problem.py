"""What every solver is given and what it has to return: the nouns of the benchmark.

    F(w, b) = Σᵢ L(σ(w'xᵢ + b), yᵢ) + 1/(2C) |w|²          the intercept is never penalised

A softmax problem has K > 2 classes, w (n, K) and b (K,). A cross-validation has penalties and folds: fold f trains on
the rows i with i % folds != f, w is (folds, penalties, n) and b (folds, penalties).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["Answer", "Candidate", "Declined", "Floats", "Problem", "load", "save", "training_rows"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Problem:
    """X (m, n) dense or CSR, y (m,) whole numbers 0 … classes - 1, and the strength of the penalty."""

    X: Any
    y: NDArray[np.int64]
    C: float = 1.0
    classes: int = 2
    penalties: tuple[float, ...] = ()
    folds: int = 0

    @property
    def sparse(self) -> bool:
        """Is X a SciPy sparse matrix?"""
        return sp.issparse(self.X)

    @property
    def nbytes(self) -> int:
        """Bytes that one pass over X reads."""
        if self.sparse:
            return int(self.X.data.nbytes + self.X.indices.nbytes + self.X.indptr.nbytes)
        return int(self.X.nbytes)


@dataclass(frozen=True, slots=True)
class Answer:
    """Coefficients in the user's units; of a certified solver also its passes over X and its proved relative gap."""

    w: Floats
    b: Floats
    passes: int | None = None
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One setting of a solver. `variant` groups the settings that differ in the tolerance only, loosest first."""

    variant: str
    setting: str
    run: Callable[[], Answer]


class Declined(Exception):  # noqa: N818 - not an error: a solver that does not apply says why
    """A solver does not do a problem; the message says why."""


def training_rows(problem: Problem, fold: int) -> NDArray[np.bool_]:
    """Which rows fold `fold` trains on."""
    return np.asarray(np.arange(len(problem.y)) % problem.folds != fold)


def save(problem: Problem, folder: Path) -> None:
    """Write the problem where the processes of the solvers read it."""
    if problem.sparse:
        sp.save_npz(folder / "X.npz", problem.X, compressed=False)
    else:
        np.save(folder / "X.npy", problem.X)
    np.save(folder / "y.npy", problem.y)
    rest = {"C": problem.C, "classes": problem.classes, "penalties": problem.penalties, "folds": problem.folds}
    (folder / "problem.json").write_text(json.dumps(rest))


def load(folder: Path) -> Problem:
    """Read what `save` wrote, into memory of this process."""
    rest = json.loads((folder / "problem.json").read_text())
    X = sp.csr_matrix(sp.load_npz(folder / "X.npz")) if (folder / "X.npz").exists() else np.load(folder / "X.npy")
    return Problem(X, np.load(folder / "y.npy"), rest["C"], rest["classes"], tuple(rest["penalties"]), rest["folds"])
