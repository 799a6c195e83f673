"""The proved optimum of dense tables: true errors below the certificate, hard tables right or named."""

import os

import numpy as np
import pytest
from high_precision import Exact, random_case, standard_errors, true_errors
from mpmath import mp

import steepest
from steepest.engines import MemoryEngine
from steepest.optimum import Request, dense, minimise
from steepest.proof.existence import find_witness
from steepest.types import Status

COUNT = 500 if os.environ.get("STEEPEST_THOROUGH") else 80


def tall(m, n, seed=0, correlation=0.9):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    for j in range(1, n):
        X[:, j] = correlation * X[:, j - 1] + np.sqrt(1.0 - correlation**2) * X[:, j]
    z = X @ rng.standard_normal(n) / np.sqrt(n)
    return X, (rng.random(m) < 1.0 / (1.0 + np.exp(-z))).astype(np.uint8)


@pytest.mark.parametrize("part", range(8))
def test_true_error_is_at_most_the_certificate(part):
    """Random problems with weights, ties, penalties, bad scales and offsets, against optima of 50 digits."""
    for seed in range(part * COUNT // 8, (part + 1) * COUNT // 8):
        case = random_case(seed)
        labels = np.unique(case.y[case.s > 0.0])
        if len(labels) != 2 or labels.tolist() != [0.0, 1.0] or len(set(case.l2.tolist())) > 1:
            continue
        fit = steepest.fit(case.X, case.y, sample_weight=case.s, l2=float(case.l2[0]))
        if fit.certificate.exists == "disproved":
            assert find_witness(case.engine) is not None
            continue
        if any(note.kind == "dependent-column" for note in fit.notes):
            continue
        assert fit.certificate.exists == "proved", case.kind
        assert fit.status is Status.PROVED
        mp.dps = 100
        exact = Exact(case)
        theta = [mp.mpf(v) for v in (*fit.w.tolist(), fit.b)]
        best = exact.optimum(theta)
        assert best is not None
        gap, probability, coefficient = true_errors(exact, best, theta, standard_errors(exact, theta))
        assert gap <= fit.certificate.gap <= 1e-9
        assert probability <= fit.certificate.max_probability_error
        assert coefficient <= fit.certificate.max_coefficient_error


@pytest.mark.parametrize(("m", "n", "most"), [(100_000, 20, 6), (40_000, 60, 6), (40_000, 150, 7), (3_000, 8, 8)])
@pytest.mark.parametrize("l2", [0.0, 1e-5])
def test_tall_tables_take_few_passes(m, n, most, l2):
    X, y = tall(m, n)
    fit = steepest.fit(X, y, l2=l2)
    assert fit.status is Status.PROVED
    assert fit.certificate.gap <= 1e-9
    assert fit.passes <= most
    assert np.all(np.diff(np.append(fit.history, fit.cost)) <= 0.0) or l2
    if not l2:
        a = fit.predict_proba(X)
        assert abs(np.sum(a - y)) / np.sum(y) < 1e-4


def test_any_number_of_threads_gives_the_same_bits():
    X, y = tall(60_000, 12)
    one, two, three = (steepest.fit(X, y, threads=threads) for threads in (1, 2, 3))
    assert one.w.tobytes() == two.w.tobytes() == three.w.tobytes()
    assert (one.b, one.cost, one.certificate) == (two.b, two.cost, two.certificate)
    assert steepest.fit(X, y).w.tobytes() == one.w.tobytes()


@pytest.mark.parametrize("share", [1e-2, 1e-3, 1e-4])
def test_rare_events_are_counted_right(share):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((200_000, 4))
    y = rng.random(len(X)) < share * np.exp(0.5 * X[:, 0])
    fit = steepest.fit(X, y)
    assert fit.status is Status.PROVED
    assert abs(np.sum(fit.predict_proba(X)) - np.sum(y)) / np.sum(y) <= 1e-9


def test_one_event_in_a_million_is_counted_right():
    X = np.random.default_rng(1).standard_normal((1_000_000, 4))
    y = np.zeros(len(X), dtype=np.int8)
    y[4321] = 1  # the rows around it have no event: it is no corner of the table, and an optimum exists
    fit = steepest.fit(X, y)
    assert (fit.status, fit.certificate.exists) == (Status.PROVED, "proved")
    assert abs(np.sum(fit.predict_proba(X)) - 1.0) <= 1e-9


@pytest.mark.parametrize("shift", [0.0, 1.6e9])
@pytest.mark.parametrize("factor", [1.0, 2.0**-465, 2.0**465])
def test_units_do_not_matter(shift, factor):
    rng = np.random.default_rng(2)
    X = rng.integers(-64, 64, (400, 3)) / 16.0
    y = rng.random(400) < 1.0 / (1.0 + np.exp(-X[:, 0] - 0.5 * X[:, 1]))
    plain, moved = steepest.fit(X, y), steepest.fit((X + shift) * factor, y)
    assert moved.status is Status.PROVED
    np.testing.assert_allclose(moved.w * factor, plain.w, rtol=1e-5)
    assert moved.cost == pytest.approx(plain.cost, rel=1e-9)


def test_dependent_columns_are_left_out_by_name():
    X, y = tall(500, 3)
    wide = np.column_stack([X[:, 0], np.full(500, 7.0), X[:, 1], 2.0 * X[:, 0] - X[:, 1] + 3.0, X[:, 2], np.zeros(500)])
    names = ("a", "seven", "b", "mix", "c", "zero")
    seen = []
    fit = steepest.fit(wide, y, feature_names=names, on_note=seen.append)
    assert fit.status is Status.PROVED
    assert [note.text.split(":")[0] for note in fit.notes] == ["seven = 7", "mix = 3 + 2 a - b", "zero = 0"]
    assert seen == list(fit.notes)
    assert fit.w[[1, 3, 5]].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(fit.w[[0, 2, 4]], steepest.fit(X, y).w, rtol=1e-5)  # each to a gap of 1e-9


def test_quasi_separation_is_proved_on_a_large_table():
    X, y = tall(60_000, 5)
    X[:, 2] = 0.0
    X[np.flatnonzero(y)[[5, 700, 9000]], 2] = 1.0
    fit = steepest.fit(X, y)
    assert fit.status is Status.SEPARATED
    assert fit.certificate.exists == "disproved"
    assert fit.certificate.witness.kind == "quasi-complete"
    assert fit.certificate.witness.columns == (2,)
    assert fit.certificate.witness.separated == 3
    cured = steepest.fit(X, y, l2=1e-6)
    assert cured.certificate.exists == "proved"
    assert cured.certificate.gap <= 1e-9


def test_a_budget_ends_with_what_is_proved():
    X, y = tall(50_000, 10)
    fit = steepest.fit(X, y, budget=1e-6)
    assert fit.status is Status.BUDGET
    assert fit.certificate.gap >= 0.0


def test_standardising_moves_the_penalty_only():
    X, y = tall(2_000, 4)
    X *= [1.0, 100.0, 0.01, 5.0]
    penalised = steepest.fit(X, y, l2=0.1, standardize=True)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    direct = steepest.fit(Z, y, l2=0.1)
    np.testing.assert_allclose(penalised.w * X.std(axis=0), direct.w, rtol=1e-4)
    assert penalised.value == pytest.approx(direct.value, rel=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
@pytest.mark.parametrize("m", [50, 100_000])
def test_bad_values_are_named(bad, m):
    X, y = tall(m, 4)
    X[m - 3, 2] = bad
    with pytest.raises(steepest.DataError, match=rf"X\[{m - 3}, 2\] is"):
        steepest.fit(X, y)


@pytest.mark.parametrize("l2", [1e-2, 1e-5])
def test_wide_tables_are_certified_on_their_own_rows(l2):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((60, 200))
    y = (X[:, 0] + rng.standard_normal(60) > 0.0).astype(np.uint8)
    fit = steepest.fit(X, y, l2=l2)
    assert fit.status is Status.PROVED
    assert fit.certificate.exists == "proved"
    assert fit.certificate.gap <= 1e-9
    direct = dense.minimise(MemoryEngine(X, y), Request(1e-12, l2, tuple(map(str, range(200)))))
    np.testing.assert_allclose(fit.w, direct.w, atol=1e-6)


def test_wide_tables_without_a_penalty_are_separated():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((30, 50)), rng.integers(0, 2, 30)
    outcome = minimise(MemoryEngine(X, y), Request(1e-9, 0.0, tuple(map(str, range(50)))))
    assert outcome.status is Status.SEPARATED
    witness = outcome.certificate.witness
    assert np.all((2 * y - 1) * (X @ witness.w + witness.b) > 0.0)


def test_rows_of_weight_zero_are_not_drawn():
    X, y = tall(80_000, 5)
    weight = np.zeros(80_000)
    weight[:3_000] = 1.0
    few, all_rows = steepest.fit(X[:3_000], y[:3_000]), steepest.fit(X, y, sample_weight=weight)
    assert all_rows.status is Status.PROVED
    np.testing.assert_allclose(all_rows.w, few.w, atol=1e-4)


def test_a_budget_that_ends_on_the_way_says_what_is_proved():
    X, y = tall(200_000, 10)

    def stop(step):
        return step.iteration == 1

    fit = steepest.fit(X, y, callback=stop)
    assert fit.status is Status.CALLBACK
    assert 0.0 < fit.certificate.gap < 1e-3


def test_a_level_that_no_sample_holds():
    """Seven rows of 200,000 have the dummy set, in both classes: the sample's metric is blind there."""
    X, y = tall(200_000, 4)
    X[:, 3] = 0.0
    X[np.arange(7) * 1000, 3] = 1.0
    y[np.arange(7) * 1000] = [0, 1, 0, 1, 1, 0, 1]
    for l2 in (0.0, 1e-7):
        fit = steepest.fit(X, y, l2=l2)
        assert fit.status is Status.PROVED
        assert fit.certificate.gap <= 1e-9
    assert np.sum(fit.predict_proba(X[np.arange(7) * 1000])) == pytest.approx(4.0, rel=0.2)


def test_sorted_files_are_no_trap():
    X, y = tall(100_000, 5)
    order = np.argsort(y, kind="stable")
    ordered, mixed = steepest.fit(X[order], y[order]), steepest.fit(X, y)
    assert ordered.status is Status.PROVED
    np.testing.assert_allclose(ordered.w, mixed.w, atol=1e-4)
