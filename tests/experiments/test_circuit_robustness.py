"""Circuit-level robustness: forms are what they are called, cases move what they name, and the judges can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import circuit_robustness as module
from experiments.circuit_robustness import chips, estimates, measuring, repairs, summaries, tasks
from jaxsnn_noise import random
from jaxsnn_noise.study import Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = module.DEFAULT
SEEDS = 8


def lif(tau_mem: Any, share: float) -> Any:
    """A LIF network of the study's names after the form, with time constants that are off."""
    network = jn.Network({"hidden": jn.Population(jn.neurons.LIF(len(tau_mem), tau_mem=tau_mem))})
    return chips.Accumulating("hidden", share=share).apply(network, random.root(0)).populations["hidden"].neuron


def test_a_step_of_the_accumulating_form_adds_what_the_design_adds() -> None:
    """``v <- beta v + c I`` with the ``c = 1 - beta_0`` of the design, whatever beta; the leaky form adds ``1 - beta``."""
    taus, current = np.array([10.0, 20.0, 35.0]), 0.7
    for share, added in ((1.0, np.full(3, 1 - np.exp(-1 / 20.0))), (0.0, 1 - np.exp(-1 / taus))):
        cells = lif(taus, share)
        gain = np.asarray(cells.resistance) * (1 - np.exp(-1.0 / np.asarray(cells.tau_mem)))
        np.testing.assert_allclose(gain * current, added * current, rtol=1e-5)
    untouched = lif(np.full(3, 20.0), 1.0)
    np.testing.assert_array_equal(untouched.resistance, 1.0)


@pytest.mark.slow
def test_cases_move_what_they_name_and_the_first_is_the_network_as_programmed() -> None:
    config = dataclasses.replace(module.TINY, hidden=5)
    network = tasks.network("mnist", "lif", config, 0)
    sim = tasks.simulation("mnist", network, config, chips.imperfections("mnist", "lif"))
    leaf_of = {
        "tau": "hidden.neuron.tau_mem",
        "threshold": "hidden.neuron.v_threshold",
        "gain": "hidden.neuron.resistance",
    }
    weights = [f"{name}.weights" for name in tasks.weights("mnist")]
    for parameter in (*chips.SINGLE, chips.ALL):
        on = jn.paths.replace(sim, dict(chips.spread("mnist", "leaky", parameter, 0.2)))
        chip = jn.chip(jn.Grid(on, [jn.Devices(2)], key=0), sel={"device": 1})
        moved = {path for path in (*leaf_of.values(), *weights)
                 if not np.array_equal(jn.paths.get({"n": chip}, f"n.{path}"), jn.paths.get({"n": network}, f"n.{path}"))}  # fmt: skip
        wanted = {leaf_of[parameter]} if parameter in leaf_of else set(weights)
        assert moved == (wanted | set(leaf_of.values()) if parameter == chips.ALL else wanted)
    ratio = np.asarray(jn.paths.get({"n": chip}, f"n.{weights[0]}") / jn.paths.get({"n": network}, f"n.{weights[0]}"))
    assert len(np.unique(ratio.round(4), axis=1)) > 1  # of all: one for each synapse
    per_neuron = jn.paths.replace(sim, dict(chips.spread("mnist", "leaky", chips.SINGLE[4], 0.2)))
    chip = jn.chip(jn.Grid(per_neuron, [jn.Devices(2)], key=0), sel={"device": 1})
    ratio = np.asarray(jn.paths.get({"n": chip}, f"n.{weights[0]}") / jn.paths.get({"n": network}, f"n.{weights[0]}"))
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones_like(ratio), rtol=1e-4)


def test_results_stand_where_their_case_was() -> None:
    own = chips.rows(("leaky", "accumulating", "dpi"), "lif", (0.1, 0.2))
    assert len(own) == len(set(own)) == 2 * (6 + 2)
    config = dataclasses.replace(CONFIG, levels=(0.1, 0.2))
    parameters = [*chips.SINGLE, chips.ALL]
    places = measuring._places(config, "lif", own, parameters)
    assert len(places) == 2 * 6 * 2
    for f, p, k, row in places:
        form, name, level = own[row - 1]
        assert (name, level) == (parameters[p], config.levels[k])
        assert form == (config.forms[f] if name in ("tau", chips.ALL) else "leaky")


