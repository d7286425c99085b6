"""The folder of a study: whole chunks or none, one study only, names of any kind, nothing trusted that is not what it says."""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxsnn_noise import _files
from jaxsnn_noise._checks import InputError
from jaxsnn_noise._files import StoreError
from jaxsnn_noise.ensemble.identity import Study
from jaxsnn_noise.ensemble.labels import Field
from jaxsnn_noise.ensemble.store import MANIFEST, Store

ARRAYS = {"rate": np.arange(6.0).reshape(2, 3), "n": np.array([7, 8], np.int32)}
FIELDS = {
    "rate": Field((3,), np.dtype(float), ("cells_neuron",), "Hz", {}, {}),
    "n": Field((), np.dtype(np.int32), (), "1", {}, {}),
}
MARKS = {"trial": ["0|0||", "1|1||"]}


def study(**changes: Any) -> Study:
    config = {"fixed": {"dt_ms": 1.0}, "parts": {}, "leaves": {"network.cells.neuron.tau_mem": 20.0}}
    return Study(**({"program": "p", "config": config, "root": [0, 3], "axes": ["trial"], "stream": 1} | changes))


def opened(path: Path, **changes: Any) -> Store:
    store = Store(path, {"": study(**changes), "x": study()})
    store.begin({"axes": {"trial": 2}})
    return store


def kept(store: Store, case: str = "") -> list[Any]:
    return [store.load(one.file, FIELDS) for one in store.chunks() if one.case == case]


def test_what_was_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    store = opened(tmp_path / "a" / "b")
    assert kept(store) == []
    store.save("", MARKS, "trial=0-1", ARRAYS)
    again = opened(tmp_path / "a" / "b")
    (chunk,) = again.chunks()
    assert chunk.marks == MARKS
    assert "cpu" in chunk.device or chunk.device
    loaded = again.load(chunk.file, FIELDS)
    assert loaded is not None
    assert set(loaded) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype
    assert not again.refused


def test_it_says_in_plain_text_what_it_is(tmp_path: Path) -> None:
    opened(tmp_path).save("", MARKS, "trial=0-1", ARRAYS)
    told = json.loads((tmp_path / MANIFEST).read_text())
    assert "Monte Carlo study of jaxsnn_noise" in told["what"]
    assert told["axes"] == {"trial": 2}
    assert told["cases"][""]["config"]["leaves"] == {"network.cells.neuron.tau_mem": 20.0}
    assert {"jaxsnn_noise", "jax", "jaxlib"} == set(told["versions"])
    assert next(p.name for p in tmp_path.glob("*.npz")).startswith("trial=0-1.")


@pytest.mark.parametrize("case", ["additive/strong-0", "../up-0", "D = 0.1 %-3", "ü-1", "x" * 300])
def test_cases_may_have_any_name(tmp_path: Path, case: str) -> None:
    store = Store(tmp_path / "store", {case: study()})
    store.save(case, MARKS, "trial=0-1", ARRAYS)
    assert len(kept(store, case)) == 1
    assert {p.parent for p in tmp_path.rglob("*.npz")} == {tmp_path / "store"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"no archive"])
def test_a_chunk_that_cannot_be_read_counts_as_missing_and_is_told(tmp_path: Path, content: bytes) -> None:
    store = opened(tmp_path)
    store.save("", MARKS, "trial=0-1", ARRAYS)
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(content)
    assert kept(store) == []
    assert "damaged" in store.refused[file.name]
    store.save("", MARKS, "trial=0-1", ARRAYS)
    assert len(kept(store)) == 1


@pytest.mark.parametrize("bits", [[0, 3], pytest.param(range(8), marks=pytest.mark.slow)], ids=["two", "all"])
def test_every_bit_of_a_chunk_is_looked_at(tmp_path: Path, bits: Any) -> None:
    """A flipped bit is found, or it was one of the archive that no reader looks at, and the arrays are the same."""
    store = opened(tmp_path)
    store.save("", MARKS, "trial=0-1", ARRAYS)
    (file,) = tmp_path.glob("*.npz")
    whole = file.read_bytes()
    wrong, found = [], 0
    for at, bit in itertools.product(range(len(whole)), bits):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
        for arrays in kept(store):
            if arrays is None:
                found += 1
            elif set(arrays) != set(ARRAYS) or any(not np.array_equal(arrays[k], a) for k, a in ARRAYS.items()):
                wrong.append(at)
    assert not wrong
    assert found > len(whole) // 20


