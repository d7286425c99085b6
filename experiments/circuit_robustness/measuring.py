"""What is measured: networks, one parameter at a time, all together with repairs, circuits, words, and many chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn

from . import chips, repairs, tasks

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config

PARTS = ("single", "joint", "repairs", "circuits", "words", "pool")
KINDS = {"single": 0, "joint": 1, "circuits": 2, "words": 3, "pool": 4, "repairs": 5}
"""Of the roots of chips: each part has chips of its own."""


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """All parts that the configuration names, each kept as it is finished."""
    kept = progress.stage("networks", lambda: _networks(config, progress))
    bench = Bench(config, kept)
    made = {"single": _single, "joint": _joint, "repairs": repairs.measured, "circuits": _circuits, "words": _words,
            "pool": _pool}  # fmt: skip
    found = {}
    for name, part in made.items():
        if name in config.parts:
            found[name] = progress.stage(name, lambda part=part: part(bench, progress))  # type: ignore[misc]
    return found


class Bench:
    """Trained networks and samples, and chips of them.

    Args:
        config: The configuration.
        kept: The weights of all networks.
    """

    def __init__(self, config: Config, kept: xr.Dataset) -> None:
        self.config, self.kept = config, kept
        self.shown = {task: tasks.shown(task, config) for task in config.tasks}

    def key(self, part: str) -> Any:
        """The root of the chips of a part of the study."""
        return jax.random.fold_in(jax.random.key(self.config.seed), KINDS[part])

    def weights(self, task: str, family: str, training: str) -> dict[str, Any]:
        """The trained weights of all networks by path [network, target, source]."""
        return {f"network.{name}.weights": jnp.asarray(self.kept[_name(task, family, training, name)].values)
                for name in tasks.weights(task)}  # fmt: skip

    def simulation(self, task: str, family: str, imperfections: Any, **statistics: Any) -> jn.Simulation:
        """A network of the family, whose weights are to be set."""
        made = tasks.network(task, family, self.config, self.config.seed)
        return tasks.simulation(task, made, self.config, imperfections, **statistics)

    def readouts(
        self, sim: jn.Simulation, axes: Sequence[Any], samples: np.ndarray, part: str, told: Any = None
    ) -> np.ndarray:
        """The readouts of all networks [network, case ..., device, sample, class]; the last axis is that of their chips."""
        show = False if told is None else told.update
        data = jn.monte_carlo(sim, [*axes, jn.Samples(samples)], key=self.key(part), progress=show)["readout"]
        order = ["device", *(["case"] if "case" in data.dims else []), "sample", "output_neuron"]
        values = data.transpose(*order).values
        values = values.reshape(self.config.networks, -1, *values.shape[1:])
        return np.swapaxes(values, 1, 2) if "case" in data.dims else values


def _name(task: str, family: str, training: str, projection: str) -> str:
    return f"{task}_{family}_{training}_{projection}"


def families(config: Config) -> list[str]:
    """The families of the forms, each once."""
    return sorted({chips.family(form) for form in config.forms}, reverse=True)


def _networks(config: Config, progress: Progress) -> xr.Dataset:
    import xarray as xr

    columns: dict[str, Any] = {}
    wanted = [(task, of, training) for task in config.tasks for of in families(config)
              for training in config.trainings if of == "lif" or training == "plain"]  # fmt: skip
    with progress.task("training", unit="sets of networks", total=len(wanted)) as task_:
        for task, of, training in wanted:
            data = tasks.shown(task, config)
            for path, values in tasks.trained(task, of, training, config, data).items():
                name = _name(task, of, training, path.split(".")[1])
                columns[name] = (("seed", f"{name}_target", f"{name}_source"), values)
            task_.advance()
    return xr.Dataset(columns, attrs={"seed": config.seed})


def answers(readouts: np.ndarray) -> np.ndarray:
    """The class of the largest readout."""
    return readouts.argmax(axis=-1).astype(np.int8)


def margins(readouts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The readout of the right class less the largest of the others [..., sample]."""
    own = np.take_along_axis(readouts, np.broadcast_to(labels[..., None], (*readouts.shape[:-1], 1)), axis=-1)[..., 0]
    there = np.arange(readouts.shape[-1]) == labels[:, None]
    return np.asarray(own - np.where(there, -np.inf, readouts).max(axis=-1))


