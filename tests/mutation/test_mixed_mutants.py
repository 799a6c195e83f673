# ruff: noqa: E501 - one mutant, one line
"""Mutants of sums over codes and of what is proved from them: each must be caught by the checks below.

As `test_mutants.py`; the machinery is `driver.py`.
A new one:      add a line to MUTANTS; its old text must occur exactly once in the module.
"""

from dataclasses import replace

import numpy as np
from mixed_tables import mixed_rows
from mutation.driver import checks_of

from steepest import formulas
from steepest.driver import Iterate
from steepest.engines.mixed import MixedEngine
from steepest.kernels import mixed, vectorised
from steepest.mixed_rows import MixedBlock
from steepest.optimum.mixed_objective import KERNEL, MixedObjective
from steepest.penalties import L2
from steepest.proof.mixed_apriori import MixedApriori
from steepest.proof.rounding import gamma
from steepest.scaling import Scaling
from steepest.types import Block, Evaluate

M = 6000  # more than a piece


def blocks():
    """Rows as codes and written out, weighted, with an offset and fractional targets."""
    rows, written, y = mixed_rows(M)
    rng = np.random.default_rng(1)
    s, o = rng.integers(0, 3, M) * rng.random(M), rng.standard_normal(M)
    y = np.where(rng.random(M) < 0.1, 0.5, y.astype(float))
    return rows, Block(MixedBlock(rows, 0, M), y, s, 0, o), Block(written, y, s, 0, o)


def check_module_of_codes(module):
    """Sums, products and looks are those of the rows written out."""
    rows, codes, dense = blocks()
    rng = np.random.default_rng(2)
    w, b, v = rng.standard_normal(rows.layout.n), 0.3, rng.standard_normal(rows.layout.n)
    seen, expected = module.sums(codes, w, b, 2), vectorised.sums(dense, w, b, 2)
    for name in ("weight", "loss", "errors", "dw", "db", "ddw", "dwdb", "ddb"):
        np.testing.assert_allclose(getattr(seen, name), getattr(expected, name), rtol=1e-10, atol=1e-9)
    product, other = module.hessian_times(codes, w, b, v, 0.2), vectorised.hessian_times(dense, w, b, v, 0.2)
    np.testing.assert_allclose([*product.dw, product.db], [*other.dw, other.db], rtol=1e-10, atol=1e-9)
    steps = np.array([0.5, -1.0])
    np.testing.assert_allclose(
        module.along(codes, w, b, v, 0.2, steps), vectorised.along(dense, w, b, v, 0.2, steps), rtol=1e-11
    )
    centre, inverse = np.full(rows.layout.p, 0.5), np.full(rows.layout.p, 0.25)
    look, numbers, used = module.look(codes, centre, inverse), dense.X[:, rows.layout.numbers], dense.weight > 0.0
    own = rows.layout.columns < rows.layout.n
    for row, part in enumerate((used, used & (dense.y == 1.0), used & (dense.y == 0.0), dense.weight)):
        np.testing.assert_allclose(look.counts[row][own], (part @ dense.X)[rows.layout.columns[own]])
    np.testing.assert_array_equal([look.low, look.high], [numbers.min(axis=0), numbers.max(axis=0)])
    np.testing.assert_allclose(look.longest, (((numbers - centre) * inverse) ** 2).sum(axis=1).max())
    X = dense.X[used]
    np.testing.assert_allclose(module.products(codes).whole(rows.layout)[0], X.T @ X, atol=1e-9)


def apriori_of(rows, dense, kind=MixedApriori):
    """What is known of the rows beforehand, by hand."""
    layout = rows.layout
    scale = np.ones(layout.n)
    scale[layout.numbers] = 4.0
    frame = Scaling(np.zeros(layout.n), scale)
    extent = np.abs(dense.X / scale).max(axis=0)
    length = np.sqrt(1.0 + ((dense.X / scale)[:, layout.numbers] ** 2).sum(axis=1).max())
    counts = mixed.look(
        Block(MixedBlock(rows, 0, M), dense.y, dense.weight), np.zeros(layout.p), np.ones(layout.p)
    ).counts
    strength, W = np.full(layout.n, 0.01), float(dense.weight.sum())
    far = float(np.abs(dense.offset).max())
    return kind(frame, extent, length, strength, W, 2000, None, far, 1.0, layout, counts[3], 4000)


