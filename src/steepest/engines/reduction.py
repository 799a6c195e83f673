"""Partial sums along a fixed tree: the same bits whoever computed the parts, and in whatever order they arrived.

The tree is that of a binary counter: parts 0 and 1 are added, 2 and 3, then the two pairs, and so on; what is left
at the end is added from the right. 2^k consecutive parts that begin at a multiple of 2^k are a subtree of their own,
so a group of that size can be reduced anywhere (a thread, a process, another machine) without changing one bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from steepest.types import Addable

__all__ = ["tree_sum"]


A = TypeVar("A", bound=Addable)


def tree_sum(parts: Iterable[A]) -> A:
    """Sum of `parts` along the fixed tree, holding at most log2(number of parts) + 1 of them at a time.

    Raises ValueError if there are no parts.

    >>> tree_sum([1.0, 2.0, 3.0])
    6.0
    """
    waiting: list[tuple[int, A]] = []
    for part in parts:
        level = 0
        while waiting and waiting[-1][0] == level:
            part = waiting.pop()[1] + part  # noqa: PLW2901 - the carry of the counter
            level += 1
        waiting.append((level, part))
    if not waiting:
        raise ValueError("nothing to add: there is not one block of rows")
    _, total = waiting.pop()
    while waiting:
        total = waiting.pop()[1] + total
    return total
