"""Tables with categories, fitted from their codes: the optimum and the proofs of the same rows written out."""

import math

import numpy as np
import pytest
from mixed_tables import column_table

import steepest
from steepest.data import mixed_table
from steepest.data.column_table import ColumnTable, Levels, Number
from steepest.data.columns import Held
from steepest.data.mixed_table import MixedTable
from steepest.driver import Iterate
from steepest.engines.mixed import MixedEngine
from steepest.kernels import mixed_compiled
from steepest.optimum import Request, mixed
from steepest.optimum import minimise as by_regime
from steepest.optimum.mixed_judge import MixedJudge


@pytest.fixture(autouse=True)
def codes_for_all(monkeypatch):
    """Every table with levels counts as large, and has samples and blocks of its own."""
    monkeypatch.setattr(mixed_table, "WORTH", 1)
    monkeypatch.setattr(mixed_table, "SHARE", 1)
    monkeypatch.setitem(mixed.sample_of_codes.__globals__, "LEAST", 500)


def request(n, tol=1e-9, l2=0.0, **how):
    return Request(tol, l2, tuple(f"x{j + 1}" for j in range(n)), **how)


def small_blocks(monkeypatch):
    monkeypatch.setattr("steepest.engines.mixed.LEAST", 256)


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum_is_that_of_the_rows_written_out(l2, standardize, weighted):
    table, y = column_table(6000, widths=(3, 1, 9, 20))
    written = np.asarray(table, dtype=np.float64)
    rng = np.random.default_rng(5)
    s = rng.integers(0, 3, len(y)).astype(float) if weighted else None
    o = 0.3 * rng.standard_normal(len(y)) if weighted else None
    fit = steepest.fit(table, y, l2=l2, standardize=standardize, sample_weight=s, offset=o)
    near = steepest.fit(written, y, l2=l2, standardize=standardize, sample_weight=s, offset=o, tol=1e-13)
    assert fit.status is steepest.Status.PROVED
    assert fit.certificate.gap <= 1e-9
    assert fit.value <= near.value * (1.0 + fit.certificate.gap) * (1.0 + 1e-14)
    assert near.value <= fit.value * (1.0 + near.certificate.gap) * (1.0 + 1e-14)
    off = np.max(np.abs(fit.predict_proba(table) - near.predict_proba(written)))
    assert off <= fit.certificate.max_probability_error + near.certificate.max_probability_error + 1e-14


@pytest.mark.parametrize("seed", range(8))
def test_certificates_are_upper_bounds(seed):
    """At loose tolerances the true distances are large enough to be seen."""
    rng = np.random.default_rng(seed)
    table, y = column_table(4000, widths=tuple(rng.integers(1, 30, 4)), seed=seed, numbers=1 + seed % 3)
    fine = steepest.fit(table, y, tol=1e-13, l2=1e-4 * (seed % 2))
    for tol in (1e-2, 1e-4, 1e-6):
        rough = steepest.fit(table, y, tol=tol, l2=1e-4 * (seed % 2))
        assert rough.certificate.gap <= tol
        assert rough.value - fine.value <= rough.certificate.gap * fine.value + 1e-15
        off = np.max(np.abs(rough.predict_proba(table) - fine.predict_proba(table)))
        assert off <= rough.certificate.max_probability_error + fine.certificate.max_probability_error


def test_threads_and_samples_do_not_change_the_bits(monkeypatch):
    small_blocks(monkeypatch)
    table, y = column_table(20_000, widths=(3, 8, 15))
    fits = [steepest.fit(table, y, threads=threads) for threads in (1, 2, 5)]
    for fit in fits[1:]:
        assert fit.w.tobytes() == fits[0].w.tobytes()
        assert (fit.b, fit.value, fit.certificate) == (fits[0].b, fits[0].value, fits[0].certificate)


def test_a_tall_table_is_read_few_times():
    table, y = column_table(60_000, widths=(3, 8, 15))
    fit = steepest.fit(table, y)
    assert fit.certificate.gap <= 1e-9
    assert fit.passes <= 4


def test_a_level_of_one_class_is_named():
    table, y = column_table(5000, widths=(4, 6), missing=0.0)
    levels = next(source for source in table.sources if isinstance(source, Levels) and source.width == 6)
    column = int(np.flatnonzero(levels.place >= 0)[0])
    rows = levels.codes == column
    y = np.where(rows, 1, y)
    fit = steepest.fit(table, y)
    assert fit.status is steepest.Status.SEPARATED
    witness = fit.certificate.witness
    assert witness.kind == "quasi-complete"
    assert witness.separated == rows.sum()
    assert witness.rows == tuple(np.flatnonzero(rows)[:5].tolist())
    z = np.asarray(table, dtype=float) @ witness.w + witness.b
    assert np.all((2 * y - 1) * z >= 0.0)
    assert np.count_nonzero(z) == witness.separated
    assert fit.passes == 2
    penalised = steepest.fit(table, y, l2=1e-3)
    assert penalised.certificate.exists == "proved"


