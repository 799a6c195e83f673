"""The graph of one example: its numbers, the limits of the textbook chain, the walk, the step, and the file."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import formulas
from steepest.formulas import loss, sigmoid
from steepest.teach.graph import Graph, graph

ULP = np.finfo(float).eps
ordinary = st.floats(-3.0, 3.0).map(lambda value: round(value, 6))
EXTREMES = [(z, y) for z in (-800.0, -720.0, -40.0, 0.0, 36.5, 40.0, 720.0, 800.0) for y in (0.0, 0.5, 1.0)]


@st.composite
def examples(draw):
    n = draw(st.integers(1, 6))
    row = st.lists(ordinary, min_size=n, max_size=n)
    return draw(row), draw(st.floats(0.0, 1.0)), draw(row), draw(ordinary)


@given(examples())
@settings(deadline=None)
def test_agrees_with_the_formulas_within_four_ulp_per_term(example):
    x, y, w, b = example
    v = graph(x, y, w, b).values
    z = v["z"]
    if abs(z) >= 36:
        return
    assert z == np.dot(w, x) + b
    assert (v["a"], v["L"]) == (sigmoid(z), loss(z, y))
    a = v["a"]
    terms = y * (1 - a) + (1 - y) * a  # what the two terms of da become after times a(1 − a)
    assert abs(v["dz"] - formulas.dz(a, y)) <= 4 * ULP * terms
    assert v["db"] == v["dz"]
    for j, xj in enumerate(x, start=1):
        assert v[f"dw{j}"] == xj * v["dz"]


@given(examples())
@settings(deadline=None)
def test_every_derivative_agrees_with_its_finite_difference(example):
    for row in graph(*example).derivatives:
        assert row.agrees, row
        assert row.difference == row.value - row.finite_difference


def test_a_wrong_derivative_would_not_agree():
    row = graph([1.0, 2.0], 1.0, [0.5, 0.5], 0.0).derivatives[-2]
    assert abs(row.value * (1 + 1e-6) - row.finite_difference) > 1e-7 * abs(row.value)


def test_forward_knows_no_derivative_and_backward_all():
    g = graph([1.0, 2.0], 1.0, [0.5, -0.5], 0.1)
    seen = g.forward()
    assert set(seen.values) == {"x1", "w1", "x2", "w2", "b", "y", "z", "a", "L"}
    assert seen.derivatives == ()
    assert all(edge.derivative is None for edge in seen.edges)
    assert seen.backward() == g
    assert seen.backward().values["dz"] == g.values["dz"]
    assert set(g.values) - set(seen.values) == {"da", "dz", "dw1", "dw2", "db"}
    assert all(type(value) is float for value in g.values.values())


def test_nodes_and_edges_hold_the_local_derivatives():
    g = graph([2.0, 3.0], 1.0, [0.5, -0.5], 0.1)
    assert [node.name for node in g.nodes] == ["x1", "w1", "x2", "w2", "b", "y", "z", "a", "L"]
    local = {(edge.source, edge.target): edge for edge in g.edges}
    assert local["w1", "z"].symbol == "∂z/∂w1"
    assert (local["w1", "z"].formula, local["w1", "z"].derivative) == ("x1", 2.0)
    assert local["x2", "z"].derivative == -0.5
    assert local["b", "z"].derivative == 1.0
    chain = local["a", "L"].derivative * local["z", "a"].derivative * local["w2", "z"].derivative
    assert chain == pytest.approx(g.values["dw2"], rel=1e-14)


@pytest.mark.parametrize(("z", "y"), EXTREMES)
def test_extremes_have_right_values_and_say_what_breaks(z, y):
    g = graph([1.0], y, [z], 0.0)
    v, book = g.values, g.textbook
    assert not any(math.isnan(value) for value in v.values())
    assert (v["L"], v["a"]) == (loss(z, y), sigmoid(z))
    assert v["dz"] == pytest.approx(sigmoid(z) - y, abs=1e-15)
    for name in ("L", "da", "dz"):
        said = [text for text in g.breaks if f"the textbook {name} =" in text]
        assert len(said) <= 1
        assert said or math.isfinite(book[name])
    if math.isinf(v["da"]):
        assert any("too large for a float" in text for text in g.breaks)
    assert str(g)
    assert g.to_svg()
    json.dumps(g.to_dict(), allow_nan=False)


def test_the_extreme_example_of_the_lesson():
    g = graph([1.0], 1.0, [40.0], 0.0)
    assert math.isnan(g.textbook["L"])
    assert math.isnan(g.textbook["dz"])
    assert g.values["dz"] == 0.0
    assert g.values["L"] == pytest.approx(math.exp(-40), rel=1e-15)
    assert graph([1.0], 0.0, [40.0], 0.0).values["da"] == pytest.approx(1 + math.exp(40), rel=1e-14)
    assert len(g.breaks) == 3
    assert g.forward().breaks == g.breaks[:1]


@pytest.mark.parametrize("y", [0.0, 0.3, 0.5, 1.0])
def test_nothing_breaks_up_to_36(y):
    for z in [*np.linspace(-36, 36, 301), *np.linspace(35, 36, 301)]:
        assert graph([1.0], y, [z], 0.0).breaks == ()


def test_step_updates_all_at_once_and_lowers_the_loss():
    g = graph([2.0, 3.0], 1.0, [0.5, -0.5], 0.1, names=["size", "age"])
    after = g.step(0.1)
    v = g.values
    assert after.w == (0.5 - 0.1 * v["dw1"], -0.5 - 0.1 * v["dw2"])
    assert after.b == 0.1 - 0.1 * v["db"]
    assert (after.names, after.x) == (("size", "age"), g.x)
    assert after.values["L"] < v["L"]


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf, "0.1"])
def test_step_refuses_what_is_no_learning_rate(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        graph([1.0], 1.0, [0.0], 0.0).step(rate)


@pytest.mark.parametrize(("z", "y"), [(0.3, 1.0), (-5.0, 0.25), (40.0, 0.0), (40.0, 1.0), (-40.0, 1.0)])
def test_the_lines_of_code_of_the_walk_give_the_same_numbers(z, y):
    g = graph([0.5, 2.0, -1.0, 3.0], y, [z, 0.25, -0.125, -0.125], z / 2)
    scope = {"np": np, "sigmoid": sigmoid, "loss": loss}
    names = []
    for step in g.walk():
        exec(step.code, scope)
        names.append(step.name)
        if step.value is not None:
            assert float(scope[step.name]) == step.value == g.values[step.name]
            assert step.name in step.formula
            assert step.numbers.startswith(f"{step.name} = ")
        assert step.graph.seen == step.name
        assert (step.derivative is None) == (step.name in {"start", "z", "a", "L"})
    assert names == ["start", "z", "a", "L", "da", "dz", "dw1", "dw2", "dw3", "dw4", "db"]


def test_the_start_of_the_walk_knows_only_what_is_given():
    start = next(iter(graph([1.0], 0.0, [2.0], 0.0).walk()))
    assert set(start.graph.values) == {"x1", "w1", "b", "y"}
    assert [node.value for node in start.graph.nodes[-3:]] == [None, None, None]
    assert "z = —" in start.graph.to_svg()


@pytest.mark.parametrize(("z", "y"), EXTREMES)
def test_the_file_round_trip_is_bitwise(tmp_path, z, y):
    path = tmp_path / "graph.json"
    for g in (graph([0.1, 1.0], y, [1 / 3, z], -0.0, names=["größe", "年齢"]), graph([1.0], y, [z], 0.0).forward()):
        g.save(path)
        read = Graph.load(path)
        assert read == g
        assert repr(read.to_dict()) == repr(g.to_dict()) == repr(Graph.from_dict(g.to_dict()).to_dict())
        assert math.copysign(1, read.b) == math.copysign(1, g.b)
    assert not {"NaN,", "Infinity,"} & set(path.read_text(encoding="utf-8").split())
    assert [file.name for file in tmp_path.iterdir()] == ["graph.json"]


def _changed(path, value):
    document = graph([1.0, 2.0], 1.0, [0.5, 0.5], 0.0).to_dict()
    *way, last = path
    part = document
    for key in way:
        part = part[key]
    part[last] = value
    return document


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        {"format": "steepest graph", "version": 1},
        _changed(["version"], 2),
        _changed(["seen"], "nothing"),
        _changed(["values", "dz"], 0.25),
        _changed(["values", "z"], "1.5"),
        _changed(["values", "z"], [1.5]),
        _changed(["values"], {"z": 1.5}),
        _changed(["inputs", "x"], [1.0]),
        _changed(["inputs", "y"], "NaN"),
        _changed(["inputs"], 3),
    ],
)
def test_a_document_that_is_none_is_refused(document):
    with pytest.raises(ValueError, match=r"\w"):
        Graph.from_dict(document)


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match="not JSON"):
        Graph.load(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("x", "y", "w", "b", "words"),
    [
        ([1.0, 2.0], 1.0, [0.5], 0.0, "x has 2 features, but w has 1"),
        ([math.nan], 1.0, [0.5], 0.0, "x holds nan"),
        ([1.0], 2.0, [0.5], 0.0, r"y is 2.0, but a label lies in \[0, 1\]"),
        ([1.0], math.nan, [0.5], 0.0, "y holds nan"),
        (["1"], 1.0, [0.5], 0.0, "must be numbers"),
        ([1.0], "1", [0.5], 0.0, "must be a number"),
        ([1.0], 1.0, [0.5], [0.0], "b has shape"),
        ([[1.0]], 1.0, [0.5], 0.0, "one dimension"),
        ([[1.0], [1.0, 2.0]], 1.0, [0.5], 0.0, "ragged"),
        ([], 1.0, [], 0.0, "must be numbers"),
        ([1.0], 1.0, [math.inf], 0.0, "w holds inf"),
        ([1e200], 1.0, [1e200], 0.0, "left the range of floats"),
        ([1j], 1.0, [0.5], 0.0, "must be numbers"),
        ([None], 1.0, [0.5], 0.0, "must be numbers"),
    ],
)
def test_bad_input_is_named(x, y, w, b, words):
    with pytest.raises(ValueError, match=words):
        graph(x, y, w, b)


@pytest.mark.parametrize("names", ["ab", ["one"], [1, 2]])
def test_names_must_be_one_text_for_each_feature(names):
    with pytest.raises(ValueError, match="one text for each of the 2 features"):
        graph([1.0, 2.0], 1.0, [0.5, 0.5], 0.0, names=names)


def test_a_single_number_is_one_feature_and_anything_like_an_array_is_taken():
    assert graph(2, True, 1, 0) == graph(np.array([2.0]), 1.0, (1.0,), 0.0)
