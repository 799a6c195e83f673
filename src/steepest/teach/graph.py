"""The computation graph of ONE example, as an object: print it, draw it, save it, walk it, take a step with it.

    x1, w1, x2, w2, …, b  →  z = wᵀx + b  →  a = σ(z)  →  L(a, y)          forward, solid
    dw1, dw2, …, db  ←  dz = da · a(1 − a)  ←  da = −y/a + (1 − y)/(1 − a)  backward, by the chain rule

A `Graph` is frozen data; `forward()` and `backward()` return what is seen after each pass, so a class can look at a
graph whose derivatives are not yet there. What the numbers are is `steepest.teach.example`; this module is what one
does with them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from steepest import formulas
from steepest.teach import draw_svg, draw_text
from steepest.teach.example import Derivative, Edge, Example, Node
from steepest.teach.wording import clean, number

__all__ = ["Derivative", "Edge", "Graph", "Node", "Step", "graph"]

FORMAT = "steepest graph"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the walk: the formula in symbols, in numbers, the value, and the very line of code.

    `derivative` carries local derivative, chain product and finite difference of a backward step; `graph` is the
    graph as it looks after this step.
    """

    name: str
    formula: str
    numbers: str
    value: float | None
    code: str
    derivative: Derivative | None
    graph: Graph


