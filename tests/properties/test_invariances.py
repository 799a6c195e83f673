"""Properties of every cost and every fit (hypothesis, derandomised): what may not matter, does not."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import steepest
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.kernels import KERNELS
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.solvers import METHODS
from steepest.types import Evaluate

budget = settings(derandomize=True, max_examples=40, deadline=None, database=None)

FIRST_ORDER = st.sampled_from(["gd", "momentum", "nesterov"])
POWERS = st.integers(-40, 40).map(lambda k: 2.0**k)


@st.composite
def tables(draw):
    """X (m, n) to three decimals, y with both classes, integer weights, theta."""
    m, n = draw(st.integers(4, 24)), draw(st.integers(1, 4))
    X = draw(arrays(np.float64, (m, n), elements=st.integers(-10_000, 10_000))) / 1000.0
    more = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=m - 4, max_size=m - 4))
    y = np.array(draw(st.permutations([0.0, 1.0, 0.0, 1.0, *more])))
    s = draw(arrays(np.float64, m, elements=st.integers(1, 4)))
    theta = draw(arrays(np.float64, n + 1, elements=st.integers(-200, 200))) / 100.0
    return X, y, s, theta


def point(X, y, s, theta, **options):
    return Objective(MemoryEngine(X, y, s, **options)).answer(Evaluate(theta, 2))


def close(seen, expected):
    for part in ("value", "gradient", "hessian"):
        left, right = np.asarray(getattr(seen, part)), np.asarray(getattr(expected, part))
        assert np.abs(left - right).max() <= 1e-13 * (1.0 + np.abs(right).max()), part


def bits(fit):
    return fit.w.tobytes(), fit.b, fit.cost, fit.history.tobytes(), fit.iterations


@budget
@given(tables(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(table, random):
    X, y, s, theta = table
    order = random.sample(range(len(y)), len(y))
    close(point(X[order], y[order], s[order], theta), point(X, y, s, theta))


@budget
@given(tables(), st.randoms(use_true_random=False))
def test_order_of_columns_orders_the_gradient(table, random):
    X, y, s, theta = table
    order = random.sample(range(X.shape[1]), X.shape[1])
    both = [*order, X.shape[1]]
    seen, expected = point(X[:, order], y, s, theta[both]), point(X, y, s, theta)
    np.testing.assert_allclose(seen.value, expected.value, rtol=1e-13)
    np.testing.assert_allclose(seen.gradient, expected.gradient[both], atol=1e-12)
    np.testing.assert_allclose(seen.hessian, expected.hessian[np.ix_(both, both)], atol=1e-11)


@budget
@given(tables(), st.integers(1, 20_000), st.integers(1, 3))
def test_any_blocks_give_the_same_sums(table, leaf_bytes, threads):
    X, y, s, theta = table
    X, y, s = (np.concatenate([part] * 30) for part in (X, y, s))
    close(point(X, y, s, theta, leaf_bytes=leaf_bytes, threads=threads), point(X, y, s, theta, threads=1))


@budget
@given(tables())
def test_integer_weights_are_repeated_rows(table):
    X, y, s, theta = table
    often = s.astype(int)
    close(point(X, y, s, theta), point(np.repeat(X, often, axis=0), np.repeat(y, often), None, theta))


@budget
@given(tables(), FIRST_ORDER)
def test_flipped_labels_negate_the_weights_bit_for_bit(table, method):
    X, y, s, _ = table
    options = {
        "method": method,
        "learning_rate": 0.02,
        "iterations": 10,
        "sample_weight": s,
        "l2": 0.1,
        "kernel": "vectorised",
    }
    one, other = steepest.fit(X, y, **options), steepest.fit(X, 1.0 - y, **options)
    np.testing.assert_allclose(other.w, -one.w, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(other.b, -one.b, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(other.history, one.history, rtol=1e-13)


@budget
@given(tables(), POWERS, st.sampled_from(list(METHODS)))
def test_weights_times_a_power_of_two_change_no_bit(table, factor, method):
    """For Newton powers of four: its Hessian takes the square root of the row weights."""
    X, y, s, _ = table
    factor = factor**2 if method == "newton" else factor
    options = {"method": method, "iterations": 8, "l2": 0.1}
    one, other = (steepest.fit(X, y, sample_weight=each, **options) for each in (s, factor * s))
    assert bits(one) == bits(other)


@budget
@given(tables(), st.lists(POWERS, min_size=4, max_size=4))
def test_standardised_columns_times_powers_of_two_change_no_bit(table, factors):
    X, y, s, _ = table
    assume((np.ptp(X, axis=0) > 0.0).all())  # a constant column has no scale to be divided by
    units = np.array(factors[: X.shape[1]])
    options = {
        "standardize": True,
        "iterations": 8,
        "l2": 0.01,
        "sample_weight": s,
        "learning_rate": 0.3,
        "kernel": "vectorised",
    }
    one, other = steepest.fit(X, y, **options), steepest.fit(X * units, y, **options)
    assert (other.w * units).tobytes() == one.w.tobytes()
    assert other.b == one.b
    assert other.history.tobytes() == one.history.tobytes()


@budget
@given(tables(), st.lists(POWERS, min_size=4, max_size=4))
def test_newton_does_not_depend_on_units(table, factors):
    X, y, s, _ = table
    units = np.array(factors[: X.shape[1]])
    one, other = (steepest.fit(A, y, sample_weight=s, method="newton", iterations=3) for A in (X, X * units))
    assert abs(one.cost - other.cost) <= 1e-6 * one.cost


@budget
@given(tables(), st.integers(-5, 5))
def test_a_shift_of_standardised_columns_changes_only_b(table, shift):
    X, y, s, _ = table
    options = {"standardize": True, "iterations": 8, "l2": 0.01, "sample_weight": s, "learning_rate": 0.3}
    one, other = steepest.fit(X, y, **options), steepest.fit(X + shift, y, **options)
    np.testing.assert_allclose(other.w, one.w, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(other.b, one.b - shift * one.w.sum(), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(other.history, one.history, rtol=1e-9)


@budget
@given(tables(), st.integers(0, 3), st.sampled_from(list(METHODS)), st.booleans())
def test_a_row_of_weight_zero_changes_no_bit(table, at, method, standardize):
    """Bitwise against another row in its place; against its absence the sums of the loop agree bitwise too."""
    X, y, s, _ = table
    weight = s.copy()
    weight[at] = 0.0
    assume(len(set(y[weight > 0])) == 2)
    other, flipped = X.copy(), y.copy()
    other[at], flipped[at] = 77.0, 1.0 - y[at]
    options = {"method": method, "standardize": standardize, "iterations": 6, "l2": 0.1, "sample_weight": weight}
    assert bits(steepest.fit(X, y, **options)) == bits(steepest.fit(other, flipped, **options))


@budget
@given(tables(), st.integers(0, 3))
def test_a_row_of_weight_zero_might_as_well_be_absent(table, at):
    X, y, s, theta = table
    s[at] = 0.0
    kept = np.arange(len(y)) != at
    seen, expected = (
        Objective(MemoryEngine(*rows), KERNELS["loop"]).answer(Evaluate(theta, 2))
        for rows in ((X, y, s), (X[kept], y[kept], s[kept]))
    )
    assert (seen.value, seen.errors) == (expected.value, expected.errors)
    assert np.array_equal(seen.gradient, expected.gradient)
    assert np.array_equal(seen.hessian, expected.hessian)


@budget
@given(tables(), st.sampled_from(list(METHODS)), st.integers(2, 4))
def test_threads_change_no_bit(table, method, threads):
    X, y, s, theta = table
    X, y, s = (np.concatenate([part] * 40) for part in (X, y, s))
    runs = []
    for count in (1, threads):
        objective = Objective(MemoryEngine(X, y, s, threads=count, leaf_bytes=1024), penalty=L2(0.1))
        run = drive(METHODS[method].start(theta, 0.01), objective, StopRules(5))
        runs.append((run.last.theta.tobytes(), run.trace.value.tobytes(), run.status))
    assert runs[0] == runs[1]


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@budget
@given(
    arrays(np.float64, (6, 2), elements=FINITE),
    arrays(np.float64, 2, elements=FINITE),
    st.sampled_from(list(METHODS)),
    st.booleans(),
    st.sampled_from(["safe", 1e-300, 0.1, 1e300]),
)
def test_finite_input_never_gives_nan(X, w, method, standardize, rate):
    """Whatever finite numbers come in: finite numbers come out, or one sentence that says why not."""
    options = {"method": method, "standardize": standardize, "learning_rate": rate, "iterations": 5}
    try:
        fit = steepest.fit(X, [0, 1, 0, 1, 0, 1], w=w, **options)
    except DataError:
        return
    assert np.isfinite([*fit.w, fit.b, fit.cost, *fit.history]).all()


@budget
@given(tables(), st.integers(1, 9), FIRST_ORDER)
def test_a_stopped_run_is_the_beginning_of_the_longer_one(table, steps, method):
    X, y, s, _ = table
    options = {"method": method, "sample_weight": s, "learning_rate": 0.05, "kernel": "vectorised"}
    long, short = (steepest.fit(X, y, iterations=count, **options) for count in (10, steps))
    assert short.history.tobytes() == long.history[:steps].tobytes()


@budget
@given(tables())
def test_probabilities_are_probabilities(table):
    X, y, s, _ = table
    fit = steepest.fit(X, y, sample_weight=s, learning_rate=5.0, iterations=20)
    z, p = fit.decision_function(X), fit.predict_proba(X)
    assert ((p >= 0.0) & (p <= 1.0)).all()
    order = np.argsort(z)
    assert (np.diff(p[order]) >= -np.spacing(1.0)).all()
