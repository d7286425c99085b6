"""Data sets: what they hold, that damage is seen, and that the idx reader reads what was written, no more."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jaxsnn_noise import datasets
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.datasets import _files, _idx

DATA = Path(__file__).parents[1] / "jaxsnn_noise" / "data"


def test_averaged_pixels_are_means_of_squares():
    digits = datasets.load("mnist").test.subset(slice(3))
    small = digits.averaged(2)
    assert small.shape == (3, 14, 14)
    assert small.dtype == np.float32
    assert small[1, 5, 7] == pytest.approx(digits.images[1, 10:12, 14:16].mean())
    np.testing.assert_array_equal(digits.averaged(1), digits.images)
    with pytest.raises(InputError, match=r"averaged\.side: must divide 28 x 28 pixels; got 3"):
        digits.averaged(3)


@pytest.mark.parametrize("name", datasets.names())
def test_every_set_loads_and_lies_beside_its_licence_and_origin(name: str) -> None:
    assert datasets.load(name) is not None
    assert datasets.licences()[name]
    assert (DATA / name / "LICENSE").stat().st_size > 200
    assert _files.manifest()[name]["file"] in (DATA / name / "ORIGIN.md").read_text()


def test_manifest_folders_and_names_agree() -> None:
    assert set(_files.manifest()) == set(datasets.names()) == {path.name for path in DATA.iterdir() if path.is_dir()}


@pytest.mark.parametrize(
    ("name", "train", "test", "side", "full_scale"),
    [("mnist", 500, 100, 28, 255), ("fashion", 200, 50, 28, 255)],
)
def test_embedded_images_are_class_balanced(name: Any, train: int, test: int, side: int, full_scale: int) -> None:
    found = datasets.load(name)
    for part, size in ((found.train, train), (found.test, test)):
        assert part.raw.shape == (10 * size, side, side)
        assert part.raw.dtype == part.labels.dtype == np.uint8
        assert np.bincount(part.labels).tolist() == [size] * 10
        assert part.images.dtype == np.float32
        assert (part.images.min(), part.images.max()) == (0.0, 1.0)
        assert np.array_equal(np.rint(part.images * full_scale), part.raw)
    assert len(found.classes) == 10


def test_the_first_mnist_images_are_those_of_the_original_files() -> None:
    found = datasets.load("mnist")
    assert found.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert found.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert found.train.raw[0, 5, 12:24].tolist() == [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]


def test_digits_are_split_into_a_balanced_test_set_and_the_rest() -> None:
    found = datasets.load("digits")
    assert np.bincount(found.test.labels).tolist() == [34] * 10
    assert (len(found.train), len(found.test)) == (1457, 340)
    assert found.train.raw.max() == 16
    assert found.train.images.max() == 1.0
    stored = _files.arrays("digits")
    last_three = stored["x"][np.flatnonzero(stored["y"] == 3)[-34:]]
    assert np.array_equal(found.test.raw[found.test.labels == 3], last_three)


def test_split_keeps_the_share_of_each_class_and_loses_nothing() -> None:
    whole = datasets.load("mnist").train
    train, validation = whole.split(0.2, key=3)
    assert np.bincount(validation.labels).tolist() == [100] * 10
    together = np.concatenate([train.raw, validation.raw]).reshape(len(whole), -1)
    assert sorted(map(bytes, together)) == sorted(map(bytes, whole.raw.reshape(len(whole), -1)))


def test_split_is_a_function_of_the_key_and_a_draw() -> None:
    whole = datasets.load("digits").train
    first, again, other = (whole.split(0.25, key=key)[1] for key in (1, 1, 2))
    assert np.array_equal(first.raw, again.raw)
    assert not np.array_equal(first.raw, other.raw)
    assert not np.array_equal(first.raw, whole.subset(slice(len(first))).raw)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan"), 1e-4, 0.9999])
def test_split_refuses_fractions_that_leave_a_part_empty(fraction: float) -> None:
    with pytest.raises(InputError, match="validation"):
        datasets.load("digits").test.split(fraction)


def test_japanese_vowels() -> None:
    found = datasets.load("japanese_vowels")
    assert found.train.frames.shape == (270, 26, 12)
    assert found.test.frames.shape == (370, 29, 12)
    assert np.bincount(found.train.labels).tolist() == [30] * 9
    assert np.bincount(found.test.labels).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    for part in (found.train, found.test):
        inside = np.arange(part.frames.shape[1]) < part.lengths[:, None]
        assert np.array_equal(np.isfinite(part.frames), np.broadcast_to(inside[..., None], part.frames.shape))
        assert (part.lengths.min(), part.lengths.max()) == (7, part.frames.shape[1])
    train, validation = found.train.split(0.2)
    assert np.bincount(validation.labels).tolist() == [6] * 9
    assert len(train) == 216


def test_motoneuron() -> None:
    found = datasets.load("motoneuron")
    assert found.spike_times.shape == (469, 6)
    assert (found.counts.sum(), found.counts.min(), found.counts.max()) == (1930, 2, 6)
    assert np.nanmax(found.spike_times[:, :3]) < 0 < np.nanmin(found.spike_times[:, 3:])
    assert found.window[0] <= np.nanmin(found.spike_times) < np.nanmax(found.spike_times) <= found.window[1]
    intervals = np.diff(found.spike_times, axis=1)
    assert np.nanmin(intervals) > 0
    assert np.nanmean(intervals) == pytest.approx(118.3, abs=0.05)
    assert np.nanstd(intervals) / np.nanmean(intervals) == pytest.approx(0.186, abs=5e-4)


def test_grasshopper() -> None:
    slow, fast = datasets.load("grasshopper").recordings
    assert (len(slow.spike_times), len(fast.spike_times)) == (929, 868)
    for found in (slow, fast):
        assert np.all(np.diff(found.spike_times) > 0)
        assert 0 < found.spike_times[0] < found.spike_times[-1] < len(found.amplitude) * found.dt == 10_000
        assert 0 < found.amplitude.min() < found.amplitude.max() <= 1
        # the sound drives the cell: loudest 6 to 7 ms before a spike, the delay of the recording included
        lags = np.arange(0.0, 16.0)
        heard = ((found.spike_times[20:, None] - lags) / found.dt).astype(int)
        triggered = found.amplitude[heard].mean(axis=0)
        assert lags[np.argmax(triggered)] in (6.0, 7.0)
        assert triggered.max() > 1.5 * found.amplitude.mean()


def test_mismatch_slopes_are_those_of_the_model_files() -> None:
    found = datasets.load("pdk_mismatch")
    nmos = found.transistor("ihp_sg13g2", "lv_nmos")
    assert nmos.threshold_sigma(width=1.0, length=1.0) == pytest.approx(3.9)  # [mV]
    assert nmos.gain_sigma(width=4.0, length=1.0) == pytest.approx(0.0025)
    gf = found.transistor("gf180mcu", "nfet_03v3")  # 0.7071 * 7.148 mV um / sqrt((W + 0.1 um)(L - 0.15 um))
    assert gf.threshold_sigma(width=0.9, length=1.15) == pytest.approx(0.7071 * 7.148)
    assert found.transistor("sky130", "nfet_01v8").threshold_sigma(1.0, 1.0) == pytest.approx(3.356)
    pfet = found.transistor("sky130", "pfet_01v8")
    assert pfet.coefficients["vth0"] == [0.005856, 0.008856]
    assert pfet.threshold_slope == pytest.approx(8.856)
    assert found.units.keys() == found.processes.keys() == {"sky130", "gf180mcu", "ihp_sg13g2"}


def test_mismatch_refuses_unknown_transistors_and_no_area() -> None:
    found = datasets.load("pdk_mismatch")
    with pytest.raises(InputError, match="Did you mean 'sky130'"):
        found.transistor("sky13", "nfet_01v8")
    with pytest.raises(InputError, match="Did you mean 'lv_nmos'"):
        found.transistor("ihp_sg13g2", "lv_nmo")
    with pytest.raises(InputError, match="length"):
        found.transistor("gf180mcu", "nfet_03v3").threshold_sigma(width=1.0, length=0.15)


def test_arrays_refuse_assignment() -> None:
    with pytest.raises(ValueError, match="read-only"):
        datasets.load("mnist").train.raw[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        datasets.load("grasshopper").recordings[0].amplitude[0] = 0


def test_unknown_name_gives_near_matches() -> None:
    with pytest.raises(InputError, match=r"got 'fasion'\. Did you mean 'fashion'"):
        datasets.load("fasion")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def test_a_changed_byte_is_seen(copied: Path) -> None:
    assert _files.arrays("digits", copied)["x"].shape == (1797, 8, 8)
    path = copied / "digits" / "digits_8x8.npz"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    expected = _files.manifest()["digits"]["sha256"]
    with pytest.raises(InputError, match=f"dataset 'digits': .*SHA-256 {expected}.*got '{_sha(damaged)}"):
        _files.arrays("digits", copied)


def test_a_missing_file_is_named(copied: Path) -> None:
    (copied / "motoneuron" / "motoneuron_tms.npz").unlink()
    with pytest.raises(InputError, match=r"motoneuron_tms\.npz must exist"):
        _files.arrays("motoneuron", copied)


def test_pickles_are_not_loaded(copied: Path) -> None:
    path = copied / "digits" / "digits_8x8.npz"
    with path.open("wb") as file:
        np.savez(file, x=np.array([{}], dtype=object))
    listed = json.loads((copied / "manifest.json").read_text())
    listed["digits"]["sha256"] = _sha(path.read_bytes())
    (copied / "manifest.json").write_text(json.dumps(listed))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        _files.arrays("digits", copied)


NAMES = ("{}-idx{}-ubyte", "{}.idx{}-ubyte", "{}-idx{}-ubyte.gz", "{}.idx{}-ubyte.gz")


@pytest.mark.parametrize("pattern", NAMES)
@pytest.mark.parametrize("name", ["mnist", "fashion"])
def test_a_folder_of_idx_files_is_read(tmp_path: Path, pattern: str, name: Any) -> None:
    written = _write_set(tmp_path, pattern)
    found = datasets.load(name, root=tmp_path)
    for part, stem in ((found.train, "train"), (found.test, "t10k")):
        assert np.array_equal(part.raw, written[f"{stem}-images"])
        assert np.array_equal(part.labels, written[f"{stem}-labels"])
    assert len(found.train.split(0.5)[0]) == 20
    assert datasets.load(name, root=str(tmp_path)).classes == datasets.load(name).classes


def test_a_missing_folder_and_a_missing_file_say_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"existing folder.*nowhere"):
        datasets.load("mnist", root=tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte, train-images\.idx3-ubyte, .*got 'an empty folder'"):
        datasets.load("mnist", root=tmp_path)
    _write_set(tmp_path, NAMES[0])
    (tmp_path / "t10k-labels-idx1-ubyte").rename(tmp_path / "labels")
    with pytest.raises(InputError, match=r"t10k-labels\.idx1-ubyte\.gz; got 'labels, t10k-images-idx3-ubyte"):
        datasets.load("mnist", root=tmp_path)


@pytest.mark.parametrize("name", ["digits", "motoneuron", "pdk_mismatch"])
def test_a_folder_for_a_set_that_reads_none_is_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(InputError, match="only mnist and fashion read a folder"):
        datasets.load(name, root=tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            lambda whole: whole[:-1],
            r"size in bytes must be 1584 \(header 16, entries 2 x 28 x 28\); got 1583",
        ),
        (lambda whole: whole + b"\0", "size in bytes must be 1584 .*; got 1585"),
        (lambda whole: whole[:10], "size in bytes must be at least 16, its header; got 10"),
        (lambda whole: b"", "size in bytes must be at least 16, its header; got 0"),
        (lambda whole: b"\0\0\x08\x01" + whole[4:], "must begin with the magic number 0x00000803 .*; got '0x00000801'"),
        (lambda whole: b"\0\0\x0d\x03" + whole[4:], "must begin with the magic number 0x00000803 .*; got '0x00000d03'"),
        (lambda whole: gzip.compress(whole), "must begin with the magic number 0x00000803 .*; got '0x1f8b"),
    ],
)
def test_a_damaged_idx_file_is_named_with_what_was_expected(tmp_path: Path, content: Any, reason: str) -> None:
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content(_idx_bytes(np.ones((2, 28, 28), np.uint8))))
    with pytest.raises(InputError, match=rf"train-images-idx3-ubyte: {reason}"):
        _idx.read(path, 3)


@pytest.mark.parametrize("damage", [lambda packed: packed[:-9], lambda packed: packed[:40], lambda packed: b"text"])
def test_a_damaged_gzip_file_is_named(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    packed = gzip.compress(_idx_bytes(np.arange(200, dtype=np.uint8)))
    path.write_bytes(damage(packed))
    with pytest.raises(InputError, match=r"train-labels-idx1-ubyte\.gz: must be a whole gzip file"):
        _idx.read(path, 1)


def test_a_small_file_that_unpacks_to_much_is_refused_without_unpacking_it(tmp_path: Path) -> None:
    whole = _idx_bytes(np.zeros(10, np.uint8)) + bytes(200_000_000)
    place = tmp_path / "labels.gz"
    place.write_bytes(gzip.compress(whole, 9))
    assert place.stat().st_size < 1_000_000
    tracemalloc.start()
    with pytest.raises(InputError, match=r"size in bytes must be 18 \(header 8, entries 10\); got 'more'"):
        _idx.read(place, 1)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_header_whose_product_is_beyond_64_bits_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "images"
    place.write_bytes(bytes([0, 0, 8, 3]) + (2**32 - 1).to_bytes(4, "big") * 3 + bytes(100))
    with pytest.raises(InputError, match=r"must hold at most 2147483648 bytes; got 7922816"):
        _idx.read(place, 3)


def test_a_corrupt_gzip_stream_is_named(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, 4000).astype(np.uint8)
    packed = bytearray(gzip.compress(_idx_bytes(numbers)))
    packed[500:1500] = bytes(1000)
    (tmp_path / "labels.gz").write_bytes(packed)
    with pytest.raises(InputError, match=r"labels\.gz: must be a whole gzip file"):
        _idx.read(tmp_path / "labels.gz", 1)


@pytest.mark.parametrize(
    ("stem", "array", "reason"),
    [
        ("train-images", np.zeros((40, 14, 14), np.uint8), r"must be 28 x 28; got \(40, 14, 14\)"),
        ("t10k-labels", np.zeros(9, np.uint8), "one label per image of t10k-images-idx3-ubyte, 20; got 9"),
        ("t10k-labels", np.full(20, 10, np.uint8), "labels from 0 to 9; got 10"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path: Path, stem: str, array: np.ndarray, reason: str) -> None:
    _write_set(tmp_path, NAMES[0])
    (tmp_path / NAMES[0].format(stem, array.ndim)).write_bytes(_idx_bytes(array))
    with pytest.raises(InputError, match=reason):
        datasets.load("mnist", root=tmp_path)


def _write_set(folder: Path, pattern: str) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    written = {}
    for part, size in (("train", 40), ("t10k", 20)):
        written[f"{part}-images"] = rng.integers(0, 256, (size, 28, 28), np.uint8)
        written[f"{part}-labels"] = np.arange(size, dtype=np.uint8) % 10
    for stem, array in written.items():
        path = folder / pattern.format(stem, array.ndim)
        stored = _idx_bytes(array)
        path.write_bytes(gzip.compress(stored) if path.suffix == ".gz" else stored)
    return written


def _idx_bytes(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def _sha(content: bytes | bytearray) -> str:
    return hashlib.sha256(content).hexdigest()
