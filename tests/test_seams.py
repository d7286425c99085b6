"""The engine at its seams against plain NumPy loops in double precision: what noise means there, and where it is added."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.numpy_network import normals
from jaxsnn_noise import noise, random
from jaxsnn_noise.firing import Firing
from jaxsnn_noise.neurons import LIF, FlooredReset, LeakyIntegrator, ResetBySubtraction, ResetToValue
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision
from jaxsnn_noise.statistics import Trace
from jaxsnn_noise.synapses import Delta, Dense

SEED, SIZE, STEPS = 7, 3, 60


def simulated(populations: dict[str, Any], drive: Any, *, dt: float, variables: Any = ("v",)) -> Any:
    traces = {k: Trace(variables, population=k) for k in populations}
    inputs = {k: jn.coding.Constant(drive) for k in populations}
    sim = jn.Simulation(jn.Network(populations), inputs, duration=STEPS * dt, dt=dt, statistics=traces)
    return jn.simulate(sim, key=SEED)


# -- every diffusion of the current and of the voltage -----------------------------------------------------

SIGMA, TAU, TAU_C, DRIVE, RESISTANCE, REST = 0.3, 5.0, 2.0, 0.8, 1.5, 0.4
SOURCES = {"current": noise.CurrentNoise, "voltage": noise.VoltageNoise}
COUPLINGS = {"additive": noise.Additive(), "multiplicative": noise.Multiplicative()}
COLOURS = {"white": noise.White(), "coloured": noise.OrnsteinUhlenbeck(TAU_C)}
KINDS = [f"{seam}_{coupling}_{colour}" for seam in SOURCES for coupling in COUPLINGS for colour in COLOURS]


def diffusing(kind: str) -> jn.Population:
    seam, coupling, colour = kind.split("_")
    source = SOURCES[seam](noise.Diffusion(SIGMA), coupling=COUPLINGS[coupling], colour=COLOURS[colour])
    return jn.Population(LeakyIntegrator(SIZE, tau_mem=TAU, resistance=RESISTANCE, v_rest=REST), noise={"x": source})


@pytest.fixture(scope="module", params=[0.1, 0.25])
def diffusions(request: Any) -> tuple[float, Any]:
    return request.param, simulated({k: diffusing(k) for k in KINDS}, DRIVE, dt=request.param)


def values(kind: str, dt: float) -> np.ndarray:
    """The unit-variance values [step, neuron] of the source: white, or coloured and stationary from the first step on."""
    stream = f"noise.{kind}.x"
    z = normals(SEED, stream, STEPS, SIZE).astype(np.float64)
    if kind.endswith("white"):
        return z
    key = random.stream(random.member(random.root(SEED)), stream)
    first = random.normal(random.channel(random.tick(key, 0), 15), random.entities(SIZE))
    decay, x = np.exp(-dt / TAU_C), [np.asarray(first, np.float64)]
    for t in range(STEPS - 1):
        x.append(decay * x[-1] + np.sqrt(1 - decay**2) * z[t])
    return np.stack(x)


@pytest.mark.parametrize("kind", KINDS)
def test_a_diffusion_is_what_its_equation_says_at_any_dt(diffusions: tuple[float, Any], kind: str) -> None:
    dt, results = diffusions
    seam, coupling, colour = kind.split("_")
    x, v, decay = values(kind, dt), np.full(SIZE, REST), np.exp(-dt / TAU)
    rate = SIGMA / np.sqrt(
        2 * TAU_C
    )  # of coloured noise: stationary, per unit of the current, or per ms of the voltage
    gathered = np.sqrt(TAU / 2 * (1 - np.exp(-2 * dt / TAU))) if coupling == "additive" else np.sqrt(dt)
    std = {
        "current_white": SIGMA / np.sqrt(dt),
        "current_coloured": rate,
        "voltage_white": SIGMA * gathered,
        "voltage_coloured": rate * dt,
    }[f"{seam}_{colour}"]
    for t in range(STEPS):
        current = DRIVE
        if seam == "current":
            current = current + std * x[t] * (DRIVE if coupling == "multiplicative" else 1.0)
        v_inf = REST + RESISTANCE * current
        v = v_inf + (v - v_inf) * decay
        if seam == "voltage":
            v = v + std * x[t] * (v if coupling == "multiplicative" else 1.0)
        np.testing.assert_allclose(results[kind].v[t], v, rtol=2e-5, atol=2e-5)


# -- resets --------------------------------------------------------------------------------------------------

RESETS = {"value": ResetToValue(), "subtraction": ResetBySubtraction(), "floored": FlooredReset(floor=-0.3)}
LOW, REST_V, HIGH = -0.6, 0.2, 1.1


def test_every_reset_leads_where_its_equation_says_from_a_rest_and_to_a_reset_of_their_own() -> None:
    dt, source = 0.5, {"m": noise.VoltageNoise(noise.PerStep(0.25))}
    lif = {"tau_mem": 4.0, "v_rest": REST_V, "v_reset": LOW, "v_threshold": HIGH}
    cells = {k: jn.Population(LIF(SIZE, **lif, reset=reset), noise=source) for k, reset in RESETS.items()}
    results = simulated(cells, 1.2, dt=dt, variables=("v", "spikes"))
    for name in RESETS:
        z = normals(SEED, f"noise.{name}.m", STEPS, SIZE).astype(np.float64)
        v, fired, beyond = np.full(SIZE, REST_V), 0, 0.0
        for t in range(STEPS):
            v = REST_V + 1.2 + (v - REST_V - 1.2) * np.exp(-dt / 4.0) + 0.25 * z[t]
            np.testing.assert_allclose(results[name].v[t], v, atol=2e-5)
            spikes = v >= HIGH
            np.testing.assert_array_equal(np.asarray(results[name].spikes[t]) > 0, spikes)
            fired, beyond = fired + spikes.sum(), max(beyond, float((v - HIGH).max()))
            v = np.where(spikes, v - (HIGH - LOW) if name == "subtraction" else LOW, v)
            v = np.maximum(v, -0.3) if name == "floored" else v
        assert fired > 10
        assert beyond > 0.1  # a subtraction keeps something


def test_a_held_membrane_takes_no_noise_and_does_not_fire_however_low_its_threshold_falls() -> None:
    sources = {"m": noise.VoltageNoise(noise.PerStep(0.3)), "t": noise.ThresholdNoise(noise.PerStep(0.8))}
    cells = {"a": jn.Population(LIF(SIZE, tau_mem=4.0, refractory=2.0), noise=sources)}
    results = simulated(cells, 0.9, dt=0.5, variables=("v", "spikes"))["a"]
    m, level = (normals(SEED, f"noise.a.{k}", STEPS, SIZE).astype(np.float64) for k in "mt")
    v, held, low = np.zeros(SIZE), np.zeros(SIZE, int), 0
    for t in range(STEPS):
        free, threshold = held == 0, 1.0 + 0.8 * level[t]
        v = np.where(free, 0.9 + (v - 0.9) * np.exp(-0.5 / 4.0) + 0.3 * m[t], v)
        np.testing.assert_allclose(results.v[t], v, atol=2e-5)
        spikes = free & (v >= threshold)
        np.testing.assert_array_equal(np.asarray(results.spikes[t]) > 0, spikes)
        low += np.sum(~free & (v >= threshold))
        held, v = np.where(spikes, 4, np.maximum(held - 1, 0)), np.where(spikes, 0.0, v)
    assert low > 2


# -- the order of what happens to the current ---------------------------------------------------------------


def test_the_pre_filter_acts_before_the_noise_on_the_current() -> None:
    """And the noise, where it scales, with what the pre-filter lets pass."""
    drive = np.array([-0.7, 0.2, 1.5])
    filters = {"relu": (jn.coding.Relu(), np.maximum(drive, 0.0)), "tanh": (jn.coding.Tanh(), np.tanh(drive))}
    sources = {
        "a": noise.CurrentNoise(noise.PerStep(0.5)),
        "b": noise.CurrentNoise(noise.PerStep(0.3), coupling=noise.Multiplicative()),
    }
    cells = {k: jn.Population(LeakyIntegrator(SIZE), prefilter=f, noise=sources) for k, (f, _) in filters.items()}
    results = simulated(cells, drive, dt=0.5, variables=("current",))
    for name, (_, filtered) in filters.items():
        a, b = (normals(SEED, f"noise.{name}.{k}", STEPS, SIZE) for k in "ab")
        np.testing.assert_allclose(results[name].current, filtered + 0.5 * a + 0.3 * filtered * b, atol=1e-5)


# -- what a projection releases ------------------------------------------------------------------------------


def test_what_a_constant_port_releases_is_fresh_in_every_step_and_arrives_after_its_delay() -> None:
    """Although nothing on the way changes. Both sources see the clean signal."""
    signal = np.array([0.5, -2.0])
    sources = {
        "a": noise.ReleaseNoise(noise.PerStep(0.5)),
        "b": noise.ReleaseNoise(noise.PerStep(0.3), coupling=noise.Multiplicative()),
    }
    cells = {k: jn.Population(LeakyIntegrator(2)) for k in ("noisy", "late")}
    projections = {
        "x": Dense("port", "noisy", np.eye(2), noise=sources),
        "y": Dense("port", "late", np.eye(2), delay=3.0),
    }
    traces = {k: Trace(("current",), population=k) for k in cells}
    network = jn.Network({"port": jn.Port(2), **cells}, projections)
    inputs = {"port": jn.coding.Constant(signal)}
    results = jn.simulate(jn.Simulation(network, inputs, duration=STEPS, dt=1.0, statistics=traces), key=SEED)
    a, b = (normals(SEED, f"projections.x.{k}", STEPS, 2) for k in "ab")
    np.testing.assert_allclose(results["noisy"].current, signal + 0.5 * a + 0.3 * signal * b, atol=1e-5)
    np.testing.assert_array_equal(results["late"].current, np.where(np.arange(STEPS)[:, None] < 3, 0.0, signal))


# -- what a firing rule is told ------------------------------------------------------------------------------


class Before(Firing):
    """Fires where the margin was positive at the start of the step."""

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        return Decision((crossing.before >= 0).astype(jnp.float32))

    @classmethod
    def example(cls) -> Before:
        return cls()


def test_the_margin_before_is_that_of_the_reset_membrane_and_the_threshold_at_the_start_of_the_step() -> None:
    lif = {"tau_mem": 3.0, "tau_adapt": 6.0, "jump": 0.4, "v_threshold": [0.8, 1.0, 1.2]}
    cells = {"a": jn.Population(jn.neurons.AdaptiveLIF(SIZE, **lif), firing=Before())}
    results = simulated(cells, 1.6, dt=0.5, variables=("spikes",))["a"].spikes
    v, lift, spikes = np.zeros(SIZE), np.zeros(SIZE), []
    for _ in range(STEPS):
        fired = v - (np.array(lif["v_threshold"]) + lift) >= 0
        v, lift = 1.6 + (v - 1.6) * np.exp(-0.5 / 3.0), lift * np.exp(-0.5 / 6.0)
        v, lift = np.where(fired, 0.0, v), lift + 0.4 * fired
        spikes.append(fired)
    np.testing.assert_array_equal(np.asarray(results) > 0, spikes)
    assert 10 < np.sum(spikes) < 0.4 * STEPS * SIZE


# -- schedules -----------------------------------------------------------------------------------------------


def released(**options: Any) -> dict[str, Any]:
    return {"noise": {k: noise.ReleaseNoise(noise.PerStep(0.6), **o) for k, o in options.items()}}


@pytest.mark.slow
def test_release_noise_and_delays_are_the_same_by_step_and_by_component() -> None:
    """From a port and from a population; white and coloured at once; over a seam of stretches, the warm-up's end, that is shorter than a delay."""
    slow = {"colour": noise.OrnsteinUhlenbeck(3.0)}
    cells = {k: jn.Population(LIF(5, tau_mem=4.0)) for k in "ab"}
    weights = np.random.default_rng(0).uniform(0.0, 1.5, (2, 5, 5))
    projections = {
        "x": Dense("p", "a", 4 * weights[0], kinetics=Delta(), delay=3.0, **released(r={}, s=slow)),
        "y": Dense("a", "b", 2 * weights[1], delay=5.0, **released(r=slow)),
        "z": Dense("a", "a", -weights[1], delay=2.0, **released(r=slow)),
    }
    network = jn.Network({"p": jn.Port(5), **cells}, projections)
    assert len(jn.ByComponent().groups(network)) == 2
    traces = {k: Trace(("spikes", "current"), population=k) for k in cells}
    inputs = {"p": jn.coding.PoissonSpikes(60.0)}
    sim = jn.Simulation(network, inputs, duration=41.0, dt=1.0, warmup=3.0, statistics=traces)
    one, other = (jn.simulate(sim, key=SEED, backend=jn.Scan(schedule=s)) for s in (jn.ByStep(), jn.ByComponent()))
    for name in cells:
        assert 5 < float(one[name].spikes.sum()) < 0.6 * one[name].spikes.size
        np.testing.assert_array_equal(one[name].spikes, other[name].spikes)
        np.testing.assert_allclose(one[name].current, other[name].current, atol=2e-5)