def _single(bench: Bench, progress: Progress) -> xr.Dataset:
    """One parameter at a time, in each form, on all tasks; the first case is the network as programmed."""
    import xarray as xr

    config = bench.config
    parameters = [*chips.SINGLE, chips.ALL]
    cells = [(task, of) for task in config.tasks for of in families(config)]
    shape = (len(config.tasks), len(config.forms), len(parameters), len(config.levels), config.networks)
    answer = np.zeros((*shape, config.chips, config.images), np.int8)
    margin = np.zeros((*shape, config.images), np.float32)
    nominal = np.zeros((len(config.tasks), len(config.forms), config.networks, config.images), np.int8)
    for task, of in cells:
        (samples, labels), t = bench.shown[task].test, config.tasks.index(task)
        sim, own = (
            bench.simulation(task, of, chips.imperfections(task, of)),
            chips.rows(config.forms, of, config.levels),
        )
        cases = [chips.spread(task, own[0][0], chips.ALL, 0.0), *(chips.spread(task, *row) for row in own)]
        axes = [chips.axis(sim, cases), chips.Chips(bench.weights(task, of, "plain"), config.chips)]
        with progress.task(f"one parameter at a time, {task} {of}", unit="members") as told:
            found = bench.readouts(sim, axes, samples, "single", told)
        programmed = found[:, 0, 0]
        own_margin = margins(programmed, labels)
        unit = own_margin.mean(axis=1, keepdims=True)
        for f, p, k, row in _places(config, of, own, parameters):
            answer[t, f, p, k] = answers(found[:, row])
            margin[t, f, p, k] = (own_margin - margins(found[:, row], labels).mean(axis=1)) / unit
            nominal[t, f] = answers(programmed)
    dims = ("task", "form", "parameter", "level", "seed")
    columns = {
        "answer": ((*dims, "device", "sample"), answer), "margin_lost": ((*dims, "sample"), margin),
        "nominal": (("task", "form", "seed", "sample"), nominal), "label": (("task", "sample"), _labels(bench)),
    }  # fmt: skip
    coords = {"task": list(config.tasks), "form": list(config.forms), "parameter": parameters,
              "level": list(config.levels)}  # fmt: skip
    return xr.Dataset(columns, coords, {"seed": config.seed})


def _places(config: Config, of: str, own: Any, parameters: list[str]) -> list[tuple[int, int, int, int]]:
    """Where the results of each form, parameter and level stand, and in which case they are."""
    row = {cell: index + 1 for index, cell in enumerate(own)}
    first, found = own[0][0], []
    for f, form in enumerate(config.forms):
        if chips.family(form) == of:
            for p, name in enumerate(parameters):
                for k, level in enumerate(config.levels):
                    found.append((f, p, k, row.get((form, name, level)) or row[first, name, level]))
    return found


def _labels(bench: Bench) -> np.ndarray:
    return np.stack([bench.shown[task].test[1] for task in bench.config.tasks])


