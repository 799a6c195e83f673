"""The routines of LAPACK and BLAS that steepest calls by name, from the libraries that SciPy brings.

SciPy keeps them in two extensions, which load in 0.01 s each; `scipy.linalg` around them takes 0.3 s more, most of it
for arrays of other libraries, and a fit of a small table ends sooner than that. So the extensions are loaded alone,
under the very names that `scipy.linalg` looks for later; where a release of SciPy keeps them elsewhere, it is loaded.

    >>> lapack.dpotrf(np.array([[4.0, 2.0], [2.0, 5.0]]), lower=1, clean=1)[0].tolist()
    [[2.0, 0.0], [1.0, 2.0]]
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from steepest.types import Floats

__all__ = ["blas", "cholesky", "inverse_factor", "lapack", "solved"]


def _alone(name: str) -> Any:
    """The extension `scipy.linalg.<name>` without its package, or None where there is none."""
    whole = f"scipy.linalg.{name}"
    if whole in sys.modules:
        return sys.modules[whole]
    spec = PathFinder.find_spec(whole, [str(Path(folder) / "linalg") for folder in scipy.__path__])
    if spec is None or spec.loader is None:
        return None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return sys.modules.setdefault(whole, module)


lapack: Any = _alone("_flapack") or scipy.linalg.lapack
blas: Any = _alone("_fblas") or scipy.linalg.blas


def cholesky(matrix: Floats) -> Floats | None:
    """The lower factor L of matrix = L L', (k, k); None where that is not positive definite to working precision."""
    factor, failed = lapack.dpotrf(matrix, lower=1, clean=1)
    return None if failed or not np.isfinite(factor.diagonal()).all() else factor


def solved(factor: Floats, right: Floats) -> Floats:
    """The v of L L'v = right.

    >>> factor = cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    >>> solved(factor, np.array([2.0, 5.0])).tolist(), cholesky(np.zeros((1, 1)))
    ([0.0, 1.0], None)
    """
    return np.asarray(lapack.dpotrs(factor, right, lower=1)[0])


def inverse_factor(matrix: Floats) -> Floats | None:
    """Y = L^-1 of Cholesky's matrix = L L', (k, k); None where that is not positive definite to working precision.

    A third of the operations of solving L Y = 1.

    >>> inverse_factor(np.array([[4.0, 2.0], [2.0, 5.0]])).tolist()
    [[0.5, 0.0], [-0.25, 0.5]]
    """
    factor = cholesky(matrix)
    if factor is None:
        return None
    inverse, singular = lapack.dtrtri(factor, lower=1)
    return None if singular else np.ascontiguousarray(inverse)
