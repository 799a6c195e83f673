"""How long may a gradient step be? The largest curvature, by power iterations.

J is L-smooth with L = lambda_max(X~'SX~) / (4 W): the curvature a(1-a) of a row is at most 1/4, and it is exactly
1/4 for every row at theta = 0. So L is the largest eigenvalue of the Hessian at 0, penalty included. Steps below 2/L
lower J from anywhere (descent lemma: Yu. Nesterov, Lectures on Convex Optimization, 2018, eq. 1.2.25); near the
optimum what counts is lambda_max of the Hessian there, and steps up to 2/lambda_max settle.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from steepest.types import Floats, HessianTimes

__all__ = ["Curvature", "largest_curvature"]

MOST = 200  # power iterations
ENOUGH = 1e-9  # relative change of the eigenvalue at which they stop


@dataclass(frozen=True, slots=True)
class Curvature:
    """lambda_max of the Hessian and its eigenvector, the direction in which J bends most."""

    value: float
    direction: Floats

    @property
    def column(self) -> int:
        """The coordinate with the largest share in the direction; the last one is the intercept."""
        return int(np.argmax(np.abs(self.direction)))

    @property
    def share(self) -> float:
        """That coordinate's share, between 0 and 1."""
        return float(self.direction[self.column] ** 2)


def largest_curvature(theta: Floats, enough: float = ENOUGH) -> Generator[HessianTimes, Floats, Curvature]:
    """lambda_max(H(theta)) as a Rayleigh quotient v'Hv of the normalised power iterate v.

    The start is random with a fixed seed: an eigenvector orthogonal to it has probability 0, whatever the data.
    The quotient approaches lambda_max from below; 1/quotient stays a safe step down to half of lambda_max.
    """
    v = np.random.default_rng(2121).standard_normal(len(theta))
    v /= np.linalg.norm(v)
    value = 0.0
    for _ in range(MOST):
        product = yield HessianTimes(theta, v)
        before, value = value, float(v @ product)
        if not math.isfinite(value):
            break  # whoever asked must say that the columns are too large
        product = product / np.max(np.abs(product), initial=np.finfo(float).tiny)  # its square may overflow
        v = product / (np.linalg.norm(product) or 1.0)
        if abs(value - before) <= enough * value:
            break
    return Curvature(value, v)
