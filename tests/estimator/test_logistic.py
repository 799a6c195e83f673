"""LogisticRegression: scikit-learn's answers where those are right, and what is proved beside them."""

import functools
import math
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model as peer
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import steepest
from steepest import LogisticRegression
from steepest.estimator import NoFiniteOptimumWarning, NotProvedWarning


def silently(call):
    """The call without its warnings: scikit-learn's releases warn of each other's spellings."""

    @functools.wraps(call)
    def quiet(*args, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return call(*args, **options)

    return quiet


@silently
def fitted(X, y, s=None, **options):
    """scikit-learn's, to the end."""
    return peer.LogisticRegression(**{"tol": 1e-12, "max_iter": 10_000, **options}).fit(X, y, s)


def peer_takes_ratios():
    """Whether l1_ratio alone says what the penalty is, as it does from 1.8 on."""
    return peer.LogisticRegression().l1_ratio == 0.0


@pytest.fixture
def rows(rng):
    """200 rows of four columns, two classes that overlap, and weights."""
    X = rng.standard_normal((200, 4))
    X[:, 1] += 1.0
    y = (X @ [1.0, -0.5, 0.3, 0.0] + rng.logistic(size=200) > 0.0).astype(int)
    return X, y, rng.uniform(0.0, 3.0, 200)


@pytest.fixture
def classes(rng):
    """Three classes that overlap."""
    X = rng.standard_normal((200, 4))
    return X, (X[:, :3] + rng.gumbel(size=(200, 3))).argmax(axis=1)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0, np.inf])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_same_optimum_as_scikit_learn(rows, C, fit_intercept, weighted):
    X, y, s = rows
    s = s if weighted else None
    ours = LogisticRegression(C=C, fit_intercept=fit_intercept).fit(X, y, s)
    theirs = fitted(X, y, s, C=C, fit_intercept=fit_intercept)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=2e-4)
    assert ours.coef_.shape == (1, 4)
    assert ours.gap_ <= 1e-9
    assert ours.certificate_.exists == "proved"


@pytest.mark.parametrize("C", [0.01, 1.0, np.inf])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_same_optimum_for_three_classes(classes, C, fit_intercept):
    X, y = classes
    ours = LogisticRegression(C=C, fit_intercept=fit_intercept).fit(X, y)
    theirs = fitted(X, y, C=C, fit_intercept=fit_intercept)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=2e-4)
    np.testing.assert_allclose(ours.coef_.sum(axis=0), 0.0, atol=1e-12)
    assert ours.gap_ <= 1e-9


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_absolute_values_are_penalised_as_in_scikit_learn(rows, l1_ratio, form, fit_intercept):
    X, y, s = rows
    given = {"C": 0.05, "l1_ratio": l1_ratio, "fit_intercept": fit_intercept}
    ours = LogisticRegression(**given).fit(form(X), y, s)
    old = {} if peer_takes_ratios() else {"penalty": "elasticnet"}
    theirs = fitted(X, y, s, solver="saga", **given, **old)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
    np.testing.assert_array_equal(ours.coef_ == 0.0, theirs.coef_ == 0.0)
    assert ours.gap_ <= 1e-9


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 5.0}])
def test_class_weights_change_the_penalty_as_in_scikit_learn(rows, class_weight):
    X, y, s = rows
    ours = LogisticRegression(class_weight=class_weight).fit(X, y, s)
    theirs = fitted(X, y, s, class_weight=class_weight)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)


def test_l2_is_one_over_C_times_the_sum_of_weights(rows):
    X, y, s = rows
    ours = LogisticRegression(C=0.7).fit(X, y, s)
    assert ours.fit_.l2 == pytest.approx(1.0 / (0.7 * s.sum()), rel=1e-14)


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "newton"])
@pytest.mark.parametrize("where", ["method", "solver"])
def test_descents_as_asked_for(rows, method, where):
    X, y, _ = rows
    ours = LogisticRegression(max_iter=2000, tol=1e-3, **{where: method}).fit(X, y)
    seed = steepest.fit(X, y, method=method, iterations=2000, l2=1.0 / 200.0)
    assert np.array_equal(ours.coef_[0], seed.w)
    assert ours.intercept_[0] == seed.b
    np.testing.assert_array_equal(ours.history_, seed.history)
    assert ours.n_iter_[0] == seed.iterations


