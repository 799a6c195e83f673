"""scikit-learn's own opinion: its checks of estimators, and its tests of its logistic regression, aimed at ours."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sklearn

FOLDER = Path(__file__).parents[1] / "conformance"
SOURCE = Path(__file__).parents[2] / "src"
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
LEAST = {
    (1, 7): 282,
    (1, 8): 252,
    (1, 9): 277,
}  # tests that pass; the others are skipped there, or left out with a reason
MODULE = "sklearn.linear_model.tests.test_logistic"


def run(*command, **environment):
    paths = os.pathsep.join([str(FOLDER), str(SOURCE), os.environ.get("PYTHONPATH", "")])
    settings = {**os.environ, "PYTHONPATH": paths, **environment}
    if not environment:
        settings.pop("SCIPY_ARRAY_API", None)
    return subprocess.run([sys.executable, *command], env=settings, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["LogisticRegression", "LogisticRegressionCV"])
def test_all_checks_pass_and_none_is_skipped(name):
    done = run(str(FOLDER / "sklearn_checks.py"), name, SCIPY_ARRAY_API="1")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["others"] == []
    assert said["count"] >= 5 * 60


@pytest.mark.skipif(VERSION not in LEAST, reason="the table of exclusions is that of scikit-learn 1.7 to 1.9")
def test_scikit_learns_own_tests_pass():
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "sklearn_plugin", "-c", os.devnull)
    done = run(*command, "--pyargs", MODULE)
    assert done.returncode == 0, done.stdout[-5000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= LEAST[VERSION]
