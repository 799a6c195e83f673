"""What the kernels of K classes return: totals over rows that can be added, as `types.Sums` for two classes."""

from __future__ import annotations

from dataclasses import dataclass

from steepest.types import Floats, plus

__all__ = ["ClassBends", "ClassProduct", "ClassSums"]


@dataclass(frozen=True, slots=True)
class ClassSums:
    """Totals over rows; adding two of them is the same as having seen both sets of rows.

    weight  sum of s_i                     loss  sum of s_i L_i
    errors  rows of weight > 0 whose z_y is not larger than every other z_k; 0 of them is complete separation
    dw (n, K) sum of s_i x_i dz_i'         db (K,) sum of s_i dz_i                                 (order >= 1)
    pairs (K(K-1)/2, n+1, n+1)  sum of s_i a_ik a_il x~_i x~_i' for k < l, in the order of np.triu_indices(K, 1), with
          x~ = (x, 1). The block (k, l) of the Hessian is minus that, the block (k, k) the sum of all l's: rows of
          diag(a) - a a' add up to 0, and a (1 - a) never has to be formed by subtraction                (order 2)
    """

    weight: float
    loss: float
    errors: int
    dw: Floats | None = None
    db: Floats | None = None
    pairs: Floats | None = None

    def __add__(self, other: ClassSums) -> ClassSums:
        return ClassSums(
            self.weight + other.weight,
            self.loss + other.loss,
            self.errors + other.errors,
            plus(self.dw, other.dw),
            plus(self.db, other.db),
            plus(self.pairs, other.pairs),
        )


@dataclass(frozen=True, slots=True)
class ClassProduct:
    """A Hessian total times a direction: dw (n, K) and db (K,)."""

    dw: Floats
    db: Floats

    def __add__(self, other: ClassProduct) -> ClassProduct:
        return ClassProduct(self.dw + other.dw, self.db + other.db)


@dataclass(frozen=True, slots=True)
class ClassBends:
    """Of the weights s a_k (1 - a_k): square (n, K) their sums with x², first (n, K) with x, edge (K,) with 1."""

    square: Floats
    first: Floats
    edge: Floats

    def __add__(self, other: ClassBends) -> ClassBends:
        return ClassBends(self.square + other.square, self.first + other.first, self.edge + other.edge)
