"""What all tests share: the folder of real data, and random tables of the usual kind."""

import csv
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
collect_ignore = ["conformance"]  # programs and a plugin that tests run in processes of their own


class SharedData:
    """The published data sets and their expected numbers; they live beside the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def expected(self, name: str) -> Any:
        return json.loads((self.folder / name / "expected.json").read_text())

    @functools.cache  # noqa: B019 - one object per session
    def cat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        h5py = pytest.importorskip("h5py")
        parts = []
        for which in ("train", "test"):
            with h5py.File(self.folder / "cat" / f"{which}_catvnoncat.h5") as file:
                images = file[f"{which}_set_x"][:]
                parts += [images.reshape(len(images), -1) / 255.0, file[f"{which}_set_y"][:]]
        return tuple(parts)

    def rows(self, path: str) -> list[dict[str, str]]:
        with (self.folder / path).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def columns(self, path: str, *names: str) -> np.ndarray:
        return np.array([[float(row[name]) for name in names] for row in self.rows(path)])


@pytest.fixture(scope="session")
def shared_data() -> SharedData:
    """The folder `shared/data` beside the repository; without it the tests on real data are skipped, by name."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"published data not found at {folder}: tests on real data are left out")
    return SharedData(folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


@pytest.fixture
def table(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sixty rows of three columns whose classes overlap."""
    X = rng.standard_normal((60, 3))
    y = (X @ [1.0, -0.5, 0.0] + rng.logistic(size=60) > 0.0).astype(np.float64)
    return X, y
