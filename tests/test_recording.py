"""Anything that changes can be recorded by name: states, memories of noise, drives, and what a projection holds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import Last, Mean, Raster, Trace, over_raster

DT, STEPS, TAU, JUMP = 0.25, 120, 30.0, 0.3
FED = np.full((4, 3), 0.5, np.float32)


def simulation(statistics=None, *, duration=STEPS * DT, **options):
    noise = {"slow": jn.noise.CurrentNoise(jn.noise.PerStep(0.4), colour=jn.noise.OrnsteinUhlenbeck(5.0))}
    cells = jn.Population(jn.neurons.AdaptiveLIF(4, tau_mem=8.0, tau_adapt=TAU, jump=JUMP), noise=noise)
    after = jn.Population(jn.neurons.LIF(2))
    release = {"r": jn.noise.ReleaseNoise(jn.noise.PerStep(0.2), coupling=jn.noise.Multiplicative())}
    projections = {
        "plastic": jn.synapses.PairSTDP(
            "port", "cells", FED, w_max=1.0, learning_rate=0.05, kinetics=jn.synapses.Exponential(5.0), noise=release
        ),
        "out": jn.synapses.Sparse(
            "cells", "after", size=(2, 4), rows=[1, 0, 1], columns=[0, 2, 3], weights=[0.1, 0.2, 0.3],
            kinetics=jn.synapses.Conductance(5.0, 2.0), delay=1.0,
        ),
    }  # fmt: skip
    network = jn.Network({"port": jn.Port(3), "cells": cells, "after": after}, projections)
    inputs = {"port": jn.coding.PoissonSpikes(150.0), "bias": jn.coding.Constant(1.6, to="cells")}
    return jn.Simulation(network, inputs, duration=duration, dt=DT, statistics=statistics)


SPIKES = {"raster": Raster(population="cells"), "other": Raster(population="after")}
ALL = {
    "cells": Trace(("v", "spikes", "current", "threshold", "state.lift", "state.v", "noise.slow", "drive.current"), population="cells"),
    "after": Trace(("drive.current", "drive.conductance", "v", "current"), population="after"),
    "weights": Trace(("state.weights",), projection="plastic"),
    "traces": Trace(("release", "state.arrived"), projection="plastic"),
    "kinetics": Trace(("kinetics.current", "drive.current"), projection="plastic"),
    "out": Trace(("release",), projection="out"),
    "open": Trace(("kinetics.g", "drive.conductance"), projection="out"),
}  # fmt: skip


@pytest.fixture(scope="module")
def seen():
    return jn.simulate(simulation(ALL | SPIKES), key=3)


def spikes_of(results):
    return np.asarray(jn.statistics.unpack(results["raster"], STEPS))


@pytest.mark.slow
def test_recording_moves_no_spike(seen):
    plain = jn.simulate(simulation(SPIKES), key=3)
    assert spikes_of(plain).sum() > 10
    for name in SPIKES:
        np.testing.assert_array_equal(seen[name], plain[name])


@pytest.mark.slow
def test_the_state_of_neurons_is_that_of_the_end_of_the_step_before_the_reset(seen):
    cells, lift = seen["cells"], np.zeros(4)
    expected = np.zeros((STEPS, 4))
    for t, spikes in enumerate(np.asarray(cells["spikes"])):
        lift = lift * np.exp(-DT / TAU)
        expected[t] = lift
        lift = lift + JUMP * spikes
    np.testing.assert_allclose(cells["state.lift"], expected, atol=1e-5)
    np.testing.assert_array_equal(cells["state.v"], cells.v)
    np.testing.assert_allclose(cells.threshold, 1.0 + expected, atol=1e-5)


def test_the_memory_of_noise_is_what_the_draw_of_the_step_found(seen):
    cells, fed = seen["cells"], seen["kinetics"]["drive.current"]
    np.testing.assert_allclose(cells.current, 1.6 + fed + 0.4 * cells["noise.slow"], atol=2e-6)
    np.testing.assert_allclose(cells["drive.current"], cells.current, atol=2e-6)
    assert 0.5 < np.std(cells["noise.slow"]) < 1.5


def test_a_drive_with_a_conductance_is_the_current_at_the_potential(seen):
    after = seen["after"]
    start = np.concatenate(
        [np.zeros((1, 2)), np.asarray(after.v)[:-1]]
    )  # no spikes: what one step ends with, the next starts with
    assert np.asarray(after["drive.conductance"]).max() > 0
    np.testing.assert_allclose(after.current, after["drive.current"] - after["drive.conductance"] * start, atol=1e-6)
    np.testing.assert_allclose(after["drive.conductance"], seen["open"]["drive.conductance"], atol=1e-7)


def test_what_a_projection_releases_is_its_source_a_delay_ago(seen):
    late = round(1.0 / DT)
    released = np.asarray(seen["out"]["release"])
    np.testing.assert_array_equal(released[late:], np.asarray(seen["cells"]["spikes"])[:-late])
    assert released[:late].sum() == 0


def test_weights_are_those_before_the_step_is_learned_and_their_order_is_told(seen):
    """The rule once more, from what arrived and fired."""
    sent, fired = np.asarray(seen["traces"]["release"], np.float64), np.asarray(seen["cells"]["spikes"], np.float64)
    weights, x, y = FED.astype(np.float64), np.zeros(3), np.zeros(4)
    for t in range(STEPS):
        np.testing.assert_allclose(seen["weights"]["state.weights"][t], weights.reshape(-1), atol=1e-5)
        np.testing.assert_allclose(seen["traces"]["state.arrived"][t], x, atol=1e-4)
        x, y = x * np.exp(-DT / 20.0), y * np.exp(-DT / 20.0)
        weights = np.clip(weights + 0.05 * (np.outer(fired[t], x) - np.outer(y, sent[t])), 0.0, 1.0)
        x, y = x + sent[t], y + fired[t]
    assert np.ptp(weights) > 0.1


@pytest.mark.slow
def test_chosen_synapses_by_index_or_pair_and_every_so_many_steps(seen):
    chosen = {
        "w": Trace(("state.weights",), projection="plastic", synapses=[(2, 1), 0], every=10),
        "lift": Trace(("state.lift",), population="cells", neurons=[3], every=7),
        "last": Last("state.weights", projection="plastic"),
        "mean": Mean("state.lift", population="cells"),
        "conductance": Mean("kinetics.g", projection="out"),
    }
    found = jn.simulate(simulation(chosen), key=3)
    whole = np.asarray(seen["weights"]["state.weights"])
    np.testing.assert_array_equal(found["w"]["state.weights"], whole[9::10][:, [2 * 3 + 1, 0]])
    np.testing.assert_array_equal(found["lift"]["state.lift"][:, 0], np.asarray(seen["cells"]["state.lift"])[6::7, 3])
    np.testing.assert_array_equal(found["last"], whole[-1])
    np.testing.assert_allclose(found["mean"], np.mean(seen["cells"]["state.lift"], axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["conductance"], np.mean(seen["open"]["kinetics.g"], axis=0), rtol=1e-5)


@pytest.mark.slow
def test_results_tell_units_and_where_synapses_lie():
    axes = [jn.Trials(2)]
    chosen = {
        "few": Trace(("state.weights",), projection="plastic", synapses=[(2, 1), 0], every=60),
        "out": ALL["open"],
    }
    study = jn.monte_carlo(
        simulation({"all": Last("state.weights", projection="plastic")} | chosen), axes, key=0, progress=False
    )
    assert study["all"].dims == ("trial", "plastic_synapse")
    assert study["few_state_weights"].dims == ("trial", "time_few", "plastic_synapse_few")
    assert study["few_state_weights"].attrs["units"] == study["all"].attrs["units"] == "nA"
    assert study["out_kinetics_g"].dims == ("trial", "time", "after_neuron")
    assert study["out_kinetics_g"].attrs["units"] == "uS"
    np.testing.assert_array_equal(study["plastic_target"], np.repeat(np.arange(4), 3))
    np.testing.assert_array_equal(study["plastic_source"], np.tile(np.arange(3), 4))
    np.testing.assert_array_equal(study["plastic_target_few"], [2, 0])
    np.testing.assert_array_equal(study["few_state_weights"].coords["plastic_synapse_few"], [7, 0])


def test_the_report_names_the_projection_that_is_watched():
    assert "last (Last of plastic)" in jn.report(simulation({"last": Last("state.weights", projection="plastic")}))


@pytest.mark.slow
def test_either_schedule_shows_the_same(seen):
    other = jn.simulate(
        simulation({k: ALL[k] for k in ("out", "open", "weights")}), key=3, backend=jn.Scan(schedule=jn.ByComponent())
    )
    for name in ("out", "open", "weights"):
        for variable, course in other[name].items():
            np.testing.assert_allclose(course, seen[name][variable], atol=1e-6)


@pytest.mark.slow
def test_a_run_in_pieces_goes_on_recording(seen):
    statistics = {"mean": Mean("state.weights", projection="plastic")}
    sim = simulation()
    state = jn.start(sim, key=3)
    for _ in range(3):
        state, found = jn.advance(sim, state, STEPS * DT / 3, statistics=statistics, continued=True)
    np.testing.assert_allclose(found["mean"], np.mean(seen["weights"]["state.weights"], axis=0), rtol=1e-5)


@pytest.mark.slow
def test_gradients_flow_through_what_is_recorded():
    sim = simulation({"mean": Mean("state.lift", population="cells")})

    def lifted(jump):
        changed = jn.paths.replace(sim, {"network.cells.neuron.jump": jump})
        return jnp.sum(jn.simulate(changed, key=3)["mean"])

    assert float(jax.grad(lifted)(0.3)) > 0


def test_a_stored_course_is_folded_like_the_running_one(seen):
    cells = seen["cells"]
    stored = over_raster(
        Mean("state.lift"), cells["spikes"], dt=DT, recorded={"state.lift": cells["state.lift"]}
    )  # fmt: skip
    np.testing.assert_allclose(stored, np.mean(cells["state.lift"], axis=0), rtol=1e-5)
    with pytest.raises(InputError, match=r"Mean reads 'state.lift': give recorded=\{'state.lift': ...\}"):
        over_raster(Mean("state.lift"), cells["spikes"], dt=DT)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Trace(("state.lfit",), population="cells"), r"statistics.t of cells: unknown name; got 'state.lfit'. Did you mean 'state.lift'"),
        (lambda: Trace(("state.hold",), population="after"), r"statistics.t of after: unknown name; got 'state.hold'.*Known: .*state.v"),
        (lambda: Mean("noise.slwo", population="cells"), r"got 'noise.slwo'. Did you mean 'noise.slow'"),
        (lambda: Trace(("drive.conductance",), population="cells"), r"unknown name; got 'drive.conductance'"),
        (lambda: Last("state.weight", projection="plastic"), r"statistics.t of plastic: .* got 'state.weight'. Did you mean 'state.weights'"),
        (lambda: Last("state.weights", projection="plastik"), r"statistics.t.projection: unknown name; got 'plastik'. Did you mean 'plastic'"),
        (lambda: Last("state.weights", "cells", "plastic"), r"statistics.t: watches a population or a projection, not both"),
        (lambda: Last("state.weights", projection="out"), r"statistics.t of out: unknown name; got 'state.weights'"),
        (lambda: Trace(("release", "state.weights"), projection="plastic"), r"must be of the same neurons or synapses"),
        (lambda: Trace(("state.weights",), projection="plastic", synapses=[(4, 0)]), r"Trace.synapses: a pair \(target, source\) must have a synapse; got \(4, 0\)"),
        (lambda: Trace(("state.weights",), projection="plastic", synapses=[12]), r"Trace.synapses: must be indices below the number of them, 12"),
        (lambda: Trace(("state.weights",), projection="plastic", synapses=[(1, 2, 3)]), r"Trace.synapses: must be indices, or pairs"),
        (lambda: Trace(("v",), population="cells", synapses=[1]), r"Trace.synapses: are those of a projection"),
        (lambda: Trace(("spikes",), projection="plastic"), r"Trace.variables: unknown name; got 'spikes'"),
        (lambda: Mean("stat.lift"), r"Mean.variable: unknown name; got 'stat.lift'"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_told_before_computing(make, message):
    with pytest.raises(InputError, match=message):
        jn.simulate(simulation({"t": make()}), key=0)
