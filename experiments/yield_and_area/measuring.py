"""What is measured: brackets of critical areas, a grid of areas, and the yield at the area that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

import jaxsnn_noise as jn

from . import chips, orders

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config

YIELD = 0.99


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Critical areas in every process at every temperature, then a grid of areas in the first process at 300 K (or the first temperature)."""
    shown = chips.images(config)
    made = chips.trained(config, shown["train"])
    areas = progress.stage("areas", lambda: _areas(config, progress, made, shown["test"]))
    return {"areas": areas, "grid": progress.stage("grid", lambda: _grid(config, progress, made, shown["test"], areas))}


def primary(config: Config) -> tuple[str, float]:
    """The process and the temperature of which the claims speak that name none."""
    return config.processes[0], min(config.temperatures, key=lambda t: abs(t - 300.0))


def key(config: Config, network: int, *, fresh: bool = False) -> Any:
    """The root of the chips of a network; others where they are fresh."""
    return jax.random.fold_in(jax.random.key(config.seed), 2 * network + fresh)


def nominal(network: Any, config: Config, test: Any) -> float:
    """Accuracy of a network as trained."""
    data = jn.monte_carlo(chips.simulation(network, config), [jn.Samples(test[0])], key=0, progress=False)
    return float((data["readout"].argmax("output_neuron").values == test[1]).mean())


def least(programmed: float, config: Config) -> float:
    """The accuracy that a chip must have; a whole number of images less must not miss it by rounding."""
    return programmed - config.tolerance - 1e-9


def _areas(config: Config, progress: Progress, made: Any, test: Any) -> xr.Dataset:
    import xarray as xr

    programmed = [nominal(network, config, test) for network in made]
    shape = (len(made), len(config.processes), len(config.temperatures), config.chips, 2)
    found = np.full(shape, np.nan)
    total = len(made) * len(config.processes) * len(config.temperatures)
    with progress.task("critical areas", unit="cells", total=total) as task:
        for p, process in enumerate(config.processes):
            for t, temperature in enumerate(config.temperatures):
                for i, network in enumerate(made):
                    sim = chips.simulation(network, config, chips.circuits(process, temperature, config.bias))

                    def passes(areas: np.ndarray, sim: Any = sim, i: int = i) -> np.ndarray:
                        right = chips.accuracy(sim, areas, test, key(config, i))
                        return np.asarray(right >= least(programmed[i], config))

                    found[i, p, t] = chips.bisected(
                        passes, config.chips, config.smallest, config.largest, config.halvings
                    )
                    task.advance()
    dims = ("seed", "process", "temperature", "device", "end")
    coords = {"process": list(config.processes), "temperature": list(config.temperatures), "end": ["low", "high"]}
    columns = {"area": (dims, found, {"units": "um2"}), "nominal": ("seed", programmed)}
    return xr.Dataset(columns, {"seed": np.arange(len(made)), **coords}, {"seed": config.seed})


def _grid(config: Config, progress: Progress, made: Any, test: Any, areas: xr.Dataset) -> xr.Dataset:
    """Accuracy on a grid of areas, and yield at the area for 99 %, of the same chips and of fresh ones."""
    import xarray as xr

    process, temperature = primary(config)
    values = np.geomspace(config.smallest, config.largest, config.grid)
    right, yields = [], []
    with progress.task("grid", unit="networks", total=len(made)) as task:
        for i, network in enumerate(made):
            sim = chips.simulation(network, config, chips.circuits(process, temperature, config.bias))
            few = [np.full(config.grid_chips, area) for area in values]
            right.append(np.stack([chips.accuracy(sim, area, test, key(config, i)) for area in few]))
            brackets = areas["area"].sel(process=process, temperature=temperature).isel(seed=i).values
            wanted = orders.quantile(brackets, YIELD)[0]
            bar = least(float(areas["nominal"][i]), config)
            there = np.full(config.chips, min(wanted, config.largest))
            good = [chips.accuracy(sim, there, test, key(config, i, fresh=f)) >= bar for f in (False, True)]
            yields.append([one.mean() for one in good])
            task.advance()
    columns = {
        "accuracy": (("seed", "area", "device"), np.stack(right)),
        "yield": (("seed", "chips"), np.array(yields)),
    }
    coords = {"seed": np.arange(len(made)), "area": values, "chips": ["the same", "fresh"]}
    return xr.Dataset(columns, coords, {"seed": config.seed})
