"""Trims of thresholds and of biases, found on each chip from the spikes of its neurons on a few samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import hardware

from . import chips, tasks

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from .measuring import Bench

REPAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "threshold": ("imperfections.trim_threshold.factor", {"low": 0.4, "high": 2.5, "start": 1.0, "rises": False}),
    "bias": ("imperfections.trim_bias.shift", {"low": -0.6, "high": 0.6, "start": 0.0, "rises": True}),
}
"""What is written, in which range: a factor of the threshold [1], a shift of the potential at rest [mV]."""


def measured(bench: Bench, progress: Progress) -> xr.Dataset:
    """Chips with all parameters at the largest level: as built, each trim, and each with the outputs calibrated after it."""
    import xarray as xr

    config, task = bench.config, bench.config.tasks[0]
    shown, options = bench.shown[task], ("none", *REPAIRS)
    samples, few = np.concatenate([shown.calibration, shown.test[0]]), len(shown.calibration)
    sim = simulation(bench, task)
    correct = np.zeros((config.networks, len(options), 2, config.images))
    nominal = jn.paths.replace(sim, chips.spread(task, "leaky", chips.ALL, 0.0))
    plain = on_chips(bench, task)
    with progress.task("trims", unit="readings", total=config.readings * len(REPAIRS)) as told:
        wanted = counts(nominal, plain, shown.calibration, bench.key("repairs"))
        target = bench.readouts(nominal, [plain], samples, "repairs")[:, 0]
        programmed = target[:, few:].argmax(axis=-1) == shown.test[1]
        for o, option in enumerate(options):
            own = plain
            if option != "none":
                own = trimmed(
                    sim, option, plain, wanted, shown.calibration, bench.key("repairs"), config.readings, told
                )
            found = bench.readouts(sim, [own], samples, "repairs")
            for seed in range(config.networks):
                calibration = hardware.OutputCalibration.fitted(found[seed, :, :few], target[seed, :few])
                for k, values in enumerate((found[seed, :, few:], calibration(found[seed, :, few:]))):
                    correct[seed, o, k] = (values.argmax(axis=-1) == shown.test[1]).mean(axis=0)
    columns = {"correct": (("seed", "trim", "output", "sample"), correct), "nominal": (("seed", "sample"), programmed)}
    readings = [0, *([config.readings * few] * len(REPAIRS))]
    coords = {"trim": list(options), "output": ["as it is", "calibrated"], "measurements": ("trim", readings)}
    return xr.Dataset(columns, coords, {"seed": config.seed})


def simulation(bench: Bench, task: str) -> jn.Simulation:
    """A network with all parameters at the largest level, and trims that do nothing."""
    config = bench.config
    ones = np.ones(config.hidden, np.float32)
    trims = {
        "trim_threshold": hardware.Trim(tasks.HIDDEN + "v_threshold", factor=ones),
        "trim_bias": hardware.Trim(tasks.HIDDEN + "v_rest", shift=0.0 * ones),
    }
    parts = chips.imperfections(task, "lif") | trims
    sim = bench.simulation(task, "lif", parts, counts=jn.statistics.SpikeCount(population="hidden"))
    return jn.paths.replace(sim, chips.spread(task, "leaky", chips.ALL, config.levels[-1]))


def on_chips(bench: Bench, task: str) -> chips.Chips:
    """All chips of all networks, with trims that do nothing."""
    config, weights = bench.config, bench.weights(task, "lif", "plain")
    shape = (config.networks * config.chips, config.hidden)
    leaves = {path: jnp.full(shape, rule["start"], jnp.float32) for path, rule in REPAIRS.values()}
    return chips.Chips(weights, config.chips, leaves)


def trimmed(
    sim: jn.Simulation, option: str, plain: chips.Chips, wanted: np.ndarray, shown: np.ndarray, key: Any, readings: int,
    told: Any = None,
) -> chips.Chips:  # fmt: skip
    """The chips with trims of one kind, by the spikes of each neuron on the samples of calibration."""
    path, rule = REPAIRS[option]

    def written(values: np.ndarray) -> chips.Chips:
        return chips.Chips(plain.weights, plain.chips, plain.leaves | {path: jnp.asarray(values, jnp.float32)})

    def measure(values: np.ndarray) -> np.ndarray:
        if told is not None:
            told.advance()
        return counts(sim, written(values), shown, key)

    return written(hardware.trims(measure, wanted, readings=readings, **rule))


def counts(sim: jn.Simulation, on: chips.Chips, shown: np.ndarray, key: Any) -> np.ndarray:
    """Spikes of each hidden neuron on all samples [device, neuron]."""
    data = jn.monte_carlo(sim, [on, jn.Samples(shown)], key=key, progress=False)["counts"]
    return np.asarray(data.sum("sample").transpose("device", "hidden_neuron").values, float)
