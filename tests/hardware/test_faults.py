"""Every fault against a network by hand, in whole numbers of NumPy: each spike, and each potential to the bit."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_proportion, negative_control
from jaxsnn_noise import hardware, paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.member import impaired
from jaxsnn_noise.hardware import Scattered, SingleSite
from jaxsnn_noise.hardware.imperfection import check_all

INPUTS, HIDDEN, OUTPUTS, STEPS = 6, 5, 4, 24
FEED, ONWARD = "network.feed.weights", "network.onward.weights"
RNG = np.random.default_rng(5)
SPIKES = RNG.random((STEPS, INPUTS)) < 0.5
W1 = RNG.integers(-60, 128, (HIDDEN, INPUTS))
W1[0, 0], W1[2, 3] = 127, 0
W2 = RNG.integers(-60, 128, (OUTPUTS, HIDDEN))
W2[1, 1] = 127
THRESHOLDS = {"hidden": 300, "out": 150}
NEURONS, SYNAPSES = ("hidden", "out"), (FEED, ONWARD)

NOWHERE = {
    "dead": hardware.DeadNeurons(NEURONS, SingleSite(-1)),
    "saturated": hardware.SaturatedNeurons(NEURONS, SingleSite(-1)),
    "stuck": hardware.StuckNeurons(NEURONS, SingleSite(-1), level=0.5),
    "while": hardware.SaturatedNeurons(NEURONS, SingleSite(-1), start=5.0, duration=7.0),
    "threshold": hardware.ParameterFaults(
        [f"network.{name}.neuron.v_threshold" for name in NEURONS], SingleSite(-1), low=2.0, high=2.0
    ),
    "none": hardware.DeadSynapses(SYNAPSES, SingleSite(-1)),
    "high": hardware.SaturatedSynapses(SYNAPSES, SingleSite(-1)),
    "low": hardware.SaturatedSynapses(SYNAPSES, SingleSite(-1), high=False, reach=3.0),
    "held": hardware.StuckSynapses(SYNAPSES, SingleSite(-1), level=-40.0),
    "factor": hardware.PerturbedSynapses(SYNAPSES, SingleSite(-1), low=3.0, high=3.0),
    "flip": hardware.FlippedBits(SYNAPSES, SingleSite(-1), full_scale=127.0),
}


def network(hidden: Any = None, out: Any = None) -> jn.Network:
    layers = {
        "hidden": hidden or jn.neurons.IF(HIDDEN, v_threshold=THRESHOLDS["hidden"], refractory=2.0),
        "out": out or jn.neurons.IF(OUTPUTS, v_threshold=THRESHOLDS["out"]),
    }
    populations = {"image": jn.Port(INPUTS)} | {name: jn.Population(neuron) for name, neuron in layers.items()}
    feed = jn.synapses.Dense("image", "hidden", W1)
    return jn.Network(populations, {"feed": feed, "onward": jn.synapses.Dense("hidden", "out", W2, delay=0.0)})


def simulation(**imperfections: Any) -> jn.Simulation:
    shown = {name: jn.statistics.Trace(("spikes", "v"), population=name) for name in NEURONS}
    given = {"image": jn.coding.SpikeTrain(SPIKES.astype(np.float32))}
    return jn.Simulation(network(), given, duration=float(STEPS), dt=1.0, statistics=shown, imperfections=imperfections)


ALL = simulation(**NOWHERE)


def found(sim: jn.Simulation) -> dict[str, np.ndarray]:
    shown = jn.simulate(sim, key=0)
    return {f"{name}.{what}": np.asarray(shown[name][what]) for name in NEURONS for what in ("spikes", "v")}


def by_hand(
    w1: np.ndarray = W1, w2: np.ndarray = W2, thresholds: Any = THRESHOLDS, held: Any = lambda name, neuron, step: None
) -> dict[str, np.ndarray]:
    """Whole numbers throughout; halves where an output is stuck at one."""
    v = {"hidden": np.zeros(HIDDEN), "out": np.zeros(OUTPUTS)}
    waits = {"hidden": np.zeros(HIDDEN, int), "out": np.zeros(OUTPUTS, int)}
    shown: dict[str, list[Any]] = {f"{name}.{what}": [] for name in NEURONS for what in ("spikes", "v")}
    for step in range(STEPS):
        sent = SPIKES[step].astype(float)
        for name, w, hold in (("hidden", w1, 2), ("out", w2, 0)):
            free = waits[name] == 0
            v[name] = np.where(free, v[name] + w @ sent, v[name])
            own = free & (v[name] >= thresholds[name])
            shown[f"{name}.v"].append(v[name].copy())
            waits[name] = np.where(own, hold, np.maximum(waits[name] - 1, 0))
            v[name] = np.where(own, 0, v[name])
            sent = own.astype(float)
            for neuron in range(len(sent)):
                level = held(name, neuron, step)
                sent[neuron] = sent[neuron] if level is None else level
            shown[f"{name}.spikes"].append(sent)
    return {k: np.array(rows) for k, rows in shown.items()}


HEALTHY = by_hand()


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for k, rows in other.items():
        np.testing.assert_array_equal(one[k], rows, err_msg=k)


def differs(one: dict[str, np.ndarray]) -> bool:
    return any(np.any(one[k] != HEALTHY[k]) for k in HEALTHY)


def with_site(name: str, site: int) -> dict[str, np.ndarray]:
    return found(paths.replace(ALL, {f"imperfections.{name}.sites.site": site}))


@pytest.mark.slow
def test_no_site_is_a_healthy_network_that_fires():
    assert HEALTHY["hidden.spikes"].sum(0).min() >= 2
    assert HEALTHY["out.spikes"].sum(0).min() >= 2
    assert_same(found(ALL), HEALTHY)


HELD = [
    (k, level, s)
    for k, level in (("dead", 0.0), ("saturated", 1.0), ("stuck", 0.5), ("while", 1.0))
    for s in (0, 3, 5, 8)
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "level", "site"), HELD)
def test_a_held_output_is_what_targets_see_and_the_membrane_goes_on(name, level, site):
    layer, neuron = ("hidden", site) if site < HIDDEN else ("out", site - HIDDEN)
    there = lambda step: name != "while" or 5 <= step < 12  # noqa: E731
    expected = by_hand(held=lambda n, i, step: level if (n, i) == (layer, neuron) and there(step) else None)
    assert differs(expected)
    assert_same(with_site(name, site), expected)


@pytest.mark.slow
@pytest.mark.parametrize("site", [1, HIDDEN + 2])
def test_a_parameter_of_a_neuron_is_off_by_its_factor(site):
    levels = {"hidden": np.full(HIDDEN, 300), "out": np.full(OUTPUTS, 150)}
    layer, neuron = ("hidden", site) if site < HIDDEN else ("out", site - HIDDEN)
    levels[layer][neuron] *= 2
    expected = by_hand(thresholds=levels)
    assert differs(expected)
    assert_same(with_site("threshold", site), expected)


def end_of(w: np.ndarray, reach: float, high: bool) -> float:
    first, third = np.quantile(w[w != 0], [0.25, 0.75])
    beyond = reach * (third - first)
    return np.ceil(third + beyond) + 1 if high else np.floor(first - beyond) - 1


SETS = {
    "none": lambda w: 0,
    "high": lambda w: end_of(w, 1.5, True),
    "low": lambda w: end_of(w, 3.0, False),
    "held": lambda w: -40,
    "factor": lambda w: 3 * w,
}


WEIGHTS = [(name, site) for name in SETS for site in (0, 7, INPUTS * HIDDEN + 6)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "site"), WEIGHTS)
def test_a_weight_is_what_its_fault_says(name, site):
    faulty = [W1.astype(float), W2.astype(float)]
    layer, place = divmod(site, INPUTS * HIDDEN)
    w = faulty[layer]
    value = SETS[name](w)
    w.flat[place] = value.flat[place] if name == "factor" else value
    expected = by_hand(*faulty)
    assert differs(expected)
    assert_same(with_site(name, site), expected)


BITS = [(place, bit) for place in (0, 7, INPUTS * HIDDEN + 6) for bit in (0, 3, 6, 7)]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "bit"), BITS)
def test_a_flipped_bit_is_an_exclusive_or_of_a_signed_byte(place, bit):
    faulty = [W1.astype(np.int8), W2.astype(np.int8)]
    layer, index = divmod(place, INPUTS * HIDDEN)
    faulty[layer].view(np.uint8).flat[index] ^= np.uint8(1 << bit)
    expected = by_hand(*(w.astype(float) for w in faulty))
    assert_same(with_site("flip", 8 * place + bit), expected)
    assert bit < 6 or differs(expected)


@pytest.mark.slow
def test_a_weight_of_exactly_zero_is_no_synapse_unless_the_crossbar_has_a_device_everywhere():
    site = 2 * INPUTS + 3
    for name in ("high", "held"):
        assert_same(with_site(name, site), HEALTHY)
    assert_same(with_site("flip", 8 * site + 6), HEALTHY)
    key = random.root(0)
    for fault in (
        hardware.StuckSynapses(FEED, SingleSite(site), level=-40.0, everywhere=True),
        hardware.FlippedBits(FEED, SingleSite(8 * site + 3), full_scale=127.0, everywhere=True),
    ):
        weights = np.asarray(fault.apply(ALL.network, key).projections["feed"].weights)
        changed = W1.copy()
        changed[2, 3] = -40 if isinstance(fault, hardware.StuckSynapses) else 8
        np.testing.assert_array_equal(weights, changed)


def scattered(cls: Any, fraction: Any, **options: Any) -> Any:
    layers = NEURONS if issubclass(cls, hardware.DeadNeurons | hardware.SaturatedNeurons) else SYNAPSES
    return cls(layers, Scattered(fraction), **options)


def chip(fault: Any, key: Any = 3) -> Any:
    return fault.apply(ALL.network, random.root(key))


@pytest.mark.slow
def test_fractions_zero_and_one_are_none_and_all_and_each_layer_has_its_own():
    for fraction, expected in (([0.0, 1.0], (0, 1)), ([1.0, 0.0], (1, 0)), (1.0, (1, 1)), (0.0, (0, 0))):
        changed = chip(scattered(hardware.DeadSynapses, fraction))
        for w, weights, all_of in zip(("feed", "onward"), (W1, W2), expected, strict=True):
            np.testing.assert_array_equal(changed.projections[w].weights, 0 * weights if all_of else weights)
        failed = chip(scattered(hardware.SaturatedNeurons, fraction))
        for name, all_of in zip(NEURONS, expected, strict=True):
            assert np.all(np.isnan(failed.populations[name].failures[0].level)) != bool(all_of)


@pytest.mark.slow
def test_the_share_that_fails_is_the_fraction():
    weights = np.ones((200, 500), np.float32)
    big = jn.Network(
        {"a": jn.Port(500), "b": jn.Population(jn.neurons.IF(200))}, {"feed": jn.synapses.Dense("a", "b", weights)}
    )

    def check(amplitude: float) -> None:
        fault = hardware.DeadSynapses("network.feed.weights", Scattered(amplitude * 0.03))
        changed = fault.apply(big, random.root(1)).projections["feed"].weights
        assert_proportion(np.sum(np.asarray(changed) == 0), weights.size, 0.03)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_of_several_faults_of_a_neuron_the_last_holds_for_its_time():
    """In the order of names: a neuron that is dead fires for a while."""
    parts = {
        "a": hardware.DeadNeurons("out", SingleSite(1)),
        "b": hardware.SaturatedNeurons("out", SingleSite(1), start=3.0, duration=2.0),
    }
    expected = by_hand(held=lambda n, i, step: (1.0 if 3 <= step < 5 else 0.0) if (n, i) == ("out", 1) else None)
    assert_same(found(simulation(**parts)), expected)


@pytest.mark.slow
def test_a_dead_readout_gives_its_potential_at_rest_and_another_level_is_refused():
    readout = jn.neurons.LeakyIntegrator(OUTPUTS, v_rest=-2.0)
    sim = jn.Simulation(
        network(out=readout),
        {"image": jn.coding.SpikeTrain(SPIKES.astype(np.float32))},
        duration=float(STEPS),
        dt=1.0,
        statistics={"v": jn.statistics.Trace("v", population="out")},
    )
    healthy = np.asarray(jn.simulate(sim, key=0)["v"]["v"])

    def with_fault(**parts: Any) -> jn.Simulation:
        return jn.Simulation(
            sim.network, sim.inputs, duration=sim.duration, dt=1.0, statistics=sim.statistics, imperfections=parts
        )

    broken = np.asarray(jn.simulate(with_fault(x=hardware.DeadNeurons("out", SingleSite(2))), key=0)["v"]["v"])
    np.testing.assert_array_equal(broken[:, 2], -2.0)
    np.testing.assert_array_equal(np.delete(broken, 2, 1), np.delete(healthy, 2, 1))
    assert np.any(healthy[:, 2] != -2.0)
    for fault in (
        hardware.SaturatedNeurons("out", Scattered(0.1)),
        hardware.StuckNeurons("out", Scattered(0.1), level=0.0),
    ):
        with pytest.raises(InputError, match=r"^imperfections.x.populations: must fire: out is a readout"):
            with_fault(x=fault)


@pytest.mark.slow
def test_decisions_and_times_inside_a_step_of_a_held_output_are_certain():
    cells = jn.Population(
        jn.neurons.LIF(3, refractory=2.0),
        noise={"v": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))},
        firing=jn.firing.BridgeThreshold(times=True),
    )
    reads = jn.statistics.Trace(("spikes", "inside", "probability", "log_probability"), population="cells")
    parts = {"a": hardware.DeadNeurons("cells", SingleSite(0)), "b": hardware.SaturatedNeurons("cells", SingleSite(1))}
    sim = jn.Simulation(
        jn.Network({"cells": cells}),
        {"cells": jn.coding.Constant(1.5)},
        duration=40.0,
        dt=0.5,
        statistics={"x": reads},
        imperfections=parts,
    )
    shown = {k: np.asarray(v) for k, v in jn.simulate(sim, key=0)["x"].items()}
    for neuron, level in ((0, 0.0), (1, 1.0)):
        assert np.all(shown["spikes"][:, neuron] == level)
        assert np.all(shown["inside"][:, neuron] == 0.5 * level)
        assert np.all(shown["probability"][:, neuron] == level)
        assert np.all(shown["log_probability"][:, neuron] == 0)
    assert 0 < shown["spikes"][:, 2].mean() < 1


@pytest.mark.slow
def test_chips_are_those_of_the_engine_and_keep_their_faults_along_a_sweep():
    sim = simulation(x=hardware.DeadSynapses(FEED, Scattered(0.3)))
    keys = Keys(random.root(0), Address.of({"device": 2}), ())
    weights = np.asarray(impaired(sim, keys).projections["feed"].weights)
    assert 0 < np.sum(weights != W1) < W1.size
    more = np.asarray(
        impaired(paths.replace(sim, {"imperfections.x.sites.fraction": 0.6}), keys).projections["feed"].weights
    )
    assert np.all(more[weights != W1] == 0)
    assert np.sum(more != W1) > np.sum(weights != W1)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: hardware.DeadNeurons(NEURONS, Scattered(1.2)), r"^Scattered.fraction: must lie in \[0, 1\]"),
        (lambda: hardware.DeadNeurons(NEURONS, Scattered(-0.1)), r"^Scattered.fraction: must lie in \[0, 1\]"),
        (lambda: hardware.DeadNeurons(NEURONS, Scattered([0.1, 0.1, 0.1])), r"^imperfections.x.sites.fraction: must be one number, or one for each of the 2 layers"),
        (lambda: hardware.DeadNeurons(NEURONS, SingleSite(9)), r"^imperfections.x.sites.site: must be a site of the layers hidden \(5\), out \(4\): in \[-1, 8\]; got 9"),
        (lambda: hardware.FlippedBits(FEED, SingleSite(8 * 30)), r"^imperfections.x.sites.site: must be a site .*\(5x6x8\)"),
        (lambda: SingleSite(0.5), r"^SingleSite.site: must be a whole number"),
        (lambda: SingleSite(-2), r"^SingleSite.site: must be a whole number"),
        (lambda: hardware.DeadNeurons("hiden", Scattered(0.1)), r"^imperfections.x.populations: unknown name; got 'hiden'.*hidden"),
        (lambda: hardware.DeadNeurons("image", Scattered(0.1)), r"^imperfections.x.populations: unknown name; got 'image'"),
        (lambda: hardware.DeadNeurons(["out", "out"], Scattered(0.1)), r"^DeadNeurons.populations: must name at least one layer, and each once"),
        (lambda: hardware.DeadNeurons("out", Scattered(0.1), start=-1.0), r"^DeadNeurons.start: must be finite and >= 0 \[ms\]"),
        (lambda: hardware.StuckNeurons("out", Scattered(0.1), level=1.5), r"^StuckNeurons.level: must lie in \[0, 1\]"),
        (lambda: hardware.DeadSynapses("network.feed", Scattered(0.1)), r"^imperfections.x.paths.path: must lead to a parameter"),
        (lambda: hardware.FlippedBits(FEED, Scattered(0.1), bits=25), r"^FlippedBits.bits: must be a whole number <= 24"),
        (lambda: hardware.FlippedBits(FEED, Scattered(0.1), bits=1), r"^FlippedBits.bits: must be a whole number >= 2"),
        (lambda: hardware.PerturbedSynapses(FEED, Scattered(0.1), low=2.0, high=1.0), r"^imperfections.x.high: must be at least low = 2"),
        (lambda: hardware.ParameterFaults("network.hidden.neuron.refractory", Scattered(0.1), low=-1.0), r"^ParameterFaults.low"),
        (lambda: hardware.ParameterFaults("network.hidden.neuron.v_threshold", Scattered(0.1), low=0.0), r"^imperfections.x: must keep network.hidden.neuron.v_threshold in its range"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_the_reason(fault, message):
    with pytest.raises(InputError, match=message):
        fault().check("imperfections.x", ALL.network)


@pytest.mark.parametrize("name", NOWHERE)
def test_a_fault_that_is_known_to_be_nowhere_is_idle_and_changes_no_value(name):
    """A check of what comes after it need not try it."""
    fault, whole = NOWHERE[name], network()
    assert fault.idle
    assert not eqx.tree_at(lambda f: f.sites.site, fault, jnp.int32(0)).idle
    assert not eqx.tree_at(lambda f: f.sites, fault, Scattered(0.0)).idle
    left = fault.apply(whole, random.root(0))
    for path in paths.leaves({"network": whole}):
        np.testing.assert_array_equal(paths.get({"network": left}, path), paths.get({"network": whole}, path))


def test_what_comes_after_a_fault_is_checked_as_it_leaves_the_network():
    """A weight that is stuck doubles the range of what is written next."""
    stuck = {
        "a": hardware.StuckSynapses(FEED, SingleSite(0), level=3e38),
        "b": hardware.PerturbedSynapses(FEED, SingleSite(-1)),
    }
    with pytest.raises(InputError, match=r"^imperfections.b: must keep network.feed.weights in its range"):
        check_all(stuck, network())
    check_all(stuck | {"a": hardware.StuckSynapses(FEED, SingleSite(-1), level=3e38)}, network())


@pytest.mark.slow
def test_weights_that_learn_or_conduct_stay_in_their_range():
    plastic = jn.synapses.PairSTDP("hidden", "hidden", np.full((HIDDEN, HIDDEN), 0.5), w_max=1.0, learning_rate=0.01)
    sim = jn.Simulation(
        jn.Network({"hidden": jn.Population(jn.neurons.IF(HIDDEN))}, {"loop": plastic}), duration=2.0, dt=1.0
    )
    for fault in (
        hardware.StuckSynapses("network.loop.weights", Scattered(0.1), level=1.5),
        hardware.SaturatedSynapses("network.loop.weights", Scattered(0.1)),
        hardware.PerturbedSynapses("network.loop.weights", Scattered(0.1)),
        hardware.FlippedBits("network.loop.weights", Scattered(0.1)),
    ):
        with pytest.raises(InputError, match=r"^x: must keep network.loop.weights in its range"):
            fault.check("x", sim.network)
    hardware.DeadSynapses("network.loop.weights", Scattered(0.1)).check("x", sim.network)
    assert jnp.all(plastic.weights == 0.5)


def transient(**options: Any) -> dict[str, Any]:
    """Faults of both layers of weights that last from step 5 to step 12."""
    span = {"start": 5.0, "duration": 7.0}
    return {
        "held": hardware.StuckSynapses(FEED, SingleSite(7), level=-40.0, **span),
        "flip": hardware.FlippedBits(ONWARD, SingleSite(8 * 6 + 7), full_scale=127.0, **span),
    } | options


def by_hand_for_a_time() -> dict[str, np.ndarray]:
    faulty = [W1.astype(float), W2.astype(np.int8)]
    faulty[0].flat[7] = -40
    faulty[1].view(np.uint8).flat[6] ^= np.uint8(128)

    class ForATime:
        """A matrix that is another one from step 5 to step 11."""

        def __init__(self, own, failed):
            self.own, self.failed, self.step = own, failed, -1

        def __matmul__(self, sent):
            self.step += 1
            return (self.failed if 5 <= self.step < 12 else self.own) @ sent

    return by_hand(ForATime(W1, faulty[0]), ForATime(W2, faulty[1].astype(float)))


@pytest.mark.slow
@pytest.mark.parametrize("schedule", [jn.ByStep(), jn.ByComponent()])
def test_weights_come_back_after_a_transient_fault(schedule):
    sim = simulation(**transient())
    expected = by_hand_for_a_time()
    assert differs(expected)
    shown = jn.simulate(sim, key=0, backend=jn.Scan(schedule=schedule))
    for name in NEURONS:
        for what in ("spikes", "v"):
            np.testing.assert_array_equal(shown[name][what], expected[f"{name}.{what}"])


@pytest.mark.slow
def test_a_constant_input_is_not_formed_once_while_its_weights_change():
    def counts(**parts: Any) -> np.ndarray:
        sim = jn.Simulation(
            network(), {"image": jn.coding.Constant(np.ones(INPUTS))}, duration=float(STEPS), dt=1.0,
            imperfections=parts, statistics={"v": jn.statistics.Trace("v", population="hidden")},
        )  # fmt: skip
        return np.asarray(jn.simulate(sim, key=0)["v"]["v"])

    healthy = counts()
    whole = counts(x=hardware.DeadSynapses(FEED, Scattered(1.0)))
    middle = counts(x=hardware.DeadSynapses(FEED, Scattered(1.0), start=3.0, duration=2.0))
    assert not whole.any()
    np.testing.assert_array_equal(middle[:3], healthy[:3])
    assert np.any(middle[3:5] != healthy[3:5])
    assert middle[5:].any()


@pytest.mark.slow
def test_two_transient_faults_of_one_projection_and_one_of_weights_that_learn_are_refused():
    two = transient(flip=hardware.FlippedBits(FEED, SingleSite(0), full_scale=127.0, start=1.0, duration=2.0))
    with pytest.raises(InputError, match=r"^network.feed: has one transient fault of its weights at a time"):
        jn.simulate(simulation(**two), key=0)
    plastic = jn.synapses.PairSTDP("hidden", "hidden", np.full((HIDDEN, HIDDEN), 0.5), w_max=1.0, learning_rate=0.01)
    net = jn.Network({"hidden": jn.Population(jn.neurons.IF(HIDDEN))}, {"loop": plastic})
    fault = hardware.DeadSynapses("network.loop.weights", Scattered(0.1), duration=5.0)
    with pytest.raises(InputError, match=r"^x.duration: must be None: loop keeps a state of its own"):
        fault.check("x", net)


@pytest.mark.slow
def test_a_chip_keeps_its_failures_when_it_is_taken_out_made_quiet_and_saved(tmp_path):
    parts = {"dead": hardware.DeadNeurons("hidden", Scattered(0.5)), **transient()}
    sim = simulation(**parts)
    grid = jn.Grid(sim, [jn.Devices(3)], key=0)
    one = jn.without_noise(jn.chip(grid, sel={"device": 1}))
    assert np.sum(~np.isnan(one.populations["hidden"].failures[0].level)) > 0
    assert len(one.failures) == 2
    jn.save(tmp_path / "chip", one)
    again = jn.load(tmp_path / "chip")
    alone = jn.Simulation(again, sim.inputs, duration=sim.duration, dt=1.0, statistics=sim.statistics)
    member = jn.simulate(sim, key=0, address={"device": 1})
    for name in NEURONS:
        np.testing.assert_array_equal(jn.simulate(alone, key=0)[name]["v"], member[name]["v"])


@pytest.mark.parametrize("name", [name for name, fault in NOWHERE.items() if getattr(fault, "paths", None) == SYNAPSES])
def test_the_check_of_a_fault_of_weights_is_one_program_for_each_layer(name: str) -> None:
    """Op by op, a network with every kind of fault took 70 compilations of 20 ms before it ran."""
    programs = []
    listen = lambda event, _, **__: programs.append(event)  # noqa: E731
    fault, net = NOWHERE[name], network()
    jax.clear_caches()
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        fault.check("imperfections.fault", net)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert programs.count("/jax/core/compile/backend_compile_duration") <= len(SYNAPSES)
