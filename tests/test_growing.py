"""A store serves a study that grows: only what is new is computed, and all has the bits of a study that was large at once."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise.ensemble import chunked

STATISTICS = {"rate": jn.statistics.Rate(), "raster": jn.statistics.Raster()}
MISMATCH = {"mismatch": jn.hardware.Mismatch("network.cells.neuron.tau_mem", jn.laws.LogNormal(0.2), per="neuron")}
SIM = recurrent(6, duration=20.0, statistics=STATISTICS, imperfections=MISMATCH)
INPUT = "inputs.cells.values"


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of members that are computed, chunk by chunk."""
    seen: list[int] = []
    compute = chunked.Chunked.compute

    def counting(self: Any, block: Any) -> Any:
        seen.append(int(np.prod([len(at) for at in block])))
        return compute(self, block)

    monkeypatch.setattr(chunked.Chunked, "compute", counting)
    return seen


def run(axes: list[Any], store: Path | None, **options: Any) -> Any:
    return jn.monte_carlo(options.pop("sim", SIM), axes, key=3, progress=False, store=store, **options)


def grown(small: list[Any], large: list[Any], tmp_path: Path, computed: list[int], **options: Any) -> None:
    run(small, tmp_path, **options)
    computed.clear()
    result = run(large, tmp_path, **options)
    again = sum(computed)
    computed.clear()
    fresh = run(large, None, **options)
    for name in fresh.data_vars:
        np.testing.assert_array_equal(result[name].values, fresh[name].values, err_msg=str(name))
        assert result[name].dtype == fresh[name].dtype
    members = [int(np.prod([axis.size for axis in axes])) for axes in (small, large)]
    assert again == members[1] - members[0]


TWO = jn.Sweep(SIGMA, [0.1, 0.3], name="sigma")
GROWTHS = {
    "trials": ([TWO, jn.Devices(2), jn.Trials(3)], [TWO, jn.Devices(2), jn.Trials(8)]),
    "devices": ([TWO, jn.Devices(2), jn.Trials(3)], [TWO, jn.Devices(5), jn.Trials(3)]),
    "a value at the end": ([TWO, jn.Trials(3)], [jn.Sweep(SIGMA, [0.1, 0.3, 0.5], name="sigma"), jn.Trials(3)]),
    "a value between": ([TWO, jn.Trials(3)], [jn.Sweep(SIGMA, [0.1, 0.2, 0.3], name="sigma"), jn.Trials(3)]),
    "all at once": (
        [TWO, jn.Devices(2), jn.Trials(3)],
        [jn.Sweep(SIGMA, [0.0, 0.1, 0.2, 0.3], name="sigma"), jn.Devices(3), jn.Trials(5)],
    ),
    "samples": ([jn.Samples([0.5, 1.5]), jn.Trials(2)], [jn.Samples([0.5, 1.5, 1.0]), jn.Trials(2)]),
    "factors": (
        [jn.Scale("network.recurrent.weights", [1.0, 2.0])],
        [jn.Scale("network.recurrent.weights", [0.0, 1.0, 3.0, 2.0])],
    ),
    "zipped": (
        [jn.Vary({SIGMA: [0.1, 0.2], INPUT: [1.1, 1.2]})],
        [jn.Vary({SIGMA: [0.1, 0.1, 0.2], INPUT: [1.1, 1.3, 1.2]})],
    ),
    "a sweep that is not paired, at its end": (
        [jn.Sweep(SIGMA, [0.1, 0.3], paired=False)],
        [jn.Sweep(SIGMA, [0.1, 0.3, 0.2], paired=False)],
    ),
}