def test_a_reference_level_of_one_class_is_found():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, 4000).astype(np.int8)
    y = np.where(codes == 0, 0, rng.integers(0, 2, 4000))
    table = ColumnTable.of(
        4000, [Number(Held(rng.standard_normal(4000))), Levels(codes, np.array([-1, 0, 1, 2, -1]), 3)]
    )
    witness = steepest.fit(table, y).certificate.witness
    assert witness.separated == np.count_nonzero(codes == 0)
    assert witness.columns == (1, 2, 3)
    z = np.asarray(table, dtype=float) @ witness.w + witness.b
    np.testing.assert_array_equal(np.sign(z), np.where(codes == 0, -1.0, 0.0))


def test_numbers_that_separate_are_found():
    table, _ = column_table(3000, widths=(3, 5), missing=0.0)
    X = np.asarray(table, dtype=float)
    numbers = MixedTable.of(table).layout.numbers
    y = X[:, numbers] @ np.array([1.0, 0.3]) > 0.2
    fit = steepest.fit(table, y.astype(int))
    assert fit.certificate.exists == "disproved"
    assert fit.certificate.witness.kind == "complete"


def test_cities_that_say_the_state_are_left_out():
    rng = np.random.default_rng(1)
    city = rng.integers(0, 8, 6000).astype(np.int8)
    state = (city // 2).astype(np.int8)
    x = rng.standard_normal(6000)
    y = (rng.random(6000) < 1.0 / (1.0 + np.exp(-x - 0.3 * city + 1))).astype(int)
    table = ColumnTable.of(
        6000,
        [
            Number(Held(x)),
            Levels(city, np.array([-1, 0, 1, 2, 3, 4, 5, 6, -1]), 7),
            Levels(state, np.array([-1, 0, 1, 2, -1]), 3),
            Levels(rng.integers(0, 2, 6000).astype(np.int8), np.array([-1, 0, 1, -1]), 2),
        ],
    )
    fit = steepest.fit(table, y)

    assert [note.kind for note in fit.notes] == ["dependent-column"] * 4
    assert fit.status is steepest.Status.PROVED
    near = steepest.fit(np.asarray(table, dtype=float), y, tol=1e-13)
    assert fit.value == pytest.approx(near.value, rel=1e-9)
    assert [note.text for note in fit.notes] == [note.text for note in near.notes]


def test_bad_numbers_are_refused_by_name():
    table, y = column_table(3000, missing=0.0)
    number = next(source for source in table.sources if isinstance(source, Number))
    number.numbers.values[2000] = np.inf
    with pytest.raises(steepest.DataError, match="x1"):
        steepest.fit(table, y)


def test_factors_of_the_penalty():
    table, y = column_table(5000, widths=(4, 6))
    factors = np.arange(table.shape[1]) % 3.0
    fit = steepest.fit(table, y, l2=1e-2, penalty_factors=factors)
    near = steepest.fit(np.asarray(table, dtype=float), y, l2=1e-2, penalty_factors=factors, tol=1e-12)
    assert fit.certificate.gap <= 1e-9
    assert fit.value == pytest.approx(near.value, rel=2e-9)
    np.testing.assert_allclose(fit.w, near.w, atol=1e-3)


def test_a_budget_ends_with_what_is_proved():
    table, y = column_table(30_000, widths=(3, 8, 15))
    fit = steepest.fit(table, y, budget=1e-9)
    assert fit.status is steepest.Status.BUDGET
    fine = steepest.fit(table, y, tol=1e-13)
    assert 0.0 < fit.value - fine.value <= fit.certificate.gap * fine.value < fine.value
    assert fit.certificate.exists == "proved"


def test_a_budget_ends_within_a_read(monkeypatch):
    """Once there is a Hessian: the run ends at the next block, and what is proved comes from that Hessian."""
    small_blocks(monkeypatch)
    table, y = column_table(60_000, widths=(3, 8, 15))
    blocks, clock = [], [0.0]
    monkeypatch.setattr("steepest.engines.deadline.time.perf_counter", lambda: clock[0])

    class Watch:
        def __call__(self, step):
            return False

        def rows(self, done, m):
            blocks.append((done, m))
            if reads() == late and done > 20_000:
                clock[0] = 1e9

        def proved(self, gap):
            pass

    def reads(of=None):
        return sum(done == 0 for done, _ in blocks[:of])

    late = math.inf
    whole = steepest.fit(table, y, callback=Watch(), tol=1e-12)
    for late in range(2, whole.passes + 1):
        blocks.clear()
        clock[0] = 0.0
        fit = steepest.fit(table, y, callback=Watch(), tol=1e-12, budget=1e6)
        assert fit.status is steepest.Status.BUDGET
        assert fit.value - whole.value <= fit.certificate.gap * whole.value
        stopped = next(k for k, (done, _) in enumerate(blocks) if reads(k + 1) == late and done > 20_000)
        assert blocks[stopped][0] < 30_000
        assert fit.certificate.gap < 1e-2
        assert late < 3 or blocks[stopped + 1 :] == []  # no further read: the Hessian is there


def test_one_hessian_serves(monkeypatch):
    """Of four or five reads of all rows one takes second derivatives."""
    orders, summed = [], mixed_compiled.summed

    def watched(block, w, b, order):
        if block.start == 0 and block.X.rows.layout.n and len(block.X.rows) == 60_000:
            orders.append(order)
        return summed(block, w, b, order)

    monkeypatch.setattr(mixed_compiled, "summed", watched)
    table, y = column_table(60_000, widths=(3, 8, 15))
    fit = steepest.fit(table, y, l2=1e-6)
    assert fit.certificate.gap <= 1e-9
    assert orders.count(2) == 1
    assert len(orders) == fit.passes <= 4


def test_the_proof_from_an_earlier_hessian_is_a_bound():
    """Wherever it was formed: what is claimed is no less than the truth, and within e^V of it."""
    table, y = column_table(8000, widths=(3, 8, 15))
    engine = MixedEngine(MixedTable.of(table), y)
    asked = request(engine.n, l2=1e-3)
    rows = mixed._Table.of(engine, asked)
    look, _ = rows.objective.first(np.zeros(engine.n + 1), 1)
    best = np.zeros(engine.n + 1)
    for _ in range(10):
        at = rows.objective.evaluated(best, 2)
        best = best - np.linalg.solve(at.hessian, at.gradient)
    optimum = rows.objective.evaluated(best, 0).value
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-2, 3e-2):
        judge = MixedJudge(engine, rows.apriori(look), 0.0, rows.objective.weights)
        there, here = (best + size * rng.standard_normal(len(best)) for _ in range(2))
        for theta, order in ((there, 2), (here, 1)):
            point = rows.objective.evaluated(theta, order)
            judge.examine(Iterate(theta, point, 0.0, 0.0, 0.0))
        true = (point.value - optimum) / optimum
        moved = judge.bounds.reach(here - there)
        assert moved >= np.abs(np.asarray(table, float) @ (here - there)[:-1] + (here - there)[-1]).max() * 0.99
        gap = judge.certificate.gap
        assert true <= gap
        assert gap <= 2.0 * math.exp(moved) * true or (math.isinf(gap) and size > 1e-3)  # k(sigma) < 2