def test_35_mv_are_35_mv_through_weak_inversion() -> None:
    cases, made = chips.circuit_cases(CONFIG), chips.transistor()
    side = cases["35 mV, all transistors"]["imperfections.input_to_hidden.width"]
    assert float(made.log_spread(side, side, 300.0)) == pytest.approx(35.0 / (float(made.n) * 25.852), rel=5e-3)
    only = cases["35 mV, threshold current"]
    assert only["imperfections.input_to_hidden.width"] == chips.EXACT
    assert (only["imperfections.neurons.width"] < 1.0).tolist() == [True, False, False]  # spike, tau, th in this order
    assert chips.circuits()["neurons"].currents == ("spike", "tau", "th")
    assert chips.at_area(0.2, 1.0) == pytest.approx(0.2)
    assert np.log1p(chips.at_area(0.2, 4.0) ** 2) == pytest.approx(np.log1p(0.04) / 4)


def test_margins_and_crossings() -> None:
    readouts = np.array([[[0.1, 0.9, 0.3], [2.0, 1.0, 1.5]]])
    np.testing.assert_allclose(measuring.margins(readouts, np.array([1, 2])), [[0.6, -0.5]])
    strengths = np.array([1.0, 10.0, 100.0])
    assert estimates.crossing(strengths, np.array([0.0, 0.0, 2.0]), 1.0) == pytest.approx(10**1.5)
    assert np.isnan(estimates.crossing(strengths, np.array([0.0, 0.1, 0.2]), 1.0))
    assert np.isnan(estimates.crossing(strengths, np.array([2.0, 3.0, 4.0]), 1.0))


def test_a_hundred_runs_are_judged_by_batches() -> None:
    import xarray

    rng = np.random.default_rng(0)
    loud, still = rng.normal(0.8, 0.05, (4, 4000)), rng.normal(0.8, 0.001, (4, 4000))
    found = [estimates.hundred(xarray.Dataset({"accuracy": (("seed", "device"), x)})) for x in (loud, still)]
    # standard error of a mean of 100: 0.5 points, which is the tolerance
    assert np.mean(found[0]["mean"]) == pytest.approx(68.3, abs=12)
    assert np.all(found[1]["mean"] == 100.0)
    assert np.mean(found[0]["SD"]) == pytest.approx(84, abs=8)  # relative error 7.1 % against 10 %
    assert np.mean(found[0]["95 % yield"]) < 80
    assert np.all(found[1]["1 % quantile"] == 100.0)


def made_up(*, good: bool) -> Any:
    """Data in which all claims hold, or all are refuted."""
    import xarray

    rng, n = np.random.default_rng(1), 150
    label = rng.integers(0, 9, (2, n))
    dims = ("task", "form", "parameter", "level", "seed", "device", "sample")
    shape = (2, 3, 6, 3, SEEDS, 6, n)
    share = np.array([0.3, 0.1, 0.1, 0.1, 0.1, 0.4]) if good else np.array([0.1, 0.1, 0.3, 0.1, 0.1, 0.4])
    flipped = rng.random(shape) < share[None, None, :, None, None, None, None]
    cost = 0.05 if good else 0.2
    flipped[:, :, 1, 0] = rng.random(flipped[:, :, 1, 0].shape) < cost
    whole = np.broadcast_to(label[:, None, None, None, None, None], shape)
    single = xarray.Dataset(
        {"answer": (dims, (whole + flipped) % 9), "label": (("task", "sample"), label),
         "nominal": (("task", "form", "seed", "sample"), np.broadcast_to(label[:, None, None], (2, 3, SEEDS, n))),
         "margin_lost": ((*dims[:5], "sample"), flipped.mean(axis=5))},
        {"task": ["mnist", "vowels"], "form": list(chips.FORMS), "parameter": [*chips.SINGLE, chips.ALL],
         "level": list(CONFIG.levels)},
    )  # fmt: skip
    return {"single": single, "joint": _joint(rng, n, good), "repairs": _repairs(rng, n, good),
            "circuits": _circuits(rng, n, good), "words": _words(rng, n, good), "pool": _pool(rng, good)}  # fmt: skip


