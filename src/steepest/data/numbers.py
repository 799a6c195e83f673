"""What every reader of numbers agrees on: which texts mean a missing value, and up to where integers are exact."""

from __future__ import annotations

__all__ = ["EXACT", "MISSING"]

MISSING = frozenset({"", "na", "n/a", "null", "nan", "?", "-"})
EXACT = 2.0**53  # from here on not every integer is a float