@pytest.mark.slow
def test_what_is_new_costs_little_more_than_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more value: the program that computes it is of its own shape, not padded to that of the whole study."""
    run([TWO, jn.Trials(40)], tmp_path, chunk=None)
    sizes: list[int] = []
    compute = chunked.Chunked.compute

    def counting(self: Any, block: Any) -> Any:
        sizes.append(int(np.prod(self.sizes)))
        return compute(self, block)

    monkeypatch.setattr(chunked.Chunked, "compute", counting)
    larger = [jn.Sweep(SIGMA, [0.1, 0.2, 0.3], name="sigma"), jn.Trials(40)]
    for chunk in (None, "auto"):
        place = tmp_path / str(chunk)
        shutil.copytree(tmp_path, place, ignore=shutil.ignore_patterns("None", "auto"))
        left = jn.plan(SIM, larger, key=3, chunk=chunk, store=place)
        sizes.clear()
        result = run(larger, place, chunk=chunk)
        assert 40 <= sum(sizes) <= 42
        assert (left.chunks, np.prod(list(left.chunk[""].values()))) == (len(sizes), sizes[0])
        np.testing.assert_array_equal(result["rate"].values, run(larger, None)["rate"].values)


@pytest.mark.slow
def test_progress_begins_with_the_first_chunk_and_not_with_what_is_there(tmp_path: Path) -> None:
    """What is between is compilation, of which a pace would make hours."""
    seen: list[tuple[int, int]] = []
    run([jn.Trials(2)], tmp_path, chunk=2)
    for trials in (6, 6):  # the second time all is there
        told = lambda *now: seen.append(now)  # noqa: E731
        jn.monte_carlo(SIM, [jn.Trials(trials)], key=3, store=tmp_path, chunk=2, workers=1, progress=told)
    assert seen == [(4, 6), (6, 6), (6, 6)]


@pytest.mark.slow
@pytest.mark.parametrize("name", GROWTHS)
def test_what_is_new_is_computed_and_nothing_else(name: str, tmp_path: Path, computed: list[int]) -> None:
    grown(*GROWTHS[name], tmp_path, computed)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [2, 1, {"trial": 3}, None])
def test_chunks_of_any_shape_serve(chunk: Any, tmp_path: Path, computed: list[int]) -> None:
    run([TWO, jn.Trials(4)], tmp_path, chunk=3)
    computed.clear()
    result = run([jn.Trials(6), TWO], tmp_path, chunk=chunk)  # in another order, too
    assert sum(computed) == 4
    np.testing.assert_array_equal(result["rate"].values, run([jn.Trials(6), TWO], None)["rate"].values)


@pytest.mark.slow
def test_a_smaller_study_computes_nothing(tmp_path: Path, computed: list[int]) -> None:
    large = run([jn.Sweep(SIGMA, [0.1, 0.2, 0.3], name="sigma"), jn.Trials(5)], tmp_path)
    computed.clear()
    small = run([jn.Sweep(SIGMA, [0.3, 0.1], name="sigma"), jn.Trials(2)], tmp_path)
    assert not computed
    shown = large["rate"].sel(sigma=small["sigma"]).isel(trial=slice(2))
    np.testing.assert_array_equal(small["rate"].values, shown.transpose(*small["rate"].dims).values)


@pytest.mark.slow
def test_cases_can_be_added(tmp_path: Path, computed: list[int]) -> None:
    quiet, loud = (jn.paths.replace(SIM, {SIGMA: s}) for s in (0.0, 0.4))
    run([jn.Trials(3)], tmp_path, sim=jn.Cases({"quiet": quiet}))
    computed.clear()
    both = run([jn.Trials(3)], tmp_path, sim=jn.Cases({"loud": loud, "quiet": quiet}))
    assert sum(computed) == 3
    np.testing.assert_array_equal(
        both["rate"].sel(case="loud").values, run([jn.Trials(3)], None, sim=loud)["rate"].values
    )


# What has no leaf counts too.

GAIN = np.arange(1.0, 4.0)


@dataclasses.dataclass(frozen=True)
class Louder:
    """A function object with a field: an equal one compiles nothing."""

    by: float

    def __call__(self, sim: Any, value: Any) -> Any:
        return jn.paths.replace(sim, {SIGMA: value * self.by})


class Scaled(jn.statistics.Statistic):
    """The spike count times a constant of the module."""

    population: str | None = dataclasses.field(default=None, metadata={"static": True})

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes",)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: Any) -> Any:
        return jnp.zeros(about.size)

    def update(self, acc: Any, frame: Any, about: Any) -> Any:
        return acc + frame.spikes * jnp.asarray(GAIN, jnp.float32).sum()

    def merge(self, a: Any, b: Any, about: Any) -> Any:
        return a + b

    def finalize(self, acc: Any, about: Any) -> Any:
        return acc

    def dims(self, about: Any) -> Any:
        return {"": ("neuron",)}

    @classmethod
    def example(cls) -> Any:
        return cls()


def networks(std: float) -> Any:
    def build(key: Any) -> jn.Network:
        weights = jn.synapses.random_weights(shape=(6, 6), probability=1.0, std=std, key=key)
        return jn.Network(
            {"cells": jn.Population(jn.neurons.LIF(6))}, {"r": jn.synapses.Dense("cells", "cells", weights)}
        )

    return build


def of_networks() -> jn.Simulation:
    return jn.Simulation(
        networks(1.0)(0), {"cells": jn.coding.Constant(1.5)}, duration=50.0, dt=1.0, statistics=STATISTICS
    )


@pytest.mark.slow
def test_another_function_of_a_vary_is_another_study(tmp_path: Path, computed: list[int]) -> None:
    def axes(by: float) -> list[Any]:
        return [jn.Vary([0.1, 0.2], by=lambda sim, v: jn.paths.replace(sim, {SIGMA: v * by})), jn.Trials(2)]

    run(axes(1.0), tmp_path)
    computed.clear()
    other = run(axes(5.0), tmp_path)
    assert sum(computed) == 4
    np.testing.assert_array_equal(other["rate"].values, run(axes(5.0), None)["rate"].values)
    computed.clear()
    run(axes(1.0), tmp_path)
    assert not computed


@pytest.mark.slow
def test_another_builder_of_networks_is_another_study(tmp_path: Path, computed: list[int]) -> None:
    run([jn.Realisations(2, networks(5.0))], tmp_path, sim=of_networks())
    computed.clear()
    other = run([jn.Realisations(3, networks(20.0))], tmp_path, sim=of_networks())
    assert sum(computed) == 3
    np.testing.assert_array_equal(
        other["rate"].values, run([jn.Realisations(3, networks(20.0))], None, sim=of_networks())["rate"].values
    )
    computed.clear()
    run([jn.Realisations(4, networks(20.0))], tmp_path, sim=of_networks())
    assert sum(computed) == 1


@pytest.mark.slow
def test_a_function_that_depends_on_what_another_axis_builds(tmp_path: Path, computed: list[int]) -> None:
    """In the simulation that is given all weights are zero: what it makes of those tells nothing."""
    path = "network.r.weights"
    sim = jn.paths.replace(of_networks(), {path: 0.0})

    def axes(by: float) -> list[Any]:
        grow = jn.Vary([1.0, 2.0], by=lambda s, v: jn.paths.replace(s, {path: jn.paths.get(s, path) * v * by}))
        return [jn.Realisations(2, networks(5.0)), grow]

    run(axes(1.0), tmp_path, sim=sim)
    computed.clear()
    run(axes(4.0), tmp_path, sim=sim)
    assert sum(computed) == 4


@pytest.mark.slow
def test_another_constant_of_an_own_statistic_is_another_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run([jn.Trials(2)], tmp_path, statistics={"n": Scaled()})
    monkeypatch.setitem(globals(), "GAIN", GAIN * 2)
    fresh = type("Scaled", (Scaled,), {})  # as another process would define it: this one has the old program still
    with pytest.raises(jn.InputError, match="what a member computes"):
        run([jn.Trials(2)], tmp_path, statistics={"n": fresh()})


def test_programs_that_call_python_are_refused(tmp_path: Path) -> None:
    import jax

    def calling(sim: Any, value: Any) -> Any:
        called = jax.pure_callback(lambda v: np.float32(v), jax.ShapeDtypeStruct((), jnp.float32), value)
        return jn.paths.replace(sim, {SIGMA: called})

    with pytest.raises(jn.InputError, match=r"store: keeps programs that compute alone.*callback"):
        run([jn.Vary([0.1, 0.2], by=calling)], tmp_path)


@pytest.mark.slow
def test_a_function_object_with_fields_compiles_once() -> None:
    run([jn.Vary([0.1, 0.2], by=Louder(2.0))], None)
    before = chunked.run_chunk._cached._cache_size()
    run([jn.Vary([0.1, 0.2], by=Louder(2.0))], None)
    assert chunked.run_chunk._cached._cache_size() == before
    run([jn.Vary([0.1, 0.2], by=Louder(3.0))], None)
    assert chunked.run_chunk._cached._cache_size() == before + 1


def test_damage_is_told_once_and_computed_again(tmp_path: Path, computed: list[int]) -> None:
    first = run([jn.Trials(6)], tmp_path, chunk=2)
    files = sorted(tmp_path.glob("*.npz"))
    files[0].write_bytes(files[0].read_bytes()[:-40])
    shutil.copy(files[1], files[2])
    computed.clear()
    with pytest.warns(UserWarning, match=r"2 chunks not used, and computed anew.*damaged.*renamed or copied") as told:
        again = run([jn.Trials(6)], tmp_path, chunk=2)
    assert len(told) == 1
    assert sum(computed) == 4
    np.testing.assert_array_equal(again["rate"].values, first["rate"].values)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run([jn.Trials(6)], tmp_path, chunk=2)


# Several processes, and the end of one.

SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
import jaxsnn_noise as jn
from helpers.nets import recurrent
sim = recurrent(6, duration=20.0, statistics={{"rate": jn.statistics.Rate(), "raster": jn.statistics.Raster()}})
done = []
jn.monte_carlo(sim, [jn.Trials({trials})], key=3, chunk=2, workers=1, store={store!r},
    progress=lambda n, of: (done.append(n), print(n, flush=True)))
"""


