"""Model files: the same bits back, and every other file refused in one sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import steepest
from steepest.data.model_file import parse, render
from steepest.errors import DataError
from steepest.model import Model, load

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def made(**changes: Any) -> Model:
    fields = {
        "feature_names": ("a", "größe"), "classes": ("no", "yes"), "w": np.array([0.1, -2.5e-300]), "b": -0.0,
        "l2": 0.0, "standardize": False, "cost": 0.25, "value": 0.25, "iterations": 3,
        "status": "iterations", "method": "gd", "learning_rate": 0.1, "target": "passed", "source": "f.csv", "rows": 4,
    }  # fmt: skip
    return Model(**{**fields, **changes})


def test_a_fit_saved_and_loaded_predicts_the_same_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 3)) * [1.0, 1e6, 1e-6]
    y = np.where(X[:, 0] + rng.normal(size=50) > 0.0, "yes", "no")
    fit = steepest.fit(X, y, l2=0.01, standardize=True, iterations=25)
    model = Model.of(fit, target="t", source="s.csv", rows=50)
    model.save(tmp_path / "m.json")
    read = steepest.load(tmp_path / "m.json")
    assert read.predict_proba(X).tobytes() == model.predict_proba(X).tobytes() == fit.predict_proba(X).tobytes()
    assert read.predict(X).tolist() == fit.predict(X).tolist()
    assert read.w.tobytes() == fit.w.tobytes()
    assert (read.l2, read.standardize, read.rows, read.source, read.target) == (0.01, True, 50, "s.csv", "t")
    assert (read.status, read.iterations, read.cost, read.value) == (fit.status.key, 25, fit.cost, fit.value)
    assert (read.version, read.method, read.learning_rate) == (steepest.__version__, "gd", fit.learning_rate)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), FLOATS, min_size=1, max_size=6), FLOATS)
def test_any_name_and_any_number_round_trip(columns: dict[str, float], b: float) -> None:
    names, w = tuple(columns), list(columns.values())
    model = made(feature_names=names, w=np.array(w), b=b)
    document = model._document()
    assert parse(render(document).encode()) == document
    read = parse(render(document).encode())
    assert np.array(read["w"]).tobytes() == model.w.tobytes()
    assert np.float64(read["b"]).tobytes() == np.float64(b).tobytes()


@pytest.mark.parametrize("classes", [(0, 1), (0.0, 1.0), (False, True), ("0", "1"), (-1, 1)])
def test_classes_keep_their_type(tmp_path: Path, classes: tuple[Any, Any]) -> None:
    made(classes=classes).save(tmp_path / "m")
    read = load(tmp_path / "m").classes
    assert read == classes
    assert [type(each) for each in read] == [type(each) for each in classes]


def test_every_flipped_bit_is_detected() -> None:
    raw = render(made()._document()).encode()
    for place in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[place] ^= 1 << bit
            with pytest.raises(DataError):
                parse(bytes(changed))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_every_changed_missing_or_added_byte_is_detected(data: st.DataObject) -> None:
    raw = render(made()._document()).encode()
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, min(len(raw), start + 4)))
    changed = raw[:start] + data.draw(st.binary(max_size=4)) + raw[end:]
    if changed != raw:
        with pytest.raises(DataError):
            parse(changed)


def edited(change: Callable[[dict[str, Any]], Any]) -> bytes:
    document = made()._document()
    change(document)
    return json.dumps(document).encode()


WRONG = {
    "empty": (b"", "not JSON"),
    "not JSON": (b"hello", "not JSON"),
    "a list": (b"[]", "no model file"),
    "another document": (b"{}", "no model file"),
    "pickle": (b"\x80\x04\x95", "no UTF-8 text"),
    "NaN": (b'{"b": NaN}', "NaN is no number"),
    "Infinity": (b'{"b": -Infinity}', "-Infinity is no number"),
    "1e999": (b'{"b": 1e999}', "exceeds the range"),
    "duplicate keys": (b'{"b": 1.0, "b": 2.0}', "'b' occurs twice"),
    "deep": (b"[" * 100_000, "nested deeper than 8"),
    "deep objects": (b'{"a":' * 9 + b"1" + b"}" * 9, "nested deeper than 8"),
    "thousands of digits": (b'{"b": ' + b"9" * 10_000 + b"}", "not JSON"),
    "too large": (b" " * ((16 << 20) + 1), "larger than 16 MB"),
    "lone surrogate": (edited(lambda d: d.update(target="\ud800")), "sha256"),
    "future version": (edited(lambda d: d.update(format_version=2)), "format version '2' is not known"),
    "version true": (edited(lambda d: d.update(format_version=True)), "format version 'True' is not known"),
    "missing field": (edited(lambda d: d.pop("b")), '"b" is missing'),
    "unknown field": (edited(lambda d: d.update(c=1)), "field 'c' is not known"),
    "inner unknown field": (edited(lambda d: d["fit"].update(c=1)), "field 'fit.c' is not known"),
    "text for a number": (edited(lambda d: d.update(b="0")), '"b" has a wrong type'),
    "bool for a number": (edited(lambda d: d.update(b=True)), '"b" has a wrong type'),
    "integer for a float": (edited(lambda d: d.update(b=0)), '"b" has a wrong type'),
    "no weights": (edited(lambda d: d.update(w=[])), '"w" has a wrong type'),
    "too few weights": (edited(lambda d: d.update(w=[1.0])), "1 weights for 2 features"),
    "one class": (edited(lambda d: d.update(classes=["a", "a"])), "two classes must differ"),
    "three classes": (edited(lambda d: d.update(classes=["a", "b", "c"])), "two classes"),
    "twice the same name": (edited(lambda d: d.update(features=["a", "a"])), "same name"),
    "objective a list": (edited(lambda d: d.update(objective=[])), '"objective" must be an object'),
    "no hash": (edited(lambda d: None), "sha256"),
    "wrong hash": (edited(lambda d: d.update(sha256="0" * 64)), "sha256"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files(name: str, tmp_path: Path) -> None:
    raw, says = WRONG[name]
    (tmp_path / "m.json").write_bytes(raw)
    with pytest.raises(DataError) as caught:
        load(tmp_path / "m.json")
    assert says in str(caught.value)
    assert "m.json" in str(caught.value)
    assert str(caught.value).isprintable()


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, "a\0"):
        with pytest.raises(DataError, match="cannot be read"):
            load(path)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    for model in (made(classes=(b"a", b"b")), made(feature_names=("a", "a")), made(feature_names=("a", "\ud800"))):
        with pytest.raises(DataError, match="cannot be saved"):
            model.save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "m.json"
    made().save(file)
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="No space left"):
        made(b=5.0).save(file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_wrong_number_of_columns() -> None:
    with pytest.raises(DataError, match="X has 3 columns, but the model has 2 weights"):
        made().predict_proba([[1.0, 2.0, 3.0]])
