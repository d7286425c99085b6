"""Monte Carlo over named axes: sample, run in chunks, label.

The members of a study are the points of a :class:`jaxsnn_noise.ensemble.grid.Grid` of indices, one grid per case. Its
chunks are the jobs of a :class:`jaxsnn_noise.ensemble.runner.Runner`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import flag
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import accepted
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.ensemble import checks
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.chunks import Chunk, default_workers, stored_workers
from jaxsnn_noise.ensemble.grid import Block, Grid, Results
from jaxsnn_noise.ensemble.labels import labelled
from jaxsnn_noise.ensemble.runner import Job, Runner, places
from jaxsnn_noise.ensemble.store import Store
from jaxsnn_noise.fingerprints import of_values
from jaxsnn_noise.progress import Interrupted, Meter, Update
from jaxsnn_noise.statistics import Statistic

if TYPE_CHECKING:
    import xarray


def monte_carlo(
    sim: Simulation | Cases,
    axes: Sequence[Axis],
    *,
    key: Any,
    chunk: Chunk = "auto",
    statistics: Mapping[str, Statistic] | None = None,
    backend: Backend | None = None,
    store: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: bool | Update = True,
) -> xarray.Dataset:
    """Run a simulation over all members of a grid of axes.

    Args:
        sim: What to simulate, or :class:`Cases` of simulations; the dimension of the cases comes first.
        axes: Named axes; the order is that of the result's dimensions and changes no number.
        key: Root key or seed.
        chunk: Members computed at once: ``"auto"`` (by memory), ``None`` (all), a number, or a number per axis name.
        statistics: Replace the simulation's statistics.
        backend: ``Scan()`` unless given.
        store: A folder that keeps every finished chunk; running again on it computes only what is missing.
        workers: Chunks computed side by side; default: one per core on a CPU (one in all for networks of more than a
            thousand neurons, whose products fill all cores), one per device elsewhere.
        progress: Print progress on standard error, or a function ``(done, total)``.

    Returns:
        A dataset with one dimension per axis and the dimensions of the statistics, coordinates with units, and the full
        configuration, seed, versions, device and stream version as attributes.

    Raises:
        InputError: before any computing, for axes, paths, values or chunks that do not fit.
        Interrupted: Ctrl-C; the chunks that are running are finished first (a second Ctrl-C does not wait for them). It
            carries what was computed.
        StoreError: a chunk could not be kept; those before it are safe.
    """
    variants = checks.variants(sim, axes, statistics)
    # what a store keeps must fit on any machine, so its chunks do not depend on the number of workers
    workers = checks.workers(workers) or default_workers(jax.local_devices(), list(variants.values()))
    side = workers if store is None else stored_workers(list(variants.values()))
    shared = partial(Grid, axes=axes, root=random.root(key), chunk=chunk, workers=side)
    runs = {name: accepted("monte_carlo.backend", backend, variant) for name, variant in variants.items()}
    grids = {name: shared(variant, backend=runs[name]) for name, variant in variants.items()}
    cases = sim if isinstance(sim, Cases) else None
    checks.names(cases, axes, grids)
    report = _reporter(progress)
    results = {name: Results(grid) for name, grid in grids.items()}
    try:
        Runner(places(workers)).run(_jobs(results, _opened(store, grids), report))
    except KeyboardInterrupt:
        raise Interrupted(labelled(cases, axes, grids, {k: r.partial() for k, r in results.items()})) from None
    return labelled(cases, axes, grids, {k: r.arrays for k, r in results.items()})


def _opened(store: str | os.PathLike[str] | None, grids: Mapping[str, Grid]) -> Store | None:
    """The store of these grids."""
    if store is None:
        return None
    parts = [(g.sim, g.axes, g.root, g.sizes, g.backend, random.STREAM_VERSION) for g in grids.values()]
    return Store(store, of_values(list(grids), parts))


def _jobs(results: Mapping[str, Results], store: Store | None, report: Update) -> Iterator[Job]:
    """A job for every chunk of every grid."""
    total = sum(r.grid.members for r in results.values())

    def tell() -> None:
        report(sum(r.done for r in results.values()), total)

    for case, result in results.items():
        for number, block in enumerate(result.grid.chunks()):
            name = f"{case}-{number}"
            yield Job(name, partial(_chunk, result.grid, block, store, name), partial(result.put, block), tell)


def _chunk(grid: Grid, block: Block, store: Store | None, name: str) -> dict[str, np.ndarray]:
    """The results of a chunk: from the store if it has them, else computed, and then stored."""
    known = None if store is None else store.load(name)
    if known is not None:
        return known
    arrays = grid.compute(block)
    if store is not None:
        store.save(name, arrays)
    return arrays


def _reporter(progress: bool | Update) -> Update:
    if callable(progress):
        return progress
    return Meter("monte_carlo", "members") if flag("monte_carlo.progress", progress) else lambda done, total: None


def replay(
    dataset: xarray.Dataset,
    *,
    statistics: Mapping[str, Statistic],
    case: str | None = None,
    **indices: int,
) -> dict[str, Any]:
    """Run one member of a study again, with other statistics (full traces, say): the same bits, by the same program.

    Args:
        dataset: A result of :func:`monte_carlo` of this process (it remembers its study).
        statistics: What to record.
        case: Name of the case, where there are cases.
        **indices: Position of the member along every axis: ``replay(dataset, device=3, trial=7, statistics=...)``.
    """
    grid, member = checks.member(dataset.encoding.get("studies"), case, indices)
    sim = with_statistics(grid.sim, statistics)
    validate(sim)
    found: dict[str, Any] = grid.member(member, sim)
    return found
