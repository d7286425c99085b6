"""A grasshopper's auditory receptor: one trial of a long stimulus, so everything is judged by blocks that were held out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from . import baselines, fitting, measures, neurons, recordings

if TYPE_CHECKING:
    import xarray as xr

REFRACTORY = 2.0
"""Absolute refractory time of the neurons [ms]; the shortest interval of the recordings is 3.2 ms."""
AROUND = (0.0, -1.0, 1.0)
"""Delays from which fits start, after that of the largest spike-triggered average of the training blocks [ms]."""
LAGS = 20.0
"""Reach of the filter of the linear-nonlinear model and of the spike-triggered average [ms]."""
SIMULATED = "adaptive"
"""The neuron whose spikes are compared with the recording; fixed before they were."""
SHARED = {
    "tau_mem": neurons.Free(5.0, "ms"),
    "bias": neurons.Free(-1.0, "softness", False),
    "delay": neurons.Free(6.0, "ms"),
}


def task_of(units: recordings.Units, dt: float) -> neurons.Task:
    """What the neurons of a recording have in common."""
    return neurons.Task(units.spikes.shape[1], dt, REFRACTORY, 1, SHARED, delayed=True)


def first_delay(units: recordings.Units, dt: float) -> float:
    """Where the spike-triggered average of the training blocks is largest [ms], at least half a step."""
    lags = round(LAGS / dt)
    past = int((~units.scored[0]).sum())
    x, spikes = units.features[units.train, :, 0], units.spikes[units.train][:, past:]
    sums, _ = measures.triggered(x[:, past - lags + 1 :], spikes, lags)
    return max(dt * int(sums.sum(axis=0).argmax()), 0.5 * dt)


def starts(name: str, task: neurons.Task, delay: float, lif: np.ndarray | None) -> list[np.ndarray]:
    """Three delays; and for a neuron that contains the LIF that one, as it was fitted."""
    usual = neurons.start_of(name, task)
    place = list(neurons.free_of(name, task)).index("delay")
    late = [max(delay + more, 0.5 * task.dt) for more in AROUND]
    found = [np.where(np.arange(len(usual)) == place, np.log(one), usual) for one in late]
    if lif is not None and name in ("adaptive", "polynomial"):
        found.insert(1, np.concatenate([lif, usual[len(lif) :]]))
    return found


def measured(config: Any, progress: Any) -> Any:
    """Likelihoods by block, and statistics of held-out blocks of recordings and fitted neurons."""
    import xarray as xr

    found = []
    for number, recording in enumerate(recordings.grasshopper(config)):
        units = recordings.blocks(recording, config)
        with progress.task(f"grasshopper {number + 1}", unit="steps of fits") as task:
            found.append(_of_recording(units, recording, config, task.update))
    return xr.concat(found, "recording").assign_coords(
        recording=[f"{r.cutoff_hz:g} Hz" for r in recordings.grasshopper(config)]
    )


def _of_recording(units: recordings.Units, recording: Any, config: Any, told: Any) -> Any:
    import xarray as xr

    task = task_of(units, recording.dt)
    fits: dict[str, fitting.Fit] = {}
    delay = first_delay(units, recording.dt)
    for name in config.neurons:
        begin = starts(name, task, delay, fits["lif"].theta if "lif" in fits else None)
        fits[name] = fitting.best(name, task, units, begin[: config.starts], most=config.steps, told=told)
    lags = round(LAGS / recording.dt)
    poisson = {
        "poisson": baselines.homogeneous(units),
        "linear_nonlinear": baselines.linear_nonlinear(units, lags),
    }
    data = fitting.kept(fits, poisson, units, "block", task)
    chosen = SIMULATED if SIMULATED in fits else next(iter(fits))
    told(1)
    test = ~units.train
    x, nothing = jnp.asarray(units.features[test]), jnp.full(units.spikes[test].shape, jnp.nan, jnp.float32)

    def fired(name: str, by: Any = None) -> np.ndarray:
        """Spikes of held-out blocks [trial, block, time]: their past is simulated too, nothing of it is recorded."""
        by = functools.partial(neurons.drawn, name) if by is None else by
        theta = jnp.asarray(fits[name].theta, jnp.float32)
        return np.asarray(by(neurons.keyed(task), theta, x, nothing, config.draws))

    made = [data, _compared(units, fired(chosen), recording)]
    if "noisy" in fits:
        made.append(_noise_itself(units, fired("noisy"), fired("noisy", neurons.drawn_by_noise)))
    return xr.merge(made).assign_attrs(simulated=chosen)


def _noise_itself(units: recordings.Units, rate: np.ndarray, noise: np.ndarray) -> Any:
    """Spikes by membrane noise over those by the rate that stands for it, and CVs; pseudo-values over blocks."""
    import xarray as xr

    past = int((~units.scored[0]).sum())
    rate, noise = rate[:, :, past:], noise[:, :, past:]
    parts = [[measures.intervals(one) for one in trials] for trials in (noise, rate)]
    cv = lambda some, w: np.mean([measures.cv(p, w) for p in some])  # noqa: E731
    found = {
        "rate": lambda w: noise[:, w].mean() / rate[:, w].mean(),
        "cv": lambda w: cv(parts[0], w) / cv(parts[1], w),
    }
    many = rate.shape[1]
    return xr.Dataset({f"noise_{k}": ("held_out", measures.pseudovalues(f, many)) for k, f in found.items()})


def _compared(units: recordings.Units, simulated: np.ndarray, recording: Any) -> xr.Dataset:
    """Statistics of held-out blocks, and what a decoder made of the training blocks tells of them."""
    test = ~units.train
    past = int((~units.scored[0]).sum())
    x, spikes, fired = units.features[test, :, 0], units.spikes[test][:, past:], simulated[:, :, past:]
    both = _statistics(x, spikes, fired, past, recording)
    weights, offset = measures.decoder(
        units.features[units.train, past:, 0], units.spikes[units.train][:, past:], recording.dt
    )
    told = functools.partial(measures.explained, x[:, past:], dt=recording.dt, weights=weights, offset=offset)
    floor = told(np.roll(spikes, 1, axis=0))
    decoded = np.stack([told(spikes), floor, np.mean([told(one) for one in fired], axis=0)])
    rate = 1000.0 * spikes.mean(axis=1) / recording.dt
    return both.assign(decoded=(("decoder", "held_out"), decoded), rate=("held_out", rate)).assign_coords(
        decoder=["recording", "shuffled", "neuron"], source=["recording", "neuron"]
    )


def _statistics(x: np.ndarray, spikes: np.ndarray, fired: np.ndarray, past: int, recording: Any) -> xr.Dataset:
    """STA, coherence, CV and information of recorded and simulated spikes; ratios of both as pseudo-values over blocks."""
    import xarray as xr

    dt, many = recording.dt, len(x)
    lags = round(LAGS / dt)
    every = np.arange(many)
    parts, drawn_parts = measures.intervals(spikes), [measures.intervals(one) for one in fired]
    sums = [measures.triggered(x[:, past - lags + 1 :], one, lags) for one in (spikes, *fired)]

    def average(of: list[Any], which: np.ndarray) -> np.ndarray:
        found: np.ndarray = sum(s[which].sum(axis=0) for s, _ in of) / sum(n[which].sum() for _, n in of)
        return found

    def tell(of: np.ndarray, which: np.ndarray) -> Any:
        return measures.information(x[which, past:], of[which], dt, recording.cutoff_hz)

    def bits(which: np.ndarray) -> float:
        return float(tell(spikes, which).rate)

    ratios: dict[str, Any] = {
        "rate": lambda w: fired[:, w].mean() / spikes[w].mean(),
        "cv": lambda w: np.mean([measures.cv(p, w) for p in drawn_parts]) / measures.cv(parts, w),
        "sta": lambda w: np.corrcoef(average(sums[:1], w), average(sums[1:], w))[0, 1],
        "information": lambda w: np.mean([tell(one, w).rate for one in fired]) / bits(w),
    }
    whole = tell(spikes, every)
    coherence = np.stack([whole.coherence, np.mean([tell(one, every).coherence for one in fired], axis=0)])
    return xr.Dataset(
        {
            **{f"ratio_{k}": ("held_out", measures.pseudovalues(f, many)) for k, f in ratios.items()},
            "sta": (("source", "lag"), np.stack([average(sums[:1], every), average(sums[1:], every)])),
            "coherence": (("source", "frequency"), coherence),
            "shuffled": ("frequency", whole.shuffled),
            "information": ("held_out", measures.pseudovalues(bits, many)),
            "cv": ("held_out", measures.pseudovalues(lambda w: measures.cv(parts, w), many)),
        },
        {"lag": dt * np.arange(lags), "frequency": whole.frequency},
    )
