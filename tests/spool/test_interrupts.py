"""Ctrl-C wherever a fit of rows on disk is, a budget that ends, and going on from what either left."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from spooled_tables import frame, written

import steepest
from steepest.cli import main
from steepest.cli.watching import Fitting, Reading
from steepest.data import mixed_table
from steepest.driver import Watching
from steepest.engines.mixed import MixedEngine
from steepest.types import Sampling, Status

GAPS = [f"--missing={name}" for name in ("age=indicator", "size=indicator", "colour=category")]


@pytest.fixture
def codes(monkeypatch):
    """Codes and some blocks also where tables are small."""
    monkeypatch.setattr(mixed_table, "WORTH", 1)
    monkeypatch.setattr("steepest.engines.mixed.LEAST", 1 << 10)


class Heard:
    """A callback that listens, and does something when a read has come so far."""

    def __init__(self, act=lambda read, done: None):
        self.reads, self.gaps, self.steps, self.act = [], [], [], act

    def __call__(self, step):
        self.steps.append(step)

    def rows(self, done, m):
        if done == 0:
            self.reads.append([])
        self.reads[-1].append(done)
        self.act(len(self.reads), done)

    def proved(self, gap):
        self.gaps.append(gap)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_callback_hears_how_far_each_read_is_and_what_is_proved(tmp_path, codes, threads):
    path = written(tmp_path, frame(90_000, missing=False).drop(columns="s"))
    heard = Heard()
    assert isinstance(heard, Watching)
    fit = steepest.fit(path, "y", spool=tmp_path / "spool", callback=heard, threads=threads)
    assert len(heard.reads) == fit.passes
    assert all(read[-1] == 90_000 and read == sorted(read) and len(read) > 50 for read in heard.reads)
    assert heard.gaps[-1] == pytest.approx(fit.certificate.gap)
    assert heard.gaps == sorted(heard.gaps, reverse=True)
    alone = steepest.fit(path, "y", spool=tmp_path / "spool", threads=threads)
    assert (alone.w.tobytes(), alone.certificate) == (fit.w.tobytes(), fit.certificate)


def test_a_callback_hears_of_the_sample_before_the_first_read(tmp_path, monkeypatch):
    monkeypatch.setattr(mixed_table, "WORTH", 1)
    path = written(tmp_path, frame(90_000, missing=False).drop(columns="s"))
    told = []

    class Listening(Heard):
        def sampled(self, rows, step, cost):
            told.append((rows, step, cost, len(self.reads)))

    fit = steepest.fit(path, "y", spool=tmp_path / "spool", callback=Listening())
    assert {reads for *_, reads in told} == {0}
    assert [step for _, step, *_ in told][:2] == [1, 2]
    assert sorted({rows for rows, *_ in told}) == [5000, 20_000]
    assert told[-1][2] == pytest.approx(fit.cost, rel=0.05)


def test_interrupted_in_any_read_and_gone_on_with(tmp_path, codes):
    """The interrupt comes from within a block's end, where the main thread hears of it; the same bits in the end."""
    path = written(tmp_path, frame(90_000, missing=False).drop(columns="s"))
    expected = steepest.fit(path, "y")
    for read in range(1, expected.passes + 1):
        folder = tmp_path / f"spool-{read}"

        def interrupt(number, done, read=read):
            if number == read and done > 40_000:
                raise KeyboardInterrupt

        if read == 1:  # there is no iterate yet
            with pytest.raises(KeyboardInterrupt):
                steepest.fit(path, "y", spool=folder, callback=Heard(interrupt))
        else:
            stopped = steepest.fit(path, "y", spool=folder, callback=Heard(interrupt))
            assert stopped.status is Status.INTERRUPTED
        heard = Heard()
        fit = steepest.fit(path, "y", spool=folder, callback=heard)
        assert (fit.w.tobytes(), fit.passes) == (expected.w.tobytes(), expected.passes)
        assert len(heard.reads) == expected.passes - (read - 1)  # those before were kept
        said = [note.text for note in fit.notes if note.kind == "resumed"]
        assert "rows that an earlier run decoded" in said[0]
        assert [("will not be made again" in text) for text in said[1:]] == ([True] if read > 1 else [])


def test_an_interrupt_on_the_sample_ends_the_fit(tmp_path, monkeypatch):
    """A run on the sample returns what it has when it is interrupted; to go on with that would be to be deaf."""
    path = written(tmp_path, frame(90_000, missing=False).drop(columns="s"))
    sums, seen = MixedEngine.sum, []
    monkeypatch.setattr(mixed_table, "WORTH", 1)

    def interrupted(self, of_block, **more):
        if self.m < 90_000:
            seen.append(self.m)
            if len(seen) > 4:
                raise KeyboardInterrupt
        return sums(self, of_block, **more)

    monkeypatch.setattr(MixedEngine, "sum", interrupted)
    with pytest.raises(KeyboardInterrupt):
        steepest.fit(path, "y", spool=tmp_path / "spool")
    assert len(seen) == 5


def test_the_optimum_of_the_sample_is_kept_too(tmp_path, codes, monkeypatch):
    path = written(tmp_path, frame(90_000, missing=False).drop(columns="s"))
    expected = steepest.fit(path, "y")

    def interrupt(number, done):
        if done > 40_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steepest.fit(path, "y", spool=tmp_path / "spool", callback=Heard(interrupt))
    monkeypatch.setattr("steepest.optimum.mixed_start._solved", None)
    fit = steepest.fit(path, "y", spool=tmp_path / "spool")
    assert (fit.w.tobytes(), fit.certificate, fit.passes) == (
        expected.w.tobytes(),
        expected.certificate,
        expected.passes,
    )
    assert not [*(tmp_path / "spool").rglob("*.start")]


