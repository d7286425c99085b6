"""What training gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.samples import batch_of
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.sources import Sources
from jaxsnn_noise.ensemble.axes import Vary
from jaxsnn_noise.training.checks import data_of, noise_of
from jaxsnn_noise.training.loop import Data, Member, Task, answer, assess, to_assess
from jaxsnn_noise.training.losses import Loss

if TYPE_CHECKING:
    import xarray

MOST_DRAWS = 1_000_000
"""Presentations of a sample in one call."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Trained simulations, one per seed, and how they came about.

    Attributes:
        sims: The simulation of each seed: trained leaves in place, all else as it was given.
        seeds: The indices of the seeds.
        history: Dataset with the dimensions (seed, epoch): ``loss``, the metrics of the loss and ``seconds``; with
            validation data ``validation_loss`` and so on; per seed ``kept_epoch``, the epoch whose weights are
            returned, and ``stopped_epoch`` (0: it ran to the end). NaN after a seed stopped. Configuration, root key,
            versions and device are attributes.
        leaves: From path to the values [seed, ...] of every leaf that was trained or differs between the seeds.
        task: What was trained, for :meth:`evaluate`.
    """

    sims: tuple[Simulation, ...]
    seeds: tuple[int, ...]
    history: xarray.Dataset
    leaves: Mapping[str, Values]
    task: Task

    def saved(self) -> Fitted:
        """It without what only training needs, for a file: the optimiser is made of functions without names."""
        return replace(self, task=to_assess(self.task))

    @property
    def sim(self) -> Simulation:
        """The trained simulation of the only seed."""
        if len(self.sims) != 1:
            fail("Fitted.sim", "is for one seed; take .sims[i], or .axis() for all", f"{len(self.sims)} seeds")
        return self.sims[0]

    @property
    def network(self) -> Network:
        """The trained network of the only seed."""
        return self.sim.network

    def axis(self, name: str = "seed") -> Vary:
        """The trained networks as an axis: ``monte_carlo(fitted.sims[0], [fitted.axis(), ...], key=...)``."""
        return Vary(self.leaves, name=name, labels=self.seeds)

    def evaluate(
        self, data: tuple[Any, Any], *, key: Any, noise: Sources | None = None, batch_size: int = 250
    ) -> xarray.Dataset:
        """Loss and metrics of every seed on other data, a test set say.

        Args:
            data: Values [sample, ...] and targets [sample, ...], as ``fit`` takes them.
            key: Root key of the noise and of the device (imperfections); sample j of seed i has the address (seed=i,
                sample=j).
            noise: Sources put onto the trained networks, as :func:`with_noise` does; those of ``fit(noise=)`` are not on.
            batch_size: Samples that are computed at once.

        Returns:
            A dataset with the dimension seed: ``loss`` and the metrics. For intervals:
            ``jn.evaluation.scores(fitted.predict(data, key=key))``.

        Raises:
            InputError: data or noise that do not fit.
        """
        import xarray

        scores = assess(*self._assessing("evaluate", data, key, noise, batch_size))
        return xarray.Dataset(
            {k: ("seed", np.asarray(v)) for k, v in scores.items()}, coords={"seed": list(self.seeds)}
        )

    def predict(
        self, data: Any, *, key: Any, noise: Sources | None = None, batch_size: int = 250, draws: int | None = None
    ) -> xarray.Dataset:
        """What every seed answers for each sample.

        Args:
            data: Values [sample, ...]; or a pair (tuple) of values and targets, as ``fit`` takes them.
            key: Root key of the noise and of the device; samples have the addresses that they have in :meth:`evaluate`, so
                the mean of ``correct`` is its accuracy.
            noise: As in :meth:`evaluate`.
            batch_size: Samples that are computed at once.
            draws: How often every sample is shown, each time with noise of its own; :func:`evaluation.by_draws` says what the
                mean of several answers is worth. They are computed one after the other. ``None``: once, and without that dimension.

        Returns:
            A dataset with the dimensions (seed, sample), or (seed, draw, sample): ``readout`` [seed, sample, class], the first statistic
            that the loss reads; where it is one number per neuron, ``prediction``, the neuron with the largest one; with targets,
            ``target``, ``loss`` (of each sample by itself) and, where these are labels, ``correct``. For
            :mod:`jaxsnn_noise.evaluation` and :mod:`jaxsnn_noise.reduce`.

        Raises:
            InputError: data, noise or a number of draws that do not fit.
        """
        import xarray

        paired = isinstance(data, tuple)
        if draws is not None:
            count("predict.draws", draws, most=MOST_DRAWS)
        task, checked, members = self._assessing("predict", data, key, noise, batch_size)
        first = jax.tree.leaves(self.task.scores["loss"][1])[0]
        found_by = answer(task, checked, members, first, draws)
        readout, scores = (jax.tree.map(np.asarray, part) for part in found_by)
        outer = ("seed", "sample") if draws is None else ("seed", "draw", "sample")
        inner = readout.ndim - len(outer)
        dims = (*outer, *("class", *(f"readout_{i}" for i in range(3, 2 + inner)))[:inner])
        found = xarray.Dataset({"readout": (dims, readout)}, coords={"seed": list(self.seeds)})
        if inner == 1:
            found["prediction"] = (outer, np.argmax(readout, axis=-1))
        if paired:
            targets = np.asarray(checked.targets)
            found["target"] = (("sample", *(f"target_{i}" for i in range(1, targets.ndim))), targets)
            found["loss"] = (outer, scores["loss"])
            if inner == 1 and targets.ndim == 1 and targets.dtype.kind == "i":
                found["correct"] = found.prediction == found.target
        return found

    def _assessing(self, who: str, data: Any, key: Any, noise: Any, batch_size: int) -> tuple[Task, Data, Member]:
        """What it takes to assess data: the task, the data, and all seeds."""
        losses: list[Loss] = [loss for loss, _ in self.task.scores.values()]
        task = to_assess(self.task)
        if who == "predict" and not isinstance(data, tuple):  # no targets: nothing is made of these
            values = batch_of("predict.data values", data)
            data, losses = (values, np.zeros(len(values), np.int32)), []
            task = replace(task, scores={})
        checked = data_of(f"{who}.data", data, self.sims[0], self.task.shown, losses)
        size = min(count(f"{who}.batch_size", batch_size), checked.size)
        sources = noise_of(f"{who}.noise", noise, task.sim)
        task = replace(task, noise=sources, root=random.root(key), batch_size=size)
        return task, checked, Member(jnp.asarray(self.seeds, jnp.uint32), dict(self.leaves))
