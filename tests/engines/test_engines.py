"""The engine in memory: the kit at several block sizes and thread counts, and its fixed tree."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from steepest.conformance import check_engine
from steepest.engines import MemoryEngine
from steepest.engines.memory import usable_cores
from steepest.engines.reduction import tree_sum
from steepest.kernels import KERNELS


@pytest.mark.parametrize("leaf_bytes", [1, 4096, 1 << 16, 1 << 21])
def test_conforms(leaf_bytes):
    one, two, three = (partial(MemoryEngine, threads=k, leaf_bytes=leaf_bytes) for k in (1, 2, 3))
    check_engine(one, two, three, rows=30_000)


def test_conforms_by_default():
    check_engine(MemoryEngine, partial(MemoryEngine, threads=1))


def test_kernel_sums_have_the_same_bits_on_1_2_3_5_threads(rng):
    X, y = rng.standard_normal((9000, 7)), rng.random(9000)
    w, kernel = rng.standard_normal(7), KERNELS["vectorised"].sums
    seen = []
    for threads in (1, 2, 3, 5, 2):
        engine = MemoryEngine(X, y, threads=threads, leaf_bytes=1 << 13)
        with engine.quiet_blas():
            total = engine.sum(lambda block: kernel(block, w, 0.1, 2))
        seen.append((total.loss, total.db, total.ddb, total.dw.tobytes(), total.ddw.tobytes(), total.dwdb.tobytes()))
    assert len(set(seen)) == 1


@pytest.mark.parametrize("widen", [True, False])
def test_any_block_size_gives_the_same_bits(rng, widen):
    X, y = rng.standard_normal((9000, 7)), rng.random(9000)
    w, kernel, seen, tasks = rng.standard_normal(7), KERNELS["vectorised"].sums, [], set()
    for block_bytes in (None, 0, 1, 50_000, 1 << 16, 123_456, 1 << 30):
        engine = MemoryEngine(X, y, threads=2, block_bytes=block_bytes, leaf_bytes=1 << 13)
        with engine.quiet_blas():
            total = engine.sum(lambda block: kernel(block, w, 0.1, 2), widen=widen)
        seen.append((total.loss, total.db, total.ddb, total.dw.tobytes(), total.ddw.tobytes(), total.dwdb.tobytes()))
        tasks.add(engine._group)
    assert len(set(seen)) == 1
    assert len(tasks) > 3


def test_threads_are_at_least_one_and_at_most_the_cores_by_default():
    X = np.ones((2, 1))
    assert MemoryEngine(X, np.zeros(2)).threads == usable_cores() >= 1
    assert MemoryEngine(X, np.zeros(2), threads=0).threads == 1


def test_floats_are_sliced_not_copied():
    X = np.ones((5000, 4))
    engine = MemoryEngine(X, np.zeros(5000), leaf_bytes=1 << 14)
    assert all(np.shares_memory(block.X, X) for block in engine.blocks(0, 5000))


@dataclass(frozen=True)
class Tree:
    text: str

    def __add__(self, other):
        return Tree(f"({self.text}{other.text})")


def test_tree_is_that_of_a_binary_counter():
    assert tree_sum(map(Tree, "a")).text == "a"
    assert tree_sum(map(Tree, "abcd")).text == "((ab)(cd))"
    assert tree_sum(map(Tree, "abcdefg")).text == "(((ab)(cd))((ef)g))"


def test_groups_of_a_power_of_two_are_subtrees():
    parts = [Tree(letter) for letter in "abcdefghijklmnopqrstu"]
    for size in (1, 2, 4, 8, 16, 32):
        groups = [tree_sum(parts[i : i + size]) for i in range(0, len(parts), size)]
        assert tree_sum(groups) == tree_sum(parts)
    assert tree_sum(tree_sum(parts[i : i + 3]) for i in range(0, 21, 3)) != tree_sum(parts)


def test_nothing_to_add_is_an_error():
    with pytest.raises(ValueError, match="not one block"):
        tree_sum([])


def dropping(X, y, weight):
    engine = MemoryEngine(X, y, weight, leaf_bytes=4096)
    blocks = engine.blocks
    engine.blocks = lambda start, stop, widen=True: (
        list(blocks(start, stop, widen))[: 1 if stop - start < 200 else None][:-1] or blocks(start, stop, widen)
    )
    return engine


def backwards(X, y, weight):
    engine = MemoryEngine(X, y, weight, threads=1, leaf_bytes=4096)
    blocks = engine.blocks
    engine.blocks = lambda start, stop, widen=True: reversed(list(blocks(start, stop, widen)))
    return engine


@pytest.mark.parametrize(("broken", "says"), [(dropping, "gap|rows of a table"), (backwards, "out of order")])
def test_kit_catches_lost_and_disordered_blocks(broken, says):
    with pytest.raises(AssertionError, match=says):
        check_engine(broken)


def test_kit_catches_a_twin_that_groups_differently():
    with pytest.raises(AssertionError, match="bitwise"):
        check_engine(partial(MemoryEngine, leaf_bytes=4096), partial(MemoryEngine, leaf_bytes=8192))


@pytest.mark.parametrize(("n", "together"), [(400, 4), (50, 1)])
def test_few_blocks_are_taken_together_and_every_thread_gets_some(n, together):
    """Where X keeps its dtype; a second constant of the same name once made them 512, and one thread did it all."""
    engine = MemoryEngine(np.zeros((40_000, n)), np.zeros(40_000), threads=2)
    sizes = [len(block.y) for block in engine.blocks(0, engine.m, widen=False)]
    assert max(sizes) == engine.most_rows == together * engine.rows
    assert len(range(0, engine.m, engine._group)) >= 8 or together == 1
