"""Kits that tell whether a kernel, an engine, a solver or a set of formulas can be trusted by the rest of the package.

    check_formulas(formulas)        sigmoid, softplus, loss, dz, curvature against values of 60-digit arithmetic
    check_kernel(kernel)            sums against such values, finite differences, and the laws of sums
    check_engine(make_engine)       every row once and in order, the same bits on every run, for every dtype and layout
    check_solver(method)            only asks, never touches what it is given, and arrives at a known optimum

Each returns None, or raises AssertionError with a sentence that says what differs, and by how much. The truth is
written down as constants or follows from a law; no kernel of this package is the measure of another.

>>> from steepest.kernels import KERNELS
>>> check_kernel(KERNELS["vectorised"])
"""

from steepest.conformance.engines import check_engine
from steepest.conformance.formulas import check_formulas
from steepest.conformance.kernels import check_kernel
from steepest.conformance.solvers import check_solver

__all__ = ["check_engine", "check_formulas", "check_kernel", "check_solver"]
