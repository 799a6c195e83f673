"""The verdict of `fit` on small integer data equals the exact one: 0 wrong, 0 unknown, 0 false alarms.

`STEEPEST_THOROUGH=1` runs 10,000 data sets instead of 1,000.
"""

import os

import numpy as np
import pytest
from exact_separation import exact_verdict, random_integers

import steepest

COUNT = 10_000 if os.environ.get("STEEPEST_THOROUGH") else 1_000


@pytest.mark.parametrize("part", range(8))
def test_verdict_of_a_fit_equals_the_exact_one(part):
    counts = {"none": 0, "complete": 0, "quasi-complete": 0}
    for seed in range(part, COUNT, 8):
        X, y, s = random_integers(seed)
        y = np.round(y - 0.1)
        if len(set(y)) < 2 or len(set(y[s > 0.0])) < 2:
            continue
        expected = exact_verdict(X, y, s > 0.0)
        fit = steepest.fit(X, y, sample_weight=s)
        assert fit.certificate.exists == ("proved" if expected == "none" else "disproved"), seed
        if expected == "none":
            assert fit.certificate.gap <= 1e-9
        if expected == "quasi-complete":
            assert fit.certificate.witness.kind == "quasi-complete"
        counts[expected] += 1
    assert min(counts.values()) > 0


def test_equal_rows_of_a_wide_table():
    fit = steepest.fit([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]], [0, 1])
    assert fit.certificate.exists == "proved"
    assert fit.predict_proba([[1.0, 2.0, 3.0]])[0] == pytest.approx(0.5)
