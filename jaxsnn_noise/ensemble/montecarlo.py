"""Monte Carlo over named axes: sample, run in chunks, label.

The members of a study are the points of a grid of indices. A chunk is a block of that grid; it runs as one compiled
program of nested ``vmap``s, one per axis, in which a leaf gains a dimension only from the axes it depends on. All
chunks have the same shape (the last ones are padded), so a study compiles once, whatever its values.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, flag, one_of
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.names import reserved
from jaxsnn_noise.engine.scan import Scan
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.chunks import Chunk, chunk_sizes, default_workers, padded
from jaxsnn_noise.ensemble.labels import carry_bytes, fields, labelled, parts
from jaxsnn_noise.ensemble.store import Store, fingerprint
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
    backend: Scan | None = None,
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
        Interrupted: Ctrl-C; carries what was computed.
    """
    variants = _variants(sim, axes, statistics)
    if workers is not None:
        count("monte_carlo.workers", workers)
    # what a store keeps must fit on any machine, so its chunks do not depend on the number of workers
    workers = workers or default_workers(jax.local_devices(), list(variants.values()))
    side = 1 if store is not None else workers
    studies = {k: Study(s, axes, random.root(key), chunk, backend or Scan(), side) for k, s in variants.items()}
    cases = sim if isinstance(sim, Cases) else None
    _check_names(cases, axes, studies)
    report = _reporter(progress)
    runner = Runner(studies, store, workers, report)
    try:
        blocks = runner.run()
    except KeyboardInterrupt:
        raise Interrupted(labelled(cases, axes, studies, runner.partial())) from None
    return labelled(cases, axes, studies, blocks)


def _variants(
    sim: Simulation | Cases, axes: Sequence[Axis], statistics: Mapping[str, Statistic] | None
) -> dict[str, Simulation]:
    """The simulations by case (one of no name without cases), each checked together with the axes."""
    for axis in axes:
        if isinstance(axis, Cases):
            fail(
                "monte_carlo.axes", "hold no Cases: they are the first argument, in place of the simulation", axis.name
            )
        if not isinstance(axis, Axis):
            fail("monte_carlo.axes", "must be axes, e.g. Trials(50)", axis)
    names = [axis.name for axis in axes]
    if len(set(names)) != len(names):
        fail("monte_carlo.axes", "need different names", names)
    variants = dict(sim.simulations) if isinstance(sim, Cases) else {"": sim}
    for name, variant in variants.items():
        if not isinstance(variant, Simulation):
            fail("monte_carlo", "takes a Simulation, or Cases of them", variant)
        if statistics is not None:
            variants[name] = variant = with_statistics(variant, statistics)
        validate(variant)
        for axis in axes:
            axis.check(variant)
        _check_conflicts(variant, axes)
    return variants


def _reporter(progress: bool | Update) -> Update:
    if callable(progress):
        return progress
    return Meter("monte_carlo", "members") if flag("monte_carlo.progress", progress) else lambda done, total: None


def _check_conflicts(sim: Simulation, axes: Sequence[Axis]) -> None:
    """No two axes set the same leaf or build the same network: one of them would be without effect."""
    setters: dict[str, str] = {}
    for axis in axes:
        for path in ("network", *axis.sets(sim))[0 if axis.rebuilds else 1 :]:
            if path in setters:
                rule = f"the axes {setters[path]!r} and {axis.name!r} both set {path}"
                fail("monte_carlo.axes", rule, [a.name for a in axes])
            setters[path] = axis.name


def _check_names(cases: Cases | None, axes: Sequence[Axis], studies: Mapping[str, Study]) -> None:
    """No axis, and no dimension of cases, has the name of a result, of one of its dimensions or of another axis."""
    taken: set[str] = set()
    for study in studies.values():
        taken |= {*study.fields, *(dim for field in study.fields.values() for dim in field.dims)}
        taken |= reserved(study.sim.network)
    if cases is not None and cases.name in {axis.name for axis in axes}:
        fail("Cases.name", "needs another name: an axis has this one", cases.name)
    dimensions: list[Axis | Cases] = [*axes, *([] if cases is None else [cases])]
    for axis in dimensions:
        if axis.name in taken:
            rule = "needs another name: a result or one of its dimensions has this one"
            fail(f"monte_carlo.axes: {type(axis).__name__}", rule, axis.name)


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
    studies = dataset.encoding.get("studies")
    if studies is None:
        fail(
            "replay",
            "needs the dataset as monte_carlo returned it (a loaded or derived one forgot its study)",
            "a dataset",
        )
    one_of("replay.case", case or "", studies)
    study = studies[case or ""]
    names = [axis.name for axis in study.axes]
    if sorted(indices) != sorted(names):
        fail("replay", f"needs one index per axis {names}", indices)
    for axis in study.axes:
        if not 0 <= indices[axis.name] < axis.size:
            fail(f"replay.{axis.name}", f"must lie in [0, {axis.size - 1}]", indices[axis.name])
    sim = with_statistics(study.sim, statistics)
    validate(sim)
    block = [np.array([indices[n]], np.uint32) for n in names]
    result = run_chunk(sim, study.root, study.axes, padded(block), study.backend)
    return jax.tree.map(lambda x: x[(0,) * len(names)], result)


