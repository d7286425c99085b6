"""The rule of neural sampling: its probability, the share of time on, and what it asks of the neuron."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

import jaxsnn_noise as jn
from helpers.statistical import assert_mean, assert_proportion, negative_control
from jaxsnn_noise import random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.signals import Crossing

AT, N = random.tick(random.root(4), 3), 40_000


def seen(margin: float) -> Crossing:
    return Crossing(jnp.full(N, margin), jnp.zeros(N), jnp.ones(N), probabilities=True)


@pytest.mark.parametrize(("margin", "dt"), [(0.3, 0.5), (-0.4, 2.0), (6.0, 0.1)])
def test_the_odds_of_firing_are_those_of_the_margin_per_step(margin: float, dt: float) -> None:
    found = jn.SamplingRule(10.0, 0.5)(seen(margin), AT, dt)
    wanted = expit(margin / 0.5 - np.log(10.0 / dt))
    np.testing.assert_allclose(found.probability[0], wanted, rtol=1e-5)
    spikes = np.asarray(found.spikes)
    np.testing.assert_allclose(found.log_probability, np.log(np.where(spikes > 0, wanted, 1 - wanted)), rtol=1e-4)
    assert_proportion(int(spikes.sum()), N, wanted)


def on(duration: float, dt: float, bias: float) -> np.ndarray:
    """Shares of time on of trials, all neurons together."""
    network = jn.networks.abstract_sampler(np.zeros((8, 8)), np.full(8, bias), duration=duration, dt=dt)
    sim = jn.Simulation(network, {}, duration=100 * duration, dt=dt, warmup=10 * duration, statistics={"r": jn.statistics.Rate()})  # fmt: skip
    return jn.monte_carlo(sim, [jn.Trials(200)], key=1)["r"].mean("units_neuron").values * duration / 1000.0


@pytest.mark.slow
@pytest.mark.parametrize(("duration", "dt"), [(10.0, 0.5), (1.0, 1.0)])
def test_the_share_of_time_on_is_logistic_at_any_step(duration: float, dt: float) -> None:
    shares = on(duration, dt, -0.6)
    assert_mean(shares, expit(-0.6))
    negative_control(lambda a: assert_mean(a * shares, expit(-0.6)))


def test_what_the_neuron_must_hold() -> None:
    rule = jn.SamplingRule(10.0)
    rule.check_step("r", jn.neurons.LIF(2, refractory=9.0), 1.0)
    for neuron in (jn.neurons.LIF(2), jn.neurons.LIF(2, refractory=10.0), jn.neurons.LIF(2, refractory=[9.0, 8.0])):
        with pytest.raises(InputError, match=r"duration - dt = 9 ms"):
            rule.check_step("r", neuron, 1.0)
    with pytest.raises(InputError, match="multiple of dt"):
        rule.check_step("r", jn.neurons.LIF(2, refractory=9.0), 3.0)
