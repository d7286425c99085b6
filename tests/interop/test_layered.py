"""Networks in npz files: what the layout says is what runs, and what it does not allow is refused by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.interop import read_layered, write_layered
from jaxsnn_noise.interop.layered_files import layered_of


def arrays(
    *, readout: str = "mean_potential", reset: str = "zero", held: bool = True, bias: bool = False
) -> dict[str, Any]:
    """A network of 5-4-3 with parameters of each neuron, and six samples of eight steps."""
    rng = np.random.default_rng(1)
    found: dict[str, Any] = {
        "layout": 1, "dt": 0.5, "steps": 8, "readout": readout, "reset": reset,
        "weights_1": rng.normal(size=(4, 5)) * 2.0, "weights_2": rng.normal(size=(3, 4)) * 4.0,
        "tau_mem_1": rng.uniform(2, 6, 4), "tau_mem_2": 5.0, "resistance_1": rng.uniform(1, 4, 4), "threshold_1": rng.uniform(0.5, 1, 4),
        "inputs": rng.normal(size=(6, 5) if held else (6, 8, 5)) + 0.5, "labels": np.array([0, 1, 2, 0, 1, 2]),
    }  # fmt: skip
    if bias:
        found |= {"bias_1": rng.normal(size=4), "bias_2": rng.normal(size=3)}
    if readout == "spike_count":
        found["threshold_2"] = 0.1
    return {name: np.asarray(value) for name, value in found.items()}


def by_hand(a: dict[str, Any]) -> np.ndarray:
    """The same network by the equation in the docstring, in float64 [sample, output]."""
    read, counted, last = str(a["readout"]), [], []
    shown = a["inputs"] if a["inputs"].ndim == 3 else np.repeat(a["inputs"][:, None], int(a["steps"]), 1)
    v = [np.zeros((len(shown), len(a[f"weights_{k}"]))) for k in (1, 2)]
    for x in np.swapaxes(shown, 0, 1):
        for k in (1, 2):
            e = np.exp(-float(a["dt"]) / a[f"tau_mem_{k}"])
            drive = x @ a[f"weights_{k}"].T + a.get(f"bias_{k}", 0.0)
            v[k - 1] = e * v[k - 1] + (1 - e) * a.get(f"resistance_{k}", 1.0) * drive
            if f"threshold_{k}" in a:
                x = v[k - 1] >= a[f"threshold_{k}"]
                v[k - 1] = np.where(x, v[k - 1] - a[f"threshold_{k}"] if a["reset"] == "subtract" else 0.0, v[k - 1])
        counted.append(x)
        last.append(v[1].copy())
    kinds = {"mean_potential": np.mean, "max_potential": np.max}
    if read in kinds:
        return kinds[read](last, axis=0)
    return last[-1] if read == "last_potential" else np.sum(counted, axis=0)


def readout(net: Any, network: Any = None) -> np.ndarray:
    samples = jn.Samples(net.inputs, path="inputs.input.values")
    return jn.monte_carlo(net.simulation(network), [samples], key=0, progress=False)["readout"].values


FORMS = (
    {"bias": True, "reset": "subtract"},
    {"held": False, "readout": "spike_count", "bias": True},
    {"readout": "max_potential"},
    {"readout": "last_potential", "held": False},
)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_the_network_of_a_file_is_that_of_the_equation(form: dict[str, Any], tmp_path: Path) -> None:
    given = arrays(**form)
    np.savez(tmp_path / "net.npz", **given)
    net = read_layered(tmp_path / "net.npz")
    found = readout(net)
    np.testing.assert_allclose(found, by_hand(given), rtol=1e-4, atol=1e-5)
    assert np.abs(found - by_hand(given | {"tau_mem_1": 0.5 * given["tau_mem_1"]})).max() > 1e-2


@pytest.mark.parametrize("form", FORMS)
def test_what_is_written_is_what_was_read(form: dict[str, Any], tmp_path: Path) -> None:
    np.savez(tmp_path / "net.npz", **arrays(**form))
    net = read_layered(tmp_path / "net.npz")
    write_layered(tmp_path / "again.npz", net.network(), net)
    again = read_layered(tmp_path / "again.npz")
    for name, value in vars(net).items():
        np.testing.assert_equal(getattr(again, name), value, err_msg=name)


def test_an_embedded_data_set_is_scaled_as_it_says() -> None:
    digits = jn.datasets.load("digits")
    given = arrays() | {
        "weights_1": np.ones((4, 64)),
        "dataset": np.asarray("digits"),
        "input_mean": np.asarray(0.25),
        "input_std": np.asarray(0.5),
    }
    net = layered_of(
        "net",
        {k: v for k, v in given.items() if k not in ("inputs", "labels", "weights_2")}
        | {"weights_2": np.ones((10, 4))},
    )
    np.testing.assert_allclose(net.inputs, (digits.test.images.reshape(-1, 64) - 0.25) / 0.5, rtol=1e-6)
    assert (net.labels == digits.test.labels).all()
    assert net.calibration is not None
    assert len(net.calibration) == len(digits.train.labels)


NAN = np.where(np.eye(4, 5) > 0, np.nan, 1.0)
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"weight_1": 1.0}, "net: key: is not in the layout; got 'weight_1'. Did you mean 'weights_1'"),
    "unit": ({"tau_1": 5.0}, "net: key: is not in the layout; got 'tau_1'"),
    "layer 3": ({"tau_mem_3": 5.0}, "got 'tau_mem_3'. Did you mean 'tau_mem_2'"),
    "gap": ({"weights_4": np.ones((2, 3))}, "must be there for each layer, counted from 1"),
    "layout": ({"layout": 2}, "net: layout: must be 1"),
    "nan": ({"weights_1": NAN}, "net: weights_1: must be finite; 4 of 20 are not"),
    "transposed": (
        {"weights_2": np.ones((4, 3))},
        r"net: weights_2: must be \[target, source = 4, the neurons of layer 1\]; got",
    ),
    "vector": ({"weights_1": np.ones(5)}, r"net: weights_1: must be \[target, source\]"),
    "texts": ({"weights_1": np.full((4, 5), "x")}, "weights_1: must be real numbers"),
    "tau": ({"tau_mem_1": -1.0}, r"net: tau_mem_1: must be > 0 \[ms\]; got"),
    "taus": ({"tau_mem_1": np.ones(3)}, r"tau_mem_1: must be one number, or \[4\], one per neuron of layer 1 \[ms\]"),
    "no tau": ({"tau_mem_2": None}, "net: tau_mem_2: must be in the file"),
    "threshold": ({"threshold_2": 1.0}, "threshold_2: must be left out: with readout mean_potential"),
    "readout": ({"readout": "mean_potentail"}, "Did you mean 'mean_potential'"),
    "reset": ({"reset": 0}, "net: reset: must be a text, one of zero, subtract"),
    "steps": ({"steps": 2.5}, "steps: must be a whole number >= 1"),
    "dt": ({"dt": 0.0}, r"dt: must be > 0 \[ms\]"),
    "inputs": (
        {"inputs": np.ones((6, 7))},
        r"inputs: must be \[sample, channel = 5\] or \[sample, step = 8, channel = 5\]; got",
    ),
    "labels": ({"labels": np.zeros(6)}, r"labels: must be whole numbers \[6\]"),
    "classes": ({"labels": np.full(6, 3)}, r"labels: must lie in \[0, 2\]"),
    "both": ({"dataset": "digits"}, "inputs: must be left out where there is a dataset"),
    "scaled": ({"input_mean": 0.5}, "input_mean: goes with a dataset"),
    "calibration": ({"calibration": np.ones((3, 4))}, r"calibration: must be \[sample, ...\] as inputs"),
}


@pytest.mark.parametrize("change", WRONG)
def test_what_the_layout_does_not_allow_is_refused_by_its_key(change: str) -> None:
    changed, said = WRONG[change]
    found = {name: value for name, value in arrays().items() if changed.get(name, value) is not None}
    found |= {name: np.asarray(value) for name, value in changed.items() if value is not None}
    with pytest.raises(InputError, match=said):
        layered_of("net", found)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a file"):
        read_layered(tmp_path / "no.npz")
    (tmp_path / "text.npz").write_text("weights")
    with pytest.raises(InputError, match=r"text\.npz: must be a \.npz file"):
        read_layered(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(InputError, match=r"one\.npy: must be a \.npz file"):
        read_layered(tmp_path / "one.npy")
    np.savez(tmp_path / "pickled.npz", weights_1=np.array([{}], object))
    with pytest.raises(InputError, match="plain arrays"):
        read_layered(tmp_path / "pickled.npz")
    net = layered_of("net", arrays())
    with pytest.raises(InputError, match="projections of like"):
        write_layered(tmp_path / "x.npz", layered_of("net", arrays(bias=True)).network(), net)
