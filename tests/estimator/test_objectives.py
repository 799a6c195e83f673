"""What scikit-learn's class does not have: factors, bounds and signs of columns, offsets, trials, typed weights."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import steepest
from steepest import LogisticRegression, LogisticRegressionCV

NAMES = ["age", "size", "dose", "noise"]
COLUMNS = [
    {"penalty_factors": [1.0, 0.0, 2.0, 5.0]},
    {"penalty_factors": [1.0, 0.5, 2.0, 5.0], "l1_ratio": 1.0},
    {"lower": 0.0, "upper": [0.3, np.inf, 1.0, 0.1]},
    {"lower": 0.0, "l1_ratio": 0.5},
    {"monotonic_cst": [-1, 0, 1, 1]},
]


@pytest.fixture
def rows(rng):
    X = rng.standard_normal((300, 4))
    y = (X @ [1.0, -1.0, 0.5, 0.0] + rng.logistic(size=300) > 0.0).astype(int)
    return X, y, rng.uniform(0.0, 2.0, 300)


def asked(options, n=4):
    """The same for `steepest.fit`, but for C."""
    signs = np.asarray(options.get("monotonic_cst", np.zeros(n)))
    ratio = options.get("l1_ratio", 0.0)
    return {
        "l1": ratio / 300,
        "l2": (1.0 - ratio) / 300,
        "penalty_factors": options.get("penalty_factors"),
        "lower": np.where(signs > 0, 0.0, options.get("lower", -np.inf)),
        "upper": np.where(signs < 0, 0.0, options.get("upper", np.inf)),
    }


@pytest.mark.parametrize("options", COLUMNS)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_columns_are_penalised_and_held_as_by_fit(rows, options, form):
    X, y, _ = rows
    ours = LogisticRegression(**options).fit(form(X), y)
    known = steepest.fit(X, y, **asked(options))
    np.testing.assert_allclose(ours.coef_[0], known.w, atol=1e-6)
    assert ours.gap_ <= 1e-9
    assert np.all(ours.coef_[0] >= asked(options)["lower"])
    assert np.all(ours.coef_[0] <= asked(options)["upper"])
    assert ours.gap(form(X), y).gap <= 1e-8
    assert "penalty factor" in repr(ours) or "within" in repr(ours)


def test_a_gap_counts_factors_and_bounds(rows):
    X, y, _ = rows
    ours = LogisticRegression(penalty_factors=[1.0, 0.0, 9.0, 9.0], C=0.01).fit(X, y)
    other = clone(ours).set_params(penalty_factors=None).fit(X, y)
    other.penalty_factors = ours.penalty_factors
    assert 1e-4 < other.gap(X, y).gap < 1.0
    held = LogisticRegression(lower=0.0).fit(X, y)
    held.coef_ = held.coef_ - 0.5
    assert np.isinf(held.gap(X, y).gap)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_may_be_named(rows, rng, library):
    frames = pytest.importorskip(library)
    if library == "polars" and tuple(int(each) for each in sklearn.__version__.split(".")[:2]) < (1, 9):
        pytest.skip("scikit-learn before 1.9 does not read the names of polars")
    X, y, _ = rows
    frame = frames.DataFrame(dict(zip(NAMES, X.T, strict=True)) | {"colour": rng.choice(["lime", "red", "sky"], 300)})
    named = {"penalty_factors": {"colour": 0.0, "colour[sky]": 3.0, "age": 2.0}, "monotonic_cst": {"noise": -1}}
    ours = LogisticRegression(**named).fit(frame, y)
    listed = {"penalty_factors": [2.0, 1.0, 1.0, 1.0, 0.0, 3.0], "monotonic_cst": [0, 0, 0, -1, 0, 0]}
    np.testing.assert_array_equal(ours.coef_, LogisticRegression(**listed).fit(frame, y).coef_)
    assert ours.coef_[0, 3] <= 0.0
    with pytest.raises(ValueError, match="names 'agee', which X lacks: did you mean 'age'"):
        LogisticRegression(lower={"agee": 0.0}).fit(frame, y)
    with pytest.raises(ValueError, match="those of X have no names: give 4 numbers"):
        LogisticRegression(lower={"age": 0.0}).fit(X, y)


@pytest.mark.parametrize("options", COLUMNS)
def test_folds_keep_to_them_too(rows, options):
    X, y, _ = rows
    ratios = [options["l1_ratio"]] if "l1_ratio" in options else None
    given = {name: each for name, each in options.items() if name != "l1_ratio"}
    ours = LogisticRegressionCV(Cs=[1.0], l1_ratios=ratios, cv=3, use_legacy_attributes=False, **given).fit(X, y)
    np.testing.assert_allclose(ours.coef_, LogisticRegression(**options).fit(X, y).coef_, atol=1e-9)
    paths = ours.coefs_paths_[:, 0, 0, 0, :4]
    assert np.all(paths >= asked(options)["lower"])
    assert np.all(paths <= asked(options)["upper"])
    assert ours.fold_gap_ <= 1e-9


def test_classes_have_factors_and_bounds_but_no_signs(rng):
    X = rng.standard_normal((200, 3))
    y = np.argmax(X + rng.gumbel(size=(200, 3)), axis=1)
    ours = LogisticRegression(lower=-0.2, penalty_factors=[0.0, 1.0, 9.0]).fit(X, y)
    assert ours.coef_.min() >= -0.2
    assert ours.gap_ <= 1e-9
    known = steepest.fit(X, y, l2=1.0 / 200, lower=-0.2, penalty_factors=[0.0, 1.0, 9.0])
    np.testing.assert_allclose(ours.coef_, known.w.T, atol=1e-6)
    with pytest.raises(ValueError, match="monotonic_cst is for two classes, y holds 3"):
        LogisticRegression(monotonic_cst=[1, 0, 0]).fit(X, y)
    with pytest.raises(ValueError, match="beside bounds on weights nothing is said"):
        LogisticRegression(lower=0.0).fit(X, y, sample_weight=(y > 0).astype(float))
    with pytest.raises(ValueError, match=r"±w/2: bounds need 'auto'"):
        LogisticRegression(lower=0.0, multi_class="multinomial").fit(X, y > 0)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_a_weight_is_that_many_rows(rows, l1_ratio):
    X, y, _ = rows
    times = np.arange(300) % 4
    weighted = LogisticRegression(l1_ratio=l1_ratio, tol=1e-9).fit(X, y, sample_weight=times)
    repeated = LogisticRegression(l1_ratio=l1_ratio, tol=1e-9).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-6, atol=1e-7)
    sharp = {"tol": 1e-13, "l1": l1_ratio / 500, "l2": (1.0 - l1_ratio) / 500}
    one = steepest.fit(X, y, sample_weight=times, **sharp)
    other = steepest.fit(np.repeat(X, times, axis=0), np.repeat(y, times), **sharp)
    assert one.value == pytest.approx(other.value, rel=1e-10)


def test_importance_leaves_the_penalty_alone(rows):
    X, y, s = rows
    s[:40] = 0.0
    important = LogisticRegression(weights="importance", C=0.01, tol=1e-8)
    once, more = (clone(important).fit(X, y, sample_weight=k * s) for k in (1.0, 1000.0))
    np.testing.assert_allclose(once.coef_, more.coef_, rtol=1e-9)
    counted = clone(important).set_params(weights="frequency").fit(X, y, sample_weight=s * (260 / s.sum()))
    np.testing.assert_allclose(once.coef_, counted.coef_, rtol=1e-9)
    kept = clone(important).fit(X[40:], y[40:], sample_weight=s[40:])
    np.testing.assert_allclose(once.coef_, kept.coef_, rtol=1e-7)
    assert "weights of mean 1" in repr(once)
    heavy = clone(important).fit(X, y, sample_weight=np.full(300, 50.0))
    np.testing.assert_allclose(heavy.coef_, clone(important).fit(X, y).coef_, rtol=1e-9)
    balanced = clone(important).set_params(class_weight={0: 90.0, 1: 90.0}).fit(X, y)
    np.testing.assert_allclose(balanced.coef_, heavy.coef_, rtol=1e-9)
    assert once.gap(X, y, sample_weight=s).gap <= 1e-12
    folds = LogisticRegressionCV(Cs=[0.01], cv=2, weights="importance").fit(X, y, sample_weight=1000.0 * s)
    np.testing.assert_allclose(folds.coef_, once.coef_, atol=1e-4)


def test_balanced_with_the_odds_of_the_rows(rng):
    X = rng.standard_normal((2000, 2))
    y = X[:, 0] + rng.logistic(size=2000) > 2.5
    plain = LogisticRegression(class_weight="balanced").fit(X, y)
    ours = LogisticRegression(class_weight="balanced", probabilities="calibrated").fit(X, y)
    assert plain.predict_proba(X)[:, 1].mean() > 2.0 * y.mean()
    assert ours.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.01)
    np.testing.assert_array_equal(ours.coef_, plain.coef_)
    np.testing.assert_allclose(ours.intercept_, plain.calibrated().intercept_)
    np.testing.assert_array_equal(ours.calibrated().intercept_, ours.intercept_)
    assert ours.gap_ == plain.gap_ <= 1e-9
    choices = {"logisticregression__probabilities": ["weighted", "calibrated"]}
    search = GridSearchCV(make_pipeline(StandardScaler(), plain), choices, scoring="neg_log_loss", cv=3).fit(X, y)
    assert search.best_params_ == {"logisticregression__probabilities": "calibrated"}
    for options in ({"multi_class": "ovr"}, {"fit_intercept": False}):
        with pytest.raises(ValueError, match="to calibrate needs one model of all classes"):
            LogisticRegression(class_weight="balanced", probabilities="calibrated", **options).fit(X, y)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_an_offset_is_added_to_z(rows, form, l1_ratio):
    X, y, s = rows
    away = np.linspace(-2.0, 2.0, 300)
    ours = LogisticRegression(l1_ratio=l1_ratio, C=0.3).fit(form(X), y, sample_weight=s, offset=away)
    k = 0.3 * s.sum()
    known = steepest.fit(X, y, sample_weight=s, offset=away, l1=l1_ratio / k, l2=(1 - l1_ratio) / k)
    np.testing.assert_allclose(ours.coef_[0], known.w, atol=1e-4)
    z = ours.decision_function(form(X), offset=away)
    np.testing.assert_allclose(z, ours.decision_function(X) + away)
    np.testing.assert_allclose(ours.predict_proba(X, offset=away)[:, 1], 1.0 / (1.0 + np.exp(-z)))
    np.testing.assert_allclose(np.exp(ours.predict_log_proba(X, offset=away)), ours.predict_proba(X, offset=away))
    np.testing.assert_array_equal(ours.predict(X, offset=away), z > 0.0)
    for method in ("gd", "newton"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            LogisticRegression(method=method).fit(X, y, offset=away)


def test_offsets_are_routed_through_a_pipeline(rows):
    X, y, _ = rows
    away = X[:, 0]
    with sklearn.config_context(enable_metadata_routing=True):
        last = LogisticRegression().set_fit_request(offset=True).set_predict_proba_request(offset=True)
        pipe = make_pipeline(StandardScaler(), last).fit(X, y, offset=away)
        plain = LogisticRegression().fit(StandardScaler().fit_transform(X), y, offset=away)
        np.testing.assert_array_equal(pipe[-1].coef_, plain.coef_)
        seen = pipe.predict_proba(X, offset=away)
        np.testing.assert_array_equal(seen, plain.predict_proba(StandardScaler().fit_transform(X), offset=away))


def test_successes_out_of_trials_are_rows(rng):
    X = rng.standard_normal((40, 2))
    trials = rng.integers(0, 6, 40)
    y = rng.binomial(trials, 1.0 / (1.0 + np.exp(-X[:, 0])))
    grouped = LogisticRegression(tol=1e-8).fit(X, y, trials=trials)
    rows = np.repeat(X, trials, axis=0)
    labels = np.concatenate([np.arange(t) < k for k, t in zip(y, trials, strict=True)]).astype(int)
    single = LogisticRegression(tol=1e-8).fit(rows, labels)
    np.testing.assert_allclose(grouped.coef_, single.coef_, rtol=1e-7)
    np.testing.assert_allclose(grouped.intercept_, single.intercept_, rtol=1e-7)
    assert grouped.classes_.tolist() == [0, 1]
    assert set(grouped.predict(X)) <= {0, 1}
    shares = np.clip(rng.uniform(-0.2, 1.2, 40), 0.0, 1.0)
    soft = LogisticRegression().fit(X, shares, trials=1)
    known = steepest.fit(X, shares, trials=1, l2=1 / 40)
    np.testing.assert_allclose(soft.coef_[0], known.w, atol=1e-6)
    with pytest.raises(ValueError, match="Unknown label type"):
        LogisticRegression().fit(X, shares)
    with pytest.raises(ValueError, match="7 successes of 1 trials"):
        LogisticRegression().fit(X, np.full(40, 7), trials=1)
    with pytest.raises(ValueError, match="class_weight is for labels"):
        LogisticRegression(class_weight="balanced").fit(X, y, trials=trials)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_missing_and_unseen_by_policy(rng, library):
    frames = pytest.importorskip(library)
    size = rng.standard_normal(200).tolist()
    size[3] = None
    frame = frames.DataFrame({"size": size, "colour": rng.choice(["red", "sky"], 200)})
    y = rng.integers(0, 2, 200)
    with pytest.raises(ValueError, match=r"missing|NaN"):
        LogisticRegression().fit(frame, y)
    policies = {"missing": "indicator", "unseen": "reference"}
    ours = LogisticRegression(schema=policies).fit(frame, y)
    assert ours.schema_.names == ("size", "size[missing]", "colour[sky]")
    known = LogisticRegression(schema=steepest.schema(frame, **policies)).fit(frame, y)
    np.testing.assert_array_equal(ours.coef_, known.coef_)
    new = frames.DataFrame({"size": [None, 1.0], "colour": ["pink", "red"]})
    assert ours.predict_proba(new).shape == (2, 2)
    left_out = LogisticRegression(schema={"missing": "drop"}).fit(frame, y)
    whole = LogisticRegression().fit(frame[[*range(3), *range(4, 200)]] if library == "polars" else frame.drop(3),
                                     np.delete(y, 3))  # fmt: skip
    np.testing.assert_allclose(left_out.coef_, whole.coef_, atol=1e-6)
    assert np.isfinite(cross_val_score(LogisticRegression(schema=policies), frame, y, cv=3)).all()
    folds = LogisticRegressionCV(Cs=2, cv=2, schema=policies).fit(frame, y)
    assert folds.coef_.shape == (1, 3)
    with pytest.raises(ValueError, match="for the columns of a frame"):
        LogisticRegression(schema=policies).fit(rng.standard_normal((200, 2)), y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"penalty_factors": [-1.0, 1.0, 1.0, 1.0]}, "penalty_factors must be finite numbers >= 0"),
        ({"penalty_factors": [1.0, 1.0]}, r"penalty_factors has shape \(2,\), but X has 4 columns"),
        ({"lower": 1.0, "upper": 0.0}, "lower <= upper"),
        ({"monotonic_cst": [2, 0, 0, 0]}, "must be -1, 0 or 1"),
        ({"lower": 0.0, "method": "gd"}, "are for method='auto'"),
        ({"weights": "precision"}, "'weights' parameter"),
        ({"probabilities": "odds"}, "'probabilities' parameter"),
        ({"schema": 3}, "'schema' parameter"),
    ],
)
def test_what_cannot_be_is_refused(rows, options, message):
    X, y, _ = rows
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**options).fit(X, y)


def test_streams_are_told_what_they_cannot(rows):
    X, y, _ = rows
    for options in ({"penalty_factors": 2.0}, {"weights": "importance"}, {"probabilities": "calibrated"}):
        with pytest.raises(ValueError, match="partial_fit takes one penalty on the squares of all columns"):
            LogisticRegression(**options).partial_fit(X, y, classes=[0, 1])
