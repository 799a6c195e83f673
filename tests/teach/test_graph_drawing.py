"""The drawings of the graph: they fit, they escape, they say their result, they never show 0 for "not computed"."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest.teach import draw_svg
from steepest.teach.graph import graph
from steepest.teach.wording import columns, number, shorten

SVG = "{http://www.w3.org/2000/svg}"
TINY = -1.2345e-305


def twelve(name):
    return graph([TINY] * 12, 0.123456, [1.2345e300] * 12, -1.2345e-300, names=[name] * 12)


def texts(drawing):
    return [element.text for element in ET.fromstring(drawing).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", ["an extraordinarily long name of a feature " * 4, "学習時間" * 30, "x", "👩‍🔬" * 50])
def test_text_takes_at_most_80_columns(name):
    for g in (twelve(name), twelve(name).forward(), graph([1.0], 1.0, [800.0], 0.0)):
        assert max(columns(line) for line in str(g).split("\n")) <= 80


def test_text_of_many_features_says_what_it_leaves_out():
    drawing = str(graph([0.01] * 100, 1.0, [0.1] * 100, 0.0))
    assert "… 94 more" in drawing
    assert "… 76 more features" in drawing
    assert "db = ∂L/∂b" in drawing
    assert max(map(columns, drawing.split("\n"))) <= 80


def test_text_has_every_number_of_both_passes():
    g = graph([2.5, 7.0], 1.0, [0.8, -0.3], 0.25, names=["hours studied", "hours slept"])
    drawing = str(g)
    for name, value in g.values.items():
        assert number(value) in drawing, name
    for row in g.derivatives:
        assert f"{row.name} = {row.symbol}" in drawing
        assert row.local_symbol in drawing
        assert f"{row.product} = {number(row.product_value)}" in drawing
        assert number(row.difference, 2) in drawing
    assert "a − y = −0.4626" in drawing
    assert "hours studied" in drawing
    assert "-" not in drawing


def test_what_is_not_computed_is_a_dash_never_zero():
    g = graph([2.0], 1.0, [0.5], 1.0).forward()
    for drawing in (str(g), g.to_svg()):
        assert "dz = —" in drawing
        assert "da = —" in drawing
    assert "dw1 = —" in g.to_svg()
    assert "path.backward" in g.to_svg()
    assert not [path for path in ET.fromstring(g.to_svg()).iter(f"{SVG}path") if "backward" in path.get("class", "")]


def test_breaks_are_printed_and_drawn():
    g = graph([1.0], 0.0, [800.0], 0.0)
    for drawing in (" ".join(str(g).split()), " ".join(texts(g.to_svg()))):
        assert "⚠ At z = 800, 1 − a is 0 in floating point" in drawing
        assert "infinity" in drawing
        assert "dz takes a − y = 1" in drawing


def test_svg_is_labelled_with_its_result():
    g = graph([2.5, 7.0], 1.0, [0.8, -0.3], 0.25)
    root = ET.fromstring(g.to_svg())
    assert root.get("role") == "img"
    assert root[0].tag == f"{SVG}title"
    assert root[0].text == "The prediction a = 0.5374 against y = 1 costs the loss L = 0.621" == root.get("aria-label")
    assert root[1].tag == f"{SVG}desc"
    assert "dw2 = −3.238" in root[1].text
    style = root.find(f"{SVG}style").text
    assert "prefers-color-scheme:dark" in style
    assert "tabular-nums" in style
    assert all(hue in style for hue in ("#0060a8", "#6cb6ff", "#00694f", "#3fd0a0", "#0f1418"))
    assert "stroke-dasharray" in style
    assert g._repr_svg_() == g.to_svg()


def test_svg_escapes_names():
    name = "<script>&\"'"
    drawing = graph([1.0], 1.0, [0.5], 0.0, names=[name]).to_svg()
    assert "<script" not in drawing
    assert name in texts(drawing)


@given(st.text(min_size=0, max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_name_gives_well_formed_drawings(name):
    g = graph([1.0], 1.0, [0.5], 0.0, names=[name])
    ET.fromstring(g.to_svg())
    assert max(columns(line) for line in str(g).split("\n")) <= 80
    str(g).encode("utf-8")


@pytest.mark.parametrize(("n", "drawn"), [(1, 1), (6, 6), (7, 6), (50, 6)])
def test_svg_draws_six_features_and_counts_the_rest(n, drawn):
    g = graph([0.1] * n, 1.0, [0.5] * n, 0.0)
    words = texts(g.to_svg())
    assert sum(word.startswith("dw") for word in words) == drawn
    hidden = [word for word in words if "more feature" in word]
    assert hidden == ([] if n <= 6 else [f"… {n - 6} more feature{'s' if n > 7 else ''}"])
    assert len(g.derivatives) == n + 3


def extents(root):
    """A generous box of each text: 0.62 em a letter is wider than the fonts in the list on average."""
    size = {"title": 19, "big": 21, "large": 16, "small": 12}
    for element in root.iter(f"{SVG}text"):
        kind = element.get("class").split()
        em = next((size[word] for word in kind if word in size), 14)
        width, x, y = 0.62 * em * columns(element.text), float(element.get("x")), float(element.get("y"))
        left = x - width if "end" in kind else x - width / 2 if "middle" in kind else x
        yield left, left + width, y - 0.75 * em, y + 0.22 * em, element.text


@pytest.mark.parametrize("n", [1, 2, 6, 12])
@pytest.mark.parametrize("name", ['<script>&"', "an extraordinarily long name", "学習時間" * 9])
def test_no_two_texts_of_the_svg_overlap(n, name):
    for g in (
        graph([TINY] * n, 0.123456, [1.2345e300] * n, -1.2345e-300, names=[name] * n),
        graph([1.2345e-3] * n, 0.5, [-54321.987] * n, 800.0, names=[name] * n),
        graph([2.0] * n, 1.0, [0.5] * n, 0.0, names=[name] * n),
    ):
        boxes = list(extents(ET.fromstring(g.to_svg())))
        for k, one in enumerate(boxes):
            assert one[0] >= 0
            assert one[1] <= draw_svg.WIDTH, one
            for other in boxes[:k]:
                apart = one[1] <= other[0] or other[1] <= one[0] or one[3] <= other[2] or other[3] <= one[2]
                assert apart, (one, other)


def test_numbers_and_names_are_written_plainly():
    assert number(12345.678) == "1.235e+04"
    assert number(float("nan")) == "undefined"
    assert number(float("-inf")) == "−infinity"
    assert shorten("学習時間", 5) == "学習…"
    assert shorten("abc", 3) == "abc"
