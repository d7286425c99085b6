"""Trained digit classifiers under test-time noise in the hidden layer: what is right, what the hidden neurons do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import Samples, Simulation, Trials, monte_carlo, theory
from jaxsnn_noise.coding import Constant
from jaxsnn_noise.statistics import FractionBelow, Mean, SpikeCount
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


def noisy(layers: Layers, setting: Setting, depth: float, key: Any = 0, *, spiking_readout: bool = False) -> Simulation:
    """A network with silent noise at three stages of its hidden neurons.

    Args:
        layers: The network.
        setting: Where the filter sits.
        depth: Level below which a potential is counted as far below threshold [mV].
        key: Of the initial weights.
        spiking_readout: Whether readouts spike, and are read by their spikes.
    """
    read = SpikeCount(population="output") if spiking_readout else Mean("v", population="output")
    return Simulation(
        network(layers, setting, key, silent_sources(), spiking_readout=spiking_readout),
        {"input": Constant(np.zeros(784, np.float32))},
        duration=float(layers.steps),
        dt=1.0,
        statistics={
            "output": read,
            "hidden": SpikeCount(population="hidden"),
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
    whole_test: bool,
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
        whole_test: Whether accuracy without noise is that on all test images, else on those shown.
        progress: Takes (members done, of how many).

    Returns:
        ``correct`` per network, kind, intensity, trial and image (1 or 0; where several readouts are equally large, the
        share that the right one has in them); the same without noise, and with the membrane clipped at the reset; what
        the hidden neurons did; for readouts that do not spike their variance from trial to trial under additive output
        noise, and what the weights predict for it.
    """
    fitted = taught(layers, setting, teaching, data, seed)
    values, labels = setting.inputs(data.test[0], data.mean, data.std), data.test[1]
    conditions = [Condition(), *factorial(levels), *_clipped(levels)]
    sim = noisy(layers, setting, depth, spiking_readout=teaching.spiking_readout)
    axes = [fitted.axis(), as_axis("hidden", conditions), Trials(trials), Samples(values[:images])]
    together = {"seed": teaching.seeds, "condition": len(conditions), "trial": min(trials, TRIALS_AT_ONCE)}
    few = max(1, MEMBERS_AT_ONCE // int(np.prod(list(together.values()))))
    found = monte_carlo(sim, axes, key=seed, chunk={**together, "sample": few}, progress=progress)
    made = _labelled(fitted, found, np.asarray(labels[:images]), levels)
    accuracy = made["quiet_correct"].mean("sample").values
    if whole_test:
        accuracy = fitted.evaluate((values, labels), key=seed)["accuracy"].values
    made = made.assign(accuracy=("seed", accuracy))
    return made if teaching.spiking_readout else made.assign(_variances(layers, fitted, found, levels))


def _clipped(levels: Sequence[float]) -> list[Condition]:
    """Multiplicative noise on a membrane that is clipped from below at the reset potential, 0."""
    return [Condition("membrane", "multiplicative", c, d, floor=0.0) for c in CORRELATIONS for d in levels]


def _labelled(fitted: Fitted, found: xr.Dataset, labels: np.ndarray, levels: Sequence[float]) -> xr.Dataset:
    import xarray as xr

    correct = right(found["output"].values, labels)  # [seed, condition, trial, sample]
    below = found["far_below"].mean("trial").values
    fires = found["hidden"].values > 0  # [seed, condition, trial, sample, neuron]
    fell = np.mean(fires[:, :1, :1] & ~fires, axis=(2, 4))
    woke = np.mean(fires & ~fires[:, :1, :1], axis=(2, 4))
    last = 1 + int(np.prod(_shape(levels)))
    many: tuple[str, ...] = ("seed", "site", "coupling", "correlation", "D")
    clipped = correct[:, last:].reshape(len(correct), len(CORRELATIONS), len(levels), *correct.shape[2:])
    columns = {
        "quiet_correct": (("seed", "sample"), correct[:, 0, 0]),
        "correct": ((*many, "trial", "sample"), _cells(correct, levels)),
        "clipped_correct": (("seed", "correlation", "D", "trial", "sample"), clipped),
        "far_below": ((*many, "sample"), _cells(below, levels), {"units": "1"}),
        "quiet_far_below": (("seed", "sample"), below[:, 0], {"units": "1"}),
        "quiet_silent": (("seed", "sample"), np.mean(~fires[:, 0, 0], axis=-1), {"units": "1"}),
        "fell_silent": ((*many, "sample"), _cells(fell, levels), {"units": "1"}),
        "woke": ((*many, "sample"), _cells(woke, levels), {"units": "1"}),
        "health_nonfinite": ((), int(found["health_hidden_nonfinite"].sum())),
    }
    coords = {
        "seed": list(fitted.seeds), "site": list(SITES), "coupling": list(COUPLINGS),
        "correlation": list(CORRELATIONS), "D": list(levels),
    }  # fmt: skip
    return xr.Dataset(columns, coords, found.attrs)


def right(readout: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share that the label has in the largest readouts [..., sample]: 1 or 0 without ties."""
    largest = readout == readout.max(axis=-1, keepdims=True)
    own = np.take_along_axis(largest, np.broadcast_to(labels[:, None], (*readout.shape[:-1], 1)), axis=-1)[..., 0]
    return np.asarray(own / largest.sum(axis=-1), np.float32)


def _variances(layers: Layers, fitted: Fitted, found: xr.Dataset, levels: Sequence[float]) -> dict[str, Any]:
    readout = _cells(found["output"].values, levels)[:, list(SITES).index("output"), COUPLINGS.index("additive")]
    few, units = ("seed", "correlation", "D"), {"units": "mV^2"}
    return {
        "readout_variance": ((*few, "sample", "part"), _parts(readout, trial=3), units),
        "predicted_variance": ((*few, "part"), _predicted(layers, output_weights(fitted), levels), units),
        "part": list(PARTS),
    }


def _shape(levels: Sequence[float]) -> tuple[int, ...]:
    return (len(SITES), len(COUPLINGS), len(CORRELATIONS), len(levels))


def _cells(array: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Conditions unfolded into site, coupling, correlation and intensity."""
    shape = _shape(levels)
    return array[:, 1 : 1 + int(np.prod(shape))].reshape(len(array), *shape, *array.shape[2:])


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