def test_a_descent_that_is_cut_off_is_certified_as_well(rng):
    X = rng.standard_normal((6_000, 10))
    y = X[:, 0] + rng.logistic(size=6_000) > 0.0
    with pytest.warns(NotProvedWarning, match="at most"):
        ours = LogisticRegression(method="gd", max_iter=5).fit(X, y)
    assert ours.n_iter_[0] == 5
    assert 1e-9 < ours.gap_ < 1.0


def test_a_learning_rate_is_the_seeds(rows):
    X, y, _ = rows
    with pytest.warns(NotProvedWarning, match=r"Ended by max_iter=50: at most .* % above the optimum"):
        ours = LogisticRegression(solver="gd", learning_rate=0.1, max_iter=50).fit(X, y)
    assert ours.fit_.learning_rate == 0.1
    assert 1e-9 < ours.gap_ < 1.0


@pytest.mark.parametrize("max_iter", [0, 1, 2])
def test_max_iter_is_kept_and_what_is_left_is_said(rows, max_iter):
    X, y, _ = rows
    with pytest.warns(ConvergenceWarning, match=f"max_iter={max_iter}"):
        ours = LogisticRegression(max_iter=max_iter).fit(X, y)
    assert ours.n_iter_[0] == max_iter
    assert len(ours.history_) == max_iter


def test_a_budget_that_is_too_small_ends_the_fit(rng):
    X = rng.standard_normal((60_000, 40))
    y = X[:, 0] + rng.logistic(size=60_000) > 0.0
    with pytest.warns(NotProvedWarning, match="the budget of 1e-09 s"):
        LogisticRegression(budget=1e-9).fit(X, y)


def test_separable_classes_without_a_penalty():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(NoFiniteOptimumWarning, match="no finite optimum exists.*the weights grow for ever"):
        ours = LogisticRegression(C=np.inf).fit(X[:100], y[:100])
    assert ours.certificate_.exists == "disproved"
    assert np.isfinite(ours.coef_).all()
    assert issubclass(NoFiniteOptimumWarning, ConvergenceWarning)


def test_warm_start_goes_on_from_where_it_was(classes):
    X, y = classes
    ours = LogisticRegression(warm_start=True, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotProvedWarning)
        before = ours.fit(X, y).coef_
        while ours.gap_ > 1e-9:
            ours.fit(X, y)
    optimum = LogisticRegression().fit(X, y)
    assert np.abs(before - optimum.coef_).max() > 1e-3
    np.testing.assert_allclose(ours.coef_, optimum.coef_, atol=1e-4)
    with pytest.raises(ValueError, match=r"of shape \(3, 4\), but these data need \(3, 2\)"):
        ours.fit(X[:, :2], y)


@pytest.mark.parametrize(
    "labels",
    [
        [False, True],
        ["no", "yes"],
        np.array(["no", "yes"], dtype=object),
        [-1, 1],
        [1.0, 2.0],
        np.array([3, 200], dtype=np.uint8),
    ],
)
def test_labels_of_any_kind(rows, labels):
    X, y, _ = rows
    labels = np.asarray(labels)
    ours = LogisticRegression().fit(X, labels[y])
    np.testing.assert_array_equal(ours.classes_, labels)
    assert ours.classes_.dtype == labels.dtype
    assert set(ours.predict(X)) <= set(labels.tolist())
    assert ours.score(X, labels[y]) > 0.6
    np.testing.assert_array_equal(ours.coef_, LogisticRegression().fit(X, y).coef_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.uint16, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_inputs_of_any_dtype_and_order(rng, dtype, order):
    X = np.asarray(rng.integers(0, 2 if dtype is bool else 9, (120, 3)), dtype=dtype, order=order)
    y = rng.integers(0, 2, 120)
    X.flags.writeable = False
    ours = LogisticRegression().fit(X, y)
    wide = LogisticRegression().fit(X.astype(np.float64), y)
    kept = np.float32 if dtype is np.float32 else np.float64
    assert ours.coef_.dtype == ours.intercept_.dtype == ours.predict_proba(X).dtype == kept
    np.testing.assert_allclose(ours.coef_, wide.coef_, atol=1e-4)


def test_sparse_rows_and_sparse_coefficients(rows):
    X, y, s = rows
    dense, sparse = LogisticRegression().fit(X, y, s), LogisticRegression().fit(sp.csr_array(X), y, s)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=2e-4)
    z = dense.decision_function(X)
    sparse.sparsify()
    assert sp.issparse(sparse.coef_)
    np.testing.assert_allclose(sparse.decision_function(sp.csc_array(X)), z, atol=2e-3)
    np.testing.assert_allclose(sparse.densify().decision_function(X), z, atol=2e-3)


