"""`steepest agree`: the table is printed, and a bound that fails is an error."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import pytest
from click.testing import CliRunner

from steepest import agreement
from steepest.cli import main


def call(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["agree", *arguments])


def test_the_bundled_table_agrees() -> None:
    result = call()
    assert result.exit_code == 0, result.output
    assert "holds" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    document = json.loads(call("--json").stdout)
    assert document["holds"] is True
    assert {"what", "value", "unit", "bound", "holds"} == set(document["agreement"][0])


def test_a_bound_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = (agreement.Agreement("loop and moon", 2.0, "ulp", 1.0, False),)
    monkeypatch.setattr(import_module("steepest.cli.agree"), "agreement_table", lambda *_, **__: wrong)
    result = call()
    assert result.exit_code == 1
    assert "FAILS" in result.stdout
    assert "steepest: bounds that fail: 1 of 1" in result.stderr
