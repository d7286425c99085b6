"""The engine against independent NumPy loops and closed forms."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.numpy_network import Cells, diffuse, normals
from helpers.pace import slow_but
from helpers.statistical import Deviation, assert_mean, assert_variance, negative_control
from jaxsnn_noise import noise
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.member import run
from jaxsnn_noise.neurons import LIF, LeakyIntegrator, ResetBySubtraction
from jaxsnn_noise.statistics import Trace, VoltageMoments
from jaxsnn_noise.synapses import Delta, Dense, Exponential

SEED = 11


def watch(*names, variables=("spikes", "v")):
    return {name: Trace(variables, population=name) for name in names}


# -- NumPy loops, spike for spike ------------------------------------------------------------------------


RESETS = {  # population: reset, refractory time [ms], how many steps that is
    "value": ("value", None),
    "subtraction": ("subtraction", None),
    "refractory": ("value", 2.0),
    "subtraction_refractory": ("subtraction", 1.4),
    "less_than_a_step": ("value", 0.2),
}
DT, STEPS, SIZE, TAU = 0.5, 401, 40, 15.0


def resetting(name):
    reset, refractory = RESETS[name]
    policy = ResetBySubtraction() if reset == "subtraction" else None
    sources = {"membrane": noise.VoltageNoise(noise.Diffusion(0.1))}
    if name == "refractory":
        sources["input"] = noise.CurrentNoise(noise.PerStep(0.5))
        sources["level"] = noise.ThresholdNoise(noise.PerStep(0.05))
    cells = LIF(SIZE, tau_mem=TAU, refractory=refractory, reset=policy)
    return jn.Population(cells, noise=sources, initial={"v": jn.laws.UniformBetween(0.0, 0.9)})


@pytest.fixture(scope="module")
def resets():
    network = jn.Network({name: resetting(name) for name in RESETS})
    drive = {name: jn.coding.Constant(1.3) for name in RESETS}
    sim = jn.Simulation(network, drive, duration=STEPS * DT, dt=DT, statistics=watch(*RESETS))
    return jn.simulate(sim, key=SEED, address={"trial": 3})


@pytest.mark.parametrize("name", sorted(RESETS))
def test_every_reset_agrees_with_a_numpy_loop_spike_for_spike(resets, name):
    reset, refractory = RESETS[name]
    first = jn.random.stream(jn.random.member(jn.random.root(SEED), trial=3), f"initial.{name}.v")
    v = jn.laws.UniformBetween(0.0, 0.9).draw(first, SIZE)
    cells = Cells(SIZE, dt=DT, tau=TAU, reset=reset, refractory=refractory or 0.0, v=v)
    z = {k: normals(SEED, f"noise.{name}.{k}", STEPS, SIZE, trial=3) for k in ("membrane", "input", "level")}
    more = float(name == "refractory")
    for t in range(STEPS):
        kick = np.float32(0.1) * diffuse(DT, TAU) * z["membrane"][t]
        cells.step(1.3 + more * 0.5 * z["input"][t], kick, 1 + more * 0.05 * z["level"][t])
    np.testing.assert_array_equal(resets[name].spikes, cells.spikes)
    np.testing.assert_allclose(resets[name].v, cells.potential, atol=2e-5)
    assert np.sum(cells.spikes) > 300


def weights_on_a_grid(seed, size, probability, std):
    """Weights of few bits: sums over them are exact whatever the code does."""
    rng = np.random.default_rng(seed)
    weights = np.round(rng.normal(size=(size, size)) * std * 1024) / 1024
    return np.where(rng.random((size, size)) < probability, weights, 0).astype(np.float32)


def test_the_recurrent_network_agrees_with_a_numpy_loop_spike_for_spike():
    size, steps, dt, tau, delay = 100, 400, 1.0, 20.0, 3
    fast, slow = weights_on_a_grid(1, size, 0.1, 1.0), weights_on_a_grid(2, size, 0.1, 0.3)
    cells = jn.Population(LIF(size, tau_mem=tau), noise={"membrane": noise.VoltageNoise(noise.Diffusion(0.1))})
    projections = {
        "fast": Dense("cells", "cells", fast),
        "slow": Dense("cells", "cells", slow, kinetics=Exponential(5.0), delay=delay * dt),
    }
    sim = jn.Simulation(
        jn.Network({"cells": cells}, projections),
        {"cells": jn.coding.Constant(1.1)},
        duration=steps * dt,
        dt=dt,
        statistics=watch("cells"),
    )
    result = jn.simulate(sim, key=SEED)["cells"]
    loop = Cells(size, dt=dt, tau=tau, reset="value")
    z, history = normals(SEED, "noise.cells.membrane", steps, size), np.zeros((steps + 1, size), np.float32)
    synapses = np.zeros(size)
    for t in range(steps):
        released = history[t], history[t + 1 - delay] if t + 1 >= delay else np.zeros(size)
        synapses = synapses + slow @ released[1]
        lost = 1 - np.exp(-dt / 5.0)
        current = 1.1 + fast @ released[0] + synapses * 5.0 / dt * lost
        synapses = synapses * (1 - lost)
        history[t + 1] = loop.step(current.astype(np.float32), np.float32(0.1) * diffuse(dt, tau) * z[t])
    np.testing.assert_array_equal(result.spikes, loop.spikes)
    assert np.sum(loop.spikes) > 500


# -- closed forms of the membrane --------------------------------------------------------------------------


TAUS = np.array([100.0, 10.0, 2.0, 1.0])  # dt/tau = 0.01, 0.1, 0.5, 1 with dt = 1 ms
COPIES, SAMPLES, APART, SIGMA, RESISTANCE, TAU_C = 2000, 4, 500, 0.3, 2.0, 3.0
MEMBRANES = {
    "white_voltage": noise.VoltageNoise(noise.Diffusion(SIGMA)),
    "white_current": noise.CurrentNoise(noise.Diffusion(SIGMA)),
    "coloured_current": noise.CurrentNoise(noise.PerStep(SIGMA), colour=noise.OrnsteinUhlenbeck(TAU_C)),
    "poisson_current": noise.PoissonBackground(200.0, 0.1, 10.0),
}


def variance_of(name, tau):
    """The stationary variance of the membrane for dt = 1 ms."""
    a, b, drive = np.exp(-1 / tau), np.exp(-1 / TAU_C), (RESISTANCE * SIGMA) ** 2
    if name == "white_voltage":
        return SIGMA**2 * tau / 2
    if name == "coloured_current":
        return drive * (1 - a) ** 2 * (1 + a * b) / ((1 - a**2) * (1 - a * b))
    held = RESISTANCE**2 * 0.1**2 * 2.0 if name == "poisson_current" else drive
    return held * (1 - a) / (1 + a)


@pytest.fixture(scope="module")
def membranes():
    """Subthreshold membranes [sample, copy, tau], the samples five time constants of the slowest apart."""
    size = COPIES * len(TAUS)
    cells = LIF(size, tau_mem=np.tile(TAUS, COPIES), resistance=RESISTANCE, v_threshold=1e9)
    network = jn.Network({name: jn.Population(cells, noise={"x": source}) for name, source in MEMBRANES.items()})
    trace = {name: Trace(("v",), every=APART, population=name) for name in MEMBRANES}
    sim = jn.Simulation(network, duration=SAMPLES * APART, dt=1.0, warmup=1001.0, statistics=trace)
    result = jn.simulate(sim, key=SEED)
    return {name: np.asarray(result[name].v, np.float64).reshape(SAMPLES, COPIES, len(TAUS)) for name in MEMBRANES}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MEMBRANES))
@pytest.mark.parametrize("which", range(len(TAUS)))
def test_the_stationary_variance_is_that_of_theory(membranes, name, which):
    v = membranes[name][:, :, which].ravel()
    a = np.exp(-APART / max(TAUS[which], TAU_C))
    size = v.size * (1 - a**2) / (1 + a**2)
    kurtosis = None if name == "poisson_current" else 3.0

    def check(amplitude):
        assert_variance(amplitude * v, variance_of(name, TAUS[which]), effective_size=size, kurtosis=kurtosis)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_the_mean_under_poisson_background_is_that_of_its_mean_current(membranes):
    for which in range(len(TAUS)):
        assert_mean(membranes["poisson_current"][:, :, which].mean(axis=0), RESISTANCE * 0.1 * 2.0)


@pytest.mark.slow
def test_exact_decay_with_the_square_root_of_dt_would_be_seen(membranes):
    # the common mistake: 10 % too much variance at dt/tau = 0.1
    v = membranes["white_voltage"][:, :, 1].ravel()
    wrong = SIGMA**2 / (1 - np.exp(-2 / TAUS[1]))
    with pytest.raises(Deviation):
        assert_variance(v, wrong)


@pytest.mark.slow
def test_the_gradient_of_the_variance_is_sigma_tau():
    tau, sigma = 4.0, 0.3
    cells = jn.Population(LeakyIntegrator(500, tau_mem=tau), noise={"x": noise.VoltageNoise(noise.Diffusion(sigma))})
    stats = {"v": VoltageMoments()}
    sim = jn.Simulation(jn.Network({"cells": cells}), duration=400.0, dt=1.0, warmup=40.0, statistics=stats)
    path = "network.cells.noise.x.amplitude.sigma"

    def variance(sigma):
        variances = jn.simulate(jn.paths.replace(sim, {path: sigma}), key=SEED)["v"].variance
        return variances.mean(), variances

    slope, per_neuron = jax.grad(variance, has_aux=True)(sigma)
    h = 0.01  # the variance is a square of sigma: a central difference is exact but for rounding
    difference = (variance(sigma + h)[0] - variance(sigma - h)[0]) / (2 * h)
    assert float(slope) == pytest.approx(float(difference), rel=1e-3)
    # the variance over T steps lacks that of the average; 2 variance / sigma per neuron averages to the slope
    a = np.exp(-1 / tau)
    lacking = 1 - ((1 + a) / (1 - a) / 400 - 2 * a * (1 - a**400) / (1 - a) ** 2 / 400**2)
    per_neuron = 2 * np.asarray(per_neuron, np.float64) / sigma / lacking
    assert float(slope) == pytest.approx(per_neuron.mean() * lacking, rel=1e-4)

    def check(amplitude):
        assert_mean(per_neuron, amplitude * sigma * tau)

    check(1.0)
    negative_control(check)


def test_noise_free_intervals_match_the_closed_form_to_within_one_step():
    rng, dt = np.random.default_rng(5), 0.1
    rest, reset = rng.uniform(-1, 0.5, 20), rng.uniform(-2, 0.5, 20)
    threshold, tau = rng.uniform(1, 3, 20), rng.uniform(5, 40, 20)
    resistance, refractory = rng.uniform(0.5, 3, 20), rng.uniform(0, 5, 20).round(1)
    current = (threshold * rng.uniform(1.05, 2, 20) - rest) / resistance
    cells = LIF(
        20,
        tau_mem=tau,
        v_threshold=threshold,
        v_reset=reset,
        v_rest=rest,
        resistance=resistance,
        refractory=refractory,
    )
    drive = {"cells": jn.coding.Constant(current)}
    sim = jn.Simulation(
        jn.Network({"cells": jn.Population(cells)}), drive, duration=600.0, dt=dt, statistics=watch("cells")
    )
    spikes = np.asarray(jn.simulate(sim, key=0)["cells"].spikes)
    final = rest + resistance * current
    wanted = refractory + tau * np.log((final - reset) / (final - threshold))
    for train, interval in zip(spikes.T, wanted, strict=True):
        intervals = np.diff(np.flatnonzero(train)) * dt
        assert len(intervals) >= 2
        assert (np.abs(intervals - interval) <= dt * 1.001).all()


# -- time: warm-up, delays, schedules ------------------------------------------------------------------------


def noisy(duration, warmup):
    cells = jn.Population(LIF(20, tau_mem=5.0), noise={"x": noise.VoltageNoise(noise.Diffusion(0.3))})
    drive = {"cells": jn.coding.Constant(1.0)}
    return jn.Simulation(
        jn.Network({"cells": cells}), drive, duration=duration, dt=1.0, warmup=warmup, statistics=watch("cells")
    )


@pytest.mark.parametrize(("warmup", "duration"), slow_but([(1, 30), (2, 29), (30, 1)], [(2, 29)]))
def test_warm_up_and_odd_durations_shift_the_window_and_nothing_else(warmup, duration):
    whole = jn.simulate(noisy(31.0, 0.0), key=SEED)["cells"].spikes
    part = jn.simulate(noisy(float(duration), float(warmup)), key=SEED)["cells"].spikes
    np.testing.assert_array_equal(part, whole[warmup:])


def arrival_steps(schedule):
    """When each population first fires after one spike of a port in step 4."""
    kick = {"kinetics": Delta()}
    sources = {"port": ("a", "b", "c"), "a": ("d", "e", "f", "g")}
    delays = {"a": None, "b": 1.0, "c": 3.0, "d": None, "e": 1.0, "f": 4.0, "g": 0.0}
    populations = {name: jn.Population(LIF(1, tau_mem=1.0)) for name in delays}
    projections = {
        f"to_{target}": Dense(source, target, [[50.0]], delay=delays[target], **kick)
        for source, targets in sources.items()
        for target in targets
    }
    train = np.zeros((20, 1))
    train[4] = 1
    sim = jn.Simulation(
        jn.Network({"port": jn.Port(1), **populations}, projections),
        {"port": jn.coding.SpikeTrain(train)},
        duration=20.0,
        dt=1.0,
        statistics=watch(*delays),
    )
    result = jn.simulate(sim, key=0, backend=jn.Scan(schedule=schedule))
    return {name: np.flatnonzero(result[name].spikes).tolist() for name in delays}


@pytest.mark.parametrize("schedule", [jn.ByStep(), jn.ByComponent()], ids=lambda s: type(s).__name__)
def test_spikes_arrive_when_their_delay_says(schedule):
    assert arrival_steps(schedule) == {"a": [4], "b": [5], "c": [7], "d": [5], "e": [5], "f": [8], "g": [4]}


# -- seams seen from outside -----------------------------------------------------------------------------------


def test_sources_of_a_seam_see_the_same_value_and_add_up_whatever_the_order_they_are_given_in():
    times, steps, size = noise.Multiplicative(), 40, 6
    a = noise.VoltageNoise(noise.PerStep(0.2), coupling=times)
    b = noise.VoltageNoise(noise.PerStep(0.3), coupling=times, correlation=noise.Common())

    def potentials(sources):
        cells = jn.Population(LeakyIntegrator(size, tau_mem=5.0), noise=sources)
        stats = watch("cells", variables=("v",))
        drive = {"cells": jn.coding.Constant(1.0)}
        sim = jn.Simulation(jn.Network({"cells": cells}), drive, duration=steps, dt=1.0, statistics=stats)
        return np.asarray(jn.simulate(sim, key=SEED)["cells"].v)

    found = potentials({"a": a, "b": b})
    np.testing.assert_array_equal(potentials({"b": b, "a": a}), found)
    z = normals(SEED, "noise.cells.a", steps, size)
    common = normals(SEED, "noise.cells.b", steps, 1, entity=0xFFFFFFFF)
    v, decay = np.zeros(size), np.exp(-1 / 5.0)
    for t in range(steps):
        flown = 1 + (v - 1) * decay
        v = flown + flown * 0.2 * z[t] + flown * 0.3 * common[t]
        np.testing.assert_allclose(found[t], v, rtol=1e-4, atol=1e-5)


def test_both_steps_of_a_block_share_their_draws(monkeypatch):
    def draws(duration):
        sim = noisy(duration, 0.0)
        jaxpr = eqx.filter_make_jaxpr(run)(jn.Scan(), sim, jn.random.root(0), Address.of())[0]
        return str(jaxpr).count("name=_fenced")

    one = draws(1.0)
    assert draws(2.0) == one > 0
    monkeypatch.setattr(jn.random, "Memo", lambda: None)  # negative control: without a memo each step draws its own
    assert draws(2.0) > one


class Twice(noise.Source):
    """Draws three times in a step: at its tick, on a channel, and at other entities."""

    @property
    def seam(self):
        return noise.Seam.VOLTAGE

    def init(self, key, size, dt):
        return None

    def draw(self, state, context, key, dt):
        size = context.value.shape[-1]
        z = [jn.random.normal(at, jn.random.entities(size)) for at in (key, jn.random.channel(key, 1))]
        return 0.1 * (z[0] * z[1] + jn.random.normal(key, jn.random.entities(size, draw=1))), None

    def moments(self, context, dt):
        raise NotImplementedError

    def check(self, who):
        """Nothing to check."""

    @classmethod
    def example(cls):
        return cls()


def test_every_draw_of_a_step_is_shared_by_both_steps_of_a_block():
    """Before, a draw on a channel paid the cipher in each step."""

    def draws(duration):
        cells = jn.Population(LIF(4), noise={"x": Twice()})
        sim = jn.Simulation(jn.Network({"cells": cells}), duration=duration, dt=1.0)
        return str(eqx.filter_make_jaxpr(run)(jn.Scan(), sim, jn.random.root(0), Address.of())[0]).count("name=_fenced")

    assert draws(1.0) == 3
    assert draws(2.0) == 3


def with_spike_noise(sigma):
    spiking = jn.Population(LIF(10, tau_mem=5.0), noise={"x": noise.SpikeNoise(noise.PerStep(sigma))})
    target = jn.Population(LeakyIntegrator(10), prefilter=jn.coding.Relu())
    network = jn.Network({"cells": spiking, "target": target}, {"feed": Dense("cells", "target", np.eye(10))})
    stats = watch("cells", variables=("spikes", "output")) | watch("target", variables=("current",))
    drive = {"cells": jn.coding.Constant(np.linspace(0.9, 2, 10))}
    return jn.simulate(jn.Simulation(network, drive, duration=61.0, dt=1.0, statistics=stats), key=SEED)


def test_spike_noise_reaches_targets_and_not_reset_or_spike_trains():
    clean, perturbed = with_spike_noise(0.0), with_spike_noise(0.2)
    np.testing.assert_array_equal(perturbed["cells"].spikes, clean["cells"].spikes)
    np.testing.assert_array_equal(clean["cells"].output, clean["cells"].spikes)
    z = normals(SEED, "noise.cells.x", 61, 10)
    np.testing.assert_allclose(perturbed["cells"].output, clean["cells"].spikes + 0.2 * z, atol=1e-6)
    received = np.maximum(np.asarray(perturbed["cells"].output)[:-1], 0)  # one step later, through the pre-filter
    np.testing.assert_allclose(perturbed["target"].current[1:], received, atol=1e-5)
    assert clean["cells"].spikes.sum() > 20


def test_without_noise_is_the_simulation_with_silent_noise():
    cells = jn.Population(LIF(10), noise={"x": noise.VoltageNoise(noise.Diffusion(0.2))}, firing=jn.NoisyThreshold(0.1))
    drive = {"cells": jn.coding.Constant(np.linspace(0.9, 2, 10))}
    sim = jn.Simulation(jn.Network({"cells": cells}), drive, duration=60.0, dt=1.0, statistics=watch("cells"))
    silent = {"network.cells.noise.x.amplitude.sigma": 0.0, "network.cells.firing.scale": 0.0}
    wanted = jn.simulate(jn.paths.replace(sim, silent), key=SEED)["cells"]
    got = jn.simulate(jn.without_noise(sim), key=SEED + 1)["cells"]
    np.testing.assert_array_equal(got.spikes, wanted.spikes)
    assert not any("noise" in path for path in jn.paths.leaves(jn.without_noise(sim)))
    assert np.any(jn.simulate(sim, key=SEED)["cells"].spikes != wanted.spikes)


def test_the_report_says_everything_with_units():
    text = jn.report(noisy(30.0, 5.0))
    for part in (
        "30 ms in steps of 1 ms after 5 ms",
        "cells: LIF, 20 neurons",
        "VoltageNoise, Diffusion",
        "tau_mem = 5 (20) [ms]",
    ):
        assert part in text


def test_results_do_not_depend_on_jit_or_on_the_seeds_form():
    sim = noisy(31.0, 0.0)
    wanted = jn.simulate(sim, key=SEED)["cells"].spikes
    for key in (jax.random.key(SEED), jax.random.PRNGKey(SEED), jnp.array([0, SEED], jnp.uint32)):
        np.testing.assert_array_equal(jn.simulate(sim, key=key)["cells"].spikes, wanted)
