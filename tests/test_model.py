"""Model files: the same bits back, and every other file refused in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import random_model

import steepest
from steepest.data.model_file import parse, render
from steepest.data.schema import Column, Schema
from steepest.errors import DataError
from steepest.model import Model, load
from steepest.portable.parity import make_parity
from steepest.portable.parts import Ending, Made, Minimised, Parity, Provenance, Reach
from steepest.scaling import Scaling

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
RELEASED = Path(__file__).parent / "released"


def made(**changes: Any) -> Model:
    """A small model; `changes` replace its parts."""
    names = changes.pop("feature_names", ("a", "größe"))
    fields: dict[str, Any] = {
        "schema": Schema(tuple(Column(name, "number") for name in names), target="passed", rows=4),
        "classes": ("no", "yes"), "w": np.array([0.1, -2.5e-300]), "b": -0.0,
        "minimised": Minimised(), "ending": Ending("gd", 0.1, 3, "iterations", 0.25, 0.25),
        "provenance": Provenance("f.csv", None, 4), "made": Made("0.0", "2026-01-01T00:00:00+00:00"),
    }  # fmt: skip
    return Model(**{**fields, **changes})


@pytest.fixture
def labelled(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(50, 3)) * [1.0, 1e6, 1e-6]
    return X, np.where(X[:, 0] + rng.normal(size=50) > 0.0, "yes", "no")


def test_a_fit_saved_and_loaded_predicts_the_same_bits(tmp_path: Path, labelled: Any) -> None:
    X, y = labelled
    fit = steepest.fit(X, y, l2=0.01, standardize=True, iterations=25)
    model = Model.of(fit, X, y, target="t", source="s.csv")
    model.save(tmp_path / "m.json")
    read = steepest.load(tmp_path / "m.json")
    assert read.predict_proba(X).tobytes() == model.predict_proba(X).tobytes() == fit.predict_proba(X).tobytes()
    assert read.predict(X).tolist() == fit.predict(X).tolist()
    assert read.w.tobytes() == fit.w.tobytes()
    assert (read.minimised.l2, read.minimised.standardize, read.target) == (0.01, True, "t")
    assert (read.provenance.rows, read.provenance.file) == (50, "s.csv")
    ending = read.ending
    assert (ending.status, ending.iterations, ending.cost, ending.value) == (fit.status.key, 25, fit.cost, fit.value)
    assert (read.made.version, ending.method, ending.learning_rate) == (
        steepest.__version__, "gd", fit.learning_rate,
    )  # fmt: skip


def test_saving_twice_gives_the_same_bytes_but_for_the_date(tmp_path: Path, labelled: Any) -> None:
    X, y = labelled
    model = Model.of(steepest.fit(X, y, l2=0.1), X, y)
    model.save(tmp_path / "a.json")
    load(tmp_path / "a.json").save(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("seed", range(25))
def test_every_part_of_every_kind_of_model_comes_back(seed: int, tmp_path: Path) -> None:
    model = random_model(seed)
    model.save(tmp_path / "m.json")
    read = load(tmp_path / "m.json")
    assert read.schema == model.schema
    assert read.terms == model.terms
    assert read._document() == model._document()
    assert (read.made, read.ending, read.certificate) == (model.made, model.ending, model.certificate)
    assert read.parity == replace(model.parity, missing=list(model.parity.missing))


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


def test_k_classes(tmp_path: Path, rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(90, 2)), rng.choice(["a", "b", "c"], 90)
    fit = steepest.fit(X, y, l2=0.01)
    fit.save(tmp_path / "m.json", X, y)
    read = load(tmp_path / "m.json")
    assert read.predict_proba(X).tobytes() == fit.predict_proba(X).tobytes()
    assert read.predict(X).tolist() == fit.predict(X).tolist()
    assert read.provenance.counts == tuple((y == label).sum() for label in "abc")
    assert read.verifiable_gap is not None
    assert read.verifiable_gap < 1e-8


def test_a_frame_with_categories_and_missing_values(tmp_path: Path, rng: np.random.Generator) -> None:
    size = rng.normal(size=200)
    frame = pl.DataFrame(
        {
            "size": [None if k % 9 == 0 else value for k, value in enumerate(size.tolist())],
            "colour": [
                None if k % 7 == 0 else value for k, value in enumerate(rng.choice(["red", "sky"], 200).tolist())
            ],
            "y": (size + rng.normal(size=200) > 0.0).tolist(),
        }
    )
    schema = steepest.schema(frame, "y", missing={"size": "indicator", "colour": "category"}, unseen="reference")
    fit = steepest.fit(frame, "y", schema=schema, l2=0.01)
    fit.save(tmp_path / "m.json", frame, "y")
    read = load(tmp_path / "m.json")
    assert read.schema == fit.schema
    assert read.target == "y"
    assert read.predict_proba(frame).tobytes() == fit.predict_proba(frame).tobytes()
    there = frame["size"].drop_nulls()
    assert read.provenance.ranges == ((there.min(), there.max()), None)
    new = pl.DataFrame(
        {"colour": ["red", None, "mauve"], "size": [None, 99.0, 0.0]}, schema_overrides={"size": pl.Float64}
    )
    said = read.predictions(new)
    assert said.missing.tolist() == [1, 1, 0]
    assert said.unseen.tolist() == [0, 0, 1]
    assert said.out_of_range is not None
    assert said.out_of_range.tolist() == [0, 1, 0]
    np.testing.assert_allclose(said.probability, fit.predict_proba(new), rtol=1e-14)


def test_rows_that_are_refused_have_no_number(labelled: Any) -> None:
    X, y = labelled
    model = Model.of(steepest.fit(X, y, l2=0.1), X, y)
    said = model.predictions([[0.0, np.nan, 0.0], [0.0, 0.0, np.inf], [0.0, 0.0, 0.0]])
    assert np.isnan(said.probability).tolist() == [True, True, False]
    assert said.which.tolist()[:2] == [-1, -1]
    assert said.refusal is not None
    assert "column 'x2' is missing" in said.refusal.why
    with pytest.raises(DataError, match="has shape"):
        model.predictions([[1.0]])


def test_what_only_the_rows_say(labelled: Any) -> None:
    X, y = labelled
    fit = steepest.fit(X, y, l2=0.1)
    without, with_rows = Model.of(fit), Model.of(fit, X, y)
    assert without.provenance.ranges is without.reach is without.verifiable_gap is None
    assert without.predictions(X).out_of_range is None
    assert with_rows.provenance.ranges == tuple(zip(X.min(axis=0), X.max(axis=0), strict=True))
    assert with_rows.predictions(X).out_of_range.sum() == 0
    assert with_rows.verifiable_gap <= 1e-9
    sparse = Model.of(steepest.fit(sp.csr_array(X), y, l2=0.1), sp.csr_array(X), y)
    assert sparse.provenance.form == "sparse"
    assert sparse.provenance.ranges == tuple(
        (min(low, 0.0), max(high, 0.0)) for low, high in with_rows.provenance.ranges
    )


def test_other_rows_than_those_of_the_fit_are_refused(labelled: Any) -> None:
    X, y = labelled
    fit = steepest.fit(X, y, l2=0.1)
    with pytest.raises(DataError, match="these rows give the objective"):
        Model.of(fit, X[:30], y[:30])
    with pytest.raises(DataError, match="give both, or none"):
        Model.of(fit, X)
    with pytest.raises(DataError, match="X has 2 columns, but the fit has 3 weights"):
        Model.of(fit, X[:, :2], y)
    with pytest.raises(DataError, match="'maybe', none of the classes 'no', 'yes'"):
        Model.of(fit, X, np.where(y == "no", "maybe", y))


def test_certified_bounds_hold_at_the_optimum(rng: np.random.Generator) -> None:
    """A fit far from the optimum, another next to it: the probabilities of the second lie where the first says."""
    X = rng.normal(size=(300, 4)) * [1.0, 10.0, 0.1, 1.0] + [0.0, 5.0, 0.0, 1000.0]
    y = X[:, 0] + rng.normal(size=300) > 0.0
    best = steepest.fit(X, y, l2=0.01, tol=1e-14)
    near = 0
    for tol in (1e-3, 1e-5, 1e-7):
        fit = steepest.fit(X, y, l2=0.01, tol=tol)
        model = Model.of(fit, X, y)
        new = np.vstack([X, X * 3.0, -X])
        said = model.predictions(new)
        assert said.certified_low is not None
        assert said.certified_high is not None
        exact = best.predict_proba(new)
        assert (said.certified_low <= exact + 1e-13).all()
        assert (exact - 1e-13 <= said.certified_high).all()
        assert (said.certified_low <= said.probability).all()
        assert (said.probability <= said.certified_high).all()
        near += int(np.abs(exact - said.probability).max() > 0.0)
    assert near == 3  # the fits did differ from the optimum


def tiny() -> Model:
    """A model with all kinds of fields in as few bytes as possible."""
    colour = Column("c", "category", ("é", "r"), (1, 1), "é", "category", "missing", 1)
    model = made(schema=Schema((Column("a", "number"), colour)), w=np.array([0.1, 2.0, -3.0]))
    model = replace(model, provenance=Provenance(ranges=((0.0, 1.0), None)))
    parity = make_parity(model.scorer)
    first = {name: list(getattr(parity, name))[:3] for name in Parity.__slots__}
    return replace(model, parity=Parity(**first))


@pytest.mark.parametrize("version", [1, 2])
def test_every_flipped_bit_is_detected(version: int) -> None:
    raw = (RELEASED / "version-1.json").read_bytes() if version == 1 else render(tiny()._document()).encode()
    parse(raw)
    missed = []
    for place in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[place] ^= 1 << bit
            try:
                parse(bytes(changed))
                missed.append((place, bit))
            except DataError:
                pass
    assert missed == []


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


def put(path: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    def change(document: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for name in parents:
            document = document[name]
        document[last] = value

    return change


def in_schema(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: (
        document.update(schema=Schema((Column("a", "number"), Column("größe", "number"))).to_dict())
        or (document["schema"]["columns"][0].update(changes))
    )


K3 = {"classes": ["a", "b", "c"], "w": [[1.0, 2.0, 3.0]] * 2, "b": [0.0] * 3}
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
    "many keys, one twice": (b'{"b": 1, ' + b", ".join(b'"%d": 1' % k for k in range(200_000)) + b', "7": 1}', "'7'"),
    "deep": (b"[" * 100_000, "nested deeper than 8"),
    "deep objects": (b'{"a":' * 9 + b"1" + b"}" * 9, "nested deeper than 8"),
    "brackets in a text": (b'"' + b"[" * 100_000, "not JSON"),
    "quotes without end": (b'"' + b'\\"' * 4_000_000, "not JSON"),
    "thousands of digits": (b'{"b": ' + b"9" * 10_000 + b"}", "not JSON"),
    "millions of digits": (b'{"b": 0.' + b"9" * 10_000_000 + b"}", "no model file"),
    "too large": (b" " * ((16 << 20) + 1), "larger than 16 MB"),
    "lone surrogate": (edited(put("data.file", "\ud800")), "sha256"),
    "future version": (edited(put("format_version", 3)), "format version '3' is not known to this release"),
    "version true": (edited(put("format_version", True)), "format version 'True' is not known"),
    "version 1.0": (edited(put("format_version", 1.0)), "format version '1.0' is not known"),
    "version a list": (edited(put("format_version", [2])), "format version '[2]' is not known"),
    "missing field": (edited(lambda d: d.pop("b")), '"b" is missing'),
    "unknown field": (edited(put("c", 1)), "field 'c' is not known"),
    "inner unknown field": (edited(put("fit.c", 1)), "field 'fit.c' is not known"),
    "text for a number": (edited(put("b", "0")), '"b" has a wrong type'),
    "bool for a number": (edited(put("b", True)), '"b" has a wrong type'),
    "integer for a float": (edited(put("b", 0)), '"b" has a wrong type'),
    "no weights": (edited(put("w", [])), '"w" has a wrong type'),
    "too few weights": (edited(put("w", [1.0])), "1 weights for 2 features"),
    "one class": (edited(put("classes", ["a", "a"])), "the classes must differ"),
    "true and 1": (edited(put("classes", [True, 1])), "the classes must differ"),
    "three classes": (edited(put("classes", ["a", "b", "c"])), "3 classes have 3 weights per feature"),
    "one class alone": (edited(put("classes", ["a"])), '"classes" has a wrong type'),
    "ragged classes": (edited(lambda d: d.update(K3, w=[[1.0, 2.0, 3.0], [1.0, 2.0]])), "3 weights per feature"),
    "weights of K for two": (edited(put("w", [[1.0], [2.0]])), "two classes have one weight"),
    "twice the same name": (edited(put("features", ["a", "a"])), "would be called 'a'"),
    "objective a list": (edited(put("objective", [])), '"objective" must be an object'),
    "a penalty below 0": (edited(put("objective.l2", -1.0)), '"objective.l2" has a wrong type'),
    "too many factors": (edited(put("objective.factors", [1.0] * 3)), '"objective.factors" has 3 numbers for 2'),
    "schema a list": (edited(put("schema", [])), '"schema" has a wrong type'),
    "schema without columns": (edited(lambda d: d["schema"].pop("columns")), "too many or too few: 'columns'"),
    "a kind that is none": (edited(in_schema(kind="x")), "neither number nor category"),
    "another name in the schema": (edited(in_schema(name="x")), "not those of the schema"),
    "a range upside down": (edited(put("data.ranges", [[2.0, 1.0], None])), '"data.ranges" has a wrong type'),
    "a range too few": (edited(put("data.ranges", [None])), '"data.ranges" has 1 entries for 2 columns'),
    "counts of three": (edited(put("data.counts", [1, 2, 3])), '"data.counts" has 3 entries'),
    "a fingerprint of its own": (edited(put("data.sha256", "zz" * 32)), '"data.sha256" has a wrong type'),
    "centre alone": (edited(put("data.centre", [0.0, 0.0])), "do not belong together"),
    "rows beyond all": (edited(put("data.rows", 10**30)), '"data.rows" has a wrong type'),
    "a reach without a frame": (edited(put("reach", {"weights": [0.0, 0.0], "intercept": 0.0})), '"reach"'),
    "a reach of something": (edited(put("reach", {"x": 1})), "field 'reach.x' is not known"),
    "parity of another width": (edited(put("parity.rows", [[1.0]])), '"parity" has lists of different lengths'),
    "parity without a prediction": (edited(lambda d: d["parity"].update(
        rows=[[1.0, 1.0]], z=[[0.5, 0.5]], probability=[[0.5]], missing=[0], unseen=[0], out_of_range=[None],
    )), "without 1 predictions"),
    "no hash": (edited(lambda d: None), "sha256"),
    "wrong hash": (edited(put("sha256", "0" * 64)), "sha256"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_files(name: str, tmp_path: Path) -> None:
    raw, says = WRONG[name]
    (tmp_path / "m.json").write_bytes(raw)
    with pytest.raises(DataError) as caught:
        load(tmp_path / "m.json")
    assert says in str(caught.value)
    assert "m.json" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_model_that_computes_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash is right, but the rows come out otherwise: a release, or a machine, that computes something else."""
    model = random_model(1)
    model.save(tmp_path / "m.json")
    odd = replace(model, parity=replace(model.parity, missing=[5, *model.parity.missing[1:]]))
    odd.save(tmp_path / "odd.json")
    with pytest.raises(
        DataError, match=r"odd\.json: parity row 1 has \(5, .* does not compute what the one that saved it did"
    ):
        load(tmp_path / "odd.json")
    real = np.exp
    monkeypatch.setattr("steepest.formulas.np.exp", lambda x: real(x) * (1.0 + 1e-6))
    monkeypatch.setattr(
        "steepest.softmax_formulas.np.exp", lambda x: real(x) * (1.0 + 1e-6 * np.arange(np.shape(x)[-1]))
    )
    with pytest.raises(DataError, match=r"parity row \d+ has probability"):
        load(tmp_path / "m.json")


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, "a\0"):
        with pytest.raises(DataError, match="cannot be read"):
            load(path)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    wrong = [made(classes=(b"a", b"b")), made(feature_names=("a", "\ud800")), made(b=float("nan")),
             made(w=np.array([1.0, np.inf])), made(classes=(1, 2**63))]  # fmt: skip
    for model in wrong:
        with pytest.raises(DataError, match="cannot be saved"):
            model.save(tmp_path / "m.json")
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_size(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than the 100 allowed"):
        made().save(tmp_path / "m.json", largest=100)
    made().save(tmp_path / "m.json")
    with pytest.raises(DataError, match="larger than 100 bytes"):
        load(tmp_path / "m.json", largest=100)
    wide = made(feature_names=tuple(f"{j:080}" for j in range(200_000)), w=np.full(200_000, 1.0 / 3.0))
    with pytest.raises(DataError, match="save and load it with a larger limit"):
        wide.save(tmp_path / "wide.json")
    wide.save(tmp_path / "wide.json", largest=1 << 28)
    assert load(tmp_path / "wide.json", largest=1 << 28).w.tobytes() == wide.w.tobytes()


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    file = tmp_path / "m.json"
    made().save(file)
    before = file.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DataError, match="No space left"):
        made(b=5.0).save(file)
    monkeypatch.undo()
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_fails_anywhere_leaves_the_old_model(tmp_path: Path) -> None:
    """A limit on the size of files makes every write beyond it fail, as a full disk does."""
    file = tmp_path / "m.json"
    made().save(file)
    before = file.read_bytes()
    code = (
        "import resource, signal, sys, steepest\n"
        "model = steepest.load(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "for limit in (0, 1, 100, 1000):\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        model.save(sys.argv[1])\n"
        "    except steepest.DataError as error:\n"
        "        print(error)\n"
    )
    source = {"PYTHONPATH": str(Path(steepest.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True, env=source
    )
    assert done.stdout.count("cannot be written") == 4, done.stdout + done.stderr
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_wrong_number_of_columns() -> None:
    with pytest.raises(DataError, match="X has 3 columns, but the model has 2 weights"):
        made().predict_proba([[1.0, 2.0, 3.0]])


def test_files_of_every_release_stay_readable(tmp_path: Path) -> None:
    """Version 1 was written by the first 0.1.0; its numbers are those of that release."""
    read = load(RELEASED / "version-1.json")
    assert read.feature_names == ("a", "größe", 'c, "d"')
    assert read.classes == ("ja", "nein")
    assert (read.target, read.provenance.file, read.provenance.rows) == ("antwort", "s.csv", 40)
    assert read.predict_proba([[0.0, 0.0, 0.0], [1.0, 1e6, 1e-6]]).tolist() == [0.5920236315657734, 0.2854852962206945]
    assert (read.minimised.l2, read.minimised.standardize, read.ending.iterations) == (0.01, True, 25)
    assert read.certificate.exists == "unknown"
    read.save(tmp_path / "again.json")
    assert load(tmp_path / "again.json").w.tobytes() == read.w.tobytes()
    second = load(RELEASED / "version-2.json")
    assert second.feature_names == ("size", "size[missing]", "colour[sky]", "colour[missing]")
    said = second.predictions(pl.DataFrame({"size": [1.0, None], "colour": ["red", "mauve"]}))
    np.testing.assert_allclose(said.probability, [0.28985097478180666, 0.3622873602266365], rtol=1e-13)


def test_parity_rows_hold_no_row_of_the_data(labelled: Any) -> None:
    X, y = labelled
    model = Model.of(steepest.fit(X, y, l2=0.1), X, y)
    assert len(model.parity.rows) == 32
    rows = {tuple(row) for row in X.tolist()}
    assert not rows & set(model.parity.rows)


def test_reach_and_strengths_come_back(tmp_path: Path) -> None:
    frame = Scaling(np.array([1.0, 2.0]), np.array([0.5, 4.0]))
    factors, lower, upper = np.array([1.0, 0.0]), np.array([-np.inf, 0.0]), np.array([1.0, np.inf])
    minimised = Minimised(0.5, 0.25, factors, lower, upper, False, True, (0.5, 2.0), np.array([0.1, 0.2]))
    model = made(minimised=minimised, provenance=Provenance(frame=frame), reach=Reach(np.array([0.1, 0.0]), 1.0))
    model.save(tmp_path / "m.json")
    read = load(tmp_path / "m.json")
    for name in ("factors", "lower", "upper", "strengths"):
        assert getattr(read.minimised, name).tolist() == getattr(minimised, name).tolist()
    assert read.minimised.class_weights == (0.5, 2.0)
    assert not read.minimised.smooth
    assert read.reach is not None
    assert read.reach.at(np.array([[2.0, 0.0]]), frame.centre).tolist() == [1.1]
    assert read.parity == Parity((), (), (), [], [], [])


def test_formulas_in_words() -> None:
    assert Minimised(0.5, 0.25, intercept=False).formula(3) == (
        "mean of −log softmax(z)[y], plus ½ · 0.5 · |w|², plus 0.25 · |w|₁, without an intercept"
    )
    assert "with w of the standardised columns" in Minimised(0.5, standardize=True).formula(2)
    assert "f·w" in Minimised(0.5, factors=np.ones(1)).formula(2)
    assert Minimised(class_weights=(0.5, 2.0)).formula(2).endswith("rows of the classes weigh 0.5, 2")
    assert "with bounds on w" in Minimised(lower=np.zeros(1)).formula(2)
    assert Minimised(0.5, standardize=True).penalty(np.ones(2)) is None
    assert Minimised(0.5, 0.25, np.array([1.0, 2.0])).penalty(np.array([2.0, -1.0])) == 0.25 * 4.0 + 0.5 + 0.25 * 4.0
