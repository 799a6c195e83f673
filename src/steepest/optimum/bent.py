"""Large dense tables without a Hessian: metric, first point and proof from one kind of pass (`kernels/bends.py`).

The proof is that of `sparse_proof.py`. There the rounding of every sum is measured, in products of its own; here it is
bounded beforehand. With r the strengths on the mean loss, R = W r, Lambda >= |x_i| over r^-1 for every row and |w| in
the norm of r, Cauchy's inequality gives for every row, and for every sum over rows with factors t_i,

    |x_i|'|w| <= Lambda |w|          | sum of t_i |x_i| |_{R^-1} <= (Lambda / sqrt W) sum of t_i

so that |error of z| <= delta = gamma(n + 10) (Lambda |w| + |b| + offset), the errors of the gradient amount to
    (Lambda / sqrt W) [delta e^delta S + (16 u + gamma(rows + depth)) T],     S = sum of D, T = sum of s |a - y|,
and the centre c, a weighted mean of rows, has |c| <= Lambda / sqrt W. Proof: docs/decisions/0004.
"""

from __future__ import annotations

import math
from typing import Literal, TypeGuard

import numpy as np

from steepest.data.arrays import LARGEST, check_size
from steepest.engines import MemoryEngine
from steepest.kernels import suited
from steepest.kernels.bends import Bends, bends
from steepest.objective import Engine, Objective
from steepest.optimum.first_look import Answered
from steepest.proof.bounds import bounds
from steepest.proof.certificate import Certificate, published
from steepest.proof.curves import excess
from steepest.proof.evidence import TINY
from steepest.proof.rounding import FEW, SLACK, gamma
from steepest.types import Floats, Sums

__all__ = ["bends_at", "is_bent", "known_point", "prove_bent"]

DEPTH = 32  # of the tree of partial sums and of the last additions in a block


def is_bent(engine: Engine) -> TypeGuard[MemoryEngine]:
    """Whether the table is one for compiled passes: dense, and large."""
    return isinstance(engine, MemoryEngine) and suited(engine.m, engine.n).name == "compiled"


def bends_at(engine: MemoryEngine, strength: Floats, w: Floats, b: float) -> Bends:
    """The totals at (w, b), the longest row over the strengths; DataError if a value is not finite or too large."""
    inverse = 1.0 / strength
    found = engine.sum(lambda block: bends(block, w, b, inverse), widen=False)
    if not found.longest <= LARGEST * LARGEST * float(inverse.min()):
        check_size(engine.X)
    return found


def known_point(objective: Objective, theta: Floats, found: Bends) -> Answered:
    """The objective, whose answer at theta is known from the totals there."""
    sums = Sums(found.weight, found.loss, 1, found.dw, found.db)  # errors are for tables without a penalty
    return Answered(objective, theta, objective.point(theta, 1, sums))


def prove_bent(found: Bends, strength: Floats, w: Floats, b: float, lightest: float = 1.0) -> Certificate:
    """The certificate at (w, b) from the totals there; `lightest` is the smallest positive row weight."""
    exists: Literal["proved", "unknown"] = "proved" if 0.0 < found.ones < found.weight else "unknown"
    nothing = Certificate(math.inf, 1.0, math.inf, exists)
    n, weight = len(w), found.weight
    length = math.sqrt(found.longest * (1.0 + gamma(n + 8))) * SLACK
    size = math.sqrt(float((strength * w) @ w)) * SLACK
    delta = gamma(n + 10) * (length * size + abs(b) + found.far) * SLACK + TINY
    if not delta < 0.5:
        return nothing
    adding = gamma(found.rows + DEPTH)
    turn = delta * math.exp(delta) * SLACK
    bend = adding + 2.0 * FEW + math.expm1(delta) * SLACK  # relative, of D and its sums
    edge = found.edge * (1.0 - bend)
    ridge = strength * weight
    off = adding + gamma(8)
    long = length / math.sqrt(weight * (1.0 - off)) * SLACK
    rounding = (turn * found.edge * (1.0 + 2.0 * bend) + (FEW + adding) * found.off + weight * TINY) * SLACK
    slope = abs(found.db) + rounding
    if not edge > 0.0 or not slope < edge:
        return nothing
    root = np.sqrt(ridge * (1.0 - off))
    pull, centre = ridge * w, found.first / found.edge
    gradient = found.dw + pull
    inner = float(np.linalg.norm((gradient - centre * found.db) / root))
    doubt = long * rounding + off * float(np.linalg.norm(pull / root) + np.linalg.norm(gradient / root))
    doubt += long * (rounding + (6.0 * bend + gamma(4)) * slope)
    kappa = slope / edge * SLACK
    norm = math.sqrt(((inner + doubt) * SLACK) ** 2 + excess(min(1.0, kappa)) * slope * kappa) * SLACK
    away = (long + float(np.linalg.norm(centre / root)) + 6.0 * bend * long) * SLACK
    proved = bounds(norm, math.sqrt(away * away + 1.0 / edge) * SLACK, 0.5 * norm * norm * SLACK)
    penalty = 0.5 * float(pull @ w)
    value = found.loss + penalty
    doubtful = FEW * found.loss + turn * found.off + adding * found.loss + (off + gamma(n + 8)) * value + weight * TINY
    return published(proved, value - doubtful * SLACK, lightest, exists)
