"""LogisticRegressionCV: scikit-learn's scores and choices, from optima that are proved."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import sklearn.linear_model as peer
from sklearn.datasets import load_iris
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold
from sklearn.preprocessing import scale

from steepest import LogisticRegression, LogisticRegressionCV
from steepest.estimator import NotProvedWarning, grid

CS = [1e-3, 0.1, 1.0, 100.0]
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


@pytest.fixture
def rows(rng):
    X = rng.standard_normal((240, 5))
    return X, (X @ [1.0, -1.0, 0.5, 0.0, 0.0] + rng.logistic(size=240) > 0.0).astype(int), rng.uniform(0.5, 2.0, 240)


def theirs(**parameters):
    """scikit-learn's, silent and solved to the end."""
    new = {"use_legacy_attributes": True} if VERSION >= (1, 8) else {}
    return peer.LogisticRegressionCV(tol=1e-10, max_iter=10_000, **{**new, **parameters})


@pytest.fixture(autouse=True)
def silence():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss", "roc_auc", "neg_brier_score", "f1"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_scores_and_choice_are_scikit_learns(rows, scoring, fit_intercept):
    X, y, _ = rows
    given = {"Cs": CS, "cv": 4, "scoring": scoring, "fit_intercept": fit_intercept}
    ours, peers = LogisticRegressionCV(**given).fit(X, y), theirs(**given).fit(X, y)
    np.testing.assert_allclose(ours.scores_[1], peers.scores_[1], atol=1e-5)
    np.testing.assert_allclose(ours.coefs_paths_[1], peers.coefs_paths_[1], atol=2e-3)
    np.testing.assert_array_equal(ours.C_, peers.C_)
    np.testing.assert_allclose(ours.coef_, peers.coef_, atol=1e-3)
    assert ours.gap_ <= 1e-9
    assert ours.fold_gap_ <= 1e-9


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0, 1: 0.5}])
@pytest.mark.parametrize("refit", [True, False])
def test_weights_and_averaging(rows, class_weight, refit):
    X, y, s = rows
    given = {"Cs": CS, "cv": 3, "class_weight": class_weight, "refit": refit, "scoring": "neg_log_loss"}
    ours = LogisticRegressionCV(**given).fit(X, y, sample_weight=s)
    peers = theirs(**given).fit(X, y, sample_weight=s)
    np.testing.assert_allclose(ours.scores_[1], peers.scores_[1], atol=1e-5)
    np.testing.assert_array_equal(ours.C_, peers.C_)
    np.testing.assert_allclose(ours.coef_, peers.coef_, atol=1e-3)
    np.testing.assert_allclose(ours.intercept_, peers.intercept_, atol=1e-3)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "accuracy", "f1_macro"])
def test_three_classes(scoring):
    X, y = load_iris(return_X_y=True)
    X = scale(X)
    given = {"Cs": [0.01, 1.0], "cv": StratifiedKFold(3), "scoring": scoring}
    ours, peers = LogisticRegressionCV(**given).fit(X, y), theirs(**given).fit(X, y)
    for k in range(3):
        np.testing.assert_allclose(ours.scores_[k], peers.scores_[k], atol=1e-5)
        np.testing.assert_allclose(ours.coefs_paths_[k], peers.coefs_paths_[k], atol=1e-3)
    np.testing.assert_array_equal(ours.C_, peers.C_)
    assert ours.coef_.shape == (3, 4)


@pytest.mark.parametrize("cv", [KFold(3), ShuffleSplit(4, random_state=0), [([*range(100)], [*range(100, 130)])]])
def test_folds_of_any_kind(rows, cv):
    X, y, _ = rows
    ours = LogisticRegressionCV(Cs=CS, cv=cv, use_legacy_attributes=False, scoring="neg_log_loss").fit(X, y)
    splits = cv if isinstance(cv, list) else list(cv.split(X, y))
    assert ours.scores_.shape == (len(splits), 1, 4)
    assert ours.coefs_paths_.shape == (len(splits), 1, 4, 1, 6)
    assert isinstance(ours.C_, float)
    train, test = splits[0]
    single = LogisticRegression(C=CS[1]).fit(X[train], y[train])
    np.testing.assert_allclose(ours.coefs_paths_[0, 0, 1, 0, :5], single.coef_[0], atol=1e-4)
    expected = single.predict_log_proba(X[test])[np.arange(len(test)), y[test]].mean()
    assert ours.scores_[0, 0, 1] == pytest.approx(expected, abs=1e-5)


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((3000, 8))
    y = np.where(X[:, 0] - X[:, 1] + rng.logistic(size=3000) > 0.0, "yes", "no")
    return X, y, rng.uniform(0.0, 2.0, 3000)


