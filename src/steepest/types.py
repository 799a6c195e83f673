"""The nouns: what travels between engine, kernel, objective, solver and driver. All frozen, all merely data.

    engine --Block--> kernel --Sums--> objective --Point--> solver --question--> driver

`Sums` are totals over rows and can be added; a `Point` is what they mean: means over the total weight, penalty
included. A solver yields a question (`Evaluate`, `Along`, `HessianTimes`) and is sent the answer.
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Addable",
    "Along",
    "Answer",
    "Block",
    "Evaluate",
    "Floats",
    "HessianTimes",
    "Point",
    "Product",
    "Question",
    "Sampling",
    "Solver",
    "Status",
    "Sums",
]

Floats: TypeAlias = NDArray[np.float64]


class Addable(Protocol):
    """Anything with `+`: what can be summed over blocks of rows."""

    def __add__(self, other: Self, /) -> Self: ...


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive rows: X (rows, n), y (rows,) in [0, 1], weight (rows,) or None for all ones.

    `offset` (rows,) is added to z, with a weight of 1 that is not fitted; None for none.
    `start` is the number of the first row in the whole table; kernels may not depend on it except to place rows.
    """

    X: Floats
    y: Floats
    weight: Floats | None = None
    start: int = 0
    offset: Floats | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals over rows; adding two of them is the same as having seen both sets of rows.

    weight  sum of s_i                      loss  sum of s_i L_i
    errors  rows of weight > 0 with (2 y_i - 1) z_i <= 0; 0 of them is complete separation
    dw (n,) sum of s_i x_i dz_i             db    sum of s_i dz_i             (order >= 1)
    ddw (n, n) sum of s_i a_i(1-a_i) x_i x_i'   dwdb (n,) with x_i   ddb with 1   (order 2)
    """

    weight: float
    loss: float
    errors: int
    dw: Floats | None = None
    db: float = 0.0
    ddw: Floats | None = None
    dwdb: Floats | None = None
    ddb: float = 0.0

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.weight + other.weight,
            self.loss + other.loss,
            self.errors + other.errors,
            plus(self.dw, other.dw),
            self.db + other.db,
            plus(self.ddw, other.ddw),
            plus(self.dwdb, other.dwdb),
            self.ddb + other.ddb,
        )


@dataclass(frozen=True, slots=True)
class Product:
    """A Hessian total times a direction: dw (n,) and db. Can be added, like `Sums`."""

    dw: Floats
    db: float

    def __add__(self, other: Product) -> Product:
        return Product(self.dw + other.dw, self.db + other.db)


@dataclass(frozen=True, slots=True)
class Point:
    """What the objective says at one theta: value = cost + penalty, and its derivatives by theta.

    `cost` is J, the weighted mean of the losses, without the penalty. `gradient` has theta's shape, `hessian`
    its square; each is None below the order that was asked for. `errors` is as in `Sums`.
    """

    value: float
    cost: float
    errors: int
    gradient: Any = None
    hessian: Any = None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """What are value (order 0), gradient (1) and Hessian (2) at theta? Each one asked is a new iterate.

    A `trial` is an aside: the solver only looks. If it then moves there, the answer is not computed again.
    """

    theta: Floats
    order: int
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Along:
    """What are the values at theta + step * direction, for each of `steps`? One pass answers all. An aside."""

    theta: Floats
    direction: Floats
    steps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class HessianTimes:
    """What is the Hessian at theta times `direction`? An aside; the Hessian itself is never formed."""

    theta: Floats
    direction: Floats


Question: TypeAlias = Evaluate | Along | HessianTimes
Answer: TypeAlias = Point | Floats


class Status(enum.Enum):
    """How a fit ended. The text of a member is the advice that the user reads."""

    PROVED = "proved to be as near to the optimum as was asked for"
    SEPARATED = "no finite optimum exists; see the witness, and add a penalty (l2) for finite weights"
    ITERATIONS = "all iterations were made"
    UNCHANGED = "the weights stopped changing"
    GRADIENT = "the gradient is as small as was asked for"
    BUDGET = "the time budget is spent; raise `budget`, or continue from this w and b"
    MINIMUM = "no step lowers J any further in floating point"
    CALLBACK = "the callback asked to stop"
    INTERRUPTED = "interrupted; the weights are those of the last finished step"
    OVERFLOW = "the weights left the range of floats; take a smaller learning rate, or rescale the columns"

    @property
    def key(self) -> str:
        """The word that programs read: `iterations`, `unchanged`, …"""
        return self.name.lower()


# A solver yields questions and is sent answers; what it returns is why it ended by itself.
Solver: TypeAlias = Generator[Question, Any, Status]


def plus(left: Floats | None, right: Floats | None) -> Floats | None:
    """Their sum; None where one is missing, because it was not asked for."""
    return None if left is None or right is None else left + right


@runtime_checkable
class Sampling(Protocol):
    """A callback that also wants to hear of the steps on a sample of the rows, before the first read of them all."""

    def sampled(self, rows: int, step: int, cost: float) -> Any:
        """J after `step` steps on so many rows."""
