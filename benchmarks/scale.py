"""Tables larger than memory: 8 numbers and 22 categories of 5 … 1,000 levels, 1 % missing, made from a seed.

    python -m benchmarks.scale                      20,000,000 rows from Parquet under 2 GB, and peers where they can
    python -m benchmarks.scale --rows 2000000       a shorter run
    python -m benchmarks.scale --only steepest,sums
    python -m benchmarks.scale --vw /path/to/python        with a Python that has vowpalwabbit, a package of old wheels

Each line is a process of its own. `steepest` runs with RLIMIT_DATA at the limit: private writable memory, which is what
a process uses; RLIMIT_AS would count the gigabytes of addresses that Numba and DuckDB reserve and never touch. Peak is
VmHWM, the most that was resident. Peers read what is in memory, so they get --peer-rows rows of the same table;
error is (F - F*) / F* against the optimum that `steepest` proved on the same rows, F with the penalty on the user's
columns. Vowpal Wabbit's is without its penalty, so a little too small.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

LEVELS = (5, 5, 6, 6, 8, 8, 10, 10, 12, 12, 15, 15, 20, 20, 25, 30, 40, 50, 60, 100, 200, 1000)
NUMBERS = 8
MISSING = 0.01
PART = 1 << 18  # rows made, and written, together
L2 = 1e-6
NAMES = tuple(f"x{j}" for j in range(NUMBERS)) + tuple(f"c{j}" for j in range(len(LEVELS)))
POLICIES = {name: "indicator" if name.startswith("x") else "category" for name in NAMES}


def part(seed: int, number: int, rows: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns (numbers with NaN, codes with -1) and y of one part of the table."""
    truth, rng = np.random.default_rng(seed), np.random.default_rng([seed, number])
    columns, z = {}, np.full(rows, -0.5)
    for j in range(NUMBERS):
        x = rng.standard_normal(rows)
        z += 0.3 * truth.standard_normal() * x
        x = x * 10.0 ** (j % 4) + j
        x[rng.random(rows) < MISSING] = np.nan
        columns[f"x{j}"] = x
    for c, levels in enumerate(LEVELS):
        share = 1.0 / np.arange(1, levels + 1) ** 0.7
        codes = np.searchsorted(np.cumsum(share / share.sum()), rng.random(rows)).clip(max=levels - 1)
        z += (0.4 * truth.standard_normal(levels))[codes]
        columns[f"c{c}"] = np.where(rng.random(rows) < MISSING, -1, codes).astype(np.int16)
    return columns, (rng.random(rows) < 1.0 / (1.0 + np.exp(-z))).astype(np.int8)


