"""What a fit will cost; the rule that chooses the way; the calibration that no fit depends on."""

import os

import numpy as np
import pytest
import scipy.sparse

import steepest
from steepest import calibration
from steepest.calibration import TYPICAL, Machine, machine
from steepest.forecasting import forecast
from steepest.optimum.regime import Regime, choose, sample_size


@pytest.mark.parametrize(
    ("shape", "more", "regime"),
    [
        ((1_000_000, 50), {}, Regime.SAMPLED),
        ((40_000, 400), {}, Regime.SAMPLED),
        ((569, 30), {}, Regime.TINY),
        ((1_001, 30), {}, Regime.NEWTON),
        ((900, 51), {}, Regime.NEWTON),
        ((5_000, 2_000), {}, Regime.NEWTON),
        ((2_000, 10_000), {"l2": 1.0}, Regime.WIDE),
        ((200, 10_000), {"l2": 1.0}, Regime.ROWS),
        ((2_000, 10_000), {}, Regime.ROWS),
        ((30_000, 31_000), {}, Regime.NEWTON),
        ((32_561, 123), {"nnz": 451_592}, Regime.SPARSE_FEW),
        ((100_000, 50_000), {"nnz": 7_500_000}, Regime.SPARSE_MANY),
        ((150, 4), {"classes": 3}, Regime.CLASSES_NEWTON),
        ((1_797, 64), {"classes": 10}, Regime.CLASSES),
        ((1_797, 64), {"classes": 10, "nnz": 50_000}, Regime.CLASSES),
        ((10_000, 20_000), {"classes": 20, "nnz": 750_000}, Regime.CLASSES_MANY),
        ((2_000, 10_000), {"classes": 3}, Regime.CLASSES_MANY),
    ],
)
def test_choice(shape, more, regime):
    choice = choose(*shape, **more)
    assert choice.regime is regime
    assert choice.reason
    found = forecast(*shape, **more, on=TYPICAL)
    assert (found.regime, found.method, found.why) == (regime, regime.value, choice.reason)
    assert found.passes >= 3.0
    assert 0.0 < found.seconds < 20_000.0
    assert found.peak_memory > 0.0


FORECAST_CELLS = {  # name -> shape, what it is made with
    "sampled": ((40_000, 20), {}),
    "sampled, correlated": ((30_000, 40), {"rho": 0.9}),
    "newton": ((3_000, 20), {}),
    "tiny": ((500, 20), {}),
    "rows": ((150, 1_000), {}),
    "wide": ((900, 1_500), {}),
    "sparse, few columns": ((8_000, 60), {"density": 0.05}),
    "sparse, many columns": ((2_000, 2_500), {"density": 0.01}),
    "three classes": ((600, 5), {"classes": 3}),
}


def made(shape, rho=0.0, classes=2, density=None):
    rng = np.random.default_rng(0)
    if density is not None:
        X = scipy.sparse.random(*shape, density, "csr", random_state=rng, data_rvs=rng.standard_normal)
    else:
        X = rng.standard_normal(shape)
        for j in range(1, shape[1]):
            X[:, j] = rho * X[:, j - 1] + np.sqrt(1.0 - rho * rho) * X[:, j]
    Z = np.asarray(X @ rng.standard_normal((shape[1], classes)))
    Z = 1.5 * (Z - Z.mean(axis=0)) / Z.std(axis=0)
    return X, (Z + rng.gumbel(size=Z.shape)).argmax(axis=1)


@pytest.mark.parametrize("C", [1.0, 100.0])
@pytest.mark.parametrize("tol", [1e-4, 1e-9])
@pytest.mark.parametrize("name", FORECAST_CELLS)
def test_passes_are_those_forecast_within_a_factor_of_two(name, tol, C):
    shape, given = FORECAST_CELLS[name]
    X, y = made(shape, **given)
    l2 = 1.0 / (C * shape[0])
    fit = steepest.fit(X, y, l2=l2, tol=tol)
    nnz = X.nnz if scipy.sparse.issparse(X) else None
    found = forecast(*shape, classes=given.get("classes", 2), nnz=nnz, l2=l2, tol=tol, on=TYPICAL)
    assert 0.5 * fit.passes <= found.passes <= 2.0 * fit.passes