@dataclass(frozen=True)
class Graph(Example):
    """The graph of one example; made by `graph(x, y, w, b)`.

    Data: `values`, `nodes`, `edges`, `derivatives`, `textbook`, `breaks` (see `steepest.teach.example.Example`).
    """

    def forward(self) -> Graph:
        """The graph after the forward pass only: z, a, L are known, derivatives are not."""
        return replace(self, seen="L")

    def backward(self) -> Graph:
        """The complete graph, all derivatives known."""
        return replace(self, seen="db")

    def step(self, learning_rate: float) -> Graph:
        """One gradient step on this one example: w_j := w_j − α dw_j, b := b − α db, all at once.

        Raises ValueError for a learning rate that is not a positive finite number, or if a parameter overflows.

        >>> before = graph([1.0, 2.0], 1.0, [0.0, 0.0], 0.0)
        >>> before.step(0.5).w, before.step(0.5).values["L"] < before.values["L"]
        ((0.25, 0.5), True)
        """
        rate = _numbers("learning_rate", learning_rate, 0)[0]
        if rate <= 0.0:
            raise ValueError(f"learning_rate is {learning_rate!r}, but a step needs a positive number, such as 0.1.")
        v = self.complete
        w = [v[f"w{j}"] - rate * v[f"dw{j}"] for j in self.features]
        return graph(self.x, self.y, w, self.b - rate * v["db"], names=self.names)

    def walk(self) -> Iterator[Step]:
        """Yield the steps start, z, a, L, da, dz, dw1, …, db; run in order, their lines of code give the same numbers.

        >>> for step in graph([2.0], 1.0, [0.5], 0.0).walk():
        ...     print(step.code)
        x, y, w, b = np.array([2.0]), 1.0, np.array([0.5]), 0.0
        z = np.dot(w, x) + b
        a = sigmoid(z)
        L = loss(z, y)
        da = -y / a + (1 - y) / (1 - a)
        dz = da * a * (1 - a)
        dw1 = x[0] * dz
        db = dz
        """
        lines = {row.name: row for row in self.backward().derivatives}
        for name, (formula, numbers, code) in self._lines().items():
            value = self.complete.get(name)
            filled = numbers if value is None else f"{name} = {numbers} = {number(value)}"
            yield Step(name, formula, filled, value, code, lines.get(name), replace(self, seen=name))

    def _lines(self) -> dict[str, tuple[str, str, str]]:
        """For each step: formula with symbols, with numbers filled in, line of code."""
        v, broken = self.complete, {name for name, _ in self._broken}
        n = {name: number(value) if value >= 0 else f"({number(value)})" for name, value in v.items()}
        rest, one_less_y = number(float(formulas.sigmoid(-v["z"]))), number(1.0 - self.y)
        terms = [f"{n[f'w{j}']}·{n[f'x{j}']}" for j in self.features]
        terms = terms if len(terms) <= 3 else [terms[0], "…", terms[-1]]
        given = ", ".join(f"{node.name} = {number(node.value)}" for node in self.nodes if node.name in n)
        start = f"x, y, w, b = np.array({list(self.x)}), {self.y}, np.array({list(self.w)}), {self.b}"
        da = ("-y / a + (1 - y) / (1 - a)", "-y / sigmoid(z) + (1 - y) / sigmoid(-z)")["da" in broken]
        dz = ("da * a * (1 - a)", "a - y")["dz" in broken]
        chain = (f"{n['da']} · {n['a']} · {rest}", f"{n['a']} − {n['y']}")["dz" in broken]
        lines = {
            "start": ("x, y are given; w, b are the parameters", given.split(", z")[0], start),
            "z": (f"z = {self.sum_formula}", " + ".join([*terms, n["b"]]), "z = np.dot(w, x) + b"),
            "a": ("a = σ(z) = 1/(1 + e^(−z))", f"1/(1 + e^(−{n['z']}))", "a = sigmoid(z)"),
            "L": (
                "L = −(y log a + (1 − y) log(1 − a))",
                f"−({n['y']}·log {n['a']} + {one_less_y}·log {rest})",
                "L = loss(z, y)",
            ),
            "da": ("da = −y/a + (1 − y)/(1 − a)", f"−{n['y']}/{n['a']} + {one_less_y}/{rest}", f"da = {da}"),
            "dz": ("dz = da · a(1 − a) = a − y", chain, f"dz = {dz}"),
        }
        for j in self.features:
            lines[f"dw{j}"] = (f"dw{j} = x{j} · dz", f"{n[f'x{j}']} · {n['dz']}", f"dw{j} = x[{j - 1}] * dz")
        return lines | {"db": ("db = dz", "dz", "db = dz")}

    def __str__(self) -> str:
        """The drawing for the terminal, at most 80 columns."""
        return draw_text.draw(self)

    def to_svg(self) -> str:
        """The drawing as SVG, for light and dark pages; states its result in <title> and <desc>."""
        return draw_svg.draw(self)

    def _repr_svg_(self) -> str:
        return self.to_svg()

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON: floats as they are, infinities and NaN as "Infinity", "-Infinity", "NaN"."""
        inputs = {"x": list(self.x), "y": self.y, "w": list(self.w), "b": self.b, "names": list(self.names)}
        document = {
            "format": FORMAT,
            "version": VERSION,
            "inputs": inputs,
            "seen": self.seen,
            "nodes": [asdict(node) for node in self.nodes],
            "edges": [asdict(edge) for edge in self.edges],
            "derivatives": [asdict(derivative) for derivative in self.derivatives],
            "values": dict(self.values),
            "textbook": dict(self.textbook),
            "breaks": list(self.breaks),
        }
        spelled: dict[str, Any] = _spell(document)
        return spelled

    @classmethod
    def from_dict(cls, document: Any) -> Graph:
        """The graph that `to_dict` described. Its numbers are computed again and must be those of the document.

        Raises ValueError if it is not such a document, or if its values do not belong to its inputs.
        """
        if not isinstance(document, dict) or document.get("format") != FORMAT or document.get("version") != VERSION:
            raise ValueError(f'This is no graph: "format": "{FORMAT}", "version": {VERSION} is missing; use to_dict().')
        try:
            inputs, seen, values = document["inputs"], document["seen"], dict(document["values"])
            read = graph(inputs["x"], inputs["y"], inputs["w"], inputs["b"], names=inputs["names"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"The graph's document is incomplete: {error}; save it again with to_dict().") from error
        if seen not in read.order:
            raise ValueError(f'"seen" is {seen!r}, but must be one of {", ".join(read.order)}.')
        read = replace(read, seen=seen)
        if values.keys() != read.values.keys():
            raise ValueError(f"The values named are {sorted(values)}, but must be {sorted(read.values)}.")
        for name, value in read.values.items():
            stored = _unspell(name, values[name])
            if not (stored == value or math.isclose(stored, value, rel_tol=1e-9, abs_tol=1e-12)):
                raise ValueError(f"{name} is {stored} in the document, but its inputs give {value}; it was changed.")
        return read

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph as JSON; the file is replaced whole or not at all."""
        target = Path(path)
        text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Graph:
        """Read what `save` wrote; ValueError if it is something else."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)} is not JSON: {error}; save a graph with save().") from error
        return cls.from_dict(document)


def graph(x: ArrayLike, y: float, w: ArrayLike, b: float, *, names: Sequence[str] | None = None) -> Graph:
    """The complete computation graph of one example.

    x (n,), w (n,): features and weights, n ≥ 1; y in [0, 1]: the label; b: the intercept; names (n,): labels of the
    features for the drawings (the ids stay x1, x2, …).

    Raises ValueError if shapes differ, a number is missing, not finite or no number at all, or y is outside [0, 1].

    >>> g = graph([1.0, 2.0], 1.0, [0.0, 0.0], 0.0)
    >>> g.values["a"], g.values["dz"], g.values["dw2"], g.values["db"]
    (0.5, -0.5, -1.0, -0.5)
    >>> "dz" in g.forward().values
    False
    """
    x_, w_ = _numbers("x", x, 1), _numbers("w", w, 1)
    y_, b_ = _numbers("y", y, 0)[0], _numbers("b", b, 0)[0]
    if len(x_) != len(w_):
        raise ValueError(f"x has {len(x_)} features, but w has {len(w_)} weights; give one weight for each feature.")
    if not 0.0 <= y_ <= 1.0:
        raise ValueError(f"y is {y_}, but a label lies in [0, 1]; write the two classes as 0 and 1.")
    labels = tuple(f"x{j}" for j in range(1, len(x_) + 1)) if names is None else tuple(names)
    if isinstance(names, str) or len(labels) != len(x_) or not all(isinstance(name, str) for name in labels):
        raise ValueError(f"names is {names!r}, but must hold one text for each of the {len(x_)} features.")
    made = Graph(x_, y_, w_, b_, tuple(clean(name) for name in labels), "db")
    if not math.isfinite(made.z):
        raise ValueError(f"z = wᵀx + b is {made.z}: it left the range of floats; rescale x or w.")
    return made


def _numbers(name: str, given: Any, dimensions: int) -> tuple[float, ...]:
    """`given` as floats: one number (dimensions 0), or a non-empty row of them (1; a single number is a row of one)."""
    try:
        array = np.asarray(given)
    except ValueError:
        raise ValueError(f"{name} is ragged: {given!r}; give numbers in one row.") from None
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise ValueError(f"{name} is {given!r}, but must be {'numbers' if dimensions else 'a number'}.")
    if array.ndim > dimensions:
        wanted = "one example in one dimension; use .ravel()" if dimensions else "a single number"
        raise ValueError(f"{name} has shape {array.shape}, but must be {wanted}.")
    numbers = tuple(array.astype(np.float64).ravel().tolist())
    bad = [value for value in numbers if not math.isfinite(value)]
    if bad:
        raise ValueError(f"{name} holds {bad[0]}, but every number must be finite; drop or fill it in first.")
    return numbers


def _spell(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _spell(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_spell(value) for value in part]
    if isinstance(part, float) and not math.isfinite(part):
        return "NaN" if math.isnan(part) else "Infinity" if part > 0 else "-Infinity"
    return part


def _unspell(name: str, value: Any) -> float:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in {"NaN", "Infinity", "-Infinity"}:
        return float(value)
    raise ValueError(f"{name} is {value!r} in the document, but must be a number.")
