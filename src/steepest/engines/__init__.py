"""Engines hold the rows, hand them out in blocks, and add up what comes back along a fixed tree."""

from steepest.engines.memory import MemoryEngine
from steepest.engines.reduction import tree_sum

__all__ = ["MemoryEngine", "tree_sum"]