@pytest.mark.parametrize("cv", [4, KFold(3, shuffle=True, random_state=1)])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_in_lockstep_or_one_by_one_is_the_same(many, monkeypatch, cv, class_weight):
    X, y, s = many
    given = {"Cs": CS, "cv": cv, "scoring": "neg_log_loss", "class_weight": class_weight, "tol": 1e-5}
    together = LogisticRegressionCV(**given).fit(X, y, sample_weight=s)
    monkeypatch.setattr(grid, "_suits", lambda *_: False)
    single = LogisticRegressionCV(**given).fit(X, y, sample_weight=s)
    assert set(np.unique(together.n_iter_)) == {together.n_iter_.flat[0]}  # the passes that all shared
    np.testing.assert_allclose(together.coefs_paths_["yes"], single.coefs_paths_["yes"], atol=1e-5)
    np.testing.assert_allclose(together.scores_["yes"], single.scores_["yes"], atol=1e-6)
    np.testing.assert_array_equal(together.coef_, single.coef_)
    assert together.fold_gap_ <= 1e-11


@pytest.mark.parametrize(
    "parameters",
    [
        {"cv": ShuffleSplit(3, random_state=0)},
        {"cv": [(np.arange(1000), np.arange(1000, 3000))]},
        {"cv": [(np.arange(0, 3000, 2), np.arange(1, 3000, 2)), (np.arange(0, 3000, 2), np.arange(1, 3000, 2))]},
        {"fit_intercept": False},
        {"l1_ratios": [0.5]},
        {"Cs": [np.inf]},
        {"method": "newton"},
        {"budget": 60.0},
    ],
)
def test_what_does_not_suit_lockstep_is_fitted_one_by_one(many, parameters):
    X, y, _ = many
    given = {"Cs": [0.1], "cv": 2, "scoring": "neg_log_loss", "use_legacy_attributes": False, **parameters}
    ours = LogisticRegressionCV(**given).fit(X, y)
    assert np.isfinite(ours.scores_).all()
    assert ours.fold_gap_ <= 1e-9


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_quick_scores_are_scikit_learns(many, scoring, classes):
    X, y, s = many
    y = y if classes == 2 else np.where(X[:, 2] > 1.0, "maybe", y)
    given = {"Cs": [1e-3, 1.0], "cv": 3, "use_legacy_attributes": False}
    quick = LogisticRegressionCV(scoring=scoring, **given).fit(X, y, sample_weight=s)

    def as_a_function(model, X, y, **options):
        return get_scorer(scoring)(model, X, y, **options)

    slow = LogisticRegressionCV(scoring=as_a_function, **given)
    np.testing.assert_allclose(slow.fit(X, y, sample_weight=s).scores_, quick.scores_, rtol=1e-12)


def test_sparse_rows(rows):
    X, y, _ = rows
    X = np.where(X > 0.0, X, 0.0)
    dense, sparse = (
        LogisticRegressionCV(Cs=CS, cv=3, scoring="neg_log_loss").fit(f(X), y) for f in (list, sp.csr_array)
    )
    np.testing.assert_allclose(dense.scores_[1], sparse.scores_[1], atol=1e-5)
    assert dense.C_ == sparse.C_