def test_sparse_rows_of_three_classes(classes):
    X, y = classes
    X = np.where(X > 0.0, X, 0.0)
    dense, sparse = LogisticRegression().fit(X, y), LogisticRegression().fit(sp.csr_array(X), y)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=2e-4)
    np.testing.assert_array_equal(sparse.predict(sp.csr_array(X)), sparse.predict(X))
    assert sparse.gap_ <= 1e-9


def test_a_class_without_weight_has_probability_zero(classes):
    X, y = classes
    ours = LogisticRegression(class_weight={0: 1.0, 1: 2.0, 2: 0.0}).fit(X, y)
    assert ours.intercept_[2] == -math.inf
    assert np.all(ours.predict_proba(X)[:, 2] == 0.0)
    assert np.all(ours.predict_log_proba(X)[:, 2] == -math.inf)
    theirs = fitted(X, y, class_weight={0: 1.0, 1: 2.0, 2: 1e-12})
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)


def test_one_versus_the_rest(classes):
    X, y = classes
    ours = LogisticRegression(multi_class="ovr").fit(X, y)
    for k in range(3):
        single = LogisticRegression().fit(X, y == k)
        np.testing.assert_array_equal(ours.coef_[k], single.coef_[0])
    P = ours.predict_proba(X)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.log(P), ours.predict_log_proba(X))
    assert len(ours.fit_) == 3


def test_a_softmax_of_two_classes_has_twice_the_weights(rows):
    X, y, _ = rows
    ours = LogisticRegression(multi_class="multinomial").fit(X, y)
    np.testing.assert_array_equal(ours.coef_, LogisticRegression(C=2.0).fit(X, y).coef_)
    if "multi_class" in peer.LogisticRegression().get_params():  # until 1.7
        theirs = fitted(X, y, multi_class="multinomial")
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)


def test_predictions_are_accurate_at_any_z():
    ours = LogisticRegression(C=1e3).fit([[-1.0], [1.0], [-2.0], [2.0]], [0, 1, 1, 0])
    ours.coef_, ours.intercept_ = np.array([[1.0]]), np.array([0.0])
    z = np.array([[-800.0], [-40.0], [0.0], [40.0], [800.0]])
    log = ours.predict_log_proba(z)
    np.testing.assert_allclose(log[:, 1], [-800.0, -40.0, -math.log(2.0), -4.248354255291589e-18, -0.0], rtol=1e-15)
    np.testing.assert_allclose(ours.predict_proba(z)[:, 0], [1.0, 1.0, 0.5, 4.248354255291589e-18, 0.0], rtol=1e-15)


def test_log_probabilities_of_three_classes_are_accurate(classes):
    X, y = classes
    ours = LogisticRegression().fit(X, y)
    ours.coef_ = np.array([[1.0, 0, 0, 0], [0, 0, 0, 0], [-1.0, 0, 0, 0]])
    ours.intercept_ = np.zeros(3)
    log = ours.predict_log_proba(np.array([[50.0, 0, 0, 0], [900.0, 0, 0, 0]]))
    np.testing.assert_allclose(log[0], [-math.exp(-50.0), -50.0, -100.0], rtol=1e-14)
    np.testing.assert_allclose(log[1], [-0.0, -900.0, -1800.0], rtol=1e-14)


def test_it_is_cloned_and_pickled_without_the_data(rows):
    X, y, _ = rows
    ours = LogisticRegression(C=2.0, method="newton").fit(X, y)
    again = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(again.predict_proba(X), ours.predict_proba(X))
    assert again.certificate_ == ours.certificate_
    assert len(pickle.dumps(ours)) < X.nbytes
    assert clone(ours).get_params() == ours.get_params()


def test_the_objective_and_the_certificate_are_shown(rows):
    X, y, _ = rows
    ours = LogisticRegression(C=2.0)
    assert repr(ours) == "LogisticRegression(C=2.0)\nminimises 2 (sum of losses) + 0.5 |w|²"
    ours.fit(X, y)
    assert repr(ours).endswith(ours.certificate_.sentence)
    assert f'<p class="steepest">minimises 2 (sum of losses) + 0.5 |w|²<br>{ours.certificate_.sentence}</p>' in (
        ours._repr_html_()
    )
    assert "without a penalty" in repr(LogisticRegression(C=np.inf))


