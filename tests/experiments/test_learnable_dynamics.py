"""The study of learned dynamics: its closed form, its data, arms that learn what they say and nothing else, judges that can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import learnable_dynamics as module
from experiments.learnable_dynamics import assessing, claims, members, tasks
from helpers.statistical import assert_mean, assert_proportion, negative_control
from jaxsnn_noise.study import Verdict, load, run_study

TINY = dataclasses.replace(module.TINY, updates=5)
CONFIG = dataclasses.replace(module.DEFAULT, networks=8, images=40)
ARMS = [*members.ARMS, *module.FLAT]


def made_up(order: float = 0.5, table: float = 0.0, static: float = 0.0, best: float = 90.0, **points: float) -> Any:
    """Data in which each arm lies so many points above the tuned LIF on temporal tasks, those per neuron at ``best`` on two scales."""
    import xarray

    rng, found = np.random.default_rng(0), {}
    for name in CONFIG.tasks:
        shape = (len(ARMS), 8, len(assessing.CONDITIONS), 40)
        right = (best - 3.0) / 100 + 0.01 * rng.normal(size=(1, 8, 1, 40)) + 1e-3 * rng.normal(size=shape)
        for arm, gain in points.items():
            right[ARMS.index(arm)] += (static if name == "mnist" else gain) / 100
        taus = np.exp(
            np.log(20.0)
            + order * np.array([0.0, 1.0])[None, None, :, None]
            + 0.1 * rng.normal(size=(len(ARMS), 8, 2, 5))
        )
        columns = {
            "right": (("arm", "seed", "condition", "sample"), right),
            "taus": (("arm", "seed", "layer", "neuron"), taus),
            "table": (("seed", "sample"), right[ARMS.index("polynomial"), :, 0] + table / 100),
        }
        coords = {"arm": ARMS, "condition": list(assessing.CONDITIONS), "layer": list(members.HIDDEN), "seed": range(8)}
        found[name] = xarray.Dataset(columns, coords)
    return found


def verdicts(data: Any) -> dict[str, Verdict]:
    return {claim.name: claim.judge(data, CONFIG).verdict for claim in module.CLAIMS}


def test_the_judges_say_yes_and_no() -> None:
    good = {"neuron": 3.0, "spread": 3.0, "polynomial": 3.0, "gated": 3.0, "layer_flat": 0.0}
    assert set(verdicts(made_up(**good)).values()) == {Verdict.REPRODUCED}
    bad = verdicts(made_up(order=-0.5, table=-4.0, static=3.0, best=80.0, neuron=-2.0, spread=-6.0, polynomial=-2.0, gated=-2.0, layer_flat=-4.0))  # fmt: skip
    assert set(bad.values()) == {Verdict.NOT_REPRODUCED}
    data = made_up(**good)
    data["two_scale"]["right"].loc[{"arm": "neuron", "condition": "bits"}] -= 0.06
    changed = verdicts(data)
    assert [name for name, verdict in changed.items() if verdict is Verdict.NOT_REPRODUCED] == [
        "gain_survives_few_bits"
    ]
    del data["vowels"], data["mnist"]
    assert verdicts(data)["gates_help_on_vowels"] is Verdict.UNDECIDED


def test_one_leaky_memory_answers_as_well_as_the_closed_form_says() -> None:
    of = tasks.task("two_scale", module.DEFAULT)
    best, tau = tasks.one_memory(of)
    x = np.random.default_rng(1).normal(size=(20_000, of.steps))
    wanted = np.stack(
        [sum(x[:, t] * np.exp(-(of.steps - 1 - t) / each) for t in range(of.steps)) for each in (3.0, 30.0)], axis=1
    )
    shares, right_at_best = {}, None
    for own in (tau, 10.0, 30.0):
        state = sum(x[:, t] * np.exp(-(of.steps - 1 - t) / own) for t in range(of.steps))
        right = (np.sign(state)[:, None] == np.sign(wanted)).mean(axis=1)
        shares[own] = right.mean()
        right_at_best = right if own == tau else right_at_best
    assert max(shares.values()) == shares[tau]
    assert_mean(right_at_best, best)
    negative_control(lambda factor: assert_mean(0.5 + factor * (right_at_best - 0.5), best))
    first = np.sign(sum(x[:, t] * np.exp(-(of.steps - 1 - t) / 10.0) for t in range(of.steps))) == np.sign(wanted[:, 0])
    a, b = (np.exp(-np.arange(of.steps) / each) for each in (10.0, 3.0))
    assert_proportion(int(first.sum()), len(first), 0.5 + np.arcsin(a @ b / np.sqrt((a @ a) * (b @ b))) / np.pi)


@pytest.mark.slow
def test_parts_share_no_sample_and_answers_are_those_of_the_signals() -> None:
    for name in module.DEFAULT.tasks:
        of = tasks.task(name, module.DEFAULT)
        data = tasks.data(of, module.DEFAULT)
        assert set(data) == set(tasks.PARTS)
        rows = {part: {row.tobytes() for row in values} for part, (values, _) in data.items()}
        assert not rows["test"] & (rows["train"] | rows["learn"] | rows["tune"])
        assert not rows["learn"] & rows["tune"]
        shape = (of.channels,) if of.held else (of.steps, of.channels)
        for values, answers in data.values():
            assert values.shape[1:] == shape
            assert answers.shape[1:] == (of.heads,)
            assert set(np.unique(answers)) == set(range(of.classes))
    vowels = tasks.data(tasks.task("vowels", module.DEFAULT), module.DEFAULT)
    assert [len(vowels[part][1]) for part in tasks.PARTS] == [180, 90, 270, 370]
    values, answers = tasks.data(tasks.task("two_scale", module.DEFAULT), module.DEFAULT)["test"]
    slow = sum(values[:, t, 0].astype(float) * np.exp(-(79 - t) / 30.0) for t in range(80))
    clear = np.abs(slow) > 1e-4
    np.testing.assert_array_equal(answers[clear, 1], slow[clear] > 0)


def test_the_baseline_has_the_more_parameters() -> None:
    for name in module.DEFAULT.tasks:
        of, hidden = tasks.task(name, module.DEFAULT), module.DEFAULT.hidden
        spare = members.SPARE * (hidden + of.heads * of.classes)
        assert 2 * hidden <= spare <= 4 * hidden  # time constants of both layers
    with pytest.raises(ValueError, match="tuned"):
        dataclasses.replace(module.DEFAULT, arms=("layer", "neuron"))
    assert module.FULL.tuners < module.APART


@pytest.fixture(scope="module")
def learned() -> dict[str, Any]:
    of = tasks.task("two_scale", TINY)
    data = tasks.data(of, TINY)
    cells = [(3, (4.0, 30.0), arm) for arm in members.ARMS.values()]
    told: list[int] = []
    found = members.learnt(of, TINY, data["learn"], cells, told.append)
    assert told[-1] == len(cells)
    return dict(zip(members.ARMS, found, strict=True))


@pytest.mark.slow
def test_an_arm_learns_what_it_says_and_nothing_else(learned: dict[str, Any]) -> None:
    tau = [f"network.{layer}.neuron.tau_mem" for layer in members.HIDDEN]
    curve = tau[0].replace("tau_mem", "polynomial.coefficients")
    for path, start in zip(tau, (4.0, 30.0), strict=True):
        np.testing.assert_allclose(learned["tuned"][path], start, rtol=1e-6)
        np.testing.assert_allclose(learned["polynomial"][path], start, rtol=1e-6)
        layer = learned["layer"][path]
        assert np.ptp(layer) < 1e-5 * start
        assert abs(layer[0] - start) > 1e-3 * start
        assert np.ptp(learned["gated"][path]) < 1e-5 * start
        assert np.std(np.log(learned["spread"][path])) > 0.2
        assert np.std(np.log(learned["neuron"][path] / learned["spread"][path])) > 1e-3
    assert not learned["layer"][curve].any()
    assert learned["polynomial"][curve].all()
    gate = learned["gated"][tau[0].replace("tau_mem", "reset.gate")]
    assert np.ptp(gate) < 1e-5
    assert abs(gate[0] - members.OPEN) > 1e-3
    first, last = members.WEIGHTS[1], members.WEIGHTS[2]
    assert not learned["neuron"][first][-members.SPARE :].any()
    assert not learned["neuron"][last][:, -members.SPARE :].any()
    assert learned["tuned"][first].all()
    assert np.abs(learned["tuned"][first] - learned["layer"][first]).max() > 1e-4


@pytest.mark.slow
def test_blocks_change_nothing_and_conditions_act(learned: dict[str, Any]) -> None:
    of = tasks.task("two_scale", TINY)
    data = tasks.data(of, TINY)
    alone = members.learnt(of, dataclasses.replace(TINY, at_once=1), data["learn"], [(3, (4.0, 30.0), members.ARMS["neuron"])], lambda done: None)[0]  # fmt: skip
    for path, leaf in learned["neuron"].items():
        np.testing.assert_allclose(alone[path], leaf, rtol=1e-3, atol=1e-4)
    arms = [members.ARMS["neuron"]] * 2
    config = dataclasses.replace(TINY, noise=2.0, mismatch=2.0, bits=1)
    found = assessing.right(of, config, data["test"], [learned["neuron"]] * 2, [3, 4], arms, range(4))
    assert found.shape == (2, 4, TINY.images)
    np.testing.assert_array_equal(found[0, 0], found[1, 0])
    on_chip = jn.paths.replace(assessing.on_a_chip(members.simulation(of, config)), learned["neuron"])

    def potentials(row: Any, network: int) -> np.ndarray:
        address = {"network": np.uint32(network), "device": np.uint32(network), "test": np.uint32(0)}
        return np.asarray(members.readouts(assessing.under(on_chip, row), of, jnp.asarray(data["test"][0]), 0, address))

    rows = assessing.conditions(config)
    first = [potentials(row, 3) for row in rows]
    np.testing.assert_array_equal(
        found[0], [(v.argmax(axis=-1) == data["test"][1]).mean(axis=-1, dtype=np.float32) for v in first]
    )
    for v in first[1:]:
        assert np.isfinite(v).all()
        assert np.abs(v - first[0]).max() > 1e-3
    assert np.abs(potentials(rows[2], 4) - first[2]).max() > 1e-3  # another network has another chip
    np.testing.assert_array_equal(potentials(rows[0], 4), first[0])
    plain = jn.paths.replace(members.simulation(of, config), learned["neuron"])
    quiet = members.readouts(plain, of, jnp.asarray(data["test"][0]), 0, {"network": np.uint32(3)})
    np.testing.assert_allclose(quiet, first[0], atol=1e-4)


@pytest.mark.slow
def test_a_table_of_zeros_is_lif(learned: dict[str, Any]) -> None:
    of = tasks.task("two_scale", TINY)
    data = tasks.data(of, TINY)
    table = assessing.by_table(of, TINY, data["test"], [learned["tuned"]], [3])
    plain = assessing.right(of, TINY, data["test"], [learned["tuned"]], [3], [members.ARMS["tuned"]], [0])
    np.testing.assert_array_equal(table[0], plain[0, 0])


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("learnable_dynamics")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_the_order_is_that_of_the_second_layer_over_the_first() -> None:
    data = made_up(order=0.7)
    assert float(claims.order(data, "vowels", "layer_flat").mean()) == pytest.approx(0.7, abs=0.1)