def _joint(rng: Any, n: int, good: bool) -> Any:
    import xarray

    names = ["0.05", "0.1", "0.2", "larger"]
    shape = (2, 3, SEEDS, 2, 4, 32)
    base = np.full(shape, 0.8)
    if good:
        base[:, 1:] += 0.05
        base[..., 1, :, :] = np.maximum(base[..., 1, :, :], 0.88)
        base[..., 3, :] -= 0.02
    else:
        base[:, 1:] -= 0.05
        base[..., 3, :] += 0.12
    accuracy = base + 0.05 * rng.normal(size=shape)
    correct = base.mean(axis=-1)[..., None] + 0.01 * rng.normal(size=(*shape[:5], n))
    cut = 0.45 if good else 0.1
    together = 0.9 - (1 - cut) * (0.9 - 0.8) * np.ones((2, 3, SEEDS, 2, n))
    together += 0.01 * rng.normal(size=together.shape)
    z = np.linspace(-1, 1, 16)
    one = accuracy[:, :, :, 0, 2].std(axis=-1, ddof=1)[..., None]
    ensembles = 0.8 + (1 - cut) * one[..., None] * (z / z.std(ddof=1)) * np.ones((2, 3, SEEDS, 2, 1))
    nominal = np.broadcast_to(np.arange(n) < 0.9 * n, (2, 3, SEEDS, n))
    dims = ("task", "training", "seed")
    return xarray.Dataset(
        {"accuracy": ((*dims, "repair", "spread", "device"), accuracy), "correct": ((*dims, "repair", "spread", "sample"), correct),
         "nominal": ((*dims, "sample"), nominal), "ensemble_accuracy": ((*dims, "rule", "ensemble"), ensembles),
         "ensemble_correct": ((*dims, "rule", "sample"), together)},
        {"task": ["mnist", "vowels"], "training": list(tasks.TRAININGS), "repair": ["none", "output gain"], "spread": names,
         "cv": ("spread", [0.05, 0.1, 0.2, 0.1]), "rule": ["mean", "vote"]},
    )  # fmt: skip


def _repairs(rng: Any, n: int, good: bool) -> Any:
    import xarray

    correct = 0.8 + 0.01 * rng.normal(size=(SEEDS, 3, 2, n))
    correct[:, 1] += 0.05 if good else -0.05
    return xarray.Dataset(
        {"correct": (("seed", "trim", "output", "sample"), correct), "nominal": (("seed", "sample"), np.ones((SEEDS, n), bool))},
        {"trim": ["none", "threshold", "bias"], "output": ["as it is", "calibrated"], "measurements": ("trim", [0, 400, 400])},
    )  # fmt: skip


def _of_cases(rng: Any, n: int, losses: dict[str, float]) -> Any:
    import xarray

    right = np.array([0.9 - loss for loss in losses.values()])
    correct = right[None, :, None] + 0.005 * rng.normal(size=(SEEDS, len(right), n))
    accuracy = right[None, :, None] + 0.02 * rng.normal(size=(SEEDS, len(right), 5))
    dims = ("seed", "case")
    return xarray.Dataset(
        {"correct": ((*dims, "sample"), correct), "changed": ((*dims, "sample"), 0.1 + 0 * correct),
         "accuracy": ((*dims, "device"), accuracy)}, {"case": list(losses)},
    )  # fmt: skip


def _circuits(rng: Any, n: int, good: bool) -> Any:
    found = dict.fromkeys(chips.circuit_cases(CONFIG), 0.02) | {"nominal": 0.0}
    found["mismatch at 350 K"] = 0.1 if good else 0.01
    found["35 mV, all transistors"] = 0.05 if good else 0.5
    return _of_cases(rng, n, found)


