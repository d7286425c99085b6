"""Every estimator on every problem: what it says, with which error, in which time."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import gradients, surrogates

from . import problems

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "Score": gradients.Score,
    "FiniteDifference": gradients.FiniteDifference,
    "FiniteDifference(order=2)": lambda: gradients.FiniteDifference(order=2),
    "NoiseDensity": gradients.NoiseDensity,
    "Score(Baseline)": lambda: gradients.Score(gradients.Baseline()),
    "SurrogateGradient": lambda: gradients.SurrogateGradient(surrogates.FastSigmoid(5.0)),
    "detached surrogate": lambda: gradients.SurrogateGradient(surrogates.SuperSpike(10.0), through_reset=False),
}
"""By name. The last is what ``jax.grad`` gives of neurons with hard thresholds and detached resets."""
IN_NETWORKS = (
    "FiniteDifference",
    "FiniteDifference(order=2)",
    "NoiseDensity",
    "Score",
    "SurrogateGradient",
    "detached surrogate",
)
IN_CLASSIFIERS = ("NoiseDensity", "SurrogateGradient", "detached surrogate")
BY_WEIGHT: dict[str, Callable[[], Any]] = {
    "Flip": lambda: gradients.Flip(4),
    "Score(Baseline)": lambda: gradients.Score(gradients.Baseline(), mode=gradients.Reverse()),
}
REFERENCE = 4
"""Times as many trials for a reference that is estimated."""


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Each kind of problem is kept as it is finished."""
    found = {}
    for kind in config.kinds:
        found[kind] = progress.stage(kind, functools.partial(_neurons, kind, config, progress))
    if config.networks:
        found["networks"] = progress.stage("networks", lambda: _networks(config, progress))
    if config.classifiers:
        found["classifiers"] = progress.stage("classifiers", lambda: _classifiers(config, progress))
        found["by_weight"] = progress.stage("by_weight", lambda: _by_weight(config, progress))
    return found


def _neurons(kind: str, config: Config, progress: Progress) -> xr.Dataset:
    """Random neurons, against theory."""
    drawn = problems.drawn(kind, config)
    sims = [problems.neuron(kind, at, config) for at in drawn]
    known = np.stack([problems.exact(kind, at, config) for at in progress.track(drawn, f"theory, {kind}", "neurons")])
    names = [name for name in ESTIMATORS if name in config.estimators]
    outputs = ["count", gradients.CVOfIntervals()]
    data = _asked(kind, names, sims, [outputs] * len(sims), problems.leaves(kind), config, progress)
    data = data.assign_coords(output=["count", "CV"], leaf=list(problems.TASKS))
    draws: dict[str, Any] = {key: ("unit", [at[key] for at in drawn]) for key in drawn[0]}
    return data.assign(draws | {"reference": (("unit", "output", "leaf"), known)})


def _networks(config: Config, progress: Progress) -> xr.Dataset:
    """Random networks of each gain, against scores of four times as many trials."""
    import xarray

    parts = []
    for gain in config.gains:
        sims = [problems.network(gain, k, config) for k in range(config.networks)]
        outputs: list[list[Any]] = [["count"]] * len(sims)
        data = _asked(f"gain {gain:g}", IN_NETWORKS, sims, outputs, problems.NETWORK, config, progress)
        parts.append(_referred(data, gradients.Score(), sims, outputs, problems.NETWORK, config, progress))
    found = xarray.concat(parts, "gain", join="exact").assign_coords(gain=list(config.gains))
    return found.assign_coords(output=["count"], leaf=list(problems.TASKS[:2]))


def _classifiers(config: Config, progress: Progress) -> xr.Dataset:
    """The loss of random classifiers, against differences of four times as many trials."""
    made = [problems.classifier(k, config) for k in range(config.classifiers)]
    sims, outputs = [sim for sim, _ in made], [[loss] for _, loss in made]
    data = _asked("classifiers", IN_CLASSIFIERS, sims, outputs, problems.CLASSIFIER, config, progress)
    data = _referred(data, gradients.FiniteDifference(), sims, outputs, problems.CLASSIFIER, config, progress)
    return data.assign_coords(output=["loss"], leaf=["noise", "weights", "threshold"])


