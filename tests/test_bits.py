"""Which bits are promised: one test per line of the table in the documentation (explanation/random_numbers.md)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, layered, recurrent
from helpers.pace import slow_but

TRACE = {"v": jn.statistics.Trace(("v",))}


def run(sim: jn.Simulation, axes: list[Any], **options: Any) -> Any:
    return jn.monte_carlo(sim, axes, key=7, progress=False, **options)


def axes(trials: int = 5) -> list[Any]:
    return [jn.Sweep(SIGMA, [0.05, 0.2], name="sigma"), jn.Devices(2), jn.Trials(trials)]


def same(a: Any, b: Any) -> bool:
    return all(np.array_equal(a[k].values, b[k].transpose(*a[k].dims).values, equal_nan=True) for k in a.data_vars)


def chips() -> jn.Simulation:
    """The recurrent network with mismatch, after some warm-up steps (an odd number); every voltage is kept."""
    mismatch = jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.2), per="neuron")
    statistics = {"raster": jn.statistics.Raster(), **TRACE}
    return recurrent(warmup=5.0, imperfections={"mismatch": mismatch}, statistics=statistics)


@pytest.fixture(scope="module")
def whole() -> Any:
    return run(chips(), axes(), chunk=None)


def test_the_network_spikes_and_its_members_differ(whole: Any) -> None:
    spikes = np.unpackbits(whole["raster"].values, axis=-2).sum((-2, -1))
    assert spikes.min() > 50
    assert len(np.unique(spikes)) > 10


@pytest.mark.parametrize("chunk", slow_but([1, 7, {"trial": 2}, "auto"], [7]))
def test_chunk_size_changes_no_bit(whole: Any, chunk: Any) -> None:
    assert same(whole, run(chips(), axes(), chunk=chunk))


@pytest.mark.slow
@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0)])
def test_the_order_of_axes_changes_no_bit(whole: Any, order: tuple[int, ...]) -> None:
    given = axes()
    assert same(whole, run(chips(), [given[i] for i in order], chunk=3))


@pytest.mark.slow
def test_the_number_of_workers_changes_no_bit(whole: Any) -> None:
    assert same(whole, run(chips(), axes(), chunk=3, workers=1))


def test_another_key_changes_the_spikes(whole: Any) -> None:
    other = jn.monte_carlo(chips(), axes(), key=8, progress=False)
    assert not same(whole, other)


@pytest.mark.slow
def test_a_thousand_neurons_give_the_same_bits_for_any_chunk() -> None:
    sim = recurrent(1000, duration=30.0)
    reference = run(sim, [jn.Trials(6)], chunk=None)
    assert np.unpackbits(reference["raster"].values).sum() > 1000
    for chunk in (1, 4):
        assert same(reference, run(sim, [jn.Trials(6)], chunk=chunk))


def test_sums_are_exact_in_any_order_and_native_ones_are_not() -> None:
    """What the lines above rest on, with its negative control: another order of the same sum moves native bits only."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(64, 1000)).astype(np.float32)
    spikes = jnp.asarray(rng.random((8, 1000)) < 0.5, jnp.float32)
    order = rng.permutation(1000)
    for sums, equal in ((jn.synapses.ExactSums(), True), (jn.synapses.NativeSums(), False)):
        one = jn.synapses.Dense("a", "b", weights, sums=sums)
        other = jn.synapses.Dense("a", "b", weights[:, order], sums=sums)
        batch = np.asarray(one.arrivals(one.prepared(), spikes))
        shuffled = np.asarray(other.arrivals(other.prepared(), spikes[:, order]))
        single = np.stack([one.arrivals(one.prepared(), row) for row in spikes])
        assert np.array_equal(batch, shuffled) is equal
        if equal:
            np.testing.assert_array_equal(batch, single)


@pytest.mark.slow
def test_stepwise_and_time_batched_schedules_give_the_same_spikes() -> None:
    a = run(layered(), [jn.Trials(6)])
    b = run(layered(), [jn.Trials(6)], backend=jn.Scan(schedule=jn.ByComponent()))
    assert np.unpackbits(a["output"].values).sum() > 20
    assert same(a, b)


