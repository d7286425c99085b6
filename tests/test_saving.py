"""What is saved is loaded to the bit; what is damaged, foreign or hostile is refused; datasets go to Zarr and NetCDF in silence."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from helpers.nets import SIGMA, recurrent
from jaxsnn_noise import saving
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.hardware.imperfection import Imperfection
from jaxsnn_noise.laws.law import Law
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.noise import Source
from jaxsnn_noise.statistics import Statistic
from jaxsnn_noise.synapses import Projection

FAMILIES = (Neuron, Source, Projection, Imperfection, Law, Statistic, Axis)
EXAMPLES = {f"{family.__name__}-{label(cls)}": cls for family in FAMILIES for cls in members(family)}
SIM = recurrent(6, duration=20.0, statistics={"rate": jn.statistics.Rate(), "raster": jn.statistics.Raster()})


class Mine(jn.neurons.LIF):
    """A model of a user."""


def assert_same(a: Any, b: Any) -> None:
    """Structure, static fields, shapes, dtypes and bits."""
    chex.assert_trees_all_equal_structs(a, b)
    arrays = [eqx.filter(tree, eqx.is_array) for tree in (a, b)]  # a function may be a leaf
    chex.assert_trees_all_equal_shapes_and_dtypes(*arrays)
    assert bool(eqx.tree_equal(a, b))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_part_comes_back(name: str, tmp_path: Path) -> None:
    part = EXAMPLES[name].example()
    jn.save(tmp_path / "it.jsnn", part)
    if "<locals>" in (tmp_path / "it.jsnn").read_text("latin-1"):
        back = jn.load(tmp_path / "it.jsnn", like=part)
    else:
        own = [EXAMPLES[name]] if not EXAMPLES[name].__module__.startswith("jaxsnn_noise.") else []
        back = jn.load(tmp_path / "it.jsnn", own=own)
    assert_same(part, back)


@pytest.mark.parametrize("what", ["simulation", "network", "grid", "state", "plain"])
def test_values_come_back_to_the_bit(what: str, tmp_path: Path) -> None:
    grid = jn.Grid(SIM, [jn.Sweep(SIGMA, [0.1, 0.3]), jn.Samples([1.0, 2.0], labels=["a", "b"])], key=jax.random.key(7))
    values: dict[str, Any] = {
        "simulation": SIM,
        "network": SIM.network,
        "grid": grid,
        "state": jn.start(SIM, key=0),
        "plain": {
            "a": (1, 2.5, None, True, "text", float("inf")), 3: [np.arange(3, dtype=">i4"), jnp.bfloat16(1.5)],
            "k": jax.random.key(3), "s": frozenset({"x", "y"}), "t": np.array(["a", "bc"]), "n": np.float32(2),
        },
    }  # fmt: skip
    jn.save(tmp_path / "it.jsnn", values[what])
    back = jn.load(tmp_path / "it.jsnn")
    if what == "plain":
        assert back["a"] == values["plain"]["a"]
        assert back[3][0].tolist() == [0, 1, 2]
        assert back[3][1] == jnp.bfloat16(1.5)
        assert back[3][1].dtype == jnp.bfloat16
        assert (jax.random.key_data(back["k"]) == jax.random.key_data(values["plain"]["k"])).all()
        assert back["s"] == {"x", "y"}
        assert back["t"].tolist() == ["a", "bc"]
        assert isinstance(back["n"], np.float32)
        return
    assert_same(values[what], back)
    if what == "grid":
        assert back.fingerprint == grid.fingerprint
    if what == "simulation":
        np.testing.assert_array_equal(jn.simulate(back, key=1)["raster"], jn.simulate(SIM, key=1)["raster"])


def test_own_classes_and_functions_are_given_by_the_reader(tmp_path: Path) -> None:
    network = jn.Network({"cells": jn.Population(Mine(3))})
    place = tmp_path / "net.jsnn"
    jn.save(place, network)
    with pytest.raises(
        jn.InputError, match=r"populations.cells.neuron: holds something that the reader must give: own="
    ):
        jn.load(place)
    assert type(jn.load(place, own=[Mine]).populations["cells"].neuron) is Mine
    axis = jn.Vary([1.0, 2.0], by=lambda sim, value: sim)
    jn.save(place, axis)
    with pytest.raises(jn.InputError, match=r"by: holds something that the reader must give.*like="):
        jn.load(place)
    other = jn.Vary([5.0, 6.0], by=axis.by)
    back = jn.load(place, like=other)
    assert back.by is axis.by
    assert back.values.tolist() == [1.0, 2.0]
    with pytest.raises(jn.InputError, match="like: must have the structure"):
        jn.load(place, like=jn.Vary([5.0, 6.0, 7.0], by=axis.by))


def flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def test_every_bit_of_the_header_and_of_the_leaves_is_looked_at(tmp_path: Path) -> None:
    place = tmp_path / "law.jsnn"
    jn.save(place, jn.laws.LogNormal(0.25))
    content = place.read_bytes()
    for at in range(len(content)):
        for bit in (0, 2, 5, 7):
            place.write_bytes(flipped(content, at, bit))
            with pytest.raises(jn.InputError, match="load: "):
                jn.load(place)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.update(version=2), "version 2 of its format"),
        (lambda t: t["leaves"].append([[1 << 40], "float32"]), "as long as the header says"),
        (lambda t: t["leaves"].__setitem__(0, [[-1], "float32"]), "as long as the header says"),
        (lambda t: t["leaves"].__setitem__(0, [[], "nonsense"]), "makes no tree"),
        (lambda t: t["tree"].update({"class": "os.system"}), "own="),
        (lambda t: t["tree"].update({"class": "jaxsnn_noise.saving.os"}), "own="),
        (lambda t: t["tree"].update({"class": "jaxsnn_noise.simulate"}), "must name a class"),
        (lambda t: t["tree"]["fields"].pop("cv"), "must have the fields"),
        (lambda t: t["tree"]["fields"].update(cv={"array": 5, "of": "jax"}), "makes no tree"),
        (lambda t: t["tree"]["fields"].update(cv={"object": "x"}), "holds what is not saved"),
    ],
)
def test_a_file_that_was_made_by_hand_is_refused(tmp_path: Path, change: Any, told: str) -> None:
    place = tmp_path / "law.jsnn"
    jn.save(place, jn.laws.LogNormal(0.25))
    line, _, payload = place.read_bytes().partition(b"\n")
    said = json.loads(line)
    said.pop("checksum")
    change(said)
    place.write_bytes(saving.sealed(said.pop("format"), said.pop("version"), said.pop("kind"), said, payload))
    with pytest.raises(jn.InputError, match=told):
        jn.load(place)


def test_a_value_outside_of_its_range_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "law.jsnn"
    jn.save(place, eqx.tree_at(lambda law: law.cv, jn.laws.LogNormal(0.25), jnp.float32(-1.0)))
    with pytest.raises(jn.InputError, match=r"LogNormal.cv: must be"):
        jn.load(place)


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[]\n", b"\x00" * 50, b'{"format": 1}', b"[" * 100_000])
def test_other_files_are_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.jsnn").write_bytes(content)
    with pytest.raises(jn.InputError, match="load: must be a file of the format"):
        jn.load(tmp_path / "x.jsnn")


def test_paths_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(jn.InputError, match=r"load: must be a file that can be read.*No such file"):
        jn.load(tmp_path / "none.jsnn")
    with pytest.raises(jn.InputError, match="load: must be a dataset that can be read"):
        jn.load(tmp_path / "none.nc")
    with pytest.raises(jn.InputError, match=r"save: puts datasets alone into \*.zarr and \*.nc"):
        jn.save(tmp_path / "net.zarr", SIM.network)
    monkeypatch.setenv("HOME", str(tmp_path))
    jn.save("~/net.jsnn", SIM.network)
    assert (tmp_path / "net.jsnn").is_file()


@pytest.fixture(scope="module")
def dataset() -> Any:
    labels = ["first", "second"]
    key = jax.random.split(jax.random.key(0), 3)[1]
    axes = [jn.Samples([1.0, 2.0], labels=labels), jn.Vary({SIGMA: [0.1, 0.2]}, labels=["low", "hígh"]), jn.Trials(2)]
    return jn.monte_carlo(SIM, axes, key=key, progress=False)


def test_others_open_results_without_a_warning(tmp_path: Path) -> None:
    """Warnings are errors here; xarray warns of a folder of Zarr without gathered metadata."""
    import xarray

    data = jn.monte_carlo(SIM, [jn.Trials(2)], key=0, progress=False)
    jn.save(tmp_path / "it.zarr", data)
    jn.save(tmp_path / "it.nc", data)
    with xarray.open_zarr(tmp_path / "it.zarr") as theirs:
        assert theirs.sizes == data.sizes
    with xarray.open_dataset(tmp_path / "it.nc") as theirs:
        assert theirs.sizes == data.sizes


@pytest.mark.parametrize("name", ["it.zarr", "it.nc"])
def test_datasets_are_kept_in_silence(dataset: Any, name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):  # a second time in its place
            jn.save(tmp_path / name, dataset)
        back = jn.load(tmp_path / name)
    import xarray

    xarray.testing.assert_equal(back, dataset)
    for one in (*dataset.variables, None):
        was, found = (d.attrs if one is None else d[one].attrs for d in (dataset, back))
        assert {k: np.asarray(v).tolist() for k, v in found.items()} == {
            k: np.asarray(v).tolist() for k, v in was.items()
        }
    for variable in dataset.variables:
        assert back[variable].dtype.kind == dataset[variable].dtype.kind
    with pytest.raises(jn.InputError, match="puts a dataset into"):
        jn.save(tmp_path / "it.txt", dataset)


def test_the_methods_of_xarray_need_no_help(dataset: Any, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset.to_netcdf(tmp_path / "plain.nc")
        import xarray

        back = xarray.load_dataset(tmp_path / "plain.nc")
    np.testing.assert_array_equal(back["raster"], dataset["raster"])
    assert back.attrs["fingerprint"] == dataset.attrs["fingerprint"]