def test_the_one_standard_error_rule(rows):
    X, y, _ = rows
    given = {"Cs": np.logspace(-4, 2, 13), "cv": 5, "scoring": "neg_log_loss", "use_legacy_attributes": False}
    best = LogisticRegressionCV(**given).fit(X, y)
    strong = LogisticRegressionCV(rule="one_standard_error", **given).fit(X, y)
    mean = best.scores_[:, 0].mean(axis=0)
    at = int(np.argmax(mean))
    error = best.scores_[:, 0, at].std(ddof=1) / np.sqrt(5)
    assert best.Cs_[at] == best.C_
    assert best.Cs_[mean >= mean[at] - error].min() == strong.C_
    assert strong.C_ < best.C_


def test_ratios_are_chosen_too(rows):
    X, y, _ = rows
    given = {"Cs": [0.01, 0.1, 1.0], "l1_ratios": [0.0, 0.5, 1.0], "cv": 3, "scoring": "neg_log_loss"}
    ours = LogisticRegressionCV(**given).fit(X, y)
    assert ours.scores_[1].shape == (3, 3, 3)
    assert ours.coefs_paths_[1].shape == (3, 3, 3, 6)
    mean = ours.scores_[1].mean(axis=0)
    p, r = np.unravel_index(np.argmax(mean), mean.shape)
    assert (ours.C_[0], ours.l1_ratio_[0]) == (given["Cs"][p], given["l1_ratios"][r])
    train, _ = next(StratifiedKFold(3).split(X, y))
    single = LogisticRegression(C=0.1, l1_ratio=1.0).fit(X[train], y[train])
    np.testing.assert_allclose(ours.coefs_paths_[1][0, 1, 2, :5], single.coef_[0], atol=1e-6)
    plain = LogisticRegression(C=ours.C_[0], l1_ratio=ours.l1_ratio_[0]).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, plain.coef_)


def test_a_fold_without_a_class_is_scored_by_its_limit():
    X, y = np.arange(6.0)[:, None], np.array(["a", "a", "b", "b", "c", "c"])
    ours = LogisticRegressionCV(Cs=[1e-6, 1.0], cv=KFold(3), scoring="neg_brier_score", use_legacy_attributes=False)
    ours.fit(X, y)
    assert np.isneginf(ours.coefs_paths_[0, 0, 0, 0, -1])
    assert ours.scores_[0, 0, 0] == pytest.approx(-1.5, abs=1e-3)
    two = LogisticRegressionCV(Cs=[1.0], cv=KFold(2), scoring="neg_brier_score", use_legacy_attributes=False)
    two.fit(X[:4], y[:4])
    assert np.isposinf(two.coefs_paths_[0, 0, 0, 0, -1])


def test_the_score_is_that_of_scoring(rows):
    X, y, s = rows
    ours = LogisticRegressionCV(Cs=CS, scoring="neg_log_loss").fit(X, y)
    expected = ours.predict_log_proba(X)[np.arange(240), y]
    assert ours.score(X, y) == pytest.approx(expected.mean())
    assert ours.score(X, y, sample_weight=s) == pytest.approx(np.average(expected, weights=s))
    assert LogisticRegressionCV(Cs=CS).fit(X, y).score(X, y) == np.mean(ours.predict(X) == y)


def test_descents_may_be_cross_validated(rows):
    X, y, _ = rows
    ours = LogisticRegressionCV(Cs=[0.1], cv=2, method="nesterov", max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, LogisticRegression(C=0.1).fit(X, y).coef_, atol=1e-4)
    with pytest.warns(NotProvedWarning, match="max_iter=3"):
        LogisticRegressionCV(Cs=[0.1], cv=2, method="gd", max_iter=3).fit(X, y)


def test_what_was_chosen_is_shown(rows):
    X, y, _ = rows
    ours = LogisticRegressionCV(Cs=[0.1], cv=2)
    assert repr(ours).endswith("C chosen by cross-validation")
    ours.fit(X, y)
    assert repr(ours).splitlines()[1:] == ["C = 0.1 by cross-validation", ours.certificate_.sentence]


