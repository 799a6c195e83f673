"""What a fit will cost, before it is made: method, passes, seconds, memory.

    seconds = passes x (bytes of X / bandwidth + call) + multiply-adds of the matrices / products

The passes are those that the method takes on usual data; the two rates are this machine's (`calibration.py`). A fit
never asks: its bits do not depend on what was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from steepest.calibration import Machine, machine
from steepest.optimum.regime import Regime, choose, sample_of_codes, sample_size

__all__ = ["Forecast", "forecast"]

HEADS = 2.0  # passes' worth of looking at the columns and of the last proof
ROWS_PASSES, WIDE_SLOWER = 5.0, 1.5  # as counted on 200 x 2,000 and 900 x 3,000, C from 1 to 100
SPARSE_NUMBER = 12  # bytes of a stored number with its column
CODE, ADDED = 4, 16  # bytes of a code as it is read; and moved for each pair of terms that is added up
SPARSE_SLOWER = 2.0  # a scattered number takes longer than its bytes


@dataclass(frozen=True, slots=True)
class Forecast:
    """method, why   the way that will be taken, in words, and the reason
    passes        reads of all rows, the passes that looking at the columns and proving takes included
    seconds       on this machine; half or twice that is usual
    peak_memory   bytes beside X        bytes_read  passes x bytes of X
    """

    regime: Regime
    method: str
    why: str
    passes: float
    seconds: float
    peak_memory: float
    bytes_read: float

    def __str__(self) -> str:
        return (
            f"{self.method}, because {self.why}: about {self.passes:.0f} passes, {self.seconds:.2g} s, "
            f"{self.peak_memory / 1e6:.3g} MB beside the data"
        )


def forecast(
    m: int,
    n: int,
    *,
    classes: int = 2,
    l2: float = 0.0,
    dtype: DTypeLike = np.float64,
    nnz: int | None = None,
    tol: float = 1e-9,
    terms: int | None = None,
    on: Machine | None = None,
) -> Forecast:
    """The forecast for m rows of n columns of `dtype`, nnz stored numbers if the table is sparse, to a proved `tol`.

    `terms`: numbers and categories of a row, where categories stay codes and are not written out.

    `on` gives the rates of another machine; by default this one's are measured once, in about 50 ms, and kept in the
    user's cache folder. Raises ValueError for sizes, a penalty or a tolerance out of range.

    >>> from steepest.calibration import TYPICAL
    >>> found = forecast(1_000_000, 50, on=TYPICAL)
    >>> found.regime.name, round(found.passes, 1), found.bytes_read
    ('SAMPLED', 8.0, 3200000000.0)
    """
    if m < 1 or n < 1 or classes < 2 or not (nnz is None or nnz >= 0):
        raise ValueError(f"a table of {m} rows, {n} columns, nnz={nnz} and {classes} classes cannot be fitted")
    if not (0.0 <= l2 < math.inf and 0.0 < tol < 1.0):
        raise ValueError(f"l2={l2} must be >= 0, and tol={tol} between 0 and 1")
    rates = machine() if on is None else on
    choice = choose(m, n, nnz, classes, l2, terms)
    codes = terms if choice.regime in (Regime.CODES, Regime.CODES_ALONE) else None
    size = m * n * np.dtype(dtype).itemsize if nnz is None else nnz * SPARSE_NUMBER
    size = size if codes is None else m * codes * CODE
    passes, products, memory = _work(choice.regime, m, n, classes, tol, l2)
    bent = 1.0 / passes if choice.regime is Regime.CODES else 1.0  # share of the passes that take second derivatives
    moved = _pass_bytes(m, n, nnz) if codes is None else m * (CODE * codes + bent * ADDED * codes * codes / 2.0)
    per_pass = moved / rates.bandwidth + rates.call
    seconds = passes * per_pass * _columns(choice.regime, classes) + products / rates.products
    return Forecast(
        choice.regime, choice.regime.value, choice.reason, passes, seconds, memory, math.ceil(passes) * float(size)
    )


def _pass_bytes(m: int, n: int, nnz: int | None) -> float:
    """Bytes as the kernel sees them: blocks are widened to float64."""
    return 8.0 * m * n if nnz is None else SPARSE_NUMBER * SPARSE_SLOWER * nnz


def _columns(regime: Regime, classes: int) -> float:
    """How much longer a pass takes for K classes: products of matrices share the read."""
    return 1.0 + 0.2 * classes if regime in (Regime.CLASSES, Regime.CLASSES_NEWTON, Regime.CLASSES_MANY) else 1.0


def _weakly(m: int, l2: float) -> float:
    """How many times the passes of C = 1 a weaker penalty takes where the metric is a diagonal: twice at C = 100."""
    return 1.0 + 0.5 * min(4.0, max(0.0, -math.log10(max(l2 * m, 1e-300))))


def _work(regime: Regime, m: int, n: int, classes: int, tol: float, l2: float) -> tuple[float, float, float]:
    """(passes, multiply-adds of Hessians and factorisations, bytes beside X)."""
    digits = -math.log10(tol)
    k = (n + 1) * (classes - 1)
    block = min(8.0 * (1 << 20), 32.0 * m * n)  # temporaries of the blocks in work
    if regime is Regime.SAMPLED:
        size = sample_size(m, n)
        hessians = 3.0 * (0.5 * size * n * n + n**3 / 3.0)
        return HEADS + 1.5 + digits / 2.0, hessians, 8.0 * (size * n + 3 * n * n) + block
    if regime in (Regime.CODES, Regime.CODES_ALONE):
        rows = sample_of_codes(m, n)
        passes = 4.0 if rows else 3.0 + math.log2(max(2.0, digits))
        return passes, passes * n**3, 8.0 * (rows * 8 + 8 * n * n)
    if regime is Regime.ROWS:
        steps = 4.0 + math.log2(max(2.0, digits))
        return HEADS + ROWS_PASSES, 0.5 * m * m * n + (9.0 + steps) * m**3, 8.0 * 4 * m * m + block
    if regime is Regime.TINY:
        steps = 3.0 + math.log2(max(2.0, digits))
        return 2.0 + steps, steps * (0.5 * m * k * k + k**3 / 3.0), 8.0 * 2 * m * k + block
    if regime in (Regime.NEWTON, Regime.CLASSES_NEWTON):
        steps = 4.0 + math.log2(max(2.0, digits))
        return HEADS + steps, steps * (0.5 * m * k * k + k**3 / 3.0), 8.0 * 4 * k * k + block
    if regime is Regime.SPARSE_FEW:
        size = min(m, 32 * n)
        return HEADS + 3.0 + digits, 3.0 * (0.5 * size * n * n + n**3 / 3.0), 8.0 * (size * n + 3 * n * n) + block
    if regime in (Regime.SPARSE_MANY, Regime.WIDE):
        slower = WIDE_SLOWER if regime is Regime.WIDE else _weakly(m, l2)
        return slower * (HEADS + 5.0 + 3.0 * digits), 0.0, 8.0 * n * 2 * 40 + block
    if regime is Regime.CLASSES_MANY:
        return HEADS + 5.0 + 3.0 * digits, 0.0, 8.0 * n * classes * 24 + block
    part = min(m, 10 * k)
    return HEADS + 8.0 + 3.0 * digits, classes * (0.5 * part * n * n + n**3), 8.0 * (classes * n * n + 40 * k) + block
