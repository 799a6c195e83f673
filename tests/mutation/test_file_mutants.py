# ruff: noqa: E501 - one mutant, one line
"""Mutants of the rules for cells and labels of files: each must be caught by a table of readings written out."""

import io
import math
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import steepest
from steepest.data.row_blocks import Coded
from steepest.errors import DataError

SOURCE = Path(steepest.__file__).parent / "data"
CELLS = {
    " 1.5 ": 1.5, "1e999": math.inf, "NA": math.nan, "?": math.nan, "": math.nan, "9007199254740992": 2.0**53,
    "1_000": None, "x": None, "١٢": None, "9007199254740993": None, "-9007199254740993": None, "nan(1)": None,
}  # fmt: skip


def check_cells(module):
    tokens = module.tokens_of(None)
    for cell, expected in CELLS.items():
        try:
            found = module.number_of(cell, tokens)
        except DataError:
            found = None
        assert (found is None) == (expected is None), cell
        if expected is not None:
            np.testing.assert_equal(found, expected)
    assert module.has_numbers(frozenset({"-9", "none"}))
    assert not module.has_numbers(tokens)
    assert module.tokens_of([" None "]) == {"none", ""}


def check_target(module):
    found = module.find_labels(Coded(np.array([1, 0, 1, 1]), ("10", "9", "-")), "y", "t")
    assert (found.classes, found.counts, found.codes.tolist()) == (("9", "10"), (3, 1), [0, 1, 0, 0])
    turned = module.find_labels(Coded(np.array([1, 0, 1, 1]), ("10", "9", "-")), "y", "t", "9")
    assert (turned.classes, turned.codes.tolist()) == (("10", "9"), [1, 0, 1, 1])
    for levels in (("1", "1.0"), ("a",), ("0.5", "1", "2")):
        with pytest.raises(DataError):
            module.find_labels(Coded(np.arange(len(levels)), levels), "y", "t")


def check_ranks(module):
    given = module.ranks(0, 5000)
    assert [hex(int(rank)) for rank in given[:2]] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]
    assert (module.ranks(1234, 1300) == given[1234:1300]).all()
    lowest = module.Lowest(100)
    for start in range(0, 5000, 70):
        rows = np.arange(start, min(start + 70, 5000))
        lowest.offer(given[rows], rows, rows * 2.0)
    for many in (100, 37, 300):
        rows, doubled = lowest.taken(many)
        np.testing.assert_array_equal(rows, np.sort(np.argsort(given)[: min(many, 100)]))
        np.testing.assert_array_equal(doubled, rows * 2.0)
    assert lowest.held <= 200
    assert module.Lowest(100).taken(3) == []


def check_frames(module):
    """Raw, run-length and compressed blocks, all lengths of the fields of a header, checksums, skipped frames."""
    blocks = b"\x18\x00\x00abc" + b"\x0a\x01\x00z" + b"\x15\x00\x00qq"  # raw of 3, 33 times z, compressed of 2: last
    for flags in range(0, 256, 1):
        single, content = flags & 0x20, flags >> 6
        fields = (
            (0 if single else 1)
            + (0, 1, 2, 4)[flags & 3]
            + (0, 2, 4, 8)[content]
            + (1 if single and not content else 0)
        )
        frame = b"\x28\xb5\x2f\xfd" + bytes([flags]) + b"\xff" * fields + blocks + (b"sum!" if flags & 4 else b"")
        skipped = b"\x5f\x2a\x4d\x18\x02\x00\x00\x00hi"
        assert module.is_whole(io.BytesIO(frame))
        assert module.is_whole(io.BytesIO(frame + skipped + frame))
        ends = {len(frame), len(frame + skipped)}
        for size in range(len(frame + skipped + frame)):
            assert module.is_whole(io.BytesIO((frame + skipped + frame)[:size])) == (size in ends), (flags, size)
    assert not module.is_whole(
        io.BytesIO(b"\x28\xb5\x2f\xfd\x20\x00\x07\x00\x00")
    )  # a block of a kind that does not exist


MUTANTS = [
    pytest.param("files/cells.py", check_cells, '"_" in text or not text.isascii()', "not text.isascii()", id="underscores"),
    pytest.param("files/cells.py", check_cells, '"_" in text or not text.isascii()', '"_" in text', id="other_digits"),
    pytest.param("files/cells.py", check_cells, "int(text) != int(value)", "False", id="ids"),
    pytest.param("files/cells.py", check_cells, "if text.lower() in tokens", "if text in tokens", id="case_of_tokens"),
    pytest.param("files/cells.py", check_cells, "return any(is_number(token)", "return all(is_number(token)", id="numeric_tokens"),
    pytest.param("target.py", check_target, "sorted(labels, key=float) if numeric", "sorted(labels) if numeric", id="order_by_value"),
    pytest.param("target.py", check_target, "if label != positive] + [positive]", "if label != positive][:0] + list(order)", id="positive_last"),
    pytest.param("target.py", check_target, "float(pair[0]) == float(pair[1])", "pair[0] == pair[1]", id="spelled_twice"),
    pytest.param("target.py", check_target, 'return "two are needed to tell them apart"', 'return ""', id="one_class"),
    pytest.param("row_ranks.py", check_ranks, "np.arange(start + 1, stop + 1", "np.arange(start, stop", id="ranks_from_one"),
    pytest.param("row_ranks.py", check_ranks, "return mix(", "return (", id="splitmix"),
    pytest.param("row_ranks.py", check_ranks, "np.flatnonzero(given < self.below)", "np.flatnonzero(given > self.below)", id="lowest_not_highest"),
    pytest.param("row_ranks.py", check_ranks, "self.parts[0][0].max()", "self.parts[0][0].min()", id="the_bound"),
    pytest.param("row_ranks.py", check_ranks, 'order = np.argsort(found[1], kind="stable")', "order = np.argsort(found[0])", id="order_of_rows"),
    pytest.param("row_ranks.py", check_ranks, "if self.held > 2 * self.most", "if self.held > 2 * self.held", id="bounded"),
    pytest.param("files/zstd_frames.py", check_frames, "or file.tell() > size", "", id="beyond_the_end"),
    pytest.param("files/zstd_frames.py", check_frames, "1 if kind == RLE else", "", id="run_length"),
    pytest.param("files/zstd_frames.py", check_frames, "4 if flags & 4 else 0", "0", id="checksum"),
    pytest.param("files/zstd_frames.py", check_frames, "(not single) + ", "", id="window"),
    pytest.param("files/zstd_frames.py", check_frames, "CONTENT[content] or int(single)", "CONTENT[content]", id="one_byte_of_content"),
    pytest.param("files/zstd_frames.py", check_frames, "if kind == RESERVED", "if kind == 5", id="reserved"),
    pytest.param("files/zstd_frames.py", check_frames, "return frames > 0", "return True", id="nothing_at_all"),
]  # fmt: skip


def run(file, source):
    module = types.ModuleType("mutant")
    module.__dict__["__name__"] = "steepest.data.mutant"
    sys.modules["steepest.data.mutant"] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
        return module
    finally:
        del sys.modules["steepest.data.mutant"]


@pytest.mark.parametrize(("file", "check", "old", "new"), MUTANTS)
def test_mutant_is_caught(file, check, old, new):
    source = (SOURCE / file).read_text(encoding="utf-8")
    assert source.count(old) == 1
    check(run(file, source))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(run(file, source.replace(old, new)))
