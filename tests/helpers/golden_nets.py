"""The simulations whose spikes ``test_golden.py`` holds, and the one place where it calls what may change its signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import coding, laws, noise, synapses
from jaxsnn_noise.neurons import LIF, LeakyIntegrator
from jaxsnn_noise.neurons.resets import ResetBySubtraction, ResetToValue

KEY = 3
DISTRIBUTIONS = {
    "gaussian": noise.Gaussian(),
    "logistic": noise.Logistic(),
    "laplace": noise.Laplace(),
    "uniform": noise.Uniform(),
    "triangular": noise.Triangular(),
}


class Case(NamedTuple):
    sim: jn.Simulation
    address: Mapping[str, int] | jn.Address | None = None
    schedule: Any = None


# The calls whose signatures may change stand here, once each.


def rasters(case: Case, key: int = KEY) -> dict[str, np.ndarray]:
    """The spikes [time, neuron] of every spiking population, in the order of names."""
    sim, cells = case.sim, case.sim.network.cells()
    names = sorted(name for name, part in cells.items() if part.neuron.spiking)
    watched = {f"raster_{name}": jn.statistics.Raster(population=name) for name in names}
    backend = jn.Scan(schedule=case.schedule or jn.ByStep())
    results = jn.simulate(sim, key=key, address=case.address, statistics=watched, backend=backend)
    steps = sim.total_steps - sim.warmup_steps
    packed = {name: np.asarray(results[f"raster_{name}"]) for name in names}  # unpacked by NumPy: nothing to compile
    return {name: np.unpackbits(p, axis=0, count=steps, bitorder="little") for name, p in packed.items()}


def mismatch(path: str, *, law: laws.Law, per: str) -> jn.hardware.Mismatch:
    return jn.hardware.Mismatch(f"network.{path}", law=law, per=per)


def simulation(
    network: jn.Network, inputs: dict[str, Any], *, steps: int, dt: float, warmup: int = 0, **options: Any
) -> jn.Simulation:
    return jn.Simulation(network, inputs, duration=steps * dt, dt=dt, warmup=warmup * dt, **options)


def dense(source: str, target: str, weights: Any, **options: Any) -> synapses.Dense:
    return synapses.Dense(source, target, weights, **options)


# What the builders share.


def weights(seed: int, target: int, source: int, *, mean: float, std: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, std, (target, source)).astype(np.float32)


def train(seed: int, steps: int, size: int, *, probability: float) -> np.ndarray:
    return np.random.default_rng(seed).random((steps, size)) < probability


def single(
    size: int = 8,
    *,
    drive: Any = 1.3,
    steps: int = 200,
    dt: float = 1.0,
    lif: dict[str, Any] | None = None,
    **parts: Any,
) -> Case:
    """One population without synapses; ``parts`` are those of the population."""
    cells = jn.Population(LIF(size, **({"tau_mem": 10.0} | (lif or {}))), **parts)
    signal = drive if isinstance(drive, coding.Input) else coding.Constant(drive)
    return Case(simulation(jn.Network({"cells": cells}), {"cells": signal}, steps=steps, dt=dt))


def recurrent(
    size: int = 20, *, steps: int = 120, dt: float = 1.0, loop: dict[str, Any] | None = None, spread: float = 1.0,
    population: dict[str, Any] | None = None, **options: Any,
) -> Case:  # fmt: skip
    """One population that excites and inhibits itself.

    Each neuron has another drive: neurons that fire together receive each other's spikes while they are held.
    """
    cells = jn.Population(LIF(size, tau_mem=10.0, refractory=2.0), **(population or {}))
    back = dense("cells", "cells", weights(1, size, size, mean=0.0, std=spread), **(loop or {}))
    network = jn.Network({"cells": cells}, {"loop": back})
    drive = coding.Constant(np.linspace(1.1, 1.9, size))
    return Case(simulation(network, {"cells": drive}, steps=steps, dt=dt, **options))


def fed(
    signal: Any, *, channels: int = 12, size: int = 10, steps: int = 150, dt: float = 1.0, strength: float = 1.0,
    path: dict[str, Any] | None = None, **options: Any,
) -> Case:  # fmt: skip
    """One population behind a port."""
    cells = jn.Population(LIF(size, tau_mem=10.0))
    feed = dense("port", "cells", weights(2, size, channels, mean=strength, std=0.5 * strength), **(path or {}))
    network = jn.Network({"port": jn.Port(channels), "cells": cells}, {"feed": feed})
    return Case(simulation(network, {"port": signal}, steps=steps, dt=dt, **options))


def layers(*, release: dict[str, Any], spike: dict[str, Any]) -> jn.Simulation:
    """Port, two layers (the first recurrent, the second fed twice with other delays), and a readout that never fires."""
    network = jn.Network(
        {
            "port": jn.Port(12),
            "first": jn.Population(LIF(16, tau_mem=10.0, refractory=1.0), noise=spike),
            "second": jn.Population(LIF(8, tau_mem=15.0, reset=ResetBySubtraction())),
            "readout": jn.Population(LeakyIntegrator(3)),
        },
        {
            "feed": dense("port", "first", weights(3, 16, 12, mean=1.2, std=1.0), delay=2.0, noise=release),
            "loop": dense("first", "first", synapses.random_weights(shape=(16, 16), probability=0.3, std=0.8, key=5)),
            "fast": dense("first", "second", weights(4, 8, 16, mean=0.2, std=0.2), kinetics=synapses.Exponential(4.0)),
            "slow": dense("first", "second", weights(5, 8, 16, mean=0.4, std=0.5), delay=5.0),
            "read": dense("second", "readout", weights(6, 3, 8, mean=0.0, std=1.0), kinetics=synapses.Delta()),
        },
    )
    return simulation(network, {"port": coding.PoissonSpikes(120.0)}, steps=121, dt=1.0, warmup=5)


def everything() -> Case:
    """All seams at once, two sources at most of them: their order is that of their names."""
    half = noise.SharedFraction(0.5)
    sources = {
        "current_b": noise.CurrentNoise(noise.PerStep(0.3), distribution=noise.Laplace()),
        "current_a": noise.CurrentNoise(noise.Diffusion(0.3), coupling=noise.Multiplicative()),
        "voltage_b": noise.VoltageNoise(noise.Diffusion(0.1), coupling=noise.Multiplicative(noise.Stratonovich())),
        "voltage_a": noise.VoltageNoise(noise.Diffusion(0.1), correlation=half),
        "threshold": noise.ThresholdNoise(noise.PerStep(0.1), colour=noise.OrnsteinUhlenbeck(5.0), correlation=half),
        "spike": noise.SpikeNoise(noise.PerStep(0.5), coupling=noise.Multiplicative()),
    }
    loop = {"noise": {"release": noise.ReleaseNoise(noise.PerStep(0.1))}, "kinetics": synapses.Exponential(3.0)}
    firing = jn.NoisyThreshold(0.1, distribution=noise.Logistic())
    population = {"noise": sources, "firing": firing, "initial": {"v": laws.UniformBetween(0.0, 1.0)}}
    chips = {"tau": mismatch("cells.neuron.tau_mem", law=laws.LogNormal(0.2), per="neuron")}
    case = recurrent(30, loop=loop, spread=0.4, population=population, warmup=8, imperfections=chips)
    return case._replace(address={"trial": 5, "device": 2})


def chip(path: str, per: str, law: laws.Law) -> Case:
    sim = recurrent(imperfections={"own": mismatch(path, law=law, per=per)}, loop={"delay": 2.0}).sim
    return Case(sim, address={"device": 3})


def delays() -> Case:
    """A chain with a delay of the least, one and many steps, and a way back."""
    cells = {name: jn.Population(LIF(6, tau_mem=5.0, refractory=0.5)) for name in ("a", "b", "c")}
    sum_up = {"sums": synapses.NativeSums()}
    network = jn.Network(
        cells,
        {
            "a_b": dense("a", "b", weights(7, 6, 6, mean=1.0, std=0.5), kinetics=synapses.Exponential(3.0)),
            "b_c": dense(
                "b", "c", weights(8, 6, 6, mean=1.5, std=0.5), delay=0.25, kinetics=synapses.Delta(), **sum_up
            ),
            "a_c": dense("a", "c", weights(9, 6, 6, mean=2.0, std=1.0), delay=1.75, kinetics=synapses.Delta()),
            "c_a": dense("c", "a", weights(10, 6, 6, mean=-0.3, std=0.5), delay=1.0, kinetics=synapses.Delta()),
        },
    )
    return Case(simulation(network, {"a": coding.Constant(np.linspace(1.2, 2.0, 6))}, steps=300, dt=0.25))


def biological() -> Case:
    """Potentials far from zero, a threshold of its own per neuron."""
    lif = {"tau_mem": 15.0, "v_rest": -65.0, "v_reset": -70.0, "v_threshold": np.linspace(-52.0, -48.0, 8)}
    lif |= {"resistance": 10.0, "refractory": 1.5, "reset": ResetToValue()}
    sources = {"membrane": noise.VoltageNoise(noise.Diffusion(0.01), coupling=noise.Multiplicative(noise.Ito()))}
    return single(drive=2.0, steps=400, dt=0.25, lif=lif, noise=sources, initial={"v": laws.GaussianAround(-60.0, 3.0)})


def frozen(address: Any) -> Case:
    """The same stimulus in every trial, under noise of its own."""
    stimulus = noise.CurrentNoise(noise.PerStep(0.5), colour=noise.OrnsteinUhlenbeck(5.0), correlation=noise.Common())
    case = single(drive=coding.Fluctuating(1.1, stimulus), noise=own(noise.VoltageNoise, noise.Diffusion(0.05)))
    sim = simulation(case.sim.network, case.sim.inputs, steps=200, dt=1.0, warmup=4, frozen={"inputs": ()})
    return Case(sim, address=address)


def own(seam: type[noise.ComposedSource], amplitude: noise.Amplitude, **policies: Any) -> dict[str, noise.Source]:
    """One source of a seam."""
    return {"own": seam(amplitude, **policies)}


SLOW, SCALED = noise.OrnsteinUhlenbeck(8.0), noise.Multiplicative()
COMMON, HALF = noise.Common(), noise.SharedFraction(0.5)
STRATONOVICH = noise.Multiplicative(noise.Stratonovich())
SHOTS = {
    "excitation": noise.PoissonBackground(rate_hz=8.0, charge=0.2, sources=900.0),
    "inhibition": noise.PoissonBackground(rate_hz=5.0, charge=-0.3, sources=100.0),
}
RELEASED = own(noise.ReleaseNoise, noise.PerStep(0.3), coupling=SCALED, distribution=noise.Uniform())
LAYERS = {"release": RELEASED, "spike": own(noise.SpikeNoise, noise.PerStep(0.4), coupling=SCALED)}
SUBTRACT = {"reset": ResetBySubtraction(), "v_reset": 0.2, "v_rest": 0.1, "tau_mem": 10.0}

CASES: dict[str, Callable[[], Case]] = {
    "current_diffusion_one_neuron_fine_step": lambda: single(
        1, drive=1.5, steps=400, dt=0.1, lif={"tau_mem": 4.0}, noise=own(noise.CurrentNoise, noise.Diffusion(1.0))
    ),
    "current_diffusion_coloured": lambda: single(noise=own(noise.CurrentNoise, noise.Diffusion(1.0), colour=SLOW)),
    "current_per_step_scaled": lambda: single(noise=own(noise.CurrentNoise, noise.PerStep(0.3), coupling=SCALED)),
    "current_intensity_common": lambda: single(noise=own(noise.CurrentNoise, noise.Intensity(0.1), correlation=COMMON)),
    "voltage_diffusion_white": lambda: single(
        20, dt=0.25, lif={"refractory": 1.0}, noise=own(noise.VoltageNoise, noise.Diffusion(0.2))
    ),
    "voltage_diffusion_coloured_shared": lambda: single(
        noise=own(noise.VoltageNoise, noise.Diffusion(0.2), colour=SLOW, correlation=HALF)
    ),
    "voltage_diffusion_stratonovich": lambda: single(
        noise=own(noise.VoltageNoise, noise.Diffusion(0.2), coupling=STRATONOVICH)
    ),
    "voltage_per_step_subtracting": lambda: single(
        lif=SUBTRACT, noise=own(noise.VoltageNoise, noise.PerStep(0.1), correlation=HALF)
    ),
    "voltage_ito_biological": biological,
    "threshold_intensity_scaled_coloured": lambda: single(
        noise=own(noise.ThresholdNoise, noise.Intensity(0.01), coupling=SCALED, colour=SLOW)
    ),
    **{
        f"threshold_per_step_{k}": partial(single, noise=own(noise.ThresholdNoise, noise.PerStep(0.15), distribution=d))
        for k, d in DISTRIBUTIONS.items()
    },
    **{
        f"noisy_threshold_{k}": partial(single, drive=0.9, firing=jn.NoisyThreshold(0.2, distribution=d))
        for k, d in DISTRIBUTIONS.items()
    },
    "spike_per_step_added": lambda: recurrent(
        population={"noise": own(noise.SpikeNoise, noise.PerStep(0.2))},
        loop={"kinetics": synapses.Exponential(5.0)},
        spread=0.3,
    ),
    "spike_intensity_scaled_laplace": lambda: recurrent(
        population={"noise": own(noise.SpikeNoise, noise.Intensity(0.1), coupling=SCALED, distribution=noise.Laplace())}
    ),
    "release_intensity_coloured": lambda: recurrent(
        loop={"noise": own(noise.ReleaseNoise, noise.Intensity(0.02), colour=SLOW), "delay": 3.0}
    ),
    "release_per_step_on_a_given_train": lambda: fed(
        coding.SpikeTrain(train(1, 150, 12, probability=0.1)), path={"noise": RELEASED}
    ),
    "poisson_background": lambda: single(drive=0.0, dt=0.25, steps=400, noise=SHOTS),
    "poisson_spikes_delta": lambda: fed(
        coding.PoissonSpikes(np.linspace(40.0, 200.0, 12)), dt=0.25, steps=400, path={"kinetics": synapses.Delta()}
    ),
    "constant_port": lambda: fed(coding.Constant(0.12)),
    "constant_port_delayed_release": lambda: fed(
        coding.Constant(0.12),
        warmup=3,
        steps=151,
        path={"delay": 4.0, "noise": own(noise.ReleaseNoise, noise.PerStep(0.1), correlation=HALF)},
    ),
    "fluctuating_port": lambda: fed(
        coding.Fluctuating(0.1, noise.CurrentNoise(noise.PerStep(0.1))), path={"kinetics": synapses.Exponential(1.5)}
    ),
    "time_series": lambda: single(drive=coding.TimeSeries(1.0 + 0.5 * np.sin(np.arange(200.0) / 9.0))),
    "initial_laws": lambda: single(
        lif={"refractory": 3.0},
        initial={"v": laws.UniformBetween(-1.0, 0.9), "hold": laws.Fixed(np.arange(8.0))},
    ),
    "prefilter_tanh": lambda: single(drive=2.0, prefilter=coding.Tanh(), lif={"v_threshold": 0.8}),
    "prefilter_relu_then_noise": lambda: recurrent(
        population={"prefilter": coding.Relu(), "noise": own(noise.CurrentNoise, noise.PerStep(0.3))}, spread=2.0
    ),
    "mismatch_per_neuron": lambda: chip("cells.neuron.tau_mem", "neuron", laws.LogNormal(0.2)),
    "mismatch_per_synapse": lambda: chip("loop.weights", "synapse", laws.Normal(0.3)),
    "mismatch_per_target": lambda: chip("loop.weights", "neuron", laws.Normal(0.3)),
    "mismatch_per_chip": lambda: chip("cells.neuron.v_threshold", "chip", laws.LogNormal(0.1)),
    "delays": delays,
    "delays_by_component": lambda: delays()._replace(schedule=jn.ByComponent()),
    "layers_by_step": lambda: Case(layers(**LAYERS), schedule=jn.ByStep()),
    "layers_by_component": lambda: Case(layers(**LAYERS), schedule=jn.ByComponent()),
    "frozen_stimulus": lambda: frozen({"trial": 2}),
    "frozen_stimulus_paired_device": lambda: frozen(jn.Address.of({"trial": 2}).at("device", 4, paired=True)),
    "everything": everything,
}
