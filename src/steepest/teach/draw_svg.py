"""The graph of one example as SVG: forward solid and blue, backward dashed and green, light and dark in one file.

Everything is placed on a grid that is wide enough for the widest number ("−1.234e−308"), and names are shortened to
the room they have, so that no two texts can meet. Elements are made with ElementTree: names are escaped by it.
"""

from __future__ import annotations

import textwrap
from xml.etree import ElementTree as ET  # only written, never parsed

from steepest.teach.example import Example
from steepest.teach.wording import number, shorten

__all__ = ["draw"]

DRAWN = 6  # features drawn before "… k more features"
MARGIN, TOP, PITCH = 24.0, 92.0, 44.0
NODE_WIDTH, NODE_HEIGHT = 280.0, 32.0
NODE_COLUMNS = 28  # letters that fit beside each other into a node at full size
LEAD, FAN = 190.0, 62.0  # straight part of an input's line, with its local derivative below; then the curve into z
BOX_WIDTH, BOX_HEIGHT, GAP = 142.0, 126.0, 104.0
LEFT = MARGIN + NODE_WIDTH + LEAD + FAN
WIDTH = LEFT + 3 * BOX_WIDTH + 2 * GAP + MARGIN

LIGHT = {
    "page": "#fff", "text": "#1b1f24", "quiet": "#57606a", "hair": "#d0d7de",
    "forward": "#0060a8", "backward": "#00694f", "warning": "#9a6700",
}  # fmt: skip
DARK = {
    "page": "#0f1418", "text": "#e6eaee", "quiet": "#9aa5b1", "hair": "#3a434d",
    "forward": "#6cb6ff", "backward": "#3fd0a0", "warning": "#e3b341",
}  # fmt: skip


def draw(example: Example) -> str:
    """The drawing as the text of an SVG document."""
    rows = 2 * min(len(example.x), DRAWN) + 1 + (len(example.x) > DRAWN)
    centre = TOP + max(rows * PITCH / 2, 134.0)
    notes = _notes(example)
    graph_bottom = centre + max(rows * PITCH / 2, BOX_HEIGHT / 2)
    height = graph_bottom + 30.0 + 20.0 * len(notes)
    svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", role="img", viewBox=f"0 0 {WIDTH:g} {height:g}")
    svg.set("class", "steepest-graph")
    svg.set("width", f"{WIDTH:g}")
    svg.set("height", f"{height:g}")
    svg.set("aria-label", _sentence(example))
    ET.SubElement(svg, "title").text = _sentence(example)
    ET.SubElement(svg, "desc").text = _description(example)
    ET.SubElement(svg, "style").text = _style()
    ET.SubElement(svg, "rect", {"class": "page", "width": "100%", "height": "100%", "rx": "8"})
    _text(svg, MARGIN, 42, _sentence(example), "title")
    _text(svg, MARGIN, 66, "solid →  forward, the values", "forward")
    _text(svg, MARGIN + 256, 66, "dashed ←  backward, the derivatives of L by the chain rule", "backward")
    _inputs(svg, example, centre, centre - rows * PITCH / 2)
    _spine(svg, example, centre)
    for k, (note, kind) in enumerate(notes):
        _text(svg, MARGIN, graph_bottom + 28 + 20 * k, note, kind)
    return ET.tostring(svg, encoding="unicode")


def _sentence(example: Example) -> str:
    """The current result in one sentence."""
    v = example.values
    if "L" not in v:
        return f"One example with y = {number(v['y'])}: the loss is not computed yet"
    return f"The prediction a = {number(v['a'])} against y = {number(v['y'])} costs the loss L = {number(v['L'])}"


def _description(example: Example) -> str:
    forward = ", ".join(f"{node.name} = {number(node.value)}" for node in example.nodes)
    backward = ", ".join(f"{row.name} = {number(row.value)}" for row in example.derivatives)
    steps = [f"Forward: {forward}.", f"Backward: {backward}." if backward else "Backward: not computed yet."]
    return " ".join([*steps, *example.breaks])


def _notes(example: Example) -> list[tuple[str, str]]:
    """Lines under the drawing: the finite-difference check, then what breaks."""
    rows = example.derivatives
    if not rows:
        notes = [("The derivatives are not computed yet: —", "quiet")]
    elif all(row.agrees for row in rows):
        off = max(abs(row.difference) for row in rows)
        notes = [(f"✓ Every derivative agrees with its finite difference; the largest difference is {number(off, 2)}",
                  "backward")]  # fmt: skip
    else:
        names = [row.name for row in rows if not row.agrees]
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        notes = [(f"⚠ No finite difference can confirm {listed} at this z", "warning")]
    for sentence in example.breaks:
        lines = textwrap.wrap(f"⚠ {sentence}", 134, subsequent_indent="\u2003")
        notes += [(line, "warning") for line in lines]
    return notes


