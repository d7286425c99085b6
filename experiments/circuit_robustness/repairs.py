"""Trims of thresholds and of biases, found on each chip from the spikes of its neurons on a few samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    programmed = np.zeros((config.networks, config.images), bool)
    with progress.task("repairs", unit="trims", total=config.networks * len(REPAIRS)) as told:
        for seed in range(config.networks):
            own = jn.paths.replace(sim, bench.weights(task, "lif", "plain", seed))
            nominal = jn.paths.replace(own, chips.spread(task, "leaky", chips.ALL, 0.0))
            key = bench.key("repairs", seed)
            wanted = counts(nominal, untrimmed(config), shown.calibration, key)
            target = _readouts(bench, nominal, untrimmed(config), samples, key)[0]
            programmed[seed] = target[few:].argmax(axis=-1) == shown.test[1]
            for o, option in enumerate(options):
                leaves = untrimmed(config)
                if option != "none":
                    leaves = trimmed(own, option, leaves, wanted, shown.calibration, key, config.readings)
                    told.advance()
                found = _readouts(bench, own, leaves, samples, key)
                calibration = hardware.OutputCalibration.fitted(found[:, :few], target[:few])
                for k, values in enumerate((found[:, few:], calibration(found[:, few:]))):
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


def untrimmed(config: Any) -> dict[str, np.ndarray]:
    """The trims of chips that have none [device, neuron]."""
    shape = (config.chips, config.hidden)
    return {path: np.full(shape, rule["start"], np.float32) for path, rule in REPAIRS.values()}


def trimmed(
    sim: jn.Simulation, option: str, leaves: dict[str, np.ndarray], wanted: np.ndarray, shown: np.ndarray, key: Any,
    readings: int,
) -> dict[str, np.ndarray]:  # fmt: skip
    """The trims of one kind, by the spikes of each neuron on the samples of calibration."""
    path, rule = REPAIRS[option]

    def measure(values: np.ndarray) -> np.ndarray:
        return counts(sim, leaves | {path: values.astype(np.float32)}, shown, key)

    found = hardware.trims(measure, wanted, readings=readings, **rule)
    return leaves | {path: found.astype(np.float32)}


def counts(sim: jn.Simulation, leaves: dict[str, np.ndarray], shown: np.ndarray, key: Any) -> np.ndarray:
    """Spikes of each hidden neuron on all samples [device, neuron]."""
    axes = [chips.TrimmedChips(leaves), jn.Samples(shown)]
    data = jn.monte_carlo(sim, axes, key=key, progress=False)["counts"]
    return np.asarray(data.sum("sample").transpose("device", "hidden_neuron").values, float)


def _readouts(bench: Bench, sim: jn.Simulation, leaves: Any, samples: np.ndarray, key: Any) -> np.ndarray:
    return bench.readouts(sim, {}, [chips.TrimmedChips(leaves)], samples, key)
