"""A fit from a spool: the same bits as from memory, one read of the files, and a clear word when the disk says no."""

import os
from pathlib import Path

import numpy as np
import pytest
from spooled_tables import POLICIES, frame, written

import steepest
from steepest.data import mixed_table, row_ranks
from steepest.data.files import open_source
from steepest.data.spool import columns as spool_columns
from steepest.data.spool.columns import SpoolColumn, narrowed
from steepest.data.spool.writing import Place, spool

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


@pytest.fixture
def small(monkeypatch):
    """Codes and many chunks also where tables are small."""
    monkeypatch.setattr(mixed_table, "WORTH", 1)
    monkeypatch.setattr("steepest.engines.mixed.LEAST", 1 << 10)


def same_bits(one, other):
    assert one.w.tobytes() == other.w.tobytes()
    assert (one.b, one.value, one.certificate, one.passes) == (other.b, other.value, other.certificate, other.passes)
    assert one.status is other.status


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_same_bits_as_in_memory(tmp_path, small, form, weighted, l2):
    table = frame()
    path = written(tmp_path, table, form)
    drop = ["y"] if weighted else ["y", "s"]
    weight = "s" if weighted else None
    exclude = () if weighted else ("s",)
    schema = steepest.schema(table.drop(columns=["y", "s"]), missing=POLICIES["missing"])
    given = {"sample_weight": weight, "schema": schema, "l2": l2}
    spooled = steepest.fit(path, "y", spool=tmp_path / "spool", **given)
    assert spooled.certificate.gap <= 1e-9
    same_bits(spooled, steepest.fit(path, "y", **given))
    same_bits(spooled, steepest.fit(table.drop(columns=[] if weighted else ["s"]), "y", **given))
    again = steepest.fit(path, "y", spool=tmp_path / "spool", threads=1, **given)
    same_bits(spooled, again)
    assert len(list((tmp_path / "spool").iterdir())) == 1, (drop, exclude)


@pytest.mark.parametrize("m", [900, 30_000, 120_000])
def test_same_bits_of_numbers_alone(tmp_path, m):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((m, 12)).astype(np.float32).astype(float)
    y = rng.random(m) < 1.0 / (1.0 + np.exp(-X[:, 0]))
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(12)]).assign(y=y.astype(int))
    path = written(tmp_path, table)
    same_bits(steepest.fit(path, "y", spool=tmp_path / "spool"), steepest.fit(path, "y"))


def test_the_schema_is_that_of_the_rows_in_memory(tmp_path, small):
    path = written(tmp_path, frame(missing=False).drop(columns="s"))
    spooled, held = steepest.fit(path, "y", spool=tmp_path / "spool"), steepest.fit(path, "y")
    assert spooled.schema == held.schema
    assert spooled.notes == held.notes
    same_bits(spooled, held)


@pytest.mark.parametrize("values", [
    np.array([0.5, np.nan, -0.0, 3e38]), np.array([0.1, 1e300]), np.array([-1, 127]), np.array([-1, 128]),
    np.array([-1, 40_000]), np.array([], dtype=float),
])  # fmt: skip
def test_narrowed_numbers_are_the_same_numbers(values):
    letter, narrow = narrowed(values)
    assert narrow.dtype.char == letter
    wide = narrow.astype(values.dtype)
    np.testing.assert_array_equal(wide, values)
    np.testing.assert_array_equal(np.signbit(wide), np.signbit(values))


def test_slices_and_lists_of_rows_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(spool_columns, "CHUNK", 100)
    monkeypatch.setattr("steepest.data.spool.writing.CHUNK", 100)
    table = frame(1234, missing=True)
    path = written(tmp_path, table)
    found = spool(open_source(path), ["age", "share"], {"town": ()}, Place(tmp_path / "spool"))
    rng = np.random.default_rng(0)
    for name in ("age", "share"):
        column = found.columns[name]
        assert (len(column), column.shape) == (1234, (1234,))
        whole = table[name].to_numpy()
        np.testing.assert_array_equal(column[:], whole)
        for _ in range(30):
            start, stop = sorted(rng.integers(0, 1235, 2).tolist())
            np.testing.assert_array_equal(column[start:stop], whole[start:stop])
        index = rng.integers(0, 1234, 300)
        np.testing.assert_array_equal(column[index], whole[index])
    town = found.columns["town"]
    np.testing.assert_array_equal(np.array(town.column.levels)[town[:]], table["town"])


def test_a_spool_is_found_again_and_belongs_to_its_files(tmp_path, small):
    path = written(tmp_path, frame(2000).drop(columns="s"))
    source = open_source(path)
    first = spool(source, ["share"], {"town": ()}, Place(tmp_path / "spool"))
    assert first.decoded
    assert not spool(open_source(path), ["share"], {"town": ()}, Place(tmp_path / "spool")).decoded
    assert spool(open_source(path), ["share"], {}, Place(tmp_path / "spool")).decoded
    written(tmp_path, frame(2000, seed=1).drop(columns="s"))
    assert spool(open_source(path), ["share"], {"town": ()}, Place(tmp_path / "spool")).decoded


