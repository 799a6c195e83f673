"""Metrics for L-BFGS on sparse rows: the diagonal of the Hessian, or the whole one of a sample of the rows.

The diagonal belongs to the frame whose centre c is the D-weighted mean, D = s a(1-a): with b~ = b + c'w the gradient
is (g_w - c g_b, g_b) and the Hessian's diagonal sum of D x² - S c², S = sum of D. This is algebra; no row changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from steepest.driver import StopRules, drive
from steepest.engines.sparse import SparseEngine
from steepest.kernels import sparse
from steepest.objective import Engine, Objective
from steepest.penalties import L2
from steepest.sampling import SEED
from steepest.solvers.lbfgs import lbfgs
from steepest.types import Evaluate, Floats, Point, Sums

__all__ = ["Diagonal", "Metric", "inverse", "on_sample"]

ROWS_PER_COLUMN = 32  # of the sample: on a9a 12 took 22 passes to 1e-6, 32 took 13, 64 took 9 and more time
ON_SAMPLE = 30  # steps
ROUGH = 1e-3  # relative, of the sample's optimum: below its own sampling error
MEMORY = 12
RARE = 1.2  # a column that all rows bend this much more than the sample is taken to be missing there
LEAST_SHARE = 1e-3  # of D x² that is left to a column after centring: what cancels further is rounding

Metric = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Diagonal:
    """v -> M^-1 v; `diagonal` (n,) and `edge` of the mean, `centre` (n,), `bent` (n,) the diagonal before centring."""

    diagonal: Floats
    edge: float
    centre: Floats
    bent: Floats

    @classmethod
    def at(cls, engine: Engine, strength: Floats, theta: Floats) -> Diagonal:
        """Formed at theta with penalties `strength`; one pass."""
        w, b = theta[:-1], float(theta[-1])
        total: Sums = engine.sum(lambda block: sparse.squares(block, w, b))
        assert total.dw is not None
        assert total.dwdb is not None
        weight = engine.total_weight
        edge = max(total.ddb, np.finfo(float).tiny)
        centre = total.dwdb / edge
        about = np.maximum(total.dw - total.dwdb * centre, LEAST_SHARE * total.dw) / weight + strength
        return cls(np.where(about > 0.0, about, 1.0), edge / weight, centre, total.dw / weight + strength)

    def __call__(self, v: Floats) -> Floats:
        """M^-1 v."""
        step = np.empty_like(v)
        step[:-1] = (v[:-1] - v[-1] * self.centre) / self.diagonal
        step[-1] = v[-1] / self.edge - self.centre @ step[:-1]
        return step


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
    sample = SparseEngine(engine.X[index], engine.y[index], weight, threads=1)
    if not sample.total_weight > 0.0:
        return None
    small = Objective(sample, objective.kernel, L2(strength))
    first = Diagonal.at(sample, strength, theta)
    rough = StopRules(
        ON_SAMPLE, enough=lambda at: 0.5 * float(at.point.gradient @ first(at.point.gradient)) <= ROUGH * at.point.value
    )
    theta = drive(lbfgs(theta, first, MEMORY), small, rough).last.theta
    point = small.answer(Evaluate(theta, 2))
    assert isinstance(point, Point)
    whole = Diagonal.at(engine, strength, theta)
    hessian = np.asarray(point.hessian)
    missing = np.append(whole.bent, whole.edge) - RARE * np.diagonal(hessian)
    hessian[np.diag_indices_from(hessian)] += np.maximum(missing, 0.0)
    return theta, inverse(hessian), whole


def inverse(hessian: Floats) -> Metric:
    """v -> H^-1 v; the diagonal is raised until H is positive definite."""
    unit = np.sqrt(np.maximum(np.diagonal(hessian), np.finfo(float).tiny))
    scaled = hessian / unit / unit[:, None]
    raised = 1e-12
    while True:
        try:
            factor = scipy.linalg.cho_factor(scaled + raised * np.eye(len(unit)), lower=True)
            return lambda v: np.asarray(scipy.linalg.cho_solve(factor, v / unit) / unit)
        except scipy.linalg.LinAlgError:
            raised *= 100.0
