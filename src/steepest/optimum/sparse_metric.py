"""Metrics for L-BFGS on sparse rows: the diagonal of the Hessian, or the whole one of a sample of the rows.

The diagonal belongs to the frame whose centre c is the D-weighted mean, D = s a(1-a): with b~ = b + c'w the gradient
is (g_w - c g_b, g_b) and the Hessian's diagonal sum of D x² - S c², S = sum of D. This is algebra; no row changes.
K classes have a diagonal each, with D = s a_k (1 - a_k); what they do to each other is left to the pairs of L-BFGS.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from steepest.driver import StopRules, rehearse
from steepest.engines.sparse import SparseEngine
from steepest.kernels import softmax, sparse
from steepest.kernels.softmax_sums import ClassBends
from steepest.lapack import cholesky, solved
from steepest.objective import Engine, Objective
from steepest.penalties import L2
from steepest.sampling import SEED
from steepest.softmax_centred import CentredObjective, centred
from steepest.solvers.lbfgs import lbfgs
from steepest.types import Evaluate, Floats, Point, Sums

__all__ = ["ClassDiagonal", "Diagonal", "Metric", "Renewal", "inverse", "on_sample"]

ROWS_PER_COLUMN = 32  # of the sample: on a9a 12 took 22 passes to 1e-6, 32 took 13, 64 took 9 and more time
ON_SAMPLE = 30  # steps
ROUGH = 1e-3  # relative, of the sample's optimum: below its own sampling error
MEMORY = 12
RARE = 1.2  # a column that all rows bend this much more than the sample is taken to be missing there
LEAST_SHARE = 1e-3  # of D x² that is left to a column after centring: what cancels further is rounding
SHARED = 1e-6  # of the classes' mean, added to each: a class that no row is undecided about has no curvature of its own

FIRST, EVERY = 7, 14  # steps at which a diagonal is formed again: 4 and 8, 8 and 16 take as many passes within 10 %
FALLEN = 1e-2  # of the value: if it fell by less since the diagonal was formed, that is still right

Metric = Callable[[Floats], Floats]


class Renewal:
    """When a diagonal is due to be formed again: every few steps, for as long as the value falls."""

    def __init__(self) -> None:
        self.steps, self.formed_at = -1, math.inf

    def due(self, value: float) -> bool:
        """Told the value of every iterate, the first of which has a diagonal already."""
        self.steps += 1
        looks = self.steps == FIRST or self.steps % EVERY == 0
        if self.steps and not (looks and value < (1.0 - FALLEN) * self.formed_at):
            return False
        self.formed_at = value
        return self.steps > 0


@dataclass(frozen=True, slots=True)
class Diagonal:
    """v -> M^-1 v; `diagonal` (n,) and `edge` of the mean, `centre` (n,)."""

    diagonal: Floats
    edge: float
    centre: Floats

    @classmethod
    def at(cls, engine: Engine, strength: Floats, theta: Floats) -> Diagonal:
        """Formed at theta with penalties `strength`; one pass."""
        w, b = theta[:-1], float(theta[-1])
        total: Sums = engine.sum(lambda block: sparse.squares(block, w, b))
        assert total.dw is not None
        assert total.dwdb is not None
        return cls.of(total.dw, total.dwdb, total.ddb, strength, engine.total_weight)

    @classmethod
    def of(cls, square: Floats, first: Floats, edge: float, strength: Floats, weight: float) -> Diagonal:
        """From the sums of D x², D x and D."""
        edge = max(edge, np.finfo(float).tiny)
        centre = first / edge
        about = np.maximum(square - first * centre, LEAST_SHARE * square) / weight + strength
        return cls(np.where(about > 0.0, about, 1.0), edge / weight, centre)

    @property
    def unit(self) -> Floats:
        """(n + 1,) the root of the diagonal."""
        return np.asarray(np.sqrt(np.append(self.diagonal, self.edge)))

    @property
    def uncentred(self) -> Floats:
        """(n + 1,) the diagonal of the Hessian as the rows are."""
        return np.append(self.diagonal + self.edge * self.centre * self.centre, self.edge)

    def __call__(self, v: Floats) -> Floats:
        """M^-1 v."""
        step = np.empty_like(v)
        step[:-1] = (v[:-1] - v[-1] * self.centre) / self.diagonal
        step[-1] = v[-1] / self.edge - self.centre @ step[:-1]
        return step


@dataclass(frozen=True, slots=True)
class ClassDiagonal:
    """v -> P M^-1 P v, P taking the mean over the classes off; `diagonal`, `centre` (n, K), `edge` (K,) of the mean."""

    diagonal: Floats
    edge: Floats
    centre: Floats

    @classmethod
    def at(cls, objective: CentredObjective, theta: Floats) -> ClassDiagonal:
        """Formed at theta; one pass with two products."""
        w, b = objective.split(theta)
        total: ClassBends = objective.engine.sum(lambda block: softmax.bends(block, w, b))
        weight = objective.engine.total_weight
        square, first, edge = (
            part + SHARED * part.mean(axis=-1, keepdims=True) for part in (total.square, total.first, total.edge)
        )
        edge = np.maximum(edge, np.finfo(float).tiny)
        centre = first / edge if objective.intercept else np.zeros_like(first)
        about = np.maximum(square - centre * first, LEAST_SHARE * square) / weight + objective.l2[:, None]
        return cls(np.where(about > 0.0, about, 1.0), edge / weight, centre)

    @classmethod
    def at_shares(cls, objective: CentredObjective, shares: Floats) -> ClassDiagonal:
        """Formed where W = 0 and every row has a = `shares` (K,): one pass with two products for all classes together.

        s a(1 - a) at 0 of two classes is s / 4.
        """
        engine, weight = objective.engine, objective.engine.total_weight
        total: Sums = engine.sum(lambda block: sparse.squares(block, np.zeros(engine.n), 0.0))
        assert total.dw is not None
        assert total.dwdb is not None
        square, mean = 4.0 * total.dw / weight, 4.0 * total.dwdb / weight
        if not objective.intercept:
            mean = np.zeros_like(mean)
        bend = shares * (1.0 - shares)
        about = np.outer(np.maximum(square - mean * mean, LEAST_SHARE * square), bend) + objective.l2[:, None]
        return cls(np.where(about > 0.0, about, 1.0), bend, np.repeat(mean[:, None], len(shares), axis=1))

    @property
    def unit(self) -> Floats:
        """((n + 1) K,) the root of the diagonal."""
        return np.asarray(np.sqrt(np.vstack([self.diagonal, self.edge]).ravel()))

    def __call__(self, v: Floats) -> Floats:
        """P M^-1 P v, of which `centred` is the P on the left; gradients need none on the right."""
        full = v.reshape(-1, len(self.edge))
        step = np.empty_like(full)
        np.multiply(self.centre, full[-1], out=step[:-1])
        np.subtract(full[:-1], step[:-1], out=step[:-1])
        step[:-1] /= self.diagonal
        step[-1] = full[-1] / self.edge - np.einsum("jk,jk->k", self.centre, step[:-1])
        return centred(step).ravel()


def on_sample(
    engine: SparseEngine, objective: Objective, strength: Floats, theta: Floats
) -> tuple[Floats, Metric, Diagonal] | None:
    """The optimum of a sample, its Hessian there, and the diagonal over all rows; None if it is not worth it.

    A level that is rare may be missing in the sample: where all rows bend more than it, the difference is added.
    """
    size = ROWS_PER_COLUMN * engine.n
    if engine.m < 4 * size:
        return None
    random = np.random.default_rng(SEED)
    index = np.sort(random.choice(engine.m, size, replace=False, shuffle=False))
    weight = None if engine.weight is None else engine.weight[index]
    offset = None if engine.offset is None else engine.offset[index]
    sample = SparseEngine(engine.X[index], engine.y[index], weight, offset, threads=1)
    if not sample.total_weight > 0.0:
        return None
    small = Objective(sample, objective.kernel, L2(strength))
    first = Diagonal.at(sample, strength, theta)
    rough = StopRules(
        ON_SAMPLE, enough=lambda at: 0.5 * float(at.point.gradient @ first(at.point.gradient)) <= ROUGH * at.point.value
    )
    theta = rehearse(lbfgs(theta, first, MEMORY), small, rough).last.theta
    point = small.answer(Evaluate(theta, 2))
    assert isinstance(point, Point)
    whole = Diagonal.at(engine, strength, theta)
    hessian = np.asarray(point.hessian)
    missing = whole.uncentred - RARE * np.diagonal(hessian)
    hessian[np.diag_indices_from(hessian)] += np.maximum(missing, 0.0)
    return theta, inverse(hessian), whole


def inverse(hessian: Floats) -> Metric:
    """v -> H^-1 v; the diagonal is raised until H is positive definite, and where that does not help it is all of H."""
    unit = np.sqrt(np.maximum(np.diagonal(hessian), np.finfo(float).tiny))
    scaled = hessian / unit / unit[:, None]
    raised, factor = 1e-12, None
    while factor is None and raised < 1.0:
        factor = cholesky(scaled + raised * np.eye(len(unit)))
        raised *= 100.0
    lower = np.eye(len(unit)) if factor is None else factor
    return lambda v: solved(lower, v / unit) / unit
