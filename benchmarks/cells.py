"""The cells of the benchmark: each a function of (rng, quick) that makes its problem, from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from benchmarks.problem import Declined, Floats, Problem

__all__ = ["CELLS", "Cell"]

SHARED = Path(__file__).parents[1].parent / "shared" / "data"


@dataclass(frozen=True, slots=True)
class Cell:
    """A name, what it is, and its problem; `tiny`: one fit is too short to time alone. `floor`: the ratio asked for."""

    name: str
    about: str
    make: Callable[[np.random.Generator, bool], Problem]
    floor: float | None = None
    tiny: bool = False

    def problem(self, quick: bool = False) -> Problem:
        """The same problem at every call."""
        return self.make(np.random.default_rng(20240229), quick)


def _labels(rng: np.random.Generator, z: Floats) -> np.ndarray:
    return (rng.random(len(z)) < 1 / (1 + np.exp(-z))).astype(np.int64)


def _dense(rng: np.random.Generator, X: Floats, strength: float = 1.0, C: float = 1.0) -> Problem:
    """Labels drawn from a true model whose z has a standard deviation of `strength`."""
    w = rng.standard_normal(X.shape[1])
    z = X @ w
    return Problem(X, _labels(rng, strength * (z - z.mean()) / z.std()), C)


def correlated(rng: np.random.Generator, quick: bool) -> Problem:
    """Columns mixed by a random square matrix: a condition number of some hundreds."""
    m, n = (20_000, 20) if quick else (1_000_000, 50)
    mix = rng.standard_normal((n, n)) / np.sqrt(n) + 0.1 * np.eye(n)
    return _dense(rng, rng.standard_normal((m, n)) @ mix, 1.5)


def iid(rng: np.random.Generator, quick: bool) -> Problem:
    """The easiest data there are."""
    return _dense(rng, rng.standard_normal((10_000, 20) if quick else (200_000, 50)))


def autoregressive(rng: np.random.Generator, quick: bool) -> Problem:
    """Neighbouring columns correlated by 0.9."""
    m, n = (4_000, 60) if quick else (40_000, 400)
    X = rng.standard_normal((m, n))
    for j in range(1, n):
        X[:, j] = 0.9 * X[:, j - 1] + np.sqrt(1 - 0.81) * X[:, j]
    return _dense(rng, X, 1.5)


def raw_scales(rng: np.random.Generator, quick: bool) -> Problem:
    """Columns in units from 1e-3 to 1e3, as they come."""
    m, n = (10_000, 20) if quick else (500_000, 50)
    X = rng.standard_normal((m, n)) @ (rng.standard_normal((n, n)) / np.sqrt(n) + np.eye(n))
    problem = _dense(rng, X, 1.5)
    X *= np.logspace(-3, 3, n)[rng.permutation(n)]
    return problem


def wide(rng: np.random.Generator, quick: bool) -> Problem:
    """More columns than rows: only the penalty makes the optimum exist."""
    return _dense(rng, rng.standard_normal((200, 1_000) if quick else (2_000, 10_000)), 3.0)


def a9a(rng: np.random.Generator, quick: bool) -> Problem:
    """The census data, sparse, 123 columns of 0 and 1."""
    path = SHARED / "a9a" / "a9a"
    if not path.exists():
        raise Declined(f"{path} is not there")
    rows, cols, y = [], [], []
    with path.open() as lines:
        for i, line in enumerate(lines):
            if quick and i == 2_000:
                break
            label, *entries = line.split()
            y.append(int(label) > 0)
            cols += [int(entry.split(":")[0]) - 1 for entry in entries]
            rows += [i] * len(entries)
    X = sp.csr_matrix((np.ones(len(rows)), (rows, cols)), (len(y), 123))
    return Problem(X, np.array(y, dtype=np.int64))


def text(rng: np.random.Generator, quick: bool, C: float) -> Problem:
    """Text-like: words by Zipf's law, 75 per row (repeats merged), log-weighted, rows of length 1."""
    m, n, words = (2_000, 5_000, 75) if quick else (100_000, 50_000, 75)
    chance = 1.0 / np.arange(1, n + 1) ** 1.05
    cumulative = np.cumsum(chance / chance.sum())
    cols = np.minimum(np.searchsorted(cumulative, rng.random(m * words)), n - 1)
    cols = rng.permutation(n)[cols]
    X = sp.csr_matrix((np.ones(m * words), (np.repeat(np.arange(m), words), cols)), (m, n))
    X.sum_duplicates()
    seen = np.bincount(X.indices, minlength=n)
    X.data = (1.0 + np.log(X.data)) * np.log(m / np.maximum(seen, 1))[X.indices]
    length = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    X = sp.csr_matrix(sp.diags(1.0 / np.maximum(length, 1e-12)) @ X)
    z = np.asarray(X @ (rng.standard_normal(n) * (rng.random(n) < 0.2)))
    return Problem(X, _labels(rng, 3.0 * (z - z.mean()) / z.std()), C)


