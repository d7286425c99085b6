"""Members of a grid are computed: checked, taken from a store, computed chunk by chunk, labelled."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxsnn_noise import provenance
from jaxsnn_noise._checks import fail, flag, path_of
from jaxsnn_noise._files import StoreError
from jaxsnn_noise.ensemble import checks
from jaxsnn_noise.ensemble.attributes import attributes, complaint, health
from jaxsnn_noise.ensemble.chunked import Block, Chunked, Results
from jaxsnn_noise.ensemble.chunks import Chunk, default_workers, stored_workers
from jaxsnn_noise.ensemble.grid import Grid
from jaxsnn_noise.ensemble.identity import Study
from jaxsnn_noise.ensemble.labels import Field, fields, labelled
from jaxsnn_noise.ensemble.marks import marks
from jaxsnn_noise.ensemble.memory import check_fits
from jaxsnn_noise.ensemble.recall import remember
from jaxsnn_noise.ensemble.runner import Job, Runner, places
from jaxsnn_noise.ensemble.store import GRID, Kept, Store
from jaxsnn_noise.ensemble.traced import traced
from jaxsnn_noise.progress import Interrupted, Meter, Update
from jaxsnn_noise.saving import write_tree

if TYPE_CHECKING:
    import xarray

Chosen = Mapping[str, Any]
"""From dimensions to the positions of members along them; one position alone drops the dimension."""


class Work:
    """Some members of a grid, checked and cut into chunks: what is to be computed, before it is.

    Args:
        who: Who asks.
        grid: The grid.
        chosen: Which members; all unless given.
        chunk: Members computed at once, as ``monte_carlo`` takes them.
        workers: Chunks side by side.
        stored: Whether a store keeps the chunks: they must fit on any machine then.

    Attributes:
        cut: The chunks by case.

    Raises:
        InputError: names that collide, results that do not fit into memory, chunks that do not fit the axes.
    """

    def __init__(
        self,
        who: str,
        grid: Grid,
        *,
        chosen: Chosen | None = None,
        chunk: Chunk = "auto",
        workers: int | None = None,
        stored: bool = False,
    ):
        self.who, self.grid = who, grid
        self.fields: dict[str, dict[str, Field]] = {
            case: fields(sim, traced(sim, grid.axes, grid.backend)) for case, sim in grid.sims.items()
        }
        checks.names(grid.cases, grid.axes, grid.sims, self.fields.values())
        chosen = chosen or {}
        sizes = {axis.name: np.size(chosen[axis.name]) if axis.name in chosen else axis.size for axis in grid.axes}
        which = chosen.get(grid.cases or "", np.arange(len(grid.sims)))
        cases = np.size(which)
        check_fits(who, ({grid.cases: cases} if grid.cases else {}) | sizes, self.fields if cases > 1 else self._one())
        checks.coordinates(grid.axes)
        self.chosen = {axis.name: np.atleast_1d(chosen.get(axis.name, np.arange(axis.size))) for axis in grid.axes}
        self.dropped = [name for name, at in chosen.items() if np.ndim(at) == 0]
        names = list(grid.sims)
        self.sims = {names[i]: grid.sims[names[i]] for i in np.atleast_1d(which)}
        self.workers = workers or default_workers(jax.local_devices(), list(self.sims.values()))
        side = stored_workers(list(self.sims.values())) if stored else self.workers
        share = partial(Chunked, axes=grid.axes, root=grid.root, backend=grid.backend, chunk=chunk, workers=side)
        self.cut = {case: share(sim, chosen=list(self.chosen.values())) for case, sim in self.sims.items()}

    @property
    def members(self) -> int:
        """How many there are in all."""
        return sum(one.members for one in self.cut.values())

    def dataset(self, arrays: Mapping[str, Mapping[str, np.ndarray]]) -> xarray.Dataset:
        """Results by case and field, with their labels."""
        full = {case: arrays[case] or self._nothing(case) for case in self.sims}
        found = labelled(self.grid.cases, self.grid.axes, self.chosen, self.sims, full, self.fields)
        return found.isel({name: 0 for name in self.dropped if name in found.dims})

    def check_labels(self) -> None:
        """The labelled dataset can be made: with one member, and before anything is computed."""
        first = {name: at[:1] for name, at in self.chosen.items()}
        one = {
            case: {k: np.zeros((1,) * len(first) + f.shape, f.dtype) for k, f in self.fields[case].items()}
            for case in self.sims
        }
        if sum(a.nbytes for arrays in one.values() for a in arrays.values()) < 1 << 26:
            labelled(self.grid.cases, self.grid.axes, first, self.sims, one, self.fields)

    def _one(self) -> dict[str, dict[str, Field]]:
        return dict([next(iter(self.fields.items()))])

    def _nothing(self, case: str) -> dict[str, np.ndarray]:
        return {k: np.full(self.cut[case].shape + f.shape, np.nan) for k, f in self.fields[case].items()}


def computed(
    work: Work, *, store: str | os.PathLike[str] | None = None, progress: bool | Update = True
) -> xarray.Dataset:
    """All members of it as a dataset.

    Raises:
        Interrupted: Ctrl-C; it carries what was computed.
        StoreError: a chunk could not be kept; what was computed is its ``partial``.
    """
    report = reporter(work.who, progress)
    folder = None if store is None else path_of(f"{work.who}.store", store)
    work.check_labels()
    results = {case: Results(cut) for case, cut in work.cut.items()}
    fingerprint = work.grid.fingerprint
    remember(fingerprint, work.grid)
    try:
        kept = None if folder is None else Keeping(folder, work, results)
        if kept is not None:
            kept.begin()
        jobs = _jobs(work, results, kept, report)
        Runner(places(work.workers)).run(jobs)
    except KeyboardInterrupt:
        raise Interrupted(_dataset(work, fingerprint, results, partly=True)) from None
    except StoreError as error:
        error.partial = _dataset(work, fingerprint, results, partly=True)
        raise
    if kept is not None:
        kept.warn()
    if progress is not False and (line := complaint({case: health(r) for case, r in results.items()})):
        print(f"{work.who}: {line}", file=sys.stderr)
    return _dataset(work, fingerprint, results)


def _dataset(work: Work, fingerprint: str, results: Mapping[str, Results], *, partly: bool = False) -> xarray.Dataset:
    found = work.dataset({case: r.partial() if partly else r.arrays for case, r in results.items()})
    return found.assign_attrs(attributes(work.grid, fingerprint, results))


class Keeping:
    """A store at work: what of it fits is taken, and what is computed goes there.

    Args:
        path: Its folder.
        work: What is to be computed.
        results: Where what is there goes.
    """

    def __init__(self, path: Path, work: Work, results: Mapping[str, Results]):
        grid = work.grid
        studies = {}
        for case, sim in work.sims.items():
            program = traced(sim, grid.axes, grid.backend)
            if program.effects:
                rule = "keeps programs that compute alone: one that calls Python may give something else each time"
                fail(f"{work.who}.store", rule, program.effects)
            studies[case] = Study.from_parts(program, sim, grid.axes, grid.root)
        self.grid = grid
        self.store = Store(path, studies)
        self.names = [axis.name for axis in grid.axes]
        self.marks = {
            case: [np.array(marks(axis, sim, grid.root))[work.chosen[axis.name]] for axis in grid.axes]
            for case, sim in work.sims.items()
        }
        self.results = results
        places = {case: [_places(along.tolist()) for along in told] for case, told in self.marks.items()}
        for kept in self.store.chunks():
            self._take(kept, places[kept.case])

    def begin(self) -> None:
        """Write down what is kept here, and whose."""
        self.store.begin({"axes": self.grid.sizes})
        write_tree(self.store.path / GRID, self.grid)
        self.store.release()

    def _take(self, kept: Kept, places: list[dict[str, list[int]]]) -> None:
        """What a chunk of the store has of the members that are asked for."""
        pairs = [_pairs(kept.marks.get(n, []), where) for n, where in zip(self.names, places, strict=True)]
        if not all(len(ours) for _, ours in pairs):
            return
        result = self.results[kept.case]
        arrays = self.store.load(kept.file, result.chunked.fields)
        if arrays is not None:
            order = [list(kept.marks).index(n) for n in self.names]
            result.put(tuple(ours for _, ours in pairs), _chosen(arrays, order, [theirs for theirs, _ in pairs]))
            result.devices.add(kept.device)

    def save(self, case: str, block: Block, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep a chunk."""
        self.store.save(case, *self._told(case, block), arrays)

    def load(self, case: str, block: Block) -> dict[str, np.ndarray] | None:
        """A chunk that another process has finished in the meantime."""
        file = self.store.path / self.name(case, block)
        return self.store.load(file, self.results[case].chunked.fields) if file.exists() else None

    def name(self, case: str, block: Block) -> str:
        """What the file of a chunk is called."""
        return self.store.name(case, *self._told(case, block))

    def warn(self) -> None:
        """Say what was in the store and could not be used."""
        if self.store.outdated:
            now = {k: self.store.versions[k] for k in self.store.outdated if k in self.store.versions}
            text = f"was begun by {self.store.outdated}, and these are {now}: what other versions computed was computed anew"
            warnings.warn(f"store {self.store.path} {text}", stacklevel=4)
        bad = {k: why for k, why in self.store.refused.items() if why != "computed by other versions"}
        if bad:
            first = "; ".join(f"{name} is {why}" for name, why in list(bad.items())[:3])
            text = f"{len(bad)} chunk{'s' if len(bad) > 1 else ''} not used, and computed anew where needed: {first}"
            warnings.warn(f"store {self.store.path}: {text}{', ...' if len(bad) > 3 else ''}", stacklevel=4)

    def _told(self, case: str, block: Block) -> tuple[dict[str, list[str]], str]:
        told = {n: m[at].tolist() for n, m, at in zip(self.names, self.marks[case], block, strict=True)}
        return told, self.results[case].chunked.called(block)


