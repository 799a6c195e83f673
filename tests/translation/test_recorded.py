"""Optima of glmnet, Spark, H2O and Vowpal Wabbit, as `record.py` recorded them: the translated objective has them."""

import json
from pathlib import Path

import numpy as np
import pytest
from translation.comparing import excess
from translation.known_table import table

from steepest.translation import TOOLS, Rows

RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))
CASES = [
    pytest.param(key, case, id=f"{key}-{number}")
    for key, found in RECORDED.items()
    for number, case in enumerate(found["cases"])
]
NEAR = 1e-6  # relative, in the objective


def translated(key, case):
    X, y, s = table()
    s = s if case["weighted"] else np.ones(len(y))
    return TOOLS[key].to_ours(s if case["weighted"] else len(y), **case["parameters"]), X, y, s


def reached(key, case):
    """Whether the tool arrives at the optimum of what it says it minimises."""
    return case["parameters"].get("solver") != "L_BFGS" and "--sgd" not in case["parameters"].get("options", "")


@pytest.mark.parametrize(("key", "case"), CASES)
def test_their_optimum_is_ours(key, case):
    told, X, y, s = translated(key, case)
    apart = excess(X, y, s, told.objective, np.array(case["w"]), case["b"])
    assert apart > -1e-9  # nothing is below a proved optimum
    if told.exact and reached(key, case):
        assert apart <= NEAR, told.explain()
    else:
        assert apart > NEAR, told.explain()


@pytest.mark.parametrize(("key", "case"), CASES)
def test_ours_is_written_in_their_parameters(key, case):
    told, _, _, s = translated(key, case)
    back = TOOLS[key].to_theirs(told.objective, told.rows)
    if not told.exact:
        return
    again = TOOLS[key].to_ours(told.rows, **back.parameters)
    assert back.exact
    assert again.objective.same_as(told.objective, rel=1e-14)
    assert told.rows == Rows.of(s if case["weighted"] else len(s))


def test_every_tool_that_cannot_be_installed_is_recorded():
    assert set(RECORDED) == {"glmnet", "h2o", "spark", "vw"}
    assert RECORDED["glmnet"]["version"].replace(".", "-", 2).replace("-", ".", 1) == TOOLS["glmnet"].tool.checked
    for key in ("h2o", "spark", "vw"):
        assert RECORDED[key]["version"] == TOOLS[key].tool.checked
    assert len(CASES) >= 45


def test_reasons_are_not_empty_words():
    """Of the recorded ones some cannot be the same, and the optimum of another objective is what they have."""
    apart = [case for key, found in RECORDED.items() for case in found["cases"] if not translated(key, case)[0].exact]
    assert len(apart) >= 3
