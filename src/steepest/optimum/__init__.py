"""The proved optimum, by regime: each module minimises the same objective on another kind of table.

    J(w, b) + ½ l2 |w|²       J the weighted mean of the losses

What comes back is an `Outcome`: weights in the user's units and a certificate of how far they can be from the
optimum, or the proof that there is none. Which regime: `regime.py`, one rule.
"""

from dataclasses import replace

import numpy as np

from steepest.compression import compress
from steepest.data.arrays import check_size
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum import dense, softmax, sparse, wide
from steepest.optimum.outcome import Outcome, Request
from steepest.optimum.regime import Regime, choose
from steepest.proof.certificate import disproved
from steepest.proof.existence import check

__all__ = ["Outcome", "Request", "minimise"]

WORTH_COUNTING = 20_000  # rows from which repeated ones are looked for


def minimise(engine: MemoryEngine | SparseEngine, request: Request, classes: int = 2) -> Outcome:
    """The optimum over the rows of `engine`, by the regime that suits their number and that of the columns."""
    if classes > 2:
        if isinstance(engine, SparseEngine):
            raise TypeError("softmax over sparse rows is not there yet")
        check_size(engine.X)
        return softmax.minimise(engine, classes, request)
    if isinstance(engine, SparseEngine):
        return sparse.minimise(engine, request)
    regime = choose(engine.m, engine.n, l2=request.l2).regime
    if regime is Regime.WIDE:
        check_size(engine.X)
        return sparse.minimise(engine, request)
    if regime is Regime.ROWS:
        return wide.minimise(engine, request)
    return _distinct(engine, request) or dense.minimise(engine, request)


def _distinct(engine: MemoryEngine, request: Request) -> Outcome | None:
    """The same problem on rows that are counted instead of repeated, where that makes it much smaller."""
    counted = compress(engine.X, engine.y, engine.weight) if engine.m >= WORTH_COUNTING else None
    if counted is None:
        return None
    if not np.isfinite(counted.X).all():
        check_size(engine.X)  # which names the row as the user numbers it
    inner = MemoryEngine(counted.X, counted.y, counted.weight, threads=engine.threads)
    found = dense.minimise(inner, request)
    witness = found.certificate.witness
    if witness is None:
        return found
    again = check(engine, witness.direction)  # so that rows are numbered and counted as the user has them
    return found if again is None else replace(found, certificate=disproved(again))
