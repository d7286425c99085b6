"""Files that are there whole or not at all: full disks, crashes, and several processes at once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jaxsnn_noise import _files
from jaxsnn_noise._files import StoreError
from jaxsnn_noise.ensemble.identity import Study
from jaxsnn_noise.ensemble.store import Store

ROOT = Path(__file__).parents[1]


def process(code: str, *args: object) -> subprocess.Popen[str]:
    """A Python process of its own; it has ``_files`` and ``place``, its first argument."""
    begin = "import os, sys\nfrom pathlib import Path\nfrom jaxsnn_noise import _files\nplace = Path(sys.argv[1])\n"
    command = [sys.executable, "-c", begin + code, *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def store(folder: Path) -> Store:
    """The store of a study."""
    made = Store(folder, {"": Study("p", {}, [0, 1], ["trial"], 1)})
    made.begin({})
    return made


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_content_and_functions_are_written_and_replace_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "a"
    _files.write(place, b"old")
    _files.write(place, lambda handle: handle.write(b"new"))
    assert place.read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


def test_others_may_read_what_the_user_lets_them(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    _files.write(tmp_path / "whole", b"")
    assert (tmp_path / "whole").stat().st_mode == plain.stat().st_mode


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    _files.write(tmp_path / ("n" * 255), b"x")
    _files.write(tmp_path / ("é" * 127), b"x")
    assert len(names(tmp_path)) == 2


def test_a_full_disk_leaves_the_old_file_and_nothing_else(disk: Path) -> None:
    place = disk / "a"
    _files.write(place, b"old")
    with pytest.raises(StoreError, match=r"a: the disk is full") as caught:
        _files.write(place, bytes(1 << 20))
    assert caught.value.errno == errno.ENOSPC
    assert _files.is_full(caught.value)
    assert names(disk) == ["a"]
    assert place.read_bytes() == b"old"
    _files.write(place, b"new")  # there is room again
    assert place.read_bytes() == b"new"


def test_a_full_disk_leaves_the_old_folder(disk: Path) -> None:
    place = disk / "data"
    place.mkdir()
    (place / "a").write_bytes(b"old")

    def too_much() -> None:
        with _files.draft(place) as draft:
            draft.mkdir()
            (draft / "a").write_bytes(b"new")
            (draft / "b").write_bytes(bytes(1 << 20))

    with pytest.raises(StoreError, match="the disk is full"):
        too_much()
    assert names(disk) == ["data"]
    assert (place / "a").read_bytes() == b"old"


def test_a_full_disk_leaves_the_chunks_of_a_store(disk: Path) -> None:
    kept = store(disk / "store")
    kept.save("", {"trial": ["0"]}, "trial=0", {"rate": np.arange(8.0)})
    first = kept.name("", {"trial": ["0"]}, "trial=0")
    with pytest.raises(StoreError, match=r"the disk is full; 1 finished chunk is safe, run again"):
        kept.save("", {"trial": ["1"]}, "trial=1", {"rate": np.zeros(1 << 16)})
    assert names(disk / "store") == ["study.json", first]


def test_a_file_over_the_limit_leaves_the_old_one(tmp_path: Path) -> None:
    """The same, held where nothing can be mounted: the system refuses to let a file grow."""
    code = (
        "import resource\n"
        "_files.write(place, b'old')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    _files.write(place, bytes(1 << 20))\n"
        "except _files.StoreError as error:\n    assert error.reason == 'File too large', error\n"
        "else:\n    raise SystemExit('nothing was raised')\n"
    )
    child = process(code, tmp_path / "a")
    assert child.wait(60) == 0, child.communicate()[1]
    child.communicate()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken"), KeyboardInterrupt(), MemoryError()])
def test_an_error_before_the_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    place = tmp_path / "a"
    _files.write(place, b"old")

    def refuse(source: object, target: object) -> None:
        raise error

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StoreError if isinstance(error, OSError) else type(error)):
        _files.write(place, b"new")
    assert names(tmp_path) == ["a"]
    assert place.read_bytes() == b"old"


def test_a_process_killed_between_writing_and_renaming_leaves_the_old_file(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store(folder).save("", {"trial": ["0"]}, "trial=0", {"rate": np.arange(3.0)})
    (file,) = folder.glob("*.npz")
    before = file.read_bytes()
    child = process("os.replace = lambda *a: os._exit(9)\n_files.write(place, b'new')", file)
    child.communicate(timeout=60)
    assert child.returncode == 9
    assert file.read_bytes() == before
    (left,) = [p for p in folder.iterdir() if _files.is_draft(p)]
    assert left.read_bytes() == b"new"  # flushed, but nobody's
    assert [chunk.file for chunk in store(folder).chunks()] == [file]
    assert left.exists()  # it might be another process's, at work
    os.utime(left, (0, time.time() - 25 * 3600))
    store(folder)
    assert names(folder) == ["study.json", file.name]


def test_a_folder_whose_exchange_fails_is_back_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "a").write_bytes(b"old")
    rename, calls = os.rename, []

    def second_fails(source: object, target: object) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise OSError(errno.EIO, "broken")
        rename(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", second_fails)
    with pytest.raises(StoreError), _files.draft(place) as draft:
        draft.mkdir()
    assert names(tmp_path) == ["data"]
    assert (place / "a").read_bytes() == b"old"
    monkeypatch.undo()
    with _files.draft(place) as draft:
        draft.mkdir()
        (draft / "b").write_bytes(b"new")
    assert names(tmp_path) == ["data"]
    assert names(place) == ["b"]


def test_processes_that_write_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each writes long files of one letter; whoever looks finds a whole one, and nobody dies."""
    place = tmp_path / "a"
    code = "for _ in range(60):\n    _files.write(place, sys.argv[2].encode() * 200_000)"
    children = [process(code, place, letter) for letter in "xy"]
    seen = set()
    while any(child.poll() is None for child in children):
        if place.exists():
            content = place.read_bytes()
            seen |= set(content)
            assert len(content) == 200_000
            assert len(set(content)) == 1
    for child in children:
        assert child.communicate()[1] == ""
        assert child.returncode == 0
    assert seen == {ord("x"), ord("y")}
    assert names(tmp_path) == ["a"]