@pytest.mark.slow
def test_graded_signals_have_the_same_bits_for_one_chunk_size_and_agree_within_rounding_for_others() -> None:
    """Analog values times weights are outside of exact sums."""
    weights = jn.synapses.random_weights(shape=(8, 30), probability=1.0, std=1.0, key=1)
    parts = {"image": jn.Port(30), "readout": jn.Population(jn.neurons.LeakyIntegrator(8))}
    network = jn.Network(parts, {"read": jn.synapses.Dense("image", "readout", weights)})
    images = np.random.default_rng(0).random((6, 30))
    values = {"image": jn.coding.Constant(np.zeros(30))}
    sim = jn.Simulation(network, values, duration=20.0, dt=1.0, statistics={"v": jn.statistics.Last("v")})
    whole, again, pieces = (run(sim, [jn.Samples(images)], chunk=chunk) for chunk in (None, None, 2))
    assert same(whole, again)
    np.testing.assert_allclose(whole["v"], pieces["v"], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_a_python_loop_over_simulate_gives_the_same_spikes(whole: Any) -> None:
    sim = chips()
    for i, sigma in enumerate(whole["sigma"].values):
        for device, trial in ((0, 0), (1, 4)):
            one = jn.simulate(jn.paths.replace(sim, {SIGMA: sigma}), key=7, address={"device": device, "trial": trial})
            np.testing.assert_array_equal(one["raster"], whole["raster"].values[i, device, trial])


@pytest.mark.slow
def test_replay_gives_the_same_bits_with_other_statistics(whole: Any) -> None:
    both = {"raster": jn.statistics.Raster(), **TRACE}
    result = jn.replay(whole.isel(sigma=[1]), sel={"device": 1, "trial": 3}, statistics=both, progress=False)
    np.testing.assert_array_equal(result["raster"], whole["raster"].values[1:, 1, 3])


def silent_source_added(sim: jn.Simulation) -> jn.Simulation:
    cells = sim.network.cells()["cells"]
    zero = jn.noise.CurrentNoise(jn.noise.PerStep(0.0))
    noisier = jn.Population(cells.neuron, noise={**cells.noise, "a_silent": zero}, firing=cells.firing)
    return eqx.tree_at(lambda s: s.network, sim, jn.Network({"cells": noisier}, sim.network.projections))


@pytest.mark.slow
def test_an_added_silent_source_gives_the_same_spikes() -> None:
    a, b = recurrent(), silent_source_added(recurrent())
    assert same(run(a, [jn.Trials(4)]), run(b, [jn.Trials(4)]))


@pytest.mark.slow
def test_an_added_loud_source_does_not() -> None:
    """Negative control of the one above."""
    loud = jn.paths.replace(silent_source_added(recurrent()), {"network.cells.noise.a_silent.amplitude.sigma": 0.3})
    assert not same(run(recurrent(), [jn.Trials(4)]), run(loud, [jn.Trials(4)]))


@pytest.mark.slow
def test_an_added_population_moves_no_number() -> None:
    sim = recurrent()
    parts = {
        **sim.network.populations,
        "another": jn.Population(jn.neurons.LIF(7), noise=sim.network.cells()["cells"].noise),
    }
    network = jn.Network(parts, sim.network.projections)
    both = jn.Simulation(
        network, sim.inputs, duration=60.0, dt=1.0, statistics={"raster": jn.statistics.Raster(population="cells")}
    )
    np.testing.assert_array_equal(jn.simulate(both, key=7)["raster"], jn.simulate(sim, key=7)["raster"])


@pytest.mark.slow
def test_pinned_runs_give_the_same_bits_of_every_voltage() -> None:
    pinned = jn.Scan(pinned=True)
    sim = recurrent(statistics=TRACE)
    many = run(sim, [jn.Trials(4)], backend=pinned)["v_v"].values
    with_silent = run(silent_source_added(sim), [jn.Trials(4)], backend=pinned)["v_v"].values
    np.testing.assert_array_equal(many, with_silent)
    for trial in (0, 3):
        one = jn.simulate(sim, key=7, address={"trial": trial}, backend=pinned)
        np.testing.assert_array_equal(one["v"].v, many[trial])


@pytest.mark.slow
def test_pinning_changes_no_spike() -> None:
    assert same(run(recurrent(), [jn.Trials(4)]), run(recurrent(), [jn.Trials(4)], backend=jn.Scan(pinned=True)))


@pytest.mark.slow
def test_checkpointing_draws_the_same_noise_again() -> None:
    sim = recurrent(duration=20.0, statistics={"v": jn.statistics.Mean("v")})

    def loss(sigma: Any, backend: jn.Scan) -> Any:
        return jn.simulate(jn.paths.replace(sim, {SIGMA: sigma}), key=7, backend=backend)["v"].sum()

    plain = jax.grad(loss)(0.1, jn.Scan())
    again = jax.grad(loss)(0.1, jn.Scan(checkpoint=True))
    np.testing.assert_allclose(plain, again, rtol=1e-5)
    assert float(plain) != 0


@pytest.mark.slow
def test_a_restarted_study_gives_the_same_bits(tmp_path: Path, whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from jaxsnn_noise.ensemble.chunked import Chunked

    compute, calls = Chunked.compute, []

    def failing(self: Any, block: Any) -> Any:
        calls.append(block)
        if len(calls) == 3:
            raise RuntimeError("the machine went away")
        return compute(self, block)

    sim = chips()
    monkeypatch.setattr(Chunked, "compute", failing)
    with pytest.raises(RuntimeError, match="went away"):
        run(sim, axes(), chunk=4, store=tmp_path, workers=1)
    kept = len(list(tmp_path.glob("*.npz")))
    assert kept == 2
    again = run(sim, axes(), chunk=4, store=tmp_path, workers=1)
    assert same(whole, again)
    total = len(list(tmp_path.glob("*.npz")))
    assert len(calls) == 3 + total - kept


def drawn(size: int) -> jn.Simulation:
    """Sources that draw one element, or remember: what rounds differently if a compiler treats one element by itself."""
    white, slow = jn.noise.White(), jn.noise.OrnsteinUhlenbeck(5.0)
    common, shared = jn.noise.Common(), jn.noise.SharedFraction(0.4)
    diffusion, per_step = jn.noise.Diffusion(0.1), jn.noise.PerStep(0.3)
    sources = {
        "membrane": jn.noise.VoltageNoise(diffusion, colour=slow, correlation=shared),
        "other": jn.noise.VoltageNoise(diffusion, colour=white, correlation=common),
        "input": jn.noise.CurrentNoise(per_step, colour=slow, correlation=common),
        "own": jn.noise.CurrentNoise(per_step, colour=white, correlation=shared),
        "shots": jn.noise.PoissonBackground(rate_hz=50.0, charge=0.07, sources=10.0),
    }
    return recurrent(size, noise=sources, warmup=4.0, statistics=TRACE)


@pytest.mark.slow
@pytest.mark.parametrize("size", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_draws_of_one_element_and_memories_have_the_same_bits_everywhere(size: int) -> None:
    """Over chunk sizes and orders of axes, every voltage: common, partly shared, coloured; one neuron and many."""
    sim, given = drawn(size), [jn.Sweep(SIGMA, [0.05, 0.2], name="sigma"), jn.Trials(5)]
    whole = run(sim, given, chunk=None)
    assert np.ptp(whole["v_v"].values[:, :, -1]) > 0.01
    assert same(whole, run(sim, given, chunk=1))
    assert same(whole, run(sim, given[::-1], chunk=3))


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 20])
def test_draws_of_one_element_and_memories_have_the_same_bits_alone_when_pinned(size: int) -> None:
    sim, given = drawn(size), [jn.Sweep(SIGMA, [0.05, 0.2], name="sigma"), jn.Trials(5)]
    pinned = jn.Scan(pinned=True)
    many = run(sim, given, backend=pinned)["v_v"].values
    one = jn.paths.replace(sim, {SIGMA: np.float32(0.2)})
    alone = jn.simulate(one, key=7, address={"trial": 3}, backend=pinned)["v"].v
    np.testing.assert_array_equal(alone, many[1, 3])


PROGRAM = """
import hashlib, json, sys
sys.path[:0] = sys.argv[1:3]
import jax
import jax.numpy as jnp
jax.config.update("jax_num_cpu_devices", int(sys.argv[3]))
from helpers.nets import recurrent
import jaxsnn_noise as jn
sim = recurrent(duration=30.0)
statistics = {"raster": jn.statistics.Raster(), "v": jn.statistics.Trace(("v",))}
result = jn.monte_carlo(sim, [jn.Trials(6)], key=7, chunk=2, statistics=statistics, progress=False)
hashes = [hashlib.sha256(result[k].values.tobytes()).hexdigest() for k in ("raster", "v_v")]
print(json.dumps([jax.device_count(), hashes]))
"""


@pytest.mark.slow
def test_device_and_process_change_no_bit() -> None:
    outputs = []
    root = Path(__file__).parents[1]
    for devices in (1, 2):
        command = [sys.executable, "-c", PROGRAM, str(root), str(root / "tests"), str(devices)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
        outputs.append(json.loads(done.stdout.splitlines()[-1]))
    assert [o[0] for o in outputs] == [1, 2]
    assert outputs[0][1] == outputs[1][1]
    sim = recurrent(duration=30.0, statistics={"raster": jn.statistics.Raster(), **TRACE})
    here = run(sim, [jn.Trials(6)], chunk=None)
    assert [sha256(here[k].values.tobytes()).hexdigest() for k in ("raster", "v_v")] == outputs[0][1]
