"""Tables of numbers and categories for tests: frames, their rows as codes, and written out."""

import numpy as np

from steepest.data.column_table import ColumnTable, Filled, Levels, Number
from steepest.data.columns import Held
from steepest.data.mixed_table import MixedTable


def column_table(m, widths=(3, 1, 6), seed=0, missing=0.05, numbers=2):
    """A ColumnTable of `numbers` columns (the first with an indicator) and categories of those widths, and y."""
    rng = np.random.default_rng(seed)
    sources, z = [], np.zeros(m)
    for j in range(numbers):
        x = rng.standard_normal(m) * 3.0**j + j
        z += 0.4 * (x - j) / 3.0**j
        if j == 0 and missing:
            x[rng.random(m) < missing] = np.nan
            sources.append(Filled(Held(x), 0.25, indicated=True))
        else:
            sources.append(Number(Held(x)))
    for width in widths:
        codes = rng.integers(-1, width + 1, m).astype(np.int8 if width < 100 else np.int16)
        place = np.append(rng.permutation(width + 1) - 1, -1).astype(np.intp)
        sources.insert(len(sources) // 2, Levels(codes, place, width))
        z += rng.standard_normal(width + 2)[codes]
    y = (rng.random(m) < 1.0 / (1.0 + np.exp(-z + z.mean()))).astype(np.int8)
    return ColumnTable.of(m, sources), y


def mixed_rows(m, **how):
    table, y = column_table(m, **how)
    return MixedTable.of(table), np.asarray(table, dtype=np.float64), y