def test_too_little_disk_is_said_before_it_is_full(tmp_path):
    path = written(tmp_path, frame(3000).drop(columns="s"))
    place = Place(tmp_path / "spool", disk=1000)
    with pytest.raises(steepest.DataError, match="too few to spool"):
        spool(open_source(path), ["share", "size"], {}, place)
    assert not any((tmp_path / "spool").iterdir())


def test_a_spool_that_is_cut_short_is_decoded_again_or_refused(tmp_path):
    path = written(tmp_path, frame(3000).drop(columns="s"))
    found = spool(open_source(path), ["share"], {}, Place(tmp_path / "spool"))
    os.truncate(found.folder / found.columns["share"].column.file, 800)
    with pytest.raises(steepest.DataError, match="cut short"):
        found.columns["share"][:]
    assert spool(open_source(path), ["share"], {}, Place(tmp_path / "spool")).decoded


def test_files_that_change_while_they_are_read(tmp_path):
    path = written(tmp_path, frame(3000).drop(columns="s"))
    source = open_source(path)
    os.utime(path, (1, 1))
    with pytest.raises(steepest.DataError, match="while its rows were read"):
        spool(source, ["share"], {}, Place(tmp_path / "spool"))
    assert not any((tmp_path / "spool").iterdir())


def test_a_spool_of_what_is_no_file(tmp_path):
    with pytest.raises(steepest.DataError, match="a spool is for rows in files"):
        steepest.fit([[1.0], [2.0]], [0, 1], spool=tmp_path)


def test_columns_are_closed(tmp_path):
    path = written(tmp_path, frame(1000).drop(columns="s"))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    column: SpoolColumn | None = spool(open_source(path), ["share"], {}, Place(tmp_path / "spool")).columns["share"]
    assert column is not None
    column[:10]
    column = None
    if before:
        assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize("order", ["mixed", "sorted"])
def test_the_sample_is_put_together_while_rows_are_decoded(tmp_path, monkeypatch, order):
    """Lowest ranks of each class, whatever the classes are called, and in whatever order they come."""
    monkeypatch.setattr("steepest.data.spool.kept.MOST", 700)
    monkeypatch.setattr("steepest.data.spool.writing.CHUNK", 1000)
    monkeypatch.setattr(spool_columns, "CHUNK", 1000)
    table = frame(9000).drop(columns="s")
    table = table if order == "mixed" else table.sort_values("y", kind="stable", ignore_index=True)
    path = written(tmp_path, table)
    asked = open_source(path), ["share"], {"town": (), "y": ("-",)}
    found = spool(*asked, Place(tmp_path / "spool"), target="y").columns
    expected = [
        np.flatnonzero(table["y"] == label)[np.argsort(row_ranks.ranks(0, 9000)[table["y"] == label])[:700]]
        for label in ("yes", "no")
    ]
    rows = np.sort(np.concatenate(expected))
    np.testing.assert_array_equal(found["share"].kept, rows)
    with monkeypatch.context() as patch:
        patch.setattr(SpoolColumn, "_chunk", None)  # no chunk is touched
        np.testing.assert_array_equal(found["share"][rows], table["share"][rows])
        np.testing.assert_array_equal(np.array(found["town"].column.levels)[found["town"][rows[5:90]]],
                                      table["town"][rows[5:90]])  # fmt: skip
    others = np.append(rows, rows[-1] + 1)
    np.testing.assert_array_equal(found["share"][others], table["share"][others])


def test_no_sample_of_three_classes_or_without_a_target(tmp_path):
    path = written(tmp_path, frame(3000))
    for target in ("colour", None):
        found = spool(open_source(path), ["share"], {"colour": ()}, Place(tmp_path / "spool"), target=target)
        assert len(found.columns["share"].kept) == 0
        assert found.columns["share"][:].tolist() == frame(3000)["share"].tolist()


@pytest.mark.parametrize("weighted", [False, True])
def test_five_reads_the_certificate_among_them(tmp_path, monkeypatch, weighted):
    """One of the file, and of the spool what adds up to less than four, by bytes: the sample is none of them."""
    m = 400_000
    rng = np.random.default_rng(1)
    table = frame(m, missing=False).drop(columns=[] if weighted else "s")
    for k in range(20):
        table[f"c{k}"] = pd.Categorical.from_codes(rng.integers(0, 12, m), [f"v{j}" for j in range(12)])
    path, seen = written(tmp_path, table), {"bytes": 0, "files": 0}
    read, batches = spool_columns._File.read, type(open_source(path)).batches

    def counted(self, size, offset):
        seen["bytes"] += size
        return read(self, size, offset)

    def passes(self, *args, **kwargs):
        seen["files"] += kwargs.get("limit") is None
        return batches(self, *args, **kwargs)

    monkeypatch.setattr(spool_columns._File, "read", counted)
    monkeypatch.setattr(type(open_source(path)), "batches", passes)
    fit = steepest.fit(path, "y", spool=tmp_path / "spool", sample_weight="s" if weighted else None, l2=1e-6)
    whole = sum(file.stat().st_size for file in (tmp_path / "spool").glob("*/column-*"))
    assert fit.certificate.gap <= 1e-9
    assert (seen["files"], fit.passes) == (1, 3)
    assert seen["files"] + seen["bytes"] / whole <= 5.0
    assert seen["bytes"] / whole <= fit.passes + 0.5  # labels and weights, some more times; the sample once
