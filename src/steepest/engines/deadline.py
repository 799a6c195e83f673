"""A read that ends when there is no time left for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from steepest.errors import Overtime

__all__ = ["within"]


def within(budget: float, tell: Callable[[int, int], Any] | None) -> Callable[[int, int], None]:
    """What an engine tells how far it is: it passes that on to `tell`, and ends a read after so many seconds.

    >>> within(60.0, print)(5, 10)
    5 10
    """
    until = time.perf_counter() + budget

    def told(done: int, m: int) -> None:
        if tell is not None:
            tell(done, m)
        if done < m and time.perf_counter() >= until:
            raise Overtime

    return told
