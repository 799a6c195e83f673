"""The seeds' programs are right, and each numeric slip gives the wrong result that docs/seed-errata.md states."""

import json
import pathlib

import numpy as np
import pytest

from steepest.formulas import loss, sigmoid
from steepest.teach.graph import graph
from steepest.teach.seed import Slip, backward, forward, hours, loop, repeat, step, vectorised

UNITS = pathlib.Path(__file__).parents[2].parent / "shared/data/coursera_units/expected.json"
X, Y = hours()
M = X.shape[1]
ZERO = np.zeros((2, 1))
ALPHA = 0.1
GOOD = repeat(X, Y, ALPHA, 1000)
LOOP_SLIPS = sorted(set(Slip) - {Slip.NO_COST, Slip.ONLY_UPDATES}, key=lambda slip: slip.name)


@pytest.fixture(scope="module")
def published():
    if not UNITS.exists():
        pytest.skip("the published exercise values of the course are not on this machine")
    return json.loads(UNITS.read_text())


def gradient(done):
    return np.append(done.dw, done.db)


def cosine(u, v):
    return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))


def cost(w, b):
    return float(np.mean(loss(w.T @ X + b, Y)))


def by_differences(w, b, h=1e-6):
    theta = np.append(w, b)
    return np.array(
        [
            (cost((theta + e)[:2, None], (theta + e)[2]) - cost((theta - e)[:2, None], (theta - e)[2])) / (2 * h)
            for e in h * np.eye(3)
        ]
    )


# The programs without slips.


@pytest.mark.parametrize("program", [loop, vectorised])
def test_programs_give_the_published_values_of_the_course(published, program):
    p = published["propagate"]
    done = program(np.array(p["X"]), np.array([p["Y"]], float), np.array(p["w"], float)[:, None], p["b"], 0.009)
    assert done.dw.ravel().tolist() == pytest.approx(p["dw"], rel=1e-12)
    assert done.db == pytest.approx(p["db"], rel=1e-12)
    assert pytest.approx(p["cost"], rel=1e-12) == done.J


@pytest.mark.parametrize("program", [loop, vectorised])
def test_repeat_gives_the_published_values_of_the_course(published, program):
    p, o = published["propagate"], published["optimize"]
    start = (np.array(p["w"], float)[:, None], float(p["b"]))
    run = repeat(np.array(p["X"]), np.array([p["Y"]], float), o["lr"], o["iterations"], program=program, start=start)
    assert run.iterations == o["iterations"]
    assert run.w.ravel().tolist() == pytest.approx(o["w"], rel=1e-12)
    assert run.b == pytest.approx(o["b"], rel=1e-12)
    assert run.last.dw.ravel().tolist() == pytest.approx(o["dw"], rel=1e-12)
    assert run.last.db == pytest.approx(o["db"], rel=1e-12)


def test_forward_gives_the_published_predictions_and_sigmoid(published):
    p = published["predict"]
    w = np.array(p["w"])[:, None]
    a = [forward(np.array(p["X"])[:, [i]], 0.0, w, p["b"])[1] for i in range(3)]
    assert [int(value > 0.5) for value in a] == p["predictions"]
    for z, value in published["sigmoid"].items():
        assert sigmoid(float(z)) == pytest.approx(value, rel=1e-15)


def test_loop_and_vectorised_agree_and_have_the_right_gradient():
    w, b = np.array([[0.3], [-0.2]]), 0.1
    one, other = loop(X, Y, w, b, ALPHA), vectorised(X, Y, w, b, ALPHA)
    for left, right in zip(one, other, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(gradient(one), by_differences(w, b), atol=1e-8)
    np.testing.assert_array_equal(w, [[0.3], [-0.2]])


def test_one_example_agrees_with_the_graph():
    x, w, b = np.array([[2.5], [7.0]]), np.array([[0.8], [-0.3]]), 0.25
    g = graph(x.ravel(), 1.0, w.ravel(), b)
    assert forward(x, 1.0, w, b) == tuple(g.values[name] for name in "zaL")
    dz, dw, db = backward(x, 1.0, w, b)
    assert [dz, *dw.ravel(), db] == pytest.approx([g.values[k] for k in ("dz", "dw1", "dw2", "db")], rel=1e-15)
    after, bias = step(x, 1.0, w, b, 0.5)
    assert [*after.ravel(), bias] == pytest.approx([*g.step(0.5).w, g.step(0.5).b], rel=1e-15)


def test_one_example_repeated_is_the_mean_of_one():
    x, w = np.array([[2.5], [7.0]]), np.array([[0.8], [-0.3]])
    done = loop(np.tile(x, 4), np.ones((1, 4)), w, 0.25, 0.5)
    after, bias = step(x, 1.0, w, 0.25, 0.5)
    np.testing.assert_allclose(done.w, after, rtol=1e-15)
    assert done.b == pytest.approx(bias, rel=1e-15)


def test_any_number_of_features():
    rng = np.random.default_rng(7)
    X5, Y5 = rng.normal(size=(5, 30)), rng.integers(0, 2, (1, 30)).astype(float)
    runs = [repeat(X5, Y5, 0.5, 200, program=program) for program in (loop, vectorised)]
    np.testing.assert_allclose(runs[0].w, runs[1].w, rtol=1e-11)


def test_repeat_stops_when_the_weights_stop_changing():
    still = repeat(X, Y, ALPHA, 10_000, tolerance=1e-3, program=vectorised)
    assert still.unchanged
    assert still.iterations == len(still.costs) < 10_000
    assert not GOOD.unchanged
    with pytest.raises(ValueError, match="iterations is 0"):
        repeat(X, Y, ALPHA, 0)


def test_two_features_start_of_the_lesson():
    start = loop(X, Y, ZERO, 0.0, ALPHA)
    np.testing.assert_allclose(gradient(start), [-7 / 12, -2.75 / 12, 0], atol=1e-15)
    assert pytest.approx(np.log(2), rel=1e-15) == start.J
    assert GOOD.costs[-1] == pytest.approx(0.40023, abs=5e-6)


# The slips: each test shows the wrong result.


def test_slip_000_5_same_label():
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.SAME_LABEL})
    np.testing.assert_array_equal(run.w, GOOD.w)
    assert run.costs[-1] == pytest.approx(0.9974, abs=5e-5)
    assert cost(run.w, run.b) == pytest.approx(0.4001, abs=5e-5)


