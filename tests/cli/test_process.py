"""The command as a process: exit codes, Ctrl-C, pipes that break or are full, colours, and what is loaded when."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import steepest

SOURCE = str(Path(steepest.__file__).parents[1])
COMMAND = [sys.executable, "-m", "steepest"]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": SOURCE, "TERM": "xterm-256color", **more}


def call(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command, env = [*COMMAND, *arguments], environment(**more)
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, env=env, check=False)


def on_terminal(*arguments: str, **more: str) -> tuple[str, int]:
    """Run on a pseudo-terminal: what it shows, and the exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(**more)
    )
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 30)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is gone
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    return shown.decode(), process.wait(30)


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table on which descent goes on for minutes."""
    rng = np.random.default_rng(0)
    file = tmp_path_factory.mktemp("big") / "big.csv"
    rows = np.column_stack([rng.normal(size=(3000, 3)), rng.integers(0, 2, 3000)])
    np.savetxt(file, rows, delimiter=",", header="a,b,c,y", comments="", fmt=["%.6f"] * 3 + ["%d"])
    return str(file)


LONG = ["--target", "y", "--learning-rate", "1e-9", "--iterations", "100000000"]


def test_exit_codes() -> None:
    assert call("--version").stdout == f"steepest {steepest.__version__}\n"
    assert call("fit", "--iterations", "3", "--quiet").returncode == 0
    error = call("fit", "none.csv", "--target", "y")
    assert (error.returncode, error.stdout, error.stderr) == (1, "", "steepest: none.csv: no such file\n")
    assert call("fit", "--method", "adam").returncode == 2
    assert call("nonsense").returncode == 2


@pytest.mark.parametrize("statement", ["import steepest", "import steepest.cli"])
def test_nothing_heavy_is_imported_before_it_is_used(statement: str) -> None:
    code = f"{statement}, sys; print([m for m in ('numpy', 'scipy', 'sklearn', 'rich', 'plotext') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["fit", "--help"], ["explain", "-h"], ["predict", "-h"], ["agree", "-h"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "steepest", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=True)
    assert "Usage: steepest" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & {"numpy", "scipy", "sklearn", "rich", "plotext"}


def test_ctrl_c_prints_and_saves_what_there_is(endless: str, tmp_path: Path) -> None:
    out = tmp_path / "m.json"
    process = subprocess.Popen(
        [*COMMAND, "fit", endless, *LONG, "--json", "--out", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    time.sleep(10.0)
    process.send_signal(signal.SIGINT)
    sent = time.perf_counter()
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.perf_counter() - sent < 5.0  # a second on an idle machine
    assert "Traceback" not in stderr
    shown = json.loads(stdout)
    assert shown["status"] == "interrupted"
    assert shown["iterations"] > 0
    assert steepest.load(out).ending.status == "interrupted"
    assert steepest.load(out).b == shown["intercept"]


def test_ctrl_c_while_reading() -> None:
    process = subprocess.Popen(
        [*COMMAND, "fit", "-", "--target", "y"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    time.sleep(8.0)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, "", "steepest: interrupted\n")


def test_a_reader_that_stops_is_no_error(tmp_path: Path) -> None:
    model, rows = tmp_path / "m.json", tmp_path / "rows.csv"
    table = Path(SOURCE) / "steepest" / "data" / "bundled" / "penguins.csv"
    assert call("fit", "--iterations", "3", "--quiet", "--out", str(model)).returncode == 0
    lines = table.read_text().splitlines()
    rows.write_text("\n".join([lines[0], *lines[1:] * 100]))
    command, pipe = [*COMMAND, "predict", str(model), str(rows)], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "row,probability,predicted,unseen,missing,out_of_range\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("options", [["--json"], []])
def test_a_full_disk_behind_standard_output(options: list[str]) -> None:
    with open("/dev/full", "w") as full:
        command = [*COMMAND, "fit", "--iterations", "3", *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "steepest: the output cannot be written (No space left on device)"
    assert "Traceback" not in done.stderr


def test_colours_only_on_a_terminal_and_only_if_wanted() -> None:
    arguments = ["fit", "--iterations", "20"]
    plain = call(*arguments).stdout
    assert "\x1b" not in plain
    assert "\x1b[" in on_terminal(*arguments)[0]
    for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown, code = on_terminal(*arguments, **more)
        assert code == 0
        assert "\x1b" not in shown


def test_progress_on_a_terminal_after_a_second(endless: str) -> None:
    shown, code = on_terminal("fit", endless, *LONG, "--budget", "2.5s")
    assert code == 0
    assert re.search(r"step [\d,]+  J 0\.69", shown)
    assert "the time budget is spent" in shown.replace("\r\n          ", " ")
    quick, _ = on_terminal("fit", "--iterations", "5")
    assert "descending" not in quick


def test_a_terminal_without_our_letters() -> None:
    done = call("fit", "--iterations", "50", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "J by step" not in done.stdout
    assert "J before" in done.stdout


def test_ctrl_c_while_the_command_line_loads():
    code = """import runpy, sys
class Interrupts:
    def find_spec(self, name, *rest):
        if name == "click":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
runpy.run_module("steepest", run_name="__main__")"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
