"""SQL, Python and ONNX say what the model says: probabilities, labels, guard rails; on random models and odd rows."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_models import random_model, random_rows

import steepest
from steepest.data.quoting import cell
from steepest.data.schema import Column, Schema
from steepest.errors import DataError
from steepest.export import check_onnx, check_python, check_sql, onnx, python, sql
from steepest.export.checking import compare
from steepest.model import Model
from steepest.portable.parity import block_of, make_parity
from steepest.portable.parts import Provenance
from steepest.portable.predicting import Predictions, allowance

SEEDS = range(60)
ROWS = 40


def asked(model: Model, seed: int) -> tuple[list[tuple[Any, ...]], Predictions, np.ndarray]:
    """Random rows, what the model says of them, and how far a probability may be off."""
    rows = random_rows(model, np.random.default_rng([seed, 1]), ROWS)
    block = block_of(model.schema, rows)
    return rows, model.predictions(block), allowance(model.scorer, block)


def of_rows(said: Predictions, keep: list[int]) -> Predictions:
    """What was said of some of the rows."""
    kept = {name: getattr(said, name)[keep] for name in ("z", "probability", "which", "missing", "unseen", "refused")}
    return replace(said, **kept, out_of_range=None if said.out_of_range is None else said.out_of_range[keep])


def same(model: Model, said: Predictions, allowed: np.ndarray, found: list[dict[str, Any]]) -> None:
    """What an export found, row by row, is what the model said."""
    labels = [*map(str, model.classes), None]
    shares = said.probability.reshape(len(found), -1)
    for i, row in enumerate(found):
        refused = bool(said.refused[i])
        assert all(math.isnan(value) == refused for value in shares[i])
        assert [value is None for value in row["probabilities"]] == [refused] * shares.shape[1], (i, row)
        if not refused:
            np.testing.assert_allclose(row["probabilities"], shares[i], rtol=0.0, atol=allowed[i])
            assert row["predicted"] == labels[said.which[i]] or abs(said.z[i]).min() <= allowed[i]
        outside = None if said.out_of_range is None else said.out_of_range[i]
        assert (row["missing"], row["unseen"], row["out_of_range"]) == (said.missing[i], said.unseen[i], outside)


@pytest.mark.parametrize("seed", SEEDS)
def test_sql_in_duckdb(seed: int) -> None:
    duckdb = pytest.importorskip("duckdb")
    model = random_model(seed)
    rows, said, allowed = asked(model, seed)
    columns = [(column.name, "DOUBLE" if column.kind == "number" else "VARCHAR") for column in model.schema.columns]
    keys = ["my key", "z1"] if "z1" not in dict(columns) else ["my key"]
    fields = [
        f'"{name.replace(chr(34), chr(34) * 2)}" {kind}' for name, kind in [*((k, "INT") for k in keys), *columns]
    ]
    with duckdb.connect() as connection:
        connection.execute(f'CREATE SCHEMA "s.x"; CREATE TABLE "s.x"."my ""t" ({", ".join(fields)})')
        for i, row in enumerate(rows):
            values = [*(i for _ in keys), *row]
            connection.execute(f'INSERT INTO "s.x"."my ""t" VALUES ({", ".join("?" * len(values))})', values)
        made = connection.execute(sql(model, '"s.x"."my ""t"', keys))
        names = [column[0] for column in made.description]
        table = sorted(made.fetchall())
    assert names[: len(keys)] == keys
    assert names[len(keys) : len(keys) + 2] == ["probability", "predicted"]
    assert names[-3:] == ["unseen", "missing", "out_of_range"]
    found = []
    for row in table:
        by_name = dict(zip(names, row, strict=True))
        each = [by_name[name] for name in names if name.startswith("probability[")] or [by_name["probability"]]
        if len(each) > 1 and by_name["probability"] is not None:
            assert by_name["probability"] == max(each)
        found.append({**by_name, "probabilities": each})
    same(model, said, allowed, found)


@pytest.mark.parametrize("seed", SEEDS)
def test_python_in_the_same_process(seed: int) -> None:
    model = random_model(seed)
    rows, said, allowed = asked(model, seed)
    program: dict[str, Any] = {"__name__": "program"}
    exec(python(model), program)  # the export itself
    assert program["check"]() == ""
    names = [column.name for column in model.schema.columns]
    found = []
    for row in rows:
        made = program["predict"](dict(zip(names, row, strict=True)))
        shares = made["probabilities"]
        count = 1 if len(model.classes) == 2 else len(model.classes)
        each = [None] * count if shares is None else list(shares.values())[-count:]
        assert (made["refused"] is None) == (shares is not None)
        assert made["probability"] == (None if shares is None else each[0] if count == 1 else max(each))
        label = None if made["predicted"] is None else str(made["predicted"])
        found.append({**made, "predicted": label, "probabilities": each})
    # A text that means missing in a CSV file means missing in a row of texts as well; the model's own rows know None.
    odd = [i for i, row in enumerate(rows) if any(value in ("", "-", "NA") for value in row)]
    keep = [i for i in range(len(rows)) if i not in odd]
    part = of_rows(said, keep)
    same(model, part, allowed[keep], [found[i] for i in keep])


@pytest.mark.parametrize("seed", SEEDS)
def test_onnx_in_onnxruntime(seed: int) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = random_model(seed)
    rows, said, allowed = asked(model, seed)
    graph = onnx(model)
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    feeds: dict[str, Any] = {}
    for j, column in enumerate(model.schema.columns):
        cells = [row[j] for row in rows]
        if column.kind == "number":
            feeds[column.name] = np.array([[math.nan if cell is None else cell] for cell in cells])
        else:
            feeds[column.name] = np.array([["" if cell is None else cell] for cell in cells], dtype=object)
    names = [output.name for output in session.get_outputs()]
    made = dict(zip(names, session.run(names, feeds), strict=True))
    shares = made["probabilities"] if len(model.classes) > 2 else made["probability"][:, None]
    assert shares.dtype == np.float64
    keep = [i for i, row in enumerate(rows) if not _ambiguous(model, row)]
    found = [
        {
            "probabilities": [None if math.isnan(value) else value for value in shares[i].tolist()],
            "predicted": made["predicted"][i] or None,
            **{name: int(made[name][i]) if name in made else None for name in ("missing", "unseen", "out_of_range")},
        }
        for i in keep
    ]
    part = of_rows(said, keep)
    same(model, part, allowed[keep], found)


def _ambiguous(model: Model, row: tuple[Any, ...]) -> bool:
    """In ONNX "" is how a missing text is written, unless it is a level."""
    return any(
        (value is None and "" in column.levels) or (value == "" and "" not in column.levels)
        for column, value in zip(model.schema.columns, row, strict=True)
        if column.kind == "category"
    )


@pytest.mark.parametrize("seed", range(4))
def test_all_are_checked_before_they_are_handed_out(seed: int) -> None:
    model = random_model(seed, names=["a", "b", "c", "d"])
    assert check_sql(model).startswith("checked: DuckDB")
    assert check_python(model, python(model)).startswith("checked: Python")
    if not any("" in column.levels for column in model.schema.columns):
        assert check_onnx(model, onnx(model)).startswith("checked: onnxruntime")


def test_a_wrong_export_is_not_handed_out() -> None:
    model = next(each for each in map(random_model, range(50)) if len(each.classes) == 2 and each.parity.z[0][0])
    other = replace(model, b=model.b + 1e-9)
    with pytest.raises(DataError, match="Python differs from the model in parity row"):
        check_python(model, python(other))
    off = replace(model, parity=replace(model.parity, unseen=[1, *model.parity.unseen[1:]]))
    with pytest.raises(DataError, match="DuckDB differs from the model in parity row 1: unseen 0 instead of 1"):
        check_sql(off)
    with pytest.raises(DataError, match="gave 0 of"):
        compare(model, [], "X")
    with pytest.raises(DataError, match="does not run"):
        check_python(model, "raise SystemExit(3)")


@pytest.mark.parametrize("classes", [2, 3])
def test_a_model_that_refuses_nothing(classes: int) -> None:
    column = Column("c", "category", ("a", "b"), (1, 1), "a", "category", "reference", 1)
    w = np.ones(2) if classes == 2 else np.ones((2, 3))
    b = 0.5 if classes == 2 else np.arange(3.0)
    model = replace(random_model(0, classes), schema=Schema((column,)), w=w, b=b, reach=None, provenance=Provenance())
    model = replace(model, parity=make_parity(model.scorer))
    for made in (check_sql(model), check_python(model, python(model)), check_onnx(model, onnx(model))):
        assert made.startswith("checked")


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e4, 1e150])
@pytest.mark.parametrize("classes", [2, 3])
def test_no_size_of_z_overflows(size: float, classes: int) -> None:
    model = random_model(3, classes, size, names=["a", "b", "c"])
    for made in (check_sql(model), check_python(model, python(model)), check_onnx(model, onnx(model))):
        assert made.startswith("checked")


def test_many_columns_and_many_levels_in_sql() -> None:
    rng = np.random.default_rng(0)
    levels = tuple(f"level {k}" for k in range(1000))
    columns = [Column(f"x{j}", "number") for j in range(1200)]
    schema = Schema((*columns, Column("city", "category", levels, (1,) * 1000, levels[0])))
    model = random_model(0, 2)
    w = rng.normal(size=len(schema.names))
    model = replace(model, schema=schema, w=w, b=0.0, reach=None, provenance=replace(model.provenance, ranges=None))
    model = replace(model, parity=make_parity(model.scorer))
    assert check_sql(model).startswith("checked")
    assert check_python(model, python(model)).startswith("checked")


def test_names_that_sql_or_onnx_cannot_hold() -> None:
    model = random_model(0, 2)

    def with_columns(*columns: Column) -> Model:
        return replace(model, schema=Schema(columns), w=np.ones(len(Schema(columns).names)),
                       provenance=replace(model.provenance, ranges=None))  # fmt: skip

    with pytest.raises(DataError, match="differ in case only"):
        sql(with_columns(Column("a", "number"), Column("A", "number")))
    with pytest.raises(DataError, match="NUL"):
        sql(with_columns(Column("a\0", "number")))
    with pytest.raises(DataError, match="NUL"):
        sql(with_columns(Column("a", "category", ("x\0", "y"), (1, 1), "y")))
    with pytest.raises(DataError, match="never closed"):
        sql(model, 'a"b')
    with pytest.raises(DataError, match="is empty"):
        sql(model, "a..b")
    with pytest.raises(DataError, match="name of a result"):
        sql(model, keys=["Probability"])
    with pytest.raises(DataError, match="name of an output"):
        onnx(with_columns(Column("predicted", "number")))


def test_an_export_holds_no_line_that_a_name_could_write() -> None:
    name = "x\n; DROP TABLE rows; --\u202e"
    schema = Schema((Column(name, "number"),), target=name)
    model = replace(random_model(0, 2), schema=schema, w=np.ones(1), reach=None, classes=("a\n", name),
                    provenance=Provenance(file=name))  # fmt: skip
    model = replace(model, parity=make_parity(model.scorer))
    head = [line for line in sql(model).splitlines() if line.startswith("--")]
    assert len(head) == 4
    assert python(model).isascii()
    assert check_python(model, python(model)).startswith("checked")
    assert check_sql(model).startswith("checked")


def test_the_python_file_as_a_program(tmp_path: Path) -> None:
    model = random_model(11, 3, names=["a", "b", "c", "d", "e"])
    program, table = tmp_path / "model.py", tmp_path / "rows.csv"
    program.write_text(python(model), encoding="utf-8")
    rows = random_rows(model, np.random.default_rng(5), 30)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["other", *(column.name for column in model.schema.columns)])
    writer.writerows(["x", *("" if cell is None else cell for cell in row)] for row in rows)
    table.write_text(text.getvalue(), encoding="utf-8")
    model.save(tmp_path / "m.json")

    def call(*arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-I", "-S", str(program), *arguments], capture_output=True, text=True,
                              encoding="utf-8", check=False, **more)  # fmt: skip

    made = call(str(table), "--lenient")
    assert made.returncode == 0, made.stderr
    assert call("-", "--lenient", input=text.getvalue()).stdout == made.stdout
    command = [
        sys.executable,
        "-m",
        "steepest",
        "predict",
        str(tmp_path / "m.json"),
        str(table),
        "--lenient",
        "--quiet",
    ]
    path = {"PYTHONPATH": str(Path(steepest.__file__).parents[1])}
    ours = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, env=path)
    theirs, expected = list(csv.reader(made.stdout.splitlines())), list(csv.reader(ours.stdout.splitlines()))
    assert theirs[0] == expected[0]
    assert expected[0][3] == f"probability[{cell(str(model.classes[0]))}]"
    for one, other in zip(theirs[1:], expected[1:], strict=True):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert left == right or abs(float(left) - float(right)) < 1e-12
    strict = call(str(table))
    assert strict.returncode == 1
    assert len(strict.stderr.splitlines()) == 1
    assert "say --lenient" in strict.stderr
    assert call("--check").returncode == 0
    assert call().returncode == 2
    table.write_text("a\n1\n")
    assert "the header has the column" in call(str(table)).stderr


def test_values_of_rows_for_the_python_file() -> None:
    columns = (
        Column("n", "number", missing="indicator", missing_rows=1, fill=0.5),
        Column("c", "category", ("1", "x"), (1, 1), "x", unseen="reference", missing="category", missing_rows=1),
    )
    model = replace(random_model(0, 2), schema=Schema(columns), w=np.array([1.0, 2.0, 3.0, 4.0]), b=0.0, reach=None,
                    provenance=Provenance())  # fmt: skip
    model = replace(model, parity=make_parity(model.scorer))
    program: dict[str, Any] = {"__name__": "program"}
    exec(python(model), program)
    predict = program["predict"]

    def z(n: Any, c: Any) -> float:
        p = predict({"n": n, "c": c})["probability"]
        return round(math.log(p / (1.0 - p)), 9)

    assert z(1, 1) == z("1", "1") == z(" 1.0 ", "1.0") == z(1.0, 1.0) == z(True, " 1 ") == 4.0
    assert z(None, "x") == z(math.nan, "x") == z("NA", "x") == z("", "x") == 2.5
    assert z(0, None) == z(0, math.nan) == z(0, "?") == 4.0
    assert z(0, "unheard of") == 0.0
    for wrong in ("abc", "1_0", [1]):
        with pytest.raises(ValueError, match="not a number"):
            predict({"n": wrong, "c": "x"})
    with pytest.raises(KeyError, match="no column 'c'"):
        predict({"n": 1})
    assert json.dumps(predict({"n": 1e200, "c": "x"}))
