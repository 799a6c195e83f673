"""A frame with numbers, categories and gaps, for tests of spools; written to a file."""

from pathlib import Path

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

POLICIES = {"missing": {"age": "indicator", "size": "indicator", "colour": "category"}}


def frame(m=5000, seed=0, missing=True):
    rng = np.random.default_rng(seed)
    age, size = rng.integers(18, 90, m).astype(float), np.exp(rng.standard_normal(m))
    colour, town = rng.choice(["red", "sky", "ash"], m), rng.integers(0, 30, m)
    z = 0.03 * (age - 50) + 0.4 * size + (colour == "sky") + 0.05 * (town % 7) - 1.0
    y = np.where(rng.random(m) < 1.0 / (1.0 + np.exp(-z)), "yes", "no")
    if missing:
        age[rng.random(m) < 0.02] = np.nan
        size[rng.random(m) < 0.02] = np.nan
        colour = np.where(rng.random(m) < 0.02, None, colour)
    columns = {"age": age, "colour": colour, "size": size, "town": [f"t{k:02d}" for k in town], "share": rng.random(m)}
    return pd.DataFrame(columns | {"y": y, "s": rng.integers(1, 4, m).astype(float)})


def written(folder, table, form="parquet"):
    path = Path(folder) / f"rows.{form}"
    table.to_parquet(path, row_group_size=1024) if form == "parquet" else table.to_csv(path, index=False)
    return path
