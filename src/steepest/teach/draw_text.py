"""The graph of one example drawn for the terminal: boxes and arrows with the numbers on them, at most 80 columns."""

from __future__ import annotations

import textwrap

from steepest.teach.example import Derivative, Example
from steepest.teach.wording import NOT_COMPUTED, columns, number, shorten

__all__ = ["draw"]

WIDTH = 80
DRAWN = 6  # features drawn before "… k more features"
LISTED = 24  # features listed in the tables
INPUTS = 17  # columns before the bracket that leads into z
BOX = 14  # columns inside a box
GAP = 4  # columns of an arrow


def draw(example: Example) -> str:
    """The whole drawing: a headline, the forward graph, the backward pass as a table, and what breaks."""
    parts = [_headline(example), _picture(example), _legend(example), _table(example), _checks(example)]
    return "\n\n".join(part for part in parts if part)


def _headline(example: Example) -> str:
    v = example.values
    features = "1 feature" if len(example.x) == 1 else f"{len(example.x)} features"
    return f"One example, {features}: a = {number(v.get('a'))}, y = {number(v['y'])}, loss L = {number(v.get('L'))}"


class _Canvas:
    """Rows of characters; text is put at a row and a column."""

    def __init__(self, rows: int) -> None:
        self.rows = [[" "] * WIDTH for _ in range(rows)]

    def put(self, row: int, column: int, text: str) -> None:
        """Write `text`, each letter one column wide, from `column` on."""
        self.rows[row][column : column + len(text)] = list(text)

    def box(self, row: int, column: int, lines: tuple[str, ...]) -> None:
        """A box of BOX inner columns around centred `lines`."""
        self.put(row, column, "┌" + "─" * BOX + "┐")
        for k, line in enumerate(lines, start=1):
            self.put(row + k, column, "│" + line.center(BOX) + "│")
        self.put(row + 1 + len(lines), column, "└" + "─" * BOX + "┘")

    def __str__(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows).rstrip()


def _picture(example: Example) -> str:
    v = example.values
    inputs = [f" {kind}{j} = {number(v[f'{kind}{j}'])}" for j in example.features[:DRAWN] for kind in "xw"]
    more = len(example.x) - DRAWN
    inputs += [f" … {more} more"] if more > 0 else []
    inputs.append(f" b = {number(example.b)}")
    centre = max((len(inputs) - 1) // 2, 3)
    top = centre - (len(inputs) - 1) // 2
    canvas = _Canvas(max(top + len(inputs), centre + 4))
    for k, line in enumerate(inputs):
        turn = "┐" if k == 0 else "┘" if k == len(inputs) - 1 else "┤"
        canvas.put(top + k, 0, line.ljust(INPUTS) + "─" + turn)
    canvas.put(centre, INPUTS + 1, "├" + "─" * (GAP - 2) + "▶")
    boxes = (("z", "z = wᵀx + b"), ("a", "a = σ(z)"), ("L", "L(a, y)"))
    for k, (name, formula) in enumerate(boxes):
        column = INPUTS + GAP + 1 + k * (BOX + 2 + GAP)
        canvas.box(centre - 1, column, (formula, f"= {number(v.get(name))}"))
        if k:
            canvas.put(centre, column - GAP, "─" * (GAP - 1) + "▶")
    middle = INPUTS + GAP + 1 + 2 * (BOX + 2 + GAP) + BOX // 2 + 1
    given = f"y = {number(v['y'])}"
    canvas.put(centre - 3, middle - len(given) // 2, given)
    canvas.put(centre - 2, middle, "▼")
    _backward(canvas, example, centre + 3)
    return str(canvas)


def _backward(canvas: _Canvas, example: Example, row: int) -> None:
    """The dashed way back under the boxes: dw, db ◀╌ dz ◀╌ da ╌ L."""
    left, v = INPUTS + GAP + 1, example.values
    canvas.put(row, left, "╌" * (3 * (BOX + 2) + 2 * GAP - BOX // 2 - 1) + "┘")
    canvas.put(row, left - 3, "◀╌╌")
    for name, place in (("dz", 0), ("da", 1)):
        column = left + place * (BOX + 2 + GAP)
        canvas.put(row, column, f" {name} = {number(v.get(name))} ".center(BOX + 2, "╌"))
        canvas.put(row, column + BOX + 2, "◀")


def _legend(example: Example) -> str:
    """Names of the features, where the reader gave any."""
    named = [(j, name) for j, name in zip(example.features, example.names, strict=True) if name != f"x{j}"]
    lines = [shorten(f" x{j} is {name}", WIDTH) for j, name in named[:LISTED]]
    return "\n".join(lines)


def _table(example: Example) -> str:
    """Each derivative on two lines: formula, local derivative, value; chain product, finite difference, difference."""
    known = {row.name: row for row in example.derivatives}
    title = "Backward, by the chain rule. The numerator under every d is L, the loss of this one example."
    lines = [
        *textwrap.wrap(title, WIDTH),
        "",
        _line("derivative", "formula", "local derivative", "value"),
        _check_line("chain product", "finite difference", "difference", ""),
        "─" * WIDTH,
    ]
    for name in example.order[4 : 6 + LISTED]:
        lines += _entry(name, known.get(name))
    hidden = len(example.x) - LISTED
    if hidden > 0:
        lines += [f"… {hidden} more features; `.derivatives` holds them all"]
        lines += _entry("db", known.get("db"))
    return "\n".join(lines)


def _entry(name: str, row: Derivative | None) -> list[str]:
    if row is None:
        return [_line(f"{name} = ∂L/∂{name[1:]}", NOT_COMPUTED, NOT_COMPUTED, NOT_COMPUTED)]
    inner = "" if row.local_formula == "itself" else f" = {row.local_formula}"
    local = f"{row.local_symbol}{inner} = {number(row.local)}"
    if row.local_formula == number(row.local):
        local = f"{row.local_symbol} = {row.local_formula}"
    formula = row.formula if name != "dz" else f"{row.formula} = {number(row.formula_value)}"
    product = f"{row.product} = {number(row.product_value)}"
    return [
        _line(f"{name} = {row.symbol}", formula, local, number(row.value)),
        _check_line(product, number(row.finite_difference), number(row.difference, 2), "✓" if row.agrees else " "),
    ]


def _line(name: str, formula: str, local: str, value: str) -> str:
    return f"{name:<15} {formula:<19} {local:<29} {value:>13}".rstrip()


def _check_line(product: str, difference: str, off: str, tick: str) -> str:
    return f"{'':15} {product:<31} {difference:>17} {off:>11} {tick}".rstrip()


def _checks(example: Example) -> str:
    """What breaks, in words, each sentence marked."""
    sentences = [textwrap.fill(f"⚠ {text}", WIDTH, subsequent_indent="  ") for text in example.breaks]
    assert all(columns(line) <= WIDTH for text in sentences for line in text.split("\n"))
    return "\n".join(sentences)
