"""`fit`: from arrays to a `Fit`. Checks the data, puts engine, objective and solver together, and lets them run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from steepest import diagnosis
from steepest.data import as_rows, as_weights, encode_labels
from steepest.diagnosis import Note, Subject
from steepest.driver import Iterate, Run, Step, StopRules, ask, drive
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.gram import GramObjective, pays
from steepest.kernels import KERNELS
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.result import Fit
from steepest.scaling import Scaling, moments_of
from steepest.solvers import METHODS, largest_curvature
from steepest.types import Floats

__all__ = ["fit"]

CLOSE = 5_000_000  # elements of X up to which a step too large is explained by some dozens of passes
SMALL = 100_000  # elements of X up to which the closing diagnosis is always worth its one pass


def fit(
    X: ArrayLike,
    y: ArrayLike,
    *,
    method: Literal["gd", "momentum", "nesterov", "newton"] = "gd",
    learning_rate: float | Literal["safe"] = "safe",
    iterations: int = 1000,
    tolerance: float = 0.0,
    gradient_tolerance: float = 0.0,
    budget: float | None = None,
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
        (m, n) real numbers, all finite; read in place, whatever its order; narrower dtypes are widened in blocks.
    y
        (m,) two distinct labels; the larger one in sorted order is the positive class.
    method
        `gd` is the descent of the seeds: w := w - α dw, b := b - α db. `momentum`, `nesterov` (with restart) and
        `newton` (never accepts a rising J) minimise the same thing.
    learning_rate
        α, or "safe" = 1/L with L the largest curvature of J anywhere. A number is taken as it is.
    iterations, tolerance, gradient_tolerance, budget
        Stop after that many updates; when an update moves the weights by no more than `tolerance` (Euclidean norm;
        at 0 only when they do not change at all); when the norm of the gradient is that small; after `budget` seconds.
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
        Also when it was stopped or interrupted; `status` says why it ended.

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
    if method not in METHODS:
        raise ValueError(f"method={method!r} is none of {', '.join(METHODS)}")
    rows = as_rows(X)
    weight = as_weights(sample_weight, len(rows))
    target, classes = encode_labels(y, len(rows), weight)
    names = _names(feature_names, rows.shape[1])
    start = _start(w, b, rows.shape[1])
    asked = _Asked(method, learning_rate, float(l2), bool(standardize), kernel, names, callback, on_note)
    stop = StopRules(*_checked_stop(iterations, tolerance, gradient_tolerance, budget))
    engine = MemoryEngine(rows, target, weight, threads=_checked_threads(threads))
    with engine.quiet_blas(), np.errstate(over="ignore", invalid="ignore", under="ignore"):
        return _run(engine, asked, stop, start, classes)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of a fit, checked."""

    method: str
    learning_rate: float | Literal["safe"]
    l2: float
    standardize: bool
    kernel: str
    names: tuple[str, ...]
    callback: Callable[[Step], Any] | None
    on_note: Callable[[Note], Any] | None

    def __post_init__(self) -> None:
        rate = self.learning_rate
        if rate != "safe" and not (isinstance(rate, (int, float)) and 0.0 < rate < math.inf):
            raise ValueError(f"learning_rate={rate!r} must be a positive number or 'safe'")
        if not 0.0 <= self.l2 < math.inf:
            raise ValueError(f"l2={self.l2} must be a number >= 0")
        if self.kernel not in ("auto", "gram", *KERNELS):
            raise ValueError(f"kernel={self.kernel!r} is none of auto, gram, {', '.join(KERNELS)}")
        if self.kernel == "gram" and (self.standardize or not METHODS[self.method].spans):
            raise ValueError("kernel='gram' is for gd, momentum and nesterov on columns as they are")


def _run(
    engine: MemoryEngine, asked: _Asked, stop: StopRules, start: tuple[Floats, float], classes: tuple[Any, Any]
) -> Fit:
    """Put objective and solver together, drive, diagnose, and write down what came of it."""
    method = METHODS[asked.method]
    scaling, penalty = _change_of_variables(asked, engine)
    twin = KERNELS["vectorised" if asked.kernel in ("auto", "gram") else asked.kernel]
    base = Objective(engine, twin, penalty, scaling)
    theta = base.theta(*start)
    rate = _learning_rate(asked, base, theta) if method.limit else math.nan
    oracle: Objective | GramObjective = base
    if _in_row_space(asked, engine, stop):
        oracle = GramObjective.of(base, start[0])
        theta = oracle.theta(*start)

    def base_theta(theta: Floats) -> Floats:
        return theta if oracle is base else base.theta(*oracle.weights(theta))

    subject = Subject(
        method, rate, asked.l2, (*asked.names, "the intercept"), asked.standardize, engine.X.size <= CLOSE
    )
    notes = _Notes(subject, base, base_theta, asked.on_note)
    run = drive(method.start(theta, rate), oracle, stop, asked.callback, notes.see)
    notes.close(run, engine)
    w, b = oracle.weights(run.last.theta)
    return Fit(
        w=w, b=b, cost=run.last.point.cost, value=run.last.point.value, iterations=len(run.trace.cost),
        status=run.status, history=run.trace.cost, trace=run.trace, notes=tuple(notes.all), classes=classes,
        feature_names=asked.names, method=asked.method, learning_rate=rate if method.limit else None, l2=asked.l2,
        standardize=asked.standardize, passes=run.passes, seconds=run.last.seconds,
    )  # fmt: skip