def test_what_cannot_be_fitted_is_said_in_scikit_learns_words(rows):
    X, y, _ = rows
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LogisticRegression().fit(np.where(X > 2.0, np.nan, X), y)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        LogisticRegression().fit(np.where(X > 2.0, np.inf, X), y)
    with pytest.raises(ValueError, match=r"only one class: np\.int64"):
        LogisticRegression().fit(X, np.zeros(200, dtype=int))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        LogisticRegression().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="inconsistent number"):
        LogisticRegression().fit(X, y[:-1])
    with pytest.raises(ValueError, match="at least one non-zero"):
        LogisticRegression().fit(X, y, np.zeros(200))
    with pytest.raises(ValueError, match="one class"):
        LogisticRegression().fit(X, y, (y == 1).astype(float))
    with pytest.raises(NotFittedError):
        LogisticRegression().predict(X)
    ours = LogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="X has 3 features, but LogisticRegression is expecting 4"):
        ours.predict(X[:, :3])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        ours.predict_proba(np.full((2, 4), np.nan))


def test_named_descents_say_what_they_cannot(classes):
    X, y = classes
    with pytest.raises(ValueError, match=r"Only binary classification is supported by method='gd', y holds 3"):
        LogisticRegression(method="gd").fit(X, y)
    assert LogisticRegression(method="gd", multi_class="ovr", max_iter=3000).fit(X, y).coef_.shape == (3, 4)


def test_the_answer_has_the_same_bits_for_any_number_of_threads(rng):
    X = rng.standard_normal((30_000, 20))
    y = X[:, 0] + rng.logistic(size=30_000) > 0.0
    one, two = (LogisticRegression(n_jobs=k).fit(X, y) for k in (1, 2))
    np.testing.assert_array_equal(one.coef_, two.coef_)


def test_raw_units_that_leave_scikit_learn_wrong():
    X, y = load_breast_cancer(return_X_y=True)
    ours = LogisticRegression().fit(X, y)
    assert ours.gap_ <= 1e-9
    assert ours.certificate_.max_probability_error < 1e-4


def test_calibrated_takes_the_class_weights_out_of_the_odds():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4_000, 2))
    for classes in (2, 3):
        z = X @ rng.standard_normal((2, classes)) + np.array([2.0, 0.0, 0.5])[:classes]
        y = np.argmax(z + rng.gumbel(size=z.shape), axis=1)
        weighted = LogisticRegression(class_weight="balanced").fit(X, y)
        plain = weighted.calibrated()
        shares = np.bincount(y) / len(y)
        assert np.abs(weighted.predict_proba(X).mean(axis=0) - shares).max() > 0.05
        np.testing.assert_allclose(plain.predict_proba(X).mean(axis=0), shares, atol=0.01)
        np.testing.assert_array_equal(plain.coef_, weighted.coef_)
        assert plain.gap_ == np.inf
        np.testing.assert_array_equal(plain.calibrated().intercept_, plain.intercept_)
    with pytest.raises(ValueError, match="intercept"):
        LogisticRegression(fit_intercept=False).fit(X, y).calibrated()


@pytest.mark.parametrize("spelled", [{"penalty": "l1"}, {"l1_ratio": 1.0}, {"penalty": "l1", "solver": "saga"}])
def test_the_objective_is_printed_as_it_was_spelled(spelled):
    assert "1 (sum of losses) + 1 |w|_1" in repr(LogisticRegression(**spelled))


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_elastic_net_of_three_classes(l1_ratio):
    X, y = load_iris(return_X_y=True)
    for rows in (X, sp.csr_array(X)):
        model = LogisticRegression(l1_ratio=l1_ratio, C=0.5).fit(rows, y)
        assert model.gap_ <= 1e-9
        assert np.count_nonzero(model.coef_ == 0.0) >= 3
        c = X.T @ (np.eye(3)[y] - model.predict_proba(X)) - (1.0 - l1_ratio) / 0.5 * model.coef_.T
        assert np.abs(c).max() <= l1_ratio / 0.5 * (1.0 + 1e-3)
    weightless = LogisticRegression(l1_ratio=l1_ratio, class_weight="balanced").fit(X, y, np.where(y == 2, 0.0, 1.0))
    assert weightless.intercept_[2] == -np.inf
    assert not np.signbit(weightless.coef_[weightless.coef_ == 0.0]).any()
