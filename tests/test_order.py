"""The order of events in one step: a test for each line of the table in the documentation (explanation/seams.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.numpy_network import normals
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Frame, Seen
from jaxsnn_noise.synapses import Delta, Dense, Held, Kinetics, Projection

STEPS = 12


class Probe(Projection):
    """Every target gets a chosen number: what the projection sees, or how often it has learned."""

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    shows: str = eqx.field(static=True, default="released")
    delay: float | None = eqx.field(static=True, default=None)
    kinetics: Kinetics = Held()
    noise: dict[str, Any] = eqx.field(default_factory=dict)
    read: tuple[str, ...] = eqx.field(static=True, default=())

    @property
    def reads(self) -> tuple[str, ...]:
        return self.read or (self.target,)

    def prepared(self, largest: int = 1) -> None:
        return None

    def init(self, prepared: None, key: Any, dt: float) -> Any:
        return {"spikes": jnp.zeros(()), "sent": jnp.zeros(()), "learned": jnp.zeros(())}

    def arrivals(self, prepared: None, released: Any) -> Any:
        return released

    def transmit(self, prepared: None, state: Any, released: Any, seen: Seen, key: Tick, dt: float) -> tuple[Any, Any]:
        target = seen.target_potential
        shown = {
            "released": released[0],
            "source_potential": 0.0 if seen.source_potential is None else seen.source_potential[0],
            "target_potential": target[0],
            **state,
        }
        return jnp.full(target.shape, shown[self.shows]), state

    def learn(self, prepared: None, state: Any, sent: Any, frames: Mapping[str, Frame], dt: float) -> Any:
        spikes = sum(frame.spikes[0] for frame in frames.values())
        return {"spikes": state["spikes"] + spikes, "sent": state["sent"] + sent[0], "learned": state["learned"] + 1}

    def fan_out(self) -> Any:
        return jnp.ones(1)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        """Fits everything."""

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b")


def train(*steps: int) -> jn.coding.SpikeTrain:
    values = np.zeros((STEPS, 1))
    values[list(steps)] = 1
    return jn.coding.SpikeTrain(values)


def cell(**options: Any) -> jn.Population:
    return jn.Population(jn.neurons.LIF(1, tau_mem=4.0), **options)


def traced(
    populations: dict[str, Any], projections: dict[str, Any], inputs: dict[str, Any], **options: Any
) -> dict[str, Any]:
    watched = [k for k, p in populations.items() if not isinstance(p, jn.Port)]
    statistics = {k: jn.statistics.Trace(("v", "current", "spikes", "output"), population=k) for k in watched}
    network = jn.Network(populations, projections)
    sim = jn.Simulation(network, inputs, **({"duration": float(STEPS), "dt": 1.0, "statistics": statistics} | options))
    results = jn.simulate(sim, key=3)
    return {k: results[k] for k in watched}


KICK = {"kinetics": Delta()}
FIRE = [[50.0]]


def test_1_inputs_give_the_signals_of_the_step() -> None:
    shown = traced(
        {"p": jn.Port(1), "a": cell()},
        {"w": Dense("p", "a", [[0.5]])},
        {"p": train(4), "a": jn.coding.TimeSeries(np.arange(12.0) / 100), "bias": jn.coding.Constant(0.25, to="a")},
    )
    expected = np.arange(12.0) / 100 + 0.25 + 0.5 * (np.arange(12) == 4)
    np.testing.assert_allclose(shown["a"].current[:, 0], expected, rtol=1e-6)


def test_2_populations_advance_after_those_that_reach_them_without_delay() -> None:
    projections = {"w": Dense("p", "z", FIRE, **KICK), "x": Dense("z", "a", FIRE, delay=0.0, **KICK)}
    shown = traced({"p": jn.Port(1), "a": cell(), "z": cell()}, projections, {"p": train(4)})
    assert [np.flatnonzero(shown[k].spikes).tolist() for k in "za"] == [[4], [4]]


def test_3a_a_projection_reads_the_output_of_its_delay_ago() -> None:
    for delay, step in ((0.0, 4), (None, 4), (1.0, 5), (3.0, 7)):
        shown = traced({"p": jn.Port(1), "a": cell()}, {"w": Dense("p", "a", [[0.5]], delay=delay)}, {"p": train(4)})
        assert np.flatnonzero(shown["a"].current).tolist() == [step]


def test_3b_release_noise_is_drawn_at_the_step_of_arrival() -> None:
    noise = {"r": jn.noise.ReleaseNoise(jn.noise.PerStep(0.3))}
    shown = traced(
        {"p": jn.Port(1), "a": cell()}, {"w": Dense("p", "a", [[1.0]], delay=3.0, noise=noise)}, {"p": train(4)}
    )
    drawn = 0.3 * normals(3, "projections.w.r", STEPS, 2)[:, :1]
    np.testing.assert_allclose(shown["a"].current, drawn + (np.arange(STEPS) == 7)[:, None], atol=1e-6)


def test_3c_transmission_sees_potentials_at_the_start_of_the_step() -> None:
    """Those after the reset of the last step; of a source that has advanced in this step, too."""
    drive = {"s": jn.coding.Constant(1.3), "a": jn.coding.Constant(0.01)}
    after_reset = lambda trace: np.roll(np.where(np.asarray(trace.spikes) > 0, 0.0, trace.v), 1, axis=0)[:, 0]  # noqa: E731
    for shows, delay in (("source_potential", 0.0), ("source_potential", None), ("target_potential", 0.0)):
        shown = traced({"s": cell(), "a": cell()}, {"w": Probe("s", "a", shows=shows, delay=delay)}, drive)
        seen = after_reset(shown["s"] if shows == "source_potential" else shown["a"])
        seen[0] = 0.0
        assert seen.max() > 0.02
        np.testing.assert_allclose(shown["a"].current[:, 0], 0.01 + seen, atol=1e-6)


def test_3d_kinetics_act_on_the_arrivals_of_the_step() -> None:
    shown = traced(
        {"p": jn.Port(1), "a": cell()},
        {"w": Dense("p", "a", [[1.0]], kinetics=jn.synapses.Exponential(2.0))},
        {"p": train(4)},
    )
    current = np.asarray(shown["a"].current[:, 0])
    mean = 2.0 * (1 - np.exp(-0.5))
    np.testing.assert_allclose(current[4:7], mean * np.exp(-0.5 * np.arange(3)), rtol=1e-5)
    assert (current[:4] == 0).all()


def test_3e_drives_are_joined_to_the_input_in_the_order_of_names() -> None:
    """Of three numbers whose sum depends on its order in single precision."""
    big, small = 2.0**24, 1.0
    projections = {"b": Dense("p", "a", [[small]]), "c": Dense("p", "a", [[-big]])}
    shown = traced({"p": jn.Port(1), "a": cell()}, projections, {"p": train(4), "a": jn.coding.Constant(big)})
    assert float(shown["a"].current[4, 0]) == (np.float32(big) + np.float32(small)) - np.float32(big)


def test_4_the_frame_is_seen_after_all_noise_and_before_the_reset() -> None:
    noise = {"m": jn.noise.VoltageNoise(jn.noise.PerStep(0.5)), "o": jn.noise.SpikeNoise(jn.noise.PerStep(0.1))}
    shown = traced({"a": cell(noise=noise)}, {}, {"a": jn.coding.Constant(0.9)}, duration=40.0)["a"]
    v, spikes = np.asarray(shown.v), np.asarray(shown.spikes)
    assert spikes.sum() > 3
    np.testing.assert_array_equal(spikes > 0, v >= 1.0)  # what the decision was made of, not yet reset
    assert np.abs(np.asarray(shown.output) - spikes).std() > 0.05
    decay = np.exp(-0.25)
    start = np.where(spikes > 0, 0.0, v)[:-1]
    flown = 0.9 + (start - 0.9) * decay
    kick = 0.5 * normals(3, "noise.a.m", 40, 2)[1:, :1]
    np.testing.assert_allclose(v[1:], flown + kick, atol=1e-5)


def test_5_learning_sees_the_arrivals_and_frames_of_the_step_and_acts_from_the_next_one_on() -> None:
    parts = {"p": jn.Port(1), "q": jn.Port(1), "a": cell(), "b": cell(), "c": cell()}
    wires = {"w": Dense("q", "a", FIRE, **KICK), "x": Dense("p", "b", FIRE, **KICK)}
    signals = {"p": train(4, 7), "q": train(5)}
    every = list(range(STEPS - 1))
    cases = (
        ("learned", ("c",), every),
        ("sent", ("c",), [6, 9]),
        ("spikes", ("a",), [5]),
        ("spikes", ("a", "b"), [4, 5, 7]),
    )
    for shows, read, steps in cases:
        probe = Probe("p", "c", shows=shows, delay=2.0, read=read)
        current = np.asarray(traced(parts, wires | {"probe": probe}, signals)["c"].current[:, 0])
        assert np.flatnonzero(np.diff(current)).tolist() == steps, (shows, read)


def test_6_delay_lines_hold_the_output_with_its_spike_noise() -> None:
    noise = {"o": jn.noise.SpikeNoise(jn.noise.PerStep(0.2))}
    shown = traced(
        {"s": cell(noise=noise), "a": cell()},
        {"w": Dense("s", "a", [[1.0]], delay=2.0)},
        {"s": jn.coding.Constant(1.3)},
    )
    np.testing.assert_array_equal(shown["a"].current[2:], shown["s"].output[:-2])
    np.testing.assert_array_equal(shown["a"].current[:2], 0)


def test_both_schedules_keep_the_order() -> None:
    """A projection with a state ties its populations, and those that it reads, into one scan."""
    parts = {"p": jn.Port(1), "a": cell(), "b": cell(), "c": cell()}
    wires = {
        "w": Dense("p", "a", FIRE, **KICK), "x": Dense("a", "b", FIRE, delay=0.0, **KICK),
        "y": Probe("a", "c", shows="spikes", read=("b",)),
    }  # fmt: skip
    network = jn.Network(parts, wires)
    assert jn.ByComponent().groups(network) == [["a", "b", "c"]]
    statistics = {"t": jn.statistics.Trace(("current",), population="c")}
    sim = jn.Simulation(network, {"p": train(4, 7)}, duration=12.0, dt=1.0, statistics=statistics)
    a, b = (jn.simulate(sim, key=0, backend=jn.Scan(schedule=s))["t"].current for s in (jn.ByStep(), jn.ByComponent()))
    np.testing.assert_array_equal(a, b)
    assert float(a.max()) == 2


def test_a_projection_that_reads_no_population_is_refused() -> None:
    with pytest.raises(jn.InputError, match=r"network.y.reads: unknown name; got 'bb'. Did you mean"):
        jn.Network({"a": cell(), "bbb": cell()}, {"y": Probe("a", "a", shows="spikes", read=("bb",))})