def script(store: Path, trials: int) -> list[str]:
    root = Path(__file__).parents[1]
    return [
        sys.executable,
        "-c",
        SCRIPT.format(root=str(root), tests=str(root / "tests"), store=str(store), trials=trials),
    ]


@pytest.mark.slow
def test_two_processes_share_the_work(tmp_path: Path) -> None:
    two = [subprocess.Popen(script(tmp_path, 400), stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in two:
        one.communicate(timeout=250)
        assert one.returncode == 0
    sim = recurrent(6, duration=20.0, statistics=STATISTICS)
    both = jn.monte_carlo(sim, [jn.Trials(400)], key=3, store=tmp_path, chunk=2, progress=False)
    np.testing.assert_array_equal(
        both["rate"].values, jn.monte_carlo(sim, [jn.Trials(400)], key=3, progress=False)["rate"].values
    )
    assert len(list(tmp_path.glob("*.npz"))) == 200


@pytest.mark.timeout(1200)
@pytest.mark.slow
def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    rng, killed = np.random.default_rng(0), 0
    for _ in range(20):
        with subprocess.Popen(script(tmp_path / "store", 4000), stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.2))
            killed += running.poll() is None
            os.kill(running.pid, signal.SIGKILL)
    assert killed >= 15
    before = len(list((tmp_path / "store").glob("*.npz")))
    assert before >= killed  # each had told of a chunk before it was killed
    sim = recurrent(6, duration=20.0, statistics=STATISTICS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = jn.monte_carlo(sim, [jn.Trials(4000)], key=3, store=tmp_path / "store", chunk=2, progress=False)
    fresh = jn.monte_carlo(sim, [jn.Trials(4000)], key=3, progress=False)
    for name in fresh.data_vars:
        np.testing.assert_array_equal(result[name].values, fresh[name].values)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounts a file system")
def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)], check=True)
    try:
        with pytest.raises(jn.StoreError, match="the disk is full") as caught:
            run([jn.Trials(4000)], place / "store", chunk=10, workers=1)
        partial = caught.value.partial
        there = np.isfinite(partial["rate"].values).all(1)
        kept = len(list((place / "store").glob("*.npz")))
        assert there.sum() >= 10 * kept > 0
        assert not list((place / "store").glob(".*.partial"))
        full = run([jn.Trials(4000)], None)
        np.testing.assert_array_equal(partial["rate"].values[there], full["rate"].values[there])
        subprocess.run(["mount", "-o", "remount,size=100m", str(place)], check=True)
        again = run([jn.Trials(4000)], place / "store", chunk=10, workers=1)
        np.testing.assert_array_equal(again["rate"].values, full["rate"].values)
    finally:
        subprocess.run(["umount", str(place)], check=True)