def _joint(bench: Bench, progress: Progress) -> xr.Dataset:
    """All parameters together: after each training, plain and with outputs calibrated, in ensembles, with larger transistors."""

    config, kinds = bench.config, ("none", "output gain")
    levels = [*config.levels, chips.at_area(config.levels[-1], config.copies)]
    shape = (len(config.tasks), len(config.trainings), config.networks)
    accuracy = np.full((*shape, len(kinds), len(levels), config.joint_chips), np.nan)
    correct = np.full((*shape, len(kinds), len(levels), config.images), np.nan)
    nominal = np.zeros((*shape, config.images), bool)
    ensembles = np.full((*shape, 2, config.joint_chips // config.copies), np.nan)
    together = np.full((*shape, 2, config.images), np.nan)
    for t, task in enumerate(config.tasks):
        shown = bench.shown[task]
        samples, few = np.concatenate([shown.calibration, shown.test[0]]), len(shown.calibration)
        sim = bench.simulation(task, "lif", chips.imperfections(task, "lif"))
        cases = [chips.spread(task, "leaky", chips.ALL, level) for level in (0.0, *levels)]
        for r, training in enumerate(config.trainings):
            axes = [chips.axis(sim, cases), chips.Chips(bench.weights(task, "lif", training), config.joint_chips)]
            with progress.task(f"all parameters, {task} {training}", unit="members") as told:
                everything = bench.readouts(sim, axes, samples, "joint", told)
            for seed in range(config.networks):
                at, programmed, found = (t, r, seed), everything[seed, 0, 0], everything[seed, 1:]
                nominal[at] = answers(programmed[few:]) == shown.test[1]
                calibration = jn.hardware.OutputCalibration.fitted(found[:, :, :few], programmed[:few])
                for k, values in enumerate((found[:, :, few:], calibration(found[:, :, few:]))):
                    right = answers(values) == shown.test[1]
                    accuracy[(*at, k)], correct[(*at, k)] = right.mean(axis=2), right.mean(axis=1)
                own = found[len(config.levels) - 1, :, few:]
                for k, vote in enumerate((False, True)):
                    right = _ensembled(own, config.copies, vote=vote) == shown.test[1]
                    ensembles[(*at, k)], together[(*at, k)] = right.mean(axis=1), right.mean(axis=0)
    return _of_joint(config, levels, kinds, accuracy, correct, nominal, ensembles, together)


def _of_joint(config: Config, levels: Any, kinds: Any, *arrays: np.ndarray) -> xr.Dataset:
    import xarray as xr

    dims = ("task", "training", "seed")
    accuracy, correct, nominal, ensembles, together = arrays
    names = [*(f"{level:g}" for level in config.levels), "larger"]
    columns = {
        "accuracy": ((*dims, "repair", "spread", "device"), accuracy),
        "correct": ((*dims, "repair", "spread", "sample"), correct),
        "nominal": ((*dims, "sample"), nominal),
        "ensemble_accuracy": ((*dims, "rule", "ensemble"), ensembles),
        "ensemble_correct": ((*dims, "rule", "sample"), together),
    }
    coords = {"task": list(config.tasks), "training": list(config.trainings), "repair": list(kinds), "spread": names,
              "cv": ("spread", levels), "rule": ["mean", "vote"]}  # fmt: skip
    return xr.Dataset(columns, coords, {"seed": config.seed})


def _ensembled(readouts: np.ndarray, copies: int, *, vote: bool) -> np.ndarray:
    """Answers of ensembles of chips [ensemble, sample]."""
    import xarray as xr

    outputs = xr.DataArray(readouts, dims=("device", "sample", "class"))
    found = jn.reduce.ensembled(outputs, "class", copies=copies, vote=vote)
    if vote:  # ties go to the larger mean
        found = found + 1e-6 * jn.reduce.ensembled(outputs, "class", copies=copies)
    return answers(found.transpose("ensemble", "sample", "class").values)


def _circuits(bench: Bench, progress: Progress) -> xr.Dataset:
    """Temperature, with and without mismatch, and threshold voltages that are off; images."""
    cases = chips.circuit_cases(bench.config)
    return _cases(bench, progress, "circuits", chips.circuits(), cases, bench.config.chips)


def _words(bench: Bench, progress: Progress) -> xr.Dataset:
    """Words of few bits, conductances that drift, mismatch of weights, and flipped bits; images."""
    return _cases(bench, progress, "words", chips.words(), word_cases(bench.config), bench.config.word_chips)


def word_cases(config: Config) -> dict[str, chips.Case]:
    """The cases of weights, by ``kind strength``; those of failing analog and digital weights begin with words of 8 bits."""
    found: dict[str, chips.Case] = {"nominal": chips.word(cv=0.0), "eight 0": chips.word(bits=8.0)}
    found |= {f"bits {bits}": chips.word(bits=float(bits)) for bits in config.bits}
    found |= {f"mismatch {cv:g}": chips.word(cv=cv) for cv in config.spreads}
    found |= {f"drift {age:g}": chips.word(age=age, drift=1.0) for age in config.ages}
    found |= {f"pcm {age:g}": chips.word(age=age, drift=1.0, programming=1.0) for age in config.ages}
    found |= {f"analog {cv:g}": chips.word(bits=8.0, cv=cv) for cv in config.analog}
    return found | {f"digital {share:g}": chips.word(bits=8.0, flips=share) for share in config.digital}


def _cases(
    bench: Bench, progress: Progress, part: str, imperfections: Any, cases: dict[str, chips.Case], count: int
) -> xr.Dataset:
    """Share of right and of changed answers of named cases, on images."""
    import xarray as xr

    task, config = bench.config.tasks[0], bench.config
    samples, labels = bench.shown[task].test
    sim = bench.simulation(task, "lif", imperfections)
    axes = [chips.axis(sim, list(cases.values())), chips.Chips(bench.weights(task, "lif", "plain"), count)]
    with progress.task(part, unit="members") as told:
        found = answers(bench.readouts(sim, axes, samples, part, told))
    right = found == labels
    columns = {
        "correct": (("seed", "case", "sample"), right.mean(axis=2)),
        "changed": (("seed", "case", "sample"), (found != found[:, :1, :1]).mean(axis=2)),
        "accuracy": (("seed", "case", "device"), right.mean(axis=3)),
    }
    return xr.Dataset(columns, {"case": list(cases)}, {"seed": config.seed})


def _pool(bench: Bench, progress: Progress) -> xr.Dataset:
    """The accuracy of many chips of each network with all parameters at the largest level, on images."""
    import xarray as xr

    task, config = bench.config.tasks[0], bench.config
    samples, labels = bench.shown[task].test
    sim = bench.simulation(task, "lif", chips.imperfections(task, "lif"))
    sim = jn.paths.replace(sim, chips.spread(task, "leaky", chips.ALL, config.levels[-1]))
    axes = [chips.Chips(bench.weights(task, "lif", "plain"), config.pool)]
    with progress.task("many chips", unit="members") as told:
        found = answers(bench.readouts(sim, axes, samples, "pool", told))
    return xr.Dataset({"accuracy": (("seed", "device"), (found == labels).mean(axis=2))}, attrs={"seed": config.seed})
