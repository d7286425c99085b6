"""A human motoneuron round a magnetic stimulus: many trials of one stimulus, so every other trial is held out."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn

from . import baselines, fitting, measures, neurons, recordings

REFRACTORY = 20.0
"""Absolute refractory time of the neurons [ms]; the shortest interval of the recording is 47 ms."""
COUNTED = 150.0
"""Time after the stimulus in which spikes are counted [ms]: no trial ends in it by its third spike."""
SIMULATED = "lif"
"""The neuron whose spikes are compared with the recording; fixed before they were."""
SHARED = {"tau_mem": neurons.Free(50.0, "ms"), "bias": neurons.Free(0.0, "softness", False)}


def task_of(units: recordings.Units, dt: float) -> neurons.Task:
    """What the neurons have in common."""
    return neurons.Task(units.spikes.shape[1], dt, REFRACTORY, units.features.shape[2], SHARED)


def measured(config: Any, progress: Any) -> Any:
    """Likelihoods by trial, and statistics of held-out trials of the recording and of a fitted neuron."""
    import xarray as xr

    units = recordings.trials(jn.datasets.load("motoneuron"), config)
    task = task_of(units, config.trial_dt)
    fits: dict[str, fitting.Fit] = {}
    with progress.task("motoneuron", unit="steps of fits") as shown:
        for name in config.neurons:
            begin = [neurons.start_of(name, task)]
            if name in ("adaptive", "polynomial") and "lif" in fits and config.starts > 1:
                begin.append(np.concatenate([fits["lif"].theta, begin[0][len(fits["lif"].theta) :]]))
            fits[name] = fitting.best(name, task, units, begin, most=config.steps, told=shown.update)
    poisson = {"poisson": baselines.homogeneous(units), "psth": baselines.psth(units)}
    data = fitting.kept(fits, poisson, units, "trial", task)
    chosen = SIMULATED if SIMULATED in fits else next(iter(fits))
    return xr.merge([data, _compared(chosen, task, fits[chosen].theta, units, config)]).assign_attrs(simulated=chosen)


def _compared(name: str, task: neurons.Task, theta: np.ndarray, units: recordings.Units, config: Any) -> Any:
    """Each held-out trial again, from its first spike on, by the neuron: counts, intervals and PSTH of both."""
    import xarray as xr

    held_out = ~units.train
    test = recordings.Units(
        units.features[held_out], units.spikes[held_out], units.scored[held_out], units.train[held_out], units.times
    )
    before = np.arange(test.spikes.shape[1]) <= test.spikes.argmax(axis=1)[:, None]
    given = np.where(before, test.spikes, np.nan).astype(np.float32)
    features = jnp.asarray(test.features)
    found = neurons.drawn(
        name, neurons.keyed(task), jnp.asarray(theta, jnp.float32), features, jnp.asarray(given), config.draws
    )
    fired, _ = recordings.drawn_like(test, np.asarray(found))
    recorded = test.spikes * test.scored
    counted = (test.times > 0) & (test.times < COUNTED)
    counts, drawn_counts = recorded[:, counted].sum(axis=-1), fired[..., counted].sum(axis=-1)
    # the first spike of a trial begins an interval that both share
    with_first = lambda s: s + before * test.spikes  # noqa: E731
    parts, drawn_parts = (
        measures.intervals(with_first(recorded)),
        [measures.intervals(with_first(one)) for one in fired],
    )
    fano = lambda c: c.var(ddof=1) / c.mean()  # noqa: E731
    drawn_fano = lambda w: np.mean([fano(c[w]) for c in drawn_counts])  # noqa: E731
    statistics = {
        "rate": lambda w: drawn_counts[:, w].mean() / counts[w].mean(),
        "cv": lambda w: np.mean([measures.cv(p, w) for p in drawn_parts]) / measures.cv(parts, w),
        "fano": lambda w: drawn_fano(w) / fano(counts[w]),
    }
    many = len(counts)
    width = baselines.PSTH_BIN
    binned = [s[..., counted].reshape(*s.shape[:-1], -1, width).sum(axis=-1) for s in (recorded, fired)]
    centres = config.trial_dt * width * (np.arange(binned[0].shape[-1]) + 0.5)
    real = jn.reduce.psth(xr.DataArray(binned[0], dims=("trial", "bin"), coords={"bin": centres}))
    spread = jn.reduce.fano_factor(xr.DataArray(counts, dims="trial"))
    return xr.Dataset(
        {
            **{f"ratio_{k}": ("held_out", measures.pseudovalues(f, many)) for k, f in statistics.items()},
            **{f"psth_{k}": ("bin", real[v].values) for k, v in (("mean", "rate"), ("low", "low"), ("high", "high"))},
            "psth_neuron": ("bin", binned[1].mean(axis=(0, 1)) / (1e-3 * width * config.trial_dt)),
            "cv": ("held_out", measures.pseudovalues(lambda w: measures.cv(parts, w), many)),
            **{f"fano_{k}": float(spread[v]) for k, v in (("estimate", "fano_factor"), ("low", "low"), ("high", "high"))},
            "fano_neuron": drawn_fano(np.arange(many)),
        },
        {"bin": centres},
    )  # fmt: skip
