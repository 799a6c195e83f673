"""Kernels turn a block of rows into sums. One registry, one signature, one referee.

A kernel is three functions over the same rows (see `Kernel`). `loop` is the seed's own `for i in range(m)` and the
referee; every other kernel must agree with it (`steepest.conformance.check_kernel`, `steepest agree`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from steepest.kernels import compiled, loop, vectorised
from steepest.types import Block, Floats, Product, Sums

__all__ = ["KERNELS", "Kernel", "suited"]

WORTH_COMPILED = 1 << 22  # elements of X, 32 MB: below, whole fits are done before the compiled code is loaded


@dataclass(frozen=True, slots=True)
class Kernel:
    """Block -> sums, in three questions. Each result can be added to that of other rows.

    sums(block, w, b, order)                losses (order 0), with dw, db (1), with the second derivatives (2)
    hessian_times(block, w, b, v, c)        the Hessian total at (w, b) times the direction (v, c)
    along(block, w, b, v, c, steps)         total loss at (w + t v, b + t c) for each t of steps, shape (len(steps),)
    """

    name: str
    sums: Callable[[Block, Floats, float, int], Sums]
    hessian_times: Callable[[Block, Floats, float, Floats, float], Product]
    along: Callable[[Block, Floats, float, Floats, float, Floats], Floats]


KERNELS = {
    module.__name__.rpartition(".")[2]: Kernel(
        module.__name__.rpartition(".")[2], module.sums, module.hessian_times, module.along
    )
    for module in (loop, vectorised, compiled)
}


def suited(m: int, n: int) -> Kernel:
    """The fastest kernel for m rows of n columns: a rule from the shape alone, so that the bits are always the same.

    >>> suited(100, 5).name, suited(1_000_000, 50).name
    ('vectorised', 'compiled')
    """
    return KERNELS["compiled" if m * n >= WORTH_COMPILED else "vectorised"]