def rare(rng: np.random.Generator, quick: bool) -> Problem:
    """One positive in a thousand."""
    m, n = (20_000, 8) if quick else (1_000_000, 20)
    X = rng.standard_normal((m, n))
    return Problem(X, _labels(rng, X @ rng.standard_normal(n) / np.sqrt(n) - (5.0 if quick else 7.4)))


def cross_validation(rng: np.random.Generator, quick: bool) -> Problem:
    """10 penalties x 5 folds."""
    m, n = (2_000, 10) if quick else (50_000, 50)
    mix = rng.standard_normal((n, n)) / np.sqrt(n) + 0.3 * np.eye(n)
    made = _dense(rng, rng.standard_normal((m, n)) @ mix, 1.5)
    Cs = tuple(float(C) for C in np.logspace(-4, 4, 3 if quick else 10))
    return Problem(made.X, made.y, 1.0, 2, Cs, 3 if quick else 5)


def bundled(rng: np.random.Generator, quick: bool, name: str, change: str = "") -> Problem:
    """Data that come with scikit-learn."""
    try:
        from sklearn import datasets  # noqa: PLC0415 - only these cells need it
    except ImportError:
        raise Declined("scikit-learn, which brings the data, is not installed") from None
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    if change == "first two classes":
        X, y = X[y < 2], y[y < 2]
    elif change == "standardised":
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    elif change == "from 0 to 1":
        X = X / X.max()
    X = np.ascontiguousarray(X, dtype=np.float64)
    return Problem(X, y.astype(np.int64), classes=len(np.unique(y)))


_ALL = (
    Cell("correlated", "1,000,000 x 50, correlated columns", correlated, 7.0),
    Cell("iid", "200,000 x 50, independent columns", iid, 4.0),
    Cell("ar", "40,000 x 400, neighbours correlated by 0.9", autoregressive, 5.0),
    Cell("raw", "500,000 x 50, units from 1e-3 to 1e3", raw_scales, 6.0),
    Cell("wide", "2,000 x 10,000", wide, 3.0),
    Cell("a9a", "a9a, sparse 32,561 x 123", a9a, 2.0),
    Cell("text-1", "sparse 100,000 x 50,000, 75 words per row, C = 1", partial(text, C=1.0), 1.5),
    Cell("text-100", "the same, C = 100", partial(text, C=100.0), 2.0),
    Cell("digits", "softmax, 1,797 x 64, 10 classes, as loaded", partial(bundled, name="digits"), 3.0),
    Cell("digits-unit", "the same from 0 to 1", partial(bundled, name="digits", change="from 0 to 1"), 3.0),
    Cell("cancer", "569 x 30, raw units", partial(bundled, name="breast_cancer"), 5.0, True),
    Cell("cancer-std", "standardised", partial(bundled, name="breast_cancer", change="standardised"), 5.0, True),
    Cell("iris-2", "100 x 4, separable", partial(bundled, name="iris", change="first two classes"), 5.0, True),
    Cell("rare", "1,000,000 x 20, one positive in a thousand", rare),
    Cell("cv", "10 penalties x 5 folds, 50,000 x 50", cross_validation, 20.0),
)
CELLS: dict[str, Cell] = {cell.name: cell for cell in _ALL}
