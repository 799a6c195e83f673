"""The formulas of ONE example with K classes, finite and accurate at every float.

    z = W'x + b (K,),   a = softmax(z),   L(a, y) = -log a_y = log-sum-exp(z) - z_y,   dz = dL/dz = a - onehot(y)

Classes lie along the last axis, whatever axes come before it. Only differences of z count, so everything is built from
e = exp(z - max z) in [0, 1]; what the subtraction rounds away is put back (`_exponentials`). `dz` is the seed's law
dZ = A - Y; for two classes a_1 is sigmoid(z_1 - z_0). Accuracy against 60-digit arithmetic is asserted in
`tests/test_softmax_formulas.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["covariance_times", "dz", "loss", "softmax"]

Floats = NDArray[np.float64] | Any


def softmax(z: ArrayLike) -> Floats:
    """a_k = exp(z_k) / sum of exp(z_l), within K + 5 ulp; shape (..., K) -> (..., K).

    >>> softmax([0.0, 0.0])
    array([0.5, 0.5])
    >>> softmax([1000.0, 0.0, 1000.0])
    array([0.5, 0. , 0.5])
    """
    e = _exponentials(np.asarray(z, dtype=np.float64))
    return e / e.sum(axis=-1, keepdims=True)


def loss(z: ArrayLike, y: ArrayLike) -> Floats:
    """L = log sum of exp(z_k - z_y): z (..., K), y (...) with classes 0 … K-1 -> (...).

    If z_y is the largest it is log1p of the others' share, which keeps its digits when the row is confident; if not,
    max z - z_y + log(sum), two terms >= 0: `logsumexp(z) - z[y]` is 0 from a margin of 37 on.

    >>> float(loss([0.0, 0.0], 1)) == float(np.log(2.0))
    True
    >>> loss([[40.0, 0.0], [40.0, 0.0]], [1, 0])
    array([4.00000000e+01, 4.24835426e-18])
    """
    z, which = np.asarray(z, dtype=np.float64), np.asarray(y).astype(np.intp)[..., None]
    top = z.max(axis=-1)
    own = np.take_along_axis(z, which, -1)[..., 0]
    e = _exponentials(z)
    np.put_along_axis(e, np.argmax(z, axis=-1)[..., None], 0.0, -1)
    return (top - own) + np.log1p(e.sum(axis=-1))


def dz(z: ArrayLike, y: ArrayLike) -> Floats:
    """dL/dz = a - onehot(y), (..., K); the entry of the true class is minus the sum of the others: no cancellation.

    >>> dz([0.0, 0.0], 1)
    array([ 0.5, -0.5])
    >>> dz([40.0, 0.0], 0)
    array([-4.24835426e-18,  4.24835426e-18])
    """
    z, which = np.asarray(z, dtype=np.float64), np.asarray(y).astype(np.intp)[..., None]
    a = softmax(z)
    np.put_along_axis(a, which, 0.0, -1)
    np.put_along_axis(a, which, -a.sum(axis=-1, keepdims=True), -1)
    return a


def covariance_times(a: ArrayLike, v: ArrayLike) -> Floats:
    """(diag(a) - a a') v: the second derivative of the loss by z, times v; a_k times the deviation of v_k from a'v.

    >>> covariance_times([0.5, 0.5], [1.0, -1.0])
    array([ 0.5, -0.5])
    """
    a, v = np.asarray(a, dtype=np.float64), np.asarray(v, dtype=np.float64)
    return a * (v - (a * v).sum(axis=-1, keepdims=True))


def _exponentials(z: Floats) -> Floats:
    """exp(z - max z). Near exp(-700) one rounding of the difference would cost 256 ulp; it is known exactly, and added.

    D. E. Knuth, The Art of Computer Programming 2 (1998), section 4.2.2, theorem B: the error of a sum is a float.
    """
    top = z.max(axis=-1, keepdims=True)
    apart = 2.0 * np.maximum(0.5 * z - 0.5 * top, -5e3)  # exp is 0 there; halves cannot overflow
    with np.errstate(over="ignore", invalid="ignore"):
        back = apart + top
        lost = (z - back) - (top - (back - apart))
    return np.exp(apart) * (1.0 + np.where(np.abs(lost) < 1.0, lost, 0.0))
