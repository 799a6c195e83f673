"""The seeds' programs, corrected, and every numeric slip of theirs as a switch. Teaching code, slow on purpose.

Here, and only here, the orientation and the names are those of the seeds: X is (n_x, m) with one example per column,
Y is (1, m), w is (n_x, 1), alpha is the learning rate. (The package has X (m, n), one example per row.)

Rungs: `forward`, `backward`, `step` on one example; `loop` over m examples; `vectorised`; `repeat`. In `loop` each line
of the seed carries its slip beside it: `right if ok(Slip.…) else wrong`. Whoever uses no slips gets the right program.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.formulas import loss, sigmoid

__all__ = ["Pass", "Run", "Slip", "backward", "forward", "hours", "loop", "repeat", "step", "vectorised"]

Floats: TypeAlias = NDArray[np.float64]


class Slip(enum.Enum):
    """A misprint of the seeds that changes numbers: where it stands, the line as printed, as meant, and its effect."""

    SAME_LABEL = (
        "000.5",
        "J += L(a⁽ⁱ⁾, y)",
        "J += L(a⁽ⁱ⁾, y⁽ⁱ⁾)",
        "J is that of one label; w and b are right",
    )
    NOT_RESET = ("000.6, 002.2", "", "J, dw, db = 0, 0, 0 in every iteration", "old gradients are added to new ones")
    SAME_EXAMPLE = ("000.8", "z = np.dot(w, x) + b", "z = np.dot(w, x[i]) + b", "one example is learnt m times")
    STALE_W = ("000.9, 002.8", "forward: w; update: w_1, w_2", "one w", "the weights never reach the prediction")
    DZ_ADDED = ("000.11", "dz += a - y", "dz = a - y", "every example carries the errors of those before it")
    SAME_FEATURE = ("000.12", "dw_1 += x[1]*dz; dw_2 += x[1]*dz", "dw_j += x[j]*dz", "both weights get one gradient")
    DB_NOT_DIVIDED = ("000.13", "", "db = db / m", "b moves m times too far")
    B_MINUS_B = ("000.14, 000.15", "b = b - alpha * b", "b = b - alpha * db", "b stays 0 for ever")
    NO_COST = ("000.17", "", "J = 1/m * np.sum(L(A, Y))", "J is 0 whatever happens")
    ONLY_UPDATES = ("000.18", "for …: w = w - alpha * dw", "for …: Z = … to b = …", "the first gradient for ever")
    DA_BRACKETS = ("001.1", "da = -y/a + 1 - y/1 - a", "da = -y/a + (1 - y)/(1 - a)", "a wrong da, so a wrong dz")
    SLOPE_BRACKETS = ("001.2", "a * 1 - a", "a * (1 - a)", "da/dz is 0: nothing is learnt")
    DB_LAST = ("002.1", "db = dz", "db += dz", "only the last example moves b, and it looks converged")
    SUM_NOT_MEAN = ("002.3", "the sum becomes our gradient", "the mean: divide by m", "a step m times too long")
    ONE_BY_ONE = ("002.10", "w_1 := …, then w_2 := …", "all at once", "w_2 and b use a gradient that w_1 never saw")

    def __init__(self, source: str, printed: str, meant: str, effect: str) -> None:
        self.source, self.printed, self.meant, self.effect = source, printed, meant, effect


class Pass(NamedTuple):
    """One pass over the examples: w (n_x, 1), b after the update; J, dw (n_x, 1), db before it; w that predicted."""

    w: Floats
    b: float
    J: float
    dw: Floats
    db: float
    used: Floats


class Run(NamedTuple):
    """What `repeat` ends with: w, b, the last pass, how many were made, if the weights stood still, J of each pass."""

    w: Floats
    b: float
    last: Pass
    iterations: int
    unchanged: bool
    costs: tuple[float, ...]


Program: TypeAlias = Callable[..., Pass]


def hours() -> tuple[Floats, Floats]:
    """The example data: X (2, 12) hours studied and hours slept, Y (1, 12) passed or not.

    >>> X, Y = hours()
    >>> X.shape, Y.shape, float(Y.sum())
    ((2, 12), (1, 12), 6.0)
    """
    studied = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5]
    slept = [6.0, 8.0, 5.0, 7.0, 4.5, 6.5, 8.0, 5.0, 7.0, 6.0, 8.5, 4.0]
    return np.array([studied, slept]), np.array([[0.0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1]])


def forward(x: Floats, y: float, w: Floats, b: float) -> tuple[float, float, float]:
    """z = wᵀx + b, a = σ(z), L(a, y) of one example; x and w are (n_x, 1).

    >>> z, a, L = forward(np.array([[1.0], [2.0]]), 1.0, np.zeros((2, 1)), 0.0)
    >>> z, a, round(L, 4)
    (0.0, 0.5, 0.6931)
    """
    z = (w.T @ x).item() + b
    a = sigmoid(z)
    L = loss(z, y)
    return z, float(a), float(L)


def backward(x: Floats, y: float, w: Floats, b: float) -> tuple[float, Floats, float]:
    """dz = a − y, dw = x dz (n_x, 1), db = dz: the derivatives of L, the loss of this one example.

    >>> dz, dw, db = backward(np.array([[1.0], [2.0]]), 1.0, np.zeros((2, 1)), 0.0)
    >>> dz, dw.ravel().tolist(), db
    (-0.5, [-0.5, -1.0], -0.5)
    """
    _, a, _ = forward(x, y, w, b)
    dz = a - y
    dw = x * dz
    db = dz
    return dz, dw, db


def step(x: Floats, y: float, w: Floats, b: float, alpha: float) -> tuple[Floats, float]:
    """One gradient step on one example: w := w − α dw, b := b − α db, at once.

    >>> w, b = step(np.array([[1.0], [2.0]]), 1.0, np.zeros((2, 1)), 0.0, alpha=0.5)
    >>> w.ravel().tolist(), b
    ([0.25, 0.5], 0.25)
    """
    _, dw, db = backward(x, y, w, b)
    return w - alpha * dw, b - alpha * db


def loop(
    X: Floats, Y: Floats, w: Floats, b: float, alpha: float, slips: Collection[Slip] = (), before: Pass | None = None
) -> Pass:
    """One pass of the seed's loop over m examples, then the update. X (n_x, m), Y (1, m), w (n_x, 1).

    `slips` switches misprints on; two of them need the pass `before`. ValueError for a slip that is not of this loop.

    >>> X, Y = hours()
    >>> loop(X, Y, np.zeros((2, 1)), 0.0, alpha=0.1).dw.ravel().round(4).tolist()
    [-0.5833, -0.2292]
    """
    _refuse(slips, {Slip.NO_COST, Slip.ONLY_UPDATES}, "the loop")
    ok = set(Slip).difference(slips).__contains__
    if not ok(Slip.ONE_BY_ONE):
        return _one_by_one(X, Y, w, b, alpha, set(slips) - {Slip.ONE_BY_ONE}, before)
    n_x, m = X.shape
    J, dw, db, dz = 0.0, np.zeros((n_x, 1)), 0.0, 0.0
    if before is not None and not ok(Slip.NOT_RESET):
        J, dw, db = before.J, before.dw.copy(), before.db
    used = w if before is None or ok(Slip.STALE_W) else before.used
    for i in range(m):
        x, y = (X[:, i], Y[0, i]) if ok(Slip.SAME_EXAMPLE) else (X[:, 0], Y[0, 0])
        z = float(np.dot(used[:, 0], x)) + b
        a = float(sigmoid(z))
        J += float(loss(z, y if ok(Slip.SAME_LABEL) else Y[0, 0]))
        dz = _dz(a, y, slips) if ok(Slip.DZ_ADDED) else dz + _dz(a, y, slips)
        for j in range(n_x):
            dw[j] += (x[j] if ok(Slip.SAME_FEATURE) else x[1]) * dz
        db = db + dz if ok(Slip.DB_LAST) else dz
    J = J / m if ok(Slip.SUM_NOT_MEAN) else J
    dw = dw / m if ok(Slip.SUM_NOT_MEAN) else dw
    db = db / m if ok(Slip.SUM_NOT_MEAN) and ok(Slip.DB_NOT_DIVIDED) else db
    w = w - alpha * dw
    b = b - alpha * db if ok(Slip.B_MINUS_B) else b - alpha * b
    return Pass(w, float(b), float(J), dw, float(db), used)


def vectorised(
    X: Floats, Y: Floats, w: Floats, b: float, alpha: float, slips: Collection[Slip] = (), before: Pass | None = None
) -> Pass:
    """The same pass without a loop: Z = wᵀX + b, A = σ(Z), dZ = A − Y, dw = 1/m X dZᵀ, db = 1/m Σ dZ, update.

    It knows the slips NO_COST and B_MINUS_B, which are those of the seed's vectorised program; ValueError for others.

    >>> X, Y = hours()
    >>> vectorised(X, Y, np.zeros((2, 1)), 0.0, alpha=0.1).dw.ravel().round(4).tolist()
    [-0.5833, -0.2292]
    """
    _refuse(slips, set(Slip) - {Slip.NO_COST, Slip.B_MINUS_B}, "the vectorised program")
    ok = set(Slip).difference(slips).__contains__
    m = X.shape[1]
    Z = np.dot(w.T, X) + b
    A = sigmoid(Z)
    J = float((1 / m) * np.sum(loss(Z, Y))) if ok(Slip.NO_COST) else 0.0
    dZ = A - Y
    dw = (1 / m) * np.dot(X, dZ.T)
    db = float((1 / m) * np.sum(dZ))
    used, w = w, w - alpha * dw
    b = b - alpha * db if ok(Slip.B_MINUS_B) else b - alpha * b
    return Pass(w, b, J, dw, db, used)


def repeat(
    X: Floats,
    Y: Floats,
    alpha: float,
    iterations: int = 1000,
    tolerance: float = 0.0,
    program: Program = loop,
    slips: Collection[Slip] = (),
    start: tuple[Floats, float] | None = None,
) -> Run:
    """Repeat `program` until the weights stop changing or `iterations` passes are made, from 0 or from `start`.

    The weights stand still if no one of them and not b changed by more than `tolerance`. Standing still is not having
    arrived: look at J too. ValueError if not even one pass is asked for.

    >>> X, Y = hours()
    >>> run = repeat(X, Y, alpha=0.1, iterations=5)
    >>> run.iterations, run.unchanged, run.costs[0] > run.costs[-1]
    (5, False, True)
    """
    if iterations < 1:
        raise ValueError(f"iterations is {iterations}, but at least one pass must be made.")
    w, b = (np.zeros((X.shape[0], 1)), 0.0) if start is None else start
    inside = set(slips) - {Slip.ONLY_UPDATES}
    last: Pass | None = None
    costs: list[float] = []
    unchanged = False
    while len(costs) < iterations and not unchanged:
        if last is None or Slip.ONLY_UPDATES not in slips:
            last = program(X, Y, w, b, alpha, slips=inside, before=last)
        else:
            last = last._replace(w=w - alpha * last.dw, b=b - alpha * last.db)
        unchanged = bool(np.max(np.abs(last.w - w)) <= tolerance and abs(last.b - b) <= tolerance)
        w, b = last.w, last.b
        costs.append(last.J)
    assert last is not None
    return Run(w, b, last, len(costs), unchanged, tuple(costs))


def _dz(a: float, y: float, slips: Collection[Slip]) -> float:
    """a − y; with a bracket missing, what the chain rule makes of it."""
    if Slip.DA_BRACKETS not in slips and Slip.SLOPE_BRACKETS not in slips:
        return a - y
    with np.errstate(all="ignore"):
        da = -y / a + (1 - y) / (1 - a) if Slip.DA_BRACKETS not in slips else -y / a + 1 - y / 1 - a
        return da * (a * (1 - a) if Slip.SLOPE_BRACKETS not in slips else a * 1 - a)


def _one_by_one(
    X: Floats, Y: Floats, w: Floats, b: float, alpha: float, slips: Collection[Slip], before: Pass | None
) -> Pass:
    """w_1 := …, then anew forward and backward for w_2 := …, then for b := …: what "then" between the updates says."""
    moved = w.copy()
    for j in range(len(w)):
        moved[j] = loop(X, Y, moved, b, alpha, slips, before).w[j]
    last = loop(X, Y, moved, b, alpha, slips, before)
    return last._replace(w=moved, used=w)


def _refuse(slips: Collection[Slip], unknown: Collection[Slip], program: str) -> None:
    wrong = [slip.name for slip in slips if slip in unknown]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} is no slip of {program}; switch it on where the seed made it.")
