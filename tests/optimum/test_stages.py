"""Fits in several stages, or in another space, keep one count, one clock, the user's weights, and honest claims."""

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest.types import Status


def table(m, n, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    return X, (X @ rng.standard_normal(n) * scale + rng.logistic(size=m) > 0.0).astype(float)


def sparse(m, n):
    return sp.random_array((m, n), density=0.02, rng=1, format="csr")


STAGES = {
    "sample, then Newton": lambda: (*table(40_000, 12), {"l2": 1e-5, "tol": 1e-15}),
    "classes": lambda: (table(4_000, 90)[0], np.arange(4_000) * 7 % 3, {"l2": 1e-4}),
    "l1": lambda: (*table(500, 900), {"l1": 0.01, "l2": 0.001}),
    "sparse": lambda: (sparse(600, 2_000), np.arange(600) % 2, {"l2": 1e-5}),
    "more columns than rows": lambda: (*table(50, 90), {"l2": 0.01}),
}  # fmt: skip


@pytest.mark.parametrize("name", STAGES)
def test_steps_are_numbered_and_timed_as_one_fit(name):
    X, y, how = STAGES[name]()
    seen = []
    fit = steepest.fit(X, y, **how, callback=lambda step: seen.append((step.iteration, step.seconds, step.w.shape)))
    assert [number for number, _, _ in seen] == list(range(len(seen)))
    assert len(seen) == fit.iterations >= 2
    seconds = [second for _, second, _ in seen]
    assert seconds == sorted(seconds)
    assert (np.diff(fit.trace.seconds) >= 0.0).all()
    assert {shape for _, _, shape in seen} == {fit.w.shape}


def test_after_ctrl_c_nothing_is_claimed_of_weights_that_nobody_judged():
    X, y = table(60_000, 12)
    best = steepest.fit(X, y, l2=1e-6, tol=1e-14)

    def interrupt(step):
        if step.iteration == 2:
            raise KeyboardInterrupt

    fit = steepest.fit(X, y, l2=1e-6, tol=1e-15, callback=interrupt)
    assert fit.status is Status.INTERRUPTED
    assert fit.value / best.value - 1.0 <= fit.certificate.gap + 1e-13
    if np.isfinite(fit.certificate.max_coefficient_error):
        assert np.abs(fit.w - best.w).max() <= 10.0 * fit.certificate.max_coefficient_error


def test_a_bad_value_among_repeated_rows_is_named_as_the_user_numbers_it():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 3, (40_000, 3)).astype(float)
    X[25_000:, 1] += (np.arange(15_000) % 7 == 0) * 1e200
    with pytest.raises(steepest.DataError, match=r"X\[25000, 1\]"):
        steepest.fit(X, rng.integers(0, 2, 40_000))


@pytest.mark.parametrize("shape", [(60, 3), (3_000, 4), (30, 60), (700, 900), (20_000, 6)], ids=str)
@pytest.mark.parametrize("standardize", [False, True])
def test_weights_are_repeated_rows_in_every_regime(shape, standardize):
    X, y = table(*shape, scale=0.3)
    X[:, 0] = 5.0 * X[:, 0] + 1.0
    times = np.arange(shape[0]) % 4  # of weight 0 too
    X[times == 0] *= 100.0
    weighted = steepest.fit(X, y, l2=0.05, standardize=standardize, sample_weight=times.astype(float), tol=1e-13)
    again = np.repeat(X, times, axis=0), np.repeat(y, times)
    repeated = steepest.fit(*again, l2=0.05, standardize=standardize, tol=1e-13)
    assert weighted.value == pytest.approx(repeated.value, rel=1e-11)
    np.testing.assert_allclose(weighted.w, repeated.w, rtol=1e-4, atol=1e-7)
    gap = weighted.value / repeated.value - 1.0
    assert abs(gap) <= weighted.certificate.gap + repeated.certificate.gap + 1e-13
