"""What was asked for on the command line, one frozen record per command. Names are those of the options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AgreeOptions",
    "ColumnOptions",
    "ExplainOptions",
    "ExportOptions",
    "FitOptions",
    "ForecastOptions",
    "PredictOptions",
    "SchemaOptions",
    "ShowOptions",
    "VerifyOptions",
]


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """Which columns of a table are read, as what, and what is done about their values."""

    columns: tuple[tuple[str, ...], ...]
    drop: tuple[str, ...]
    missing: tuple[str, ...]
    unseen: tuple[str, ...]
    rare: tuple[str, ...]
    reference: tuple[str, ...]
    category: tuple[str, ...]
    na: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class FitOptions(ColumnOptions):
    """`steepest fit`."""

    file: str | None
    target: str | None
    method: Literal["auto", "gd", "momentum", "nesterov", "newton"]
    tol: float
    learning_rate: float | Literal["safe"] | None
    iterations: int | None
    tolerance: float
    gradient_tolerance: float
    budget: float | None
    l2: float
    l1: float
    standardize: bool
    positive: str | None
    weights: str | None
    schema: str | None
    kernel: Literal["auto", "loop", "vectorised", "gram"]
    threads: int | None
    spool: str | None
    disk: int | None
    memory: int | None
    resume: bool
    json: bool
    out: str | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class SchemaOptions(ColumnOptions):
    """`steepest schema`."""

    file: str
    target: str | None
    weights: str | None
    text: bool


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """`steepest explain`."""

    file: str | None
    target: str | None
    row: int | None
    x: tuple[float, ...] | None
    y: float | None
    w: tuple[float, ...] | None
    b: float | None
    model: str | None
    columns: tuple[tuple[str, ...], ...]
    drop: tuple[str, ...]
    learning_rate: float | None
    step_by_step: bool
    svg: str | None
    json: bool


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """`steepest predict`."""

    model: str
    file: str
    certified: bool
    lenient: bool
    out: str | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """`steepest verify`."""

    model: str
    file: str
    target: str | None
    weights: str | None
    json: bool


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """`steepest show`."""

    model: str
    json: bool


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """`steepest export`."""

    model: str
    to: Literal["sql", "python", "onnx"]
    table: str
    key: tuple[str, ...]
    check: bool
    out: str | None
    quiet: bool


@dataclass(frozen=True, slots=True)
class AgreeOptions:
    """`steepest agree`."""

    file: str | None
    target: str | None
    columns: tuple[tuple[str, ...], ...]
    drop: tuple[str, ...]
    seed: int
    json: bool


@dataclass(frozen=True, slots=True)
class ForecastOptions(ColumnOptions):
    """`steepest forecast`."""

    file: str | None
    target: str | None
    shape: tuple[int, int] | None
    spool: str | None
    l2: float
    tol: float
    json: bool