def _words(rng: Any, n: int, good: bool) -> Any:
    found = dict.fromkeys(measuring.word_cases(CONFIG), 0.02) | {"nominal": 0.0, "eight 0": 0.0}
    found |= {"bits 6": 0.01, "bits 4": 0.01} if good else {"bits 6": 0.05, "bits 4": 0.05}
    for cv in CONFIG.analog:
        power = np.log10(cv**2)
        found[f"analog {cv:g}"] = 0.8 / (1 + np.exp(-3.0 * (power - 0.3) / (1 if good else 0.2)))
    for share in CONFIG.digital:
        power = np.log10(share)
        found[f"digital {share:g}"] = 0.8 / (1 + np.exp(-3.0 * (power + 1.7) / (0.2 if good else 1)))
    return _of_cases(rng, n, found)


def _pool(rng: Any, good: bool) -> Any:
    import xarray

    spread = 1e-4 if good else 0.2
    values = 0.8 + spread * rng.standard_t(3, (SEEDS, 1600))
    if good:  # a batch has the yields of all
        values = np.tile(np.sort(rng.normal(0.8, spread, (SEEDS, 100)), axis=1), (1, 16))
    return xarray.Dataset({"accuracy": (("seed", "device"), values)})


def test_widths_of_failing_are_decades_of_error_power() -> None:
    """Losses that are logistic in the logarithm of power, of a slope per decade: ends in closed form."""
    config = dataclasses.replace(
        CONFIG, analog=tuple(np.geomspace(0.05, 20.0, 40)), digital=tuple(np.geomspace(1e-5, 0.9, 40))
    )
    losses = dict.fromkeys(("nominal", "eight 0"), 0.0)
    for kind, strengths, power, middle, slope in (
        ("analog", config.analog, 2.0, 0.0, 4.0), ("digital", config.digital, 1.0, -2.0, 5.0),
    ):  # fmt: skip
        for strength in strengths:
            losses[f"{kind} {strength:g}"] = 0.8 / (1 + np.exp(-slope * (power * np.log10(strength) - middle)))
    words = _of_cases(np.random.default_rng(0), 10, losses)
    words["correct"] = words["correct"].mean("seed").expand_dims(seed=SEEDS).transpose("seed", "case", "sample")
    right = 100 * words["correct"].sel(case="eight 0").mean("sample").values
    found = estimates.widths(words, config)
    for kind, slope in (("analog", 4.0), ("digital", 5.0)):
        odds = [np.log(loss / (80.0 - loss)) for loss in (5.0, 0.5 * (right.mean() - 10.0))]
        np.testing.assert_allclose(found[kind], (odds[1] - odds[0]) / slope, rtol=0.1)


def test_what_ensembles_cut_is_the_share_that_is_gone() -> None:
    joint = _joint(np.random.default_rng(2), 150, True)
    for what in ("spread", "loss"):
        np.testing.assert_allclose(estimates.ensemble_cut(joint, CONFIG, what), 45.0, atol=2.5)


@pytest.mark.parametrize("good", [True, False])
def test_the_judges_say_yes_and_no(good: bool) -> None:
    data, config = made_up(good=good), dataclasses.replace(CONFIG, images=150)
    found = {claim.name: claim.judge(data, config).verdict for claim in module.CLAIMS}
    wanted = Verdict.REPRODUCED if good else Verdict.NOT_REPRODUCED
    assert {name: verdict for name, verdict in found.items() if verdict is not wanted} == {}


@pytest.mark.slow
def test_there_is_a_table_of_every_part() -> None:
    found = summaries.tables(made_up(good=True), dataclasses.replace(CONFIG, images=150))
    wanted = {
        "parameters",
        "trainings",
        "redundancy",
        "trims",
        "circuits",
        "words",
        "iso_loss",
        "failing",
        "hundred_runs",
    }
    assert {name for name, table in found.items() if len(table)} == wanted
    assert found["iso_loss"]["bits, at least"].tolist()[1:] == [2.0, 2.0]