def check_module_of_apriori(module):
    """Bounds are bounds: of z by its terms, of the gradient's mass, of leverages; and not much more than that."""
    rows, _, dense = blocks()
    layout, rng = rows.layout, np.random.default_rng(3)
    theta = rng.standard_normal(layout.n + 1)
    for far in (1e3, 0.0):
        seen = replace(dense, offset=far * dense.offset)
        apriori = apriori_of(rows, seen, module.MixedApriori)
        X = np.column_stack([dense.X / apriori.frame.scale, np.ones(M)])
        least = gamma(layout.terms + 10) * (np.abs(X) @ np.abs(theta) + np.abs(seen.offset)).max()
        assert least <= apriori.doubt(theta) <= 4.0 * least
    dense = seen
    frame = apriori.frame
    mass = (dense.weight @ np.abs(X)) / apriori.weight
    assert np.all(mass <= apriori.mass * (1.0 + 1e-15))
    assert apriori.mass[:-1][layout.columns[layout.columns < layout.n]].max() <= 1.0 + 1e-9
    objective = MixedObjective(
        MixedEngine(rows, dense.y, dense.weight, dense.offset), KERNEL, L2(apriori.strength), frame
    )
    hessian = objective.answer(Evaluate(theta / 10.0, 2)).hessian * apriori.weight
    ridge = np.diag(np.append(apriori.strength, 0.0)) * apriori.weight
    metric = apriori.metric(hessian - ridge, apriori.doubt(theta / 10.0))
    np.testing.assert_allclose(metric.matrix, hessian, atol=1e-9)
    assert metric.error >= gamma(4008)
    true = np.sqrt(np.einsum("ij,ij->i", X, np.linalg.solve(hessian, X.T).T)).max()
    assert true <= apriori.leverage(metric) <= 6.0 * true
    lengths = np.append(metric.lengths()[:-1], 0.0)[layout.columns]
    worst = [lengths[start:stop].max() for start, stop in zip(layout.base[:-1], layout.base[1:], strict=True)]
    numbers = metric.longest_in(np.append(layout.numbers, layout.n), apriori.length)
    np.testing.assert_allclose(apriori.leverage(metric), numbers + sum(worst), rtol=1e-5)


def check_module_of_separation(module):
    """Levels of one class, with and without a column, are found, point the right way, and name their rows."""
    rows, _, dense = blocks()
    slots = rows.take(np.arange(M)).slots
    layout = rows.layout
    for place, side in ((0, 1.0), (int(layout.base[-1]) - 1, 0.0)):  # an own level, and a reference level
        y = np.where((slots == place).any(axis=1), side, np.arange(M) % 2.0)
        engine = MixedEngine(rows, y)
        counts = mixed.look(Block(MixedBlock(rows, 0, M), y), np.zeros(layout.p), np.ones(layout.p)).counts
        witness = module.separated_levels(engine, counts, np.ones(layout.n, dtype=bool))
        z = dense.X @ witness.w + witness.b
        assert np.all((2.0 * y - 1.0) * z >= 0.0)
        assert np.flatnonzero(z)[:5].tolist() == list(witness.rows)
        assert np.count_nonzero(z) == witness.separated == np.count_nonzero((slots == place).any(axis=1))
        assert witness.kind == "quasi-complete"
        assert module.separated_levels(engine, counts, np.zeros(layout.n, dtype=bool)) is None


