"""Floating point with a bound: what a computed sum may differ from the true one, and norms that are never too small.

u = 2^-53 and gamma(k) = k u / (1 - k u). A dot product of length k, added in whatever order and with or without fused
multiply-adds, differs from the true one by at most gamma(k) |x|'|y| (N. J. Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed., SIAM 2002, eq. 3.5). Bounds are themselves computed in floating point, so they carry `SLACK`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from steepest.lapack import blas, inverse_factor
from steepest.types import Floats

__all__ = ["FEW", "SLACK", "UNIT", "Metric", "exact_dot", "gamma", "spectral"]

UNIT = 2.0**-53
FEW = 16.0 * UNIT  # the elementwise formulas are within 4 ulp (tests/test_formulas.py); a few products on top
SLACK = 1.0 + 2.0**-20  # covers the rounding of the bounds themselves: sums of up to 2^32 terms that are all >= 0
ROUGH = 1e-6  # of a loss: it raises a norm by half of that
MANY = 512  # columns from which products of triangular matrices pay, and bounds by sums of rows
LEAST, MOST = 2.0**-900, 2.0**900  # outside, products may leave the normal range, where errors stop being relative


def gamma(k: float) -> float:
    """The relative error of k roundings, k u / (1 - k u); infinite from k u = 1/2 on.

    >>> gamma(1) == UNIT / (1 - UNIT)
    True
    """
    share = k * UNIT
    return share / (1.0 - share) if share < 0.5 else np.inf


def exact_dot(left: Floats, right: Floats) -> Fraction:
    """left'right without any rounding: floats are fractions.

    >>> exact_dot(np.array([1e16, 1.0, -1e16]), np.ones(3))
    Fraction(1, 1)
    """
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return sum((Fraction(a) * Fraction(b) for a, b in pairs if a and b), Fraction(0))


@dataclass(frozen=True, slots=True)
class Metric:
    """Proved bounds on |v|_{M^-1} for a positive definite M of which only a rounded copy is known.

    With t a power of two per column and Y the computed inverse of the Cholesky factor of M / (t t'),
        Y (M / tt') Y' = 1 + G with |G|_F <= loss < 1   hence   Y'Y / (1 + loss) <= (M / tt')^-1 <= Y'Y / (1 - loss):
    one matrix, three products, and all roundings (of M, of Cholesky's method, of the inverse) are in `loss`.
    No theory about how M was factorised is needed. S. M. Rump, Verification methods, Acta Numerica 19 (2010), section
    10.8, uses the same residual; here on both sides, so that it bounds the quadratic form from above and below.
    """

    matrix: Floats  # M as computed, (k, k)
    error: float  # |true - computed|_jl <= error sqrt(M_jj M_ll)
    unit: Floats  # t, (k,)
    inverse: Floats  # Y, (k, k), lower triangular
    loss: float

    @classmethod
    def of(cls, matrix: Floats, error: float) -> Metric | None:
        """The metric of `matrix`, known up to `error`; None if it cannot be shown to be positive definite.

        >>> metric = Metric.of(np.array([[4.0, 2.0], [2.0, 2.0]]), 1e-12)
        >>> metric.loss < 1e-10, round(metric.norm(np.array([2.0, 0.0]), np.zeros(2)), 4)
        (True, 1.4142)
        """
        diagonal = np.diagonal(matrix)
        if not (np.isfinite(matrix).all() and np.all(diagonal > LEAST) and np.all(diagonal < MOST) and error < 0.5):
            return None
        unit = np.ldexp(1.0, np.rint(0.5 * np.log2(diagonal)).astype(np.int64))
        scaled = matrix / unit / unit[:, None]
        inverse = inverse_factor(scaled)
        if inverse is None:
            return None
        loss = (_residual_of_many if len(unit) > MANY else _residual)(inverse, scaled, error)
        return cls(matrix, error, unit, inverse, loss) if loss < 0.5 else None

    def norm(self, vector: Floats, error: Floats) -> float:
        """An upper bound on |v|_{M^-1} for every v with |v - vector| <= error, componentwise."""
        scaled, off = vector / self.unit, error / self.unit
        size = np.abs(self.inverse @ scaled)
        size += np.abs(self.inverse) @ (gamma(len(scaled) + 2) * np.abs(scaled) + off)
        return float(np.linalg.norm(size)) * self._up

    def row_norms(self, rows: Floats, exact: bool) -> Floats:
        """Upper bounds on |x|_{M^-1} for each row x, given to within a relative 4u per entry.

        By the product with Y (k² per row), or, if not `exact`, by |x / t| |Y|_2 (k per row).
        """
        length, spread = np.sqrt((rows * rows) @ self.unit**-2.0), float(np.linalg.norm(self.inverse))
        if not exact:
            return np.asarray(length * (spectral(self.inverse) * self._up))
        seen = rows @ (self.inverse / self.unit).T
        size = np.sqrt(np.einsum("ij,ij->i", seen, seen))
        return np.asarray((size + gamma(len(self.unit) + 8) * spread * length) * self._up)

    def lengths(self) -> Floats:
        """(k,) upper bounds on |e_j|_{M^-1} for each unit vector."""
        own = np.sqrt(np.einsum("ij,ij->j", self.inverse, self.inverse))
        return np.asarray(own / self.unit * self._up)

    def longest_in(self, columns: NDArray[np.intp], length: float) -> float:
        """As `longest`, for rows that are 0 outside of some columns."""
        return length * spectral(self.inverse[:, columns] / self.unit[columns]) * self._up

    def longest(self, length: float) -> float:
        """An upper bound on |x|_{M^-1} for every row with |x| <= length."""
        return length * spectral(self.inverse / self.unit) * self._up

    def least_norm(self, vector: Floats) -> float:
        """A lower bound on |v|_{M^-1}: a standard error that is not too large. 0 where nothing can be said."""
        scaled = vector / self.unit
        size = float(np.linalg.norm(self.inverse @ scaled))
        size -= gamma(len(scaled) + 2) * float(np.linalg.norm(np.abs(self.inverse) @ np.abs(scaled))) * SLACK
        return max(0.0, size) / (float(np.sqrt(1.0 + self.loss)) * SLACK)

    def solve(self, vector: Floats) -> Floats:
        """M^-1 vector, to ordinary accuracy; whoever uses it must bound what is left by `residual`."""
        return np.asarray(self.inverse.T @ (self.inverse @ (vector / self.unit)) / self.unit)

    def residual(self, solution: Floats, vector: Floats, error: Floats) -> float:
        """An upper bound on |M s - v|_{M^-1} for every v with |v - vector| <= error."""
        size, root = np.abs(solution), np.sqrt(np.diagonal(self.matrix))
        off = gamma(len(vector) + 4) * (np.abs(self.matrix) @ size + np.abs(vector))
        off += self.error * root * float(root @ size)
        return self.norm(self.matrix @ solution - vector, (off + error) * SLACK)

    def lessened(self, share: float) -> Metric:
        """That of share M, 0 < share <= 1: what is left of a Hessian on the way from where it was formed.

        >>> Metric.of(np.array([[4.0]]), 1e-12).lessened(0.25).norm(np.ones(1), np.zeros(1)).__round__(4)
        1.0
        """
        least = share * (1.0 - 2.0**-40)
        return replace(self, matrix=least * self.matrix, unit=math.sqrt(least) * self.unit)

    @property
    def _up(self) -> float:
        return SLACK / float(np.sqrt(1.0 - self.loss))


def spectral(matrix: Floats) -> float:
    """An upper bound on |A|_2: |(A'A)^4|_F^(1/8), too large by a factor k^(1/16) at most."""
    size = float(np.max(np.abs(matrix))) or 1.0
    power = matrix / size
    power = power.T @ power
    scale = float(np.max(np.abs(power))) or 1.0
    power = power / scale
    power = power @ power
    return size * math.sqrt(scale * math.sqrt(math.sqrt(float(np.linalg.norm(power @ power))))) * SLACK


def _residual(inverse: Floats, scaled: Floats, error: float) -> float:
    """A bound on |Y N Y' - 1|_F for every N with |N - scaled|_jl <= error sqrt(N_jj N_ll)."""
    size = np.abs(inverse)
    k = len(scaled)
    by_triangle = blas.dtrmm  # half of the work
    left = by_triangle(1.0, inverse, scaled, lower=1)
    seen = float(np.linalg.norm(by_triangle(1.0, inverse, left, side=1, lower=1, trans_a=1) - np.eye(k)))
    # | |Y| |N| |Y'| |_F <= |Y|_F^2 |N|_F costs nothing; two more products are formed only where that says too little
    rounding = gamma(2 * k + 4) * (float(np.linalg.norm(size)) ** 2 * float(np.linalg.norm(scaled)) + math.sqrt(k))
    if rounding > ROUGH:
        rounding = gamma(2 * k + 4) * (float(np.linalg.norm(size @ np.abs(scaled) @ size.T)) + math.sqrt(k))
    unknown = error * float(np.sum((size @ np.sqrt(np.diagonal(scaled))) ** 2))
    return (seen + rounding + unknown) * SLACK


def _residual_of_many(inverse: Floats, scaled: Floats, error: float) -> float:
    """As `_residual`, in a fourth of the operations.

    Y N Y' by two triangular products. For a symmetric A >= 0 with row sums r, sum of A_jl² <= max A_jl sum of A_jl
    <= max(r) sum(r): so |A|_F needs A 1 only, not A = |Y| |N| |Y'|.
    """
    k = len(scaled)
    part = blas.dtrmm(1.0, inverse, scaled, lower=1)
    whole = blas.dtrmm(1.0, inverse, part.T, lower=1)
    whole[np.diag_indices(k)] -= 1.0
    size = np.abs(inverse)
    sums = size @ (np.abs(scaled) @ size.sum(axis=0))
    most = math.sqrt(float(sums.max()) * float(sums.sum())) * SLACK
    unknown = error * float(np.sum((size @ np.sqrt(np.diagonal(scaled))) ** 2))
    return (float(np.linalg.norm(whole)) + gamma(2 * k + 4) * (most + math.sqrt(k)) + unknown) * SLACK
