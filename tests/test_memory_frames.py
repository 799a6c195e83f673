"""Memory above the input for frames: a fit may take 5 % of 1,000,000 rows of 50 columns, seen from outside."""

import subprocess
import sys

import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")

# A process of its own, so that the peak is that of the fit alone: the peak is reset before it (proc(5), clear_refs 5).
CODE = """
import sys
import numpy as np, pandas as pd, polars as pl, pyarrow as pa
import steepest

def resident(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field))

library, kinds = sys.argv[1:]
m, columns, size = 1_000_000, {}, 0
rng = np.random.default_rng(0)
for j in range(50):
    x = rng.standard_normal(m, dtype=np.float32)
    if j == 0:
        y = (x + rng.logistic(size=m) > 0.0).astype(np.int8)
    dtype = kinds.split()[j % len(kinds.split())]
    columns[f"x{j}"] = np.round(8.0 * x).astype(np.int8) if dtype == "int8" else x.astype(dtype)
    size += columns[f"x{j}"].nbytes
frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "Arrow": pa.table}[library](columns)
del columns, x
few = frame.slice(0, 200_000) if library == "Arrow" else frame[:200_000]
steepest.fit(few, y[:200_000])  # so that modules are loaded, and the room for blocks is there
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
before = resident("VmRSS")
fit = steepest.fit(frame, y)
assert fit.certificate.gap <= 1e-9, fit
print((resident("VmHWM") - before) / size)
"""


def peak(library, kinds):
    done = subprocess.run([sys.executable, "-c", CODE, library, kinds], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")
@pytest.mark.parametrize("library", ["pandas", "polars", "Arrow"])
def test_a_million_rows_of_mixed_columns(library):
    share = peak(library, "float64 float32 int8")
    assert share <= 0.05, f"{share:.1%} above the input"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peaks are read from /proc")
def test_a_million_rows_of_one_block():
    share = peak("pandas", "float64")
    assert share <= 0.05, f"{share:.1%} above the input"