@pytest.mark.slow
def test_what_costs_less_than_a_point_is_not_ranked_and_what_was_left_out_stays_open() -> None:
    data = made_up(good=True)
    single = data["single"]
    quiet = single.assign(answer=(single["answer"].dims, np.broadcast_to(
        single["nominal"].values[:, :, None, None, :, None], single["answer"].shape)))  # fmt: skip
    judged = module.CLAIMS[0].judge({**data, "single": quiet}, CONFIG)
    assert judged.verdict is Verdict.UNDECIDED
    table = summaries.parameters(quiet)
    assert set(table["rank"]) == {"no effect"}
    ranked = summaries.parameters(single)
    first = ranked[(ranked["rank"] == "1")]
    assert set(first["parameter"]) == {"tau"}
    for claim in module.CLAIMS:
        assert claim.judge({}, CONFIG).why == NOT_MEASURED


def test_configurations_without_meaning_are_refused() -> None:
    for change, said in (
        ({"tasks": ("vowels", "mnist")}, "tasks must begin with images"),
        ({"forms": ("dpi",)}, "forms must have leaky"),
        ({"trainings": ("noise",)}, "trainings must begin with plain"),
        ({"joint_chips": 7}, "at least two ensembles"),
    ):
        with pytest.raises(ValueError, match=said):
            dataclasses.replace(CONFIG, **change)


def test_members_are_chips_of_their_own_network() -> None:
    """Member ``n chips + k`` has the weights of network n, its own leaves and a key of its own, that of the device of its number."""
    config = dataclasses.replace(module.TINY, hidden=3)
    sim = tasks.simulation("mnist", tasks.network("mnist", "lif", config, 0), config)
    path, tau = "network.hidden_to_output.weights", "network.hidden.neuron.tau_mem"
    weights = jnp.arange(60.0).reshape(2, 10, 3)
    axis = chips.Chips({path: weights}, 4, {tau: jnp.arange(1.0, 25.0).reshape(8, 3)})
    assert axis.size == 8
    for member in (0, 3, 4, 7):
        moved, address = axis.apply(sim, jn.Address.of({}), jnp.uint32(member), random.root(0))
        np.testing.assert_array_equal(jn.paths.get(moved, path), weights[member // 4])
        assert jn.paths.get(moved, tau).tolist() == [3.0 * member + k for k in (1, 2, 3)]
        assert int(address.indices["device"]) == member


@pytest.mark.slow
def test_trims_bring_spikes_of_chips_nearer_to_those_as_programmed() -> None:
    config = dataclasses.replace(module.TINY, hidden=6, chips=3, networks=2, levels=(0.3,))
    bench: Any = measuring.Bench(config, None)  # type: ignore[arg-type]  # random weights will do
    made = [tasks.network("mnist", "lif", config, seed) for seed in range(2)]
    weights = {
        f"network.{name}.weights": jnp.stack([n.projections[name].weights for n in made])
        for name in tasks.weights("mnist")
    }
    bench.weights = lambda *args: weights
    sim, shown, plain = (
        repairs.simulation(bench, "mnist"),
        bench.shown["mnist"].calibration,
        repairs.on_chips(bench, "mnist"),
    )
    nominal = jn.paths.replace(sim, dict(chips.spread("mnist", "leaky", chips.ALL, 0.0)))
    wanted = repairs.counts(nominal, plain, shown, 3)
    assert len(np.unique(wanted, axis=0)) == 2  # chips as programmed are alike, networks are not
    before = np.abs(repairs.counts(sim, plain, shown, 3) - wanted).sum()
    for option in repairs.REPAIRS:
        on = repairs.trimmed(sim, option, plain, wanted, shown, 3, readings=5)
        assert np.abs(repairs.counts(sim, on, shown, 3) - wanted).sum() < 0.6 * before


@pytest.mark.slow
def test_every_part_at_its_smallest_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("circuit_robustness")
    config = dataclasses.replace(
        loaded.preset("tiny"), tasks=("mnist", "vowels"), forms=chips.FORMS, parts=measuring.PARTS,
        trainings=("plain", "variation"),
    )  # fmt: skip
    run = run_study(loaded, config, tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
