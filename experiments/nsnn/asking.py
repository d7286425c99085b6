"""What is asked of a trained network: images, perturbed images, spikes that flip, noise on its membranes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import random
from jaxsnn_noise.training import augment

from .networks import KINDS, PUBLISHED, TWIN, VARIANTS, Group, firing, number, trained

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config

TESTS = ("clean", "Gaussian pixels", "salt and pepper", "dropped pixels", "flipped spikes", "membrane noise")
PERTURBED = TESTS[1:]


def images(group: Group, config: Config) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images with pixels in [0, 1] and labels: ``train``, and ``test`` by other writers."""
    found, rng = jn.datasets.load(group.images), np.random.default_rng(config.seed)
    chosen = {}
    for name, part, size in (("train", found.train, config.samples), ("test", found.test, config.images)):
        taken = part.subset(rng.permutation(len(part))[:size])
        chosen[name] = (taken.images.reshape(len(taken), -1), taken.labels.astype(np.int32))
    return chosen


def perturbed(config: Config, values: np.ndarray) -> dict[str, np.ndarray]:
    """The images of each test: those that are perturbed the same for all networks."""
    maps = {
        "Gaussian pixels": augment.GaussianPixels(config.pixels),
        "salt and pepper": augment.SaltAndPepper(config.salt),
        "dropped pixels": augment.EventDrop(config.drop),
    }
    shown = dict.fromkeys(TESTS, values)
    for name, of in maps.items():
        root = random.stream(random.root(config.seed), name)
        one = lambda x, i, of=of, root=root: of(x, random.member(root, sample=i))  # noqa: E731
        shown[name] = np.asarray(jax.vmap(one)(jnp.asarray(values), jnp.arange(len(values), dtype=jnp.uint32)))
    return shown


def disturbance(network: jn.Network, flips: float, std: float) -> dict[str, dict[str, Any]]:
    """Sources of a test on every layer that fires: a share of ones becomes 0 and of zeros 1; noise per step on the membranes [mV]."""
    rate = -1000.0 * np.log1p(-flips)  # a probability per step of 1 ms
    return {
        name: {
            "lost": jn.noise.SpikeDrop(flips),
            "added": jn.noise.SpikeInsertion(float(rate)),
            "test": jn.noise.VoltageNoise(jn.noise.PerStep(std)),
        }
        for name in firing(network)
    }


def answered(fitted: Any, config: Config, shown: dict[str, np.ndarray], labels: np.ndarray) -> dict[str, np.ndarray]:
    """What is right of each test.

    Returns:
        ``correct``, the share of single draws, and ``averaged``, whether the mean of all draws is right [test, seed, sample];
        ``several``, the same of more and more draws on clean images [count, seed, sample].
    """
    network = fitted.sims[0].network
    single, mean, several = [], [], []
    for name in TESTS:
        flips = config.flips if name == "flipped spikes" else 0.0
        std = config.membrane if name == "membrane noise" else 0.0
        noise = disturbance(network, flips, std)
        found = fitted.predict((shown[name], labels), key=config.seed + 1, noise=noise, draws=config.draws)
        single.append(found["correct"].mean("draw").transpose("seed", "sample").values)
        mean.append(_of_means(found, config.draws))
        if name == TESTS[0]:
            several = [_of_means(found, size) for size in counts(config)]
    return {"correct": np.stack(single), "averaged": np.stack(mean), "several": np.stack(several)}


def counts(config: Config) -> list[int]:
    """Numbers of draws whose mean is an answer."""
    return [2**i for i in range(config.draws.bit_length()) if 2**i <= config.draws]


def _of_means(found: xr.Dataset, size: int) -> np.ndarray:
    outputs = jn.reduce.ensembled(found["readout"], "class", copies=size, over="draw")
    right = outputs.argmax("class") == found["target"]
    return np.asarray(right.mean("ensemble").transpose("seed", "sample").values)


def _quiet(
    fits: dict[Any, Any], config: Config, stds: tuple[float, ...], values: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Whether trained noisy networks are right on clean images with their noise off [std, variant, seed, sample]."""
    noise = disturbance(fits[TWIN, stds[0]].sims[0].network, 0.0, 0.0)
    rows = []
    for std in stds:
        for kind in VARIANTS:
            off = dataclasses.replace(
                fits[TWIN, std], leaves=fits[kind, std].leaves
            )  # weights of one, thresholds of the other
            found = off.predict((values, labels), key=config.seed + 1, noise=noise, draws=config.draws)
            rows.append(found["correct"].isel(draw=0).transpose("seed", "sample").values)
    return np.reshape(rows, (len(stds), len(VARIANTS), *rows[0].shape)).astype(np.float32)


def measured(
    group: Group, config: Config, stds: tuple[float, ...], progress: Progress
) -> tuple[xr.Dataset, dict[Any, Any]]:
    """All kinds of a group, trained and asked; and the trained networks."""
    import xarray as xr

    data = images(group, config)
    shown, labels = perturbed(config, data["test"][0]), data["test"][1]
    cells = [(kind, std) for std in stds for kind in KINDS]
    if group == Group():
        cells.append((TWIN, PUBLISHED))
    fits, found = {}, {}
    with progress.task(group.words, unit="kinds", total=len(cells)) as task:
        for kind, std in cells:
            fits[kind, std] = trained(group, config, kind, std, data["train"])
            found[kind, std] = answered(fits[kind, std], config, shown, labels)
            task.advance()
    dims = {
        "correct": ("std", "kind", "test", "seed", "sample"),
        "averaged": ("std", "kind", "test", "seed", "sample"),
        "several": ("std", "kind", "draws", "seed", "sample"),
    }
    columns: dict[str, Any] = {
        name: (dim, np.stack([[found[kind, std][name] for kind in KINDS] for std in stds]).astype(np.float32))
        for name, dim in dims.items()
    }
    loss = [[fits[kind, std].history["loss"].values[:, -1] for kind in KINDS] for std in stds]
    columns["loss"] = (("std", "kind", "seed"), np.asarray(loss, np.float32))
    if group == Group():
        columns["quiet"] = ("std", "variant", "seed", "sample"), _quiet(fits, config, stds, shown[TESTS[0]], labels)
        columns["published"] = (("test", "seed", "sample"), found[TWIN, PUBLISHED]["correct"].astype(np.float32))
    coords = {
        "std": list(stds),
        "kind": list(KINDS),
        "variant": list(VARIANTS),
        "test": list(TESTS),
        "draws": counts(config),
    }
    attrs = {"seed": config.seed, "group": group.words}
    return xr.Dataset(columns, coords | {"seed": list(range(number(group, config)))}, attrs), fits
