"""Model files from hell: whatever the bytes, the reader answers with a model or with one sentence.

Half of the inputs are damaged as files are (bytes changed, cut, doubled), half as an enemy would do it: any field is
replaced by something else, and the hash is made right again, so that everything behind it has to hold as well.
`STEEPEST_THOROUGH=1` tries 1,000,000 of them, and every bit of a whole model of each kind.
"""

from __future__ import annotations

import os
import pickle
import random
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from random_models import random_model

from steepest.data.model_file import _hash, _text, parse, render
from steepest.errors import DataError
from steepest.model import Model, read
from steepest.portable.parity import make_parity

THOROUGH = bool(os.environ.get("STEEPEST_THOROUGH"))
INPUTS = 1_000_000 if THOROUGH else 3_000
PART = 1_000
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 2**53, 2**64, 10**400, 0.0, -0.0, 0.5, 1e308, 5e-324, -1e152, 1e200,
    "", "a", "x\n", "\0", "[", "\u202e", "é", "proved", "number", "category", "missing", "0" * 64,
    [], [[]], [None], [0.0], [1.0, 2.0], ["a"], ["a", "b"], [[1.0, 2.0]], [[0.0, 1.0], None], {}, {"a": 1},
]  # fmt: skip


def small(seed: int) -> Model:
    """A model of few columns with few parity rows: small files are fuzzed faster, and not less."""
    model = random_model(seed, names=["a", "é", "c"])
    parity = make_parity(model.scorer)
    first = {name: list(getattr(parity, name))[:4] for name in type(parity).__slots__}
    return replace(model, parity=type(parity)(**first))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something may be replaced: every field and every entry of a document."""
    found = [path] if path else []
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found += places(value[key], (*path, key))
    return found


def tampered(pickled: bytes, where: list[tuple[Any, ...]], rng: random.Random) -> bytes:
    """One to three things replaced, removed, doubled or swapped, and a hash that is right."""
    document = pickle.loads(pickled)  # a copy; of deepcopy it would take ten times as long
    for _ in range(rng.choice([1, 1, 2, 3])):
        try:
            change(document, rng.choice(where), rng.choice(where), rng)
        except (LookupError, TypeError, AttributeError):
            continue  # the first change took away what the second is about
    try:
        return _text({"format_version": 2} | document | {"sha256": _hash(document)}).encode()
    except (ValueError, TypeError):
        return b""


def change(document: dict[str, Any], path: tuple[Any, ...], other: tuple[Any, ...], rng: random.Random) -> None:
    *parents, last = path
    inside = at(document, parents)
    what = rng.random()
    if what < 0.6:
        inside[last] = pickle.loads(pickle.dumps(rng.choice(JUNK)))
    elif what < 0.75:
        del inside[last]
    elif what < 0.9:
        inside[last] = pickle.loads(pickle.dumps(at(document, other)))
    elif isinstance(inside, list):
        inside.append(pickle.loads(pickle.dumps(inside[last])))
    else:
        inside[rng.choice(["x", "w", "b", "columns"])] = pickle.loads(pickle.dumps(inside[last]))


def at(document: Any, path: Sequence[Any]) -> Any:
    for key in path:
        document = document[key]
    return document


def damaged(raw: bytes, rng: random.Random) -> bytes:
    """Bytes changed, cut out, put in, doubled, or the end lost."""
    changed = bytearray(raw)
    for _ in range(rng.choice([1, 1, 2, 5])):
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + rng.choice([0, 1, 1, 2, 8, 64]))
        put = rng.choice(
            [b"", rng.randbytes(1), rng.randbytes(4), bytes(changed[start:end]) * 2, b"9" * 50, b"[", b'"', b"\\", b"}"]
        )
        changed[start:end] = put
        if rng.random() < 0.1:
            del changed[rng.randrange(len(changed) + 1) :]
    return bytes(changed)


def outcome(raw: bytes) -> str:
    """What came of it; an exception that is no DataError goes through."""
    try:
        model = read(raw)
    except DataError as error:
        text = str(error)
        assert text.isprintable()
        assert len(text) < 1500
        return "refused"
    columns = [np.zeros(1) if column.kind == "number" else None for column in model.schema.columns]
    if all(column is not None for column in columns):
        model.predictions(np.zeros((1, len(columns))))
    assert parse(render(model._document()).encode()) == model._document()
    return "read"


@pytest.mark.parametrize("part", range(INPUTS // PART))
def test_whatever_the_bytes(part: int) -> None:
    rng = random.Random(part)
    model = small(part % 40)
    document = model._document()
    raw, pickled, where = render(document).encode(), pickle.dumps(document), places(document)
    seen: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(PART):
            given = tampered(pickled, where, rng) if k % 2 else damaged(raw, rng)
            result = outcome(given)
            seen[result] += 1
            if not k % 2 and given != raw:
                assert result == "refused"
    assert seen["refused"] > PART // 2
    assert sum(seen.values()) == PART


@pytest.mark.skipif(not THOROUGH, reason="STEEPEST_THOROUGH=1 tries every bit of ten whole models, some minutes")
@pytest.mark.parametrize("seed", range(10))
def test_every_bit_of_a_whole_model(seed: int) -> None:
    raw = render(random_model(seed)._document()).encode()
    for place in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[place] ^= 1 << bit
            with pytest.raises(DataError):
                parse(bytes(changed))