def test_slip_000_6_accumulators_not_reset():
    two = [repeat(X, Y, ALPHA, 2, slips=slips) for slips in ((), {Slip.NOT_RESET})]
    first = loop(X, Y, ZERO, 0.0, ALPHA)
    np.testing.assert_allclose(gradient(two[1].last), gradient(two[0].last) + gradient(first) / M, rtol=1e-13)
    assert two[1].costs[1] == pytest.approx(two[0].costs[1] + np.log(2) / M, rel=1e-13)
    assert two[1].costs[1] > two[1].costs[0]
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.NOT_RESET})
    assert run.costs[-1] == pytest.approx(0.4284, abs=5e-5)
    assert cost(run.w, run.b) == pytest.approx(0.3926, abs=5e-5)


def test_slip_000_6_unpacking_a_zero_is_a_type_error():
    with pytest.raises(TypeError, match="cannot unpack non-iterable int"):
        exec("J, dw_1, dw_2, db = 0")


def test_slip_000_8_the_same_example_m_times():
    wrong, right = loop(X, Y, ZERO, 0.0, ALPHA, {Slip.SAME_EXAMPLE}), loop(X, Y, ZERO, 0.0, ALPHA)
    assert cosine(gradient(wrong), gradient(right)) == pytest.approx(-0.507, abs=5e-4)
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.SAME_EXAMPLE})
    assert run.costs[-1] < 0.0004
    assert cost(run.w, run.b) == pytest.approx(5.036, abs=5e-4)


def test_slip_000_9_the_update_never_reaches_the_prediction():
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.STALE_W})
    assert set(run.costs) == {run.costs[0]}
    np.testing.assert_allclose(run.w, 100 * np.array([[7], [2.75]]) / M, rtol=1e-12)
    assert cost(run.w, run.b) == pytest.approx(142.1875, rel=1e-9)


def test_slip_000_11_dz_accumulates():
    wrong, right = loop(X, Y, ZERO, 0.0, ALPHA, {Slip.DZ_ADDED}), loop(X, Y, ZERO, 0.0, ALPHA)
    assert cosine(gradient(wrong), gradient(right)) == pytest.approx(-0.770, abs=5e-4)
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.DZ_ADDED})
    assert cost(run.w, run.b) == pytest.approx(1.937, abs=5e-4)
    with pytest.raises(NameError):
        exec("dz += 0.5 - 1", {})


def test_slip_000_12_one_feature_for_both_weights():
    wrong = loop(X, Y, ZERO, 0.0, ALPHA, {Slip.SAME_FEATURE})
    assert wrong.dw[0] == wrong.dw[1] == pytest.approx(-2.75 / 12)
    assert cosine(gradient(wrong), gradient(loop(X, Y, ZERO, 0.0, ALPHA))) == pytest.approx(0.917, abs=5e-4)
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.SAME_FEATURE})
    assert run.w[0] == run.w[1] == pytest.approx(0.2629, abs=5e-5)
    assert np.all(np.diff(run.costs[100:]) < 0), "the cost falls at every step: it does not reveal the slip"
    assert cost(run.w, run.b) == pytest.approx(0.5192, abs=5e-5)
    assert np.max(np.abs(gradient(wrong) - by_differences(ZERO, 0.0))) > 0.3, "finite differences reveal it"


def test_slip_000_13_db_not_divided():
    w = np.array([[0.3], [-0.2]])
    wrong, right = (loop(X, Y, w, 0.1, ALPHA, slips) for slips in ({Slip.DB_NOT_DIVIDED}, ()))
    assert wrong.db == pytest.approx(M * right.db, rel=1e-14)
    np.testing.assert_array_equal(wrong.dw, right.dw)
    assert repeat(X, Y, ALPHA, 1000, slips={Slip.DB_NOT_DIVIDED}).b == pytest.approx(-13.49, abs=5e-3)


