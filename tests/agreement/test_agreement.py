"""The agreement table holds on real and on hostile tables, and says so when something differs."""

import numpy as np
import pytest

from steepest import agreement
from steepest.agreement import Agreement, agreement_table
from steepest.errors import DataError
from steepest.kernels import KERNELS, Kernel, vectorised
from steepest.types import Sums


def failures(table):
    return [line for line in table if not line.holds]


def collinear(rng):
    x = np.arange(1000.0)
    return np.column_stack([np.ones(1000), x, -x]), x > 300


TABLES = {
    "gaussian": lambda rng: (rng.standard_normal((300, 4)), rng.random(300) < 0.5),
    "one column, many rows": lambda rng: (rng.standard_normal((200_000, 1)), rng.random(200_000) < 0.3),
    "equal rows": lambda rng: (np.full((70_000, 1), 0.1), rng.random(70_000) < 0.5),
    "units far apart": lambda rng: (
        rng.standard_normal((5000, 9)) * 10.0 ** np.arange(-8, 10, 2),
        rng.random(5000) < 0.5,
    ),
    "wide": lambda rng: (rng.standard_normal((40, 2000)), rng.random(40) < 0.5),
    "collinear": collinear,
    "int8": lambda rng: (rng.integers(-100, 100, (50, 3)).astype(np.int8), rng.random(50) < 0.5),
    "tiny": lambda rng: ([[0.0], [1.0]], [0, 1]),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("seed", [0, 1])
def test_holds(name, seed, rng):
    X, y = TABLES[name](rng)
    table = agreement_table(X, y, seed=seed)
    assert failures(table) == []
    assert len(table) == 19


def test_holds_on_the_cat_images(shared_data):
    X, y, *_ = shared_data.cat()
    assert failures(agreement_table(X, y)) == []


def test_holds_on_the_exams(shared_data):
    table = shared_data.columns("ng_ex2data1/ex2data1.txt", "exam1_score", "exam2_score", "decision")
    assert failures(agreement_table(table[:, :2], table[:, 2])) == []


def test_lines_say_what_they_compare(rng):
    X, y = TABLES["gaussian"](rng)
    whats = [line.what for line in agreement_table(X, y)]
    for part in (
        "loop and vectorised: loss",
        "loop and graph: dz",
        "J, dw, db",
        "gram",
        "threads",
        "block sizes",
        "C and F",
    ):
        assert any(part in what for what in whats), part


def test_the_same_seed_draws_the_same_table(rng):
    X, y = TABLES["gaussian"](rng)
    assert agreement_table(X, y, seed=3) == agreement_table(X, y, seed=3)


def test_lines_are_frozen():
    with pytest.raises(AttributeError):
        Agreement("a", 0.0, "ulp", 4.0, True).holds = False


@pytest.mark.parametrize("what", ["loss", "dz", "dw"])
def test_a_kernel_that_is_off_by_little_is_seen(what, rng, monkeypatch):
    def off(block, w, b, order):
        total = vectorised.sums(block, w, b, order)
        by = 1.0 + 3e-15
        return Sums(
            total.weight,
            total.loss * (by if what == "loss" else 1.0),
            total.errors,
            total.dw * (by if what == "dw" else 1.0),
            total.db * (by if what == "dz" else 1.0),
        )

    monkeypatch.setitem(KERNELS, "off", Kernel("off", off, vectorised.hessian_times, vectorised.along))
    X, y = TABLES["gaussian"](rng)
    bad = failures(agreement_table(X, y))
    assert bad
    assert all("off" in line.what for line in bad)


def test_an_engine_whose_threads_disagree_is_seen(rng, monkeypatch):
    class Careless(agreement.MemoryEngine):
        def __init__(self, *given, threads=None, **options):
            super().__init__(*given, threads=threads, **options)
            self.rows += threads == 2

    monkeypatch.setattr(agreement, "MemoryEngine", Careless)
    X, y = TABLES["gaussian"](rng)
    assert any("threads" in line.what for line in failures(agreement_table(X, y)))


def test_bad_data_is_refused():
    with pytest.raises(DataError, match="one class only"):
        agreement_table([[1.0], [2.0]], [1, 1])
