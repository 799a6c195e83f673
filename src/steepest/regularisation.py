"""`regularisation_path`: lasso and elastic net for many strengths, from the first weight to nearly all of them.

From one strength to the next everything is kept (`optimum/course.py`): weights, which are extrapolated, correlations,
the columns that matter, their Hessian. So a point of the path costs one or two Newton steps over the columns that
matter and one look at all columns, which is its proof as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.data import as_table, as_weights, encode_labels, receive
from steepest.data.arrays import is_sparse
from steepest.data.labels import MOST_CLASSES
from steepest.diagnosis import Note
from steepest.driver import StopRules
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine, as_csr
from steepest.optimum.class_walk import begin_walk, likely
from steepest.optimum.course import Course
from steepest.optimum.leg import Goal
from steepest.optimum.task import Task, certificate, task_of
from steepest.options import MOST, checked_penalties, checked_threads, named
from steepest.penalties import Penalties
from steepest.proof.certificate import Certificate
from steepest.types import Floats

__all__ = ["RegularisationPath", "regularisation_path"]


@dataclass(frozen=True, slots=True)
class RegularisationPath:
    """Fits for k strengths, the strongest first.

    l1s, l2s (k,)        the penalties of each
    ws (k, n), bs (k,)   the fits, (k, n, K) and (k, K) of K classes; weights that are 0 are exactly 0.0
    values (k,)          J + l1 |w|_1 + ½ l2 |w|² with the factors of the columns, what was minimised
    certificates         k proofs: `gap`, `max_probability_error`; coefficients are not bounded on a path
    nonzeros (k,)        number of weights that are not 0
    passes               how often all rows and columns were read        seconds  of the whole path
    classes, feature_names, notes   as in `Fit`; columns that were left out are named
    """

    l1s: Floats
    l2s: Floats
    ws: Floats
    bs: Floats
    values: Floats
    certificates: tuple[Certificate, ...]
    passes: int
    seconds: float
    classes: tuple[Any, ...]
    feature_names: Sequence[str]
    notes: tuple[Note, ...]

    @property
    def nonzeros(self) -> NDArray[np.intp]:
        """(k,) number of weights that are not 0."""
        counts: NDArray[np.intp] = np.count_nonzero(self.ws.reshape(len(self.ws), -1), axis=1)
        return counts

    @property
    def gaps(self) -> Floats:
        """(k,) the proved relative gaps."""
        return np.array([each.gap for each in self.certificates])


def regularisation_path(
    X: ArrayLike,
    y: ArrayLike,
    penalties: ArrayLike | None = None,
    *,
    l1_ratio: float = 1.0,
    count: int = 50,
    ratio: float = 1e-2,
    tol: float = 1e-6,
    sample_weight: ArrayLike | None = None,
    penalty_factors: ArrayLike | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    standardize: bool = False,
    threads: int | None = None,
) -> RegularisationPath:
    """Minimise J(w, b) + sum of f_j (l1 |w_j| + ½ l2 w_j²) for l1 = l1_ratio λ, l2 = (1 - l1_ratio) λ, for every λ.

    Parameters
    ----------
    X, y, sample_weight, penalty_factors, lower, upper, standardize, threads
        As for `steepest.fit`, two labels or K; X may be a SciPy sparse matrix or array. Bounds must leave 0 possible.
    penalties
        The strengths λ > 0, in any order. Without them `count` strengths in equal ratios, from the smallest at which
        all penalised weights are 0 (the first fit is that one) down to `ratio` times it.
    count, ratio
        Number of strengths, and the smallest as a share of the largest.
    l1_ratio
        The share of l1, above 0 and at most 1: 1 is the lasso. For 0, the ridge, see `steepest.path`.
    tol
        The proved relative gap (F - F*) / F* of every point.

    Returns
    -------
    RegularisationPath
        Also where rounding ends the progress before `tol`: the certificates say what is proved.

    Raises
    ------
    DataError
        for data that cannot be fitted: not finite, wrong shapes, one class.
    ValueError
        for strengths, a ratio, factors or bounds outside their range.

    Examples
    --------
    >>> import numpy as np, steepest
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 10))
    >>> y = X[:, 0] - X[:, 1] + rng.logistic(size=200) > 0.0
    >>> found = steepest.regularisation_path(X, y, count=5)
    >>> found.ws.shape, int(found.nonzeros[0]), int(found.nonzeros[-1]), bool(found.gaps.max() <= 1e-6)
    ((5, 10), 0, 10, True)

    """
    started = time.perf_counter()
    received = receive(X, y, sample_weight, None, 0)
    rows = as_csr(received.X) if is_sparse(received.X) else as_table(received.X)
    m, n = rows.shape
    weight = as_weights(received.weight, m)
    target, classes = encode_labels(received.y, m, weight, MOST_CLASSES)
    names = named(received.schema.names if received.schema else None, n)
    beyond = checked_penalties(1.0, penalty_factors, lower, upper, n)
    _check(l1_ratio, count, ratio, tol, beyond)
    given = None if penalties is None else _strengths(penalties)
    make = SparseEngine if is_sparse(rows) else MemoryEngine
    engine = make(rows, target, weight, threads=checked_threads(threads))
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        task = task_of(engine, 1.0, beyond, bool(standardize), names)
        points, strengths = _points(task, len(classes), given, (count, ratio), (l1_ratio, tol))
    ws, bs, values, proofs = zip(*points, strict=True)
    return RegularisationPath(
        strengths * l1_ratio, strengths * (1.0 - l1_ratio), np.array(ws), np.array(bs), np.array(values), tuple(proofs),
        engine.passes, time.perf_counter() - started, classes, names, task.notes,
    )  # fmt: skip


def _check(l1_ratio: float, count: int, ratio: float, tol: float, beyond: Penalties) -> None:
    if not 0.0 < l1_ratio <= 1.0:
        raise ValueError(f"l1_ratio={l1_ratio} must be above 0 and at most 1; for the ridge use steepest.path")
    if int(count) != count or count < 1:
        raise ValueError(f"count={count} must be a whole number >= 1")
    if not 0.0 < ratio < 1.0:
        raise ValueError(f"ratio={ratio} must be between 0 and 1")
    if not 0.0 < tol < 1.0:
        raise ValueError(f"tol={tol} must be a relative gap between 0 and 1")
    low, high = beyond.lower, beyond.upper
    if (low is not None and np.any(low > 0.0)) or (high is not None and np.any(high < 0.0)):
        raise ValueError("lower and upper must leave the weight 0 possible: the path begins where all weights are 0")


def _strengths(penalties: ArrayLike) -> Floats:
    strengths = np.sort(np.atleast_1d(np.asarray(penalties, dtype=np.float64)))[::-1]
    if strengths.ndim != 1 or not len(strengths) or not np.all((strengths > 0.0) & np.isfinite(strengths)):
        raise ValueError(f"penalties={penalties!r} must be a list of finite numbers > 0")
    return strengths


Entry = tuple[Floats, Any, float, Certificate]


def _points(
    task: Task, K: int, given: Floats | None, grid: tuple[int, float], asked: tuple[float, float]
) -> tuple[Sequence[Entry], Floats]:
    """The fits of a path, and their strengths: those given, or a grid of `count` down to `ratio`."""
    (count, ratio), (l1_ratio, tol) = grid, asked
    if K > 2:
        walk = begin_walk(task, K, tol, MOST)
        most = walk.null() / l1_ratio
    else:
        course = task.start(None)
        most = task.null(course, 0.0, StopRules(MOST), tol) / l1_ratio
    strengths = most * ratio ** (np.arange(count) / max(1, count - 1)) if given is None else given
    if K > 2:
        return walk.points(strengths, l1_ratio, most), strengths
    return _walk(task, course, strengths, l1_ratio, most, tol), strengths


def _walk(task: Task, course: Course, strengths: Floats, l1_ratio: float, most: float, tol: float) -> list[Entry]:
    """The points of the path, in order."""
    points: list[Entry] = []
    behind, before = [most, most], course.c
    for strength in strengths.tolist():
        net = task.net(l1_ratio * strength, (1.0 - l1_ratio) * strength)
        step = behind[0] - behind[1]
        ahead = (strength - behind[1]) / -step if step > 0.0 else 0.0
        assert course.c is not None  # the null model was looked at
        candidates = likely(net, course.u, (course.c, before), behind[1] / strength, ahead)
        before = course.c
        runs = course.to(net, candidates, Goal(tol, StopRules(MOST), ahead=ahead))
        w, b = task.table.frame.to_user(course.u, course.b)
        points.append((w, b, runs[-1].last.point.value, certificate(task, course, net, close=False)))
        behind = [behind[1], strength]
    return points
