"""`fit`: from arrays to a `Fit`. Checks the data and the options, and lets the right regime run."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from steepest.data import Schema, as_rows, as_table, receive
from steepest.data.arrays import is_sparse
from steepest.data.column_table import ColumnTable
from steepest.data.mixed_table import pays
from steepest.data.schema import Remark
from steepest.data.sparse_table import sparse_of
from steepest.data.targets import as_offset, target_of
from steepest.descent import descend
from steepest.diagnosis import Note
from steepest.driver import Step, StopRules, Watching
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine, as_csr
from steepest.optimum import Outcome, Request, minimise
from steepest.optimum.checkpoint import Checkpoint
from steepest.options import Options, checked_penalties, checked_start, checked_stop, checked_threads, named
from steepest.origin import mirrored, through_origin
from steepest.result import Fit
from steepest.types import Floats, Status

__all__ = ["fit"]

DONE = (Status.PROVED, Status.SEPARATED, Status.MINIMUM)  # nothing is left to be continued
MOST_DENSE = 1024  # columns of levels: without a penalty nothing is proved of more of them on sparse rows


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
    l1: float = 0.0,
    penalty_factors: ArrayLike | None = None,
    lower: ArrayLike | None = None,
    upper: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
    trials: ArrayLike | None = None,
    positive: Any = None,
    offset: ArrayLike | None = None,
    w: ArrayLike | None = None,
    b: ArrayLike = 0.0,
    standardize: bool = False,
    intercept: bool = True,
    callback: Callable[[Step], Any] | None = None,
    on_note: Callable[[Note], Any] | None = None,
    feature_names: Sequence[str] | None = None,
    schema: Schema | None = None,
    spool: str | os.PathLike[str] | None = None,
    kernel: Literal["auto", "loop", "vectorised", "compiled", "gram"] = "auto",
    threads: int | None = None,
) -> Fit:
    """Minimise J(w, b) + ½ l2 |w|² with J the mean over examples of L(a, y), a = sigmoid(w'x + b).

    Parameters
    ----------
    X
        (m, n) real numbers, all finite; read in place, whatever its order; narrower dtypes are widened in blocks. Or
        a SciPy sparse matrix or array, which is never made dense (CSR is read in place, other formats converted once).
        Or a frame of pandas, polars, Arrow, DuckDB, with categories; or the path of a file, CSV or Parquet, or of a
        folder, or several paths; then `y`, and `sample_weight`, are names of columns: see docs/inputs.md.
    y
        (m,) two distinct labels; the larger one in sorted order is the positive class. With `auto` also
        K labels: then J is the mean of -log softmax(Wx + b)_y, w is (n, K) and b (K,). The classes of b add up to 0,
        and those of each row of w where an l1 or bounds do not say otherwise.
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
    l1
        Strength of the lasso: + l1 |w|_1 on the mean cost; weights are then exactly 0 or not. With l2 the elastic net.
    penalty_factors
        (n,) f_j >= 0, by which l1 and l2 are multiplied column by column, taken as given and not rescaled; 0 leaves a
        column without a penalty. One number serves for all.
    lower, upper
        (n,) or one number: bounds on the weights as they refer to the user's columns, infinite where there is none;
        `lower=0` asks for weights >= 0, of K classes for every class. The intercept has none. l1, factors and bounds
        are for `auto`.
    sample_weight
        (m,) weights >= 0; J becomes the weighted mean, so a weight of 2 is a row twice, and the strength of the penalty
        beside J does not depend on the sum of the weights.
    class_weight
        What rows of each label weigh besides, or "balanced": all classes alike. Probabilities are then those of classes
        so weighted; `Fit.calibrated()` turns them back.
    trials
        (m,) or one number: y then counts successes out of so many trials; with trials=1 it is a share between 0 and 1.
    positive
        Which of two labels is the positive class; the larger one in sorted order if not given.
    offset
        (m,) added to z as it is: z = w'x + b + offset. Two classes only.
    w, b
        Where to start: (n,) and a number, or (n, K) and (K,) for K classes; 0 if not given.
    standardize
        Descend on standardised columns, by a change of variables (no copy of X); the penalty then refers to them.
        The weights returned are those of the user's columns.
    intercept
        False: no b, the plane goes through the origin. Of two classes the rows are then held twice (`origin.py`).
    callback
        `callback(step)` at every update; returning True stops. See `steepest.Step`. Has it methods `rows(done, m)` and
        `proved(gap)`, they hear how far a read of all rows is, and what is proved so far (`driver.Watching`);
        a method `sampled(rows, step, cost)` hears of steps on a sample of rows with categories (`types.Sampling`).
    on_note
        `on_note(note)` at once when something is noticed; all notes are in `Fit.notes` as well.
    feature_names
        n names for the notes; those of the frame, or x1, x2, …, if not given.
    schema
        What the columns of a frame are and how categories and missing values become numbers, from `steepest.schema`;
        inferred if not given. The fit keeps it and matches columns by name when it predicts.
    spool
        A folder. Rows of files are then decoded there once, as raw columns, and read from there: memory does not grow
        with the rows, and the result has the same bits as in memory. What it holds is used again by the next fit.
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
    dense_up_to = math.inf if method != "auto" else 0 if l2 else MOST_DENSE
    received = receive(X, y, sample_weight, schema, dense_up_to, spool, positive)
    schema = received.schema
    checked = as_csr if is_sparse(received.X) else as_table if method == "auto" else as_rows
    rows = checked(received.X)
    m, n = rows.shape
    target, classes, weight, factors = target_of(received, m, method, trials, positive, class_weight)
    away = None if offset is None else _offset(offset, m, len(classes), kernel)
    names = named(schema.names if schema and feature_names is None else feature_names, n)
    remarks = _told(received.remarks, on_note)
    penalties = checked_penalties(l1, penalty_factors, lower, upper, n)
    rows = _written_out(rows, dense_up_to, method == "auto" and intercept and len(classes) == 2 and penalties.smooth)
    asked = Options(method, learning_rate, float(l2), bool(standardize), kernel, names, float(tol), callback, on_note,
                    penalties)  # fmt: skip
    stop = checked_stop(iterations, tolerance, gradient_tolerance, budget)
    start = None if w is None and not np.count_nonzero(b) else checked_start(w, b, n, len(classes))
    make = SparseEngine if is_sparse(rows) else MemoryEngine
    given = make(rows, target, weight, away, threads=checked_threads(threads))
    if callback is not None and isinstance(callback, Watching) and isinstance(given, MemoryEngine):
        given.on_rows = callback.rows
    through = not intercept and len(classes) == 2
    if received.kept is not None and factors is None and away is None:
        given.checkpoint = Checkpoint(*received.kept)
        remarks += _told(_resumed(given.checkpoint), on_note)
    engine = make(*mirrored(rows, target, weight, away), threads=given.threads) if through else given
    with engine.quiet_blas(), np.errstate(over="ignore", invalid="ignore", under="ignore"):
        outcome, rate = _outcome(engine, asked, stop, start, len(classes), intercept)
        if through:
            outcome = through_origin(outcome, given)
    if outcome.status in DONE and given.checkpoint is not None:
        given.checkpoint.clear()
    since = _told(received.changes(), on_note)
    fitted = _fit(outcome, asked, classes, rate, intercept)
    fitted = fitted if factors is None else replace(fitted, class_weights=factors)
    return replace(fitted, schema=schema, notes=(*remarks, *fitted.notes, *since)) if schema else fitted


def _told(remarks: Iterable[Remark], on_note: Callable[[Note], Any] | None) -> tuple[Note, ...]:
    """The remarks as notes, told to whoever listens."""
    notes = tuple(Note(*remark) for remark in remarks)
    if on_note is not None:
        for note in notes:
            on_note(note)
    return notes


def _resumed(kept: Checkpoint) -> Iterator[Remark]:
    """That an earlier run left answers."""
    held = kept.held()
    if held:
        reads = "one read" if held == 1 else f"{held} reads"
        yield Remark("resumed", f"{reads} of all rows that an earlier run made will not be made again")


def _written_out(rows: Any, dense_up_to: float, by_codes: bool) -> Any:
    """Columns of a frame as they are, or as sparse rows where levels are many and the method does not take codes."""
    if by_codes or not isinstance(rows, ColumnTable) or not (pays(rows) and rows.shape[1] > dense_up_to):
        return rows
    return sparse_of(rows)


def _offset(offset: ArrayLike, m: int, classes: int, kernel: str) -> Floats:
    if classes > 2 or kernel == "gram":
        what = f"{classes} classes" if classes > 2 else "kernel='gram'"
        raise ValueError(f"an offset is added to the one z of two classes, and not there for {what}")
    return as_offset(offset, m)


def _outcome(
    engine: MemoryEngine | SparseEngine,
    asked: Options,
    stop: StopRules,
    start: tuple[Floats, Any] | None,
    classes: int,
    intercept: bool,
) -> tuple[Outcome, float | None]:
    """What came of it, and the learning rate as a number where there is one."""
    if asked.method != "auto":
        return descend(engine, asked, stop, start or checked_start(None, 0.0, engine.n))
    outcome = minimise(engine, _request(asked, stop, start, intercept or classes == 2), classes)
    if asked.on_note is not None:
        for note in outcome.notes:
            asked.on_note(note)
    return outcome, None


def _request(asked: Options, stop: StopRules, start: tuple[Floats, Any] | None, intercept: bool) -> Request:
    return Request(
        asked.tol, asked.l2, asked.names, stop.budget, stop.iterations, asked.standardize, start, asked.callback,
        asked.on_note, intercept, asked.penalties,
    )  # fmt: skip


def _fit(outcome: Outcome, asked: Options, classes: tuple[Any, ...], rate: float | None, intercept: bool) -> Fit:
    return Fit(
        w=outcome.w, b=outcome.b, cost=outcome.cost, value=outcome.value, certificate=outcome.certificate,
        iterations=len(outcome.trace.cost), status=outcome.status, history=outcome.trace.cost, trace=outcome.trace,
        notes=outcome.notes, classes=classes, feature_names=tuple(asked.names), method=asked.method, learning_rate=rate,
        l2=asked.l2, standardize=asked.standardize, passes=outcome.passes, seconds=outcome.seconds,
        intercept=intercept, penalties=asked.penalties,
    )  # fmt: skip
