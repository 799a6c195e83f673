# ruff: noqa: E501 - one mutant, one line
"""Mutants of the rules for cells and labels of files: each must be caught by a table of readings written out."""

import math
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import steepest
from steepest.data.row_blocks import Coded
from steepest.errors import DataError

SOURCE = Path(steepest.__file__).parent / "data"
CELLS = {
    " 1.5 ": 1.5, "1e999": math.inf, "NA": math.nan, "?": math.nan, "": math.nan, "9007199254740992": 2.0**53,
    "1_000": None, "x": None, "١٢": None, "9007199254740993": None, "-9007199254740993": None, "nan(1)": None,
}  # fmt: skip


def check_cells(module):
    tokens = module.tokens_of(None)
    for cell, expected in CELLS.items():
        try:
            found = module.number_of(cell, tokens)
        except DataError:
            found = None
        assert (found is None) == (expected is None), cell
        if expected is not None:
            np.testing.assert_equal(found, expected)
    assert module.has_numbers(frozenset({"-9", "none"}))
    assert not module.has_numbers(tokens)
    assert module.tokens_of([" None "]) == {"none", ""}


def check_target(module):
    found = module.find_labels(Coded(np.array([1, 0, 1, 1]), ("10", "9", "-")), "y", "t")
    assert (found.classes, found.counts, found.codes.tolist()) == (("9", "10"), (3, 1), [0, 1, 0, 0])
    turned = module.find_labels(Coded(np.array([1, 0, 1, 1]), ("10", "9", "-")), "y", "t", "9")
    assert (turned.classes, turned.codes.tolist()) == (("10", "9"), [1, 0, 1, 1])
    for levels in (("1", "1.0"), ("a",), ("0.5", "1", "2")):
        with pytest.raises(DataError):
            module.find_labels(Coded(np.arange(len(levels)), levels), "y", "t")


MUTANTS = [
    pytest.param("files/cells.py", check_cells, '"_" in text or not text.isascii()', "not text.isascii()", id="underscores"),
    pytest.param("files/cells.py", check_cells, '"_" in text or not text.isascii()', '"_" in text', id="other_digits"),
    pytest.param("files/cells.py", check_cells, "int(text) != int(value)", "False", id="ids"),
    pytest.param("files/cells.py", check_cells, "if text.lower() in tokens", "if text in tokens", id="case_of_tokens"),
    pytest.param("files/cells.py", check_cells, "return any(is_number(token)", "return all(is_number(token)", id="numeric_tokens"),
    pytest.param("target.py", check_target, "sorted(labels, key=float) if numeric", "sorted(labels) if numeric", id="order_by_value"),
    pytest.param("target.py", check_target, "if label != positive] + [positive]", "if label != positive][:0] + list(order)", id="positive_last"),
    pytest.param("target.py", check_target, "float(pair[0]) == float(pair[1])", "pair[0] == pair[1]", id="spelled_twice"),
    pytest.param("target.py", check_target, 'return "two are needed to tell them apart"', 'return ""', id="one_class"),
]  # fmt: skip


def run(file, source):
    module = types.ModuleType("mutant")
    module.__dict__["__name__"] = "steepest.data.mutant"
    sys.modules["steepest.data.mutant"] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
        return module
    finally:
        del sys.modules["steepest.data.mutant"]


@pytest.mark.parametrize(("file", "check", "old", "new"), MUTANTS)
def test_mutant_is_caught(file, check, old, new):
    source = (SOURCE / file).read_text(encoding="utf-8")
    assert source.count(old) == 1
    check(run(file, source))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(run(file, source.replace(old, new)))
