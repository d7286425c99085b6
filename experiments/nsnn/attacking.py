"""Attacks on noisy networks and on their twins: by their own gradient, by one from the other network, and without gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

import jaxsnn_noise as jn

from .asking import images
from .networks import KINDS, TWIN, VARIANTS

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config
    from .networks import Group

ATTACKS = ("none", "gradient", "transferred", "search", "sphere")
CUBE = ("gradient", "transferred", "search")
"""Attacks within one cube: an image counts as held if it stands all of them."""


class Classifier(eqx.Module):
    """A network as a function of images and a key, compiled once for all weights."""

    network: jn.Network
    steps: int = eqx.field(static=True)

    def __call__(self, values: Any, key: Any) -> Any:
        return jn.apply(self.network, values, key=key, duration=float(self.steps), dt=1.0)["output"]


def attacked(
    group: Group, config: Config, fits: dict[Any, Any], stds: tuple[float, ...], progress: Progress
) -> xr.Dataset:
    """Whether answers stand each attack (std, kind, seed, attack, sample), and whether gradients were masked (std, kind, seed)."""
    import xarray as xr

    values, labels = (part[: config.attacked_images] for part in images(group, config)["test"])
    draws = config.attack_draws
    attacks = {
        "gradient": jn.attacks.ProjectedGradient(config.cube, steps=config.ascent, draws=draws),
        "search": jn.attacks.RandomSigns(config.cube, tries=config.tries, draws=draws),
        "sphere": jn.attacks.SphereAscent(config.sphere, steps=config.ascent, draws=draws),
    }
    cells = [(std, kind, seed) for std in stds for kind in KINDS for seed in range(config.attacked)]
    right, masked = [], []
    for std, kind, seed in progress.track(cells, "attacks", unit="networks"):
        own = Classifier(fits[kind, std].sims[seed].network, config.steps)
        rival = Classifier(fits[VARIANTS[0] if kind == TWIN else TWIN, std].sims[seed].network, config.steps)
        found = jn.attacks.robustness(
            own, values, labels, attacks, key=config.seed + seed, others={"rival": rival}, draws=draws
        )
        named = found.assign_coords(attack=[_NAMES.get(str(a), str(a)) for a in found["attack"].values])
        right.append(named["correct"].sel(attack=list(ATTACKS)).values)
        masked.append(float(named["masked"].sel(attack="gradient")))
    shape = (len(stds), len(KINDS), config.attacked)
    columns = {
        "correct": (("std", "kind", "seed", "attack", "sample"), np.reshape(right, (*shape, len(ATTACKS), len(labels))).astype(np.float32)),
        "masked": (("std", "kind", "seed"), np.reshape(masked, shape).astype(np.float32)),
    }  # fmt: skip
    coords = {"std": list(stds), "kind": list(KINDS), "seed": list(range(config.attacked)), "attack": list(ATTACKS)}
    return xr.Dataset(columns, coords, {"seed": config.seed})


_NAMES = {"gradient from rival": "transferred"}