class Study:
    """One simulation over a grid of axes, cut into chunks of one shape."""

    def __init__(self, sim: Simulation, axes: Sequence[Axis], root: Key, chunk: Chunk, backend: Scan, workers: int = 1):
        self.sim, self.axes, self.root, self.backend = sim, tuple(axes), root, backend
        self.shape = tuple(axis.size for axis in axes)
        self.fields = fields(sim, backend)
        result = sum(int(np.prod(f.shape)) * f.dtype.itemsize for f in self.fields.values())
        carried = carry_bytes(sim, backend)
        self.sizes = chunk_sizes(chunk, [a.name for a in axes], self.shape, sim, result, carried, workers)

    def chunks(self) -> Iterator[tuple[slice, ...]]:
        """The blocks of the grid, in order."""
        ranges = [range(0, n, c) for n, c in zip(self.shape, self.sizes, strict=True)]
        for starts in itertools.product(*ranges):
            yield tuple(slice(s, min(s + c, n)) for s, c, n in zip(starts, self.sizes, self.shape, strict=True))

    def compute(self, block: tuple[slice, ...], device: Any) -> dict[str, np.ndarray]:
        """The results of a block, on a device; padding is computed and dropped."""
        indices = [
            np.minimum(np.arange(b.start, b.start + c, dtype=np.uint32), np.uint32(n - 1))
            for b, c, n in zip(block, self.sizes, self.shape, strict=True)
        ]
        with jax.default_device(device):
            result = run_chunk(self.sim, self.root, self.axes, padded(indices), self.backend)
            result = jax.device_get(result)
        keep = tuple(slice(0, b.stop - b.start) for b in block)
        return {k: np.asarray(v)[keep] for k, v in flat(result).items()}


class Runner:
    """Computes the chunks of the studies side by side, keeps what is finished, and reports."""

    def __init__(self, studies: Mapping[str, Study], store: Any, workers: int, report: Update):
        self.studies, self.report = studies, report
        self.total = sum(int(np.prod(s.shape)) for s in studies.values())
        self.done = 0
        self.results: dict[str, dict[str, np.ndarray]] = {}
        self.finished = {k: np.zeros(s.shape, bool) for k, s in studies.items()}
        devices = jax.local_devices()
        self.devices = [devices[i % len(devices)] for i in range(workers)]
        self.store = None
        if store is not None:
            parts = [(s.sim, s.axes, s.root, s.sizes, s.backend, random.STREAM_VERSION) for s in studies.values()]
            self.store = Store(store, fingerprint(list(studies), parts))

    def run(self) -> dict[str, dict[str, np.ndarray]]:
        """All results; Ctrl-C and errors leave what is finished in ``results`` and in the store."""
        jobs = ((k, i, b) for k, s in self.studies.items() for i, b in enumerate(s.chunks()))
        free = list(range(len(self.devices)))
        pending: dict[Future[dict[str, np.ndarray]], tuple[str, int, tuple[slice, ...], int]] = {}
        with ThreadPoolExecutor(len(self.devices)) as pool:
            try:
                while True:
                    while free and (job := next(jobs, None)) is not None:
                        name, number, block = job
                        known = self.store.load(f"{name}-{number}") if self.store else None
                        if known is not None:
                            self._keep(name, block, known)
                            continue
                        worker = free.pop()
                        future = pool.submit(self.studies[name].compute, block, self.devices[worker])
                        pending[future] = (name, number, block, worker)
                    if not pending:
                        return self.results
                    for future in wait(pending, return_when=FIRST_COMPLETED).done:
                        name, number, block, worker = pending.pop(future)
                        free.append(worker)
                        arrays = future.result()
                        self._keep(name, block, arrays)
                        if self.store:
                            self.store.save(f"{name}-{number}", arrays)
            except BaseException:
                for future in pending:
                    future.cancel()
                raise

    def partial(self) -> dict[str, dict[str, np.ndarray]]:
        """What is finished; missing members are NaN (whole numbers become floats where some are missing)."""
        for name, arrays in self.results.items():
            missing = ~self.finished[name]
            for field, array in arrays.items():
                if missing.any():
                    arrays[field] = array.astype(np.float64) if array.dtype.kind != "f" else array
                    arrays[field][missing] = np.nan
        return self.results

    def _keep(self, name: str, block: tuple[slice, ...], arrays: dict[str, np.ndarray]) -> None:
        study = self.studies[name]
        whole = self.results.setdefault(
            name, {k: np.zeros(study.shape + f.shape, f.dtype) for k, f in study.fields.items()}
        )
        for field, array in arrays.items():
            whole[field][block] = array
        self.finished[name][block] = True
        self.done += int(np.prod([b.stop - b.start for b in block]))
        self.report(self.done, self.total)


@eqx.filter_jit
def run_chunk(
    sim: Simulation, root: Key, axes: tuple[Axis, ...], indices: tuple[jax.Array, ...], backend: Scan
) -> dict[str, Any]:
    """The results of all members of a block: one leading dimension per axis.

    The axes act, and are batched, in one order (those that rebuild the network first, then by name), whatever the order of
    dimensions: another nesting would be another program, which rounds differently.
    """
    order = sorted(range(len(axes)), key=lambda i: (not axes[i].rebuilds, axes[i].name))

    def member(*chosen: jax.Array) -> dict[str, Any]:
        changed, address = sim, Address.of()
        for i in order:
            changed, address = axes[i].apply(changed, address, chosen[i], root)
        return backend.run(changed, root, address)

    function = member
    for depth in reversed(order):
        function = jax.vmap(function, in_axes=tuple(0 if i == depth else None for i in range(len(axes))))
    result: dict[str, Any] = function(*indices)
    return jax.tree.map(lambda x: x.transpose(*np.argsort(order), *range(len(order), x.ndim)), result)


def flat(result: Mapping[str, Any]) -> dict[str, Any]:
    """Results by field: ``name`` for a plain array, ``name_field`` for a module."""
    out: dict[str, Any] = {}
    for name, value in result.items():
        out |= {f"{name}_{part}" if part else name: array for part, array in parts(value).items()}
    return out