def _inputs(svg: ET.Element, example: Example, centre: float, top: float) -> None:
    """The column x1, w1, x2, w2, …, b with a line from each into z, and back to each parameter."""
    v, y = example.values, top + PITCH / 2
    local = {edge.source: edge for edge in example.edges}
    for j in example.features[:DRAWN]:
        name = example.names[j - 1]
        value = f"x{j} = {number(v[f'x{j}'])}"
        label = "given" if name == f"x{j}" else shorten(name, NODE_COLUMNS - len(value))
        _input(svg, y, label, "quiet", value, name)
        _lines(svg, y, centre, None)
        _parameter(svg, example, y + PITCH, f"w{j}")
        _lines(svg, y + PITCH, centre, _local(local[f"w{j}"].symbol, f"x{j}", local[f"w{j}"].derivative))
        y += 2 * PITCH
    more = len(example.x) - DRAWN
    if more > 0:
        _input(svg, y, f"… {more} more feature{'s' if more > 1 else ''}", "quiet", "", None)
        _lines(svg, y, centre, None)
        y += PITCH
    _parameter(svg, example, y, "b")
    _lines(svg, y, centre, _local("∂z/∂b", "", local["b"].derivative))


def _local(symbol: str, formula: str, derivative: float | None) -> str | None:
    """∂z/∂w1 = x1 = 2; None while backward has not been there."""
    if derivative is None:
        return None
    return " = ".join(part for part in (symbol, formula, number(derivative)) if part)


def _parameter(svg: ET.Element, example: Example, y: float, name: str) -> None:
    value, derivative = example.values[name], example.values.get(f"d{name}")
    left, right = f"{name} = {number(value)}", f"d{name} = {number(derivative)}"
    small = "small " if len(left + right) >= NODE_COLUMNS else ""
    group = _input(svg, y, left, f"{small}value", "", None)
    _text(group, MARGIN + NODE_WIDTH - 12, y + 5, right, f"{small}backward end")


def _input(svg: ET.Element, y: float, left: str, kind: str, right: str, tooltip: str | None) -> ET.Element:
    group = ET.SubElement(svg, "g")
    if tooltip is not None:
        ET.SubElement(group, "title").text = tooltip
    _rect(group, MARGIN, y - NODE_HEIGHT / 2, NODE_WIDTH, NODE_HEIGHT, "node" if "value" in kind else "given")
    _text(group, MARGIN + 12, y + 5, left, kind)
    _text(group, MARGIN + NODE_WIDTH - 12, y + 5, right, "value end")
    return group


def _lines(svg: ET.Element, y: float, centre: float, local: str | None) -> None:
    """The solid line into z, and if `local` is known the dashed line back with it written below."""
    start, turn, end = MARGIN + NODE_WIDTH, MARGIN + NODE_WIDTH + LEAD, LEFT
    up, down = y - 4, y + 4
    into, out = centre - 26, centre + 34
    bend = FAN * 0.55
    _path(svg, f"M{start:g} {up:g}H{turn:g}C{turn + bend:g} {up:g} {end - bend - 9:g} {into:g} {end - 9:g} {into:g}",
          "forward")  # fmt: skip
    _arrow(svg, end, into, 1, "forward")
    if local is not None:
        _path(svg, f"M{end:g} {out:g}C{end - bend:g} {out:g} {turn + bend:g} {down:g} {turn:g} {down:g}H{start + 9:g}",
              "backward")  # fmt: skip
        _arrow(svg, start, down, -1, "backward")
        _text(svg, start + 16, y + 18, local, "small backward")


def _spine(svg: ET.Element, example: Example, centre: float) -> None:
    """The boxes z, a, L with the arrows between them, and y above L."""
    v = example.values
    boxes = (
        ("z", "z = wᵀx + b", f"dz = {number(v.get('dz'))}", "∂L/∂z = a − y"),
        ("a", "a = σ(z)", f"da = {number(v.get('da'))}", "∂L/∂a"),
        ("L", "L(a, y)", "−(y log a +", "(1−y) log(1−a))"),
    )
    local = {edge.source: edge for edge in example.edges}
    for k, (name, formula, *below) in enumerate(boxes):
        left = LEFT + k * (BOX_WIDTH + GAP)
        middle, top = left + BOX_WIDTH / 2, centre - BOX_HEIGHT / 2
        _rect(svg, left, top, BOX_WIDTH, BOX_HEIGHT, "node")
        _text(svg, middle, top + 25, formula, "quiet middle")
        value = number(v.get(name))
        _text(svg, middle, top + 54, value, "big middle" if len(value) <= 8 else "large middle")
        _path(svg, f"M{left + 12:g} {top + 70:g}h{BOX_WIDTH - 24:g}", "hair")
        small = "small " if name == "L" or len(below[0]) > 13 else ""
        _text(svg, middle, top + 93, below[0], f"{small}quiet middle" if name == "L" else f"{small}backward middle")
        _text(svg, middle, top + 112, below[1], "small quiet middle")
        if k < 2:
            edge = local[name]
            _between(svg, left + BOX_WIDTH, centre, (edge.symbol, ("a(1 − a)", "")[k]), edge.derivative)
    middle, top = LEFT + 2.5 * BOX_WIDTH + 2 * GAP, centre - BOX_HEIGHT / 2
    _rect(svg, middle - BOX_WIDTH / 2, top - 34 - NODE_HEIGHT, BOX_WIDTH, NODE_HEIGHT, "given")
    _text(svg, middle, top - 34 - NODE_HEIGHT / 2 + 5, f"y = {number(v['y'])}", "value middle")
    _path(svg, f"M{middle:g} {top - 34:g}V{top - 9:g}", "forward")
    ET.SubElement(svg, "path", {"class": "tip forward", "d": f"M{middle:g} {top:g}l-4.5 -10h9z"})


