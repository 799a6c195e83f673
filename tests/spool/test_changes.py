"""A file that is cut short, replaced, touched or removed: while it is decoded no spool is kept; later a word is said.

Never is anything fitted to rows of two versions: until all rows are read a change is an error, and afterwards nobody
reads the file.
"""

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from spooled_tables import frame, written

import steepest
from steepest.cli import main
from steepest.data.files import open_source, reading
from steepest.data.spool import writing
from steepest.data.spool.writing import Place, spool

COLUMNS = (["share", "age"], {"town": ()})


def cut(path):
    os.truncate(path, path.stat().st_size - 300)


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def replaced(path):
    other = path.with_name("other")
    shutil.copyfile(path, other)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    os.replace(other, path)


def written_over(path):
    """As many bytes, in place."""
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(reversed(whole[100:-100])) + whole[-100:])


CHANGES = [
    (cut, r"changed \(from [\d,]+ to [\d,]+ bytes\)"),
    (grow, r"changed \(from [\d,]+ to [\d,]+ bytes\)"),
    (replaced, r"changed \(another file is in its place\)"),
    (written_over, r"changed \(it was written to\)"),
    (Path.touch, r"changed \(it was written to\)"),
    (Path.unlink, r"is gone \(no such file"),
]


def after_the_first_chunk(monkeypatch, act):
    write, done = writing._write, []

    def writes(file, values):
        write(file, values)
        if not done:
            done.append(act())

    monkeypatch.setattr(writing, "_write", writes)


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize(("change", "says"), CHANGES)
def test_while_it_is_decoded(tmp_path, monkeypatch, form, change, says):
    monkeypatch.setattr(reading, "SMALL", 0)
    path = written(tmp_path, frame(70_000).drop(columns="s"), form)
    after_the_first_chunk(monkeypatch, lambda: change(path))
    with pytest.raises(steepest.DataError, match=rf"rows\.{form} {says}") as caught:
        spool(open_source(path), *COLUMNS, Place(tmp_path / "spool"))
    assert "nothing was kept; start again, and leave it alone" in str(caught.value)
    assert not any((tmp_path / "spool").iterdir())


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_one_of_several_files_that_was_read_already(tmp_path, monkeypatch, small):
    monkeypatch.setattr(reading, "SMALL", small)
    (tmp_path / "parts").mkdir()
    for k, m in ((1, 70_000), (2, 3000)):
        frame(m, seed=k).to_csv(tmp_path / "parts" / f"part-{k}.csv", index=False)
    after_the_first_chunk(monkeypatch, (tmp_path / "parts" / "part-1.csv").touch)
    with pytest.raises(steepest.DataError, match=r"part-1\.csv changed"):
        spool(open_source(tmp_path / "parts"), *COLUMNS, Place(tmp_path / "spool"))
    assert not any((tmp_path / "spool").iterdir())


def test_a_second_version_within_a_tick_of_the_clock(tmp_path):
    """Written, opened, and written over at once: clocks of files tick every few milliseconds."""
    for k in range(20):
        path = tmp_path / f"{k}.csv"
        path.write_text("x,y\n" + "1,a\n2,b\n" * 20_000)
        source = open_source(path)
        path.write_text("x,y\n" + "3,a\n4,b\n" * 20_000)
        with pytest.raises(steepest.DataError, match="changed"):
            list(source.batches(["x"]))


@pytest.mark.parametrize("spooled", [True, False])
def test_after_all_rows_were_read(tmp_path, spooled):
    path = written(tmp_path, frame(2000, missing=False).drop(columns="s"))
    first, second = ({"spool": tmp_path / name} if spooled else {} for name in ("one", "other"))
    told = []
    undisturbed = steepest.fit(path, "y", **first)
    disturbed = steepest.fit(path, "y", **second, callback=lambda _: path.touch(), on_note=told.append)
    assert disturbed.w.tobytes() == undisturbed.w.tobytes()
    assert [note.kind for note in disturbed.notes] == [*(note.kind for note in undisturbed.notes), "file-changed"]
    assert "rows.parquet changed (it was written to) after its rows were read" in disturbed.notes[-1].text
    assert "fit again for those of now" in disturbed.notes[-1].text
    assert told[-1] == disturbed.notes[-1]


@pytest.mark.parametrize("spooled", [True, False])
def test_on_the_command_line(tmp_path, monkeypatch, spooled):
    path = written(tmp_path, frame(70_000, missing=False).drop(columns="s"))
    asked = ["fit", str(path), "--target", "y", "--out", str(tmp_path / "model.json")]
    asked += ["--spool", str(tmp_path / "spool")] if spooled else []
    fit = steepest.fitting.minimise

    def touched(*args):
        path.touch()
        return fit(*args)

    with monkeypatch.context() as patch:
        patch.setattr("steepest.fitting.minimise", touched)
        done = CliRunner().invoke(main, asked)
    assert (done.exit_code, done.stderr.count("after its rows were read")) == (0, 1), done.stderr
    os.remove(tmp_path / "model.json")
    blocks = reading._cut

    def cut_short(block, plan):
        path.touch()
        return blocks(block, plan)

    monkeypatch.setattr(reading, "_cut", cut_short)
    done = CliRunner().invoke(main, asked)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
    assert (done.exit_code, len(lines), done.stdout) == (1, 1, ""), done.stderr
    assert "rows.parquet changed (it was written to) while its rows were read" in lines[0]
    assert not (tmp_path / "model.json").exists()
