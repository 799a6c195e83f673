"""`steepest verify`, `show` and `export`: exit codes, what they print, and that nothing unchecked is handed out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

import steepest
from steepest.cli import main


def call(*arguments: str, **extra: Any) -> Result:
    return CliRunner().invoke(main, list(arguments), **extra)


@pytest.fixture
def fitted(tmp_path: Path) -> tuple[str, Path]:
    """The bundled penguins as a model, and their file."""
    rows = tmp_path / "penguins.csv"
    rows.write_bytes((Path(steepest.__file__).parent / "data" / "bundled" / "penguins.csv").read_bytes())
    model = str(tmp_path / "m.json")
    assert call("fit", str(rows), "--target", "sex", "--out", model, "--quiet").exit_code == 0
    return model, rows


@pytest.fixture
def mixed(tmp_path: Path, rng: np.random.Generator) -> str:
    colour, size = rng.choice(["red", "o'neil", "-"], 120), rng.normal(size=120)
    frame = pl.DataFrame({"size": size, "colour": colour, "y": size + rng.normal(size=120) > 0.0})
    schema = steepest.schema(frame, "y", unseen={"colour": "reference"}, missing={"colour": "category"})
    steepest.fit(frame, "y", schema=schema, l2=0.01).save(tmp_path / "f.json", frame, "y", source="\x1b[31mx.csv")
    return str(tmp_path / "f.json")


def test_verify(fitted: tuple[str, Path], tmp_path: Path) -> None:
    model, rows = fitted
    result = call("verify", model, str(rows))
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split(":")[0] for line in result.stdout.splitlines() if not line.startswith(" ")] == [
        "holds     parity", "holds     rows", "holds     fingerprint", "holds     objective", "holds     optimum",
    ]  # fmt: skip
    piped = call("verify", model, "-", input=rows.read_text())
    assert (piped.exit_code, piped.stdout) == (0, result.stdout)
    document = json.loads(call("verify", model, str(rows), "--json").stdout)
    assert (document["holds"], document["rows"], document["reads"]) == (True, 333, 1)
    fewer = tmp_path / "fewer.csv"
    fewer.write_text("".join(rows.read_text().splitlines(keepends=True)[:-3]))
    other = call("verify", model, str(fewer))
    assert other.exit_code == 1
    assert "DIFFERS   rows: 330 rows" in other.stdout
    document = json.loads(call("verify", model, str(fewer), "--json").stdout)
    assert [each["holds"] for each in document["findings"]] == [True, False, False, False, False]
    missing = call("verify", model, str(rows), "--target", "species")
    assert missing.exit_code == 1
    assert missing.stderr.startswith(f"steepest: {model} on {rows}: ")


def test_show(fitted: tuple[str, Path], mixed: str) -> None:
    result = call("show", fitted[0])
    assert (result.exit_code, result.stderr) == (0, "")
    for words in (
        "'sex': 'male' is positive, 'female' negative",
        "minimised mean of −(y log a + (1 − y) log(1 − a))",
        "333 rows ('female' 165, 'male' 168)",
        "a finite optimum exists",
        "bill_length_mm",
        "32.1 … 59.6",
    ):
        assert "".join(words.split()) in "".join(result.stdout.split())  # long paths are broken across lines
    document = json.loads(call("show", fitted[0], "--json").stdout)
    read = steepest.load(fitted[0])
    assert list(document["coefficients"].values()) == read.w.tolist()
    assert document["intercept"] == read.b
    assert document["certificate"]["gap"] == read.certificate.gap
    assert document["ranges"]["bill_length_mm"] == [32.1, 59.6]
    text = call("show", mixed).stdout
    assert "\x1b" not in text
    assert "reference '-'; unseen: reference" in text
    assert "½ · 0.01 · |w|²" in text
    assert "colour[o'neil]" in text


def test_show_of_k_classes_and_of_many_columns(tmp_path: Path, rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(200, 100)), rng.choice(list("abcdefg"), 200)
    steepest.fit(X[:, :2], y, l2=0.1).save(tmp_path / "k.json")
    text = call("show", str(tmp_path / "k.json")).stdout
    assert "'y': " not in text
    assert "mean of −log softmax(z)[y], plus ½ · 0.1 · |w|²" in text
    assert "… 7 classes" in text
    steepest.fit(X, y == "a", l2=0.1).save(tmp_path / "w.json")
    text = call("show", str(tmp_path / "w.json")).stdout
    assert "… the 60 largest of 100; all are in --json" in text
    assert len(json.loads(call("show", str(tmp_path / "w.json"), "--json").stdout)["coefficients"]) == 100
    old = Path(__file__).parents[1] / "released" / "version-1.json"
    assert "nothing is proved about the distance" in call("show", str(old)).stdout


def test_export(mixed: str, tmp_path: Path) -> None:
    sql = call("export", mixed, "--to", "sql", "--table", "main.rows", "--key", "id")
    assert sql.exit_code == 0
    assert sql.stderr.startswith("note: checked: DuckDB gives")
    assert 'FROM "main"."rows" AS t' in sql.stdout
    program = tmp_path / "model.py"
    assert call("export", mixed, "--to", "python", "--out", str(program), "--quiet").stderr == ""
    assert subprocess.run([sys.executable, str(program), "--check"], check=False).returncode == 0
    graph = tmp_path / "model.onnx"
    made = call("export", mixed, "--to", "onnx", "--out", str(graph))
    assert made.exit_code == 0
    assert made.stderr.startswith("note: checked: onnxruntime gives")
    assert b"onnx" in graph.read_bytes()[:40] or graph.stat().st_size > 500
    assert call("export", mixed, "--to", "onnx").stdout_bytes == graph.read_bytes()
    assert "not checked, as asked" in call("export", mixed, "--to", "sql", "--no-check").stderr


def test_usage(mixed: str) -> None:
    assert call("export", mixed).exit_code == 2
    assert call("export", mixed, "--to", "pmml").exit_code == 2
    assert call("export", mixed, "--to", "python", "--key", "id").exit_code == 2
    assert call("verify", mixed).exit_code == 2
    assert call("show").exit_code == 2
    assert call("show", "none.json").stderr == "steepest: none.json cannot be read (No such file or directory)\n"


def test_without_the_engines_that_check(mixed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("steepest.export.checking.find_spec", lambda name: None)
    assert "not checked: DuckDB is not installed" in call("export", mixed, "--to", "sql").stderr
    assert "not checked: onnxruntime is not installed" in call("export", mixed, "--to", "onnx").stderr
    monkeypatch.setattr("steepest.export.find_spec", lambda name: None)
    assert "the package onnx is not installed: pip install" in call("export", mixed, "--to", "onnx").stderr
