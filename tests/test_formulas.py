"""The formulas of one example against 40-digit arithmetic, over all doubles: random bits, grids, edges."""

import mpmath
import numpy as np
import pytest

from steepest import formulas
from steepest.conformance import check_formulas

FINFO = np.finfo(np.float64)
CONTEXT = mpmath.mp.clone()
CONTEXT.dps = 40


def random_doubles(count: int, seed: int = 0) -> np.ndarray:
    """Uniform over bit patterns: every exponent equally likely, subnormals included; NaN and infinities left out."""
    bits = np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64).view(np.float64)
    return bits[np.isfinite(bits)]


def structured() -> np.ndarray:
    """Grids where something happens, and the floats right beside the edges."""
    edges = [0.0, 5e-324, 2.2250738585072014e-308, 1e-300, 1e-20, 2**-53, 2**-52, 0.6931, 1.0, 18.0, 33.3, 36.04, 36.7,
             36.73, 36.74, 37.0, 37.43, 40.0, 354.9, 372.5, 700.0, 708.3, 708.4, 709.0, 709.78, 710.0, 744.4, 745.0,
             745.13, 745.14, 746.0, 1e3, 1e10, 1e300, FINFO.max]  # fmt: skip
    with np.errstate(over="ignore"):
        near = [x for edge in edges for x in (np.nextafter(edge, -np.inf), edge, np.nextafter(edge, np.inf))]
    dense = np.concatenate([np.linspace(0, 40, 500), np.linspace(36, 38, 100), np.linspace(705, 747, 250)])
    z = np.concatenate([near, dense, np.logspace(-320, 308, 315), np.random.default_rng(1).uniform(0, 750, 400)])
    return np.concatenate([z, -z])[np.isfinite(np.concatenate([z, -z]))]


@pytest.fixture(scope="module")
def z() -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.concatenate([random_doubles(20_000), structured(), rng.standard_normal(1000) * 20.0])


def exact(z: np.ndarray, name: str) -> list[mpmath.mpf]:
    mp, values = CONTEXT, []
    for each in z.tolist():
        if abs(each) > 1e4:  # e^-|z| is below 10^-4342: nothing of it is left at 1,000 digits
            truth = {"sigmoid": mp.mpf(each > 0), "softplus": mp.mpf(max(each, 0.0)), "curvature": mp.mpf(0)}[name]
        else:
            t = mp.exp(-abs(mp.mpf(each)))
            truth = {
                "sigmoid": (1 if each >= 0 else t) / (1 + t),
                "softplus": max(mp.mpf(each), 0) + mp.log1p(t),
                "curvature": t / (1 + t) ** 2,
            }[name]
        values.append(truth)
    return values


def ulps(got: np.ndarray, truth: list[mpmath.mpf]) -> np.ndarray:
    spacing = np.spacing(np.array([min(float(abs(t)), FINFO.max / 2) for t in truth]))
    return np.array([float(abs(CONTEXT.mpf(g) - t) / s) for g, t, s in zip(got.tolist(), truth, spacing, strict=True)])


@pytest.mark.parametrize(("name", "bound"), [("sigmoid", 2.0), ("softplus", 1.5), ("curvature", 4.0)])
def test_within_ulps_of_the_exact_value(z, name, bound):
    apart = ulps(getattr(formulas, name)(z), exact(z, name))
    worst = int(np.argmax(apart))
    assert apart[worst] <= bound, f"{name}({z[worst]!r}) is {apart[worst]} ulp off"


@pytest.mark.parametrize("y", [0.0, 1.0, 0.25])
def test_loss_is_accurate_for_labels_and_fractions(z, y):
    z = z[np.abs(z) < 1e4]
    truth = [
        y * plus + (1 - y) * minus for plus, minus in zip(exact(-z, "softplus"), exact(z, "softplus"), strict=True)
    ]
    assert ulps(formulas.loss(z, y), truth).max() <= 4.0


def test_no_nan_and_no_warning_for_any_finite_z():
    z = np.concatenate([random_doubles(500_000, seed=3), structured()])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for name in ("sigmoid", "softplus", "curvature"):
            assert np.isfinite(getattr(formulas, name)(z)).all(), name
        for y in (0.0, 1.0, 0.5):
            assert np.isfinite(formulas.loss(z, y)).all()
            assert np.isfinite(formulas.dz(formulas.sigmoid(z), y)).all()


def test_infinite_z_gives_the_limits():
    z = np.array([-np.inf, np.inf])
    assert formulas.sigmoid(z).tolist() == [0.0, 1.0]
    assert formulas.softplus(z).tolist() == [0.0, np.inf]
    assert formulas.curvature(z).tolist() == [0.0, 0.0]


def test_sigmoid_rises_within_an_ulp():
    z = np.sort(np.concatenate([random_doubles(200_000, seed=4), np.linspace(-750, 750, 200_001), structured()]))
    a = formulas.sigmoid(z)
    assert (np.diff(a) >= -np.spacing(a[1:])).all()
    assert a.min() >= 0.0
    assert a.max() <= 1.0


def test_sigmoid_of_z_and_minus_z_add_to_one():
    z = np.concatenate([random_doubles(200_000, seed=5), structured()])
    assert np.abs(formulas.sigmoid(z) + formulas.sigmoid(-z) - 1.0).max() <= FINFO.eps


def test_curvature_is_even_and_falls_from_a_quarter():
    z = np.sort(np.abs(random_doubles(200_000, seed=6)))
    k = formulas.curvature(z)
    assert (k == formulas.curvature(-z)).all()
    assert k[0] == 0.25
    assert (np.diff(k) <= 4 * np.spacing(k[1:])).all()


def test_derivative_of_the_loss_is_a_minus_y():
    z, h = np.linspace(-20, 20, 81), 1e-6
    for y in (0.0, 0.3, 1.0):
        slope = (formulas.loss(z + h, y) - formulas.loss(z - h, y)) / (2 * h)
        np.testing.assert_allclose(formulas.dz(formulas.sigmoid(z), y), slope, atol=5e-9)


def test_softplus_and_loss_where_textbook_lines_fail():
    assert formulas.loss(40.0, 1.0) > 0.0  # softplus(z) - y z would give 0
    assert formulas.loss(40.0, 0.0) == 40.0  # log(1 - a) would give inf
    assert formulas.curvature(-700.0) > 0.0


def test_shapes_and_dtypes():
    for name in ("sigmoid", "softplus", "curvature"):
        function = getattr(formulas, name)
        assert np.shape(function(1)) == ()
        assert function(np.zeros((2, 3), dtype=np.float32)).dtype == np.float64
        assert function(np.zeros((2, 3))).shape == (2, 3)
    assert formulas.dz(np.float32(0.5), 1).dtype == np.float64


def test_kit_accepts_the_formulas():
    check_formulas(formulas)
