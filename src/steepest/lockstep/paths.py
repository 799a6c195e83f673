"""`path`: many penalties, and cross-validation over them, in the passes of a single fit.

1. A random part of the rows gives rough optima for all penalties (Newton's method, all at once), and the metrics.
   Penalties that are too weak to matter share their fits from here on; small tables skip the sample.
2. L-BFGS in those metrics, all penalties in lockstep, over all rows: one or two passes of a narrow matrix product.
3. One pass forms gradients and Hessians there fold by fold. Any sum over folds is then known: a Newton step for every
   (penalty, fold) pair starts from the full fit, from which its optimum is only O(n/m) away.
4. Passes over all pairs until each gap is proved; the held-out losses fall off in the last one.

More columns than rows, or matrices beyond 2 GB: one by one (`singly.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.data import as_rows, as_weights, encode_labels
from steepest.engines import MemoryEngine
from steepest.lockstep.folds import assign_folds
from steepest.lockstep.near import SERVING, draw_part, is_cheap, near_optima, rough_optima, serving
from steepest.lockstep.pairs import pairs_of, proved
from steepest.lockstep.rows import Rows, frame_of
from steepest.lockstep.singly import Found, one_by_one
from steepest.lockstep.together import Fits
from steepest.types import Floats

__all__ = ["Path", "path"]

MOST_MATRICES = 1 << 28  # numbers in the matrices of all fits, one each: beyond 2 GB, fits go one by one
SMALL = 1 << 18  # elements of X under which threads cost more than they bring


@dataclass(frozen=True, slots=True)
class Path:
    """Fits for P penalties on all rows, and how each penalty does on rows it has not seen (K folds; K = 0: none).

    l2 (P,)   w (P, n)   b (P,)      the fits on all rows; gap (P,) is proved: (F - F*) / F* is at most this
    held_out_loss (P, K)             mean loss of fold k under the fit to the other folds
    held_out_accuracy (P, K)         share of its rows on the right side
    held_out_gap (P, K)              the proved relative gap of that fit
    folds (m,)                       the fold of each row, 0 … K - 1; None without folds
    passes                           how often all rows were read
    fold_w (P, K, n)   fold_b (P, K) the fit to all folds but k
    """

    l2: Floats
    w: Floats
    b: Floats
    gap: Floats
    held_out_loss: Floats
    held_out_accuracy: Floats
    held_out_gap: Floats
    folds: NDArray[np.intp] | None
    classes: tuple[Any, Any]
    passes: int
    fold_w: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))
    fold_b: Floats = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def mean_loss(self) -> Floats:
        """Mean over the folds of the held-out loss, (P,)."""
        self._judged()
        mean: Floats = self.held_out_loss.mean(axis=1)
        return mean

    @property
    def standard_error(self) -> Floats:
        """Standard error of `mean_loss`: deviation between folds (K - 1 in the denominator) / sqrt(K)."""
        self._judged()
        error: Floats = self.held_out_loss.std(axis=1, ddof=1) / math.sqrt(self.held_out_loss.shape[1])
        return error

    @property
    def best(self) -> int:
        """Index of the penalty with the least mean held-out loss; of equal ones the strongest."""
        mean = self.mean_loss
        ties = np.flatnonzero(mean == mean.min())
        return int(ties[np.argmax(self.l2[ties])])

    @property
    def one_standard_error(self) -> int:
        """Index of the strongest penalty whose mean loss is within one standard error of the best one's.

        L. Breiman, J. Friedman, R. Olshen, C. Stone, Classification and Regression Trees (1984), section 3.4.3.
        """
        mean, best = self.mean_loss, self.best
        near = np.flatnonzero(mean <= mean[best] + self.standard_error[best])
        return int(near[np.argmax(self.l2[near])])

    def _judged(self) -> None:
        if not self.held_out_loss.shape[1]:
            raise ValueError("nothing was held out: call path(…, folds=5) to compare penalties")


def path(
    X: ArrayLike,
    y: ArrayLike,
    l2s: ArrayLike,
    *,
    folds: int | ArrayLike | None = None,
    tol: float = 1e-6,
    sample_weight: ArrayLike | None = None,
    same_sum: bool = False,
    threads: int | None = None,
) -> Path:
    """Minimise J(w, b) + ½ l2 |w|² for every l2 of `l2s`, on all rows and, with `folds`, without each fold.

    Parameters
    ----------
    X, y, sample_weight, threads
        As for `steepest.fit`: (m, n) finite numbers, (m,) two labels, (m,) weights or None.
    l2s
        (P,) penalties > 0 on the mean loss; l2 = 1 / (C m) in scikit-learn's terms.
    folds
        None; or a number K (each class in K consecutive parts); or one label per row, (m,).
    tol
        The proved relative gap to reach, of every fit, those without a fold included.
    same_sum
        Without a fold fewer rows count. False: l2 stays relative to their mean loss. True: it stays relative to the
        sum of losses, as a fixed C does in scikit-learn.

    Returns
    -------
    Path
        Also where rounding ends the progress before `tol`: `gap` and `held_out_gap` say what is proved.

    Raises
    ------
    DataError
        for data that cannot be fitted, and for folds that lack a class.
    ValueError
        for penalties or a tolerance that are not positive.

    Examples
    --------
    >>> import steepest
    >>> x = np.arange(40.0).reshape(-1, 1)
    >>> y = (x[:, 0] + 9.0 * np.cos(x[:, 0]) > 20.0)
    >>> found = steepest.path(x, y, [1.0, 0.01, 0.0001], folds=4)
    >>> found.w.shape, found.held_out_loss.shape, bool(found.gap.max() <= 1e-6)
    ((3, 1), (3, 4), True)

    """
    rows_of_X = as_rows(X)
    weight = as_weights(sample_weight, len(rows_of_X))
    target, classes = encode_labels(y, len(rows_of_X), weight)
    strengths = _strengths(l2s)
    if not 0.0 < tol < math.inf:
        raise ValueError(f"tol={tol} must be a number > 0")
    fold = None if folds is None else assign_folds(folds, target, weight)[0]
    every = len(strengths) * (1 if fold is None else int(fold.max()) + 2)
    m, n = rows_of_X.shape
    threads = 1 if threads is None and rows_of_X.size < SMALL else threads
    engine = MemoryEngine(rows_of_X, target, weight, threads=threads)
    with engine.quiet_blas(), np.errstate(over="ignore", invalid="ignore", under="ignore"):
        together = n <= m and every * (n + 1) ** 2 <= MOST_MATRICES
        found = (_solve if together else one_by_one)(engine, strengths, fold, tol, same_sum)
    judged = slice(1, None if fold is not None else 1)
    weights = found.weights if fold is not None else found.weights[:0]
    losses, right = (each[judged].T / weights for each in (found.held_loss, found.held_right))
    return Path(
        strengths, found.w[0], found.b[0], found.gaps[0], losses, right, found.gaps[judged].T, fold, classes,
        found.passes, found.w[judged].swapaxes(0, 1), found.b[judged].T,
    )  # fmt: skip


def _strengths(l2s: ArrayLike) -> Floats:
    strengths = np.atleast_1d(np.asarray(l2s, dtype=np.float64))
    if strengths.ndim != 1 or not len(strengths) or not np.all((strengths > 0.0) & np.isfinite(strengths)):
        raise ValueError(f"l2s={l2s!r} must be a list of finite numbers > 0: with a penalty every fit has an optimum")
    return strengths


def _solve(
    engine: MemoryEngine, l2: Floats, fold: NDArray[np.intp] | None, tol: float, same_sum: bool, share: bool = True
) -> Found:
    P, K = len(l2), 0 if fold is None else int(fold.max()) + 1
    part = draw_part(engine, P)  # any frame serves; that of a part of the rows is as good, and takes no pass
    rows = Rows(engine, frame_of(engine if part is None else part), fold, P * (K + 1))
    rows.passes = 2 if part is None else 0
    every = Fits.of(rows, np.tile(l2, K + 1), np.repeat(np.arange(-1, K), P), same_sum)
    alone = every.take(np.arange(P))
    rough = rough_optima(part, rows, alone)
    told = share and is_cheap(engine if part is None else part, P)  # else the rough optima are all that of the middle
    serves = serving(rough, alone, tol) if told else np.arange(P)
    chosen, place = np.unique(serves, return_inverse=True)
    blocks = np.arange(K + 1)[:, None]
    few = every.take((blocks * P + chosen).ravel())
    near = rough.take(chosen)
    if not is_cheap(rows, P):
        near = near_optima(near, rows, few.take(np.arange(len(chosen))))
    goal = np.where(np.bincount(place) > 1, SERVING * tol, tol)
    judge = proved(*pairs_of(rows, few, near), np.tile(goal, K + 1))
    which = (blocks * len(chosen) + place).ravel()
    gaps = judge.of(every, which, tol).reshape(K + 1, P)
    fitted = judge.walk.fitted.take(which)
    w, b = _to_user(rows, judge.walk.theta[which])
    found = Found(w.reshape(K + 1, P, -1), b.reshape(K + 1, P), gaps, fitted.held_loss.reshape(K + 1, P),
                   fitted.held_right.reshape(K + 1, P), rows.weights(), rows.passes)  # fmt: skip
    short = np.flatnonzero((serves != np.arange(P)) & (gaps > tol).any(axis=0))
    return found.mended(short, _solve(engine, l2[short], fold, tol, same_sum, share=False)) if len(short) else found


def _to_user(rows: Rows, theta: Floats) -> tuple[Floats, Floats]:
    pairs = [rows.frame.to_user(each[:-1], float(each[-1])) for each in theta]
    return np.array([w for w, _ in pairs]), np.array([b for _, b in pairs])
