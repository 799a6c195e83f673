"""The model of a proximal Newton step: loss as its second-order expansion, penalty and bounds as they are.

    q(v) = slope'(v - at) + ½ (v - at)'G(v - at) + sum of l1 |v| + ½ l2 v²   for lower <= v <= upper

G = X_A'DX_A - h h'/S is the Hessian of the loss by the weights of the columns held, the intercept minimised out: D =
s a(1 - a), h = X_A'D1, S = sum of D. Coordinate descent settles which weights are 0 or at a bound; where it creeps,
because columns resemble each other, a Newton step for the others does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from steepest.optimum.held import Held
from steepest.penalties import ElasticNet
from steepest.types import Floats

__all__ = ["Model", "in_gram", "minimum"]

EPOCHS = 100  # of coordinate descent before a step for all free weights together
MOST_EPOCHS = 20_000
MOST_IN_GRAM = 2048  # columns whose G is formed: 17 MB in float32
RIDGE = 1e-6  # of the diagonal, in float32: more than its rounding, so that G stays positive definite
WORTH = 8  # free weights below which coordinate descent is left alone


@dataclass(frozen=True, slots=True)
class Model:
    """G (k, k) of the columns held or None if they are too many, its diagonal (k,), h (k,) and S.

    bend (m,)   the a(1 - a) it was formed with, s (m,) the weights of the rows     exact   whether float32 will not do
    """

    held: Held
    gram: Floats | None
    diagonal: Floats
    edge: Floats
    total: float
    bend: Floats
    s: Floats
    exact: bool

    @classmethod
    def at(cls, held: Held, bend: Floats, s: Floats, exact: bool) -> Model:
        """Formed from a(1 - a) and the weights of the rows; of many columns in float32, unless it must be exact."""
        D = s * bend
        total = max(float(D.sum()), np.finfo(float).tiny)
        if len(held.columns) > MOST_IN_GRAM:
            squares, edge = held.diagonal(D)
            return cls(held, None, np.maximum(squares - edge * edge / total, 0.0), edge, total, bend, s, exact)
        products, edge = held.products(0, D, exact)
        gram = _centred(products, edge, edge, total)
        return cls(held, gram, _diagonal(gram), edge, total, bend, s, exact)

    def grown(self, held: Held) -> Model:
        """The same with columns added behind those it has."""
        if self.gram is None or len(held.columns) > MOST_IN_GRAM:
            return Model.at(held, self.bend, self.s, self.exact)
        k = len(self.edge)
        products, edge = held.products(k, self.s * self.bend, self.exact)
        whole = np.append(self.edge, edge)
        new = _centred(products, edge, whole, self.total)
        gram = np.empty((len(whole), len(whole)), new.dtype)
        gram[:k, :k], gram[k:, :], gram[:k, k:] = self.gram, new, new[:, :k].T
        return Model(held, gram, _diagonal(gram), whole, self.total, self.bend, self.s, self.exact)


def _diagonal(gram: Floats) -> Floats:
    return np.diagonal(gram).astype(np.float64)


def _centred(products: Floats, left: Floats, right: Floats, total: float) -> Floats:
    """Products less what the intercept explains; in float32 with a ridge that covers the rounding of small pivots."""
    found = products - np.outer(left, right / total).astype(products.dtype, copy=False)
    if found.dtype == np.float32:
        k = len(right) - len(left)
        rows = np.arange(len(left))
        found[rows, rows + k] *= np.float32(1.0 + RIDGE)
    return found


def minimum(kernels: Any, model: Model, slope: Floats, at: Floats, net: ElasticNet, slack: Floats) -> Floats:
    """The v where q is least, each column's gradient to within `slack`; slope (k,) is that of the loss at `at`."""
    v, slope = at.copy(), slope.copy()
    if model.gram is None:
        terms = np.stack([net.l1, net.l2, net.lower, net.upper])
        model.held.descend((model.s * model.bend, model.edge, model.diagonal, model.total), slope, v, terms, slack)
        return v
    return in_gram(kernels, model.gram, (slope, v), net, slack)


def in_gram(
    kernels: Any, gram: Floats, where: tuple[Floats, Floats], net: ElasticNet, slack: Floats, ridge: float = 0.0
) -> Floats:
    """`minimum` with G formed; `where` are the slope at v, and v, both changed in place.

    `ridge`: a share of the diagonal that Newton steps add to it, for a G that is singular by its nature.
    """
    slope, v = where
    terms, made = np.stack([net.l1, net.l2, net.lower, net.upper]), 0
    while made < MOST_EPOCHS:
        count, still = kernels.descend(gram, slope, v, terms, slack, EPOCHS)
        made += count
        if still:
            break
        slope = _together(gram, slope, v, net, ridge)
    return v


def _together(gram: Floats, slope: Floats, v: Floats, net: ElasticNet, ridge: float) -> Floats:
    """A Newton step for the weights that are neither 0 nor at a bound, in place; the new gradient.

    Weights that would change their sign or leave their bounds stop there. Were q to rise, all stop where the first
    one does.
    """
    free = np.flatnonzero((v != 0.0) & (v > net.lower) & (v < net.upper))
    if len(free) < WORTH:
        return slope
    here, part = v[free], net.take(free)
    step = _newton(gram, slope, (here, part), free, ridge)
    if step is None:
        return slope
    low = np.where(here > 0.0, np.maximum(part.lower, 0.0), part.lower)
    high = np.where(here < 0.0, np.minimum(part.upper, 0.0), part.upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(step > 0.0, (high - here) / step, np.where(step < 0.0, (low - here) / step, np.inf))
    for share in (1.0, float(ways.min())):
        target = np.where(ways <= share, np.where(step > 0.0, high, low), np.clip(here + share * step, low, high))
        move = np.zeros(len(v))
        move[free] = target - here
        bent = np.asarray(gram @ move.astype(gram.dtype), dtype=np.float64)
        if _change(slope, v, net, move, bent) < 0.0:
            v[free] = target
            return slope + bent
    return slope


def _newton(gram: Floats, slope: Floats, at: tuple[Floats, ElasticNet], free: Any, ridge: float) -> Floats | None:
    """The step to where q would be least if no sign and no bound stood in the way; None where G is singular."""
    (here, part), inner = at, gram[np.ix_(free, free)]
    inner[np.diag_indices(len(free))] += part.l2 + (4.0 * np.finfo(inner.dtype).eps + ridge) * np.diagonal(inner)
    try:
        factor = scipy.linalg.cho_factor(inner, lower=True, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    pull = (slope[free] + part.l2 * here + part.l1 * np.sign(here)).astype(inner.dtype)
    return -np.asarray(scipy.linalg.cho_solve(factor, pull, check_finite=False), dtype=np.float64)


def _change(slope: Floats, v: Floats, net: ElasticNet, move: Floats, bent: Floats) -> float:
    """q(v + move) - q(v)."""
    curved = float(move @ (slope + 0.5 * bent))
    return curved + float(net.l1 @ (np.abs(v + move) - np.abs(v)) + (net.l2 * move) @ (v + 0.5 * move))