@pytest.mark.parametrize("parameters", [{}, {"refit": False}, {"l1_ratios": [0.0, 0.5]}, {"class_weight": "balanced"}])
def test_each_class_against_all_others_has_a_search_of_its_own(parameters):
    X, y = load_iris(return_X_y=True)
    X, names = scale(X), np.array(["a", "b", "c"])
    folds = list(StratifiedKFold(3).split(X, y))
    given = {"Cs": CS, "cv": folds, "scoring": "neg_log_loss", **parameters}
    ours = LogisticRegressionCV(multi_class="ovr", **given).fit(X, names[y])
    for k, name in enumerate(names.tolist()):
        weight = None
        if "class_weight" in parameters:  # that of all classes
            weight = 50.0 / np.bincount(y)[y]
            given["class_weight"] = None
        single = LogisticRegressionCV(**given).fit(X, np.where(y == k, 1, -1), sample_weight=weight)
        if weight is None:
            np.testing.assert_array_equal(ours.scores_[name], single.scores_[1])
        np.testing.assert_allclose(ours.coefs_paths_[name], single.coefs_paths_[1], atol=1e-6)
        if weight is None:
            assert (ours.C_[k], ours.l1_ratio_[k]) == (single.C_[0], single.l1_ratio_[0])
            np.testing.assert_array_equal(ours.coef_[k], single.coef_[0])
            np.testing.assert_array_equal(ours.intercept_[k], single.intercept_[0])
    np.testing.assert_allclose(ours.predict_proba(X).sum(axis=1), 1.0)
    assert ours.n_iter_.shape[:3] == (3, 3, 4)
    if "refit" not in parameters:
        assert len(ours.fit_) == 3
        assert ours.gap_ <= 1e-9
        assert "one for every class" in repr(ours)
    with pytest.raises(ValueError, match="a C for every class"):
        LogisticRegressionCV(multi_class="ovr", use_legacy_attributes=False, **given).fit(X, y)


@pytest.mark.skipif(VERSION >= (1, 8), reason="multi_class is gone from scikit-learn 1.8 on")
@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss"])
def test_each_class_against_all_others_as_in_scikit_learn_until_1_7(scoring):
    X, y = load_iris(return_X_y=True)
    given = {"Cs": CS, "cv": 3, "multi_class": "ovr", "scoring": scoring}
    ours, peers = LogisticRegressionCV(**given).fit(scale(X), y), theirs(**given).fit(scale(X), y)
    for k in range(3):
        np.testing.assert_allclose(ours.scores_[k], peers.scores_[k], atol=1e-4)
        np.testing.assert_allclose(ours.coefs_paths_[k], peers.coefs_paths_[k], atol=1e-2)
    np.testing.assert_array_equal(ours.C_, peers.C_)
    np.testing.assert_allclose(ours.predict_proba(scale(X)), peers.predict_proba(scale(X)), atol=1e-3)


def test_liblinear_of_several_classes_is_each_against_all_others_if_asked_as_until_1_7():
    X, y = load_iris(return_X_y=True)
    auto = LogisticRegression(solver="liblinear", multi_class="auto").fit(X, y)
    each = LogisticRegression(multi_class="ovr").fit(X, y)
    np.testing.assert_array_equal(auto.coef_, each.coef_)
    np.testing.assert_array_equal(auto.predict_proba(X), each.predict_proba(X))
    assert auto.n_iter_.shape == (3,)
    with pytest.raises(ValueError, match="does not support multiclass"):
        LogisticRegression(solver="liblinear").fit(X, y)
    with pytest.raises(ValueError, match="does not support a multinomial backend"):
        LogisticRegression(solver="liblinear", multi_class="multinomial").fit(X, y)


def test_a_multinomial_of_two_classes_has_weights_for_each_and_half_the_penalty(rows):
    X, y, _ = rows
    given = {"Cs": [0.1, 1.0], "cv": 3, "use_legacy_attributes": False}
    ours = LogisticRegressionCV(multi_class="multinomial", **given).fit(X, y)
    plain = LogisticRegressionCV(**{**given, "Cs": [0.2, 2.0]}).fit(X, y)
    np.testing.assert_allclose(ours.coefs_paths_, plain.coefs_paths_, atol=1e-6)
    single = LogisticRegression(C=ours.C_, multi_class="multinomial").fit(X, y)
    np.testing.assert_array_equal(ours.coef_, single.coef_)
