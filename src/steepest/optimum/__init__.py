"""The proved optimum, by regime: each module minimises the same objective on another kind of table.

    J(w, b) + ½ l2 |w|²       J the weighted mean of the losses, or with the penalties of `penalties.Penalties`

What comes back is an `Outcome`: weights in the user's units and a certificate of how far they can be from the
optimum, or the proof that there is none. Which regime: `regime.py`, one rule.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from steepest.compression import compress
from steepest.data.arrays import LARGEST, check_size
from steepest.data.column_table import ColumnTable
from steepest.data.mixed_table import MixedTable, pays
from steepest.engines import MemoryEngine
from steepest.engines.mixed import MixedEngine
from steepest.engines.sparse import SparseEngine
from steepest.late import Late
from steepest.optimum import tiny
from steepest.optimum.outcome import Outcome, Request
from steepest.optimum.regime import Regime, choose
from steepest.optimum.sparse_rows import densely
from steepest.penalties import Penalties
from steepest.proof.certificate import disproved
from steepest.proof.existence import check

if TYPE_CHECKING:
    from steepest.optimum import class_composite, composite, dense, mixed, softmax, sparse, sparse_softmax, wide
else:
    class_composite, composite, dense, mixed, softmax, sparse, sparse_softmax, wide = (
        Late(f"steepest.optimum.{name}")
        for name in ["class_composite", "composite", "dense", "mixed", "softmax", "sparse", "sparse_softmax", "wide"]
    )

__all__ = ["Outcome", "Request", "minimise"]

MOST_IN_A_HESSIAN = 2000  # columns with penalties of their own
WORTH_COUNTING = 20_000  # rows from which repeated ones are looked for


def minimise(engine: MemoryEngine | SparseEngine, request: Request, classes: int = 2) -> Outcome:
    """The optimum over the rows of `engine`, by the regime that suits their number and that of the columns."""
    found = _minimise(engine, request, classes)
    in_place = isinstance(engine, SparseEngine) or isinstance(engine.X, np.ndarray)
    if classes > 2 or not in_place or not request.penalties.smooth:
        return found
    return composite.certified(engine, request, found)


def _minimise(engine: MemoryEngine | SparseEngine, request: Request, classes: int) -> Outcome:
    if classes == 2 and request.penalties.smooth and _by_codes(engine):
        return mixed.minimise(_as_codes(engine), request)
    if not request.penalties.plain:
        return _penalised(engine, request, classes)
    if classes > 2:
        return _of_classes(engine, request, classes)
    if isinstance(engine, SparseEngine):
        return sparse.minimise(engine, request)
    regime = choose(engine.m, engine.n, l2=request.l2).regime
    if regime is Regime.WIDE:
        return sparse.minimise(engine, request)
    if regime is Regime.ROWS:
        return wide.minimise(engine, request)
    if engine.offset is not None:  # rows that repeat have offsets that do not
        return dense.minimise(engine, request)
    found = tiny.minimise(engine, request) if regime is Regime.TINY else _distinct(engine, request)
    return found or dense.minimise(engine, request)


def _by_codes(engine: MemoryEngine | SparseEngine) -> bool:
    return isinstance(engine, MixedEngine) or (isinstance(engine.X, ColumnTable) and pays(engine.X))


def _as_codes(engine: MemoryEngine | SparseEngine) -> MixedEngine:
    if isinstance(engine, MixedEngine):
        return engine
    assert not isinstance(engine, SparseEngine)  # its X is no table of columns
    rows: Any = engine.X
    codes = MixedEngine(MixedTable.of(rows), engine.y, engine.weight, engine.offset, threads=engine.threads)
    codes.checkpoint, codes.on_rows = engine.checkpoint, engine.on_rows
    return codes


def _penalised(engine: MemoryEngine | SparseEngine, request: Request, classes: int) -> Outcome:
    """With an l1, bounds or factors; where these leave a ridge on every column, as without them."""
    strengths, smooth = request.strengths(engine.n), request.penalties.smooth
    if smooth and np.all(strengths == strengths[0]):
        return _minimise(engine, replace(request, l2=float(strengths[0]), penalties=Penalties()), classes)
    if classes > 2:
        return class_composite.minimise(engine, classes, request)
    if not smooth or not np.all(strengths > 0.0):
        return composite.minimise(engine, request)
    if isinstance(engine, SparseEngine) or engine.n > MOST_IN_A_HESSIAN:
        return sparse.minimise(engine, request)
    return dense.minimise(engine, request)


def _of_classes(engine: MemoryEngine | SparseEngine, request: Request, classes: int) -> Outcome:
    nnz = engine.X.nnz if isinstance(engine, SparseEngine) else None
    regime = choose(engine.m, engine.n, nnz, classes).regime
    if not isinstance(engine, SparseEngine):
        check_size(engine.X)
    if regime is Regime.CLASSES_MANY:
        found = sparse_softmax.minimise(engine, classes, request)
    else:
        rows = densely(engine) if isinstance(engine, SparseEngine) else engine
        found = softmax.minimise(rows, classes, request)
    return class_composite.certified(engine, classes, request, found)


def _distinct(engine: MemoryEngine, request: Request) -> Outcome | None:
    """The same problem on rows that are counted instead of repeated, where that makes it much smaller."""
    counted = compress(engine.X, engine.y, engine.weight) if engine.m >= WORTH_COUNTING else None
    if counted is None:
        return None
    if not np.all(np.abs(counted.X) <= LARGEST):  # NaN fails every comparison
        check_size(engine.X)  # which names the row as the user numbers it
    inner = MemoryEngine(counted.X, counted.y, counted.weight, threads=engine.threads)
    found = dense.minimise(inner, request)
    witness = found.certificate.witness
    if witness is None:
        return found
    again = check(engine, witness.direction)  # so that rows are numbered and counted as the user has them
    return found if again is None else replace(found, certificate=disproved(again))
