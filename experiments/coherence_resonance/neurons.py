"""What is simulated, and its sums over blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import FitzHughNagumo, Heun, HodgkinHuxley
from jaxsnn_noise.neurons.channels import Channels, Markov, TransitionLangevin

if TYPE_CHECKING:
    import xarray as xr

PIKOVSKY_KURTHS: dict[str, Any] = {"a": 1.05, "b": 0.0, "tau_mem": 0.01, "tau_w": 1.0, "noise_on_recovery": True}
WHOLE = 1e5
"""Area [um2] on which 1 nA is 1 uA/cm2."""


def fitzhugh(config: Any) -> jn.Simulation:
    """Neurons with noise on the recovery."""
    noise = {"recovery": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    cells = jn.Population(FitzHughNagumo(config.size, **PIKOVSKY_KURTHS), noise=noise, stepper=Heun())
    options: dict[str, Any] = {"duration": config.duration, "warmup": 10.0, "dt": config.dt}
    return jn.Simulation(jn.Network({"cells": cells}), **options, statistics={"i": jn.statistics.IntervalSums()})


def fitzhugh_sums(config: Any) -> xr.Dataset:
    """Sums over intervals [strength, block]."""
    path = "network.cells.noise.recovery.amplitude.sigma"
    axes = [jn.Sweep(path, np.asarray(config.strengths, np.float32), name="strength")]
    found = jn.monte_carlo(fitzhugh(config), axes, key=_key("fitzhugh", config), progress=False)
    parts = {name: found[f"i_{name}"].values for name in ("count", "total", "squares", "squares_high")}
    return _blocks(parts, config.dt, "strength", config.strengths, config.blocks).assign_attrs(found.attrs)


def axons(areas: Any, copies: int, scheme: Channels, statistics: Any, *, density: float = 0.0, **options: Any) -> jn.Simulation:  # fmt: skip
    """So many axons of each area side by side, under a current per area [uA/cm2]; options are times."""
    neuron = HodgkinHuxley(len(areas) * copies, area=np.repeat(areas, copies), channels=scheme)
    inputs = {"cells": jn.coding.Constant(neuron.current(density))} if density else {}
    return jn.Simulation(jn.Network({"cells": jn.Population(neuron)}), inputs, **options, statistics=statistics)


def quiet_axons(config: Any) -> jn.Simulation:
    """Axons without input, whose channels are counted one by one."""
    statistics = {"i": jn.statistics.IntervalSums(), "n": jn.statistics.SpikeCount()}
    options: dict[str, Any] = {"duration": config.axon_duration, "warmup": 100.0, "dt": config.axon_dt}
    return axons(config.areas, config.axons, Markov(), statistics, **options)


def area_sums(config: Any) -> xr.Dataset:
    """Sums over intervals, and spikes, of axons without input [area, block]."""
    found = jn.simulate(quiet_axons(config), key=_key("areas", config))
    shape, sums = (len(config.areas), config.axons), found["i"]
    fields = ("count", "total", "squares", "squares_high")
    parts = {name: np.asarray(getattr(sums, name)).reshape(shape) for name in fields}
    blocks = _blocks(parts, config.axon_dt, "area", config.areas, config.blocks)
    spikes = np.asarray(found["n"], np.float64).reshape(len(config.areas), config.blocks, -1)
    whole = np.full(spikes.shape, config.axon_duration)
    dims = ("area", "block")
    return blocks.assign(spikes=(dims, spikes.sum(-1)), time=(dims, whole.sum(-1)))


def driven_axons(config: Any) -> jn.Simulation:
    """Axons of many channels under a current, with white noise on it."""
    neuron = HodgkinHuxley(config.driven, area=WHOLE)
    noise = {"current": jn.noise.CurrentNoise(jn.noise.Diffusion(0.0))}
    cells = jn.Population(neuron, noise=noise)
    inputs = {"cells": jn.coding.Constant(config.currents[0])}
    return jn.Simulation(
        jn.Network({"cells": cells}), inputs, **_driven(config), statistics={"rate": jn.statistics.Rate()}
    )


def current_rates(config: Any) -> xr.Dataset:
    """Rates of axons under noise on the current [current, noise, axon]."""
    axes = [
        jn.Sweep("inputs.cells.values", np.asarray(config.currents, np.float32), name="current"),
        jn.Sweep("network.cells.noise.current.amplitude.sigma", np.asarray(config.noises, np.float32), name="noise"),
    ]
    found = jn.monte_carlo(driven_axons(config), axes, key=_key("current", config), progress=False)
    rates = found[["rate"]].rename(cells_neuron="axon").transpose("current", "noise", "axon")
    return rates.assign_coords(current=list(config.currents), noise=list(config.noises))


def driven_patches(config: Any) -> jn.Simulation:
    """Axons under the first current, with channel noise."""
    statistics = {"rate": jn.statistics.Rate()}
    scheme, density = TransitionLangevin(), config.currents[0]
    return axons(config.patches, config.driven, scheme, statistics, density=density, **_driven(config))


def _driven(config: Any) -> dict[str, Any]:
    return {"duration": config.driven_duration, "warmup": config.warmup, "dt": config.axon_dt}


def patch_rates(config: Any) -> xr.Dataset:
    """Rates of axons with channel noise under the first current [patch, axon]."""
    import xarray

    rates = jn.simulate(driven_patches(config), key=_key("patches", config))["rate"]
    values = np.asarray(jnp.reshape(rates, (len(config.patches), config.driven)))
    return xarray.Dataset({"rate": (("patch", "axon"), values)}, {"patch": list(config.patches)})


def _blocks(parts: dict[str, np.ndarray], dt: float, name: str, values: Any, blocks: int) -> xr.Dataset:
    """Numbers, sums [ms] and sums of squares [ms^2] of intervals [value, block] of exact sums [value, neuron]."""
    import xarray

    whole = {key: np.asarray(part, np.float64).reshape(len(values), blocks, -1).sum(-1) for key, part in parts.items()}
    squares = whole["squares"] + 2.0**32 * whole["squares_high"]
    sums = {"count": whole["count"], "total": dt * whole["total"], "squares": dt**2 * squares}
    return xarray.Dataset({key: ((name, "block"), part) for key, part in sums.items()}, {name: list(values)})


def _key(name: str, config: Any) -> int:
    """Every part has random numbers of its own."""
    place = ("fitzhugh", "areas", "current", "patches").index(name)
    return int(np.random.SeedSequence((config.seed, place)).generate_state(1)[0] >> 1)
