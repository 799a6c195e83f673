"""Speed of plain descent, as ratios in one run: `python benchmarks/descent.py [cat | overhead | memory | all]`.

cat       2,000 steps on the course's cat images (209 x 12288) against the seed's vectorised program in plain NumPy,
          results compared; without the images, on a random table of that shape
overhead  time per step on a 4 x 2 table: what the spine costs when there is nothing to compute
memory    peak above the input on 1,000,000 x 50, as a share of the input
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import steepest

IMAGES = Path(__file__).parents[1].parent / "shared" / "data" / "cat" / "train_catvnoncat.h5"
ALPHA, STEPS = 0.005, 2000


def seed_vectorised(X: Any, Y: Any, alpha: float, steps: int) -> tuple[Any, float, list[float]]:
    """The vectorised program of the seed, corrected, J included: X (n_x, m), Y (1, m)."""
    n_x, m = X.shape
    w, b, costs = np.zeros((n_x, 1)), 0.0, []
    for _ in range(steps):
        A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
        costs.append(float(-(1 / m) * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))))
        dZ = A - Y
        dw = (1 / m) * np.dot(X, dZ.T)
        db = (1 / m) * np.sum(dZ)
        w = w - alpha * dw
        b = b - alpha * db
    return w[:, 0], float(b), costs


def cat_table() -> tuple[Any, Any, str]:
    """The images as (209, 12288) in [0, 1] and their labels, or a random table of that shape."""
    if IMAGES.exists():
        import h5py  # noqa: PLC0415 - only this job needs it

        with h5py.File(IMAGES) as file:
            X, y = np.array(file["train_set_x"]), np.array(file["train_set_y"])
        return X.reshape(len(X), -1) / 255.0, y.astype(float), "the cat images"
    rng = np.random.default_rng(0)
    return rng.random((209, 12288)), (rng.random(209) < 0.35).astype(float), f"random numbers ({IMAGES} is not there)"


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time and result of one call."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def cat(repeats: int = 5) -> None:
    """Ratio of times, interleaved, and the largest difference of the results."""
    X, y, what = cat_table()
    ratios = {"auto": [], "vectorised": []}
    for _ in range(repeats):
        slow, (w, b, costs) = seconds(lambda: seed_vectorised(X.T, y[None, :], ALPHA, STEPS))
        for kernel, seen in ratios.items():
            fast, fit = seconds(
                lambda kernel=kernel: steepest.fit(X, y, learning_rate=ALPHA, iterations=STEPS, kernel=kernel)
            )
            seen.append(slow / fast)
            apart = max(np.abs(fit.w - w).max(), abs(fit.b - b), np.abs(fit.history - costs).max())
            print(
                f"  {kernel:10}  seed {slow:.3f} s  steepest {fast:.3f} s  ratio {slow / fast:.2f}  apart {apart:.1e}"
            )
    for kernel, seen in ratios.items():
        print(f"{STEPS} steps on {what}, kernel {kernel}: {statistics.median(seen):.2f} x the seed's program")


def overhead(repeats: int = 5) -> None:
    """Microseconds per step when the table is 4 x 2."""
    X, y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]), np.array([0.0, 1.0, 0.0, 1.0])
    runs = []
    for _ in range(repeats):
        took, _ = seconds(lambda: steepest.fit(X, y, learning_rate=0.1, iterations=10_000))
        runs.append(took * 1e6 / 10_000)
    print(f"4 x 2: {statistics.median(runs):.1f} microseconds per step ({min(runs):.1f} … {max(runs):.1f})")


def memory() -> None:
    """Peak above X, traced (NumPy reports its buffers), in ten steps on 1,000,000 x 50."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1_000_000, 50))
    y = (X[:, 0] + rng.standard_normal(len(X)) > 0).astype(float)
    tables = {"float64, C order": X, "float64, F order": np.asfortranarray(X), "float32": X.astype(np.float32)}
    steepest.fit(X[:100], y[:100], iterations=1)  # what is imported on first use is not counted
    for name, table in tables.items():
        tracemalloc.start()
        steepest.fit(table, y, learning_rate=0.1, iterations=10)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(
            f"1,000,000 x 50 {name}: {peak / 1e6:.1f} MB above {table.nbytes / 1e6:.0f} MB, {peak / table.nbytes:.2%}"
        )


def main() -> None:
    """Run what was asked for."""
    jobs = {"cat": cat, "overhead": overhead, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", nargs="?", default="all", choices=[*jobs, "all"])
    asked = parser.parse_args().job
    for name, job in jobs.items():
        if asked in (name, "all"):
            job()


if __name__ == "__main__":
    main()
