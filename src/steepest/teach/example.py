"""ONE example as data: its nodes, its edges with the local derivatives, and the textbook chain with its limits.

    x1, w1, x2, w2, …, b  →  z = wᵀx + b  →  a = σ(z)  →  L(a, y)
    da = ∂L/∂a = −y/a + (1 − y)/(1 − a)      dz = da · a(1 − a) = a − y      dw_j = x_j · dz      db = dz

Backward goes by the textbook chain, digit for digit. It breaks in floating point: from z = 36.7 on, a is exactly 1, so
1 − a is 0 and the chain says infinity · 0; on the other side a leaves the floats near z = −710. There `breaks` says in
words what happened, and the values come from z instead: 1 − a = σ(−z), dz = a − y. What the textbook would have given
stays readable in `textbook`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steepest import formulas
from steepest.teach.wording import number

__all__ = ["Derivative", "Edge", "Example", "Node"]

# Truncation (h²) and rounding (eps / h) of a central difference balance near the cube root of eps, which is 6e-6.
RELATIVE_STEP = 1e-5
# A derivative agrees if it differs by no more than the rounding of the differences, which is near 1e-10.
AGREES, EPS = 1e-7, float(np.finfo(np.float64).eps)
# Up to |z| = 36 the rounding of `a` never makes a textbook line wrong by more than half; a line that is, is broken.
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the graph: `Node("z", "w1·x1 + w2·x2 + b", 0.85)`. `value` is None until it is computed."""

    name: str
    formula: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow with its local derivative: `Edge("w1", "z", "∂z/∂w1", "x1", 2.0)`; None until backward passed it."""

    source: str
    target: str
    symbol: str
    formula: str
    derivative: float | None


@dataclass(frozen=True, slots=True)
class Derivative:
    """One line of the backward pass, every number beside its check.

    name, symbol         "dw1", "∂L/∂w1": the numerator is always L, the loss of this one example
    formula              "x1 · dz", with `formula_value`; for dz it is "a − y", the stable form
    local_symbol         "∂z/∂w1", with `local_formula` "x1" and its number `local`
    product              "dz · ∂z/∂w1", the chain rule; `product_value` may be NaN where the textbook chain breaks
    value                what the graph uses: the product while it is finite, else the stable form
    finite_difference    (L(+h) − L(−h)) / 2h; `difference` = value − finite_difference; `agrees` if it is only rounding
    """

    name: str
    symbol: str
    formula: str
    formula_value: float
    local_symbol: str
    local_formula: str
    local: float
    product: str
    product_value: float
    value: float
    finite_difference: float
    difference: float
    agrees: bool


@dataclass(frozen=True)
class Example:
    """One example (x, y) at the parameters (w, b), seen up to the value named `seen`; all else follows from these.

    x, w (n,) as tuples of floats, y in [0, 1], b; `names` (n,) are the labels of the features.
    """

    x: tuple[float, ...]
    y: float
    w: tuple[float, ...]
    b: float
    names: tuple[str, ...]
    seen: str

    @property
    def order(self) -> tuple[str, ...]:
        """The order of computation: start, z, a, L, da, dz, dw1, …, db."""
        return ("start", "z", "a", "L", "da", "dz", *(f"dw{j}" for j in self.features), "db")

    @property
    def features(self) -> range:
        """1, …, n: the seeds count features from 1."""
        return range(1, len(self.x) + 1)

    @property
    def z(self) -> float:
        """wᵀx + b, whatever was seen."""
        return _dot(self.w, self.x) + self.b

    def known(self, name: str) -> bool:
        """Is `name` computed at this point of the walk? Inputs always are."""
        return name not in self.order or self.order.index(name) <= self.order.index(self.seen)

    @cached_property
    def complete(self) -> dict[str, float]:
        """Every value, whatever was seen: x1, w1, …, b, y, z, a, L, da, dz, dw1, …, db."""
        x, y, z, book = self.x, self.y, self.z, self.textbook
        a = float(formulas.sigmoid(z))
        broken = {name for name, _ in self._broken}
        values = {k: v for j in self.features for k, v in ((f"x{j}", x[j - 1]), (f"w{j}", self.w[j - 1]))}
        values |= {"b": self.b, "y": y, "z": z, "a": a, "L": float(formulas.loss(z, y))}
        values["da"] = sum(_terms(z, y)) if "da" in broken else book["da"]
        values["dz"] = dz = float(formulas.dz(a, y)) if "dz" in broken else book["dz"]
        return values | {f"dw{j}": x[j - 1] * dz for j in self.features} | {"db": dz}

    @cached_property
    def values(self) -> dict[str, float]:
        """What is computed so far, by name; a value not yet seen is absent, never 0."""
        return {name: value for name, value in self.complete.items() if self.known(name)}

    @cached_property
    def textbook(self) -> dict[str, float]:
        """L, da and dz exactly as the textbook writes them, through `a` alone: infinite or NaN at the extremes."""
        a = np.float64(formulas.sigmoid(self.z))
        y = np.float64(self.y)
        with np.errstate(all="ignore"):
            L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
            da = -y / a + (1 - y) / (1 - a)
            dz = da * a * (1 - a)
        return {"L": float(L), "da": float(da), "dz": float(dz)}

    @cached_property
    def _broken(self) -> tuple[tuple[str, str], ...]:
        """Which textbook lines fail at this z, and the formula of each."""
        z, book = self.z, self.textbook
        loss, terms = float(formulas.loss(z, self.y)), _terms(z, self.y)
        size = sum(map(abs, terms))
        broken = []
        if not abs(book["L"] - loss) <= HALF * loss:
            broken.append(("L", "−(y log a + (1 − y) log(1 − a))"))
        if not (math.isfinite(book["da"]) and (math.isinf(size) or abs(book["da"] - sum(terms)) <= HALF * size)):
            broken.append(("da", "−y/a + (1 − y)/(1 − a)"))
        if not math.isfinite(book["dz"]):
            broken.append(("dz", "da · a(1 − a)"))
        return tuple(broken)

    @cached_property
    def breaks(self) -> tuple[str, ...]:
        """Plain sentences: which textbook formulas give nonsense at this z, and what the graph uses instead."""
        v = self.complete
        where = f"1 − a is {number(1 - v['a'])}" if v["a"] > 1e-300 else f"a is {number(v['a'])}"
        instead = {
            "L": f"L is computed from z: {number(v['L'])}",
            "da": f"with 1 − a = σ(−z) it is {number(v['da'])}",
            "dz": f"dz takes a − y = {number(v['dz'])}",
        }
        if math.isinf(v["da"]):
            instead["da"] = f"the true da is too large for a float, so it is shown as {number(v['da'])}"
        return tuple(
            f"At z = {number(v['z'])}, {where} in floating point: the textbook {name} = {formula} gives "
            f"{number(self.textbook[name])}; {instead[name]}."
            for name, formula in self._broken
            if self.known(name)
        )

    @property
    def nodes(self) -> tuple[Node, ...]:
        """x1, w1, x2, w2, …, b, y, z, a, L in this order."""
        given = [(f"{kind}{j}", "given" if kind == "x" else "parameter") for j in self.features for kind in "xw"]
        given += [("b", "parameter"), ("y", "given"), ("z", self.sum_formula), ("a", "σ(z)")]
        given += [("L", "−(y log a + (1 − y) log(1 − a))")]
        return tuple(Node(name, formula, self.values.get(name)) for name, formula in given)

    @property
    def sum_formula(self) -> str:
        """w1·x1 + w2·x2 + b; only the first and the last term of more than three features."""
        terms = [f"w{j}·x{j}" for j in self.features]
        return " + ".join([*(terms if len(terms) <= 3 else [terms[0], "…", terms[-1]]), "b"])

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All arrows of the forward pass; each holds its local derivative once the backward pass has used it."""
        v, edges = self.complete, []
        for j in self.features:
            edges.append((f"x{j}", "z", f"w{j}", v[f"w{j}"], f"dw{j}"))
            edges.append((f"w{j}", "z", f"x{j}", v[f"x{j}"], f"dw{j}"))
        edges.append(("b", "z", "1", 1.0, "db"))
        edges.append(("z", "a", "a(1−a)", float(formulas.curvature(v["z"])), "dz"))
        edges.append(("a", "L", "−y/a + (1−y)/(1−a)", v["da"], "da"))
        edges.append(("y", "L", "log(1−a) − log a = −z", 0.0 - v["z"], "da"))
        return tuple(
            Edge(source, target, f"∂{target}/∂{source}", formula, value if self.known(used_by) else None)
            for source, target, formula, value, used_by in edges
        )

    @cached_property
    def derivatives(self) -> tuple[Derivative, ...]:
        """da, dz, dw1, …, dwn, db as far as they are seen, each with its formula, chain product and check."""
        v = self.complete
        size = sum(map(abs, _terms(v["z"], self.y)))
        if v["da"] == self.textbook["da"] and v["a"] < 1.0:  # as far off as the rounding of a makes 1 − a
            size *= 1.0 + EPS / AGREES / (1.0 - v["a"])
        a_minus_y, slope = float(formulas.dz(v["a"], self.y)), float(formulas.curvature(v["z"]))
        rows = [
            self._row("da", "−y/a + (1−y)/(1−a)", v["da"], ("∂L/∂a", "itself", v["da"]), ("∂L/∂a", v["da"]), size),
            self._row("dz", "a − y", a_minus_y, ("∂a/∂z", "a(1−a)", slope), ("da · ∂a/∂z", self.textbook["dz"]), 1.0),
        ]
        for k, x, xj in [*((f"w{j}", f"x{j}", self.x[j - 1]) for j in self.features), ("b", "1", 1.0)]:
            symbol, value, formula = f"∂z/∂{k}", v[f"d{k}"], "dz" if k == "b" else f"{x} · dz"
            product = (f"dz · {symbol}", xj * v["dz"])
            rows.append(self._row(f"d{k}", formula, value, (symbol, x, xj), product, abs(xj)))
        return tuple(row for row in rows if row is not None)

    def _row(
        self,
        name: str,
        formula: str,
        formula_value: float,
        local: tuple[str, str, float],
        product: tuple[str, float],
        scale: float,
    ) -> Derivative | None:
        """The line of derivative `name`, with rounding errors in proportion to `scale`; None if it is not seen yet."""
        if not self.known(name):
            return None
        value = self.complete[name]
        with np.errstate(all="ignore"):
            difference = self._finite_difference(name[1:])
        off = value - difference if math.isfinite(value) else math.nan
        agrees = bool(abs(off) <= AGREES * max(scale, abs(value)) * self._amplified)
        symbol = f"∂L/∂{name[1:]}"
        return Derivative(name, symbol, formula, formula_value, *local, *product, value, difference, off, agrees)

    @property
    def _amplified(self) -> float:
        """How much the sum wᵀx + b cancels: the rounding of z grows by it, and so does that of the differences."""
        size = sum(abs(w * x) for w, x in zip(self.w, self.x, strict=True)) + abs(self.b)
        return max(1.0, size / max(1.0, abs(self.complete["z"])))

    def _finite_difference(self, of: str) -> float:
        """(L(+h) − L(−h)) / 2h with `of` ("a", "z", "w1", …, "b") moved by h, the loss computed anew from there."""
        z, y = self.complete["z"], self.y
        if of == "a":
            return _difference_in_a(z, y)
        h = RELATIVE_STEP * max(1.0, abs(z))
        if of == "z":
            high, low = z + h, z - h
            return float(formulas.loss(high, y) - formulas.loss(low, y)) / (high - low)
        theta, factor, j = [*self.w, self.b], [*self.x, 1.0], len(self.w) if of == "b" else int(of[1:]) - 1
        if factor[j] != 0.0:  # move z by h, whatever the unit of this column
            h = min(h / abs(factor[j]), 1e300)
        high, low = theta[j] + max(h, math.ulp(theta[j])), theta[j] - max(h, math.ulp(theta[j]))
        losses = []
        for moved in (high, low):
            theta[j] = moved
            losses.append(float(formulas.loss(_dot(theta[:-1], self.x) + theta[-1], y)))
        return (losses[0] - losses[1]) / (high - low)


