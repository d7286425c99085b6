"""What ``fit`` looks at before anything is compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, finite, flag
from jaxsnn_noise._typing import Key
from jaxsnn_noise.coding import Constant
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.samples import array_of, batch_of, check_samples, showing
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.engine.sources import checked_sources, dressed
from jaxsnn_noise.noise import Source
from jaxsnn_noise.parameters import check_tree
from jaxsnn_noise.training.batches import Feed, batches_of, feed_of
from jaxsnn_noise.training.loop import Data
from jaxsnn_noise.training.losses import CrossEntropy, FromFunction, Loss
from jaxsnn_noise.training.optimisers import ByPattern, WarmupCosine
from jaxsnn_noise.training.parameters import Parameters
from jaxsnn_noise.training.transforms import Unbounded

System = Simulation | Network | Callable[[Any], Simulation | Network]


MOST_SEEDS = 100_000
"""Seeds of one ``fit``: each of them holds a simulation."""
_DEFAULT = optax.adam(5e-3)  # one object: another one would be another program


def seeds_of(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Indices of seeds: of a number, the first so many."""
    if isinstance(seeds, (int, np.integer)):
        return tuple(range(count("fit.seeds", seeds, most=MOST_SEEDS)))
    if not isinstance(seeds, (Sequence, np.ndarray)):
        fail("fit.seeds", "must be a number of seeds, or different indices", seeds)
    indices = tuple(count("fit.seeds", s, least=0, most=2**32 - 1) for s in seeds)
    if not indices or len(set(indices)) != len(indices):
        fail("fit.seeds", "must be a number of seeds, or different indices", seeds)
    return indices


def sims_of(system: Any, root: Key, seeds: tuple[int, ...]) -> list[Simulation]:
    """The simulation of each seed."""
    if isinstance(system, (Simulation, Network)):
        return [_simulation(system)] * len(seeds)
    if not callable(system):
        fail("fit", "takes a Simulation, a Network or a function from a key to one", type(system).__name__)
    words = [random.stream(random.member(root, seed=seed), "training.network") for seed in seeds]
    return [_simulation(system(jax.random.wrap_key_data(w, impl="threefry2x32"))) for w in words]


def data_of(who: str, data: Any, sim: Simulation, shown: str, losses: Iterable[Loss], *, first: int = 0) -> Data:
    """Values of the shown input and targets as arrays; ``first`` is the address of the first sample.

    Raises:
        InputError: no pair; no samples; no numbers; not finite; a shape or a range that does not fit the input; targets
            that do not fit the loss.
    """
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        fail(who, "must be a pair (values [sample, ...], targets [sample, ...])", type(data).__name__)
    values, targets = np.asarray(batch_of(f"{who} values", data[0])), array_of(f"{who} targets", data[1])
    if targets.dtype.kind not in "fiub":
        fail(f"{who} targets", "must be real numbers", str(targets.dtype))
    if targets.ndim < 1 or len(targets) != len(values):
        fail(who, f"must have one target per sample ({len(values)})", targets.shape)
    finite(f"{who} values", values)
    check_samples(who, sim, shown, values)
    for loss in losses:
        loss.check(sim.network, f"{who} targets", targets)
    targets = targets.astype(np.int32 if targets.dtype.kind in "iu" else np.float32)
    return Data(jnp.asarray(values), jnp.asarray(targets), jnp.uint32(first))


def fed(sim: Simulation, shown: str, values: jax.Array) -> Simulation:
    """The simulation with an input of the shape of one sample."""
    return showing(sim, shown, jnp.zeros(values.shape[1:], jnp.float32))


def check_augment(augment: Any, values: jax.Array) -> None:
    """The augmentation is a function of one sample and a key that keeps the shape."""
    if augment is None:
        return
    if not callable(augment):
        fail("fit.augment", "must be a function (values, key) -> values of one sample", type(augment).__name__)
    sample, key = jax.ShapeDtypeStruct(values.shape[1:], values.dtype), jax.ShapeDtypeStruct((2,), jnp.uint32)
    shown = eqx.filter_eval_shape(augment, sample, key)
    if (shown.shape, shown.dtype) != (sample.shape, sample.dtype):
        fail("fit.augment", f"must give float32 values of the shape {sample.shape}", (shown.shape, str(shown.dtype)))


def noise_of(who: str, noise: Any, sim: Simulation) -> dict[str, dict[str, Source | None]]:
    """Sources by part and name, that fit the simulation (which shows a sample)."""
    found = checked_sources(who, sim.network, noise)
    if found:
        validate(dressed(sim, found))
    return found


