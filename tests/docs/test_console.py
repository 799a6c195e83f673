"""The `$ steepest …` examples of README and docs print what is written there; a line `…` stands for any lines."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from steepest.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(*example, id=f"{page.name}:{number}")
    for page in PAGES
    for number, example in enumerate(
        re.findall(r"^```console\n\$ steepest (.*)\n((?:.*\n)*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE)
    )
]


@pytest.mark.parametrize(("arguments", "expected"), EXAMPLES)
def test_console_example(arguments: str, expected: str) -> None:
    result = CliRunner().invoke(main, shlex.split(arguments))
    assert result.exit_code == 0, result.stderr
    lines = [r"(.*\n)*?" if line == "…" else re.escape(line.rstrip()) + r" *\n" for line in expected.splitlines()]
    assert re.fullmatch("".join(lines), result.stdout), result.stdout


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 2
