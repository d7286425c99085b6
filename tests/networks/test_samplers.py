"""Networks that sample: against the exact chain of the sampler, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import FALSE_ALARM, Deviation, assert_mean, assert_variance, negative_control
from jaxsnn_noise import networks, theory
from jaxsnn_noise._checks import InputError

W = np.array([[0.0, 1.0, -0.7], [1.0, 0.0, 0.4], [-0.7, 0.4, 0.0]])
B = np.array([-0.5, 0.3, 0.1])


def counts(network: Any, lasts: float, dt: float, steps: int, trials: int, seed: int = 0) -> np.ndarray:
    """Steps in each state [trial, state]."""
    sim = jn.Simulation(
        network, {}, duration=steps * dt, dt=dt, warmup=20 * lasts, statistics={"s": jn.statistics.StateCounts(lasts)}
    )
    found = jn.monte_carlo(sim, [jn.Trials(trials)], key=seed)["s_counts"]
    return found.transpose("trial", ...).values.reshape(trials, -1)


@pytest.mark.slow
@pytest.mark.parametrize(("lasts", "dt"), [(1.0, 1.0), (3.0, 0.5)])
def test_the_abstract_sampler_has_the_law_of_the_chain(lasts: float, dt: float) -> None:
    law, _ = theory.neural_sampling(W, B, steps=round(lasts / dt))
    found = counts(networks.abstract_sampler(W, B, duration=lasts, dt=dt), lasts, dt, 4000, 60)
    shares = found / found.sum(axis=1, keepdims=True)

    def check(scale: float) -> None:
        wanted = law if scale == 1 else theory.neural_sampling(scale * W, scale * B, steps=round(lasts / dt))[0]
        assert_mean(shares, wanted, false_alarm=FALSE_ALARM)

    check(1.0)
    for off in (0.8, 1.2):
        with pytest.raises(Deviation):
            check(off)


@pytest.mark.slow
def test_with_long_spikes_it_samples_the_distribution_itself() -> None:
    found = counts(networks.abstract_sampler(W, B, duration=20.0, dt=0.5), 20.0, 0.5, 40_000, 40)
    shares = found / found.sum(axis=1, keepdims=True)
    error = theory.kullback_leibler(shares.mean(axis=0), theory.boltzmann_probabilities(W, B))
    tau = 12.0 * 40  # steps, a correlation time of all states and some more
    assert error < 5e-5 + 4 * theory.sampled_divergence(theory.boltzmann_probabilities(W, B), [tau] * 8, found.sum())


@pytest.mark.slow
def test_the_lif_sampler_is_near_its_target_and_far_from_others() -> None:
    cells = networks.lif_population(31)
    activation = networks.measured_activation(cells, duration=10.0, key=1)
    assert activation.error < 0.06
    target = theory.boltzmann_probabilities(W, B)
    for rectangular, most in ((False, 0.07), (True, 0.008)):
        network = networks.lif_sampler(W, B, activation, rectangular=rectangular)
        p = counts(network, 10.0, 0.1, 50_000, 40).sum(axis=0)
        assert theory.kullback_leibler(p / p.sum(), target) < most
        other = theory.boltzmann_probabilities(-W, B)
        assert theory.kullback_leibler(p / p.sum(), other) >= 0.35


@pytest.mark.slow
def test_the_free_membrane_of_the_lif_population_spreads_as_said() -> None:
    cells = networks.lif_population(12_000, std=0.8, v_rest=-9.0)  # never fires
    sim = jn.Simulation(jn.Network({"units": cells}), {}, duration=1.0, dt=0.1, warmup=60.0)
    v = np.asarray(jn.simulate(sim, key=2, statistics={"v": jn.statistics.Trace(("v",))})["v"].v)[-1]
    assert_variance(v, 0.64)
    negative_control(lambda a: assert_variance(a * v, 0.64), off_by=0.05)  # as without the membrane in the formula


def test_the_weight_moves_the_mean_by_the_coupling_while_the_source_is_on() -> None:
    from jaxsnn_noise.networks.samplers import _weight_of_mean

    t = (np.arange(100_000) + 0.5) * 1e-4
    potential = _weight_of_mean(10.0, 2.0) * 10.0 / 8.0 * (np.exp(-t / 10.0) - np.exp(-t / 2.0))
    assert potential.mean() == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: networks.abstract_sampler([[0, 1.0], [0.9, 0]], [0, 0.0]), r"units 0 and 1 differ; got \(1.0, 0.9\)"),
        (lambda: networks.abstract_sampler([[0.3, 1.0], [1.0, 0]], [0, 0.0]), "unit 0 couples to itself; got 0.3"),
        (lambda: networks.abstract_sampler(W, B[:2]), "as many as biases"),
        (lambda: networks.abstract_sampler(W, B, duration=2.5), "multiple of dt"),
        (lambda: networks.lif_sampler(W * [1, 2, 1], B, networks.Activation(0.0, 1.0)), "units 0 and 1 differ"),
        (lambda: networks.lif_sampler(W, B, networks.Activation(0.0, 1.0), v_rest=1.0), "follows from the biases"),
        (lambda: networks.Activation(0.0, -1.0), "width"),
        (lambda: networks.lif_population(3, std=-1.0), "std"),
        (lambda: networks.measured_activation(networks.lif_population(4), duration=10.0, key=0), ">= 5"),
    ],
)
def test_networks_that_do_not_sample_are_refused(build: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()


def test_another_step_than_the_one_it_was_made_for_is_refused() -> None:
    with pytest.raises(InputError, match="refractory time of duration - dt"):
        jn.Simulation(networks.abstract_sampler(W, B), {}, duration=10.0, dt=0.5)
