"""Ours to theirs and back is ours; what a tool cannot say comes back without it, and with a reason."""

import numpy as np
import pytest
from translation.comparing import N, random_objective

from steepest.translation import TOOLS, Penalised, Rows

WEIGHTS = [1.0, 0.5, 0.0, 2.0, 3.5]

# what of an objective a tool can say: L1, L2, both at once, nothing at all, factors, an intercept
ABLE = {
    "sklearn": {"l1", "l2", "both", "nothing", "intercept"},
    "statsmodels": {"l1", "l2", "both", "nothing", "factors", "intercept"},
    "glmnet": {"l1", "l2", "both", "nothing", "factors", "intercept"},
    "glum": {"l1", "l2", "both", "nothing", "factors", "intercept"},
    "h2o": {"l1", "l2", "both", "nothing", "intercept"},
    "spark": {"l1", "l2", "both", "nothing", "intercept"},
    "vw": {"l2", "nothing", "intercept"},
    "liblinear": {"l1", "l2", "intercept"},
    "skglm": {"l1", "l2", "both", "nothing", "intercept"},
    "cyanure": {"l1", "l2", "both", "nothing", "intercept"},
    "celer": {"l1"},
    "snapml": {"l1", "l2"},
}
WEIGHTLESS = {"skglm", "cyanure", "celer", "snapml"}


def needs(objective):
    """What a tool must be able to say."""
    f = np.ones(N) if objective.penalty_factors is None else np.array(objective.penalty_factors)
    l1, l2 = objective.l1 * f.max(), objective.l2 * f.max()
    found = {"both"} if l1 and l2 else {"l1"} if l1 else {"l2"} if l2 else {"nothing"}
    found |= {"factors"} if (l1 or l2) and (f != f[0]).any() else set()
    if objective.intercept:
        return found | {"intercept"}
    return found | ({"nobody"} if objective.standardize else set())


def to_theirs(key, objective, rows):
    return TOOLS[key].to_theirs(objective, rows, **({"n": N} if key == "statsmodels" else {}))


def back(key, told):
    before = {"standardized": True} if told.standardized else {}
    return TOOLS[key].to_ours(told.rows, **before, **told.parameters)


@pytest.mark.parametrize("key", TOOLS)
@pytest.mark.parametrize("rows", [40, WEIGHTS], ids=["rows", "weights"])
def test_to_theirs_and_back(key, rows, rng):
    able = ABLE[key] if rows == 40 or key not in WEIGHTLESS else set()
    for _ in range(60):
        objective = random_objective(rng)
        try:
            told = to_theirs(key, objective, rows)
        except ValueError:
            assert key == "celer"
            assert "l1" not in needs(objective)
            assert "both" not in needs(objective)
            continue
        assert told.exact == (needs(objective) <= able), told.explain()
        if told.exact:
            again = back(key, told)
            assert again.exact
            assert again.objective.same_as(objective, rel=1e-13), (objective, again.objective)
            assert again.formula_theirs == told.formula_theirs


@pytest.mark.parametrize("key", sorted(set(TOOLS) - {"statsmodels", "glum", "celer"}))
def test_an_objective_without_factors_comes_back_as_it_went(key):
    objective = Penalised(l1=0.25) if "l1" in ABLE[key] else Penalised(l2=0.5)
    assert back(key, to_theirs(key, objective, 64)).objective == objective


def test_one_function_has_many_spellings():
    assert Penalised(2.0, 4.0, (1.0, 3.0)).same_as(Penalised(1.0, 2.0, (2.0, 6.0)))
    assert not Penalised(2.0, 4.0, (1.0, 3.0)).same_as(Penalised(2.0, 4.0, (3.0, 1.0)))
    assert not Penalised(2.0).same_as(Penalised(0.0, 2.0))
    assert not Penalised(2.0).same_as(Penalised(2.0, standardize=True))
    assert Penalised(standardize=True).same_as(Penalised(2.0, 1.0, (0.0, 0.0)))
    assert Penalised(2.0).same_as(Penalised(1.0, penalty_factors=(2.0, 2.0, 2.0)))
    assert not Penalised(2.0, penalty_factors=(1.0, 2.0)).same_as(Penalised(2.0, penalty_factors=(1.0, 2.0, 1.0)))


def test_factors_that_are_equal_go_everywhere():
    told = to_theirs("sklearn", Penalised(l2=0.5, penalty_factors=(2.0,) * N), 10)
    assert told.exact
    assert told.parameters["C"] == pytest.approx(0.1)


def test_rows_are_what_sums_and_means_differ_by():
    rows = Rows.of(WEIGHTS)
    assert (rows.m, rows.total, rows.squares, rows.used) == (5, 7.0, 17.5, 4)
    assert rows.weighted
    assert not Rows.of([1.0] * 5).weighted
    assert Rows.of([1.0] * 5) == Rows.of(5) == Rows.of(np.int64(5)) == Rows.of(Rows.of(5))
    assert Rows.of([0.0, 2.0]).weighted
