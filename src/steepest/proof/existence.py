"""Does a finite optimum exist? If not, a direction that proves it, checked in exact arithmetic on every row.

Along delta = (w, b) the loss of a row with y = 1 never rises if x'w + b >= 0, with y = 0 if <= 0, with 0 < y < 1 only
if = 0. If that holds on all rows, with at least one > or <, and no penalised weight moves, F falls for ever: there is
no minimiser. Complete separation: all rows strictly. Quasi-complete: some, the others lie on the plane (A. Albert,
J. A. Anderson, On the existence of maximum likelihood estimates in logistic regression models, Biometrika 71 (1984),
1-10). A linear programme proposes (K. Konis, Linear programming algorithms for detecting separated data in binary
logistic regression models, DPhil thesis, Oxford 2007, section 4), fractions decide: no false alarm is possible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeAlias

import numpy as np
import scipy
from numpy.typing import NDArray

from steepest.objective import Engine
from steepest.proof.linear_relations import nullspace_near
from steepest.proof.rounding import SLACK, gamma
from steepest.types import Block, Floats

__all__ = ["Witness", "check", "find_witness"]

Flags: TypeAlias = NDArray[np.bool_]

FIRST = 5  # rows named in a witness
ROUNDS = 12  # of adding violated rows to the linear programme
MOST_ROWS = 2048  # of one round
EXACT = 2**52  # whole numbers below are floats
CLEARLY = 1e-9  # of the spread of z: less is the programme's own tolerance
BITS = (4, 20, 40)  # of the free coordinates of a direction: short ones first, they make readable witnesses


@dataclass(frozen=True, slots=True)
class Witness:
    """A direction along which F falls for ever, in whole numbers, so that anyone can check it by hand.

    kind       "complete": (2y - 1)(x'w + b) > 0 on every row; "quasi-complete": >= 0 on every row, > 0 on some
    direction  (w_1, …, w_n, b), any positive multiple of it serves
    separated  number of rows strictly on their side      rows  the first few of them
    columns    features with w_j != 0: those responsible
    """

    kind: Literal["complete", "quasi-complete"]
    direction: tuple[int, ...]
    separated: int
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @property
    def w(self) -> Floats:
        """The direction's weights as floats, scaled so that the largest entry of (w, b) is 1 in size."""
        return np.array([float(Fraction(part, self._largest)) for part in self.direction[:-1]])

    @property
    def b(self) -> float:
        """The direction's intercept, scaled likewise."""
        return float(Fraction(self.direction[-1], self._largest))

    @property
    def _largest(self) -> int:
        return max(map(abs, self.direction))


@dataclass(frozen=True, slots=True)
class _Side:
    """Rows strictly on their side, on the plane, and against (or fractional off the plane). Can be added."""

    strict: int
    on: int
    against: int
    first: tuple[int, ...]

    def __add__(self, other: _Side) -> _Side:
        first = (self.first + other.first)[:FIRST]
        return _Side(self.strict + other.strict, self.on + other.on, self.against + other.against, first)


def check(engine: Engine, direction: tuple[int, ...], penalised: Floats | None = None) -> Witness | None:
    """The witness that `direction` (n + 1 whole numbers, intercept last) is, or None if it is none; one pass, exact.

    Floating point decides where its error bound allows, fractions where it does not: mostly rows on the plane.

    >>> from steepest.engines import MemoryEngine
    >>> rows = MemoryEngine(np.array([[1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 1.0]))
    >>> check(rows, (2, -3)).kind, check(rows, (1, -2)).kind, check(rows, (1, -3))
    ('complete', 'quasi-complete', None)
    """
    if penalised is not None and any(part and held for part, held in zip(direction, penalised > 0.0, strict=False)):
        return None
    side = engine.sum(lambda block: _side(block, direction))
    if side.against or not side.strict:
        return None
    columns = tuple(j for j, part in enumerate(direction[:-1]) if part)
    return Witness("quasi-complete" if side.on else "complete", direction, side.strict, side.first, columns)


def _side(block: Block, direction: tuple[int, ...]) -> _Side:
    largest = max(1, *map(abs, direction))
    whole = largest < EXACT  # then the direction is exact in floats, and so are sums of whole numbers below 2^53
    rounded = np.array([float(part if whole else Fraction(part, largest)) for part in direction])
    z, sure = _signs(block.X, rounded, whole)
    s = np.ones(len(z)) if block.weight is None else block.weight
    sign = np.sign(z)
    for i in np.flatnonzero(~sure & (s > 0.0)).tolist():
        exact = sum((Fraction(x) * part for x, part in zip(block.X[i].tolist(), direction, strict=False) if part and x),
                    Fraction(direction[-1]))  # fmt: skip
        sign[i] = (exact > 0) - (exact < 0)
    label = np.where(block.y == 1.0, 1.0, np.where(block.y == 0.0, -1.0, 0.0))
    seen = s > 0.0
    strict = seen & (label * sign > 0.0)
    on = seen & (sign == 0.0)
    first = tuple(int(i) + block.start for i in np.flatnonzero(strict)[:FIRST])
    n_strict, n_on = int(np.count_nonzero(strict)), int(np.count_nonzero(on))
    return _Side(n_strict, n_on, int(np.count_nonzero(seen)) - n_strict - n_on, first)


def _signs(X: Floats, direction: Floats, whole: bool) -> tuple[Floats, Flags]:
    """x'w + b, and whether its sign is certain, although `direction` was rounded or because all is `whole`."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        z = X @ direction[:-1] + direction[-1]
        size = np.abs(X) @ np.abs(direction[:-1]) + abs(direction[-1])
        sure = np.abs(z) > gamma(X.shape[1] + 8) * SLACK * size + 2.0**-1000
        if whole:  # dummies and counts: millions of rows may lie on the plane, and fractions are slow
            used = X[:, direction[:-1] != 0.0]
            sure |= (size < EXACT) & np.all(used == np.rint(used), axis=1)
        return z, sure


def find_witness(
    engine: Engine,
    *,
    penalised: Floats | None = None,
    candidates: tuple[Floats, Floats] | None = None,
    w: Floats | None = None,
    b: float = 0.0,
) -> Witness | None:
    """A proof that no finite optimum exists, or None if none was found (which is not a proof that one exists).

    penalised   (n,), > 0 where a weight carries a penalty; such weights cannot run away
    candidates  rows (X, y) to begin with, such as those with extreme z; by default those furthest out in some column
    w, b        a direction worth trying first: an iterate with no errors is one

    Columns must not depend on each other linearly: drop the later ones first (`linear_relations`).

    >>> from steepest.engines import MemoryEngine
    >>> rows = MemoryEngine(np.array([[1.0], [2.0], [2.0], [3.0]]), np.array([0.0, 0.0, 1.0, 1.0]))
    >>> find_witness(rows)
    Witness(kind='quasi-complete', direction=(1, -2), separated=2, rows=(0, 3), columns=(0,))
    """
    free: Flags = np.ones(engine.n, dtype=bool) if penalised is None else np.asarray(penalised) <= 0.0
    if w is not None and free.all() and np.isfinite(w).all() and math.isfinite(b):
        tried = check(engine, _whole([Fraction(part) for part in (*w.tolist(), b)]))
        if tried is not None and tried.kind == "complete":
            return tried
    sample: _Sample | None = engine.sum(_extreme_rows) if candidates is None else _Sample(*candidates)
    for _ in range(ROUNDS):
        if sample is None:
            return None
        proposal = _propose(sample, free)
        if proposal is None:
            return None
        tight, approximate = proposal
        missed = _violated(engine, sample, approximate)
        if not len(missed.y):
            found = _confirm(engine, sample, free, tight, approximate)
            if found is not None:
                return found
        sample = sample.extended(missed)
    return None


@dataclass(frozen=True, slots=True)
class _Sample:
    """Rows for the linear programme. Can be added; keeps at most MOST_ROWS, the worst violated first."""

    X: Floats
    y: Floats
    worth: Floats | None = None

    def __add__(self, other: _Sample) -> _Sample:
        X, y = np.concatenate([self.X, other.X]), np.concatenate([self.y, other.y])
        mine = np.zeros(len(self.y)) if self.worth is None else self.worth
        worth = np.concatenate([mine, np.zeros(len(other.y)) if other.worth is None else other.worth])
        keep = np.sort(np.argsort(-worth, kind="stable")[:MOST_ROWS])
        return _Sample(X[keep], y[keep], worth[keep])

    def extended(self, other: _Sample) -> _Sample | None:
        """These rows and further ones; None if there are none."""
        if not len(other.y):
            return None
        return _Sample(np.concatenate([self.X, other.X]), np.concatenate([self.y, other.y]))


def _extreme_rows(block: Block) -> _Sample:
    """The block's rows that are furthest out in some column: of a dummy set in few rows, those rows."""
    seen = np.arange(len(block.y)) if block.weight is None else np.flatnonzero(block.weight)
    X = block.X[seen]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        away = np.abs(X - X.mean(axis=0)) if len(X) else X
        deviation = np.sqrt((away * away).mean(axis=0)) if len(X) else np.ones(X.shape[1])
        worth = np.nan_to_num(away / deviation, posinf=0.0).max(axis=1, initial=0.0)
    keep = np.sort(np.argsort(-worth, kind="stable")[:MOST_ROWS])
    return _Sample(X[keep], block.y[seen][keep], worth[keep])


def _violated(engine: Engine, sample: _Sample, at: Floats) -> _Sample:
    """Rows clearly on the wrong side of `at`; those within rounding of the plane are left to exact arithmetic."""
    spread = np.abs(sample.X).max(axis=0, initial=0.0) @ np.abs(at[:-1]) + abs(at[-1])

    def of_block(block: Block) -> _Sample:
        z = block.X @ at[:-1] + at[-1]
        wrong = np.where(block.y == 1.0, -z, np.where(block.y == 0.0, z, np.abs(z)))
        bad = wrong > CLEARLY * spread
        if block.weight is not None:
            bad &= block.weight > 0.0
        return _Sample(block.X[bad], block.y[bad], wrong[bad])

    return engine.sum(of_block)


def _propose(sample: _Sample, free: Flags) -> tuple[Flags, Floats] | None:
    """(rows on the plane, direction) of a direction that separates as many rows as possible; None if there is none.

    maximise sum of t_i,  (2y_i - 1)(x_i'w + b) >= t_i,  0 <= t_i <= 1;  fractional y: x_i'w + b = 0. Directions form a
    cone, so at the optimum t_i = 1 on every row that any direction can separate: the largest set, in one programme.
    """
    X, y = sample.X[:, free], sample.y
    if not len(y):
        return None
    centre = 0.5 * X.min(axis=0, initial=np.inf) + 0.5 * X.max(axis=0, initial=-np.inf)
    scale = np.abs(X - centre).max(axis=0, initial=0.0)
    scale[scale == 0.0] = 1.0
    rows = np.column_stack([(X - centre) / scale, np.ones(len(y))])
    labelled = (y == 0.0) | (y == 1.0)
    solution = _programme((2.0 * y[labelled] - 1.0)[:, None] * rows[labelled], rows[~labelled])
    if solution is None:
        return None
    k = rows.shape[1]
    at = np.zeros(len(free) + 1)
    at[:-1][free] = solution[: k - 1] / scale
    at[-1] = solution[k - 1] - at[:-1][free] @ centre
    tight = np.ones(len(y), dtype=bool)
    tight[labelled] = solution[k:] < 0.5
    return tight, at


def _programme(side: Floats, mixed: Floats) -> Floats | None:
    """The programme of `_propose`: (direction, t), or None if no row can be separated."""
    count, k = side.shape
    if not count:
        return None
    solved = scipy.optimize.linprog(
        np.concatenate([np.zeros(k), -np.ones(count)]),
        A_ub=scipy.sparse.hstack([scipy.sparse.csr_array(-side), scipy.sparse.eye_array(count)], format="csr"),
        b_ub=np.zeros(count),
        A_eq=np.hstack([mixed, np.zeros((len(mixed), count))]) if len(mixed) else None,
        b_eq=np.zeros(len(mixed)) if len(mixed) else None,
        bounds=[(None, None)] * k + [(0.0, 1.0)] * count,
        method="highs",
    )
    return None if solved.x is None or not float(solved.fun or 0.0) < -0.5 else np.asarray(solved.x)


def _confirm(engine: Engine, sample: _Sample, free: Flags, tight: Flags, at: Floats) -> Witness | None:
    """The direction moved exactly onto the plane of the tight rows, in whole numbers, and checked on all rows.

    A direction rounded too much may put rows on the plane that another one separates: then more bits are tried.
    """
    best: Witness | None = None
    use = np.append(free, True)
    rows = np.column_stack([sample.X, np.ones(len(sample.y))])[tight][:, use]
    for bits in BITS:
        near = nullspace_near(rows, at[use], bits)
        if near is None:
            continue
        direction = [Fraction(0)] * len(use)
        for j, part in zip(np.flatnonzero(use).tolist(), near, strict=True):
            direction[j] = part
        found = check(engine, _whole(direction))
        if found is not None and (best is None or found.separated > best.separated):
            best = found
        if best is not None and best.separated >= np.count_nonzero(~tight):
            break
    return best


def _whole(direction: list[Fraction]) -> tuple[int, ...]:
    """The same direction in whole numbers without a common factor."""
    multiple = math.lcm(*(part.denominator for part in direction))
    parts = [int(part * multiple) for part in direction]
    factor = math.gcd(*parts) or 1
    return tuple(part // factor for part in parts)
