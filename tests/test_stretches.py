"""Runs that are cut: every spike of the uncut run, every bit where pinned, and states that cannot go on."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import layered
from jaxsnn_noise.engine import stretches

PINNED = jn.Scan(pinned=True)
STEPS = 128
WATCHED = {"raster": jn.statistics.Raster(), "v": jn.statistics.Trace(("v", "current"))}


def coloured(dt: float = 0.25, **options: Any) -> jn.Simulation:
    """Recurrent cells with coloured and common noise, a firing rule that draws, and delays of one, none given and seven steps."""
    size = 20
    noise = {
        "slow": jn.noise.CurrentNoise(jn.noise.PerStep(0.3), colour=jn.noise.OrnsteinUhlenbeck(5.0)),
        "fast": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2), correlation=jn.noise.Common()),
    }
    cells = jn.Population(jn.neurons.LIF(size, tau_mem=5.0, refractory=0.6), noise=noise, firing=jn.NoisyThreshold(0.1))
    weights = jn.synapses.random_weights(shape=(size, size), probability=0.4, std=4.0, key=1)
    release = {"r": jn.noise.ReleaseNoise(jn.noise.PerStep(0.2), colour=jn.noise.OrnsteinUhlenbeck(3.0))}
    exponential = jn.synapses.Exponential(2.0)
    projections = {
        "late": jn.synapses.Dense("cells", "cells", weights, delay=7 * dt, kinetics=exponential, noise=release),
        "next": jn.synapses.Dense("cells", "cells", -weights.T),
    }
    network = jn.Network({"cells": cells}, projections)
    mismatch = jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.2), per="neuron")
    return jn.Simulation(
        network, {"cells": jn.coding.Constant(1.3)}, duration=STEPS * dt, dt=dt, imperfections={"mismatch": mismatch}, **options
    )  # fmt: skip


def simple(**options: Any) -> jn.Simulation:
    """What compiles fast, for tests of other things than bits."""
    noise = {"fast": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))}
    cells = jn.Population(jn.neurons.LIF(20, tau_mem=5.0, refractory=0.6), noise=noise)
    signal = {"cells": jn.coding.Constant(1.3)}
    return jn.Simulation(jn.Network({"cells": cells}), signal, duration=STEPS * 0.25, dt=0.25, **options)


def lengths(pieces: int) -> list[int]:
    """Steps of the pieces; of seven most are odd."""
    cuts = np.linspace(0, STEPS, pieces + 1).round().astype(int)
    return np.diff(cuts).tolist()


def cut(sim: jn.Simulation, pieces: list[int], between: Callable[[jn.State], jn.State] = lambda s: s) -> dict[str, Any]:
    """The raster and traces of a run in pieces."""
    state, rasters, traces = jn.start(sim, key=5, address={"device": 2, "trial": 1}, backend=PINNED), [], []
    for steps in pieces:
        state, results = jn.advance(sim, between(state), steps * sim.dt, statistics=WATCHED, backend=PINNED)
        rasters.append(np.unpackbits(np.asarray(results["raster"]), axis=0, count=steps, bitorder="little"))
        traces.append(results["v"])
    assert int(state.step) == sum(pieces)
    return {"raster": np.concatenate(rasters), **jax.tree.map(lambda *x: np.concatenate(x), *map(vars_of, traces))}


def vars_of(traces: Any) -> dict[str, np.ndarray]:
    return {"v": np.asarray(traces.v), "current": np.asarray(traces.current)}


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    address = {"device": 2, "trial": 1}
    results = jn.simulate(coloured(), key=5, address=address, statistics=WATCHED, backend=PINNED)
    raster = np.unpackbits(np.asarray(results["raster"]), axis=0, count=STEPS, bitorder="little")
    assert 0.02 < raster.mean() < 0.3
    return {"raster": raster, **vars_of(results["v"])}


def reloaded(folder: Path) -> Callable[[jn.State], jn.State]:
    def through_a_file(state: jn.State) -> jn.State:
        eqx.tree_serialise_leaves(folder / "state.eqx", state)
        blank = jax.tree.map(jnp.zeros_like, state)
        return eqx.tree_deserialise_leaves(folder / "state.eqx", blank)

    return through_a_file


slow = [pytest.param(lengths(n), marks=pytest.mark.slow, id=f"{n} pieces") for n in (1, 7, 64)]


@pytest.mark.slow
@pytest.mark.parametrize("steps", [[61, 67], *slow])
def test_a_run_in_pieces_is_the_uncut_run_to_the_bit(whole: dict[str, Any], steps: list[int], tmp_path: Path) -> None:
    for name, course in cut(coloured(), steps, reloaded(tmp_path)).items():
        np.testing.assert_array_equal(course, whole[name])


@pytest.mark.slow
def test_a_pickled_state_goes_on_as_well(whole: dict[str, Any]) -> None:
    for name, course in cut(coloured(), [3, 125], lambda s: pickle.loads(pickle.dumps(s))).items():
        np.testing.assert_array_equal(course, whole[name])


def test_pieces_of_one_length_compile_at_most_two_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    run, traced = stretches._run, []
    monkeypatch.setattr(stretches, "_run", lambda *args: (traced.append(1), run(*args))[1])
    sim = simple()
    state = jn.start(sim, key=0)
    for _ in range(9):
        state, _ = jn.advance(sim, state, 0.75)  # three steps: the parity of the first alternates
    assert len(traced) == 2
    assert int(state.step) == 27  # or steps would be made twice, with the same noise


@pytest.mark.slow
def test_layers_ports_and_both_schedules_agree_with_pieces() -> None:
    sim = layered(duration=25.0)  # after 3 ms of warm-up
    whole = jn.simulate(sim, key=4, backend=jn.Scan(schedule=jn.ByComponent()))
    state, _ = jn.advance(sim, jn.start(sim, key=4), 3.0)
    state, first = jn.advance(sim, state, 16.0)
    _, second = jn.advance(sim, state, 9.0)
    for name in ("hidden", "output"):
        assert np.unpackbits(np.asarray(whole[name])).sum() > 3
        both = np.concatenate([np.asarray(first[name]), np.asarray(second[name])])  # 16 steps are two whole bytes
        np.testing.assert_array_equal(both, whole[name])


@pytest.mark.slow
def test_statistics_that_go_on_are_those_of_the_uncut_run() -> None:
    chosen = {
        "count": jn.statistics.SpikeCount(), "rate": jn.statistics.Rate(), "cv": jn.statistics.IntervalCV(),
        "v": jn.statistics.VoltageMoments(), "first": jn.statistics.FirstSpikeTime(),
    }  # fmt: skip
    sim = simple(statistics=chosen)
    state = jn.start(sim, key=5)
    for steps in (7, 60, 61):
        state, results = jn.advance(sim, state, steps * sim.dt, continued=True)
    whole = jn.simulate(sim, key=5)
    assert float(whole["count"].sum()) > 50
    for name, expected in whole.items():
        for got, want in zip(jax.tree.leaves(results[name]), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, err_msg=name)


@pytest.mark.slow
def test_statistics_call_by_call_see_their_own_stretch() -> None:
    sim = simple(statistics={"count": jn.statistics.SpikeCount()})
    state = jn.start(sim, key=5)
    state, a = jn.advance(sim, state, 15.0)
    _, b = jn.advance(sim, state, 17.0)
    np.testing.assert_array_equal(a["count"] + b["count"], jn.simulate(sim, key=5)["count"])
    assert float(b["count"].sum()) > 0


def test_values_may_change_between_pieces_and_the_state_by_path() -> None:
    sim = simple(statistics={"count": jn.statistics.SpikeCount()})
    state, _ = jn.advance(sim, jn.start(sim, key=5), 16.0)
    silent = jn.paths.replace(state, {"carry.cells.cells.state.v": -100.0})
    assert float(jn.advance(sim, silent, 1.0)[1]["count"].sum()) == 0
    louder = jn.paths.replace(sim, {"inputs.cells.values": 9.0})
    assert float(jn.advance(louder, state, 16.0)[1]["count"].sum()) > float(
        jn.advance(sim, state, 16.0)[1]["count"].sum()
    )


@pytest.mark.slow
def test_a_state_batches_over_members() -> None:
    sim = simple(statistics={"count": jn.statistics.SpikeCount()})

    def member(trial: Any) -> Any:
        state = jn.start(sim, key=5, address=jn.Address.of({"trial": trial}))
        state, _ = jn.advance(sim, state, 7.25)
        return jn.advance(sim, state, 8.0)[1]["count"]

    many = jax.jit(jax.vmap(member))(jnp.arange(3, dtype=jnp.uint32))
    np.testing.assert_array_equal(many[2], member(2))


def another_size(sim: jn.Simulation) -> jn.Simulation:
    cells = jn.Population(jn.neurons.LIF(21, tau_mem=5.0))
    return jn.Simulation(jn.Network({"cells": cells}), sim.inputs, duration=sim.duration, dt=sim.dt)


REFUSED: dict[str, tuple[Callable[[jn.Simulation, jn.State], Any], str]] = {
    "another network": (lambda sim, state: jn.advance(another_size(sim), state, 1.0), "advance.state: must be continued with the network that it was started with"),
    "another dt": (lambda sim, state: jn.advance(jn.Simulation(sim.network, sim.inputs, duration=32.0, dt=0.5), state, 1.0), "advance.state: must be continued with the dt that it was started with, 0.25; got 0.5"),
    "half a step": (lambda sim, state: jn.advance(sim, state, 0.3), r"advance.duration: must be a multiple of dt = 0.25 ms \[ms\]; got 0.3"),
    "no time": (lambda sim, state: jn.advance(sim, state, 0.0), r"advance.duration: must be finite and > 0 \[ms\]"),
    "a raster that goes on": (lambda sim, state: jn.advance(sim, state, 1.0, statistics={"r": jn.statistics.Raster()}, continued=True), "statistics.r: has a memory that grows with time"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_go_on_is_refused(case: str) -> None:
    sim = simple()
    call, message = REFUSED[case]
    with pytest.raises(jn.InputError, match=message):
        call(sim, jn.start(sim, key=0))


def test_a_state_of_another_stream_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = simple()
    state = jn.start(sim, key=0)
    monkeypatch.setattr(jn.random, "STREAM_VERSION", 99)
    with pytest.raises(jn.InputError, match="the stream version that it was started with, 1; got 99"):
        jn.advance(sim, state, 1.0)


def test_an_input_that_ends_before_the_run_is_refused() -> None:
    cells = jn.Population(jn.neurons.LIF(2))
    series = jn.coding.TimeSeries(np.ones(10))
    sim = jn.Simulation(jn.Network({"cells": cells}), {"cells": series}, duration=10.0, dt=1.0)
    state, _ = jn.advance(sim, jn.start(sim, key=0), 8.0)
    jn.advance(sim, state, 2.0)
    with pytest.raises(jn.InputError, match=r"inputs.cells: must hold values for all steps of the run, 11 when"):
        jn.advance(sim, state, 3.0)


@pytest.mark.slow
def test_other_statistics_cannot_go_on_with_the_memory_of_these() -> None:
    sim = simple(statistics={"count": jn.statistics.SpikeCount()})
    state, _ = jn.advance(sim, jn.start(sim, key=0), 1.0, continued=True)
    with pytest.raises(jn.InputError, match=r"advance.statistics: must be those that go on"):
        jn.advance(sim, state, 1.0, statistics={"rate": jn.statistics.Rate()}, continued=True)