def write(path: Path, rows: int, seed: int) -> None:
    """The table as one Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [pa.array([f"level {k:04d}" for k in range(levels)]) for levels in LEVELS]
    writer = None
    for number, start in enumerate(range(0, rows, PART)):
        columns, y = part(seed, number, min(PART, rows - start))
        arrays = {name: pa.array(columns[name], from_pandas=True) for name in NAMES[:NUMBERS]}
        for c, texts in enumerate(names):
            codes = pa.array(columns[f"c{c}"], mask=columns[f"c{c}"] < 0)
            arrays[f"c{c}"] = texts.take(codes.cast(pa.int32()))
        table = pa.table(arrays | {"y": pa.array(np.where(y == 1, "yes", "no"))})
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def peak() -> int:
    """The most memory that was resident, in bytes."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def run_steepest(path: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """A fit from the file, under the limit; the schema is inferred on the way."""
    resource.setrlimit(resource.RLIMIT_DATA, (asked.limit, asked.limit))
    import steepest
    from steepest.data.files import open_source
    from steepest.data.files.table import Chosen, read_files
    from steepest.data.spool.writing import Place
    from steepest.data.wishes import Wishes

    folder = Path(tempfile.mkdtemp(prefix="steepest-scale-", dir=path.parent))
    try:
        started = time.perf_counter()
        source = open_source(path, memory=asked.limit // 4)
        table = read_files(source, Chosen("y", wishes=Wishes(missing=POLICIES), spool=Place(folder, None, asked.limit)))
        decoded = time.perf_counter() - started
        spooled = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        whole: Any = table
        fit = steepest.fit(whole, None, l2=L2)
        seconds = time.perf_counter() - started
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "seconds": seconds, "decode": decoded, "reads": 1 + fit.passes, "gap": fit.certificate.gap, "value": fit.value,
        "columns": len(fit.w), "peak": peak(), "spooled": spooled,
        "GB/s": spooled * fit.passes / max(1e-9, seconds - decoded) / 1e9,
    }  # fmt: skip


def run_sums(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """DuckDB merely sums the numbers and counts the levels: what reading costs anybody."""
    import duckdb

    terms = [f"sum({name})" for name in NAMES[:NUMBERS]] + [f"count(DISTINCT {name})" for name in NAMES[NUMBERS:]]
    started = time.perf_counter()
    duckdb.sql(f"SELECT {', '.join(terms)} FROM read_parquet('{path}')").fetchall()
    return {"seconds": time.perf_counter() - started, "peak": peak()}


def frame(path: Path) -> tuple[Any, np.ndarray]:
    """The table in memory, as peers take it: categories, missing a level of its own, numbers filled and flagged."""
    import pandas as pd

    table = pd.read_parquet(path)
    y = (table.pop("y") == "yes").to_numpy().astype(float)
    for name in NAMES[:NUMBERS]:
        table[f"{name} missing"] = table[name].isna().astype(float)
        table[name] = table[name].fillna(table[name].mean())
    for name in NAMES[NUMBERS:]:
        table[name] = table[name].fillna("missing").astype("category")
    return table, y


def one_hot(table: Any, scale: np.ndarray | None = None) -> tuple[Any, np.ndarray]:
    """Sparse rows, the first level of each category left out, and what their numbers were divided by."""
    import scipy.sparse as sp

    numbers = table[[name for name in table.columns if name.startswith("x")]].to_numpy(dtype=float)
    scale = np.abs(numbers).max(axis=0) if scale is None else scale
    parts, m = [sp.csr_array(numbers / scale)], len(table)
    for name in NAMES[NUMBERS:]:
        codes, width = table[name].cat.codes.to_numpy().astype(np.int64), len(table[name].cat.categories)
        seen = np.flatnonzero(codes > 0)
        parts.append(sp.csr_array((np.ones(len(seen)), (seen, codes[seen] - 1)), shape=(m, width - 1)))
    whole = sp.hstack(parts, format="csr")
    whole.indices, whole.indptr = whole.indices.astype(np.int32), whole.indptr.astype(np.int32)
    return whole, scale


def cost(a: np.ndarray, y: np.ndarray) -> float:
    """J, by probabilities that are neither 0 nor 1."""
    a = np.clip(a, 1e-300, 1.0 - 1e-16)
    return float(-np.mean(np.where(y == 1.0, np.log(a), np.log1p(-a))))


def run_memory(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """steepest on the frame in memory."""
    import steepest

    table, y = frame(path)
    steepest.fit(table[:400_000], y[:400_000], l2=L2)  # compiled code is loaded
    started = time.perf_counter()
    fit = steepest.fit(table, y, l2=L2)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "value": fit.value, "gap": fit.certificate.gap, "reads": fit.passes, "peak": peak()}


def run_glum(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """glum on the same frame, its own categories."""
    import glum

    table, y = frame(path)
    model = glum.GeneralizedLinearRegressor(family="binomial", alpha=L2, l1_ratio=0, drop_first=True, gradient_tol=1e-4)
    started = time.perf_counter()
    model.fit(table, y)
    seconds = time.perf_counter() - started
    value = cost(model.predict(table), y) + 0.5 * L2 * float(model.coef_ @ model.coef_)
    return {"seconds": seconds, "value": value, "peak": peak()}


def _sklearn(path: Path, make: Any) -> dict[str, Any]:
    table, y = frame(path)
    X, scale = one_hot(table)
    del table
    model = make(len(y))
    started = time.perf_counter()
    model.fit(X, y)
    seconds = time.perf_counter() - started
    value = cost(model.predict_proba(X)[:, 1], y) + _penalty(model.coef_[0], scale)
    return {"seconds": seconds, "value": value, "peak": peak()}


def _penalty(coefficients: np.ndarray, scale: np.ndarray) -> float:
    """½ l2 w'w of weights whose numbers were divided by `scale`."""
    w = coefficients.copy()
    w[: len(scale)] /= scale
    return 0.5 * L2 * float(w @ w)