def _between(svg: ET.Element, left: float, centre: float, words: tuple[str, str], derivative: float | None) -> None:
    """The arrow forward, and the dashed arrow back with the local derivative below it."""
    right, middle = left + GAP, left + GAP / 2
    _path(svg, f"M{left:g} {centre - 26:g}H{right - 9:g}", "forward")
    _arrow(svg, right, centre - 26, 1, "forward")
    if derivative is None:
        return
    _path(svg, f"M{right:g} {centre + 12:g}H{left + 9:g}", "backward")
    _arrow(svg, left, centre + 12, -1, "backward")
    lines = [word for word in (words[0], words[1] and f"= {words[1]}", f"= {number(derivative)}") if word]
    for k, line in enumerate(lines):
        _text(svg, middle, centre + 30 + 16 * k, line, "small backward middle")


def _text(parent: ET.Element, x: float, y: float, words: str, kind: str) -> None:
    if words:
        ET.SubElement(parent, "text", {"class": kind, "x": f"{x:g}", "y": f"{y:g}"}).text = words


def _rect(parent: ET.Element, x: float, y: float, width: float, height: float, kind: str) -> None:
    place = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": f"{height:g}"}
    ET.SubElement(parent, "rect", {"class": kind, "rx": "6", **place})


def _path(parent: ET.Element, d: str, kind: str) -> None:
    ET.SubElement(parent, "path", {"class": f"line {kind}", "d": d})


def _arrow(parent: ET.Element, x: float, y: float, direction: int, kind: str) -> None:
    """An arrow head with its tip at (x, y), looking right (1) or left (-1)."""
    ET.SubElement(parent, "path", {"class": f"tip {kind}", "d": f"M{x:g} {y:g}l{-10 * direction} -4.5v9z"})


def _style() -> str:
    """One set of rules, coloured twice. Attributes would be shorter, but could not follow the reader's scheme."""
    shape = (
        "text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif;"
        "font-variant-numeric:tabular-nums}"
        ".title{font-size:19px;font-weight:600}.big{font-size:21px;font-weight:600}.large{font-size:16px;font-weight:600}.small{font-size:12px}"
        ".middle{text-anchor:middle}.end{text-anchor:end}"
        ".line{fill:none;stroke-width:1.6}path.backward.line{stroke-dasharray:5 4}"
        "rect{stroke-width:1.4}rect.page{stroke:none}"
    )
    return _scoped(shape) + _colours(LIGHT) + "@media (prefers-color-scheme:dark){" + _colours(DARK) + "}"


def _colours(hue: dict[str, str]) -> str:
    return _scoped(
        f"rect.page{{fill:{hue['page']}}}text{{fill:{hue['text']}}}text.quiet{{fill:{hue['quiet']}}}"
        f"text.forward,text.big,text.large{{fill:{hue['forward']}}}text.backward{{fill:{hue['backward']}}}"
        f"text.warning{{fill:{hue['warning']}}}"
        f"rect.node{{fill:{hue['page']};stroke:{hue['forward']}}}rect.given{{fill:{hue['page']};stroke:{hue['hair']}}}"
        f".line.forward{{stroke:{hue['forward']}}}.line.backward{{stroke:{hue['backward']}}}"
        f".line.hair{{stroke:{hue['hair']}}}"
        f".tip.forward{{fill:{hue['forward']}}}.tip.backward{{fill:{hue['backward']}}}"
    )


def _scoped(rules: str) -> str:
    """Every selector under .steepest-graph: a drawing inside a page must not restyle the page."""
    scoped = []
    for rule in rules.split("}")[:-1]:
        selectors, body = rule.split("{")
        inner = ",".join(f".steepest-graph {selector}" for selector in selectors.split(","))
        scoped.append(f"{inner}{{{body}}}")
    return "".join(scoped)
