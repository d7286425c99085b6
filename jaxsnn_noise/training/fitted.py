"""What training gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import Values
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Vary
from jaxsnn_noise.training.checks import data_of
from jaxsnn_noise.training.loop import Member, Task, assess, to_assess

if TYPE_CHECKING:
    import xarray


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

    def evaluate(self, data: tuple[Any, Any], *, key: Any, batch_size: int = 250) -> xarray.Dataset:
        """Loss and metrics of every seed on other data, a test set say.

        Args:
            data: Values [sample, ...] and targets [sample, ...], as ``fit`` takes them.
            key: Root key of the noise and of the device (imperfections); sample j of seed i has the address (seed=i,
                sample=j).
            batch_size: Samples that are computed at once.

        Returns:
            A dataset with the dimension seed: ``loss`` and the metrics.

        Raises:
            InputError: data that do not fit.
        """
        import xarray

        checked = data_of(
            "evaluate.data", data, self.sims[0], self.task.shown, [loss for loss, _ in self.task.scores.values()]
        )
        size = min(count("evaluate.batch_size", batch_size), checked.size)
        task = replace(to_assess(self.task), root=random.root(key), batch_size=size)
        scores = assess(task, checked, Member(jnp.asarray(self.seeds, jnp.uint32), dict(self.leaves)))
        return xarray.Dataset(
            {k: ("seed", np.asarray(v)) for k, v in scores.items()}, coords={"seed": list(self.seeds)}
        )
