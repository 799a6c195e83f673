"""LAPACK loaded alone is SciPy's own, before and after SciPy's package, and is found where it is not kept alone."""

import subprocess
import sys

import numpy as np
import pytest

from steepest.lapack import cholesky, inverse_factor, solved

ALONE = "from steepest.lapack import blas, lapack\nimport sys\nassert 'scipy.linalg' not in sys.modules"
AFTER = "import scipy.linalg\nfrom steepest.lapack import blas, lapack"


@pytest.mark.parametrize("first", [ALONE, AFTER])
def test_the_routines_are_those_of_scipy(first):
    code = f"""{first}
import scipy.linalg
assert lapack.dpotrf is scipy.linalg.lapack.dpotrf
assert blas.dtrmm is scipy.linalg.blas.dtrmm
assert scipy.linalg.cholesky([[4.0]])[0, 0] == 2.0"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_scipy_that_keeps_them_elsewhere_is_loaded_whole():
    code = """import importlib.machinery, sys
find = importlib.machinery.PathFinder.find_spec
def hidden(name, path=None, target=None):
    return None if name == "scipy.linalg._flapack" and "scipy.linalg" not in sys.modules else find(name, path, target)
importlib.machinery.PathFinder.find_spec = hidden
from steepest.lapack import lapack
import scipy.linalg
assert lapack is scipy.linalg.lapack"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_factors_against_numpy():
    rng = np.random.default_rng(3)
    half = rng.normal(size=(40, 40))
    matrix, right = half @ half.T + np.eye(40), rng.normal(size=40)
    lower = np.linalg.cholesky(matrix)
    np.testing.assert_allclose(cholesky(matrix), lower, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(solved(cholesky(matrix), right), np.linalg.solve(matrix, right), rtol=1e-8)
    np.testing.assert_allclose(inverse_factor(matrix) @ lower, np.eye(40), atol=1e-10)


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, -np.inf])
def test_what_is_not_positive_definite_has_no_factor(value):
    matrix = np.diag([1.0, value, 2.0])
    assert cholesky(matrix) is None
    assert inverse_factor(matrix) is None