def _places(marks: list[str]) -> dict[str, list[int]]:
    """From each mark along an axis to its positions."""
    found: dict[str, list[int]] = {}
    for i, mark in enumerate(marks):
        found.setdefault(mark, []).append(i)
    return found


def _pairs(stored: list[str], where: Mapping[str, list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Positions in a chunk, and those of the same members here."""
    found = [(i, at) for i, mark in enumerate(stored) for at in where.get(mark, ())]
    return np.array([i for i, _ in found], int), np.array([at for _, at in found], int)


def _chosen(arrays: Mapping[str, np.ndarray], order: list[int], at: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Some members of a chunk, in another order of the axes."""
    n = len(order)
    return {k: a.transpose(*order, *range(n, a.ndim))[np.ix_(*at)] for k, a in arrays.items()}


def _jobs(work: Work, results: Mapping[str, Results], kept: Keeping | None, report: Update) -> Iterator[Job]:
    """A job for every chunk that is missing; those that another process began come last."""
    total = work.members

    def tell() -> None:
        report(sum(r.done for r in results.values()), total)

    def job(case: str, piece: Block) -> Job:
        result = results[case]
        name = f"{case} {result.chunked.called(piece)}".strip()
        return Job(name, partial(_chunk, case, result, piece, kept), partial(_keep, result, piece), tell)

    later: list[tuple[str, Block]] = []
    for case, result in results.items():
        left = result.left()
        if result.done and not left:
            tell()
        for piece in left:  # the first one tells what was there, too: until then it is compiled, which is no pace
            if kept is not None and not kept.store.claim(kept.name(case, piece)):
                later.append((case, piece))
            else:
                yield job(case, piece)
    for case, piece in later:
        yield job(case, piece)


def _keep(result: Results, block: Block, arrays: Mapping[str, np.ndarray]) -> None:
    result.put(block, arrays)
    result.devices.add(provenance.device())


def _chunk(case: str, result: Results, block: Block, kept: Keeping | None) -> dict[str, np.ndarray]:
    """The results of a chunk: computed, and then stored, unless another process has done that."""
    if kept is not None and (there := kept.load(case, block)) is not None:
        return there
    arrays = result.chunked.compute(block)
    if kept is not None:
        kept.save(case, block, arrays)
    return arrays


def reporter(who: str, progress: bool | Update) -> Update:
    """Whom progress is told. One of the user that raises is told so once, and not asked again: it must not cost results."""
    if not callable(progress):
        return Meter(who, "members") if flag(f"{who}.progress", progress) else lambda done, total: None
    broken: list[Exception] = []

    def tell(done: int, total: int) -> None:
        if not broken:
            try:
                progress(done, total)
            except Exception as error:
                broken.append(error)
                warnings.warn(
                    f"{who}.progress raised {type(error).__name__} ({error}); it is not called again", stacklevel=2
                )

    return tell