def test_a_budget_ends_with_what_is_proved_and_is_gone_on_from(tmp_path, codes):
    path = written(tmp_path, frame(90_000, missing=False).drop(columns="s"))
    asked = ["fit", str(path), "--target", "y", "--spool", str(tmp_path / "spool")]
    spent = CliRunner().invoke(main, [*asked, "--budget", "1ms"])
    assert spent.exit_code == 0, spent.output
    assert "the time budget is spent" in " ".join(spent.stdout.split())
    proved = re.search(r"proved +at most ([0-9.e-]+) % above the optimum", spent.stdout)
    assert proved is not None, spent.stdout
    assert "accuracy" not in spent.stdout  # one more read
    assert "the same command with --resume goes on from it" in spent.stderr
    done = CliRunner().invoke(main, [*asked, "--resume", "--json"])
    assert done.exit_code == 0, done.output
    assert "2 reads of all rows that an earlier run made will not be made again" in done.stderr
    assert json.loads(done.stdout)["certificate"]["gap"] <= 1e-9
    assert float(proved[1]) / 100.0 > json.loads(done.stdout)["certificate"]["gap"]


@pytest.mark.parametrize("written_as", ["90", "90s", "1.5m", "0.025h"])
def test_times_are_written_as_people_write_them(written_as):
    fit = next(each for each in main.commands["fit"].params if each.name == "budget")
    assert fit.type.convert(written_as, None, None) == pytest.approx(90.0)


def test_nothing_to_resume(tmp_path):
    path = written(tmp_path, frame(3000))
    asked = ["fit", str(path), "--target", "y", *GAPS, "--resume"]
    without = CliRunner().invoke(main, asked)
    assert (without.exit_code, "name a folder by --spool" in without.stderr) == (2, True)
    asked += ["--spool", str(tmp_path / "spool")]
    done = CliRunner().invoke(main, asked)
    assert (done.exit_code, len(done.stderr.splitlines()), done.stdout) == (1, 1, "")
    assert "nothing to resume" in done.stderr
    assert not any((tmp_path / "spool").iterdir())
    assert CliRunner().invoke(main, asked[:-3] + asked[-2:]).exit_code == 0
    assert CliRunner().invoke(main, asked).exit_code == 0
    path.touch()  # another version: its rows were never decoded
    assert "as it is now" in CliRunner().invoke(main, asked).stderr


class Bar:
    def __init__(self, shown, what, total=None):
        self.shown, self.what = shown, what

    def show(self, done, words, total=None):
        self.shown.append(f"{self.what} {words}")

    def close(self):
        self.shown.append("closed")


def test_what_is_shown(monkeypatch):
    clock, shown = [0.0], []
    monkeypatch.setattr("steepest.cli.watching.time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("steepest.cli.watching.module", lambda _: SimpleNamespace(Progress=partial(Bar, shown)))
    with Reading("decoding", 3_000_000) as _:
        pass
    reading = Reading("decoding", 3_000_000)
    for clock[0], done in ((0.5, 400_000), (2.0, 2_000_000)):
        reading(done)
    watcher = Fitting(1000, 1e-9)
    for clock[0], done in ((2.0, 0), (2.5, 250_000), (5.0, 1_500_000)):
        watcher.rows(done, 4_000_000)
    watcher.proved(math.inf)
    watcher.proved(3e-4)
    clock[0] = 7.0
    watcher.rows(2_500_000, 4_000_000)
    watcher.close()
    assert shown == [
        "decoding 2,000,000 rows  1 M rows/s  1 s left",
        "descending read 1: 38%  500,000 rows/s  no gap proved yet  about 29 s left",
        "descending read 1: 62%  500,000 rows/s  gap 3.0e-04 proved  about 11 s left",
        "closed",
    ]
    shown.clear()
    watcher = Fitting(1000, 1e-9)
    assert isinstance(watcher, Sampling)
    for clock[0], step in ((7.5, 2), (8.5, 3)):
        watcher.sampled(300_000, step, 0.51234567)
    assert shown == ["descending a sample of 300,000 rows: step 3  J 0.512346"]


@pytest.mark.parametrize("after", [0.4, 1.5, 2.5])
def test_ctrl_c_of_a_process(tmp_path, after):
    """Exit 130, one line or a result, no traceback; how soon is for a benchmark to say."""
    path = written(tmp_path, frame(400_000).drop(columns="s"))
    command = [sys.executable, "-m", "steepest", "fit", str(path), "--target", "y", *GAPS, "--spool",
               str(tmp_path / "spool")]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in (130, 0, -signal.SIGINT), err  # it may have been done, or not have begun
    assert not [*(tmp_path / "spool").glob("*.partial-*")]


def test_ctrl_c_leaves_no_temporary_file(tmp_path):
    """Rows of standard input are kept in one; the process ends at once, but not before that is gone."""
    text = "x,y\n" + "1.5,a\n2.5,b\n3.5,a\n" * 400_000
    process = subprocess.Popen(
        [sys.executable, "-m", "steepest", "fit", "-", "--target", "y", "--category", "x"], stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    assert [*tmp_path.iterdir()]
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    assert process.returncode in (130, 0, -signal.SIGINT)  # the last: it had said all, and was about to end
    assert not [*tmp_path.iterdir()]