def test_sample_size():
    assert [sample_size(m, 10) for m in (100, 10_000, 50_000, 10**7)] == [0, 0, 2000, 4000]


def test_tall_fits_are_forecast_in_few_passes_and_little_memory():
    found = forecast(1_000_000, 50, on=TYPICAL)
    assert found.passes <= 8.0
    assert found.peak_memory <= 0.05 * 1_000_000 * 50 * 8
    assert "passes" in str(found)
    assert "sample" in str(found)


def test_more_digits_and_more_rows_cost_more():
    coarse, fine = (forecast(1_000_000, 50, tol=tol, on=TYPICAL) for tol in (1e-4, 1e-9))
    assert coarse.seconds < fine.seconds
    assert forecast(2_000_000, 50, on=TYPICAL).seconds > 1.9 * forecast(1_000_000, 50, on=TYPICAL).seconds
    assert forecast(1000, 50, dtype=np.int8, on=TYPICAL).bytes_read * 8 == forecast(1000, 50, on=TYPICAL).bytes_read


def test_a_faster_machine_is_forecast_to_be_faster():
    fast = Machine(2 * TYPICAL.bandwidth, 2 * TYPICAL.products, 0.5 * TYPICAL.call)
    assert forecast(10_000, 50, on=fast).seconds == pytest.approx(0.5 * forecast(10_000, 50, on=TYPICAL).seconds)


@pytest.mark.parametrize("bad", [{"m": 0}, {"n": 0}, {"classes": 1}, {"l2": -1.0}, {"tol": 0.0}, {"nnz": -1}])
def test_out_of_range(bad):
    options = {"m": 10, "n": 2, "on": TYPICAL} | bad
    with pytest.raises(ValueError, match=r"must be|cannot be"):
        forecast(options.pop("m"), options.pop("n"), **options)


def test_measured_once_and_kept(tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(calibration, "measure", lambda: measured.append(1) or Machine(1.0, 2.0, 3.0))
    assert machine(tmp_path / "deep") == machine(tmp_path / "deep") == Machine(1.0, 2.0, 3.0)
    assert len(measured) == 1
    (kept,) = (tmp_path / "deep").iterdir()  # no temporary file is left
    kept.write_text("{ broken")
    assert machine(tmp_path / "deep") == Machine(1.0, 2.0, 3.0)
    assert len(measured) == 2
    kept.write_text('{"bandwidth": -1, "products": 2, "call": 3}')
    machine(tmp_path / "deep")
    assert len(measured) == 3


def test_where_nothing_can_be_kept_the_figures_are_typical(tmp_path):
    (tmp_path / "file").write_text("")
    assert machine(tmp_path / "file") == TYPICAL
    assert machine(tmp_path / "file" / "deeper") == TYPICAL


def test_cache_folder_is_the_user_s(monkeypatch, tmp_path):
    monkeypatch.setattr(calibration.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert calibration._cache_folder() == tmp_path / "steepest"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert calibration._cache_folder().parts[-2:] == (".cache", "steepest")
    monkeypatch.setattr(calibration.sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert calibration._cache_folder() == tmp_path / "steepest"
    assert os.sep in str(calibration._cache_folder())


def test_measuring_gives_rates():
    found = calibration.measure()
    assert found.bandwidth > 1e7
    assert found.products > 1e7
    assert 0.0 < found.call < 1.0


def test_no_fit_looks_at_the_calibration(monkeypatch):
    def never(*_):
        raise AssertionError("a fit must not depend on what was measured")

    monkeypatch.setattr(calibration, "machine", never)
    monkeypatch.setattr(calibration, "measure", never)
    X = np.random.default_rng(0).standard_normal((200, 2))
    y = np.arange(200) % 2
    steepest.fit(X, y)
    steepest.path(X, y, [1.0, 0.1], folds=3)