@pytest.mark.parametrize("program", [loop, vectorised])
def test_slip_000_14_and_15_b_stays_zero_for_ever(program):
    run = repeat(X, Y, ALPHA, 1000, program=program, slips={Slip.B_MINUS_B}, tolerance=1e-12)
    assert run.b == 0.0
    assert run.unchanged, "it even stops, and looks finished"
    assert cost(run.w, run.b) == pytest.approx(0.5692, abs=5e-5)


def test_slip_000_16_a_shape_is_a_tuple():
    with pytest.raises(TypeError):
        np.zeros(2, 1)


def test_slip_000_17_no_cost():
    run = repeat(X, Y, ALPHA, 100, program=vectorised, slips={Slip.NO_COST})
    assert set(run.costs) == {0.0}
    np.testing.assert_array_equal(run.w, repeat(X, Y, ALPHA, 100, program=vectorised).w)


@pytest.mark.parametrize("program", [loop, vectorised])
def test_slip_000_18_only_the_updates_are_repeated(program):
    run = repeat(X, Y, ALPHA, 1000, program=program, slips={Slip.ONLY_UPDATES})
    assert set(run.costs) == {run.costs[0]}
    np.testing.assert_allclose(run.w, 100 * np.array([[7], [2.75]]) / M, rtol=1e-12)


def test_slip_001_1_da_without_brackets():
    wrong = loop(X, Y, ZERO, 0.0, ALPHA, {Slip.DA_BRACKETS})
    assert cosine(gradient(wrong), gradient(loop(X, Y, ZERO, 0.0, ALPHA))) == pytest.approx(0.858, abs=5e-4)
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.DA_BRACKETS})
    assert cost(run.w, run.b) == pytest.approx(3.433, abs=5e-4)


def test_slip_001_2_slope_without_brackets():
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.SLOPE_BRACKETS})
    assert (run.iterations, run.unchanged) == (1, True)
    np.testing.assert_array_equal(run.w, ZERO)


def test_slip_002_1_only_the_last_example_moves_b():
    wrong = loop(X, Y, ZERO, 0.0, ALPHA, {Slip.DB_LAST})
    right = loop(X, Y, ZERO, 0.0, ALPHA)
    assert wrong.db == -0.5 / M
    assert cosine(gradient(wrong), gradient(right)) > 0.997, "nothing to see at the start"
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.DB_LAST})
    assert run.b == pytest.approx(0.5443, abs=5e-5)
    assert GOOD.b == pytest.approx(-4.0124, abs=5e-5)
    assert cost(run.w, run.b) == pytest.approx(0.6008, abs=5e-5)


def test_slip_002_3_the_sum_for_the_mean():
    w = np.array([[0.3], [-0.2]])
    wrong, right = (loop(X, Y, w, 0.1, ALPHA, slips) for slips in ({Slip.SUM_NOT_MEAN}, ()))
    np.testing.assert_allclose(gradient(wrong), M * gradient(right), rtol=1e-14)
    assert pytest.approx(M * right.J, rel=1e-14) == wrong.J
    run = repeat(X, Y, ALPHA, 1000, slips={Slip.SUM_NOT_MEAN})
    assert cost(run.w, run.b) > 1.0
    assert np.max(np.diff(run.costs)) > 1.0, "the step is too long: J jumps up and down"


def test_slip_002_10_one_after_the_other():
    wrong, right = (loop(X, Y, ZERO, 0.0, ALPHA, slips) for slips in ({Slip.ONE_BY_ONE}, ()))
    assert wrong.w[0] == right.w[0] == pytest.approx(0.0583, abs=5e-5)
    assert wrong.w[1] == pytest.approx(-0.01105, abs=5e-6)
    assert right.w[1] == pytest.approx(0.0229, abs=5e-5)


@pytest.mark.parametrize("slip", LOOP_SLIPS, ids=lambda slip: slip.name)
def test_every_slip_of_the_loop_changes_a_number(slip):
    right, wrong = (repeat(X, Y, ALPHA, 3, slips=slips) for slips in ((), {slip}))
    assert any(not np.array_equal(one, other) for one, other in zip(right.last, wrong.last, strict=True))


def test_slips_are_refused_where_the_seed_did_not_make_them():
    with pytest.raises(ValueError, match="NO_COST is no slip of the loop"):
        loop(X, Y, ZERO, 0.0, ALPHA, {Slip.NO_COST})
    with pytest.raises(ValueError, match="DB_LAST is no slip of the vectorised program"):
        vectorised(X, Y, ZERO, 0.0, ALPHA, {Slip.DB_LAST})


def test_every_slip_is_on_the_errata_page():
    page = (pathlib.Path(__file__).parents[2] / "docs/seed-errata.md").read_text(encoding="utf-8")
    tests = pathlib.Path(__file__).read_text(encoding="utf-8")
    for slip in Slip:
        assert f"`Slip.{slip.name}`" in page
        assert slip.effect
    named = [word for word in page.replace("`", " ").split() if word.startswith("test_slip_")]
    assert len(named) >= 17
    assert all(f"def {name}(" in tests for name in named)