def check_settings(
    epochs: Any,
    batch_size: Any,
    patience: Any,
    validation: Any,
    progress: Any,
    check_start: Any = True,
    callback: Any = None,
) -> None:
    """Counts and flags are such, and patience has something to watch."""
    count("fit.epochs", epochs)
    count("fit.batch_size", batch_size)
    flag("fit.progress", progress)
    flag("fit.check_start", check_start)
    if callback is not None and not callable(callback):
        fail("fit.callback", "must be a function of a Report", callback)
    if patience is not None:
        count("fit.patience", patience)
        if validation is None:
            fail("fit.patience", "needs validation data to watch", patience)


def losses_of(loss: Any) -> dict[str, Loss]:
    """The loss and its metrics by name."""
    loss = CrossEntropy() if loss is None else loss
    if not isinstance(loss, Loss) and callable(loss) and not isinstance(loss, type):
        loss = FromFunction(loss)
    if not isinstance(loss, Loss):
        rule = "must be a loss, e.g. losses.CrossEntropy(), or a function of readouts and targets"
        fail("fit.loss", rule, loss.__name__ if isinstance(loss, type) else type(loss).__name__)
    check_tree("fit.loss", loss)
    return {"loss": loss, **loss.metrics()}


def both_data(
    train: Any, validation: Any, sim: Simulation, shown: str, losses: Mapping[str, Loss], batch_size: int
) -> tuple[Data | Feed, Data | None]:
    """Training and validation data, at different addresses."""
    batches = batches_of(train)
    if batches is not None:
        feed = feed_of(batches, sim, shown, losses.values(), data_of)
        return feed, _held_out(validation, feed.first, sim, shown, losses, first=0)
    data = data_of("fit.train", train, sim, shown, losses.values())
    if batch_size > data.size:
        fail("fit.batch_size", f"must be at most the number of samples, {data.size}", batch_size)
    return data, _held_out(validation, data, sim, shown, losses, first=data.size)


def _held_out(
    validation: Any, train: Data, sim: Simulation, shown: str, losses: Mapping[str, Loss], *, first: int
) -> Data | None:
    if validation is None:
        return None
    held_out = data_of("fit.validation", validation, sim, shown, losses.values(), first=first)
    if held_out.values.shape[1:] != train.values.shape[1:]:
        rule = f"values must have the shape [sample, *{train.values.shape[1:]}] of those of train"
        fail("fit.validation", rule, held_out.values.shape)
    return held_out


def steps_of(data: Data | Feed, batch_size: int, epochs: int) -> int | None:
    """Steps of the optimiser in all epochs, where that is known."""
    each = data.batches.size if isinstance(data, Feed) else data.size // batch_size
    return None if each is None else epochs * each


def optimiser_of(optimiser: Any, *, steps: int | None) -> optax.GradientTransformation:
    """The optimiser of a run of so many steps."""
    if optimiser is None:
        return _DEFAULT
    made = optimiser
    if callable(optimiser) and not isinstance(optimiser, optax.GradientTransformation):
        if steps is None:
            rule = "of the number of steps needs to know how many batches an epoch has: Batches(source, per_epoch=...)"
            fail("fit.optimiser", rule, type(optimiser).__name__)
        made = optimiser(steps)
    if not isinstance(made, optax.GradientTransformation):
        fail(
            "fit.optimiser",
            "must be an Optax transformation, or a function from the number of steps to one",
            type(made).__name__,
        )
    return made


def check_optimiser(optimiser: Any, parameters: Parameters) -> None:
    """A decay of weights pulls them to 0; where the optimiser moves another number than the weight, it would not.

    Patterns of an optimiser fit trained leaves.
    """
    if isinstance(optimiser, ByPattern):
        optimiser.check(parameters.names())
        optimiser = optimiser.of
    if not isinstance(optimiser, WarmupCosine) or not optimiser.weight_decay:
        return
    for path, transform in parameters.pairs():
        if path.rsplit(".", 1)[-1] == "weights" and type(transform) is not Unbounded:
            rule = f"must be 0 where weights are trained as {type(transform).__name__} (it would pull their free value to 0)"
            fail("WarmupCosine.weight_decay", f"{rule}: {path}", optimiser.weight_decay)


def _simulation(system: Any) -> Simulation:
    if isinstance(system, Network):
        ports = list(system.ports())
        if len(ports) != 1:
            fail("fit", "needs a network with exactly one port (or a Simulation)", ports)
        return Simulation(system, {ports[0]: Constant(0.0)}, duration=25.0, dt=1.0)
    if not isinstance(system, Simulation):
        fail("fit", "a builder must give a Simulation or a Network", type(system).__name__)
    validate(system)
    return system
