"""`steepest forecast`: method, passes, seconds and memory before a fit."""

import json

import pytest
from click.testing import CliRunner, Result

from steepest.cli import main


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["forecast", *arguments])


def test_of_a_shape() -> None:
    result = call("--shape", "1000000x50")
    assert result.exit_code == 0
    assert "a sample of the rows, then L-BFGS" in " ".join(result.stdout.split())
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    document = json.loads(call("--shape", "1,000,000 x 50", "--json").stdout)
    assert (document["regime"], document["rows"], document["features"]) == ("sampled", 1_000_000, 50)
    assert document["passes"] > 1.0


def test_of_the_bundled_table() -> None:
    result = call()
    assert result.exit_code == 0
    assert "table     333 rows, 4 features" in result.stdout
    assert "Newton" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--shape", "axb"), "write rows and features as 1000000x50"),
        (("--shape", "0x3"), "is not a shape"),
        (("--tol", "2"), "less than 1"),
        (("t.csv", "--shape", "2x2"), "give one of them"),
    ],
)
def test_usage(arguments: tuple[str, ...], says: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
