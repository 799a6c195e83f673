"""What this machine can do, measured once and remembered: for forecasts only. No fit ever looks at it."""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from steepest.engines import MemoryEngine
from steepest.kernels import vectorised

__all__ = ["TYPICAL", "Machine", "machine", "measure"]

VERSION = 1  # of the measurement; another one is measured again
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Machine:
    """bandwidth: bytes/s of float64 rows that one pass reads (z, slopes, gradient); products: multiply-adds/s of BLAS;
    call: seconds that a pass takes on a table of no size.
    """

    bandwidth: float
    products: float
    call: float


TYPICAL = Machine(bandwidth=8e9, products=2e10, call=60e-6)  # two cores of a laptop; used where nothing can be kept


def machine(folder: Path | None = None) -> Machine:
    """The machine's figures: from the cache, or measured now (about 50 ms) and kept in `folder`, by default the user's
    cache folder; `TYPICAL` where that cannot be written, without a word.
    """
    folder = _cache_folder() if folder is None else folder
    path = folder / f"machine-{VERSION}-{os.cpu_count()}.json"
    known = _read(path)
    if known is not None:
        return known
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, suffix=".tmp")
    except OSError:
        return TYPICAL
    measured = measure()
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(measured), file)
        os.replace(name, path)  # whole or not at all, whoever else writes at the same time
    except OSError:
        with suppress(OSError):
            os.unlink(name)
    return measured


def measure() -> Machine:
    """Measure now: the best of some repetitions, so that what else runs disturbs little."""
    X = np.ones((80_000, 32))
    X[::2] = -1.0
    y = np.zeros(len(X))
    large, small, w = MemoryEngine(X, y), MemoryEngine(X[:8], y[:8], threads=1), np.zeros(32)
    square = np.ones((384, 384))
    with large.quiet_blas():
        seconds = _best(lambda: large.sum(lambda block: vectorised.sums(block, w, 0.0, 1)))
        call = _best(lambda: small.sum(lambda block: vectorised.sums(block, w, 0.0, 1)))
        product = _best(lambda: square @ square)
    return Machine(X.nbytes / seconds, 384.0**3 / product, call)


def _best(work: Callable[[], object]) -> float:
    best = math.inf
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return max(best, 1e-9)


def _read(path: Path) -> Machine | None:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))
        known = Machine(**{name: float(figures[name]) for name in ("bandwidth", "products", "call")})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if all(0.0 < figure < math.inf for figure in asdict(known).values()) else None


def _cache_folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path("~").expanduser() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path("~/Library/Caches").expanduser())
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "steepest"
