"""Rules of joining drives in a network: the sum, and a gate that is no sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise._checks import fail, one_of
from jaxsnn_noise._typing import Leaf
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.signals import Drive
from jaxsnn_noise.synapses import Combine, Dense, Exponential, Projection

STEPS, SIZE = 12, 3
GAIN = "network.cells.combine.gain"


class Gate(Combine):
    """``external + gated (1 + gain gate)``, and the other projections added: one file, as an author would write it."""

    gated: str = eqx.field(static=True)
    gate: str = eqx.field(static=True)
    gain: Leaf = parameter("1/nA", real, default=1.0)

    def __call__(self, external: Drive, drives: Mapping[str, Drive], potential: Any) -> Drive:
        total = external
        for name in sorted(drives):
            if name != self.gate:
                factor = 1.0 + self.gain * drives[self.gate].current if name == self.gated else 1.0
                total = total + Drive(drives[name].current * factor, drives[name].conductance)
        return total

    def check(self, who: str, projections: Mapping[str, Projection]) -> None:
        for field in ("gated", "gate"):
            name = getattr(self, field)
            one_of(f"{who}.{field}", name, projections)
            if projections[name].kinetics.conductance:
                fail(f"{who}.{field}", "must bring a current: a product of conductances has no unit", name)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b")


def rows(seed: int, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).random((SIZE, SIZE)).astype(np.float32)


FAST, SLOW, LOOP = rows(1, 3.0), rows(2, 0.5), rows(3, 0.2)
TRAIN = np.random.default_rng(4).random((STEPS, SIZE)) < 0.4


def network(combine: Any, **loop: Any) -> jn.Network:
    """Cells behind a port and a layer between, with a way back."""
    parts = {
        "port": jn.Port(SIZE),
        "layer": jn.Population(jn.neurons.LIF(SIZE, tau_mem=3.0)),
        "cells": jn.Population(jn.neurons.LIF(SIZE, tau_mem=4.0, refractory=1.0), combine=combine),
    }
    wires = {
        "up": Dense("port", "layer", 6.0 * np.eye(SIZE)),
        "fast": Dense("port", "cells", FAST),
        "slow": Dense("layer", "cells", SLOW, kinetics=Exponential(2.0)),
        "loop": Dense("cells", "cells", LOOP, **loop),
    }
    return jn.Network(parts, wires)


def simulation(combine: Any, **options: Any) -> jn.Simulation:
    shown = jn.statistics.Trace(("current", "spikes", "v"), population="cells")
    inputs = {"port": jn.coding.SpikeTrain(TRAIN), "cells": jn.coding.Constant(0.6)}
    return jn.Simulation(network(combine), inputs, duration=float(STEPS), dt=1.0, statistics={"t": shown}, **options)


def by_hand(gain: float) -> tuple[np.ndarray, np.ndarray]:
    """The current of the cells [time, neuron] and its slope in the gain, in float64, from the recorded spikes."""
    watched = {k: jn.statistics.Trace(("spikes",), population=k) for k in ("layer", "cells")}
    seen = jn.simulate(simulation(Gate("fast", "slow", gain)), key=0, statistics=watched)
    before = {k: np.vstack([np.zeros(SIZE), np.asarray(seen[k].spikes, float)])[:-1] for k in watched}
    slow, g, lost = [], np.zeros(SIZE), -np.expm1(-0.5)
    for arrived in before["layer"] @ SLOW.T:
        g = g + arrived
        slow.append(g * 2.0 * lost)
        g = g - g * lost
    slope = TRAIN @ FAST.T * np.array(slow)
    return 0.6 + TRAIN @ FAST.T + gain * slope + before["cells"] @ LOOP.T, slope


@pytest.mark.slow
def test_a_gate_multiplies_what_one_projection_brings_by_what_another_does() -> None:
    found, (current, slope) = jn.simulate(simulation(Gate("fast", "slow", 0.7)), key=0)["t"], by_hand(0.7)
    np.testing.assert_allclose(found.current, current, rtol=1e-5)
    assert found.spikes.sum() > 5
    assert slope.max() > 0.1


def test_both_schedules_join_alike() -> None:
    """By component the gated arrivals are a whole train, and those of the loop are not."""
    sim = simulation(Gate("fast", "slow", 0.7))
    a, b = (jn.simulate(sim, key=0, backend=jn.Scan(schedule=s))["t"] for s in (jn.ByStep(), jn.ByComponent()))
    np.testing.assert_array_equal(a.current, b.current)
    np.testing.assert_array_equal(a.spikes, b.spikes)


@pytest.mark.slow
def test_its_parameters_are_swept_and_differentiated() -> None:
    sim, gains = simulation(Gate("fast", "slow")), np.array([0.0, 0.7], np.float32)
    swept = jn.monte_carlo(sim, [jn.Sweep(GAIN, gains), jn.Trials(2)], key=0, progress=False)["t_current"]
    for k, gain in enumerate(gains):
        np.testing.assert_allclose(swept.values[k, 0], by_hand(float(gain))[0], rtol=1e-5)
    open_loop = jn.paths.replace(sim, {"network.loop.weights": 0.0})

    def total(gain: Any) -> Any:
        return jn.simulate(jn.paths.replace(open_loop, {GAIN: gain}), key=0)["t"].current.sum()

    assert float(jax.grad(total)(0.5)) == pytest.approx(float(by_hand(0.0)[1].sum()), rel=1e-5)


def test_every_product_of_a_rule_is_rounded_by_itself() -> None:
    """A compiler that merged a product and a sum into one rounding would do so in one program and not in another."""
    size, numbers = 200, np.random.default_rng(5)
    signals = {k: numbers.random((4, size)).astype(np.float32) for k in ("cells", "fast", "slow")}
    straight = {"weights": np.eye(size), "sums": jn.synapses.NativeSums()}
    cells = jn.Population(jn.neurons.LIF(size), combine=Gate("to_fast", "to_slow", 0.7))
    wires = {f"to_{k}": Dense(k, "cells", **straight) for k in ("fast", "slow")}
    network = jn.Network({"cells": cells, "fast": jn.Port(size), "slow": jn.Port(size)}, wires)
    given = {k: jn.coding.TimeSeries(signal) for k, signal in signals.items()}
    shown = {"t": jn.statistics.Trace(("current",))}
    found = jn.simulate(jn.Simulation(network, given, duration=4.0, dt=1.0, statistics=shown), key=0)["t"].current
    one, gain = np.float32(1.0), np.float32(0.7)
    expected = signals["cells"] + signals["fast"] * (one + gain * signals["slow"])
    np.testing.assert_array_equal(found, expected)


def test_what_does_not_fit_is_refused_before_computing() -> None:
    with pytest.raises(
        jn.InputError, match=r"network.cells.combine.gate: unknown name; got 'slo'. Did you mean 'slow'"
    ):
        network(Gate("fast", "slo"))
    opened = {"kinetics": jn.synapses.Conductance(2.0, reversal=10.0)}
    with pytest.raises(jn.InputError, match=r"network.cells.combine.gate: must bring a current"):
        network(Gate("fast", "loop"), **opened)
    network(Gate("fast", "slow"), **opened)
    broken = eqx.tree_at(lambda n: n.populations["cells"].combine, network(None), 3)
    with pytest.raises(jn.InputError, match=r"network.cells.combine: must be a Combine; got 3"):
        broken.check("network")


def test_without_noise_keeps_the_rule() -> None:
    assert isinstance(jn.without_noise(network(Gate("fast", "slow"))).populations["cells"].combine, Gate)
