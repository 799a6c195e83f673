"""splitmix64: 64 bits mixed so that each depends on all of them, one to one.

G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, figure 16.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEP", "mix"]

STEP = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio of 2^64: what the generator counts by
ROUNDS = (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB))


def mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The bits, mixed in place; products are modulo 2^64.

    >>> [hex(word) for word in mix(STEP * np.arange(1, 3, dtype=np.uint64)).tolist()]
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    """
    for shift, factor in ROUNDS:
        bits ^= bits >> shift
        bits *= factor
    bits ^= bits >> np.uint64(31)
    return bits
