"""A file is replaced whole or not at all, at whichever call the disk fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steepest.data.whole_file import whole_file
from steepest.errors import DataError


def full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    file = tmp_path / "f.txt"
    file.write_text("old")
    monkeypatch.setattr(os, call, full)
    with (
        pytest.raises(DataError, match=r"f\.txt cannot be written \(No space left on device\)"),
        whole_file(file) as out,
    ):
        out.write("new")
    monkeypatch.undo()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_an_error_inside_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "f.txt"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(file) as out:  # noqa: PT012
        out.write("new")
        raise ZeroDivisionError
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_rights_links_and_pipes(tmp_path: Path) -> None:
    file, link = tmp_path / "f.txt", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    with whole_file(link) as out:
        out.write("new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
    with whole_file("/dev/null") as out:
        out.write("gone")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("path", ["none/f.txt", "."])
def test_no_such_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="cannot be written"), whole_file(path) as out:
        out.write("x")
