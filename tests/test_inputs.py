"""Several inputs of one population or port, and what shows a sample."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.numpy_network import normals
from jaxsnn_noise._checks import InputError
from jaxsnn_noise._typing import Leaf, as_float
from jaxsnn_noise.coding import Constant, Fluctuating, Input, PoissonSpikes, SpikeTrain, TimeSeries
from jaxsnn_noise.engine import samples as samples_module
from jaxsnn_noise.engine.plan import formed_once, largest
from jaxsnn_noise.engine.samples import check_samples
from jaxsnn_noise.random import Tick

STEPS, SIZE, SEED = 13, 3, 4
WAVE = np.sin(np.arange(STEPS)[:, None] + np.arange(SIZE)).astype(np.float32)
NOISE = jn.noise.CurrentNoise(jn.noise.PerStep(0.3))
CELLS = jn.Population(jn.neurons.LIF(SIZE, tau_mem=5.0))
ROWS = np.random.default_rng(0).normal(0.7, 0.4, (SIZE, SIZE)).astype(np.float32)
DATA = np.random.default_rng(3).random((2, SIZE)).astype(np.float32)
CURRENT = {"t": jn.statistics.Trace(("current",), population="cells")}
ALONE = jn.Network({"cells": CELLS})
FED = jn.Network({"port": jn.Port(SIZE), "cells": CELLS}, {"feed": jn.synapses.Dense("port", "cells", ROWS)})


def simulation(network: jn.Network, inputs: dict[str, Input], **options: Any) -> jn.Simulation:
    shown = {"t": jn.statistics.Trace(("current", "spikes"))}
    return jn.Simulation(network, inputs, duration=float(STEPS), dt=1.0, statistics=shown, **options)


def current(network: jn.Network, inputs: dict[str, Input], schedule: Any = None, **options: Any) -> np.ndarray:
    backend = jn.Scan(schedule=schedule or jn.ByStep())
    results = jn.simulate(simulation(network, inputs), key=SEED, backend=backend, **options)
    return np.asarray(results["t"].current)


def test_values_are_added_in_the_order_of_names() -> None:
    """Of three numbers whose sum depends on its order in single precision."""
    big = 2.0**24
    inputs = {"cells": Constant(-big), "b": TimeSeries(WAVE, to="cells"), "a": Constant(big, to="cells")}
    np.testing.assert_array_equal(current(ALONE, inputs), np.float32(big) + WAVE - np.float32(big))
    inputs = {"cells": TimeSeries(WAVE), "b": Constant(-big, to="cells"), "a": Constant(big, to="cells")}
    np.testing.assert_array_equal(current(ALONE, inputs), WAVE)


def test_each_input_has_the_stream_of_its_own_name() -> None:
    two = {"one": Fluctuating(1.0, NOISE, to="cells"), "two": Fluctuating(0.5, NOISE, to="cells")}
    sim = simulation(ALONE, two, frozen={"inputs.one": ()})
    for trial in (1, 2):
        z = normals(SEED, "inputs.one", STEPS, SIZE), normals(SEED, "inputs.two", STEPS, SIZE, trial=trial)
        found = jn.simulate(sim, key=SEED, address={"trial": trial})["t"].current
        np.testing.assert_allclose(found, 1.5 + 0.3 * z[0] + 0.3 * z[1], atol=1e-6)


def test_a_port_adds_up_to_one_signal() -> None:
    """The sum of counts is a count: the same exact sums, to the bit, as of one train of its largest."""
    trains = [np.random.default_rng(k).random((STEPS, SIZE)) < 0.4 for k in (1, 2)]
    one = {"port": SpikeTrain(trains[0] + 2.0 * trains[1], largest=3)}
    two = {"a": SpikeTrain(trains[0], to="port"), "b": SpikeTrain(2.0 * trains[1], largest=2, to="port")}
    assert largest(simulation(FED, two), "port") == 3
    np.testing.assert_array_equal(current(FED, two), current(FED, one))
    assert largest(simulation(FED, {"a": two["a"], "b": Constant(0.1, to="port")}), "port") == 1


def test_a_port_is_formed_once_if_all_of_its_inputs_are_constant() -> None:
    constant = {"a": Constant(0.4, to="port"), "b": Constant(0.3, to="port")}
    assert formed_once(simulation(FED, constant), "feed")
    np.testing.assert_allclose(current(FED, constant), np.tile(0.7 * ROWS.sum(1), (STEPS, 1)), rtol=1e-5)
    moving = constant | {"c": TimeSeries(WAVE, to="port")}
    assert not formed_once(simulation(FED, moving), "feed")
    np.testing.assert_allclose(current(FED, moving), (0.7 + WAVE) @ ROWS.T, atol=1e-5)


def test_both_schedules_give_one_port_with_memories_the_same_values() -> None:
    slow = jn.noise.CurrentNoise(jn.noise.PerStep(0.3), colour=jn.noise.OrnsteinUhlenbeck(3.0))
    inputs = {"a": Fluctuating(0.1, slow, to="port"), "b": PoissonSpikes(300.0, to="port")}
    by_step, by_component = (current(FED, inputs, schedule) for schedule in (jn.ByStep(), jn.ByComponent()))
    np.testing.assert_allclose(by_step, by_component, atol=1e-6)
    assert by_step.std() > 0.1


def test_the_report_says_where_an_input_goes() -> None:
    text = jn.report(simulation(FED, {"port": Constant(0.1), "bias": Constant(0.2, to="cells")}))
    assert "input bias: Constant to cells" in text
    assert "input port: Constant to port" in text


class Doubled(Input):
    """Shows a sample by twice its values, and remembers that it did."""

    values: Leaf = eqx.field(converter=as_float)
    seen: Leaf = eqx.field(converter=as_float, default=0.0)

    def shown(self, values: Any) -> Self:
        return eqx.tree_at(lambda s: (s.values, s.seen), self, (2.0 * values, jnp.ones(())))

    def init(self, key: Any, size: int, dt: float) -> None:
        return None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[Any, None]:
        return jnp.broadcast_to(self.values * self.seen, context.value.shape), None

    def check(self, who: str, size: int, steps: int) -> None:
        """Fits everything."""

    @classmethod
    def example(cls) -> Self:
        return cls(1.0)


@pytest.mark.slow
def test_an_input_says_how_a_sample_is_shown_to_samples_and_to_training() -> None:
    sim = simulation(ALONE, {"bias": Constant(0.5, to="cells"), "seen": Doubled(np.zeros(SIZE), to="cells")})
    axis = jn.Samples(DATA, "inputs.seen.values")
    found = jn.monte_carlo(sim, [axis], key=0, progress=False)["t_current"].values
    np.testing.assert_allclose(found, np.tile(0.5 + 2.0 * DATA[:, None], (1, STEPS, 1)), rtol=1e-6)
    mean = jn.statistics.Mean("current", population="cells")
    loss = jn.training.losses.SquaredError("cells", readout=mean)
    settings = {"key": 0, "epochs": 1, "batch_size": 2, "progress": False}
    fitted = jn.training.fit(
        sim, (DATA, 2.0 * DATA + 0.7), loss=loss, shown="seen", trainable="inputs.bias.values", **settings
    )
    np.testing.assert_allclose(fitted.history["loss"].values, 0.2**2, rtol=1e-5)
    assert float(fitted.sim.inputs["bias"].values) > 0.5
    assert float(fitted.evaluate((DATA, 2.0 * DATA + 0.7), key=1)["loss"][0]) < 0.2**2


def test_apply_keeps_all_that_encode_makes_of_a_sample() -> None:
    """The amplitude of the noise was lost, and everything else that is not ``values``."""

    def noisy(x: Any) -> Fluctuating:
        return Fluctuating(x, jn.noise.CurrentNoise(jn.noise.PerStep(x.sum())))

    found = jn.apply(FED, DATA, key=SEED, duration=6.0, encode=noisy, statistics=CURRENT)
    for k, x in enumerate(DATA):
        shown = x + x.sum() * normals(SEED, "inputs.port", 6, SIZE, sample=k)
        np.testing.assert_allclose(found["t"].current[k], shown @ ROWS.T, atol=1e-4)


def test_apply_takes_other_inputs_beside_the_one_that_shows_the_batch() -> None:
    bias = {"bias": Constant(0.5, to="cells")}
    options = {"encode": lambda x: Constant(x, to="cells"), "shown": "x", "statistics": CURRENT}
    found = jn.apply(ALONE, DATA, key=SEED, duration=6.0, inputs=bias, **options)["t"].current
    np.testing.assert_allclose(found, np.tile(0.5 + DATA[:, None], (1, 6, 1)), rtol=1e-6)


def test_one_broken_value_among_many_samples_is_found() -> None:
    network = jn.networks.feedforward([4, 5, 3], key=0)
    sim = jn.Simulation(network, {"input": SpikeTrain(np.zeros((10, 4)))}, duration=10.0, dt=1.0)
    samples = np.zeros((50, 10, 4), np.float32)
    samples[:25] = 1.0
    check_samples("fit.train", sim, "input", samples)
    check_samples("fit.train", sim, "input", samples[:25] > 0)  # one value everywhere, which nothing lies between
    samples[30, 2, 1] = 0.25  # between the extremes of its entry
    with pytest.raises(InputError, match=r"fit.train for inputs.input.values: must be whole numbers"):
        check_samples("fit.train", sim, "input", samples)


def test_broken_values_are_looked_for_where_the_input_minds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []
    monkeypatch.setattr(samples_module, "_most_broken", lambda values: looked.append(values) or values[0])
    network = jn.networks.feedforward([4, 5, 3], key=0)
    for given, times in ((TimeSeries(np.zeros((10, 4))), 0), (SpikeTrain(np.zeros((10, 4))), 1)):
        sim = jn.Simulation(network, {"input": given}, duration=10.0, dt=1.0)
        check_samples("fit.train", sim, "input", np.stack([np.zeros((10, 4)), np.ones((10, 4))]))
        assert len(looked) == times, "over all samples it takes longer than everything else that is checked"
