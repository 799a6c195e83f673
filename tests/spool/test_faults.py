"""SIGKILL at any moment and at every write, a full disk, an I/O error at every k-th write: nothing lost, same bits.

The moments are few by default; STEEPEST_THOROUGH=1 tries all of them.
"""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from spooled_tables import frame, written

import steepest
from steepest.data import mixed_table
from steepest.data.files import open_source
from steepest.data.spool import writing
from steepest.data.spool.writing import Place, spool
from steepest.optimum import checkpoint

THOROUGH = bool(os.environ.get("STEEPEST_THOROUGH"))
MOMENTS = 50 if THOROUGH else 1

# The fit of a process of its own; with KILL=k it kills itself at the k-th write, fsync or rename.
CODE = """
import json, os, signal, sys
import steepest
from steepest.data import mixed_table
import steepest.engines.mixed

mixed_table.WORTH, steepest.engines.mixed.LEAST = 1, 1 << 10
path, folder, kill = sys.argv[1], sys.argv[2], int(sys.argv[3])
seen = 0

def counted(call):
    def calls(*args, **kwargs):
        global seen
        seen += 1
        if seen == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*args, **kwargs)
    return calls

os.fsync, os.rename, os.replace, os.mkdir = map(counted, (os.fsync, os.rename, os.replace, os.mkdir))
from steepest.data.spool import writing
writing._write = counted(writing._write)
from steepest.optimum import checkpoint
checkpoint._packed = counted(checkpoint._packed)
missing = {"age": "indicator", "size": "indicator", "colour": "category"}
print("ready", flush=True)
fit = steepest.fit(path, "y", schema=steepest.schema(path, "y", missing=missing, exclude=["s"]), spool=folder)
print(json.dumps([fit.w.tobytes().hex(), fit.b.hex(), fit.value.hex(), repr(fit.certificate), fit.passes, seen]))
"""


def run(path, folder, kill=0, after=None):
    """(return code, answer) of a fit; `after` seconds from its start of work it is killed from outside."""
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, str(path), str(folder), str(kill)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    if after is not None:
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
    said = process.stdout.read()
    process.stdout.close()
    process.wait()
    return process.returncode, json.loads(said) if said else None


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A file, and what a fit says of it that nobody disturbed; the seconds it took, and its calls."""
    folder = tmp_path_factory.mktemp("rows")
    path = written(folder, frame(4000))
    started = time.monotonic()
    code, answer = run(path, folder / "spool")
    assert code == 0
    return path, answer[:-1], time.monotonic() - started, answer[-1]


def test_killed_at_writes_fsyncs_and_renames(undisturbed, tmp_path):
    path, expected, _, calls = undisturbed
    moments = range(1, calls + 1) if THOROUGH else (calls // 2, calls - 2)
    for k in moments:
        folder = tmp_path / f"at-{k}"
        code, _ = run(path, folder, kill=k)
        assert code == -signal.SIGKILL, k
        code, answer = run(path, folder)
        assert (code, answer[:-1]) == (0, expected), k
        left = sorted(each.name for each in folder.iterdir())
        assert len(left) == 1, left  # no rubbish is left, and one spool


def test_killed_at_random_moments(undisturbed, tmp_path):
    path, expected, seconds, _ = undisturbed
    moments = random.Random(7)
    for k in range(MOMENTS):
        folder = tmp_path / f"run-{k}"
        for _ in range(1 + THOROUGH):  # killed, perhaps twice, then left alone
            run(path, folder, after=moments.uniform(0.0, seconds))
        code, answer = run(path, folder)
        assert (code, answer[:-1]) == (0, expected), k


def test_what_was_read_before_is_not_read_again(undisturbed, tmp_path):
    """Killed after its last answer was kept, a fit makes no more passes: fewer calls, the same count of passes."""
    path, expected, _, calls = undisturbed
    run(path, tmp_path / "spool", kill=calls)
    code, answer = run(path, tmp_path / "spool")
    assert (code, answer[:-1]) == (0, expected)
    assert answer[-1] < 5


class Faults:
    """Counts writes, fsyncs, renames and folders made; the one that is to `fail` says that the disk does not."""

    def __init__(self, monkeypatch, number):
        self.number, self.calls, self.fail = number, 0, 0
        for module, name in ((writing, "_write"), (checkpoint, "_packed"), (os, "fsync"), (os, "rename"),
                             (os, "replace"), (os, "mkdir")):  # fmt: skip
            monkeypatch.setattr(module, name, self.counted(getattr(module, name)))

    def counted(self, call):
        def calls_on(*args, **kwargs):
            self.calls += 1
            if self.calls == self.fail:
                raise OSError(self.number, os.strerror(self.number))
            return call(*args, **kwargs)

        return calls_on

    def at(self, k):
        self.calls, self.fail = 0, k


def refusal_of(act):
    """What a DataError says, None if there is none."""
    try:
        act()
    except steepest.DataError as error:
        return str(error)
    return None


def moments_of(calls):
    return range(1, calls + 1) if THOROUGH else sorted({1, 2, calls // 3, calls // 2, calls - 2, calls})


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_at_every_kth_write(tmp_path, monkeypatch, number):
    """Nothing half-written is left, one line says why; a folder that cannot be flushed is nobody's fault."""
    path = written(tmp_path, frame(3000))
    source, asked = open_source(path), (["share", "size"], {"town": (), "y": ()})
    faults = Faults(monkeypatch, number)
    spool(source, *asked, Place(tmp_path / "spool-0"), target="y")
    total, passed_over = faults.calls, 0
    for k in moments_of(total):
        folder = tmp_path / f"spool-{k}"
        faults.at(k)
        said = refusal_of(lambda folder=folder: spool(source, *asked, Place(folder), target="y"))
        passed_over += said is None
        assert said is None or (os.strerror(number) in said and "\n" not in said)
        assert not folder.exists() or not [each for each in folder.iterdir() if "partial" in each.name]
        faults.at(0)
        kept = spool(source, *asked, Place(folder), target="y")
        assert kept.columns["share"][:].tolist() == frame(3000)["share"].tolist()
        assert len([*folder.iterdir()]) == 1
    assert passed_over <= 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_at_every_kth_write_of_a_whole_fit(tmp_path, monkeypatch, number):
    """Refused in one line, or done to the same bits; and then gone on with, to the same bits."""
    monkeypatch.setattr(mixed_table, "WORTH", 1)
    monkeypatch.setattr("steepest.engines.mixed.LEAST", 1 << 10)
    path = written(tmp_path, frame(4000, missing=False).drop(columns="s"))
    faults = Faults(monkeypatch, number)

    def fitted(folder):
        return steepest.fit(path, "y", spool=folder)

    expected, refused = fitted(tmp_path / "spool-0"), 0
    for k in moments_of(faults.calls):
        folder = tmp_path / f"spool-{k}"
        faults.at(k)
        said = refusal_of(lambda folder=folder: fitted(folder))
        assert said is None or (os.strerror(number) in said and "\n" not in said)
        refused += said is not None
        faults.at(0)
        again = fitted(folder)
        assert (again.w.tobytes(), again.certificate, again.passes) == (
            expected.w.tobytes(), expected.certificate, expected.passes,
        )  # fmt: skip
        assert not [each for each in folder.rglob("*") if "partial" in each.name or each.name.endswith(".tmp")]
    assert refused >= 3


def test_an_interrupt_while_decoding_leaves_nothing(tmp_path, monkeypatch):
    path = written(tmp_path, frame(3000))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        spool(open_source(path), ["share"], {}, Place(tmp_path / "spool"))
    assert not any((tmp_path / "spool").iterdir())
