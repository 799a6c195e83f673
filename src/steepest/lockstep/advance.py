"""Many fits advance together: the questions of all of them are answered by one pass over the rows.

Solvers are generators (`solvers`), so any number of them can wait at once: `advance` collects what they ask, answers
everything in one pass, and sends the answers; finished fits drop out. The mathematics of one fit is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from steepest.kernels.many import Fitted
from steepest.lockstep.together import Fits, Metrics, Rows
from steepest.solvers.lbfgs import lbfgs
from steepest.types import Along, Answer, Evaluate, Floats, HessianTimes, Point, Question, Solver

__all__ = ["Last", "advance", "answers", "descend", "newton_together"]

MOST_ROUNDS = 200
MOST_NEWTON = 40


@dataclass(frozen=True, slots=True)
class Last:
    """Where a fit ended: theta (n + 1,) and what was answered there."""

    theta: Floats
    point: Point


def advance(
    solvers: Sequence[Solver],
    answer: Callable[[dict[int, Question]], dict[int, Answer]],
    enough: Callable[[int, Point], bool],
    known: dict[int, Point] | None = None,
) -> list[Last]:
    """Run all solvers side by side; `answer` gets the open questions by number of the fit, and reads the rows once.

    A fit ends when its solver returns, or when `enough(number, point)` says so at a new iterate. An iterate that was
    already looked at as a trial is not asked for again; nor is the start of a fit that is `known`.
    """
    last: list[Last | None] = [None] * len(solvers)
    trial: dict[int, Last] = {}
    open_: dict[int, Question] = {f: next(solver) for f, solver in enumerate(solvers)}
    for _ in range(MOST_ROUNDS):
        answered = dict(known) if known else answer(open_)
        known = None
        following: dict[int, Question] = {}
        while answered:
            f, at = answered.popitem()
            question = open_[f]
            if isinstance(question, Evaluate) and isinstance(at, Point):
                if question.trial:
                    trial[f] = Last(question.theta, at)
                else:
                    last[f] = Last(question.theta, at)
                    if enough(f, at):
                        continue
            try:
                asked = solvers[f].send(at)
            except StopIteration:
                continue
            open_[f] = asked
            if _tried(asked, trial.get(f)):
                answered[f] = trial[f].point  # no pass for it: the solver goes on within this round
            else:
                following[f] = asked
        open_ = following
        if not open_:
            break
    return [each for each in last if each is not None]


def _tried(question: Question, trial: Last | None) -> bool:
    if trial is None or not isinstance(question, Evaluate) or question.trial:
        return False
    return np.array_equal(trial.theta, question.theta)


def answers(
    rows: Rows, fits: Fits, keep: Callable[[int, Floats, Fitted], None] | None = None
) -> Callable[[dict[int, Question]], dict[int, Answer]]:
    """Answers the questions of `fits` (sums, not means), all in one pass; one more if some ask for Hessians.

    `keep(f, theta, fitted)` sees the totals of every theta that was asked for with order 0 or 1.
    """

    def answer(asked: dict[int, Question]) -> dict[int, Answer]:
        given: dict[int, Answer] = {}
        columns = [(f, theta) for f, question in asked.items() for theta in _thetas(question)]
        if columns:
            which = np.array([f for f, _ in columns])
            thetas, some = np.array([theta for _, theta in columns]), fits.take(which)
            fitted = rows.sums(thetas, some.held)
            values = fitted.loss + some.penalty(thetas)
            slopes = fitted.gradient.T + some.ridge * thetas
            for f, question in asked.items():
                mine = np.flatnonzero(which == f)
                if isinstance(question, Along):
                    given[f] = values[mine]
                elif len(mine):
                    i = int(mine[0])
                    given[f] = Point(float(values[i]), float(fitted.loss[i]), 0, slopes[i])
                    if keep is not None:
                        keep(f, thetas[i], fitted.take(slice(i, i + 1)))
        return given | _with_hessians(rows, fits, asked)

    return answer


def _thetas(question: Question) -> list[Floats]:
    if isinstance(question, HessianTimes):
        raise TypeError("many fits together answer Evaluate and Along, not HessianTimes")
    if isinstance(question, Along):
        return [question.theta + step * question.direction for step in question.steps]
    return [question.theta] if question.order < 2 else []


def _with_hessians(rows: Rows, fits: Fits, asked: dict[int, Question]) -> dict[int, Answer]:
    which = np.array([f for f, q in asked.items() if isinstance(q, Evaluate) and q.order == 2], dtype=np.intp)
    if not len(which):
        return {}
    thetas = np.array([asked[f].theta for f in which.tolist()])
    some = fits.take(which)
    values, slopes, hessians, _ = _second(rows, some, thetas)
    return {
        f: Point(float(values[i]), float(values[i]), 0, slopes[i], hessians[i]) for i, f in enumerate(which.tolist())
    }


def _second(rows: Rows, fits: Fits, theta: Floats) -> tuple[Floats, Floats, Floats, float]:
    """Values (F,), gradients (F, k), Hessians (F, k, k) with the penalty, and the largest |x|; one pass."""
    parts = rows.by_fold(theta, np.arange(len(theta)))
    hessians = fits.seen(parts.hessian)
    k = theta.shape[1]
    hessians[:, range(k), range(k)] += fits.ridge
    values = fits.seen(parts.loss) + fits.penalty(theta)
    return values, fits.seen(parts.gradient) + fits.ridge * theta, hessians, parts.longest


def newton_together(rows: Rows, fits: Fits, theta: Floats, rough: float) -> tuple[Floats, Floats]:
    """Newton's method for all fits at once until ½ decrement² <= rough F, by stacked solves; theta and Hessians there.

    For few rows, where a pass costs less than the interpreter. A step that does not lower F is tried again at a
    quarter; a fit that is near enough waits for the others without moving.
    """
    values, slopes, hessians, _ = _second(rows, fits, theta)
    theta, share = theta.copy(), np.ones(len(theta))
    step = _steps(hessians, slopes)
    for _ in range(MOST_NEWTON):
        promised = -0.5 * np.einsum("fj,fj->f", slopes, step)
        moving = np.flatnonzero((promised > rough * values) & (share > 1e-9))
        if not len(moving):
            break
        trial = theta[moving] + share[moving, None] * step[moving]
        found, slope, hessian, _ = _second(rows, fits.take(moving), trial)
        share[moving] *= 0.25
        better = found <= values[moving]
        moved = moving[better]
        theta[moved], values[moved], slopes[moved], hessians[moved] = (
            trial[better], found[better], slope[better], hessian[better],
        )  # fmt: skip
        share[moved], step[moved] = 1.0, _steps(hessians[moved], slopes[moved])
    return theta, hessians


def _steps(hessians: Floats, slopes: Floats) -> Floats:
    unit = np.sqrt(np.maximum(np.einsum("fjj->fj", hessians), np.finfo(float).tiny))
    scaled = hessians / unit[:, None, :] / unit[:, :, None]
    try:
        solved = np.linalg.solve(scaled, (slopes / unit)[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:
        solved = np.array([np.linalg.lstsq(A, g, rcond=None)[0] for A, g in zip(scaled, slopes / unit, strict=True)])
    step: Floats = -solved / unit
    return step


def descend(
    rows: Rows, fits: Fits, theta: Floats, metrics: Metrics, target: Floats, start: Fitted | None = None
) -> tuple[Floats, Fitted]:
    """L-BFGS of all fits in their metrics until ½ |gradient|²_{M^-1} <= target F; theta, and the sums at the end.

    `start`: the sums at theta, where they are known.
    """
    F = len(theta)
    seen: list[dict[bytes, Fitted]] = [{} for _ in range(F)]
    known: dict[int, Point] = {}
    if start is not None:
        values, slopes = start.loss + fits.penalty(theta), start.gradient.T + fits.ridge * theta
        for f in range(F):
            known[f] = Point(float(values[f]), float(start.loss[f]), 0, slopes[f])
            seen[f][theta[f].tobytes()] = start.take(slice(f, f + 1))

    def keep(f: int, at: Floats, fitted: Fitted) -> None:
        seen[f][at.tobytes()] = fitted

    def enough(f: int, point: Point) -> bool:
        return bool(0.5 * float(point.gradient @ metric[f](point.gradient)) <= target[f] * point.value)

    metric: list[Callable[[Floats], Floats]] = [metrics.one(f) for f in range(F)]
    solvers: list[Solver] = [lbfgs(begin, inverse) for begin, inverse in zip(theta, metric, strict=True)]
    ended = advance(solvers, answers(rows, fits, keep), enough, known)
    sums = [seen[f][each.theta.tobytes()] for f, each in enumerate(ended)]
    return np.array([each.theta for each in ended]), Fitted.join(sums)
