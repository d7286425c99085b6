"""Training by surrogate gradients through time: one function from a simulation and data to a trained simulation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import count, fail, path_of
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import accepted
from jaxsnn_noise.engine.samples import shown_input
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.sources import Sources, dressed
from jaxsnn_noise.ensemble.chunks import default_workers
from jaxsnn_noise.ensemble.runner import places
from jaxsnn_noise.progress import Interrupted, Meter
from jaxsnn_noise.training.batches import Batches, Feed
from jaxsnn_noise.training.checkpoints import Folder
from jaxsnn_noise.training.checks import (
    System,
    both_data,
    check_augment,
    check_optimiser,
    check_settings,
    fed,
    losses_of,
    noise_of,
    optimiser_of,
    seeds_of,
    sims_of,
    steps_of,
)
from jaxsnn_noise.training.fitted import Fitted
from jaxsnn_noise.training.history import attributes, history
from jaxsnn_noise.training.identity import identity
from jaxsnn_noise.training.loop import Member, Task, reading, start
from jaxsnn_noise.training.losses import Loss
from jaxsnn_noise.training.parameters import Parameters, Tied, chosen, differing, stacked
from jaxsnn_noise.training.runner import Block, Callback, Training
from jaxsnn_noise.training.starting import started, warn_of
from jaxsnn_noise.training.transforms import Transform
from jaxsnn_noise.training.variation import Variation, variation_of

Optimiser: TypeAlias = optax.GradientTransformation | Callable[[int], optax.GradientTransformation]


def fit(
    system: System,
    train: tuple[Any, Any] | Batches | Iterable[Any] | Callable[[int], Iterable[Any]],
    *,
    key: Any,
    validation: tuple[Any, Any] | None = None,
    loss: Loss | Callable[[Any, Any], Any] | None = None,
    optimiser: Optimiser | None = None,
    shown: str | None = None,
    trainable: str | Sequence[str] = "network.*.weights",
    transforms: Mapping[str, Transform] | None = None,
    tied: Tied = (),
    augment: Callable[[Any, Any], Any] | None = None,
    noise: Sources | None = None,
    variation: Variation | None = None,
    epochs: int = 20,
    batch_size: int = 128,
    patience: int | None = None,
    seeds: int | Sequence[int] = 1,
    seeds_at_once: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    callback: Callback | None = None,
    backend: Backend | None = None,
    progress: bool = True,
    check_start: bool = True,
) -> Fitted:
    """Train leaves of a simulation on data, by backpropagation through time with surrogate gradients.

    A whole epoch is one compiled program. The simulation runs as it is, noise included (its own, and that of ``noise``),
    fresh for every seed, optimiser step and sample; imperfections are those of the one device that ``simulate(sim, key=key)`` shows
    (those of ``variation`` are on chips that are new in every step).

    Args:
        system: A :class:`Simulation`, of which the samples set the values of one input; or a :class:`Network` with one port,
            shown each sample as a constant input for 25 ms in steps of 1 ms, as ``apply`` does; or a function from a
            JAX key to either, called once per seed: so each seed has its own initial weights.
        train: Values [sample, ...] and targets [sample, ...]. Every epoch takes ``len // batch_size`` minibatches of a
            new order. Or minibatches of one's own, pairs of such arrays: a list of them, a loader, a function from the
            number of the epoch to an iterable (see :class:`Batches`); then all seeds are shown the same, in one program.
        key: Root key or seed of everything random.
        validation: Values and targets that are assessed after every epoch, under the same noise every time.
        loss: What is minimised; ``losses.CrossEntropy()`` unless given. Or a plain function of the readouts
            [sample, neuron] and the targets to one number or one per sample (:class:`losses.FromFunction`), such as
            ``optax.softmax_cross_entropy_with_integer_labels``.
        optimiser: An Optax transformation, or a function from the number of optimiser steps to one (for schedules; see
            :mod:`optimisers`). ``optax.adam(5e-3)`` unless given. It sees the free values as a dictionary by path.
            Optax makes functions, which are equal only to themselves: give several calls the same object, or each
            compiles anew (3 s).
        shown: Name of the input that shows the samples; needed if there are several.
        trainable: Dotted paths of leaves, or patterns in which ``*`` stands for anything. All other leaves stay.
        transforms: From path or pattern to the transform that keeps a leaf in range. Leaves that are positive by nature
            (time constants, amplitudes, ...) are trained as :class:`transforms.Positive` unless told otherwise.
        tied: Paths or patterns of trained leaves all of whose entries are one number each: one time constant per layer. A
            tuple of patterns within makes one number of all leaves that it selects. They must start equal.
        augment: Random map ``(values, key) -> values`` of one training sample, e.g. ``augment.Shift(1)``.
        noise: Sources that are on while it trains, and at no other time, put onto the system as :func:`with_noise` does:
            ``{"hidden": {"membrane": noise.VoltageNoise(noise.Diffusion(0.1))}}``. Validation, what is returned and
            what it answers have the noise of the system alone. Training cannot move parameters of these sources.
        variation: Imperfections that are on while it trains, and at no other time, on chips that are new in every step
            (:class:`Variation`): variation-aware training.
        epochs: Passes over the data.
        batch_size: Samples per optimiser step (of batches of one's own: samples that validation computes at once).
        patience: Stop a seed when so many epochs brought no lower validation loss, and return the weights of its best
            epoch. ``None``: all epochs, and the weights of the last.
        seeds: Number of seeds, or their indices. Seed i is the same run whatever the others are (to the bit for the
            same ``seeds_at_once``, within rounding otherwise, and a rounding can flip a spike).
        seeds_at_once: Seeds in one program, by ``vmap``; the rest run side by side. Default: 1 on a CPU, where the
            program of a seed fills a core and a batch of them runs no faster; all on an accelerator.
        checkpoint: Folder that holds the last two epochs of every seed. With a folder that holds this run, it goes on from
            there, and ends with the same bits as an uninterrupted one; ``epochs`` may be more than before. Another
            rule of the updates (loss, optimiser, schedule, augmentation, ...), other data or another start are refused
            by name; a damaged file gives way to the one before it, with a warning.
        callback: Called with a :class:`Report` after each epoch of each seed, one at a time.
        backend: ``Scan()`` unless given; ``Scan(checkpoint=True)`` saves memory in long runs.
        progress: Print progress on standard error.
        check_start: Show one minibatch to the first seed before the first step, and warn of layers that are silent or
            saturated, and of weights that no gradient reaches; the numbers are in the attribute ``start`` of the history.
            It costs one more compilation (about as long as that of an epoch).

    Returns:
        :class:`Fitted`: the trained simulations, and the history as a dataset.

    Raises:
        InputError: before any compilation, for data, paths, settings or a checkpoint folder that do not fit.
        Interrupted: Ctrl-C; carries the finished epochs, which a checkpoint folder holds as well.
        StoreError: a checkpoint could not be written; the one before it is safe.

    References: Neftci, Mostafa, Zenke 2019, doi:10.1109/MSP.2019.2931595.

    Example:
        >>> import jax, numpy as np
        >>> from jaxsnn_noise import networks, training
        >>> x, y = np.eye(4, dtype=np.float32), np.arange(4)
        >>> build = lambda key: networks.feedforward([4, 16, 4], key=key)
        >>> fitted = training.fit(build, (x, y), key=0, epochs=2, batch_size=4, progress=False)
        >>> dict(fitted.history.sizes)
        {'seed': 1, 'epoch': 2}
    """
    check_settings(epochs, batch_size, patience, validation, progress, check_start, callback)
    root, indices = random.root(key), seeds_of(seeds)
    sims = sims_of(system, root, indices)
    losses = losses_of(loss)
    shown = shown_input("fit.shown", sims[0], shown)
    data, held_out = both_data(train, validation, sims[0], shown, losses, batch_size)
    sample = data.first if isinstance(data, Feed) else data
    check_augment(augment, sample.values)
    parameters = _parameters(sims, trainable, transforms, tied, shown)
    for one in losses.values():
        one.penalty(sims[0])
    check_optimiser(optimiser, parameters)
    moved_by = optimiser_of(optimiser, steps=steps_of(data, batch_size, epochs))
    sim, scores = reading(fed(sims[0], shown, sample.values), losses)
    if not sim.statistics:
        fail("fit.loss", "must read something of the network: add this term to a loss", type(losses["loss"]).__name__)
    sources = noise_of("fit.noise", noise, sim)
    varied = variation_of("fit.variation", variation, sim)
    runs = accepted("fit.backend", backend, dressed(sim, sources))
    task = Task(sim, shown, parameters, scores, augment, sources, varied, moved_by, runs, root, batch_size)
    blocks = _blocks(task, sims, indices, seeds_at_once, together=isinstance(data, Feed))
    folder = None
    if checkpoint is not None:
        parts = identity(task, blocks, train=data, validation=held_out, patience=patience)
        folder = Folder(path_of("fit.checkpoint", checkpoint), parts, [block.seeds for block in blocks])
    meter = Meter("fit", "epochs") if progress else None
    training = Training(task, data, held_out, blocks, epochs, patience, folder, callback, meter)
    if check_start and not any(standing.epochs for standing in training.standings):
        training.start = started(task, sample, blocks[0].members, blocks[0].learners)
        warn_of(training.start)
    try:
        training.run(places(min(len(blocks), default_workers(jax.local_devices()))))
    except KeyboardInterrupt:
        raise Interrupted(_fitted(training, sims, indices)) from None
    return _fitted(training, sims, indices)


def _parameters(sims: Sequence[Simulation], trainable: Any, transforms: Any, tied: Tied, shown: str) -> Parameters:
    """The leaves that are trained, the same in the simulations of all seeds."""
    parameters = chosen(sims[0], trainable, transforms, tied=tied, shown=shown)
    for sim in sims[1:]:
        parameters.check(sim)
    return parameters


def _blocks(
    task: Task, sims: Sequence[Simulation], seeds: tuple[int, ...], at_once: int | None, *, together: bool
) -> list[Block]:
    """The seeds in groups that run in one program each, with their first learners; ``together``: in one group."""
    if at_once is None and together:
        at_once = len(seeds)
    if together and at_once != len(seeds):
        fail("fit.seeds_at_once", f"must be the number of seeds, {len(seeds)}, with batches of one's own", at_once)
    if at_once is None:
        at_once = 1 if jax.default_backend() == "cpu" else len(seeds)
    count("fit.seeds_at_once", at_once)
    if len(seeds) % at_once:
        fail("fit.seeds_at_once", f"must divide the number of seeds, {len(seeds)}", at_once)
    free = [task.parameters.free(sim) for sim in sims]
    own = differing(sims, task.parameters.paths)
    blocks = []
    for first in range(0, len(seeds), at_once):
        part = slice(first, first + at_once)
        members = Member(jnp.asarray(seeds[part], jnp.uint32), {k: v[part] for k, v in own.items()})
        blocks.append(Block(members, start(task, jax.tree.map(lambda *rows: stacked(rows), *free[part]))))
    return blocks


def _fitted(training: Training, sims: Sequence[Simulation], seeds: tuple[int, ...]) -> Fitted:
    """What the epochs that are done have come to."""
    task, standings, patience = training.task, training.standings, training.patience
    kept = [s.best if patience is not None else s.learners.free for s in standings]
    trained = task.parameters.constrain(
        jax.tree.map(lambda *rows: jnp.asarray(np.concatenate([np.asarray(r) for r in rows])), *kept)
    )
    own = differing(sims, task.parameters.paths)
    done = [paths.replace(sim, {path: leaf[i] for path, leaf in trained.items()}) for i, sim in enumerate(sims)]
    given = {
        "epochs": training.epochs,
        "patience": "none" if patience is None else patience,
        "samples": training.train.size,
        "start": json.dumps(training.start),
    }
    return Fitted(tuple(done), seeds, history(seeds, standings, attributes(task, given)), trained | own, task)
