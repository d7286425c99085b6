"""Trained digit classifiers under test-time noise in the hidden layer: what is right, what the hidden neurons do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import Samples, Simulation, Trials, monte_carlo, theory
from jaxsnn_noise.coding import Constant
from jaxsnn_noise.statistics import FractionBelow, Mean
from jaxsnn_noise.training import Fitted

from .conditions import CORRELATIONS, COUPLINGS, SITES, Condition, as_axis, factorial, silent_sources
from .digit_networks import Digits, Layers, Setting, Teaching, network, output_weights, taught

if TYPE_CHECKING:
    import xarray as xr

TRIALS_AT_ONCE, MEMBERS_AT_ONCE = 2, 1500
"""Trials in one chunk, and members in it. All networks, kinds and intensities share the noise of a trial of an image,
so they belong into one chunk: it is drawn once for all of them."""

PARTS = ("all", "between classes")
"""The variance of the readouts, and of what is left when their mean over classes is taken off: only that can move a
decision."""


def noisy(layers: Layers, setting: Setting, depth: float, key: Any = 0) -> Simulation:
    """A network with silent noise at three stages of its hidden neurons.

    Args:
        layers: The network.
        setting: Where the filter sits.
        depth: Level below which a potential is counted as far below threshold [mV].
        key: Of the initial weights.
    """
    return Simulation(
        network(layers, setting, key, silent_sources()),
        {"input": Constant(np.zeros(784, np.float32))},
        duration=float(layers.steps),
        dt=1.0,
        statistics={
            "output": Mean("v", population="output"),
            "far_below": FractionBelow(depth, population="hidden"),
        },
    )


def measured(
    layers: Layers,
    setting: Setting,
    teaching: Teaching,
    data: Digits,
    *,
    levels: Sequence[float],
    images: int,
    trials: int,
    depth: float,
    seed: int,
    progress: Callable[[int, int], None],
) -> xr.Dataset:
    """Train the networks of a setting, and show them test images under every kind and intensity of noise.

    Args:
        layers: The network.
        setting: The filter, its place, and the pixels.
        teaching: How it is trained.
        data: The images.
        levels: Noise intensities D.
        images: Test images.
        trials: Fresh noise per image.
        depth: Level below which a potential is counted as far below threshold [mV].
        seed: Root seed.
        progress: Takes (members done, of how many).

    Returns:
        Booleans ``correct`` per network, kind, intensity, trial and image; the same without noise, and with the
        membrane clipped at the reset; what the hidden neurons did; the readout's variance from trial to trial under
        additive output noise, and what the weights predict for it.
    """
    fitted = taught(layers, setting, teaching, data, seed)
    values, labels = setting.inputs(data.test[0], data.mean, data.std), data.test[1]
    accuracy = fitted.evaluate((values, labels), key=seed)["accuracy"].values
    conditions = [Condition(), *factorial(levels), *_clipped(levels)]
    sim = noisy(layers, setting, depth)
    axes = [fitted.axis(), as_axis("hidden", conditions), Trials(trials), Samples(values[:images])]
    together = {"seed": teaching.seeds, "condition": len(conditions), "trial": min(trials, TRIALS_AT_ONCE)}
    few = max(1, MEMBERS_AT_ONCE // int(np.prod(list(together.values()))))
    found = monte_carlo(sim, axes, key=seed, chunk={**together, "sample": few}, progress=progress)
    return _labelled(layers, fitted, found, np.asarray(labels[:images]), levels).assign(accuracy=("seed", accuracy))


def _clipped(levels: Sequence[float]) -> list[Condition]:
    """Multiplicative noise on a membrane that is clipped from below at the reset potential, 0."""
    return [Condition("membrane", "multiplicative", c, d, floor=0.0) for c in CORRELATIONS for d in levels]


def _labelled(
    layers: Layers, fitted: Fitted, found: xr.Dataset, labels: np.ndarray, levels: Sequence[float]
) -> xr.Dataset:
    import xarray as xr

    readout = found["output"].values  # [seed, condition, trial, sample, class]
    correct = readout.argmax(axis=-1) == labels
    below = found["far_below"].mean("trial").values
    silent = found["health_hidden_silent"].mean("trial").values
    seeds, kinds = correct.shape[0], (len(SITES), len(COUPLINGS), len(CORRELATIONS), len(levels))
    last = 1 + int(np.prod(kinds))
    many: tuple[str, ...] = ("seed", "site", "coupling", "correlation", "D")

    def cells(array: np.ndarray) -> np.ndarray:
        return array[:, 1:last].reshape(seeds, *kinds, *array.shape[2:])

    spread = cells(readout)[:, list(SITES).index("output"), COUPLINGS.index("additive")]
    clipped = correct[:, last:].reshape(seeds, len(CORRELATIONS), len(levels), *correct.shape[2:])
    few = ("seed", "correlation", "D")
    columns = {
        "quiet_correct": (("seed", "sample"), correct[:, 0, 0]),
        "correct": ((*many, "trial", "sample"), cells(correct)),
        "clipped_correct": ((*few, "trial", "sample"), clipped),
        "far_below": ((*many, "sample"), cells(below), {"units": "1"}),
        "quiet_far_below": (("seed", "sample"), below[:, 0], {"units": "1"}),
        "silent": ((*many, "sample"), cells(silent), {"units": "1"}),
        "quiet_silent": (("seed", "sample"), silent[:, 0], {"units": "1"}),
        "readout_variance": ((*few, "sample", "part"), _parts(spread, trial=3), {"units": "mV^2"}),
        "predicted_variance": ((*few, "part"), _predicted(layers, output_weights(fitted), levels), {"units": "mV^2"}),
        "health_nonfinite": ((), int(found["health_hidden_nonfinite"].sum())),
    }
    coords = {
        "seed": list(fitted.seeds), "site": list(SITES), "coupling": list(COUPLINGS),
        "correlation": list(CORRELATIONS), "D": list(levels), "part": list(PARTS),
    }  # fmt: skip
    return xr.Dataset(columns, coords, found.attrs)


def _parts(readout: np.ndarray, trial: int) -> np.ndarray:
    """Variance over trials [seed, correlation, D, sample, part], mean over classes (the last axis of readout)."""
    between = readout - readout.mean(axis=-1, keepdims=True)
    return np.stack([x.var(axis=trial, ddof=1).mean(axis=-1) for x in (readout, between)], axis=-1)


def _predicted(layers: Layers, weights: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Variance of the mean readout potential under additive output noise [seed, correlation, D, part].

    The noise of step t moves the time average by ``(1 - beta^(T-1-t))/T`` times the weighted sum of the noises, so the
    variance is ``sum_t ((1 - beta^(T-1-t))/T)^2`` times that of the weighted sum. Between classes the weights count
    less their mean over classes.
    """
    steps = layers.steps
    share = (1.0 - layers.beta ** (steps - 1 - np.arange(steps))) / steps
    sums = [
        [[law(w, d).mean(axis=-1) for w in (weights, weights - weights.mean(axis=1, keepdims=True))] for d in levels]
        for law in (theory.independent_noise_variance, theory.common_noise_variance)
    ]
    return np.moveaxis(np.asarray(sums), -1, 0) * np.square(share).sum()
