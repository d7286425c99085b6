"""The folder of a study: whole chunks or none, one study only, names of any kind."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from jaxsnn_noise import _files
from jaxsnn_noise._checks import InputError
from jaxsnn_noise._files import StoreError
from jaxsnn_noise.ensemble.store import Store

ARRAYS = {"rate": np.arange(6.0).reshape(2, 3), "n": np.array(7, np.int32)}


def test_what_was_saved_is_loaded_to_the_bit(tmp_path):
    store = Store(tmp_path / "a" / "b", "f")
    assert store.load("x-0") is None
    store.save("x-0", ARRAYS)
    again = Store(tmp_path / "a" / "b", "f").load("x-0")
    assert set(again) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(again[name], array)
        assert again[name].dtype == array.dtype


@pytest.mark.parametrize("name", ["additive/strong-0", "../up-0", "D = 0.1 %-3", "ü-1"])
def test_cases_may_have_any_name(tmp_path, name):
    store = Store(tmp_path / "store", "f")
    store.save(name, ARRAYS)
    assert store.load(name) is not None
    assert {p.parent for p in tmp_path.rglob("*.npz")} == {tmp_path / "store"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"no archive"])
def test_a_chunk_that_cannot_be_read_counts_as_missing(tmp_path, content):
    store = Store(tmp_path, "f")
    store.save("x-0", ARRAYS)
    (tmp_path / "x-0.npz").write_bytes(content)
    assert store.load("x-0") is None
    store.save("x-0", ARRAYS)
    assert store.load("x-0") is not None


def test_what_a_crash_left_half_written_is_no_chunk_and_no_obstacle(tmp_path):
    (tmp_path / ".study.json-a1.partial").write_bytes(b"{")
    store = Store(tmp_path, "f")
    (tmp_path / ".x-0.npz-a1.partial").write_bytes(b"half")
    assert store.load("x-0") is None


def test_another_process_may_begin_the_same_study_at_the_same_time(tmp_path, monkeypatch):
    """It makes the store and keeps a chunk before this one looks into the folder, or before it writes."""
    sweep, exists = _files.sweep, Path.exists

    def then_the_other(act):
        def both(place):
            found = act(place)
            monkeypatch.undo()
            folder = place if place.is_dir() else place.parent
            Store(folder, "f").save("x-0", ARRAYS)
            return found

        return both

    monkeypatch.setattr(_files, "sweep", then_the_other(sweep))
    assert Store(tmp_path / "a", "f").load("x-0") is not None
    monkeypatch.setattr(Path, "exists", then_the_other(exists))
    assert Store(tmp_path / "b", "f").load("x-0") is not None


@pytest.mark.parametrize("content", ["{", "[]", "{}", ""])
def test_a_broken_manifest_is_told(tmp_path, content):
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InputError, match=r"store: holds a study.json that cannot be read"):
        Store(tmp_path, "f")


def test_another_study_is_refused(tmp_path):
    Store(tmp_path, "f")
    with pytest.raises(InputError, match="holds another study"):
        Store(tmp_path, "g")
    assert json.loads((tmp_path / "study.json").read_text()) == {"fingerprint": "f"}


def test_a_folder_that_cannot_be_written_is_told_before_computing(tmp_path, monkeypatch):
    def refuse(handle):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(InputError, match=r"made and written; got .*Permission denied"):
        Store(tmp_path / "new", "f")


@pytest.mark.parametrize(("code", "reason"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "Input/output error")])
def test_a_chunk_that_cannot_be_written_leaves_nothing_half_done(tmp_path, monkeypatch, code, reason):
    store = Store(tmp_path, "f")
    store.save("x-0", ARRAYS)

    def fail(handle):
        raise OSError(code, "broken")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=f"{reason}; 1 finished chunks are safe"):
        store.save("x-1", ARRAYS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["study.json", "x-0.npz"]
