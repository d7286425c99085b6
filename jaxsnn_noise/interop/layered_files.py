"""The layout of a network in a ``.npz`` file: checked key by key where it is read, and written again."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxsnn_noise import _files, datasets
from jaxsnn_noise._checks import fail, is_a, one_of, path_of
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.interop.layered import BIAS, INPUT, READOUTS, RESETS, LayeredNetwork

LAYOUT = 1
"""The number of the layout, in the key ``layout``."""
DATASETS = ("digits", "mnist", "fashion")
_PER_LAYER = ("weights", "bias", "tau_mem", "resistance", "threshold")
_UNITS = {"weights": "nA", "bias": "nA", "tau_mem": "ms", "resistance": "MOhm", "threshold": "mV"}
_SINGLE = (
    "layout", "dt", "steps", "reset", "readout", "inputs", "labels", "calibration", "dataset", "input_mean", "input_std",
)  # fmt: skip


def read_layered(file: str | Path) -> LayeredNetwork:
    """A network with test data from a ``.npz`` file (of ``numpy.savez``), layers counted from 1.

    ============================ ======================== ======= ===========================================================
    key                          shape                    unit    meaning
    ============================ ======================== ======= ===========================================================
    ``layout``                   one number                       1: this table
    ``weights_K``                [target, source]         nA      of layer K, as ``torch.nn.Linear`` has them
    ``bias_K`` (optional)        [target]                 nA      likewise
    ``tau_mem_K``                one, or [target]         ms      membrane time constant, > 0
    ``resistance_K`` (optional)  one, or [target]         MOhm    > 0; 1 unless given
    ``threshold_K``              one, or [target]         mV      > 0; of each layer that fires
    ``reset`` (optional)         a text                           ``zero`` (unless given) or ``subtract``
    ``readout`` (optional)       a text                           ``mean_potential`` (unless given), ``max_potential``,
                                                                  ``last_potential``: the last layer does not fire;
                                                                  ``spike_count``: it does
    ``dt``                       one number               ms      step, > 0
    ``steps``                    a whole number                   steps that a sample is shown
    ``inputs``                   [sample, channel],               held, or a value for each step
                                 [sample, step, channel]
    ``labels``                   [sample]                         right classes, whole numbers from 0
    ``calibration`` (optional)   as ``inputs``                    other samples, for calibration; no labels
    ``dataset``                  a text                           in place of the last three: ``digits``, ``mnist``,
                                                                  ``fashion``, the embedded test images as rows
    ``input_mean``,              one number                       of what the network was trained on: pixels are
    ``input_std`` (optional)                                      ``(x - mean)/std``; with ``dataset`` only
    ============================ ======================== ======= ===========================================================

    Raises:
        InputError: no such file, or no ``.npz``; a key that is missing or unknown (with near matches); another layout; a shape, kind or
            value that the table does not allow, NaN among them: the file and key, what is asked, what was there.
    """
    path = path_of("read_layered", file)
    if not path.is_file():
        fail("read_layered", "must be a file", str(path))
    try:
        stored, found = np.load(path, allow_pickle=False), {}
        if hasattr(stored, "files"):
            with stored:
                found = {name: np.asarray(stored[name]) for name in stored.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        fail(path.name, "must be a .npz file of plain arrays, as numpy.savez writes it", str(error))
    if not found:
        fail(path.name, "must be a .npz file, as numpy.savez writes it", "a single array, or nothing")
    return layered_of(path.name, found)


def layered_of(who: str, found: Mapping[str, np.ndarray]) -> LayeredNetwork:
    """The same from arrays by key; ``who`` opens the messages."""
    layers = _layers(who, found)
    if "layout" not in found or int(_number(f"{who}: layout", found["layout"])) != LAYOUT:
        fail(f"{who}: layout", f"must be {LAYOUT}, the number of the table of keys", found.get("layout"))
    readout = _text(f"{who}: readout", found.get("readout", READOUTS[0]), READOUTS)
    reset = _text(f"{who}: reset", found.get("reset", "zero"), RESETS)
    firing = layers if readout == "spike_count" else layers - 1
    weights = [_numbers(f"{who}: weights_{k}", _there(who, found, f"weights_{k}")) for k in range(1, layers + 1)]
    for k, one in enumerate(weights, 1):
        channels = None if k == 1 else len(weights[k - 2])
        if one.ndim != 2 or 0 in one.shape or (channels is not None and one.shape[1] != channels):
            rule = (
                f"must be [target, source{'' if channels is None else f' = {channels}, the neurons of layer {k - 1}'}]"
            )
            fail(f"{who}: weights_{k}", rule, one.shape)

    def of_layers(kind: str, count: int, default: float | None = None) -> tuple[np.ndarray, ...]:
        return tuple(_of_layer(who, found, kind, k, len(weights[k - 1]), default) for k in range(1, count + 1))

    if firing < layers and f"threshold_{layers}" in found:
        fail(
            f"{who}: threshold_{layers}",
            f"must be left out: with readout {readout} the last layer does not fire",
            "one",
        )
    biases = tuple(
        _of_layer(who, found, "bias", k, len(weights[k - 1]), None) if f"bias_{k}" in found else None
        for k in range(1, layers + 1)
    )
    dt, steps = _number(f"{who}: dt", _there(who, found, "dt")), _number(f"{who}: steps", _there(who, found, "steps"))
    if dt <= 0:
        fail(f"{who}: dt", "must be > 0 [ms]", dt)
    if steps < 1 or steps != int(steps):
        fail(f"{who}: steps", "must be a whole number >= 1", steps)
    inputs, labels, calibration = _data(who, found, int(weights[0].shape[1]), int(steps))
    if labels.min() < 0 or labels.max() >= len(weights[-1]):
        fail(f"{who}: labels", f"must lie in [0, {len(weights[-1]) - 1}], one per neuron of the last layer", labels)
    return LayeredNetwork(
        tuple(weights), biases, of_layers("tau_mem", layers), of_layers("resistance", layers, 1.0),
        of_layers("threshold", firing), reset, readout, dt, int(steps), inputs, labels, calibration,
    )  # fmt: skip


def write_layered(file: str | Path, network: Network, like: LayeredNetwork) -> None:
    """Write a network of the form of another, a chip of it for instance, with the data of that: :func:`read_layered` takes it.

    Args:
        file: Where to write; a file that is there is replaced.
        network: With the populations and projections of ``like.network()``.
        like: What it was made from: its data, step, reset and readout.

    Raises:
        InputError: a network of another form.
        StoreError: the file could not be written; what was there still is.
    """
    is_a("write_layered.network", network, Network, "jn.chip(...)")
    is_a("write_layered.like", like, LayeredNetwork, "read_layered(...)")
    wanted, there = like.network(), set(network.projections)
    if set(wanted.projections) != there or any(
        network.projections[name].weights.shape != p.weights.shape  # type: ignore[attr-defined]
        for name, p in wanted.projections.items()
    ):
        fail("write_layered.network", "must have the projections of like, in their sizes", sorted(there))
    kept: dict[str, Any] = {
        "layout": LAYOUT,
        "reset": like.reset,
        "readout": like.readout,
        "dt": like.dt,
        "steps": like.steps,
    }
    kept |= {"inputs": like.inputs, "labels": like.labels}
    if like.calibration is not None:
        kept["calibration"] = like.calibration
    before = INPUT
    for k, name in enumerate(like.populations, 1):
        neuron: Any = network.cells()[name].neuron
        kept[f"weights_{k}"] = _array(network.projections[f"{before}_to_{name}"], "weights")
        if f"{BIAS}_to_{name}" in network.projections:
            kept[f"bias_{k}"] = _array(network.projections[f"{BIAS}_to_{name}"], "weights")[:, 0]
        kept[f"tau_mem_{k}"], kept[f"resistance_{k}"] = _array(neuron, "tau_mem"), _array(neuron, "resistance")
        if k <= len(like.threshold):
            kept[f"threshold_{k}"] = _array(neuron, "v_threshold")
        before = name
    _files.write(path_of("write_layered.file", file), lambda target: np.savez(target, **kept))


def _array(module: Any, name: str) -> np.ndarray:
    return np.asarray(getattr(module, name), np.float32)


def _layers(who: str, found: Mapping[str, np.ndarray]) -> int:
    """How many layers there are; every key is one of the table."""
    numbered = [re.fullmatch(r"weights_([1-9]\d*)", name) for name in found]
    numbers = sorted(int(match[1]) for match in numbered if match)
    layers = len(numbers)
    known = [*_SINGLE, *(f"{kind}_{k}" for k in range(1, max(layers, 1) + 1) for kind in _PER_LAYER)]
    for name in found:
        if name not in known and not (name.startswith("weights_") and name in {f"weights_{n}" for n in numbers}):
            fail(f"{who}: key", "is not in the layout", name, known=known)
    if not numbers or numbers != list(range(1, layers + 1)):
        fail(f"{who}: weights_K", "must be there for each layer, counted from 1", [f"weights_{n}" for n in numbers])
    return layers


def _there(who: str, found: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name not in found:
        fail(f"{who}: {name}", "must be in the file", sorted(found))
    return found[name]


def _of_layer(
    who: str, found: Mapping[str, np.ndarray], kind: str, k: int, size: int, default: float | None
) -> np.ndarray:
    name = f"{kind}_{k}"
    given = found.get(name, np.float32(default)) if default is not None else _there(who, found, name)
    values, unit = _numbers(f"{who}: {name}", given), _UNITS[kind]
    if values.shape not in ((), (size,)) or (kind == "bias" and values.shape == ()):
        one = "" if kind == "bias" else "one number, or "
        fail(f"{who}: {name}", f"must be {one}[{size}], one per neuron of layer {k} [{unit}]", values.shape)
    if kind != "bias" and not (values > 0).all():
        fail(f"{who}: {name}", f"must be > 0 [{unit}]", values)
    return np.broadcast_to(values, (size,)).copy()


def _numbers(who: str, given: Any) -> np.ndarray:
    values = np.asarray(given)
    if values.dtype.kind not in "fiu":
        fail(who, "must be real numbers", str(values.dtype))
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.isfinite(single).all():
        fail(who, f"must be finite; {int((~np.isfinite(single)).sum())} of {values.size} are not", values)
    return single


def _number(who: str, given: Any) -> float:
    values = _numbers(who, given)
    if values.size != 1:
        fail(who, "must be one number", values.shape)
    return float(np.asarray(given, float).reshape(()))


def _text(who: str, given: Any, known: Any) -> str:
    value = np.asarray(given)
    if value.dtype.kind != "U" or value.size != 1:
        fail(who, f"must be a text, one of {', '.join(known)}", given)
    one_of(who, str(value.reshape(())), known)
    return str(value.reshape(()))


def _data(
    who: str, found: Mapping[str, np.ndarray], channels: int, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Inputs and labels to test on, and inputs to calibrate on."""
    if "dataset" in found:
        for name in ("inputs", "labels", "calibration"):
            if name in found:
                fail(f"{who}: {name}", "must be left out where there is a dataset", "both")
        return _embedded(who, found, channels)
    for name in ("input_mean", "input_std"):
        if name in found:
            fail(f"{who}: {name}", "goes with a dataset; inputs are taken as they are", "inputs")
    inputs = _numbers(f"{who}: inputs", _there(who, found, "inputs"))
    shapes = ((channels,), (steps, channels))
    if inputs.ndim < 2 or not len(inputs) or inputs.shape[1:] not in shapes:
        rule = f"must be [sample, channel = {channels}] or [sample, step = {steps}, channel = {channels}]"
        fail(f"{who}: inputs", rule, inputs.shape)
    labels = np.asarray(_there(who, found, "labels"))
    if labels.dtype.kind not in "iu" or labels.shape != (len(inputs),):
        rule = f"must be whole numbers [{len(inputs)}], one per sample"
        fail(f"{who}: labels", rule, (labels.shape, str(labels.dtype)))
    calibration = None
    if "calibration" in found:
        calibration = _numbers(f"{who}: calibration", found["calibration"])
        if calibration.shape[1:] != inputs.shape[1:] or not len(calibration):
            fail(f"{who}: calibration", f"must be [sample, ...] as inputs, {inputs.shape[1:]}", calibration.shape)
    return inputs, labels.astype(np.int64), calibration


def _embedded(who: str, found: Mapping[str, np.ndarray], channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    name = _text(f"{who}: dataset", found["dataset"], DATASETS)
    images = datasets.load(name)
    middle = _number(f"{who}: input_mean", found.get("input_mean", 0.0))
    spread = _number(f"{who}: input_std", found.get("input_std", 1.0))
    if spread <= 0:
        fail(f"{who}: input_std", "must be > 0 [1]", spread)
    test, train = ((p.images.reshape(len(p), -1) - middle) / spread for p in (images.test, images.train))
    if test.shape[1] != channels:
        fail(f"{who}: weights_1", f"must have {test.shape[1]} columns, the pixels of {name}", channels)
    return test.astype(np.float32), np.asarray(images.test.labels, np.int64), train.astype(np.float32)
