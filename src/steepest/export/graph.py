"""A model as an ONNX graph: one input per column, float64 throughout, the guard rails as outputs.

    inputs    name (N, 1): double for a number, NaN where it is missing; string for a category, "" where it is missing
              (if "" is a level of the category, it is that level, and nothing says missing)
    outputs   probability (N,) and, of K classes, probabilities (N, K), double; NaN where the row is refused
              predicted (N,) string, "" where the row is refused
              unseen, missing, out_of_range (N,) int64; out_of_range is left out where no range is known

Numbers are handled together, as the columns of one matrix. Each category is looked up: text -> place -> what it adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from steepest import __version__
from steepest.data.arrays import LARGEST
from steepest.data.quoting import quoted
from steepest.errors import DataError
from steepest.model import Model
from steepest.portable.terms import CategoryTerm, NumberTerm
from steepest.types import Floats

__all__ = ["onnx"]

OPSET, ML_OPSET, IR = 17, 3, 8  # of 2022: read by onnxruntime from 1.14 on
OUTPUTS = ("probability", "probabilities", "predicted", "unseen", "missing", "out_of_range")


@dataclass(frozen=True, slots=True)
class _Graph:
    """Nodes and constants on their way into a graph; every edge gets a name that no column has."""

    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, value: Any, dtype: Any) -> str:
        """The name of a constant."""
        name = f"steepest:c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, kind: str, *inputs: str, out: str | None = None, domain: str = "", **attributes: Any) -> str:
        """A node; the name of its output."""
        name = out or f"steepest:n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], domain=domain, **attributes))
        return name

    def total(self, parts: Sequence[str], out: str | None = None) -> str:
        """The sum of some edges, as a balanced tree: the operator Sum takes no integers."""
        if len(parts) == 1:
            return self.add("Identity", parts[0], out=out)
        half = len(parts) // 2
        left, right = (side[0] if len(side) == 1 else self.total(side) for side in (parts[:half], parts[half:]))
        return self.add("Add", left, right, out=out)


@dataclass(frozen=True, slots=True)
class _Said:
    """Edges: what is added to z (N, K or 1), counts (N, 1) int64, and whether rows are refused (N, 1)."""

    z: list[str]
    missing: list[str]
    unseen: list[str]
    outside: list[str]
    refused: list[str]


def onnx(model: Model) -> bytes:
    """The graph of the model as bytes of a file, checked by `onnx.checker`.

    Raises DataError for a column with the name of an output.
    """
    names = [column.name for column in model.schema.columns]
    for name in names:
        if name in OUTPUTS or name.startswith("steepest:") or not name:
            raise DataError(f"the column {quoted(name)} has the name of an output, or none: rename it, and fit again")
    graph = _Graph()
    said = _Said([], [], [], [], [])
    numbers = [term for term in model.terms if isinstance(term, NumberTerm)]
    if numbers:
        _numbers(graph, numbers, said)
    for term in model.terms:
        if isinstance(term, CategoryTerm):
            _category(graph, term, said)
    inputs, outputs = list(_inputs(model)), list(_finish(graph, model, said))
    made = helper.make_model(
        helper.make_graph(graph.nodes, "steepest", inputs, outputs, initializer=graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)],
        producer_name="steepest", producer_version=__version__, ir_version=IR,
    )  # fmt: skip
    checker.check_model(made)
    text: bytes = made.SerializeToString()
    return text


def _inputs(model: Model) -> Iterator[Any]:
    for column in model.schema.columns:
        kind = TensorProto.DOUBLE if column.kind == "number" else TensorProto.STRING
        yield helper.make_tensor_value_info(column.name, kind, ["N", 1])


def _numbers(graph: _Graph, terms: Sequence[NumberTerm], said: _Said) -> None:
    """All numbers as X (N, p): z = (X with 0 for what is missing) W + (what is missing) A."""
    X = graph.add("Concat", *(term.name for term in terms), axis=1)
    absent = graph.add("IsNaN", X)
    size = graph.add("Abs", X)
    beyond = graph.add("Greater", size, graph.constant(LARGEST, np.float64))
    unusable = graph.add("Or", absent, beyond)
    clean = graph.add("Where", unusable, graph.constant(0.0, np.float64), X)
    said.z.append(graph.add("MatMul", clean, graph.constant([term.weight for term in terms], np.float64)))
    nothing = (0.0,) * len(terms[0].weight)
    if any(term.at_missing is not None for term in terms):
        adds = graph.constant([term.at_missing or nothing for term in terms], np.float64)
        said.z.append(graph.add("MatMul", graph.add("Cast", absent, to=TensorProto.DOUBLE), adds))
    refusing = graph.constant([[term.at_missing is None for term in terms]], np.bool_)
    refused = graph.add("Or", beyond, graph.add("And", absent, refusing))
    said.refused.append(_any(graph, refused))
    said.missing.append(_count(graph, absent))
    limits = np.array([term.limits or (-LARGEST, LARGEST) for term in terms]).T
    below = graph.add("Less", X, graph.constant(limits[:1], np.float64))
    above = graph.add("Greater", X, graph.constant(limits[1:], np.float64))
    said.outside.append(_count(graph, graph.add("Or", below, above)))


def _count(graph: _Graph, mask: str) -> str:
    """How many of each row are true, (N, 1)."""
    return graph.add(
        "ReduceSum", graph.add("Cast", mask, to=TensorProto.INT64), graph.constant([1], np.int64), keepdims=1
    )


def _any(graph: _Graph, mask: str) -> str:
    return graph.add("Greater", _count(graph, mask), graph.constant(0, np.int64))


def _category(graph: _Graph, term: CategoryTerm, said: _Said) -> None:
    """Text -> place: 0 for unseen, 1 for missing, then the levels; place -> what it adds (levels + 2, K)."""
    places = {text: k + 2 for k, text in enumerate(term.levels)}
    places.setdefault("", 1)
    place = graph.add(
        "LabelEncoder", term.name, domain="ai.onnx.ml", keys_strings=list(places), values_int64s=list(places.values()),
        default_int64=0,
    )  # fmt: skip
    width = len(next(iter(term.levels.values()), term.at_missing or term.at_unseen or (0.0,)))
    nothing = (0.0,) * width
    table = [term.at_unseen or nothing, term.at_missing or nothing, *term.levels.values()]
    said.z.append(graph.add("GatherND", graph.constant(table, np.float64), place))
    for which, counts, adds in ((0, said.unseen, term.at_unseen), (1, said.missing, term.at_missing)):
        mask = graph.add("Equal", place, graph.constant(which, np.int64))
        counts.append(graph.add("Cast", mask, to=TensorProto.INT64))
        if adds is None:
            said.refused.append(mask)


def _finish(graph: _Graph, model: Model, said: _Said) -> Iterator[Any]:
    """From what is added to the outputs, each with its type."""
    intercept = graph.constant(np.array([model.intercepts]), np.float64)
    z = graph.total([intercept, *said.z])
    refused = graph.add("Less", said.missing[0], graph.constant(0, np.int64))  # false, and there is one for each row
    for mask in said.refused:
        refused = graph.add("Or", refused, mask)
    nan = graph.constant(np.nan, np.float64)
    flat = graph.constant([-1], np.int64)
    if len(model.classes) == 2:
        share = graph.add("Where", refused, nan, _sigmoid(graph, z))
        graph.add("Reshape", share, flat, out="probability")
        place = graph.add("Cast", graph.add("Greater", z, graph.constant(0.0, np.float64)), to=TensorProto.INT64)
    else:
        shares = graph.add("Where", refused, nan, graph.add("Softmax", z, axis=1), out="probabilities")
        top = graph.add("ReduceMax", shares, axes=[1], keepdims=1)
        graph.add("Reshape", top, flat, out="probability")
        place = graph.add("ArgMax", z, axis=1, keepdims=1)
        yield helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["N", len(model.classes)])
    known = graph.add("Where", refused, graph.constant(-1, np.int64), place)
    labels = graph.add(
        "LabelEncoder", known, domain="ai.onnx.ml", keys_int64s=list(range(len(model.classes))),
        values_strings=[str(label) for label in model.classes], default_string="",
    )  # fmt: skip
    graph.add("Reshape", labels, flat, out="predicted")
    yield helper.make_tensor_value_info("probability", TensorProto.DOUBLE, ["N"])
    yield helper.make_tensor_value_info("predicted", TensorProto.STRING, ["N"])
    none = graph.add("Mul", graph.add("Cast", refused, to=TensorProto.INT64), graph.constant(0, np.int64))
    counts = [("unseen", said.unseen), ("missing", said.missing)]
    counts += [("out_of_range", said.outside)] if model.provenance.ranges is not None else []
    for name, parts in counts:
        graph.add("Reshape", graph.total([none, *parts]), flat, out=name)
        yield helper.make_tensor_value_info(name, TensorProto.INT64, ["N"])


def _sigmoid(graph: _Graph, z: str) -> str:
    """From e = exp(-|z|), as `formulas.sigmoid`: nothing overflows."""
    one = graph.constant(1.0, np.float64)
    e = graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))
    up = graph.add("GreaterOrEqual", z, graph.constant(0.0, np.float64))
    return graph.add("Div", graph.add("Where", up, one, e), graph.add("Add", one, e))


def feeds(model: Model, columns: Sequence[Sequence[Any]]) -> dict[str, Floats | NDArray[Any]]:
    """Columns of cells (None: missing) as the inputs of the graph."""
    given: dict[str, Any] = {}
    for column, cells in zip(model.schema.columns, columns, strict=True):
        if column.kind == "number":
            given[column.name] = np.array([[np.nan if cell is None else cell] for cell in cells], dtype=np.float64)
        else:
            given[column.name] = np.array([["" if cell is None else str(cell)] for cell in cells], dtype=object)
    return given
