"""The history of a training run as a labelled dataset, with all that is needed to know where it comes from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import paths, provenance
from jaxsnn_noise.engine.describe import settings
from jaxsnn_noise.training.loop import Task
from jaxsnn_noise.training.standing import Standing

if TYPE_CHECKING:
    import xarray

UNITS = {"seconds": "s"}


def history(seeds: Sequence[int], standings: Sequence[Standing], attributes: dict[str, Any]) -> xarray.Dataset:
    """The history of all seeds; the epochs of the one that ran longest, NaN where others had stopped or not begun."""
    import xarray

    epochs = max(s.epochs for s in standings)
    names = sorted(set().union(*(s.history for s in standings)))
    variables: dict[str, Any] = {}
    for name in names:
        rows = [np.pad(s.history[name], ((0, 0), (0, epochs - s.epochs)), constant_values=np.nan) for s in standings]
        variables[name] = (("seed", "epoch"), np.concatenate(rows), {"units": UNITS.get(name, "1")})
    variables["kept_epoch"] = ("seed", np.concatenate([s.best_epoch for s in standings]))
    variables["stopped_epoch"] = ("seed", np.concatenate([s.stopped for s in standings]))
    coords = {"seed": list(seeds), "epoch": np.arange(1, epochs + 1)}
    return xarray.Dataset(variables, coords=coords, attrs=attributes)


def _sources(task: Task) -> dict[str, Any]:
    """What was put onto each part while it trained: the class of each source and its leaves, ``None`` of what was taken away."""

    def told(source: Any) -> Any:
        if source is None:
            return None
        return {"kind": type(source).__name__} | {k: np.asarray(v).tolist() for k, v in paths.leaves(source).items()}

    return {name: {k: told(source) for k, source in given.items()} for name, given in task.noise.items()}


def _variation(task: Task) -> dict[str, Any]:
    """The imperfections of training by name, in words, and how many chips a step has."""
    if task.variation is None:
        return {}
    said = {name: part.summary() for name, part in task.variation.imperfections.items()}
    return {"chips": task.variation.chips, "imperfections": said}


def attributes(task: Task, plain: dict[str, Any]) -> dict[str, Any]:
    """Configuration, root key, stream version, versions and device; ``plain`` are the numbers given to ``fit``."""
    return {
        "config": json.dumps(settings(task.sim), default=str),
        "trainable": json.dumps({path: type(t).__name__ for path, t in task.parameters.pairs()}),
        "tied": json.dumps(task.parameters.groups()),
        "loss": repr(task.scores["loss"][0]),
        "augment": "none" if task.augment is None else repr(task.augment),
        "noise": json.dumps(_sources(task)),
        "variation": json.dumps(_variation(task)),
        **plain,
        "batch_size": task.batch_size,
        "root_key": [int(w) for w in np.asarray(task.root)],
        **provenance.origin(),
    }