def run_lbfgs(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """scikit-learn as it comes, sparse one-hot rows, scaled numbers; its penalty is another, and next to nothing."""
    from sklearn.linear_model import LogisticRegression

    return _sklearn(path, lambda m: LogisticRegression(C=1.0 / (L2 * m), max_iter=1000))


def run_sgd(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """scikit-learn's stochastic descent, as it comes."""
    from sklearn.linear_model import SGDClassifier

    return _sklearn(path, lambda m: SGDClassifier("log_loss", alpha=L2, random_state=0))


def parts_of(path: Path) -> Any:
    """The file a part at a time, each as a frame with all levels, and y."""
    import pandas as pd
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(PART):
        table = batch.to_pandas()
        y = (table.pop("y") == "yes").to_numpy().astype(float)
        for j, name in enumerate(NAMES[:NUMBERS]):
            table[f"{name} missing"] = table[name].isna().astype(float)
            table[name] = table[name].fillna(float(j))
        for name, levels in zip(NAMES[NUMBERS:], LEVELS, strict=True):
            known = ["missing", *(f"level {k:04d}" for k in range(levels))]
            table[name] = pd.Categorical(table[name].fillna("missing"), known)
        yield table, y


def run_partial(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """scikit-learn's `partial_fit` over the file, a part at a time, once: what it offers for rows beyond memory."""
    from sklearn.linear_model import SGDClassifier

    scale = np.concatenate([5.0 * 10.0 ** (np.arange(NUMBERS) % 4), np.ones(NUMBERS)])
    model, started = SGDClassifier("log_loss", alpha=L2, random_state=0), time.perf_counter()
    for table, y in parts_of(path):
        model.partial_fit(one_hot(table, scale)[0], y, classes=[0.0, 1.0])
    seconds, loss, m = time.perf_counter() - started, 0.0, 0
    for table, y in parts_of(path):
        loss, m = loss + len(y) * cost(model.predict_proba(one_hot(table, scale)[0])[:, 1], y), m + len(y)
    return {"seconds": seconds, "value": loss / m + _penalty(model.coef_[0], scale), "peak": peak()}


VW = """
import sys, time, vowpalwabbit as vw
rows, folder, how = sys.argv[1:4]
started = time.perf_counter()
vw.Workspace(f"-d {rows} -f {folder}/model --loss_function logistic -b 20 --holdout_off --quiet {how}").finish()
print(time.perf_counter() - started, flush=True)
vw.Workspace(f"-d {rows} -t -i {folder}/model -p {folder}/seen --link logistic --quiet").finish()
"""


def _vw(path: Path, asked: argparse.Namespace, how: str) -> dict[str, Any]:
    import duckdb

    terms = ["CASE y WHEN 'yes' THEN '1' ELSE '-1' END || ' |'"]
    for j, name in enumerate(NAMES[:NUMBERS]):
        terms.append(f"' {name}:' || (coalesce({name}, {j}) / {5.0 * 10.0 ** (j % 4)})::FLOAT")
        terms.append(f"CASE WHEN {name} IS NULL THEN ' {name}gone' ELSE '' END")
    terms += [f"' {name}=' || coalesce(replace({name}, ' ', ''), 'gone')" for name in NAMES[NUMBERS:]]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        rows = f"{folder}/rows.txt"
        lines = f"SELECT {' || '.join(terms)} FROM read_parquet('{path}')"
        duckdb.sql(f"COPY ({lines}) TO '{rows}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')")
        command = [asked.vw or sys.executable, "-c", VW, rows, folder, how.format(l2=L2, cache=f"{folder}/cache")]
        started = subprocess.run(command, capture_output=True, text=True, check=True)
        resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        y = duckdb.sql(f"SELECT y = 'yes' AS y FROM read_parquet('{path}')").fetchnumpy()["y"].astype(float)
        value = cost(np.loadtxt(f"{folder}/seen"), y)
    return {"seconds": float(started.stdout), "value": value, "peak": resident}


def run_vw(path: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Vowpal Wabbit online, one pass over its own text of the rows, the penalty per example: about that on the mean."""
    return _vw(path, asked, "--l2 {l2}")


def run_vw10(path: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Ten passes, from its own cache."""
    return _vw(path, asked, "--l2 {l2} --passes 10 --cache_file {cache} -k")


def typed(name: str) -> str:
    """The type of a column of CSV, for who reads without checks."""
    return "DOUBLE" if name.startswith("x") else "VARCHAR"


def as_csv(path: Path) -> Path:
    """The same rows as CSV."""
    import duckdb

    written = path.with_suffix(".csv")
    if not written.exists():
        duckdb.sql(f"COPY (SELECT * FROM read_parquet('{path}')) TO '{written}' (HEADER)")
    return written


def run_parse(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """DuckDB parses the CSV by known types, and counts what it found."""
    import duckdb

    names = (*NAMES, "y")
    columns = ", ".join(f"'{name}': '{typed(name)}'" for name in names)
    file = as_csv(path)
    started, before = time.perf_counter(), time.process_time()
    terms = ", ".join(f"count({name})" for name in names)
    asked = f"SELECT {terms} FROM read_csv('{file}', header=true, auto_detect=false, columns={{{columns}}})"
    duckdb.sql(asked).fetchall()
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - before, "peak": peak()}


def run_read(path: Path, _: argparse.Namespace) -> dict[str, Any]:
    """steepest reads the CSV: kinds inferred, every cell checked, texts coded."""
    from steepest.data.files import open_source
    from steepest.data.files.table import Chosen, read_files
    from steepest.data.wishes import Wishes

    file = as_csv(path)
    started, before = time.perf_counter(), time.process_time()
    read_files(open_source(file), Chosen("y", wishes=Wishes(missing=POLICIES)))
    return {"seconds": time.perf_counter() - started, "cpu": time.process_time() - before, "peak": peak()}


RUNS = {"steepest": run_steepest, "sums": run_sums, "memory": run_memory, "glum": run_glum, "lbfgs": run_lbfgs,
        "sgd": run_sgd, "partial": run_partial, "vw": run_vw, "vw10": run_vw10, "parse": run_parse,
        "read": run_read}  # fmt: skip
IN_MEMORY = ("memory", "glum", "lbfgs", "sgd", "vw10", "parse", "read")


def child(name: str, path: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """One line, in a process of its own."""
    limit = ["--limit", str(asked.limit), *(["--vw", asked.vw] if asked.vw else [])]
    command = [sys.executable, "-m", "benchmarks.scale", "--child", name, "--file", str(path), *limit]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=asked.patience)
    if done.returncode:
        return {"failed": done.stderr.strip().splitlines()[-1][:200] if done.stderr else f"exit {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def said(rows: int, name: str, found: dict[str, Any], best: float | None) -> str:
    """A line of the table."""
    if "failed" in found:
        return f"{rows:>12,}  {name:<9} failed: {found['failed']}"
    error = "" if best is None or "value" not in found else f"{(found['value'] - best) / best:10.1e}"
    gap = f"{found['gap']:.1e}" if "gap" in found else ""
    more = "".join(f"  {key} {found[key]:.3g}" for key in ("decode", "reads", "GB/s", "cpu") if key in found)
    memory = f"{found['peak'] / 1e9:>7.2f} GB"
    return f"{rows:>12,}  {name:<9} {found['seconds']:>9.2f} s {memory} {gap:>9} {error:>10}{more}"


def main() -> None:
    """The table on standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--peer-rows", type=int, default=2_000_000)
    parser.add_argument("--limit", type=int, default=2_000_000_000)
    parser.add_argument("--patience", type=float, default=3600.0)
    parser.add_argument("--only", default=",".join(RUNS))
    parser.add_argument("--folder", default=None)
    parser.add_argument("--vw", default=None, help="a Python with vowpalwabbit; this one if not given")
    parser.add_argument("--child", choices=RUNS, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(RUNS[asked.child](Path(asked.file), asked)))
        return
    with tempfile.TemporaryDirectory(prefix="scale-", dir=asked.folder) as folder:
        for rows in sorted({asked.rows, asked.peer_rows}):
            path = Path(folder) / f"{rows}.parquet"
            write(path, rows, seed=0)
            print(f"{rows:,} rows: {path.stat().st_size / 1e9:.2f} GB of Parquet", flush=True)
            best = None
            for name in (each for each in RUNS if each in asked.only.split(",")):
                if name in IN_MEMORY and rows != asked.peer_rows:
                    continue
                found = child(name, path, asked)
                best = found.get("value") if name == "steepest" else best
                print(said(rows, name, found, best), flush=True)
            for file in (path, path.with_suffix(".csv")):
                file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
