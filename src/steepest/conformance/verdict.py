"""The sentences of the kits: what differs, by how much."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["near", "require", "same"]


def require(holds: bool, sentence: str) -> None:
    """Raise AssertionError with `sentence` unless it holds; unlike the statement, also under `python -O`."""
    if not holds:
        raise AssertionError(sentence)


def near(what: str, got: Any, expected: Any, tolerance: float) -> None:
    """`got` has the shape of `expected` and differs by no more than `tolerance` times its largest entry."""
    seen, truth = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    require(seen.shape == truth.shape, f"{what} has shape {seen.shape}, expected {truth.shape}")
    require(bool(np.isfinite(seen).all()), f"{what} is not finite: {got}")
    size = float(np.max(np.abs(truth), initial=0.0))
    apart = float(np.max(np.abs(seen - truth), initial=0.0))
    require(
        apart <= tolerance * size,
        f"{what} is {got}, expected {expected}: {apart:.3g} apart, {tolerance * size:.3g} is allowed",
    )


def same(what: str, got: Any, expected: Any) -> None:
    """`got` and `expected` have the same shape and the same bits (0.0 and -0.0 count as the same)."""
    seen, truth = np.asarray(got), np.asarray(expected)
    require(seen.shape == truth.shape, f"{what} has shape {seen.shape}, expected {truth.shape}")
    differ = int(np.count_nonzero(seen != truth))
    require(differ == 0, f"{what} must be bitwise the same, but {differ} of {truth.size} numbers differ")