def check_module_of_reach(module):
    """C1 far from the optimum: no less than the true distance, and no more than twice as much where it is near."""
    rows, _, dense = blocks()
    apriori = apriori_of(rows, dense)
    engine = MixedEngine(rows, dense.y, dense.weight, dense.offset)
    objective = MixedObjective(engine, KERNEL, L2(apriori.strength), apriori.frame)
    theta, best = np.zeros(engine.n + 1), np.zeros(engine.n + 1)
    for _ in range(12):
        at = objective.answer(Evaluate(best, 2))
        best = best - np.linalg.solve(at.hessian, at.gradient)
    optimum = objective.answer(Evaluate(best, 0)).value
    for share in (0.5, 0.8, 0.97):
        theta = share * best
        at = objective.answer(Evaluate(theta, 2))
        total = (at.hessian - np.diag(np.append(apriori.strength, 0.0))) * apriori.weight
        found = module.farther(engine, apriori, theta, at, apriori.metric(total, apriori.doubt(theta)))
        true = (at.value - optimum) / optimum
        assert true <= found.gap
        assert found.gap <= 1.5 * true or share < 0.9


def check_module_of_judge(module):
    """What is left of a Hessian is no more than of any row, and the proof takes no more than that."""
    rows, _, dense = blocks()
    apriori = apriori_of(rows, dense)
    engine = MixedEngine(rows, dense.y, dense.weight, dense.offset)
    objective = MixedObjective(engine, KERNEL, L2(apriori.strength), apriori.frame)
    best, X = np.zeros(engine.n + 1), np.column_stack([dense.X / apriori.frame.scale, np.ones(M)])
    for _ in range(12):
        at = objective.answer(Evaluate(best, 2))
        best = best - np.linalg.solve(at.hessian, at.gradient)
    rng = np.random.default_rng(4)
    there, here = (best + 3e-3 * rng.standard_normal(len(best)) for _ in range(2))
    judge = module.MixedJudge(engine, apriori, 0.0, objective.weights)
    first, point = objective.answer(Evaluate(there, 2)), objective.answer(Evaluate(here, 1))
    judge.examine(Iterate(there, first, 0.0, 0.0, 0.0))
    assert judge._known(Iterate(there, first, 0.0, 0.0, 0.0)).left == 1.0
    before, now = (formulas.curvature(X @ theta + dense.offset) for theta in (there, here))
    left = judge._known(Iterate(here, point, 0.0, 0.0, 0.0)).left
    assert 0.5 < left <= (now / before).min()
    judge.examine(Iterate(here, point, 0.0, 0.0, 0.0))
    least = 0.5 * point.gradient @ np.linalg.solve(first.hessian, point.gradient) / point.value / left
    assert least * 0.999 <= judge.certificate.gap <= 2.0 * least
    whole = judge.bounds.certificate(here, point, judge.formed.metric).gap
    assert judge.certificate.gap >= 0.9999 * whole / left > whole
    far = objective.answer(Evaluate(best + 40.0, 1))
    assert judge._known(Iterate(best + 40.0, far, 0.0, 0.0, 0.0)) is None


CHECKS = {
    "optimum/mixed_judge.py": check_module_of_judge,
    "kernels/mixed.py": check_module_of_codes,
    "proof/mixed_apriori.py": check_module_of_apriori,
    "proof/level_separation.py": check_module_of_separation,
    "proof/mixed_reach.py": check_module_of_reach,
}

