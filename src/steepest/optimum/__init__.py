"""The proved optimum, by regime: each module minimises the same objective on another kind of table.

    J(w, b) + ½ l2 |w|²       J the weighted mean of the losses

What comes back is an `Outcome`: weights in the user's units and a certificate of how far they can be from the
optimum, or the proof that there is none.
"""

from steepest.engines import MemoryEngine
from steepest.optimum import dense, wide
from steepest.optimum.outcome import Outcome, Request

__all__ = ["Outcome", "Request", "minimise"]


def minimise(engine: MemoryEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, by the regime that suits their number and that of the columns."""
    if engine.n > engine.m <= wide.MOST_ROWS:
        return wide.minimise(engine, request)
    return dense.minimise(engine, request)
