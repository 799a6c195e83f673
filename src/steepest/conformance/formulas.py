"""`check_formulas`: the functions of one example against values of 60-digit arithmetic, at easy and at extreme z."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.conformance.verdict import require

__all__ = ["check_formulas"]

# (z, sigmoid, softplus, curvature): mpmath 1.4.1 with 60 digits, rounded to the nearest float.
TRUTH = (
    (0.0, 0.5, 0.6931471805599453, 0.25),
    (1e-300, 0.5, 0.6931471805599453, 0.25),
    (-1e-08, 0.4999999975, 0.6931471755599453, 0.25),
    (0.5, 0.6224593312018546, 0.9740769841801067, 0.2350037122015945),
    (-0.5, 0.37754066879814546, 0.4740769841801067, 0.2350037122015945),
    (2.0, 0.8807970779778824, 2.1269280110429727, 0.10499358540350652),
    (-2.0, 0.11920292202211756, 0.1269280110429725, 0.10499358540350652),
    (5.0, 0.9933071490757152, 5.006715348489118, 0.006648056670790155),
    (-5.0, 0.0066928509242848554, 0.006715348489118068, 0.006648056670790155),
    (17.5, 0.999999974890009, 17.50000002510999, 2.5109990296416514e-08),
    (-17.5, 2.5109990926928157e-08, 2.5109991242183986e-08, 2.5109990296416514e-08),
    (36.0, 0.9999999999999998, 36.0, 2.319522830243568e-16),
    (-36.0, 2.3195228302435686e-16, 2.319522830243569e-16, 2.319522830243568e-16),
    (37.0, 0.9999999999999999, 37.0, 8.533047625744065e-17),
    (-37.0, 8.533047625744065e-17, 8.533047625744066e-17, 8.533047625744065e-17),
    (40.0, 1.0, 40.0, 4.248354255291589e-18),
    (-40.0, 4.248354255291589e-18, 4.248354255291589e-18, 4.248354255291589e-18),
    (200.0, 1.0, 200.0, 1.3838965267367376e-87),
    (-200.0, 1.3838965267367376e-87, 1.3838965267367376e-87, 1.3838965267367376e-87),
    (700.0, 1.0, 700.0, 9.85967654375977e-305),
    (-700.0, 9.85967654375977e-305, 9.85967654375977e-305, 9.85967654375977e-305),
    (-709.5, 7.38014831401258e-309, 7.38014831401258e-309, 7.38014831401258e-309),
    (709.5, 1.0, 709.5, 7.38014831401258e-309),
    (-740.0, 4.2e-322, 4.2e-322, 4.2e-322),
    (740.0, 1.0, 740.0, 4.2e-322),
    (-1e300, 0.0, 0.0, 0.0),
    (1e300, 1.0, 1e300, 0.0),
)
# (z, y, loss): likewise
LOSSES = (
    (0.0, 1.0, 0.6931471805599453),
    (2.0, 0.0, 2.1269280110429727),
    (2.0, 1.0, 0.1269280110429725),
    (-3.0, 0.25, 0.798587351573742),
    (0.5, 0.75, 0.5990769841801067),
    (36.0, 1.0, 2.319522830243569e-16),
    (40.0, 1.0, 4.248354255291589e-18),
    (40.0, 0.0, 40.0),
    (-40.0, 0.0, 4.248354255291589e-18),
    (-700.0, 0.0, 9.85967654375977e-305),
    (700.0, 0.5, 350.0),
)
# What the package promises, plus half an ulp because the constants are rounded themselves.
ULPS = {"sigmoid": 2.5, "softplus": 2.0, "curvature": 4.5, "loss": 4.5}


def check_formulas(formulas: Any) -> None:
    """`formulas` has sigmoid(z), softplus(z), loss(z, y), dz(a, y), curvature(z), elementwise and accurate everywhere.

    Raises AssertionError that names function, argument, both values and the distance in units in the last place.

    >>> from steepest import formulas
    >>> check_formulas(formulas)
    """
    z, *columns = (np.array(column) for column in zip(*TRUTH, strict=True))
    for name, truth in zip(("sigmoid", "softplus", "curvature"), columns, strict=True):
        _within(name, z, getattr(formulas, name)(z), truth)
        one = getattr(formulas, name)(float(z[5]))
        require(np.ndim(one) == 0, f"{name} of one number must be one number, not an array of shape {np.shape(one)}")
    z, y, truth = (np.array(column) for column in zip(*LOSSES, strict=True))
    _within("loss", z, formulas.loss(z, y), truth)
    a, y = np.array([0.75, 0.25, 1.0, 0.0, 0.5]), np.array([1.0, 0.0, 1.0, 0.0, 0.75])
    seen = np.asarray(formulas.dz(a, y))
    require(np.array_equal(seen, [-0.25, 0.25, 0.0, 0.0, -0.25]), f"dz must be a - y, at a = {a}, y = {y} it is {seen}")


def _within(name: str, z: Any, got: Any, truth: Any) -> None:
    seen = np.asarray(got)
    require(seen.shape == truth.shape, f"{name} gives shape {seen.shape} for z of shape {truth.shape}")
    require(bool(np.isfinite(seen).all()), f"{name} is not finite at z = {z[~np.isfinite(seen)]}")
    ulps = np.abs(seen - truth) / np.spacing(np.maximum(np.abs(truth), np.finfo(float).smallest_subnormal))
    worst = int(np.argmax(ulps))
    require(
        bool(ulps[worst] <= ULPS[name]),
        f"{name} at z = {z[worst]} is {seen[worst]!r}, expected {truth[worst]!r}: {ulps[worst]:.3g} ulp apart",
    )
