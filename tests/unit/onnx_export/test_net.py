"""The net and the mixture: what ONNX says is what sktime and numpy say, and what is learned is what was meant."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from models.inference import Predictor
from onnx_export import mixture as mixing
from onnx_export import net, net_graph, quantise
from onnx_export.held_out import Held, Verdict, held_out, verdict
from onnx_export.history import History
from onnx_export.learning import CLASSES, Plan, loss, loss_slope, outcomes_of, softmax
from onnx_export.mixture import asked, imbalance, train_mixture
from onnx_export.net import train_head
from onnx_export.quantise import Measured, Refusal
from onnx_export.rocket import KERNELS, Curve, curve_of
from onnx_export.survival import classes_of, likelihood, log_loss
from tests.unit.onnx_export import small_net as small

MOST = 1e-3
"""Asked for of nets."""
CENSORED = np.array([np.inf])


def odd_rows() -> np.ndarray:
    """Windows at the edges of what a net is asked: unknown, infinite, held for days, huge, and exactly at 0."""
    rows = small.windows()[:40].copy()
    rows[0] = np.nan
    rows[1, 0], rows[2, 1], rows[3, 0] = np.inf, -np.inf, np.nan
    rows[4, :, 5:] = rows[4, :, 5:6]
    rows[5] = 0.0
    rows[6, 1] = 3e38
    rows[7:, 0, ::2] = np.nan
    return rows


def test_onnx_says_what_sktime_and_the_head_say() -> None:
    rows = np.concatenate([small.windows(), odd_rows()])
    wanted = small.head().chances(small.fitted().shares(rows))
    assert np.abs(Predictor(small.graph()).predict(rows.reshape(len(rows), -1)) - wanted).max() < 1e-5 < MOST


def test_onnx_says_what_sktime_and_the_mixture_say() -> None:
    rows = np.concatenate([small.windows(), odd_rows()])
    wanted = small.mixture().chances(small.fitted().shares(rows))
    made = Predictor(net_graph.to_onnx(small.fitted(), small.mixture()))
    assert np.abs(made.predict(rows.reshape(len(rows), -1)) - wanted).max() < 1e-5 < MOST


def test_the_groups_hold_each_of_the_features_once() -> None:
    places = np.concatenate([group.places for group in small.fitted().groups()])
    assert np.array_equal(np.sort(places), np.arange(small.fitted().width))


def test_kernels_are_those_of_minirocket() -> None:
    for group in small.fitted().groups()[:-1]:
        looked_at = group.weight[np.any(group.weight != 0, axis=2)]
        assert len(KERNELS) == 84
        assert np.all(looked_at.sum(axis=1) == 0)
        assert set(np.unique(looked_at).tolist()) == {-1.0, 2.0}


def test_a_channel_that_is_never_known_is_refused() -> None:
    rows = small.windows().copy()
    rows[:, 1] = np.nan
    with pytest.raises(ValueError, match=r"channels \[1\] are unknown in every row"):
        curve_of(rows, small.TARGETS)


def test_the_curve_is_finest_near_its_middle_and_ends_at_int8s_end() -> None:
    curve = Curve(np.zeros(1, np.float32), np.full(1, 2.0, np.float32))
    told = curve.whole(np.array([[[0.0, 0.02, 2.0, -2.0, 1e9, -np.inf]]], np.float32)).ravel()
    assert told.tolist() == [0.0, 1.0, 64.0, -64.0, 127.0, -127.0]


def test_chances_never_decrease_whatever_the_row() -> None:
    rows = odd_rows().reshape(40, -1)
    for graph in (small.graph(), small.graph8()):
        chances = Predictor(graph).predict(rows)
        assert np.all(np.diff(chances, axis=1) >= 0)
        assert np.all((chances >= 0) & (chances <= 1))


def test_an_unknown_value_of_a_target_is_as_an_expected_one() -> None:
    rows = small.windows()[:20].copy()
    rows[:, 0] = np.nan
    as_expected = rows.copy()
    as_expected[:, 0] = 0.0
    predict = Predictor(small.graph()).predict
    assert np.array_equal(predict(rows.reshape(20, -1)), predict(as_expected.reshape(20, -1)))


@pytest.mark.parametrize("kind", ["float32", "int8", "mixture"])
def test_a_row_has_the_same_bits_in_every_batch(kind: str) -> None:
    graph = {"float32": small.graph, "int8": small.graph8}.get(
        kind, lambda: net_graph.to_onnx(small.fitted(), small.mixture())
    )()
    predict, rows = Predictor(graph).predict, small.flat()[:256]
    whole = predict(rows)
    for size in (1, 2, 3, 7, 16, 33, 100, 255):
        cut = np.concatenate([predict(rows[at : at + size]) for at in range(0, 256, size)])
        assert np.array_equal(cut.view(np.int32), whole.view(np.int32)), size


def test_the_same_seed_makes_the_same_bytes() -> None:
    again = train_head(small.shares(), small.allowed(), small.PLAN, small.HIDDEN)
    made = net_graph.to_onnx(small.fitted(), again)
    assert made == small.graph()
    assert quantise.to_int8(made, small.flat()) == small.graph8()


def test_another_seed_makes_another_head() -> None:
    plan = Plan(epochs=6, batch=64, seed=1)
    other = train_head(small.shares(), small.allowed(), plan, small.HIDDEN)
    assert not np.array_equal(other.first, small.head().first)


def test_a_head_learns() -> None:
    knows_nothing = loss(np.zeros((small.ROWS, CLASSES)), small.allowed())
    assert loss(small.head().scores(small.shares()), small.allowed()) < 0.7 * knows_nothing


def numbers_of(function, weights, name, places, step=1e-5):
    """Slopes by central differences at some places of one parameter."""
    out = []
    for at in places:
        ends = []
        for way in (step, -step):
            moved = {key: value.copy() for key, value in weights.items()}
            moved[name].flat[at] += way
            ends.append(function(moved))
        out.append((ends[0] - ends[1]) / (2 * step))
    return np.array(out)


def test_gradients_of_the_head_are_those_of_its_loss() -> None:
    random = np.random.default_rng(1)
    inputs, allowed = random.normal(size=(30, 6)), small.allowed()[:30]
    shapes = {"first": (6, 5), "first_bias": (5,), "second": (5, CLASSES), "second_bias": (CLASSES,)}
    weights = {name: random.normal(size=shape) for name, shape in shapes.items()}

    def cost(now):
        hidden = np.maximum(inputs @ now["first"] + now["first_bias"], 0)
        return loss(hidden @ now["second"] + now["second_bias"], allowed)

    for name, slope in net.slopes(weights, inputs, allowed).items():
        places = range(0, slope.size, 2)
        assert np.allclose(numbers_of(cost, weights, name, places), slope.ravel()[::2], atol=1e-7), name


def test_gradients_of_the_mixture_are_those_of_its_loss_and_balance() -> None:
    random = np.random.default_rng(2)
    inputs, allowed, columns = random.normal(size=(40, 6)), small.allowed()[:40], np.array([1, 4])
    shapes = {
        "gate": (2, 4), "gate_bias": (4,), "first": (6, 12), "first_bias": (12,),
        "second": (12, CLASSES), "second_bias": (4, CLASSES),
    }  # fmt: skip
    weights = {name: random.normal(size=shape) for name, shape in shapes.items()}

    def cost(now):
        return mixing.total_loss(now, inputs, columns, allowed, 0.5)

    for name, slope in mixing.slopes(weights, inputs, columns, allowed, 0.5).items():
        places = range(0, slope.size, 2)
        assert np.allclose(numbers_of(cost, weights, name, places), slope.ravel()[::2], atol=1e-7), name


def test_a_censored_row_pulls_scores_to_later_classes_only() -> None:
    scores = np.random.default_rng(3).normal(size=(1, CLASSES))
    pull = -loss_slope(scores, small.allowed_of(CENSORED, np.array([50.0])))[0]
    assert np.all(pull[:3] < 0)
    assert np.all(pull[3:] > 0)


def test_a_censored_row_does_not_say_which_later_class() -> None:
    scores = np.random.default_rng(3).normal(size=(1, CLASSES))
    moved = scores - 1e-3 * loss_slope(scores, small.allowed_of(CENSORED, np.array([50.0])))
    before, after = softmax(scores)[0, 3:], softmax(moved)[0, 3:]
    assert np.allclose(after / after.sum(), before / before.sum(), atol=1e-3)


def test_the_gate_asks_two_experts_that_make_one() -> None:
    gates = small.mixture().shares_of_experts(small.shares())
    assert np.all((gates > 0).sum(axis=1) == 2)
    assert np.allclose(gates.sum(axis=1), 1.0)


def test_of_experts_that_score_alike_the_first_two_are_asked() -> None:
    assert asked(np.zeros((1, 4))).tolist() == [[0.5, 0.5, 0.0, 0.0]]


def test_the_balance_term_makes_loads_more_alike() -> None:
    # gate columns say hardly anything of a row: without the term, whichever experts are ahead stay ahead
    features = np.random.default_rng(4).normal(1.0, 0.01, (small.ROWS, 3)).astype(np.float32)

    def uneven(balance):
        plan = Plan(epochs=30, batch=64)
        made = train_mixture(features, np.array([0, 1]), small.allowed(), plan, hidden=8, balance=balance)
        return np.square(made.loads(features) - 0.25).sum()

    assert uneven(1.0) < 0.1 * uneven(0.0)


def test_even_loads_have_an_imbalance_of_one() -> None:
    scores = np.array([[5.0, 5.0, 0.0, 0.0], [0.0, 0.0, 5.0, 5.0]])
    assert imbalance(scores) == pytest.approx(1.0)
    assert imbalance(scores[:1]) > 1.9


GOOD = Measured(size=0.257, speed=3.0, loss=0.001, rows_differing_by_batch=0)


def test_an_int8_net_that_holds_every_bar_is_offered() -> None:
    assert GOOD.refusals == ()


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"size": 0.261}, Refusal.SIZE),
        ({"speed": 2.29}, Refusal.SPEED),
        ({"speed": float("nan")}, Refusal.SPEED),
        ({"loss": 0.0051}, Refusal.PRECISION),
        ({"rows_differing_by_batch": 1}, Refusal.BITS),
    ],
)
def test_an_int8_net_that_misses_a_bar_is_refused_with_the_reason(figures: dict[str, float], why: Refusal) -> None:
    kept = {name: getattr(GOOD, name) for name in GOOD.__struct_fields__}
    assert Measured(**(kept | figures)).refusals == (why,)


def test_of_shares_int8_loses_nothing_but_the_rounding_to_255_steps() -> None:
    model = onnx.load_from_string(small.graph8())
    (flat,) = [node for node in model.graph.node if node.op_type == "Flatten"]
    model.graph.output.append(onnx.helper.make_tensor_value_info(flat.output[0], onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run([flat.output[0]], {"features": small.flat()})
    places = np.concatenate([group.places for group in small.fitted().groups()])
    assert np.abs(found - small.shares()[:, places]).max() <= 0.5 / 255 + 1e-6


def test_int8_has_no_scale_that_is_made_at_run_time() -> None:
    kinds = {node.op_type for node in onnx.load_from_string(small.graph8()).graph.node}
    assert "DynamicQuantizeLinear" not in kinds
    assert "QuantizeLinear" in kinds


HELD = Held(rows=100, failing=10, average_precision=0.8, brier=0.05, log_loss=0.5)


@pytest.mark.parametrize(
    ("precision", "log_loss", "wanted"),
    [
        (0.81, 0.49, Verdict.KEPT),
        (0.80, 0.49, Verdict.NOT_PRECISE),
        (0.81, 0.50, Verdict.NOT_LIKELY),
        (float("nan"), 0.4, Verdict.NOT_PRECISE),
    ],
)
def test_a_mixture_is_kept_only_where_it_is_better_by_both_figures(precision, log_loss, wanted) -> None:
    found = Held(rows=100, failing=10, average_precision=precision, brier=0.05, log_loss=log_loss)
    assert verdict([HELD], [found]) is wanted


def one_machine(hours: list[float], known_h: list[float]) -> History:
    """Rows of a machine without features."""
    count = len(hours)
    none, ends = np.zeros(count, np.int64), np.arange(count, dtype=np.int64)
    return History(
        np.empty((count, 0), np.float32), none, ends, none, np.array(hours), np.array(known_h), none.astype(np.int8),
        (), (), count, 60,
    )  # fmt: skip


def test_nets_and_trees_are_held_against_the_same_likelihood() -> None:
    machines = [one_machine([30.0, 2.0, -0.1], [30.0, 2.0, -0.1]), one_machine([np.inf] * 3, [100.0, 50.0, 0.0])]
    within = np.sort(np.random.default_rng(4).random((6, CLASSES - 1)), axis=1)
    told, allowed = outcomes_of(machines)
    assert told.tolist() == [True, True, False, True, True, False]
    outcomes = [machine.outcomes[0].where(machine.outcomes[1]) for machine in machines]
    parts = [likelihood(within[told][at : at + 2], one) for at, one in zip((0, 2), outcomes, strict=True)]
    assert log_loss(classes_of(within[told]), allowed) == pytest.approx(np.mean(parts))
    assert held_out(machines, within).log_loss == pytest.approx(np.mean(parts))
