"""`steepest explain`: from values, from a row, with a model; update, walk, SVG, JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import steepest
from steepest.cli import main

VALUES = ["--x", "1,-2", "--y", "1", "--w", "0.5,-0.5", "--b", "0.1"]


def call(*arguments: str, **extra: Any) -> Result:
    return CliRunner().invoke(main, ["explain", *arguments], **extra)


def test_values_are_those_of_the_library() -> None:
    graph = steepest.graph([1.0, -2.0], 1.0, [0.5, -0.5], 0.1)
    assert json.loads(call(*VALUES, "--json").stdout) == graph.to_dict()
    assert str(graph) in call(*VALUES).stdout
    assert json.loads(call("--x", "3", "--y", "0", "--json").stdout)["values"]["z"] == 0.0


def test_a_row_of_the_bundled_table() -> None:
    result = call("--row", "2", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["inputs"]["x"] == [39.5, 17.4, 186.0, 3800.0]
    assert document["inputs"]["y"] == 0.0
    assert document["inputs"]["names"][0] == "bill_length_mm"
    shown = call("--row", "2")
    assert "bill_length_mm" in shown.stdout
    assert "row 2 of penguins.csv: sex is female, y = 0" in shown.stderr
    assert max(map(len, shown.stdout.splitlines())) <= 80


def test_with_a_model(tmp_path: Path) -> None:
    model = str(tmp_path / "m.json")
    assert CliRunner().invoke(main, ["fit", "--method", "newton", "--quiet", "--out", model]).exit_code == 0
    document = json.loads(call("--model", model, "--row", "5", "--json").stdout)
    fit = steepest.load(model)
    assert document["inputs"]["w"] == fit.w.tolist()
    assert document["values"]["a"] == pytest.approx(fit.predict_proba([document["inputs"]["x"]])[0], rel=1e-12)
    table = tmp_path / "t.csv"  # other order, more columns, the target known from the model
    table.write_text(
        "sex,body_mass_g,x,bill_depth_mm,flipper_length_mm,bill_length_mm\nmale,1,9,2,3,4\nfemale,0,0,0,0,0\n"
    )
    document = json.loads(call(str(table), "--model", model, "--json").stdout)
    assert document["inputs"]["x"] == [4.0, 2.0, 3.0, 1.0]
    assert document["inputs"]["y"] == 1.0
    other = call(str(table), "--model", model, "--x", "1")
    assert other.exit_code == 2


def test_one_update() -> None:
    graph = steepest.graph([1.0, -2.0], 1.0, [0.5, -0.5], 0.1)
    after = graph.step(0.5)
    document = json.loads(call(*VALUES, "--learning-rate", "0.5", "--json").stdout)
    assert document["after"]["values"]["L"] == after.values["L"] < graph.values["L"]
    text = call(*VALUES, "--learning-rate", "0.5").stdout
    assert "one update: w := w − α dw" in text
    assert f"{after.values['L']:.6g}" in text


def test_step_by_step() -> None:
    text = call(*VALUES, "--step-by-step").stdout
    places = [text.index(f"\n{name}: ") for name in ("start", "z", "a", "L", "da", "dz", "dw1", "dw2", "db")]
    assert places == sorted(places)
    assert ">>> dz = da * a * (1 - a)" in text
    assert "agrees" in text


def test_svg(tmp_path: Path) -> None:
    file = tmp_path / "g.svg"
    result = call(*VALUES, "--svg", str(file))
    assert result.exit_code == 0
    assert file.read_text(encoding="utf-8") == steepest.graph([1.0, -2.0], 1.0, [0.5, -0.5], 0.1).to_svg()
    assert call(*VALUES, "--svg", str(tmp_path / "none" / "g.svg")).exit_code == 1


@pytest.mark.parametrize(
    "wrong",
    [
        ["--x", "1,2"],
        ["--y", "1"],
        ["--x", "1,b", "--y", "1"],
        ["--x", "1,nan", "--y", "1"],
        ["--x", "1", "--y", "2"],
        ["--x", "1,2", "--y", "1", "--w", "1"],
        ["--x", "1", "--y", "1", "--row", "1"],
        ["--x", "1", "--y", "1", "--drop", "a"],
        ["--x", "1", "--y", "1", "--target", "a"],
        ["--row", "0"],
        ["--w", "1,2"],
        ["--model", "m.json", "--b", "1"],
        ["--learning-rate", "0", "--row", "1"],
    ],
)
def test_usage_errors(wrong: list[str]) -> None:
    result = call(*wrong)
    assert (result.exit_code, result.stdout) == (2, ""), result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--row", "334"], "has 333 rows, --row 334 is beyond the last"),
        (["--x", "1e308,1e308", "--y", "1", "--w", "9,9"], "range of floats"),
        (["--model", "none.json"], "none.json cannot be read"),
    ],
)
def test_data_errors(arguments: list[str], says: str) -> None:
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert "Traceback" not in result.stderr
