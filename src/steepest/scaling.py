"""Standardising as a change of variables: algebra on theta, never a copy of X.

A solver that works on standardised columns x~ = (x - centre) / scale with weights (u, c) asks for the same z as one
that works on x with
    w = u / scale,     b = c - centre'w,
and by the chain rule its gradient is du = (dw - centre db) / scale, dc = db. So the rows stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from steepest.types import Block, Floats

__all__ = ["Moments", "Scaling", "moments_of"]

A = TypeVar("A")


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
    """The moments of the columns of one block, in two passes over it."""
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    weight = float(s.sum())
    mean = np.matmul(s, block.X) / weight if weight else np.zeros(block.X.shape[1])
    away = block.X - mean
    return Moments(weight, mean, np.matmul(s, away * away))


@dataclass(frozen=True, slots=True)
class Scaling:
    """x~ = (x - centre) / scale, column by column. Weights (w, b) belong to x, (u, c) to x~."""

    centre: Floats
    scale: Floats

    @classmethod
    def standard(cls, moments: Moments) -> Scaling:
        """Mean 0 and variance 1; a constant column is centred only."""
        deviation = np.sqrt(moments.square / moments.weight)
        return cls(moments.mean, np.where(deviation > 0.0, deviation, 1.0))

    def to_user(self, u: Floats, c: float) -> tuple[Floats, float]:
        """(u, c) -> (w, b)."""
        w = u / self.scale
        return w, c - float(self.centre @ w)

    def from_user(self, w: Floats, b: float) -> tuple[Floats, float]:
        """(w, b) -> (u, c)."""
        return w * self.scale, b + float(self.centre @ w)

    def direction(self, v: Floats, c: float) -> tuple[Floats, float]:
        """A direction in (u, c) as one in (w, b): the map is linear, so it is `to_user`."""
        return self.to_user(v, c)

    def gradient(self, dw: Floats, db: float) -> Floats:
        """dJ/du from dJ/dw and dJ/db."""
        return np.asarray((dw - self.centre * db) / self.scale)

    def hessian(self, ddw: Floats, dwdb: Floats, ddb: float) -> tuple[Floats, Floats]:
        """d²J/du² and d²J/du dc from the derivatives by w and b."""
        crossed = dwdb - self.centre * ddb
        ddu = ddw - np.outer(dwdb, self.centre) - np.outer(self.centre, crossed)
        return ddu / np.outer(self.scale, self.scale), crossed / self.scale
