"""Standardising as a change of variables: algebra on theta, never a copy of X.

A solver that works on standardised columns x~ = (x - centre) / scale with weights (u, c) asks for the same z as one
that works on x with
    w = u / scale,     b = c - centre'w,
and by the chain rule its gradient is du = dw~ / scale, where dw~ belongs to the centred rows x - centre. Scaling is
algebra on n numbers. Centring is done on the rows, a block at a time while the block is in cache: by algebra
(dw - centre db) it would cancel, and at an offset of 1e8 deviations nothing would be left.
"""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.types import Block, Floats

__all__ = ["Moments", "Scaling", "moments_of"]

IN_CACHE, LEAST_ROWS = 1 << 15, 256  # elements and rows of which moments are taken together
ULPS = 16.0  # the mean of equal numbers may be off by some of their last digits


@dataclass(frozen=True, slots=True)
class Moments:
    """Weight, mean and centred second moment of each column; two of them merge exactly as if seen together.

    T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, COMPSTAT 1982, eq. 2.1.
    """

    weight: float
    mean: Floats
    square: Floats  # sum of s (x - mean)^2

    def __add__(self, other: Moments) -> Moments:
        weight = self.weight + other.weight
        if weight == 0.0:
            return self
        apart, share = other.mean - self.mean, other.weight / weight
        return Moments(
            weight,
            self.mean + apart * share,
            self.square + other.square + apart * apart * (self.weight * share),
        )


def moments_of(block: Block) -> Moments:
    """The moments of the columns of one block: of rows that stay in cache, one part after the other."""
    rows = max(LEAST_ROWS, IN_CACHE // max(1, block.X.shape[1]))
    parts = (
        _moments(block.X[i : i + rows], None if block.weight is None else block.weight[i : i + rows])
        for i in range(0, len(block.y), rows)
    )
    return functools.reduce(operator.add, parts)


def _moments(X: Floats, s: Floats | None) -> Moments:
    """In two looks at the rows; the second corrects the mean of the first."""
    s = np.ones(len(X)) if s is None else s
    weight = float(s.sum())
    if not weight:
        return Moments(0.0, np.zeros(X.shape[1]), np.zeros(X.shape[1]))
    mean = np.matmul(s, X) / weight
    away = X - mean
    off = np.matmul(s, away) / weight
    away -= off
    away *= away
    return Moments(weight, mean + off, np.matmul(s, away))


@dataclass(frozen=True, slots=True)
class Scaling:
    """x~ = (x - centre) / scale, column by column. Weights (w, b) belong to x, (u, c) to x~.

    A constant column has an infinite scale: its x~ is 0, its w stays 0, and what it had goes to the intercept.
    """

    centre: Floats
    scale: Floats

    @classmethod
    def standard(cls, moments: Moments) -> Scaling:
        """Mean 0 and variance 1; a column that varies by no more than a few ulps of its mean is constant."""
        deviation = np.sqrt(moments.square / moments.weight)
        varies = deviation > ULPS * np.finfo(float).eps * np.abs(moments.mean)
        return cls(moments.mean, np.where(varies, deviation, np.inf))

    def to_user(self, u: Floats, c: float) -> tuple[Floats, float]:
        """(u, c) -> (w, b)."""
        w = u / self.scale
        return w, c - float(self.centre @ w)

    def from_user(self, w: Floats, b: float) -> tuple[Floats, float]:
        """(w, b) -> (u, c)."""
        u = np.zeros_like(w)
        np.multiply(w, self.scale, out=u, where=np.isfinite(self.scale))
        return u, b + float(self.centre @ w)

    def seen(self, u: Floats, c: float) -> tuple[Floats, float]:
        """(u, c) as weights of the centred rows."""
        return u / self.scale, c

    def centred(self, block: Block) -> Block:
        """The block of x - centre."""
        return replace(block, X=block.X - self.centre)

    def rows(self, X: NDArray[Any]) -> Floats:
        """(m, n + 1) the rows (x~, 1): a copy, for small tables."""
        framed = np.ones((X.shape[0], X.shape[1] + 1))
        framed[:, :-1] = (X - self.centre) / self.scale
        return framed

    def gradient(self, dw: Floats) -> Floats:
        """dJ/du from the dJ/dw of the centred rows."""
        return dw / self.scale

    def hessian(self, ddw: Floats, dwdb: Floats) -> tuple[Floats, Floats]:
        """d²J/du² and d²J/du dc from the second derivatives on the centred rows."""
        return ddw / self.scale / self.scale[:, None], dwdb / self.scale
