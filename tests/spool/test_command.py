"""`steepest fit --spool`: the words of a fit in memory, a spool that is used again, budgets that refuse in one line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from spooled_tables import frame, written

import steepest
from steepest.cli import main

GAPS = [f"--missing={name}" for name in ("age=indicator", "size=indicator", "colour=category")]


def run(*arguments):
    return CliRunner().invoke(main, ["fit", *map(str, arguments)])


def test_the_same_answer_as_from_memory(tmp_path):
    path = written(tmp_path, frame(60_000))  # more than a million numbers: such tables are read from the spool
    asked = [path, "--target", "y", *GAPS, "--json"]
    held, spooled = run(*asked), run(*asked, "--spool", tmp_path / "spool", "--memory", "2GB")
    assert (held.exit_code, spooled.exit_code) == (0, 0), spooled.output
    one, other = json.loads(held.stdout), json.loads(spooled.stdout)
    for key in ("coefficients", "intercept", "cost", "certificate", "counts", "accuracy", "classes"):
        assert one[key] == other[key], key
    assert len(list((tmp_path / "spool").iterdir())) == 1


def test_a_model_is_saved_and_predicts(tmp_path):
    path, model = written(tmp_path, frame(60_000), "csv"), tmp_path / "model.json"
    done = run(path, "--target", "y", *GAPS, "--spool", tmp_path / "spool", "--out", model)
    assert done.exit_code == 0, done.output
    said = CliRunner().invoke(main, ["predict", str(model), str(path)])
    assert said.exit_code == 0, said.output
    assert len(said.stdout.splitlines()) == 60_001


@pytest.mark.parametrize(("options", "code", "says"), [
    (["--memory", "2GB"], 2, "name a folder by --spool"),
    (["--spool", "{}", "--disk", "10KB"], 1, "too few to spool"),
    (["--spool", "{}", "--memory", "100MB"], 1, "needs about"),
    (["--spool", "{}", "--memory", "much"], 2, "is no size"),
])  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(tmp_path, options, code, says):
    path = written(tmp_path, frame(60_000))
    done = run(path, "--target", "y", *GAPS, *[each.format(tmp_path / "spool") for each in options])
    assert done.exit_code == code
    assert says in done.stderr
    assert "Traceback" not in done.output


def test_weights_that_are_none(tmp_path):
    table = frame(60_000)
    table.loc[59_000, "s"] = -1.0
    done = run(written(tmp_path, table), "--target", "y", "--weights", "s", *GAPS, "--spool", tmp_path / "spool")
    assert done.exit_code == 1
    assert "row 59000" in done.stderr.replace(",", "")
    table["s"] = np.where(table["y"] == "yes", 1.0, 0.0)
    done = run(written(tmp_path, table), "--target", "y", "--weights", "s", *GAPS, "--spool", tmp_path / "spool")
    assert "weight 0 to every row of class" in done.stderr


def test_the_model_knows_the_ranges_of_its_columns(tmp_path):
    """As of rows in memory: seen when they were decoded, so that guard rails cost no read."""
    table = frame(60_000, missing=False).drop(columns="s")
    path = written(tmp_path, table, "csv")
    ranges = {}
    for name, more in (("held", []), ("spooled", ["--spool", tmp_path / "spool"])):
        done = run(path, "--target", "y", *more, "--out", tmp_path / f"{name}.json")
        assert done.exit_code == 0, done.output
        ranges[name] = steepest.load(tmp_path / f"{name}.json").provenance
    assert ranges["spooled"].ranges == ranges["held"].ranges
    assert ranges["spooled"].counts == ranges["held"].counts
    assert ranges["spooled"].rows == 60_000
    assert ranges["spooled"].sha256 == ranges["held"].sha256 is not None
    assert ranges["spooled"].form == ranges["held"].form
    checked = CliRunner().invoke(main, ["verify", str(tmp_path / "spooled.json"), str(path)])
    assert checked.exit_code == 0, checked.output
    table.loc[:4, "age"] = 1000.0
    said = CliRunner().invoke(main, ["predict", str(tmp_path / "spooled.json"), str(written(tmp_path, table, "csv"))])
    lines = said.stdout.splitlines()
    assert [line.split(",")[5] for line in lines[1:8]] == ["1"] * 5 + ["0"] * 2
    assert "ranges" not in said.stderr


def test_a_design_too_large_to_be_written_out_has_no_fingerprint(tmp_path, monkeypatch):
    monkeypatch.setattr("steepest.cli.fit.MOST_HASHED", 1000)
    path = written(tmp_path, frame(60_000, missing=False).drop(columns="s"), "csv")
    done = run(path, "--target", "y", "--spool", tmp_path / "spool", "--out", tmp_path / "model.json")
    assert "has no fingerprint of them" in done.stderr
    assert steepest.load(tmp_path / "model.json").provenance.sha256 is None
    checked = CliRunner().invoke(main, ["verify", str(tmp_path / "model.json"), str(path)])
    assert "the model was saved without its rows" in checked.stdout


def test_the_method_is_named_before_and_after(tmp_path):
    """Codes that stay codes, the sample, and that rows lie on disk."""
    table = frame(200_000, missing=False).drop(columns="s")
    path = written(tmp_path, table)
    said = CliRunner().invoke(main, ["forecast", str(path), "--target", "y", "--spool", str(tmp_path / "spool")])
    assert said.exit_code == 0, said.output
    assert len(list((tmp_path / "spool").iterdir())) == 1
    done = run(path, "--target", "y", "--spool", tmp_path / "spool")
    for words, rows in ((said.stdout, "the rows are read from disk"), (done.stdout, "the rows are read from disk, a")):
        text = " ".join(words.split())
        assert "Newton's method on numbers and codes of levels, which are never written out, from the optimum" in text
        assert rows in text
    assert "a row has 5 numbers and categories where 34 columns would be written out, and" in " ".join(
        said.stdout.split()
    )
    assert "an earlier run decoded are used" in done.stderr
    document = json.loads(CliRunner().invoke(main, ["forecast", str(path), "--target", "y", "--json"]).stdout)
    assert (document["regime"], document["rows"], document["features"], document["passes"]) == ("codes", 200_000, 34, 4)


def test_the_method_of_more_than_two_classes(tmp_path):
    table = frame(3000, missing=False).drop(columns="s")
    table["y"] = np.where(table["town"] == "t03", "other", table["y"])
    done = run(written(tmp_path, table, "csv"), "--target", "y", "--drop", "town", "--l2", "0.1")
    assert "Newton's method for all classes at once" in " ".join(done.stdout.split())