def _dot(w: Sequence[float], x: Sequence[float]) -> float:
    """wᵀx; an overflow is seen by its infinite value, not by a warning."""
    with np.errstate(all="ignore"):
        return float(np.dot(np.asarray(w), np.asarray(x)))


def _terms(z: float, y: float) -> tuple[float, float]:
    """The two terms of da, −y/a and (1 − y)/(1 − a), with 1 − a = σ(−z): right as long as they fit into a float."""
    share: NDArray[np.float64] = np.array([-y, 1.0 - y])
    with np.errstate(all="ignore"):
        terms = np.where(share == 0.0, 0.0, share / formulas.sigmoid(np.array([z, -z])))
    return float(terms[0]), float(terms[1])


def _difference_in_a(z: float, y: float) -> float:
    """The central difference of L(a) in a itself; near a = 1 in p = 1 − a, whose floats are dense there.

    NaN where a or 1 − a underflows (|z| > 690): no step fits between p and 0.
    """
    p = float(formulas.sigmoid(-abs(z)))
    if p < 1e-300:
        return math.nan
    near, far = (1.0 - y, y) if z > 0.0 else (y, 1.0 - y)  # L = −(near · log p + far · log(1 − p))
    high, low = p * (1.0 + RELATIVE_STEP), p * (1.0 - RELATIVE_STEP)
    losses = [-(near * math.log(q) + far * math.log1p(-q)) for q in (high, low)]
    slope = (losses[0] - losses[1]) / (high - low)
    return -slope if z > 0.0 else slope
