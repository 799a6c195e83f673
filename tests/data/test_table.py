"""Tables from files: which columns, which class, weights, blocks; and what is said of files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest.data.table import Columns, read_bundled, read_names, read_rows, read_table
from steepest.errors import DataError


def written(folder: Path, text: str) -> Path:
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_bundled_table() -> None:
    table = read_bundled(Columns("sex"))
    assert table.X.shape == (333, 4)
    assert table.target.classes == ("female", "male")
    assert table.target.counts == (165, 168)
    assert table.target.y.sum() == 168
    assert table.X[0].tolist() == [39.1, 18.7, 181.0, 3750.0]


def test_columns_chosen_dropped_and_weights(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b,c,w,y\n1,2,3,0.5,no\n4,5,6,2,yes\n")
    assert read_table(file, Columns("y")).names == ("a", "b", "c", "w")
    assert read_table(file, Columns("y", drop=("b", "w"))).names == ("a", "c")
    table = read_table(file, Columns("y", features=("c", "a"), weights="w"))
    assert table.names == ("c", "a")
    assert table.X.tolist() == [[3.0, 1.0], [6.0, 4.0]]
    assert table.weights is not None
    assert table.weights.tolist() == [0.5, 2.0]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (Columns("Y"), "has no column 'Y': did you mean 'y'"),
        (Columns("zzz"), "there are 'alpha', 'w', 'y'"),
        (Columns("y", features=("alhpa",)), "did you mean 'alpha'"),
        (Columns("y", drop=("aplha",)), "did you mean 'alpha'"),
        (Columns("y", weights="W"), "did you mean 'w'"),
        (Columns("y", features=("y",)), "neither a feature nor dropped"),
        (Columns("y", drop=("y",)), "neither a feature nor dropped"),
        (Columns("y", weights="y"), "both the target and the row weights"),
        (Columns("y", drop=("alpha", "w")), "no column is left"),
    ],
)
def test_wrong_columns(tmp_path: Path, columns: Columns, says: str) -> None:
    file = written(tmp_path, "alpha,w,y\n1,1,no\n4,2,yes\n")
    with pytest.raises(DataError, match=says):
        read_table(file, columns)


@pytest.mark.parametrize(
    ("weights", "says"), [("1,-2", "row 2 of the data: the weight -2"), ("0,1", "weight 0 to every row of class 'no'")]
)
def test_wrong_weights(tmp_path: Path, weights: str, says: str) -> None:
    first, second = weights.split(",")
    file = written(tmp_path, f"a,w,y\n1,{first},no\n4,{second},yes\n")
    with pytest.raises(DataError, match=says):
        read_table(file, Columns("y", weights="w"))


def test_the_positive_class(tmp_path: Path) -> None:
    file = written(tmp_path, "a,y\n1,9\n2,10\n3,10\n")
    assert read_table(file, Columns("y")).target.classes == ("9", "10")  # by value, not as text
    flipped = read_table(file, Columns("y"), positive="9").target
    assert flipped.classes == ("10", "9")
    assert flipped.y.tolist() == [1.0, 0.0, 0.0]
    with pytest.raises(DataError, match="has no label '11'"):
        read_table(file, Columns("y"), positive="11")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, says in [
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "is a directory"),
        ("a\0b", "no possible name"),
        (tmp_path / ("n" * 300), "too long"),
    ]:
        with pytest.raises(DataError, match=says):
            read_names(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    file = written(tmp_path, "a,y\n1,2\n")
    file.chmod(0)
    with pytest.raises(DataError, match="no permission"):
        read_names(file)


def test_blocks_are_the_table_in_the_order_asked_for(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(10_000, 3))
    rows = "\n".join(",".join(map(repr, row)) for row in numbers.tolist())
    file = written(tmp_path, f"a,b,c\n{rows}\n")
    blocks = list(read_rows(file, ("c", "a")))
    assert len(blocks) > 1
    assert np.array_equal(np.concatenate(blocks), numbers[:, [2, 0]])


def test_an_empty_line_of_a_single_column_is_not_skipped(tmp_path: Path) -> None:
    file = written(tmp_path, "a\n1\n\n2\n")
    with pytest.raises(DataError, match="line 3: the line is empty"):
        list(read_rows(file, ("a",)))
    assert np.concatenate(list(read_rows(written(tmp_path, "a\n1\n2\n\n"), ("a",)))).tolist() == [[1.0], [2.0]]


def test_progress_is_told(tmp_path: Path) -> None:
    file = written(tmp_path, "a,y\n" + "1,0\n2,1\n" * 5000)
    seen: list[int] = []
    read_table(file, Columns("y"), on_rows=seen.append)
    assert seen == [4096, 8192]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(-1e152, 1e152), min_size=2, max_size=20))
def test_every_float_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    file = tmp_path_factory.mktemp("t") / "t.csv"
    file.write_text("a\n" + "".join(f"{value!r}\n" for value in values))
    assert np.concatenate(list(read_rows(file, ("a",)))).tobytes() == np.array(values)[:, None].tobytes()
