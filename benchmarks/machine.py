"""The machine, coarsely, and the speed at which it reads memory. No names."""

from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

__all__ = ["bandwidth", "describe"]

BYTES = 400_000_000
PACKAGES = (
    "numpy", "scipy", "scikit-learn", "glum", "cyanure", "snapml", "liblinear-official", "statsmodels", "steepest",
)  # fmt: skip
VECTORS = ("avx2", "avx512f", "asimd", "sve")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> dict[str, object]:
    """Cores, vector units, memory and versions."""
    flags: set[str] = set()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith(("flags", "Features")):
                flags = set(line.split())
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "cores": cores(), "architecture": platform.machine(), "vectors": [v for v in VECTORS if v in flags],
        "memory_gb": round(memory / 2**30), "system": platform.system(), "python": platform.python_version(),
        "packages": versions,
    }  # fmt: skip


def bandwidth(threads: int, repeats: int = 5) -> float:
    """Bytes per second read by `threads` threads, the best of some repeats, through sum and max of a large array."""
    parts = np.array_split(np.ones(BYTES // 8), threads)
    best = 0.0
    with ThreadPoolExecutor(threads) as pool:
        for reduce in (np.sum, np.max):
            for _ in range(repeats):
                start = time.perf_counter()
                list(pool.map(reduce, parts))
                best = max(best, BYTES / (time.perf_counter() - start))
    return best
