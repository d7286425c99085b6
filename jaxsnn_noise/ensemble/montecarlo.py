"""Running a simulation over every member of named axes, and running members again.

The members of a study are those of a :class:`jaxsnn_noise.ensemble.grid.Grid`. They are computed in chunks, each of which is one
compiled program; a store keeps finished chunks. Any member, or some of them, can be run again with other statistics: the same
bits, by the same program.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import impaired
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble import checks
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.chunks import Chunk
from jaxsnn_noise.ensemble.computing import Work, computed
from jaxsnn_noise.ensemble.grid import Grid
from jaxsnn_noise.ensemble.members import acting
from jaxsnn_noise.ensemble.recall import as_grid, grid_of
from jaxsnn_noise.ensemble.selection import positions
from jaxsnn_noise.hardware.imperfection import WAFER
from jaxsnn_noise.progress import Interrupted, Update
from jaxsnn_noise.statistics import Statistic

if TYPE_CHECKING:
    import xarray


def monte_carlo(
    sim: Simulation | Cases | Grid,
    axes: Iterable[Axis] | None = None,
    *,
    key: Any = None,
    chunk: Chunk = "auto",
    statistics: Mapping[str, Statistic] | None = None,
    backend: Backend | None = None,
    store: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: bool | Update = True,
) -> xarray.Dataset:
    """Run a simulation over all members of a grid of axes.

    Args:
        sim: What to simulate, or :class:`Cases` of simulations (the dimension of the cases comes first), or a :class:`Grid`,
            which has its axes, key and backend.
        axes: Named axes; the order is that of the result's dimensions and changes no number.
        key: Root key or seed.
        chunk: Members computed at once: ``"auto"`` (by a model of cost), ``None`` (all), a number, or a number per axis name.
        statistics: Replace the simulation's statistics.
        backend: ``Scan()`` unless given.
        store: A folder that keeps every finished chunk; running again on it computes only what is missing, also of a study
            that has grown: more trials, devices, samples, values. Several processes may share it.
        workers: Chunks computed side by side; default: one per core on a CPU (one in all for networks of more than a
            thousand neurons, whose products fill all cores), one per device elsewhere.
        progress: Print progress on standard error, and at the end a line if members are ill (values that are not finite, no
            spike at all); or a function ``(done, total)``.

    Returns:
        A dataset with one dimension per axis and the dimensions of the statistics, coordinates with units, and as attributes
        the full configuration, axes, seed, times, health, versions, device, stream version, and the grid's fingerprint.

    Raises:
        InputError: before any computing, for axes, paths, values or chunks that do not fit, and for results larger than memory.
        Interrupted: Ctrl-C; the chunks that are running are finished first (a second Ctrl-C does not wait for them). It
            carries what was computed as ``partial`` (``None``: nothing was begun).
        StoreError: a chunk could not be kept; those before it are safe, and what was computed is its ``partial``.
    """
    with _set_up():
        grid = grid_of_arguments("monte_carlo", sim, axes, key, statistics, backend)
        number = checks.workers(workers)
        work = Work("monte_carlo", grid, chunk=chunk, workers=number, stored=store is not None)
    return computed(work, store=store, progress=progress)


def replay(
    result: xarray.Dataset | Grid | str | os.PathLike[str],
    grid: Grid | str | os.PathLike[str] | None = None,
    *,
    statistics: Mapping[str, Statistic],
    sel: Mapping[str, Any] | None = None,
    own: Iterable[Any] = (),
    chunk: Chunk = "auto",
    workers: int | None = None,
    progress: bool | Update = True,
) -> xarray.Dataset:
    """Run members of a study again with other statistics (full traces, say): the same bits, by the same program.

    Members are found by their labels, as ``result.sel`` finds them: ``replay(result, sel={"device": 24, "trial": 3}, ...)``.
    Dimensions that ``sel`` does not name stay as the result shows them: a coordinate that is one label (after ``isel``, say)
    is that member, others are run for all members that are shown, in their order.

    Args:
        result: A result of :func:`monte_carlo`, also loaded or derived by selecting and sorting; or a grid, or a file of one.
        grid: The grid of the result: a :class:`Grid`, its file, or the store of the study. Not needed in the process that
            computed it, for its last few studies.
        statistics: What to record.
        sel: From dimensions to a label, or to several.
        own: Your own classes and functions in a grid that is read from a file, as for :func:`load`.
        chunk: As for :func:`monte_carlo`; so are ``workers`` and ``progress``.

    Returns:
        A dataset as of :func:`monte_carlo`, with the dimensions that are open.

    Raises:
        InputError: no grid, or another one; a label that no member has, or several have.

    Example:
        >>> import jaxsnn_noise as jn
        >>> cells = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
        >>> sim = jn.Simulation(cells, {"cells": jn.coding.Constant(1.2)}, duration=20.0, dt=1.0)
        >>> result = jn.monte_carlo(sim, [jn.Sweep("inputs.cells.values", [0.5, 1.5], name="current"), jn.Trials(4)], key=0)
        >>> traces = jn.replay(result, sel={"current": 1.5, "trial": 2}, statistics={"v": jn.statistics.Trace("v")})
        >>> dict(traces["v_v"].sizes)
        {'time': 20, 'cells_neuron': 3}
    """
    with _set_up():
        shown = None if isinstance(result, (Grid, str, os.PathLike)) else result
        if shown is None and grid is not None:
            fail("replay", "takes a result and its grid, or a grid alone", type(result).__name__)
        if shown is not None and not hasattr(shown, "coords"):
            fail("replay", "takes a result of monte_carlo, or a grid", shown)
        known = as_grid("replay", result, own) if shown is None else grid_of("replay", shown, grid, own)
        at = positions("replay", known.labels, {} if sel is None else sel, shown)
        number = checks.workers(workers, "replay")
        work = Work("replay", known.recording(statistics), chosen=at, chunk=chunk, workers=number)
    return computed(work, progress=progress)


def chip(
    grid: xarray.Dataset | Grid | str | os.PathLike[str],
    sel: Mapping[str, Any] | None = None,
    *,
    own: Iterable[Any] = (),
) -> Network:
    """The network of one device: as the axes set it, and with all imperfections of that device.

    Args:
        grid: The grid, its file, the store of the study, or a result of this process.
        sel: From dimensions to labels: of every axis that changes the network, its imperfections, or draws them.
        own: Your own classes and functions in a grid that is read from a file, as for :func:`load`.

    Returns:
        The network, to be looked at, saved, or simulated without imperfections.

    Raises:
        InputError: an axis on which the network depends is not selected, or by more than one label.

    Example:
        >>> import jaxsnn_noise as jn
        >>> cells = jn.Network({"cells": jn.Population(jn.neurons.LIF(3, tau_mem=20.0))})
        >>> spread = jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.1), per="neuron")
        >>> sim = jn.Simulation(cells, imperfections={"mismatch": spread}, duration=20.0, dt=1.0)
        >>> chips = [jn.chip(jn.Grid(sim, [jn.Devices(3)], key=0), sel={"device": i}) for i in range(3)]
        >>> len({float(one.populations["cells"].neuron.tau_mem[0]) for one in chips})
        3
    """
    known = grid_of("chip", grid, None) if hasattr(grid, "attrs") else as_grid("chip", grid, own)
    at = positions("chip", known.labels, {} if sel is None else sel, grid if hasattr(grid, "coords") else None)
    if known.cases is not None and np.size(at[known.cases]) != 1:
        fail("chip.sel", "must select one case", sel, known=list(known.sims))
    case = list(known.sims)[int(np.ravel(at[known.cases])[0])] if known.cases is not None else ""
    sim, address = known.sims[case], Address.of()
    drawn = {imperfection.axis for imperfection in sim.imperfections.values()} - {None}
    drawn |= {WAFER} if drawn else set()
    for i in acting(known.axes):
        axis = known.axes[i]
        one = np.size(at[axis.name]) == 1
        changed, farther = axis.apply(sim, address, jnp.uint32(np.ravel(at[axis.name])[0]), known.root)
        if axis.name not in drawn and _same_chip(changed, sim):
            continue
        if not one:
            fail("chip.sel", f"must select one label of {axis.name!r}, on which the network depends", dict(sel or {}))
        sim, address = changed, farther
    return impaired(sim, Keys(known.root, address, sim.frozen))


def _same_chip(sim: Simulation, other: Simulation) -> bool:
    """Whether network and imperfections are the same objects: an axis hands on what it leaves alone."""
    ours, theirs = (jax.tree.leaves((s.network, s.imperfections)) for s in (sim, other))
    return all(a is b for a, b in zip(ours, theirs, strict=True))


def grid_of_arguments(who: str, sim: Any, axes: Any, key: Any, statistics: Any, backend: Any) -> Grid:
    """The grid that a simulation, axes and a key make, or that is given in their place."""
    if isinstance(sim, Grid):
        given = {"axes": axes, "key": key, "backend": backend}
        for name, value in given.items():
            if value is not None:
                fail(f"{who}.{name}", "must be left out with a Grid, which has it", value)
        return sim if statistics is None else sim.recording(statistics)
    if axes is None:
        fail(f"{who}.axes", "must be a list of axes, e.g. [Trials(50)]", axes)
    if key is None:
        fail(f"{who}.key", "must be a root key or a seed", key)
    return Grid(sim, axes, key=key, statistics=statistics, backend=backend)


@contextlib.contextmanager
def _set_up() -> Iterator[None]:
    """Before anything is computed Ctrl-C is that of this package too."""
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(None) from None