def _by_weight(config: Config, progress: Progress) -> xr.Dataset:
    """The trace of the variance of the gradient by all weights of a classifier, and the time."""
    import xarray

    shape = (len(BY_WEIGHT), config.classifiers)
    trace, cost = np.zeros(shape), np.zeros(shape)
    with progress.task("by weight", total=int(np.prod(shape)), unit="gradients") as task:
        for i, make in enumerate(BY_WEIGHT.values()):
            for k in range(config.classifiers):
                sim, loss = problems.classifier(k, config)
                run = functools.partial(make(), sim, [loss], problems.WEIGHTS, trials=config.trials)
                found, cost[i, k] = _timed(run, config.seed + 2 * k, again=k == 0)
                trace[i, k] = sum(float((error**2).sum()) for _, error in found.entries.values())
                task.advance()
    both = ("estimator", "unit")
    columns = {"trace": (both, trace), "seconds": (both, cost)}
    return xarray.Dataset(columns, {"estimator": list(BY_WEIGHT), "unit": np.arange(shape[1])}, {"seed": config.seed})


def _asked(
    what: str, names: Sequence[str], sims: Sequence[Any], outputs: Sequence[Any], leaves: Sequence[str], config: Config,
    progress: Progress,
) -> xr.Dataset:  # fmt: skip
    """Gradients [estimator, unit, output, leaf] with their errors, and the process time of each [estimator, unit]."""
    import xarray

    shape = (len(names), len(sims), len(outputs[0]), len(leaves))
    gradient, error, cost = np.zeros(shape), np.zeros(shape), np.zeros(shape[:2])
    at = np.zeros((shape[1], shape[3]))
    with progress.task(what, total=shape[0] * shape[1], unit="gradients") as task:
        for i, name in enumerate(names):
            for k, (sim, wanted) in enumerate(zip(sims, outputs, strict=True)):
                run = functools.partial(ESTIMATORS[name](), sim, wanted, leaves, trials=config.trials)
                # runs that are compared have keys of their own
                found, cost[i, k] = _timed(run, 1000 * (config.seed + 1) + 10 * k + i, again=k == 0)
                gradient[i, k], error[i, k], at[k] = found.gradient, found.error, found.at
                task.advance()
    every = ("estimator", "unit", "output", "leaf")
    columns = {"gradient": (every, gradient), "error": (every, error), "seconds": (every[:2], cost)}
    columns |= {"at": (("unit", "leaf"), at)}
    coords = {"estimator": list(names), "unit": np.arange(len(sims))}
    return xarray.Dataset(columns, coords, {"trials": config.trials, "seed": config.seed})


def _referred(
    data: xr.Dataset, estimator: Any, sims: Any, outputs: Any, leaves: Any, config: Config, progress: Progress
) -> xr.Dataset:
    """With the reference that an estimator without bias gives."""
    found = [
        estimator(sim, wanted, leaves, trials=REFERENCE * config.trials, key=1000 * (config.seed + 1) + 10 * k + 9)
        for k, (sim, wanted) in enumerate(progress.track(list(zip(sims, outputs, strict=True)), "references", "units"))
    ]
    every = ("unit", "output", "leaf")
    reference, error = (np.stack([getattr(one, name) for one in found]) for name in ("gradient", "error"))
    return data.assign(reference=(every, reference), reference_error=(every, error))


def _timed(run: Any, key: int, *, again: bool) -> tuple[Any, float]:
    """What it gives, and its process time without compiling [s]: ``again`` runs the first of a shape twice."""
    if again:
        run(key=key)
    start = time.process_time()
    found = run(key=key)
    return found, time.process_time() - start