def test_the_regime_takes_an_engine_of_codes():
    table, y = column_table(4000)
    engine = MixedEngine(MixedTable.of(table), y)
    outcome = by_regime(engine, request(engine.n))
    assert outcome.certificate.gap <= 1e-9


def test_a_number_without_penalty_that_separates_is_found_beside_penalised_levels():
    table, _ = column_table(3000, widths=(3, 5), missing=0.0, numbers=1)
    X = np.asarray(table, dtype=float)
    number = int(MixedTable.of(table).layout.numbers[0])
    factors = np.ones(X.shape[1])
    factors[number] = 0.0
    fit = steepest.fit(table, (X[:, number] > 0.2).astype(int), l2=1e-2, penalty_factors=factors)
    assert fit.certificate.exists == "disproved"
    assert fit.certificate.witness.columns == (number,)
    held = steepest.fit(table, (X[:, number] > 0.2).astype(int), l2=1e-2)
    assert held.status is steepest.Status.PROVED


def test_a_suspicious_number_that_is_kept_explains_later_ones():
    rng = np.random.default_rng(9)
    a, noise = rng.standard_normal((2, 4000))
    b = a + 1e-5 * noise
    codes = rng.integers(0, 6, 4000).astype(np.int8)
    y = (a + rng.logistic(size=4000) > 0.0).astype(int)
    levels = Levels(codes, np.array([-1, 0, 1, 2, 3, 4, -1]), 5)
    table = ColumnTable.of(4000, [*(Number(Held(column)) for column in (a, b, b)), levels])
    fit = steepest.fit(table, y)
    assert [note.kind for note in fit.notes] == ["dependent-column"]
    assert "x3 = x2" in fit.notes[0].text
    assert fit.value == pytest.approx(steepest.fit(np.column_stack([a, b, np.eye(6)[codes][:, 1:]]), y).value, rel=1e-8)
