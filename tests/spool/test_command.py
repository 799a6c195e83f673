"""`steepest fit --spool`: the words of a fit in memory, a spool that is used again, budgets that refuse in one line."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from spooled_tables import frame, written

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
