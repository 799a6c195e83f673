"""Offsets and trials in a cross-validation: a loop of LogisticRegression over the folds, and rows written out."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, get_scorer, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit

from steepest import LogisticRegression, LogisticRegressionCV

CS = [0.01, 1.0]
GIVEN = {"Cs": CS, "use_legacy_attributes": False, "tol": 1e-6}


def grouped(rng, m=60, n=3, most=6):
    """X (m, n), successes and trials (m,), an offset (m,), weights (m,)."""
    X = rng.standard_normal((m, n))
    away = rng.uniform(-1.0, 1.0, m)
    trials = rng.integers(0, most, m)
    trials[:6] = 3
    y = rng.binomial(trials, 1.0 / (1.0 + np.exp(-X @ rng.standard_normal(n) - away)))
    y[:6] = [0, 3, 0, 3, 0, 3]
    return X, y, trials, away, rng.uniform(0.5, 2.0, m)


def written_out(y, trials):
    """Place and label of every trial."""
    places = np.repeat(np.arange(len(y)), trials)
    return places, np.concatenate([np.arange(t) < k for k, t in zip(y, trials, strict=True)]).astype(int)


def by_hand(X, y, trials, away, s, cv, metric, **parameters):
    """Scores (F, P) and coefficients (F, P, n + 1) of single fits, with trials written out to be scored."""
    scores, fits = [], []
    for train, test in cv.split(X):
        places, labels = written_out(y[test], trials[test])
        rows = test[places]
        for C in CS:
            model = LogisticRegression(C=C, tol=1e-6, **parameters).fit(
                X[train], y[train], s[train], offset=away[train], trials=trials[train]
            )
            scores.append(metric(model, X[rows], labels, away[rows], s[rows]))
            fits.append([*model.coef_[0], model.intercept_[0]])
    shape = (-1, len(CS))
    return np.reshape(scores, shape), np.reshape(fits, (*shape, X.shape[1] + 1))


METRICS = {
    "accuracy": lambda model, X, y, away, s: accuracy_score(y, model.predict(X, offset=away), sample_weight=s),
    "neg_log_loss": lambda model, X, y, away, s: -log_loss(y, model.predict_proba(X, offset=away), sample_weight=s),
    "roc_auc": lambda model, X, y, away, s: roc_auc_score(y, model.decision_function(X, offset=away), sample_weight=s),
}


@pytest.mark.parametrize("scoring", list(METRICS))
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_the_same_as_a_loop_over_the_folds(rng, scoring, form, l1_ratio):
    X, y, trials, away, s = grouped(rng)
    cv = KFold(3)
    ours = LogisticRegressionCV(cv=cv, scoring=scoring, l1_ratios=[l1_ratio], **GIVEN)
    ours.fit(form(X), y, s, offset=away, trials=trials)
    scores, fits = by_hand(form(X), y, trials, away, s, cv, METRICS[scoring], l1_ratio=l1_ratio)
    np.testing.assert_allclose(ours.scores_[:, 0], scores, rtol=1e-7)
    np.testing.assert_allclose(ours.coefs_paths_[:, 0, :, 0], fits, rtol=1e-5, atol=1e-7)
    best = LogisticRegression(C=CS[int(scores.sum(axis=0).argmax())], l1_ratio=l1_ratio, tol=1e-6)
    best.fit(form(X), y, s, offset=away, trials=trials)
    np.testing.assert_array_equal(ours.coef_, best.coef_)
    np.testing.assert_array_equal(ours.intercept_, best.intercept_)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    scoring=st.sampled_from(["accuracy", "neg_log_loss", "roc_auc", "balanced_accuracy", "f1"]),
    weights=st.sampled_from(["frequency", "importance"]),
    weighted=st.booleans(),
    with_offset=st.booleans(),
)
def test_trials_are_rows_where_folds_leave_them_together(seed, scoring, weights, weighted, with_offset):
    X, y, trials, away, s = grouped(np.random.default_rng(seed), m=24)
    fold = np.arange(24) % 3
    places, labels = written_out(y, trials)
    options = {"scoring": scoring, "weights": weights, **GIVEN}
    each = {"sample_weight": s if weighted else None, "offset": away if with_offset else None}
    rows = {name: None if value is None else value[places] for name, value in each.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = LogisticRegressionCV(cv=PredefinedSplit(fold), **options).fit(X, y, trials=trials, **each)
        apart = LogisticRegressionCV(cv=PredefinedSplit(fold[places]), **options).fit(X[places], labels, **rows)
    np.testing.assert_allclose(together.scores_, apart.scores_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(together.coefs_paths_, apart.coefs_paths_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(together.coef_, apart.coef_, rtol=1e-4, atol=1e-6)
    assert together.C_ == apart.C_


def test_an_offset_in_lockstep_or_not_is_added(rng):
    X = rng.standard_normal((1500, 4))
    away = 2.0 * X[:, 0]
    y = (X[:, 1] + away + rng.logistic(size=1500) > 0.0).astype(int)
    ours = LogisticRegressionCV(cv=KFold(3), scoring="neg_log_loss", **GIVEN).fit(X, y, offset=away)
    s = np.ones(1500)
    scores, fits = by_hand(X, y, np.ones(1500, dtype=int), away, s, KFold(3), METRICS["neg_log_loss"])
    np.testing.assert_allclose(ours.scores_[:, 0], scores, rtol=1e-7)
    np.testing.assert_allclose(ours.coefs_paths_[:, 0, :, 0], fits, rtol=1e-5, atol=1e-7)
    assert abs(ours.coef_[0, 0]) < 0.3  # what the offset says already is not learnt again


def test_shares_need_weights_to_be_scored(rng):
    X = rng.standard_normal((40, 2))
    shares = rng.uniform(0.1, 0.9, 40)

    def unweighted(y, chosen):
        return float(np.mean(y == chosen))

    given = {"cv": 2, **GIVEN}
    seen = LogisticRegressionCV(scoring=get_scorer("accuracy"), **given).fit(X, shares, trials=1)
    assert np.all((seen.scores_ > 0.0) & (seen.scores_ < 1.0))
    with pytest.raises(ValueError, match="takes no sample_weight, and 20 trials cannot be written out"):
        LogisticRegressionCV(scoring=make_scorer(unweighted), **given).fit(X, shares, trials=1)
    whole = LogisticRegressionCV(scoring=make_scorer(unweighted), **given).fit(X, np.rint(5 * shares), trials=5)
    known = LogisticRegressionCV(scoring="accuracy", **given).fit(X, np.rint(5 * shares), trials=5)
    np.testing.assert_allclose(whole.scores_, known.scores_)


def test_a_fold_whose_other_rows_all_succeed_has_their_limit():
    X = np.arange(8.0)[:, None]
    y, trials = np.array([3, 3, 3, 3, 1, 0, 1, 2]), np.full(8, 3)
    ours = LogisticRegressionCV(cv=KFold(2), scoring="neg_log_loss", **GIVEN).fit(X, y, trials=trials)
    assert ours.coefs_paths_[1, 0, 0, 0].tolist() == [0.0, np.inf]
    assert np.isfinite(ours.scores_).all()
    assert ours.gap_ <= 1e-12


def test_offset_and_trials_are_routed_with_groups_and_weights(rng):
    X, y, trials, away, s = grouped(rng)
    groups = np.arange(60) // 5
    scorer = make_scorer(accuracy_score)
    with sklearn.config_context(enable_metadata_routing=True):
        ours = LogisticRegressionCV(
            cv=GroupKFold(3), scoring=scorer.set_score_request(sample_weight=True), **GIVEN
        ).set_fit_request(sample_weight=True, offset=True, trials=True)
        ours.fit(X, y, s, offset=away, trials=trials, groups=groups)
        silent = LogisticRegressionCV(cv=GroupKFold(3), scoring=scorer, **GIVEN)
        silent.fit(X, y, offset=away, trials=trials, groups=groups)
        requests = ours.get_metadata_routing()
    folds = [(train, test) for train, test in GroupKFold(3).split(X, groups=groups)]
    plain = LogisticRegressionCV(cv=folds, scoring="accuracy", **GIVEN)
    np.testing.assert_array_equal(ours.scores_, plain.fit(X, y, s, offset=away, trials=trials).scores_)
    np.testing.assert_array_equal(silent.scores_, plain.fit(X, y, offset=away, trials=trials).scores_)
    assert {"offset", "trials"} <= set(requests.consumes("fit", ["offset", "trials"]))


def test_what_cannot_be_is_refused(rng):
    X, y, trials, away, _ = grouped(rng)
    with pytest.raises(ValueError, match="class_weight is for labels"):
        LogisticRegressionCV(class_weight="balanced", **GIVEN).fit(X, y, trials=trials)
    with pytest.raises(ValueError, match="offset is added to the one z of two classes"):
        LogisticRegressionCV(**GIVEN).fit(X, np.arange(60) % 3, offset=away)
    with pytest.raises(ValueError, match="successes of 1 trials"):
        LogisticRegressionCV(**GIVEN).fit(X, np.full(60, 7), trials=1)