class _Notes:
    """Sends every iterate to the watch of `diagnosis.py` and keeps what it notes."""

    def __init__(
        self,
        subject: Subject,
        base: Objective,
        base_theta: Callable[[Floats], Floats],
        on_note: Callable[[Note], Any] | None,
    ) -> None:
        self.subject, self.base, self.base_theta, self.on_note = subject, base, base_theta, on_note
        self.all: list[Note] = []
        self._watch = diagnosis.watch(subject, lambda asking: ask(asking, base), base_theta)
        next(self._watch)

    def see(self, iterate: Iterate) -> None:
        """One iterate of the run."""
        self._keep(self._watch.send(iterate))

    def close(self, run: Run, engine: MemoryEngine) -> None:
        """After the run: does descent creep? One pass with the Hessian, where that is cheap beside the run."""
        dear = max(1.0, engine.n / 10.0) > 0.1 * run.passes and engine.X.size > SMALL
        hopeless = any(note.kind in ("separable", "two-cycle") for note in self.all)
        if self.subject.method.limit and not hopeless and not dear and engine.n < diagnosis.MOST_COLUMNS:
            theta = self.base_theta(run.last.theta)
            self._keep(ask(diagnosis.creeping(self.subject, run, theta), self.base))

    def _keep(self, note: Note | None) -> None:
        if note is not None:
            self.all.append(note)
            if self.on_note is not None:
                self.on_note(note)


def _change_of_variables(asked: _Asked, engine: MemoryEngine) -> tuple[Scaling | None, L2]:
    """Standardised columns where they are asked for, and for Newton's method always: its steps do not depend on the
    units, but their rounding does (at an offset of 1e8 deviations nothing would be left). Unless asked, the penalty
    stays on the user's columns: l2 w² = (l2 / scale²) u².
    """
    if not asked.standardize and METHODS[asked.method].limit:
        return None, L2(asked.l2)
    scaling = Scaling.standard(engine.sum(moments_of))
    return scaling, L2(asked.l2 if asked.standardize else asked.l2 / scaling.scale / scaling.scale)


def _in_row_space(asked: _Asked, engine: MemoryEngine, stop: StopRules) -> bool:
    if asked.kernel != "auto":
        return asked.kernel == "gram"
    wide = METHODS[asked.method].spans and not asked.standardize
    return wide and pays(engine.m, engine.n, stop.iterations)


def _learning_rate(asked: _Asked, base: Objective, theta: Floats) -> float:
    if asked.learning_rate != "safe":
        return float(asked.learning_rate)
    curvature = ask(largest_curvature(np.zeros_like(theta)), base)
    if not 0.0 < 1.0 / curvature.value < math.inf:
        name = (*asked.names, "the intercept")[curvature.column]
        raise DataError(
            f"no float is a safe learning rate: {name} bends J by {curvature.value:.3g}; rescale that column"
        )
    return 1.0 / curvature.value


def _names(feature_names: Sequence[str] | None, n: int) -> tuple[str, ...]:
    if feature_names is None:
        return tuple(f"x{j + 1}" for j in range(n))
    if len(feature_names) != n:
        raise DataError(f"feature_names has {len(feature_names)} names for {n} columns")
    return tuple(str(name) for name in feature_names)


def _start(w: ArrayLike | None, b: float, n: int) -> tuple[Floats, float]:
    weights = np.zeros(n) if w is None else np.array(w, dtype=np.float64)
    if weights.shape != (n,):
        raise DataError(f"w has shape {weights.shape}, but X has {n} columns: give one weight per column")
    if not (np.isfinite(weights).all() and math.isfinite(b)):
        raise DataError("the starting w and b must be finite")
    return weights, float(b)


def _checked_stop(
    iterations: int, tolerance: float, gradient_tolerance: float, budget: float | None
) -> tuple[int, float, float, float | None]:
    if int(iterations) != iterations or iterations < 0:
        raise ValueError(f"iterations={iterations} must be a whole number >= 0")
    for name, value in (("tolerance", tolerance), ("gradient_tolerance", gradient_tolerance)):
        if not 0.0 <= value < math.inf:
            raise ValueError(f"{name}={value} must be a number >= 0")
    if budget is not None and not budget > 0.0:
        raise ValueError(f"budget={budget} must be a number of seconds > 0, or None")
    return int(iterations), float(tolerance), float(gradient_tolerance), budget


def _checked_threads(threads: int | None) -> int | None:
    if threads is not None and threads < 1:
        raise ValueError(f"threads={threads} must be at least 1, or None for all")
    return threads
