"""Random headers: each is names, all different and none empty, or one error in one line.

With STEEPEST_THOROUGH=1 there are a million of them.
"""

from __future__ import annotations

import io
import os
import random

from steepest.data.csv_rows import CsvRows
from steepest.errors import DataError

INPUTS = 1_000_000 if os.environ.get("STEEPEST_THOROUGH") else 5_000
PIECES = (
    b",",
    b'"', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"a", b"b", b" ", b"\t", b";", b"1", b"\xc3\xa9",
    b'""', b"\xff\xfe", b"PK\x03\x04", b"name", b"\x1b[31m", b"\xe2\x80\xae", b"'", b"\\", b"=", b"\x85", b"\x0b",
)  # fmt: skip


def test_random_headers() -> None:
    chance, read, refused = random.Random(11), 0, 0
    for _ in range(INPUTS):
        raw = b"".join(chance.choices(PIECES, k=chance.randint(0, 12)))
        try:
            rows = CsvRows(io.BytesIO(raw), "t.csv")
            assert all(rows.names)
            assert len(set(rows.names)) == len(rows.names)
            assert all(note.isprintable() for note in rows.notes)
            for line, row in rows:
                assert line >= 1
                assert len(row) == len(rows.names)
        except DataError as error:
            said = str(error)
        else:
            read += 1
            continue
        assert said.isprintable()
        assert said.startswith("t.csv")
        refused += 1
    assert read > INPUTS // 50
    assert refused > INPUTS // 2
