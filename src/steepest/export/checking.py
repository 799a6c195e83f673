"""An export is run on the model's parity rows before it is handed out, by the engine that it is written for."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from steepest.errors import DataError
from steepest.export.select import sql
from steepest.model import Model
from steepest.portable.parity import block_of
from steepest.portable.predicting import allowance

__all__ = ["check_onnx", "check_python", "check_sql", "compare"]

SECONDS = 60.0
COUNTS = ("missing", "unseen", "out_of_range")


def check_sql(model: Model) -> str:
    """Run the SELECT in DuckDB: what was done, in words; DataError if a row comes out otherwise."""
    if find_spec("duckdb") is None:
        return "not checked: DuckDB is not installed (pip install duckdb)"
    if not model.parity.rows:
        return "not checked: the model has no parity rows"
    duckdb = import_module("duckdb")
    columns = model.schema.columns
    kinds = [("DOUBLE" if column.kind == "number" else "VARCHAR") for column in columns]
    query = sql(model, "parity", keys=["steepest row"])
    fields = ", ".join(
        f'"{column.name.replace(chr(34), chr(34) * 2)}" {kind}' for column, kind in zip(columns, kinds, strict=True)
    )
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute(f'CREATE TABLE "parity" ("steepest row" INTEGER, {fields})')
        places = ", ".join("?" * (len(columns) + 1))
        for i, row in enumerate(model.parity.rows):
            connection.execute(f'INSERT INTO "parity" VALUES ({places})', [i, *row])  # noqa: S608 - no name in it
        found = connection.execute(f"SELECT * FROM ({query.rstrip()}) ORDER BY 1").fetchall()  # noqa: S608
    outputs = len(model.intercepts)
    said = [
        {
            "probabilities": row[3 : 3 + outputs] if outputs > 1 else row[1:2],
            "predicted": row[2],
            "unseen": row[-3],
            "missing": row[-2],
            "out_of_range": row[-1],
        }
        for row in found
    ]
    return compare(model, said, "DuckDB")


def check_python(model: Model, program: str) -> str:
    """Run the file in a Python of its own, without any packages; as `check_sql`."""
    if not model.parity.rows:
        return "not checked: the model has no parity rows"
    caller = (
        "import json, runpy, sys\n"
        "program = runpy.run_path(sys.argv[1])\n"
        "names = [term['name'] for term in program['MODEL']['terms']]\n"
        "rows = json.load(sys.stdin)\n"
        "print(json.dumps([program['predict'](dict(zip(names, row))) for row in rows]))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.py"
        file.write_text(program, encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - our own program, in isolated mode
            [sys.executable, "-I", "-S", "-c", caller, str(file)], input=json.dumps(model.parity.rows), text=True,
            capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    if done.returncode:
        raise DataError(f"the Python export does not run: {done.stderr.strip().splitlines()[-1:]}; please report this")
    said = json.loads(done.stdout)
    for row in said:
        shares = row["probabilities"]
        values = [None] * len(model.intercepts) if shares is None else list(shares.values())
        row["probabilities"] = values[-len(model.intercepts) :]
    return compare(model, said, "Python")


def check_onnx(model: Model, graph: bytes) -> str:
    """Run the graph in onnxruntime; as `check_sql`."""
    if find_spec("onnxruntime") is None:
        return "not checked: onnxruntime is not installed (pip install 'steepest[onnx]')"
    if not model.parity.rows:
        return "not checked: the model has no parity rows"
    runtime = import_module("onnxruntime")
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    feeds = import_module("steepest.export.graph").feeds(model, list(zip(*model.parity.rows, strict=True)))
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(names, feeds), strict=True))
    shares = found["probabilities"] if "probabilities" in found else found["probability"][:, None]
    said: list[Mapping[str, Any] | None] = []
    for i, row in enumerate(shares.tolist()):
        if _nameless(model, i):
            said.append(None)
            continue
        counts = {name: int(found[name][i]) if name in found else None for name in COUNTS}
        values = [None if math.isnan(value) else value for value in row]
        said.append({"probabilities": values, "predicted": found["predicted"][i] or None, **counts})
    return compare(model, said, "onnxruntime")


def _nameless(model: Model, i: int) -> bool:
    """Whether a missing text of a parity row cannot be said in ONNX, where it is "", because "" is a level."""
    cells = zip(model.schema.columns, model.parity.rows[i], strict=True)
    return any(cell is None and "" in column.levels for column, cell in cells)


def compare(model: Model, said: Sequence[Mapping[str, Any] | None], engine: str) -> str:
    """What an engine said of the parity rows (None: not asked) beside what the model says; DataError if they differ."""
    parity = model.parity
    allowed = allowance(model.scorer, block_of(model.schema, parity.rows)).tolist()
    labels = [str(label) for label in model.classes]
    if len(said) != len(parity.rows):
        raise DataError(f"{engine} gave {len(said)} of {len(parity.rows)} rows; please report this")
    for i, row in enumerate(said):
        if row is None:
            continue
        where = f"{engine} differs from the model in parity row {i + 1}"
        for name in COUNTS:
            if row[name] != getattr(parity, name)[i]:
                raise DataError(
                    f"{where}: {name} {row[name]} instead of {getattr(parity, name)[i]}; please report this"
                )
        for was, now in zip(parity.probability[i], row["probabilities"], strict=True):
            if (was is None) != (now is None) or (was is not None and abs(was - now) > allowed[i]):
                raise DataError(f"{where}: probability {now} instead of {was}; please report this")
        expected = _label(parity.z[i], labels)
        close = parity.z[i][0] is not None and _close(parity.z[i], allowed[i])
        if row["predicted"] is not None and str(row["predicted"]) != expected and not close:
            raise DataError(f"{where}: label {row['predicted']} instead of {expected}; please report this")
    asked = sum(row is not None for row in said)
    return f"checked: {engine} gives the probabilities and counts of {asked} made-up rows"


def _label(z: Sequence[float | None], labels: Sequence[str]) -> str | None:
    known = [each for each in z if each is not None]
    if not known:
        return None
    return labels[int(known[0] > 0.0)] if len(known) == 1 else labels[known.index(max(known))]


def _close(z: Sequence[float | None], allowed: float) -> bool:
    """Whether rounding may turn the label."""
    known = sorted(each for each in z if each is not None)
    return abs(known[0]) <= allowed if len(known) == 1 else known[-1] - known[-2] <= 2.0 * allowed
