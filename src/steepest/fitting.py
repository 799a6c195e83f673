"""`fit`: from arrays to a `Fit`. Checks the data and the options, and lets the right regime run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from steepest.data import as_rows, as_table, as_weights, encode_labels
from steepest.descent import descend
from steepest.diagnosis import Note
from steepest.driver import Step, StopRules
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine, as_csr
from steepest.errors import DataError
from steepest.optimum import Outcome, Request, minimise
from steepest.options import Options, checked_start, checked_stop, checked_threads, named
from steepest.result import Fit
from steepest.types import Floats

__all__ = ["fit"]

MOST_CLASSES = 1000


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    method: Literal["auto", "gd", "momentum", "nesterov", "newton"] = "auto",
    learning_rate: float | Literal["safe"] = "safe",
    iterations: int | None = None,
    tolerance: float = 0.0,
    gradient_tolerance: float = 0.0,
    budget: float | None = None,
    tol: float = 1e-9,
    l2: float = 0.0,
    sample_weight: ArrayLike | None = None,
    w: ArrayLike | None = None,
    b: float = 0.0,
    standardize: bool = False,
    callback: Callable[[Step], Any] | None = None,
    on_note: Callable[[Note], Any] | None = None,
    feature_names: Sequence[str] | None = None,
    kernel: Literal["auto", "loop", "vectorised", "gram"] = "auto",
    threads: int | None = None,
) -> Fit:
    """Minimise J(w, b) + ½ l2 |w|² with J the mean over examples of L(a, y), a = sigmoid(w'x + b).

    Parameters
    ----------
    X
        (m, n) real numbers, all finite; read in place, whatever its order; narrower dtypes are widened in blocks. Or
        a SciPy sparse matrix or array, which is never made dense (CSR is read in place, other formats converted once).
    y
        (m,) two distinct labels; the larger one in sorted order is the positive class. With `auto` and dense rows
        K labels: then J is the mean of -log softmax(Wx + b)_y, w is (n, K) and b (K,), the classes adding up to 0.
    method
        `auto` finds the proved optimum, or proves that there is none. Where `learning_rate`, `iterations`, a
        tolerance or a `kernel` of descent is given and no method, descent is what was meant: `gd`.
        `gd` is the descent of the seeds: w := w - α dw, b := b - α db. `momentum`, `nesterov` (with restart) and
        `newton` (never accepts a rising J) minimise the same thing.
    learning_rate
        α, or "safe" = 1/L with L the largest curvature of J anywhere. A number is taken as it is.
    tol
        The proved relative gap (F - F*) / F* at which `auto` stops.
    iterations, tolerance, gradient_tolerance, budget
        Stop after that many updates (1,000 if not given); when an update moves the weights by no more than
        `tolerance` (Euclidean norm; at 0 only when they do not change at all); when the norm of the gradient is that
        small; after `budget` seconds.
    l2
        Strength of the penalty, relative to the mean cost: l2 = 1/(C m) in scikit-learn's terms. Never on b.
    sample_weight
        (m,) weights >= 0; J becomes the weighted mean.
    w, b
        Where to start: (n,) and a number, 0 if not given.
    standardize
        Descend on standardised columns, by a change of variables (no copy of X); the penalty then refers to them.
        The weights returned are those of the user's columns.
    callback
        `callback(step)` at every update; returning True stops. See `steepest.Step`.
    on_note
        `on_note(note)` at once when something is noticed; all notes are in `Fit.notes` as well.
    feature_names
        n names for the notes; x1, x2, … if not given.
    kernel
        "auto", or the twin that computes: "loop" (the seed's own loop), "vectorised", "gram" (rows' space; for
        descent on wide tables). They agree to rounding.
    threads
        Threads over row blocks; None: all that this process may use. The result has the same bits for any number.

    Returns
    -------
    Fit
        Also when it was stopped or interrupted; `status` says why it ended, `certificate` how good it is.

    Raises
    ------
    DataError
        (a ValueError) for data that cannot be fitted: not finite, wrong shapes, not two classes.
    ValueError
        for options outside their range.

    Examples
    --------
    >>> import steepest
    >>> fit = steepest.fit([[1.0], [2.0], [3.0], [4.0]], ["fail", "pass", "fail", "pass"], learning_rate=0.1)
    >>> fit.classes, fit.iterations, round(float(fit.history[0]), 6)
    (('fail', 'pass'), 1000, 0.693147)
    >>> fit.predict([[0.0], [5.0]])
    array(['fail', 'pass'], dtype='<U4')

    """
    descends = learning_rate != "safe" or iterations is not None or tolerance or gradient_tolerance
    if method == "auto" and (descends or kernel != "auto"):
        method = "gd"  # these are options of descent
    checked = as_csr if issparse(X) else as_table if method == "auto" else as_rows
    rows = checked(X)
    m, n = rows.shape
    weight = as_weights(sample_weight, m)
    most = MOST_CLASSES if method == "auto" and not issparse(X) else 2
    target, classes = encode_labels(y, m, weight, most)
    names = named(feature_names, n)
    asked = Options(method, learning_rate, float(l2), bool(standardize), kernel, names, float(tol), callback, on_note)
    stop = checked_stop(iterations, tolerance, gradient_tolerance, budget)
    start = None if w is None and not b else checked_start(w, b, n)
    make = SparseEngine if issparse(X) else MemoryEngine
    engine = make(rows, target, weight, threads=checked_threads(threads))
    with engine.quiet_blas(), np.errstate(over="ignore", invalid="ignore", under="ignore"):
        outcome, rate = _outcome(engine, asked, stop, start, len(classes))
    return _fit(outcome, asked, classes, rate)


def _outcome(
    engine: MemoryEngine | SparseEngine,
    asked: Options,
    stop: StopRules,
    start: tuple[Floats, float] | None,
    classes: int,
) -> tuple[Outcome, float | None]:
    """What came of it, and the learning rate as a number where there is one."""
    if asked.method != "auto":
        return descend(engine, asked, stop, start or checked_start(None, 0.0, engine.n))
    if classes > 2 and start is not None:
        raise DataError(f"w and b are starts for two classes, but y holds {classes}")
    outcome = minimise(engine, _request(asked, stop, start), classes)
    if asked.on_note is not None:
        for note in outcome.notes:
            asked.on_note(note)
    return outcome, None


def _request(asked: Options, stop: StopRules, start: tuple[Floats, float] | None) -> Request:
    return Request(
        asked.tol, asked.l2, asked.names, stop.budget, stop.iterations, asked.standardize, start, asked.callback,
        asked.on_note,
    )  # fmt: skip


def _fit(outcome: Outcome, asked: Options, classes: tuple[Any, Any], rate: float | None) -> Fit:
    return Fit(
        w=outcome.w, b=outcome.b, cost=outcome.cost, value=outcome.value, certificate=outcome.certificate,
        iterations=len(outcome.trace.cost), status=outcome.status, history=outcome.trace.cost, trace=outcome.trace,
        notes=outcome.notes, classes=classes, feature_names=asked.names, method=asked.method, learning_rate=rate,
        l2=asked.l2, standardize=asked.standardize, passes=outcome.passes, seconds=outcome.seconds,
    )  # fmt: skip
