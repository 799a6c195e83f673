"""Pipelines, searches, frames, other array libraries, metadata, callbacks, processes: what a classifier lives among."""

import multiprocessing
import os
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pytest
import sklearn
import sklearn.metrics
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from steepest import LogisticRegression, LogisticRegressionCV

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


def test_pipelines_searches_and_thresholds(cancer):
    X, y = cancer
    pipe = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    assert pipe.score(X, y) > 0.98
    assert "LogisticRegression()" in repr(pipe)
    assert pipe._repr_html_()
    search = GridSearchCV(pipe, {"logisticregression__C": [0.01, 1.0]}, cv=3, n_jobs=2).fit(X, y)
    assert search.best_params_ == {"logisticregression__C": 1.0}
    tuned = TunedThresholdClassifierCV(LogisticRegression(), scoring="balanced_accuracy").fit(X, y)
    assert 0.0 < tuned.best_threshold_ < 1.0
    everything = FixedThresholdClassifier(LogisticRegression(), threshold=0.0).fit(X, y)
    assert np.all(everything.predict(X) == 1)


def test_meta_estimators(cancer):
    X, y = cancer
    assert is_classifier(LogisticRegression())
    assert CalibratedClassifierCV(LogisticRegression(), cv=2).fit(X, y).score(X, y) > 0.9
    assert SelectFromModel(LogisticRegression()).fit(X, y).transform(X).shape[1] < 30
    assert RFE(LogisticRegression(), n_features_to_select=28).fit(X, y).n_features_ == 28
    assert OneVsRestClassifier(LogisticRegression()).fit(X, y).score(X, y) > 0.9
    assert cross_val_score(LogisticRegression(), X, y, cv=3, scoring="neg_log_loss").mean() > -0.2


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_and_their_names(cancer, library):
    frames = pytest.importorskip(library)
    if library == "polars" and VERSION < (1, 9):
        pytest.skip("scikit-learn before 1.9 does not read the names of polars")
    X, y = cancer
    names = [f"column {j}" for j in range(30)]
    frame = frames.DataFrame(dict(zip(names, X.T, strict=True)))
    ours = LogisticRegression().fit(frame, y)
    assert ours.feature_names_in_.tolist() == names
    assert ours.fit_.feature_names == tuple(names)
    np.testing.assert_allclose(ours.coef_, LogisticRegression().fit(X, y).coef_, rtol=1e-9)
    with pytest.raises(ValueError, match="feature names should match"):
        ours.predict(frame[names[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        ours.predict(X)
    assert not hasattr(ours.fit(X, y), "feature_names_in_")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_categories_of_frames_are_levels(rng, library):
    frames = pytest.importorskip(library)
    colour = rng.choice(["lime", "red", "sky"], 300)
    columns = {"size": rng.standard_normal(300), "colour": colour, "new": rng.integers(0, 2, 300).astype(bool)}
    y = np.where(columns["size"] + (colour == "red") + rng.logistic(size=300) > 0.0, "yes", "no")
    frame = frames.DataFrame(columns)
    ours = LogisticRegression(C=3.0).fit(frame, y)
    assert ours.schema_.names == ours.fit_.feature_names == ("size", "colour[red]", "colour[sky]", "new")
    assert ours.n_features_in_ == 3
    assert ours.coef_.shape == (1, 4)
    by_hand = np.column_stack([columns["size"], colour == "red", colour == "sky", columns["new"]]).astype(float)
    plain = LogisticRegression(C=3.0).fit(by_hand, y)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_array_equal(ours.predict(frame), plain.predict(by_hand))
    assert cross_val_score(LogisticRegression(), frames.DataFrame(columns), y, cv=3).mean() > 0.6
    assert LogisticRegressionCV(Cs=2, cv=2).fit(frame, y).coef_.shape == (1, 4)
    with pytest.raises(ValueError, match="levels that the schema does not have, 'pink'"):
        ours.predict(frames.DataFrame({**columns, "colour": np.full(300, "pink")}))
    with pytest.raises(ValueError, match="it predicts for frames"):
        ours.predict(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="column 'name' holds 300 different texts"):
        LogisticRegression().fit(frames.DataFrame({"name": [f"n{i}" for i in range(300)], **columns}), y)


def test_metadata_is_routed(cancer):
    X, y = cancer
    s = np.linspace(0.1, 2.0, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = LogisticRegression().set_fit_request(sample_weight=True)
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), weighted).fit(X, y, sample_weight=s)
        plain = LogisticRegression().fit(StandardScaler().fit_transform(X), y, s)
        np.testing.assert_allclose(pipe[-1].coef_, plain.coef_, atol=1e-4)
        assert np.abs(LogisticRegression().fit(StandardScaler().fit_transform(X), y).coef_ - plain.coef_).max() > 1e-2
        assert weighted.get_metadata_routing().partial_fit.requests["classes"] is True


def test_metadata_of_the_cross_validation(cancer):
    X, y = cancer
    groups = np.arange(len(y)) % 4
    with sklearn.config_context(enable_metadata_routing=True):
        from sklearn.model_selection import GroupKFold

        ours = LogisticRegressionCV(Cs=[1e-3], cv=GroupKFold(4), use_legacy_attributes=False)
        ours.fit(StandardScaler().fit_transform(X), y, groups=groups)
        assert ours.scores_.shape == (4, 1, 1)
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        LogisticRegressionCV().fit(X, y, groups=groups)


def test_the_scorer_of_a_cross_validation_may_ask_for_weights(cancer):
    X, y = cancer
    X, s = StandardScaler().fit_transform(X), np.where(np.arange(len(y)) % 2, 9.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        asks = sklearn.metrics.get_scorer("neg_log_loss").set_score_request(sample_weight=True)
        silent = sklearn.metrics.get_scorer("neg_log_loss").set_score_request(sample_weight=False)
        plain, weighted = (
            LogisticRegressionCV(Cs=[0.1], cv=2, scoring=each, use_legacy_attributes=False).fit(X, y, sample_weight=s)
            for each in (silent, asks)
        )
        assert plain.scores_[0, 0, 0] != weighted.scores_[0, 0, 0]
        assert weighted.score(X, y, sample_weight=s) != weighted.score(X, y)


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
@pytest.mark.parametrize("classes", [2, 3])
def test_arrays_of_another_library(library, classes):
    """In a process of its own: SciPy reads SCIPY_ARRAY_API once, when it is imported.

    torch is too large to be installed for every run (0.6 GB and its libraries); seen to pass with 2.14.
    """
    pytest.importorskip(library, reason=f"{library} is not installed: its arrays are not tried")
    settings = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, "-W", "error", "-c", DISPATCHED, library, str(classes)]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_arrays_of_another_library_need_scipys_consent(cancer):
    xp = pytest.importorskip("array_api_strict")
    X, y = cancer
    if os.environ.get("SCIPY_ARRAY_API") != "1":
        with pytest.raises(RuntimeError, match="SCIPY_ARRAY_API"), sklearn.config_context(array_api_dispatch=True):
            LogisticRegression().fit(xp.asarray(X), xp.asarray(y))


DISPATCHED = """
import importlib, sys, warnings
import numpy as np
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    xp = importlib.import_module(sys.argv[1])
    import sklearn
    from steepest import LogisticRegression
classes, rng = int(sys.argv[2]), np.random.default_rng(0)
X = rng.standard_normal((200, 4))
y = np.argmax(X @ rng.standard_normal((4, classes)) + rng.gumbel(size=(200, classes)), axis=1)
for l1_ratio in (0.0, 0.5):
    for dtype in ("float64", "float32"):
        known = LogisticRegression(l1_ratio=l1_ratio).fit(X.astype(dtype), y)
        given = xp.asarray(X, dtype=getattr(xp, dtype))
        with sklearn.config_context(array_api_dispatch=True):
            ours = LogisticRegression(l1_ratio=l1_ratio).fit(given, xp.asarray(y))
            assert type(ours.coef_) is type(given) and ours.coef_.dtype == given.dtype
            np.testing.assert_array_equal(np.asarray(ours.coef_), known.coef_)
            for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
                seen = getattr(ours, method)(given)
                assert type(seen) is type(given), (method, type(seen))
                np.testing.assert_array_equal(np.asarray(seen), getattr(known, method)(X.astype(dtype)))
            assert abs(ours.score(given, xp.asarray(y)) - known.score(X.astype(dtype), y)) < 1e-6
"""


@pytest.mark.skipif(VERSION < (1, 9), reason="scikit-learn before 1.9 has no callbacks")
class TestCallbacks:
    """`sklearn.callback`: one task per update."""

    def test_a_progress_bar_and_a_monitor(self, cancer, capsys):
        from sklearn.callback import ProgressBar, ScoringMonitor

        X, y = cancer
        monitor = ScoringMonitor(scoring="neg_log_loss")
        ours = LogisticRegression().set_callbacks(ProgressBar(), monitor).fit(X, y)
        log = monitor.get_logs()
        rows = (log[-1] if isinstance(log, list) else log).data
        scores = [row["neg_log_loss"] for row in rows if "iter" in row["task_name"]]
        assert len(scores) >= ours.n_iter_[0]
        assert scores[-1] > scores[0]
        capsys.readouterr()

    def test_a_callback_may_stop_the_fit(self, cancer):
        class Stops:
            def setup(self, estimator, context):
                self.ended = 0

            def teardown(self, estimator, context):
                pass

            def on_fit_task_begin(self, estimator, context):
                pass

            def on_fit_task_end(self, estimator, context):
                self.ended += 1
                return self.ended == 2

        X, y = cancer
        ours = LogisticRegression().set_callbacks(Stops()).fit(X, y)
        assert ours.n_iter_[0] == 3

    def test_a_cross_validation_is_one_task(self, cancer):
        from sklearn.callback import ProgressBar

        X, y = cancer
        LogisticRegressionCV(Cs=2, cv=2).set_callbacks(ProgressBar()).fit(StandardScaler().fit_transform(X), y)


def _fit_here(queue):
    X, y = load_breast_cancer(return_X_y=True)
    queue.put(LogisticRegression().fit(X, y).coef_)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_it_may_fit_before_and_after_a_fork(rng):
    X = rng.standard_normal((30_000, 20))
    LogisticRegression(n_jobs=2).fit(X, X[:, 0] + rng.logistic(size=30_000) > 0.0)  # threads are running now
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
        child = context.Process(target=_fit_here, args=(queue,))
        child.start()
    coef = queue.get(timeout=60)
    child.join(60)
    X, y = load_breast_cancer(return_X_y=True)
    np.testing.assert_array_equal(coef, LogisticRegression().fit(X, y).coef_)


def test_threads_may_fit_at_the_same_time(cancer):
    X, y = cancer
    found = [None] * 4

    def work(k):
        found[k] = LogisticRegression(C=1.0).fit(X, y).coef_

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(np.array_equal(each, found[0]) for each in found)


def test_one_of_many_jobs_leaves_the_cores_to_the_others():
    def threads():
        return LogisticRegression()._settings("auto").threads

    assert threads() is None
    assert joblib.Parallel(n_jobs=2, prefer="threads")(joblib.delayed(threads)() for _ in range(2)) == [1, 1]
    assert LogisticRegression(n_jobs=3)._settings("auto").threads == 3


def test_nothing_else_imports_scikit_learn():
    code = (
        "import sys, numpy as np, steepest, steepest.cli, steepest.cli.fit\n"
        "steepest.fit(np.arange(4.0)[:, None], [0, 1, 0, 1])\n"
        "print('sklearn' in sys.modules, steepest.LogisticRegression.__name__, 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "LogisticRegression", "True"]


@pytest.mark.parametrize("model", [LogisticRegression(), LogisticRegressionCV(cv=3)])
def test_fitting_changes_no_parameter_and_no_input(cancer, model):
    X, y = cancer
    X = StandardScaler().fit_transform(X)
    s, before, given = np.ones(len(y)), X.copy(), clone(model).get_params()
    model.fit(X, y, sample_weight=s)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(s, 1.0)
    assert model.get_params() == given
