"""The seed's own loop, one example at a time: the referee that every faster kernel must agree with.

    J, dw, db = 0
    for i = 1 to m:   z = w'x(i) + b;  a = sigmoid(z);  J += L(a, y(i));  dz = a - y(i);  dw += x(i) dz;  db += dz

It is slow on purpose and as accurate as floats allow: `+=` goes to an accumulator that carries its rounding error
along, so that the totals are right to the last bit or two however many examples there are.
"""

from __future__ import annotations

import numpy as np

from steepest import formulas
from steepest.types import Block, Floats, Product, Sums

__all__ = ["along", "hessian_times", "sums"]


class Accumulator:
    """`total += term` with the lost low-order part kept beside it, elementwise.

    A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, ZAMM 54 (1974), p. 39.
    """

    def __init__(self, *shape: int) -> None:
        self.total = np.zeros(shape)
        self.lost = np.zeros(shape)

    def __iadd__(self, term: Floats | float) -> Accumulator:
        total = self.total + term
        bigger = np.abs(self.total) >= np.abs(term)
        self.lost += np.where(bigger, (self.total - total) + term, (term - total) + self.total)
        self.total = total
        return self

    @property
    def value(self) -> Floats:
        """The sum of all terms."""
        return np.asarray(self.total + self.lost)


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """Losses (order 0), with dw, db (order 1), with the second derivatives (order 2); see `types.Sums`."""
    m, n = block.X.shape
    weight, loss, errors = Accumulator(), Accumulator(), 0
    dw, db = Accumulator(n), Accumulator()
    ddw, dwdb, ddb = Accumulator(n, n), Accumulator(n), Accumulator()
    for i in range(m):
        x, y, s, o = _example(block, i)
        z = forward(x, w, b, o)
        weight += s
        loss += s * formulas.loss(z, y)
        errors += int(s > 0.0 and (2.0 * y - 1.0) * z <= 0.0)
        if order >= 1:
            a = formulas.sigmoid(z)
            dz = formulas.dz(a, y)
            dw += s * x * dz
            db += s * dz
        if order >= 2:
            dda = s * formulas.curvature(z)
            ddw += dda * np.outer(x, x)
            dwdb += dda * x
            ddb += dda
    total = Sums(float(weight.value), float(loss.value), errors)
    if order == 0:
        return total
    total = Sums(total.weight, total.loss, errors, dw.value, float(db.value))
    if order == 1:
        return total
    return Sums(total.weight, total.loss, errors, total.dw, total.db, ddw.value, dwdb.value, float(ddb.value))


def hessian_times(block: Block, w: Floats, b: float, v: Floats, c: float) -> Product:
    """Sum of s a(1-a) x (x'v + c), and of s a(1-a) (x'v + c)."""
    m, n = block.X.shape
    dw, db = Accumulator(n), Accumulator()
    for i in range(m):
        x, _, s, o = _example(block, i)
        along_direction = s * formulas.curvature(forward(x, w, b, o)) * forward(x, v, c)
        dw += along_direction * x
        db += along_direction
    return Product(dw.value, float(db.value))


def along(block: Block, w: Floats, b: float, v: Floats, c: float, steps: Floats) -> Floats:
    """Total loss at (w + t v, b + t c) for each t of `steps`."""
    total = Accumulator(len(steps))
    for i in range(len(block.y)):
        x, y, s, o = _example(block, i)
        total += s * formulas.loss(forward(x, w, b, o) + steps * forward(x, v, c), y)
    return total.value


def forward(x: Floats, w: Floats, b: float, offset: float = 0.0) -> float:
    """z = w1 x1 + w2 x2 + … + b + offset of one example, summed in that order."""
    z = Accumulator()
    for x_j, w_j in zip(x.tolist(), w.tolist(), strict=True):
        z += x_j * w_j
    z += b
    z += offset
    return float(z.value)


def _example(block: Block, i: int) -> tuple[Floats, float, float, float]:
    s = 1.0 if block.weight is None else float(block.weight[i])
    return block.X[i], float(block.y[i]), s, 0.0 if block.offset is None else float(block.offset[i])
