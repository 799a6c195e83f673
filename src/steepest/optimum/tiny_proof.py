"""The certificate of a tiny table, from a factor of the Hessian at this point or at one before it.

Where no row's c has fallen to less than f times what it was, H(here) >= f H(before) =: M serves in C2 of decision 1;
the radius it proves holds in the norm of H(here), in true standard errors, whatever M was.

Rounding is bounded beforehand, as in `proof.apriori`, from E_j >= |q_ij| of every row; k = n + 1:
    |error of z|             <= delta = gamma(k + 9) sum of (E_j + |centre_j|) |theta_j|
    f                        is known up to a factor e^(delta + delta before), the roundings of c and of s
    |error of gradient_j|    <= W E_j (delta e^delta / 4 + 16 u + gamma(m + 16)) + gamma(m + 16) R_j |theta_j|
With Y = L^-1 as computed and r the root of the Hessian's diagonal, all roundings of the metric are in
    loss = |Y H Y' - 1|_F + (e + gamma(2k + 4)) ||Y| r|² + gamma(2k + 4) k,
where e bounds the relative error of the entries of H by the roots of their diagonals: `proof.rounding.Metric` without
its scaling by powers of two, under which no term of this changes.
"""

from __future__ import annotations

import math

import numpy as np

from steepest.lapack import lapack
from steepest.optimum.tiny_table import At, Factor, Table, length
from steepest.proof.bounds import bounds
from steepest.proof.certificate import Certificate, published
from steepest.proof.rounding import SLACK, UNIT, gamma
from steepest.types import Floats

__all__ = ["left", "prove"]

LEAST = 0.25  # the smallest f that is worth a proof
LEAST_BEND = 2.0**-900  # below, a weight of the Hessian may be wrong by more than some roundings
RANGE, WIDER = 2.0**40, 2.0**29  # of leverages in single precision, and its unit in units of double precision
ERROR = 16.0 * UNIT  # of p, c and a loss, relative: exp and log1p are within 4 ulp, a few roundings on top
NOTHING = Certificate(math.inf, 1.0, math.inf, "unknown")


def left(factor: Factor, here: At) -> float:
    """The f of `factor`'s metric at `here`, at most 1, as computed; 0 where it is too small to serve.

    A factor in single precision serves for steps only.
    """
    before = factor.at.bend
    if not factor.exact:
        return 0.0
    share = float(np.minimum.reduce(here.bend / before))
    return min(share, 1.0) if share >= LEAST and float(np.minimum.reduce(before)) > LEAST_BEND else 0.0


def prove(table: Table, factor: Factor, here: At, share: float) -> Certificate:
    """C2 at `here`, with M = `share` times the Hessian of `factor`, and `share` from `left`."""
    k, m = table.signed.shape
    adding, size = gamma(m + 16), np.abs(here.theta)
    off = gamma(k + 9) * SLACK
    delta, before = off * float(table.offset.dot(size)), off * float(table.offset.dot(np.abs(factor.at.theta)))
    if not max(delta, before) < 1.0:
        return NOTHING
    inverse = lapack.dtrtri(factor.lower, lower=1)[0]
    spread = np.abs(inverse)
    error = (adding + 2.0 * ERROR + math.expm1(before)) * (1.0 + 2.0**-6) + gamma(8)
    loss = _loss(factor.hessian, inverse, spread, error)
    if not loss < 0.5:
        return NOTHING
    up = math.exp(0.5 * (delta + before)) / math.sqrt(share * (1.0 - loss)) * SLACK
    doubts = (table.weight * (0.25 * delta * math.exp(delta) + ERROR + adding)) * table.extent
    doubts += adding * (table.ridge * size) + (gamma(k + 2) + 4.0 * UNIT) * np.abs(here.gradient)
    norm = length(np.abs(inverse.dot(here.gradient)) + spread.dot(doubts * SLACK))
    proved = bounds(norm * up, _leverage(table, inverse, spread) * up)
    value = here.value * (1.0 - ERROR - adding) - table.weight * delta
    return published(proved, value, table.engine.lightest)


def _loss(hessian: Floats, inverse: Floats, spread: Floats, error: float) -> float:
    """A bound on |Y N Y' - 1|_F for every N within `error` of the Hessian, relative to the roots of its diagonal."""
    k = len(hessian)
    rest = inverse.dot(hessian).dot(inverse.T)
    rest.reshape(-1)[:: k + 1] -= 1.0
    reached = spread.dot(np.sqrt(hessian.diagonal()))
    rounding = gamma(2 * k + 4)
    return (length(rest) + (error + rounding) * float(reached.dot(reached)) + rounding * k) * SLACK


def _leverage(table: Table, inverse: Floats, spread: Floats) -> float:
    """A bound on |Y q_i| for all rows; single precision serves where it is wrong by a hundredth at most."""
    k, worst = len(inverse), length(spread.dot(table.extent))
    if table.thin is not None and RANGE > worst > 1.0 / RANGE:
        seen = inverse.astype(np.float32).dot(table.thin)
        size = math.sqrt(float(np.maximum.reduce(np.add.reduce(seen * seen))))
        doubt = gamma((k + 8) * WIDER) * worst
        if doubt <= 0.01 * size:
            return size * (1.0 + gamma((k + 8) * WIDER)) + doubt
    seen = inverse.dot(table.signed)
    return math.sqrt(float(np.maximum.reduce(np.add.reduce(seen * seen)))) + gamma(k + 8) * worst
