"""Checkpoints that were damaged, exchanged or killed: what is not whole is found, and the epoch before it is taken."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.small_task import fit, noisy, points, quiet, same_bits
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.training import checkpoints
from jaxsnn_noise.training.checkpoints import Folder
from jaxsnn_noise.training.standing import Standing

ROOT = Path(__file__).parents[2]
SETTINGS: dict[str, Any] = {"epochs": 3, "seeds": 2, "seeds_at_once": 1}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two seeds after three epochs, of which two are there."""
    folder = tmp_path_factory.mktemp("kept") / "run"
    fit(quiet, points(24), checkpoint=folder, **SETTINGS)
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "run"))


def file(folder: Path, seed: int, epoch: int) -> Path:
    return folder / f"seeds-{seed}-epoch-{epoch:06d}.eqx"


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.fixture(scope="module")
def reading(kept: Path) -> tuple[Folder, Standing]:
    """The folder as a run opens it, and a standing of the structure of its files."""
    seen: list[Any] = []

    class Spy(Folder):
        def load(self, block: int, start: Standing) -> Standing | None:
            seen.append((self, start))
            return super().load(block, start)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["jaxsnn_noise.training.fit"], "Folder", Spy)
        fit(quiet, points(24), checkpoint=kept, **SETTINGS)
    return seen[0]


def bits(content: bytes, *, every: int, payload: int) -> Iterator[int]:
    """Bits of the header, and random ones of what follows it."""
    start = 8 * (content.index(b"\n") + 1)
    yield from range(0, start, every)
    numbers = np.random.default_rng(0)
    yield from (int(b) for b in numbers.integers(start, 8 * len(content), payload))


def found_all(reading: tuple[Folder, Standing], tmp_path: Path, *, every: int, payload: int) -> int:
    """Every flip is found where the file is read; how many were tried."""
    opened, start = reading
    source = file(opened.path, 0, 3)
    content, place, tried = source.read_bytes(), tmp_path / source.name, 0
    for bit in bits(content, every=every, payload=payload):
        place.write_bytes(flipped(content, bit))
        with pytest.raises(checkpoints._Damaged, match=r"is damaged"):
            opened._read(place, 0, start)
        tried += 1
    place.write_bytes(content)
    assert opened._read(place, 0, start).epochs == 3  # the control
    return tried


@pytest.mark.slow
def test_flipped_bits_are_found(reading: tuple[Folder, Standing], tmp_path: Path) -> None:
    assert found_all(reading, tmp_path, every=29, payload=60) > 150


@pytest.mark.slow
def test_every_flipped_bit_of_a_header_and_500_of_a_payload_are_found(
    reading: tuple[Folder, Standing], tmp_path: Path
) -> None:
    assert found_all(reading, tmp_path, every=1, payload=500) > 4000


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", marks=pytest.mark.slow),
        pytest.param(lambda content: b"\n", marks=pytest.mark.slow),
        pytest.param(lambda content: b"no header\n", marks=pytest.mark.slow),
        pytest.param(lambda content: b"[" * 100_000, marks=pytest.mark.slow),
        pytest.param(lambda content: b'{"epochs": 3}\n' + content.split(b"\n", 1)[1], marks=pytest.mark.slow),
        pytest.param(lambda content: b'{"epochs": "3", "checksum": 7}\n', marks=pytest.mark.slow),
        pytest.param(lambda content: b"[1, 2]\n", marks=pytest.mark.slow),
        pytest.param(lambda content: content[:-1], marks=pytest.mark.slow),
        pytest.param(lambda content: content + b"\x00", marks=pytest.mark.slow),
        lambda content: content.replace(b'"epochs": 3', b'"epochs": 2', 1),
    ],
)
def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(folder: Path, damage: Any) -> None:
    newest = file(folder, 1, 3)
    newest.write_bytes(damage(newest.read_bytes()))
    seen: list[Any] = []
    with pytest.warns(UserWarning, match=r"seeds-1-epoch-000003.eqx is damaged .* \[1\] go on from epoch 2") as caught:
        again = fit(quiet, points(24), checkpoint=folder, callback=seen.append, **SETTINGS)
    assert len(caught) == 1
    assert [(r.seed, r.epoch) for r in seen] == [(1, 3)]  # only what was lost is computed
    assert same_bits(again, fit(quiet, points(24), **SETTINGS))
    with warnings.catch_warnings(action="error"):  # and now it is whole
        fit(quiet, points(24), checkpoint=folder, **SETTINGS)


