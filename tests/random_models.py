"""Random models with every kind of column and policy, and rows to ask them about: for model files and exports."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from steepest.data.schema import Column, Schema
from steepest.model import Model
from steepest.portable.parity import make_parity
from steepest.portable.parts import Ending, Minimised, Provenance, Reach
from steepest.portable.predicting import Scorer
from steepest.scaling import Scaling

NAMES = [
    "größe",
    'q"uote',
    "o'neil",
    "semi;colon",
    "-- x",
    "x[y]",
    "a b",
    "select",
    "z0",
    "t",
    "k0",
    "\\",
    "日本",
    "%s{}",
]
LEVELS = [
    "red",
    "o'neil",
    'say "hi"',
    "x -- y",
    "1",
    "2",
    "-3",
    "new\nline",
    "é",
    "",
    "-",
    "NA",
    "a,b",
    "\\n",
    "=1+1",
    " sp",
]


def random_column(rng: np.random.Generator, name: str) -> Column:
    unseen = str(rng.choice(["error", "reference", "missing"]))
    if rng.random() < 0.5:
        missing = str(rng.choice(["error", "indicator", "drop"]))
        rows = int(rng.integers(0, 2))
        return Column(name, "number", missing=missing, unseen=unseen, missing_rows=rows,
                      fill=float(rng.normal()) if missing == "indicator" else None)  # fmt: skip
    missing = str(rng.choice(["error", "category", "drop"]))
    levels = tuple(rng.permutation(LEVELS)[: rng.integers(1, 6)].tolist())
    reference = None if rng.random() < 0.3 else levels[int(rng.integers(len(levels)))]
    rows = int(rng.integers(0, 2))
    return Column(name, "category", levels, (1,) * len(levels), reference, missing, unseen, rows)


def random_model(seed: int, classes: int | None = None, size: float = 1.0, names: list[str] = NAMES) -> Model:
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(names)[: rng.integers(1, min(8, len(names)) + 1)].tolist()
    while True:
        try:
            schema = Schema(tuple(random_column(rng, name) for name in chosen), target="tar'get", rows=7)
        except ValueError:  # two columns of the design by one name: x and x[y]
            continue
        if schema.names:
            break
    n, K = len(schema.names), classes or int(rng.choice([2, 2, 3, 5]))
    labels: tuple[Any, ...] = [("no", "it's"), (0, 1), (False, True), (-1.5, 2.5)][rng.integers(4)]
    if K > 2:
        labels = tuple(f"class {k}'\"" for k in range(K))
    w = rng.normal(size=n if K == 2 else (n, K)) * size
    b = float(rng.normal()) if K == 2 else rng.normal(size=K)
    ranges = None
    if rng.random() < 0.8:
        ends = np.sort(rng.normal(size=(len(schema.columns), 2)), axis=1).tolist()
        ranges = tuple((low, high) if column.kind == "number" else None
                       for column, (low, high) in zip(schema.columns, ends, strict=True))  # fmt: skip
    frame = Scaling(rng.normal(size=n), np.ldexp(1.0, rng.integers(-3, 3, n)))
    reach = Reach(np.abs(rng.normal(size=n)) * 1e-6, 1e-6) if K == 2 and rng.random() < 0.5 else None
    parity = make_parity(Scorer(schema, w, b, ranges, frame, reach))
    return Model(
        schema, labels, w, b, Minimised(l2=0.5), Ending("auto", None, 3, "proved", 0.25, 0.5, 4),
        provenance=Provenance("f.csv", None, 7, (3, 4) if K == 2 else None, "0" * 64, "dense", ranges, frame),
        reach=reach, parity=parity,
    )  # fmt: skip


def random_rows(model: Model, rng: np.random.Generator, count: int) -> list[tuple[float | str | None, ...]]:
    """Rows of cells, some of them missing, unseen, out of range, beyond all floats that are squared."""
    return [tuple(random_cell(column, rng) for column in model.schema.columns) for _ in range(count)]


def random_cell(column: Column, rng: np.random.Generator) -> float | str | None:
    what = rng.random()
    if what < 0.1:
        return None
    if column.kind == "number":
        odd = [0.0, -0.0, 1e152, -1e152, 2e152, -math.inf, 5e-324, 1e16, 0.1]
        return float(rng.choice(odd)) if what < 0.15 else float(rng.normal() * rng.choice([1.0, 1.0, 100.0]))
    if what < 0.2:
        return str(rng.choice(["unheard of", "RED", "3.0", "1.0", "01", "é"]))
    return str(rng.choice(column.levels))
