"""The proved optimum of a wide table (n > m): solved in the space of the rows, where there are m numbers to find.

With X centred and K = XX' = V S V', the rows have the coordinates Z = V S^½ in an orthonormal basis of their span, and
    w = X' V S^-½ u    has    X w = Z u,    |w| = |u|:
the same objective, penalty included, with at most m columns (the representer theorem: what of w is orthogonal to all
rows changes no z and only costs penalty). The certificate is formed on X itself, so the rounding of K cannot spoil it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from steepest.data.arrays import check_size
from steepest.driver import Step
from steepest.engines import MemoryEngine
from steepest.optimum import dense
from steepest.optimum.outcome import Outcome, Request
from steepest.proof.certificate import Certificate, certify, diagonal_at, disproved
from steepest.proof.existence import find_witness
from steepest.proof.problem import Problem
from steepest.scaling import Scaling, moments_of
from steepest.types import Floats, Status

__all__ = ["minimise"]

MOST_COLUMNS = 2000  # up to which dependent columns are dropped where no plane separates and nothing is penalised
CHUNK = 1 << 22  # elements of X centred at a time
TIGHT = 1e-13  # the diagonal certificate on X is weaker than the one in the row space: aim well below the tolerance


def minimise(engine: MemoryEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, n > m, proved to `request.tol`, or the proof that there is none."""
    started, passes = time.perf_counter(), engine.passes
    check_size(engine.X)
    rows = _Rows.of(engine, request.standardize)
    inner = MemoryEngine(rows.coordinates, engine.y, engine.weight, engine.offset, threads=engine.threads)
    found = dense.minimise(inner, _of_rows(request, rows, started))
    w, b = rows.weights(found.w, found.b)
    certificate = _certificate(engine, request, rows, (w, b), found)
    if request.l2 == 0.0 and certificate.witness is None and engine.n <= MOST_COLUMNS:
        # it drops columns until the rest are independent, and proves on X
        again = dense.minimise(engine, replace(request, budget=request.left(time.perf_counter() - started)))
        return replace(again, seconds=time.perf_counter() - started)
    status = found.status
    if status in (Status.PROVED, Status.SEPARATED, Status.MINIMUM, Status.ITERATIONS):
        status = _status(certificate, request)
    return replace(
        found, w=w, b=b, certificate=certificate, status=status, passes=engine.passes - passes,
        seconds=time.perf_counter() - started, notes=(),
    )  # fmt: skip


def _of_rows(request: Request, rows: _Rows, started: float) -> Request:
    """The request in the space of the rows; whoever watches sees the user's weights."""
    callback = request.callback

    def seen(step: Step) -> Any:
        assert callback is not None  # or nobody calls
        return callback(step.through(rows.weights))

    return replace(
        request, tol=min(request.tol, TIGHT), names=tuple(f"direction {k + 1}" for k in range(rows.rank)),
        standardize=False, start=None, budget=request.left(time.perf_counter() - started),
        callback=None if callback is None else seen,
    )  # fmt: skip


def _status(certificate: Certificate, request: Request) -> Status:
    """What was proved in the space of the rows counts only as far as it is proved on X."""
    if certificate.witness is not None:
        return Status.SEPARATED
    return Status.PROVED if certificate.gap <= request.tol else Status.MINIMUM


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows in an orthonormal basis of their span, and the way back."""

    X: Floats
    frame: Scaling
    coordinates: Floats  # Z (m, r)
    back: Floats  # V S^-½ (m, r)

    @property
    def rank(self) -> int:
        """r, the number of coordinates."""
        return int(self.coordinates.shape[1])

    @classmethod
    def of(cls, engine: MemoryEngine, standardize: bool) -> _Rows:
        """K by columns, a chunk at a time; directions below the rounding of K are left out, and rows without weight."""
        X, moments = engine.X, engine.sum(moments_of)
        frame = Scaling.standard(moments) if standardize else Scaling(moments.mean, np.ones(engine.n))
        centre, absent = frame.centre, np.flatnonzero(np.zeros(0) if engine.weight is None else engine.weight == 0.0)
        inner = np.zeros((engine.m, engine.m))
        step = max(1, CHUNK // engine.m)
        for j in range(0, engine.n, step):
            part = (X[:, j : j + step] - centre[j : j + step]) / frame.scale[j : j + step]
            part[absent] = 0.0
            inner += part @ part.T
        values, vectors = scipy.linalg.eigh(inner)
        values = np.where(values > engine.m * np.finfo(float).eps * max(values[-1], 0.0), values, 0.0)
        kept = values > 0.0
        kept[-1] = True  # of equal rows nothing is left; one direction of zeros will be left out by name
        root = np.sqrt(values[kept])
        return cls(X, frame, vectors[:, kept] * root, vectors[:, kept] / np.where(root > 0.0, root, 1.0))

    def weights(self, u: Floats, c: float) -> tuple[Floats, float]:
        """(u, c) in the basis -> (w, b) of the user's columns."""
        shares = self.back @ u
        along = np.asarray(shares @ self.X, dtype=np.float64) - shares.sum() * self.frame.centre
        return self.frame.to_user(along / self.frame.scale, c)


def _certificate(
    engine: MemoryEngine, request: Request, rows: _Rows, at: tuple[Floats, float], found: Outcome
) -> Certificate:
    """On X itself: the plane exactly checked, or the gap in a diagonal metric; nothing without either."""
    nothing = Certificate(math.inf, 1.0, math.inf, "unknown")
    if found.certificate.witness is not None:
        direction = rows.weights(found.certificate.witness.w, found.certificate.witness.b)
        witness = find_witness(engine, w=direction[0], b=direction[1])
        return disproved(witness) if witness is not None else nothing
    if request.l2 == 0.0:
        return nothing
    strength = request.l2 if not request.standardize else request.l2 * rows.frame.scale * rows.frame.scale
    problem = Problem.of(engine, np.where(np.isfinite(strength), strength, request.l2))
    metric = diagonal_at(problem, *at)
    if metric is None:
        return replace(nothing, exists="proved")
    return replace(certify(metric.problem, *at, metric=metric).certificate, exists="proved")