def test_where_both_are_damaged_nothing_is_done(folder: Path) -> None:
    for epoch in (2, 3):
        file(folder, 0, epoch).write_bytes(b"x")
    with pytest.raises(InputError, match=r"epoch-000003.eqx is damaged.*epoch-000002.eqx is damaged.*delete"):
        fit(quiet, points(24), checkpoint=folder, **SETTINGS)


def test_exchanged_and_renamed_files_are_found(folder: Path) -> None:
    first, second = (file(folder, seed, 3).read_bytes() for seed in (0, 1))
    file(folder, 0, 3).write_bytes(second)
    file(folder, 1, 3).write_bytes(first)
    file(folder, 1, 2).rename(file(folder, 1, 7))
    shutil.copy(file(folder, 0, 2), file(folder, 1, 2))
    with (
        pytest.warns(UserWarning, match=r"seeds-0-epoch-000003.eqx has other seeds: \[1\]"),
        pytest.raises(InputError, match=r"seeds-1-epoch-000007.eqx holds epoch 2 .*000002.eqx has other seeds"),
    ):
        fit(quiet, points(24), checkpoint=folder, **SETTINGS)


def test_a_file_of_another_run_is_found(folder: Path, tmp_path: Path) -> None:
    fit(quiet, points(24), checkpoint=tmp_path / "other", key=4, **SETTINGS)
    shutil.copy(file(tmp_path / "other", 0, 3), file(folder, 0, 3))
    with pytest.warns(UserWarning, match="epoch-000003.eqx has other run"):
        again = fit(quiet, points(24), checkpoint=folder, **SETTINGS)
    assert same_bits(again, fit(quiet, points(24), **SETTINGS))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("3", "cannot be read"),
        ("[]", "cannot be read"),
        ("null", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ('{"format": 2}', "cannot be read"),
        ('{"format": 2, "parts": [1]}', "cannot be read"),
        ('{"format": 2, "parts": "x"}', "cannot be read"),
        ('{"format": 2, "parts": {"key": 3}}', "cannot be read"),
        ('{"format": "2", "parts": {}}', "cannot be read"),
        ('{"format": 1, "fingerprint": "x"}', "another format than 2"),
        ('{"format": 2, "parts": {}}', "holds another run .what differs: JAX, data, key"),
    ],
)
def test_a_manifest_of_the_wrong_kind_is_a_clear_error(folder: Path, text: str, message: str) -> None:
    (folder / "training.json").write_text(text)
    with pytest.raises(InputError, match=rf"fit.checkpoint: .*{message}"):
        fit(quiet, points(24), checkpoint=folder, **SETTINGS)


def test_a_manifest_that_is_a_folder_or_no_text_is_a_clear_error(folder: Path) -> None:
    manifest = folder / "training.json"
    for make in (lambda: manifest.write_bytes(b"\xff\xfe\x00"), manifest.mkdir):
        manifest.unlink(missing_ok=True)
        make()
        with pytest.raises(InputError, match=r"fit.checkpoint: .*cannot be read"):
            fit(quiet, points(24), checkpoint=folder, **SETTINGS)


def test_a_header_says_what_the_file_holds(folder: Path) -> None:
    header = json.loads(file(folder, 1, 3).read_bytes().split(b"\n", 1)[0])
    assert header["seeds"] == [1]
    assert (header["format"], header["version"], header["epochs"]) == ("jaxsnn_noise training", 2, 3)
    assert "jaxsnn_noise" in header["versions"]
    assert [[8, 6], "float32"] in [[shape[1:], dtype] for shape, dtype in header["leaves"]]


TRAINING = """
import sys, warnings
from helpers.small_task import fit, noisy, points
warnings.simplefilter("error")
fit(noisy, points(24), checkpoint=sys.argv[1], epochs=5000, seeds=2)
"""


@pytest.mark.timeout(1200)
@pytest.mark.slow
def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    """A training that is killed 20 times at any moment ends with the bits of one that was not."""
    numbers = np.random.default_rng(0)
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "run")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    for _ in range(20):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        until = _progress(tmp_path / "run") + numbers.integers(1, 6)
        deadline = time.monotonic() + 120
        while _progress(tmp_path / "run") < until and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.02 * numbers.uniform())
        process.kill()
        _, told = process.communicate()
        assert process.returncode == -signal.SIGKILL, told.decode()
    last = _progress(tmp_path / "run")
    assert last >= 20
    done = fit(noisy, points(24), checkpoint=tmp_path / "run", epochs=last, seeds=2)
    assert same_bits(done, fit(noisy, points(24), epochs=last, seeds=2))


def _progress(folder: Path) -> int:
    return max((int(p.stem[-6:]) for p in folder.glob("seeds-*.eqx")), default=0)
