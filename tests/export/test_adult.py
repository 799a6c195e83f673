"""The census table with its categories and missing values: saved, verified, and exported; all say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import steepest
from steepest.export import onnx, python, sql
from steepest.model import Model
from steepest.verification import verify

NAMES = (  # noqa: SIM905
    "age workclass fnlwgt education years marital occupation relationship race sex gain loss hours country income"
).split()
NUMBERS = ("age", "fnlwgt", "years", "gain", "loss", "hours")


def table(path: Path) -> pl.DataFrame:
    lines = [line for line in path.read_text().splitlines() if line.count(",") == 14]
    columns = zip(*([cell.strip() for cell in line.rstrip(".").split(",")] for line in lines), strict=True)
    frame = pl.DataFrame({name: list(cells) for name, cells in zip(NAMES, columns, strict=True)})
    texts = [pl.col(name).replace("?", None) for name in NAMES if name not in NUMBERS]
    return frame.with_columns([*texts, *(pl.col(name).cast(pl.Float64) for name in NUMBERS)])


@pytest.fixture(scope="module")
def adult(shared_data: Any) -> tuple[Model, pl.DataFrame, pl.DataFrame]:
    train, test = (table(shared_data.folder / "adult" / f"adult-{which}.csv") for which in ("train", "test"))
    missing = dict.fromkeys(("workclass", "occupation", "country"), "category")
    schema = steepest.schema(train, "income", missing=missing, unseen="reference")
    return Model.of(steepest.fit(train, "income", schema=schema, l2=1e-4), train, "income"), train, test


def test_it_verifies_on_its_rows(adult: Any, tmp_path: Path) -> None:
    model, train, _ = adult
    assert (model.provenance.rows, model.provenance.counts) == (32_561, (24_720, 7_841))
    model.save(tmp_path / "m.json")
    train.write_csv(tmp_path / "t.csv")
    found = verify(steepest.load(tmp_path / "m.json"), tmp_path / "t.csv")
    assert [finding.holds for finding in found.findings] == [True] * 5


def test_every_export_says_the_same(adult: Any) -> None:
    duckdb, runtime = pytest.importorskip("duckdb"), pytest.importorskip("onnxruntime")
    model, _, test = adult
    said = model.predictions(test)
    assert said.missing.sum() == 2_203
    rows = test.with_row_index("id").to_arrow()
    with duckdb.connect() as connection:
        connection.register("rows", rows)
        found = connection.execute(sql(model, keys=["id"]) + " ORDER BY id").fetchnumpy()
    np.testing.assert_allclose(found["probability"], said.probability, rtol=0.0, atol=1e-12)
    for name in ("unseen", "missing", "out_of_range"):
        np.testing.assert_array_equal(found[name], getattr(said, name))
    session = runtime.InferenceSession(onnx(model), providers=["CPUExecutionProvider"])
    feeds = {}
    for column in model.schema.columns:
        if column.kind == "number":
            feeds[column.name] = test[column.name].to_numpy()[:, None]
        else:
            feeds[column.name] = np.array(test[column.name].fill_null("").to_list(), dtype=object)[:, None]
    names = [output.name for output in session.get_outputs()]
    made = dict(zip(names, session.run(names, feeds), strict=True))
    np.testing.assert_allclose(made["probability"], said.probability, rtol=0.0, atol=1e-12)
    for name in ("unseen", "missing", "out_of_range"):
        np.testing.assert_array_equal(made[name], getattr(said, name))
    program: dict[str, Any] = {"__name__": "program"}
    exec(python(model), program)
    some = [program["predict"](row) for row in test.head(2_000).to_dicts()]
    np.testing.assert_allclose([row["probability"] for row in some], said.probability[:2_000], rtol=0.0, atol=1e-12)
    assert [row["missing"] for row in some] == said.missing[:2_000].tolist()
