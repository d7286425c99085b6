"""A network as a batched function."""

import jax
import numpy as np
import pytest

import jaxsnn_noise as jn

SOURCE = jn.noise.VoltageNoise(jn.noise.PerStep(0.1))
NETWORK = jn.networks.feedforward(
    [4, 20, 3], key=0, noise={"x": SOURCE}, neuron=lambda n: jn.neurons.LIF(n, tau_mem=4.0)
)
BATCH = np.random.default_rng(0).random((6, 4)).astype(np.float32)
STATS = {
    "output": jn.statistics.Mean("v", population="output"),
    "spikes": jn.statistics.Raster(population="hidden"),
}


@pytest.fixture(scope="module")
def whole():
    return jn.apply(NETWORK, BATCH, key=5, statistics=STATS)


@pytest.mark.slow
def test_the_default_readout_is_the_mean_potential_of_the_last_population(whole):
    out = jn.apply(NETWORK, BATCH, key=5)["output"]
    assert out.shape == (6, 3)
    np.testing.assert_array_equal(out, whole["output"])
    assert len(np.unique(np.asarray(out))) == 18


@pytest.mark.slow
def test_a_sample_is_that_member_of_a_simulation(whole):
    sim = jn.Simulation(
        NETWORK,
        {"input": jn.coding.Constant(BATCH[4])},
        duration=25.0,
        dt=1.0,
        statistics=STATS,
    )
    one = jn.simulate(sim, key=5, address={"sample": 4}, backend=jn.Scan(schedule=jn.ByComponent()))
    np.testing.assert_array_equal(one["spikes"], whole["spikes"][4])
    np.testing.assert_allclose(one["output"], whole["output"][4], rtol=1e-4, atol=1e-5)
    assert np.unpackbits(np.asarray(one["spikes"])).sum() > 10


@pytest.mark.slow
def test_another_key_gives_other_noise_and_the_same_key_the_same(whole):
    same, other = (jn.apply(NETWORK, BATCH, key=k, statistics=STATS) for k in (5, jax.random.key(6)))
    np.testing.assert_array_equal(same["spikes"], whole["spikes"])
    assert np.any(np.asarray(other["spikes"]) != np.asarray(whole["spikes"]))


def test_it_is_differentiable_through_spikes():
    path = "input_to_hidden.weights"

    def loss(weights):
        return (jn.apply(jn.paths.replace(NETWORK, {path: weights}), BATCH, key=5)["output"] ** 2).sum()

    slope = np.asarray(jax.grad(loss)(jn.paths.get(NETWORK, path)))
    assert slope.shape == (20, 4)
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() > 0


def test_a_spiking_output_is_read_by_its_count_and_trains_are_encoded():
    network = jn.networks.feedforward([4, 5], key=1, readout=jn.neurons.LIF, gain=30.0)
    trains = (np.random.default_rng(1).random((6, 25, 4)) < 0.3).astype(np.float32)
    counts = jn.apply(network, trains, key=0, encode=jn.coding.SpikeTrain)["output"]
    assert counts.shape == (6, 5)
    assert float(counts.sum()) > 0


def test_several_possible_outputs_are_told():
    parts = {"input": jn.Port(2), "a": jn.Population(jn.neurons.LIF(2)), "b": jn.Population(jn.neurons.LIF(2))}
    network = jn.Network(parts, {"x": jn.synapses.Dense("input", "a", np.eye(2))})
    with pytest.raises(jn.InputError, match=r"apply.statistics: must be given"):
        jn.apply(network, np.zeros((2, 2)), key=0)


def test_a_batch_of_another_width_is_told():
    with pytest.raises(jn.InputError, match=r"inputs.input.values: must .*\(4,\)"):
        jn.apply(NETWORK, BATCH[:, :3], key=0)
