"""Networks: names, sizes, components, delays; and the ready-made ones."""

import itertools

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.schedules import components as components_of
from jaxsnn_noise.neurons import LIF, LeakyIntegrator
from jaxsnn_noise.synapses import Dense


def graph(*edges, ports=()):
    """A network of single neurons with the given edges ("ab": from a to b)."""
    names = sorted(set("".join(edges)))
    parts = {n: jn.Port(1) if n in ports else jn.Population(LIF(1)) for n in names}
    return jn.Network(parts, {f"to_{e}": Dense(e[0], e[1], [[1.0]]) for e in edges})


@pytest.mark.parametrize(
    ("edges", "components"),
    [
        (["ab", "bc"], [["a"], ["b"], ["c"]]),
        (["cb", "ba"], [["c"], ["b"], ["a"]]),
        (["ab", "ba", "bc"], [["a", "b"], ["c"]]),
        (["aa", "ab"], [["a"], ["b"]]),
        (["ab", "bc", "cd", "db"], [["a"], ["b", "c", "d"]]),
        (["ca", "cb", "ad", "bd"], [["c"], ["a"], ["b"], ["d"]]),
    ],
)
def test_components_come_in_the_order_of_what_flows(edges, components):
    network = graph(*edges)
    assert components_of(network) == components
    assert jn.ByStep().groups(network) == [sorted(set("".join(edges)))]
    assert jn.ByComponent().groups(network) == components


def test_ports_are_no_part_of_a_component():
    assert components_of(graph("pa", "ab", ports="p")) == [["a"], ["b"]]


def test_the_order_of_names_in_a_dictionary_means_nothing():
    a, b = jn.Population(LIF(1)), jn.Population(LIF(2))
    feed = {"x": Dense("a", "b", [[1.0], [1.0]]), "w": Dense("b", "a", [[1.0, 1.0]])}
    one = jn.Network({"a": a, "b": b}, feed)
    other = jn.Network({"b": b, "a": a}, dict(reversed(feed.items())))
    assert list(one.populations) == list(other.populations)
    assert list(one.projections) == list(other.projections) == ["w", "x"]


def test_values_of_one_part_are_refused_as_the_whole_network_refuses_them():
    """Every leaf in turn is not finite; and a threshold in mV meets a reversal that is not."""
    kinetics = jn.synapses.Conductance(5.0, reversal=0.5)
    network = jn.Network(
        {"a": jn.Population(LIF(2)), "b": jn.Population(LIF(3))},
        {"x": Dense("a", "b", np.full((3, 2), 0.1), kinetics=kinetics), "y": Dense("b", "a", np.ones((2, 3)))},
    )
    moves = {f"network.{path}": float("nan") for path in jn.paths.leaves(network)}
    for path, value in {**moves, "network.b.neuron.v_threshold": 20.0, "network.x.weights": -1.0}.items():
        leaf = jn.paths.get({"network": network}, path)
        moved = jn.paths.replace({"network": network}, {path: np.full(np.shape(leaf), value, np.float32)})["network"]
        with pytest.raises(InputError) as whole:
            moved.check("network")
        with pytest.raises(InputError) as part:
            moved.check_values("network", path.split(".")[1])
        assert str(part.value) == str(whole.value)
    for name in ("a", "b", "x", "y"):
        network.check_values("network", name)


def test_the_fan_out_counts_synapses_of_all_projections_of_a_population():
    parts = {"a": jn.Population(LIF(2)), "b": jn.Population(LIF(3))}
    network = jn.Network(
        parts, {"x": Dense("a", "b", [[1.0, 0.0], [0.5, 0.0], [0.0, 2.0]]), "y": Dense("a", "a", np.eye(2))}
    )
    np.testing.assert_array_equal(network.fan_out("a"), [3, 2])
    assert network.fan_out("b") is None


def test_delays_are_counted_in_steps():
    parts = {"a": jn.Population(LIF(1)), "p": jn.Port(1)}
    projections = {f"{s}_{d}": Dense(s, "a", [[1.0]], delay=d and float(d)) for s in "ap" for d in (None, 1, 3)}
    network = jn.Network(parts, {k.replace("None", "least"): v for k, v in projections.items()})
    steps = {k: network.delay_steps(k, 0.5) for k in network.projections}
    assert steps == {"a_least": 1, "a_1": 2, "a_3": 6, "p_least": 0, "p_1": 2, "p_3": 6}


@pytest.mark.parametrize(
    ("sizes", "names"),
    [
        ([4, 3], ["input", "output"]),
        ([4, 5, 3], ["input", "hidden", "output"]),
        ([4, 5, 6, 3], ["input", "hidden_1", "hidden_2", "output"]),
    ],
)
def test_feedforward_networks_have_the_layers_asked_for(sizes, names):
    network = jn.networks.feedforward(sizes, key=0)
    assert {n: network.populations[n].size for n in names} == dict(zip(names, sizes, strict=True))
    assert sorted(network.projections) == sorted(f"{a}_to_{b}" for a, b in itertools.pairwise(names))
    assert isinstance(network.populations["output"].neuron, LeakyIntegrator)


def test_feedforward_weights_have_the_spread_asked_for_and_follow_the_key():
    network = jn.networks.feedforward([400, 200, 10], key=3, gain=2.0)
    weights = np.asarray(network.projections["input_to_hidden"].weights, np.float64).ravel()
    assert_mean(weights, 0.0)
    assert_variance(weights, 4.0 / 400)
    negative_control(lambda a: assert_variance(a * weights, 4.0 / 400))
    same, other = (jn.networks.feedforward([400, 200, 10], key=k, gain=2.0) for k in (3, 4))
    np.testing.assert_array_equal(same.projections["input_to_hidden"].weights.ravel(), weights.astype(np.float32))
    assert np.any(np.asarray(other.projections["input_to_hidden"].weights).ravel() != weights.astype(np.float32))


def test_feedforward_takes_the_parts_that_it_is_given():
    source = jn.noise.VoltageNoise(jn.noise.PerStep(0.1))
    network = jn.networks.feedforward(
        [4, 5, 3],
        key=0,
        neuron=lambda n: LIF(n, tau_mem=7.0),
        readout=LIF,
        noise={"x": source},
        firing=jn.NoisyThreshold(0.1),
        prefilter=jn.coding.Relu(),
        kinetics=jn.synapses.Exponential(3.0),
    )
    hidden = network.populations["hidden"]
    assert float(hidden.neuron.tau_mem[0]) == 7
    assert isinstance(hidden.firing, jn.NoisyThreshold)
    assert isinstance(hidden.prefilter, jn.coding.Relu)
    assert list(hidden.noise) == ["x"]
    assert network.populations["output"].neuron.spiking
    assert isinstance(network.projections["hidden_to_output"].kinetics, jn.synapses.Exponential)