MUTANTS = [  # name, module, old text, new text
    ("levels_not_in_z", "kernels/mixed.py", "    Z += of_slots[rows.slots].sum(axis=1)\n", ""),
    ("last_category_lost", "kernels/mixed.py", "of_slots[rows.slots].sum(axis=1)", "of_slots[rows.slots[:, :-1]].sum(axis=1)"),
    ("b_forgotten", "kernels/mixed.py", "    Z += b\n", ""),
    ("offset_forgotten", "kernels/mixed.py", "        Z += offset\n", "        pass\n"),
    ("curvature_a", "kernels/mixed.py", "h = e / (1.0 + e) / (1.0 + e)", "h = e / (1.0 + e)"),
    ("curvature_unweighted", "kernels/mixed.py", "h if s is None else h * s, second_", "h, second_"),
    ("own_level_not_on_the_diagonal", "kernels/mixed.py", "        ddw[columns, columns] = self.mixed[:, -1]\n", ""),
    ("pairs_on_one_side", "kernels/mixed.py", "            ddw[columns[:start, None], columns[start:stop]] = table.T\n", ""),
    ("numbers_by_levels_on_one_side", "kernels/mixed.py", "        ddw[numbers[:, None], columns] = self.mixed[:, :-1].T\n", ""),
    ("neighbours_only", "kernels/mixed.py", "for d in range(c):", "for d in range(max(0, c - 1), c):"),
    ("products_of_unused_rows", "kernels/mixed.py", "(s > 0.0).astype(np.float64), total)", "np.ones(len(s)), total)"),
    ("products_weighted", "kernels/mixed.py", "(s > 0.0).astype(np.float64), total)", "s, total)"),
    ("positives_of_weight_zero", "kernels/mixed.py", "used & (y == 1.0)", "y == 1.0"),
    ("halves_are_negatives", "kernels/mixed.py", "used & (y == 0.0)", "used & (y < 1.0)"),
    ("product_unweighted", "kernels/mixed.py", "            moved = moved * s\n", "            pass\n"),
    ("only_the_last_piece", "kernels/mixed.py", "        total = total + seen\n", "        total = seen\n"),
    ("smallest_level_for_largest", "proof/mixed_apriori.py", "np.maximum.reduceat", "np.minimum.reduceat"),
    ("levels_without_rounding", "proof/mixed_apriori.py", "@ of_numbers) + float(self._worst(of_slots).sum())", "@ of_numbers)"),
    ("nothing_is_lost_on_the_way", "optimum/mixed_judge.py", "math.exp(-moved) / SLACK if moved else 1.0", "1.0"),
    ("half_the_way", "optimum/mixed_judge.py", "math.exp(-moved)", "math.exp(-0.1 * moved)"),
    ("the_whole_hessian_in_the_proof", "optimum/mixed_judge.py", "metric.lessened(known.left)", "metric"),
    ("far_is_near", "optimum/mixed_judge.py", "if moved < FAR else None", ""),
    ("offset_without_rounding", "proof/mixed_apriori.py", "(size + self.offset)", "size"),
    ("one_rounding_per_row", "proof/mixed_apriori.py", "gamma(self._layout.terms + 10)", "gamma(1)"),
    ("levels_without_leverage", "proof/mixed_apriori.py", " + float(self._worst(of_slots).sum()) * SLACK", ""),
    ("numbers_without_leverage", "proof/mixed_apriori.py", "metric.longest_in(columns, self.length) +", "0.0 +"),
    ("mass_of_half_the_rows", "proof/mixed_apriori.py", "share = self.weights / self.weight", "share = 0.5 * self.weights / self.weight"),
    ("short_sums", "proof/mixed_apriori.py", "gamma(self.deep + 8)", "gamma(8)"),
    ("metric_without_penalty", "proof/mixed_apriori.py", "Metric.of(hessian + np.diag(ridge),", "Metric.of(hessian,"),
    ("sides_swapped", "proof/level_separation.py", "counts[1] == counts[0], 1,", "counts[1] == counts[0], -1,"),
    ("reference_points_away", "proof/level_separation.py", "direction[-1] += side[stop - 1]", "direction[-1] -= side[stop - 1]"),
    ("reference_without_intercept", "proof/level_separation.py", "            direction[-1] += side[stop - 1]\n", ""),
    ("penalised_levels_run_away", "proof/level_separation.py", "np.where(free[columns], side[start : stop - 1], 0)", "side[start : stop - 1]"),
    ("rows_misnumbered", "proof/level_separation.py", "+ piece.part.start + block.start", "+ piece.part.start + block.start + 1"),
    ("half_of_the_divergence", "proof/mixed_reach.py", "divergence = float(s @", "divergence = 0.5 * float(s @"),
    ("unweighted_divergence", "proof/mixed_reach.py", "divergence = float(s @ np", "divergence = 1e-3 * float(np.ones(len(s)) @ np"),
    ("always_feasible", "proof/mixed_reach.py", "inside = bool(np.all(q * low > -1.0) and np.all(p * high < 1.0))", "inside, low, high = True, 0.0 * low, 0.0 * high"),
]  # fmt: skip

test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS)