def test_a_chunk_of_another_study_a_copy_and_one_without_a_field_are_not_taken(tmp_path: Path) -> None:
    store, other = opened(tmp_path / "a"), opened(tmp_path / "b", program="q")
    other.save("", MARKS, "trial=0-1", ARRAYS)
    (foreign,) = (tmp_path / "b").glob("*.npz")
    shutil.copy(foreign, tmp_path / "a")
    assert kept(store) == []
    assert store.refused[foreign.name] == "of another study"
    store.save("", MARKS, "trial=0-1", ARRAYS)
    later = {"trial": ["2|2||", "3|3||"]}
    name = store.name("", later, "trial=2-3")
    shutil.copy(tmp_path / "a" / store.name("", MARKS, "trial=0-1"), tmp_path / "a" / name)
    assert len(kept(store)) == 1
    assert store.refused[name] == "renamed or copied"
    store.save("", later, "trial=2-3", {"rate": ARRAYS["rate"]})
    assert store.load(tmp_path / "a" / name, FIELDS) is None
    assert "other arrays" in store.refused[name]


@pytest.mark.parametrize("change", [lambda a: a.astype(np.float32), lambda a: a[:, :2], lambda a: a[:1]])
def test_other_types_and_shapes_are_not_taken(tmp_path: Path, change: Any) -> None:
    store = opened(tmp_path)
    store.save("", MARKS, "trial=0-1", {**ARRAYS, "rate": change(ARRAYS["rate"])})
    assert kept(store) == [None]


def test_what_other_versions_computed_is_told_and_not_taken(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.versions = {**store.versions, "jax": "0.0.1"}
    store.save("", MARKS, "trial=0-1", ARRAYS)
    again = opened(tmp_path)
    assert kept(again) == []
    assert list(again.refused.values()) == ["computed by other versions"]
    manifest = tmp_path / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"versions": store.versions}))
    later = opened(tmp_path, program="another text of the same")
    assert later.outdated == {"jax": "0.0.1"}
    assert opened(tmp_path, program="another text of the same").outdated == {}


def test_what_a_crash_left_half_written_is_no_chunk_and_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / f".{MANIFEST}-a1.partial").write_bytes(b"{")
    store = opened(tmp_path)
    (tmp_path / ".x-0.npz-a1.partial").write_bytes(b"half")
    assert kept(store) == []


def test_a_chunk_that_another_process_began_comes_last(tmp_path: Path) -> None:
    one, other = opened(tmp_path), opened(tmp_path)
    name = one.name("", MARKS, "trial=0-1")
    assert one.claim(name)
    assert not other.claim(name)
    opened(tmp_path).release()
    assert not other.claim(name)  # it is not there yet
    one.save("", MARKS, "trial=0-1", ARRAYS)
    assert not list(tmp_path.glob(".*.claim"))
    assert one.claim(name)  # left by a process that was killed before it could take its note away
    opened(tmp_path).release()
    assert not list(tmp_path.glob(".*.claim"))


def test_another_process_may_begin_the_same_study_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It makes the store and keeps a chunk before this one looks into the folder, or before it writes."""
    sweep, exists = _files.sweep, Path.exists

    def then_the_other(act: Any) -> Any:
        def both(place: Path) -> Any:
            found = act(place)
            monkeypatch.undo()
            folder = place if place.is_dir() else place.parent
            opened(folder).save("", MARKS, "trial=0-1", ARRAYS)
            return found

        return both

    monkeypatch.setattr(_files, "sweep", then_the_other(sweep))
    assert len(kept(opened(tmp_path / "a"))) == 1
    monkeypatch.setattr(Path, "exists", then_the_other(exists))
    assert len(kept(opened(tmp_path / "b"))) == 1


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", "", '{"cases": 3, "format": 2, "versions": {}}', '{"cases": {"": 1}}']
)
def test_a_broken_manifest_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(InputError, match=r"store: holds a study.json that cannot be read"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"program": "q"}, "what a member computes"),
        ({"root": [0, 4]}, r"root key: \[0, 3\] -> \[0, 4\]"),
        ({"axes": ["device"]}, "names of the axes"),
        ({"config": {**study().config, "leaves": {"network.cells.neuron.tau_mem": 10.0}}}, "tau_mem: 20.0 -> 10.0"),
        ({"config": {**study().config, "fixed": {"dt_ms": 0.5}}}, "dt_ms: 1.0 -> 0.5"),
    ],
)
def test_another_study_is_refused_with_old_and_new_values(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    opened(tmp_path)
    with pytest.raises(InputError, match=rf"holds another study.*\(there -> here\) in .*{told}"):
        opened(tmp_path, **changes)


def test_a_folder_that_cannot_be_written_is_told_before_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handle: int) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(InputError, match=r"made and written; got .*Permission denied"):
        opened(tmp_path / "new")


def test_the_home_folder_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    opened(Path("~/x"))
    assert (tmp_path / "x" / MANIFEST).is_file()
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize(("code", "reason"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "Input/output error")])
def test_a_chunk_that_cannot_be_written_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    store = opened(tmp_path)
    store.save("", MARKS, "trial=0-1", ARRAYS)

    def fail(handle: int) -> None:
        raise OSError(code, "broken")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=f"{reason}; 1 finished chunk is safe"):
        store.save("", {"trial": ["2|2||"]}, "trial=2", ARRAYS)
    assert len([p for p in tmp_path.iterdir() if p.suffix == ".npz"]) == 1
    assert not list(tmp_path.glob("*.partial"))
