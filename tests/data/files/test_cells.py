"""Cells: the plain rules, and that DuckDB's readings are theirs wherever nobody looks a second time."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest.data.files import open_source, reading
from steepest.data.files.cells import MISSING, number_of, tokens_of
from steepest.errors import DataError

ODD = (
    "1_000", "0x10", " 1.5 ", "1e999", "1,5", "1.5f", "١٢", "1d", "true", "+1", ".5", "5.", "1e", "1e+5", "--1",
    "1 000",
    "1e-400", "Infinity", "-inf", "nan", "NaN", "-nan", "1e5 ", "\t1", "-0", "1e308", "1.7976931348623159e308", "0b11",
    "\u00a01", "0x1p3", "1__0", "9007199254740993", "123456789012345678901234567890", "1e22", "4.9e-324",
    "2.4703282292062327e-324", "1.e5", "00012", "+.5e-3", "- 1", "1'000", "$1", "1%", "𝟏", "1e0005", "3.4.5", "nan(1)",
    "9007199254740992", "-9007199254740993", "NA", "n/a", "?", "-", "NULL", "", "1e152", "1.0000000000000002",
)  # fmt: skip


def said(cell: str) -> float | str:
    try:
        return number_of(cell, MISSING)
    except DataError as error:
        return str(error)


@pytest.fixture(params=[1 << 20, 0], ids=["plain", "duckdb"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SMALL", request.param)


@pytest.mark.parametrize("cell", ODD)
def test_odd_cells_are_read_alike(tmp_path: Path, reader: None, cell: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f'y,x\na,1\na,"{cell}"\n', encoding="utf-8")
    expected = said(cell)
    if isinstance(expected, str):
        with pytest.raises(DataError, match="line 3, column 'x'") as caught:
            list(open_source(file).batches(["x"]))
        assert expected in str(caught.value)
    else:
        (block,) = open_source(file).batches(["x"])
        np.testing.assert_array_equal(np.asarray(block.columns["x"]), [1.0, expected])
        assert np.signbit(np.asarray(block.columns["x"])[1]) == np.signbit(expected)


def test_a_million_spellings_of_numbers() -> None:
    """TRY_CAST reads what float() reads, bit by bit: random bits, written short, long, and with an exponent."""
    bits = np.random.default_rng(5).integers(0, 1 << 63, 20_000, dtype=np.int64)
    values = bits.view(np.float64)
    values = values[np.isfinite(values)]
    for write in (repr, "{:.3e}".format, "{:.25e}".format, "{:.17g}".format):
        texts = [write(float(value)) for value in values]
        connection = duckdb.connect()
        found = connection.execute("SELECT list(TRY_CAST(t AS DOUBLE)) FROM (SELECT unnest($t) t)", {"t": texts})
        row = found.fetchone()
        assert row is not None
        assert np.array(row[0]).tobytes() == np.array([float(text) for text in texts]).tobytes()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=12))
def test_any_text_is_a_number_missing_or_refused(text: str) -> None:
    found = said(text)
    if isinstance(found, float) and not math.isnan(found):
        assert found == float(text)
    if isinstance(found, str):
        assert found.isprintable()


def test_tokens() -> None:
    assert tokens_of(None) == MISSING
    assert tokens_of([" None ", "-9"]) == {"", "none", "-9"}
    assert math.isnan(number_of("-9", tokens_of(["-9"])))
    with pytest.raises(DataError, match="'NA' is not a number"):
        number_of("NA", tokens_of(["-9"]))
    with pytest.raises(ValueError, match="must be a list of texts"):
        tokens_of("NA")
