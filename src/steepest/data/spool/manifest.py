"""What a spool holds, as one JSON file that is written last: a folder without it is rubbish, with it it is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.files.source import Source
from steepest.data.spool.columns import Column
from steepest.data.whole_file import whole_file

__all__ = ["KEPT", "MANIFEST", "key_of", "read_manifest", "write_manifest"]

VERSION = 2
MANIFEST = "manifest.json"
KEPT = "kept"


def key_of(source: Source, numbers: Sequence[str], texts: Mapping[str, Iterable[str]], target: str | None) -> str:
    """The name of the spool of these columns of these inputs: other files, or files that changed, have another."""
    asked = {
        "version": VERSION,
        "inputs": [[one.path, [*asdict(one.stamp).values()], one.partition] for one in source.inputs],
        "tokens": sorted(source.tokens),
        "target": target,
        "numbers": list(numbers),
        "texts": {name: list(levels) for name, levels in texts.items()},
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]


def write_manifest(folder: Path, m: int, columns: Sequence[Column], kept: int) -> None:
    """Whole or not at all; `kept` rows are there twice."""
    document = {"version": VERSION, "m": m, "kept": kept, "columns": [asdict(column) for column in columns]}
    with whole_file(folder / MANIFEST) as file:
        json.dump(document, file)


def read_manifest(folder: Path) -> tuple[int, tuple[Column, ...], NDArray[np.int64]] | None:
    """Rows, columns, and the numbers of the rows kept; None if there is no whole spool of this version."""
    try:
        with open(folder / MANIFEST, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        if found["version"] != VERSION:
            return None
        columns = tuple(
            Column(**{**each, "levels": None if each["levels"] is None else tuple(each["levels"]),
                      "counts": tuple(each["counts"])})
            for each in found["columns"]
        )  # fmt: skip
        kept = np.fromfile(folder / KEPT, dtype=np.int64)
        return (int(found["m"]), columns, kept) if len(kept) == found["kept"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
