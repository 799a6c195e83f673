"""K classes: the matrix products against the loop, against their own derivatives, and against mutants of themselves."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest

import steepest
from steepest.engines import MemoryEngine
from steepest.kernels import softmax, softmax_loop, vectorised
from steepest.kernels.softmax_sums import ClassProduct, ClassSums
from steepest.scaling import Scaling
from steepest.softmax_objective import SoftmaxObjective, contrasts
from steepest.types import Along, Block, Evaluate, HessianTimes

K, N = 4, 3


def block_of(seed=0, m=40, weights=True, far=1.0):
    rng = np.random.default_rng(seed)
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], m) if weights else None
    return Block(rng.standard_normal((m, N)) * far, rng.integers(0, K, m).astype(float), weight)


def at(seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, K)), rng.standard_normal(K), rng.standard_normal((N, K)), rng.standard_normal(K)


def same(got, truth, rtol=2e-13):
    for name in type(truth).__slots__:
        left, right = getattr(got, name), getattr(truth, name)
        if right is None:
            assert left is None, name
        else:
            np.testing.assert_allclose(left, right, rtol=rtol, atol=1e-13 * np.abs(right).max(initial=0), err_msg=name)


def check(module):
    """The whole verdict on a kernel; mutants must fail it."""
    steps = np.array([0.0, 0.5, -1.0])
    w, b, v, c = at()
    for weights in (True, False):
        for far, m in ((1.0, 40), (1.0, 1100), (30.0, 40)):
            block = block_of(weights=weights, far=far, m=m if not weights else 40)
            for order in (0, 1, 2):
                same(module.sums(block, w, b, order), softmax_loop.sums(block, w, b, order))
            same(module.hessian_times(block, w, b, v, c), softmax_loop.hessian_times(block, w, b, v, c), 1e-11)
            np.testing.assert_allclose(
                module.along(block, w, b, v, c, steps), softmax_loop.along(block, w, b, v, c, steps), rtol=1e-12
            )
    tie = Block(np.zeros((2, N)), np.array([0.0, 1.0]))
    assert module.sums(tie, w, np.zeros(K), 0).errors == 2
    sure = module.sums(Block(np.zeros((1, N)), np.zeros(1)), w, np.array([40.0, 0.0, 0.0, 0.0]), 1)
    np.testing.assert_allclose([sure.loss, -sure.db[0]], 3.0 * np.exp(-40.0), rtol=1e-14)


def test_vectorised_is_the_loop():
    check(softmax)


@pytest.mark.parametrize("module", [softmax, softmax_loop], ids=["softmax", "loop"])
def test_slopes_are_slopes(module):
    block, h = block_of(), 1e-5
    w, b, v, c = at()
    objective = SoftmaxObjective(
        MemoryEngine(block.X, block.y, block.weight), K, np.array([0.1, 0.2, 0.0]),
        Scaling(np.array([0.3, 0.0, -1.0]), np.array([2.0, 0.5, 1.0])), module,
    )  # fmt: skip
    theta, way = objective.theta(w, b), objective.theta(v, c)
    point = objective.answer(Evaluate(theta, 2))
    ends = [objective.answer(Evaluate(theta + t * way, 1)) for t in (h, -h)]
    np.testing.assert_allclose((ends[0].value - ends[1].value) / (2 * h), point.gradient @ way, rtol=1e-8)
    np.testing.assert_allclose((ends[0].gradient - ends[1].gradient) / (2 * h), point.hessian @ way, atol=1e-8)
    np.testing.assert_allclose(objective.answer(HessianTimes(theta, way)), point.hessian @ way, atol=1e-12)
    np.testing.assert_allclose(objective.answer(Along(theta, way, (h, -h))), [each.value for each in ends], rtol=1e-12)
    np.testing.assert_allclose(point.hessian, point.hessian.T, atol=0)
    back = objective.weights(theta)
    np.testing.assert_allclose(back[0], w - w.mean(axis=1, keepdims=True), atol=1e-14)
    probabilities = [np.exp(block.X @ a + d) for a, d in ((w, b), back)]
    shares = [each / each.sum(axis=1, keepdims=True) for each in probabilities]
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-12)
    np.testing.assert_allclose(objective.theta(*back), theta, atol=1e-14)


def test_contrasts_are_orthonormal_and_add_up_to_zero():
    for classes in (2, 3, 10):
        Q = contrasts(classes)
        np.testing.assert_allclose(Q.T @ Q, np.eye(classes - 1), atol=4e-16)
        np.testing.assert_allclose(Q.sum(axis=0), 0.0, atol=4e-16)


def test_two_classes_are_the_binary_kernel(rng):
    X, y = rng.standard_normal((50, 3)), rng.integers(0, 2, 50).astype(float)
    w = rng.standard_normal(3)
    binary = vectorised.sums(Block(X, y), w, 0.3, 2)
    pair = softmax.sums(Block(X, y), np.column_stack([np.zeros(3), w]), np.array([0.0, 0.3]), 2)
    np.testing.assert_allclose(pair.loss, binary.loss, rtol=1e-13)
    np.testing.assert_allclose(pair.dw[:, 1], binary.dw, rtol=1e-12)
    np.testing.assert_allclose(pair.pairs[0, :3, :3], binary.ddw, rtol=1e-12)
    assert pair.errors == binary.errors


def test_same_bits_on_any_number_of_threads(rng):
    X, y = rng.standard_normal((5000, 7)), rng.integers(0, 5, 5000)
    w, b = rng.standard_normal((7, 5)), rng.standard_normal(5)
    seen = set()
    for threads in (1, 2, 3):
        engine = MemoryEngine(X, y, threads=threads, leaf_bytes=1 << 13)
        with engine.quiet_blas():
            total = engine.sum(lambda block: softmax.sums(block, w, b, 2))
        seen.add((total.loss, total.dw.tobytes(), total.db.tobytes(), total.pairs.tobytes()))
    assert len(seen) == 1


def test_sums_add():
    block = block_of()
    w, b, _, _ = at()
    parts = [Block(block.X[p], block.y[p], block.weight[p]) for p in (slice(0, 13), slice(13, 13), slice(13, 40))]
    total = sum((softmax.sums(part, w, b, 2) for part in parts[1:]), softmax.sums(parts[0], w, b, 2))
    same(total, softmax.sums(block, w, b, 2))
    assert isinstance(total, ClassSums)
    assert isinstance(softmax.hessian_times(block, w, b, w, b), ClassProduct)


MUTANTS = [
    ("kernels/softmax.py", "e[which, rows] = -others * inverse", "e[which, rows] = others * inverse"),
    ("kernels/softmax.py", "e[which, rows] = -others * inverse", "e[which, rows] = own * inverse - 1.0"),
    ("kernels/softmax.py", "top + np.log(total), np.log1p(others)", "np.log(total), np.log1p(others)"),
    ("kernels/softmax.py", "np.log1p(others))", "np.log(total))"),
    ("kernels/softmax.py", "wrong = top >= 0.0", "wrong = top > 0.0"),
    ("kernels/softmax.py", "total = others + own", "total = others + 1.0"),
    ("kernels/softmax.py", "dZ = D if s is None else D * s", "dZ = D"),
    ("kernels/softmax.py", "    D[which, np.arange(len(which))] = own\n", ""),
    ("kernels/softmax.py", "            left = left * s[:, None]", "            left = left * np.sqrt(s)[:, None]"),
    ("kernels/softmax.py", "right[:, (k + 1) * columns :]", "right[:, : (K - 1 - k) * columns]"),
    ("kernels/softmax.py", "    U -= (A * U).sum(axis=0)\n", ""),
    ("kernels/softmax.py", "    A /= A.sum(axis=0)\n", ""),
    ("kernels/softmax.py", "        U *= block.weight\n", "        pass\n"),
    ("kernels/softmax.py", "    Z += b[:, None]\n", ""),
    ("kernels/softmax.py", "slopes(Z + step * D, which)", "slopes(Z - step * D, which)"),
    ("kernels/softmax.py", "for i in range(RUN, m, RUN):", "for i in range(RUN, m - RUN, RUN):"),
    ("kernels/softmax.py", "int(np.count_nonzero(wrong & (s > 0.0)))", "int(np.count_nonzero(wrong))"),
]


@pytest.mark.parametrize(("path", "old", "new"), MUTANTS)
def test_mutant_is_caught(path, old, new):
    source = (Path(steepest.__file__).parent / path).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} stands in {path} {source.count(old)} times: rewrite this mutant"
    module = types.ModuleType("mutant_of_softmax")
    sys.modules[module.__name__] = module
    try:
        exec(compile(source.replace(old, new), path, "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    with np.errstate(all="ignore"), pytest.raises((AssertionError, ValueError)):
        check(module)
