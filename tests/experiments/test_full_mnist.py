"""The study of all of MNIST: parts of the images, kinds of networks, judges that can say no, folders that do not do."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
import xarray as xr

import jaxsnn_noise as jn
from experiments import full_mnist as module
from jaxsnn_noise import __main__ as cli
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study import Progress, Verdict, load, run_study

NOISY, OFF, TWIN = module.TESTED


def made_up(sha256: str = module.MNIST_SHA256, **percent: float) -> dict[str, Any]:
    """Data in which networks answer so many of 2000 images right, most of them the same ones."""
    rng = np.random.default_rng(0)
    share = np.asarray([percent.get(name, 98.3) for name in ("noisy", "off", "twin")]) / 100.0
    hard = 0.9 * rng.random(2000) + 0.1 * rng.random((1, 3, 2000))
    right = (hard + 0.005 * rng.normal(size=(3, 3, 2000))).argsort(-1).argsort(-1) < np.round(2000 * share)[
        :, None, None
    ]
    columns = {"correct": (("tested", "seed", "sample"), right.astype(np.float32))}
    return {"final": xr.Dataset(columns, {"tested": list(module.TESTED), "seed": range(3)}, {"sha256": sha256})}


def verdicts(data: Any, config: Any = module.FULL) -> list[Verdict]:
    return [claim.judge(data, config).verdict for claim in module.CLAIMS]


def test_the_judges_say_yes_and_no() -> None:
    yes, no, open_ = Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.UNDECIDED
    assert verdicts(made_up(noisy=99.3, off=99.3, twin=97.3)) == [yes, yes, yes]
    assert verdicts(made_up(noisy=97.0, off=97.0, twin=98.6)) == [no, no, no]
    assert verdicts(made_up(noisy=97.0, off=98.6, twin=97.9)) == [no, no, yes]
    assert verdicts(made_up(noisy=98.3))[0] is open_
    found = module.CLAIMS[0].judge(made_up(noisy=99.3, twin=50.0), module.FULL)
    assert found.estimate == pytest.approx(99.3)


def test_the_bar_is_one_of_all_of_mnist_and_of_nothing_else() -> None:
    best = {"noisy": 99.9, "off": 99.9, "twin": 97.0}
    for other in (
        module.DEFAULT,
        dataclasses.replace(module.FULL, samples=59_999),
        dataclasses.replace(module.FULL, images=9999),
    ):
        assert verdicts(made_up(**best), other)[0] is Verdict.UNDECIDED
    judged = module.CLAIMS[0].judge(made_up("0" * 64, **best), module.FULL)
    assert judged.verdict is Verdict.UNDECIDED
    assert "other images" in judged.detail


def test_images_are_set_aside_from_the_end_of_each_class_and_none_is_in_two_parts() -> None:
    labels = np.random.default_rng(1).integers(0, 10, 700).astype(np.uint8)
    taken, later = module.first(labels, 300), module.set_aside(labels)
    for label in range(10):
        of = [i for i in range(700) if labels[i] == label]
        count = sum(labels[i] == label for i in taken)
        assert [i for i in taken if labels[i] == label] == of[:count]
        assert count == 30
        assert [i for i in of if later[i]] == of[len(of) - len(of) // 6 :]
    assert len(taken) == len(set(taken)) == 300
    assert module.first(labels, 700).tolist() == list(range(700))
    data = module.images(module.DEFAULT)
    assert len(data.rest[1]) + len(data.aside[1]) == len(data.train[1]) == 5000
    assert len(data.aside[1]) == 10 * (500 // 6)
    rows = {part: {image.tobytes() for image in getattr(data, part)[0]} for part in ("rest", "aside", "train", "test")}
    assert rows["rest"] | rows["aside"] == rows["train"]
    assert not rows["train"] & rows["test"]
    assert not rows["rest"] & rows["aside"]


def test_strengths_are_chosen_by_the_images_set_aside_for_each_kind() -> None:
    right = np.zeros((2, 3, 10), np.float32)
    right[0, 2], right[0, 1, :9] = 1.0, 1.0
    right[1, 0, :5], right[1, 1, :5] = 1.0, 1.0
    coords = {"kind": list(module.KINDS), "std": [0.1, 0.2, 0.4]}
    tuning = xr.Dataset({"correct": (("kind", "std", "sample"), right)}, coords)
    assert module.chosen(tuning) == {"noisy": 0.4, "twin": 0.1}


class Spy:
    """In the place of trained networks: what they learned from, and what they are asked."""

    def __init__(self, config: Any, kind: str, std: float, shown: Any, seeds: Any) -> None:
        self.std, self.kind, self.shown, self.seeds, self.asked = std, kind, shown, list(seeds), []  # type: ignore[var-annotated]
        epochs = ("seed", "epoch"), np.zeros((len(self.seeds), config.epochs))
        self.history = {name: xr.DataArray(epochs[1], dims=epochs[0]) for name in ("accuracy", "loss")}

    def predict(self, data: Any, *, key: Any, draws: int | None = None) -> Any:
        """All labels, or with noise of 0.5 none."""
        self.asked.append(data)
        answers = np.eye(10)[data[1] if self.std < 0.5 else (data[1] + 1) % 10]
        outer = (len(self.seeds),) if draws is None else (len(self.seeds), draws)
        dims = ("seed", "sample", "class") if draws is None else ("seed", "draw", "sample", "class")
        readout = xr.DataArray(np.broadcast_to(answers, (*outer, *answers.shape)), dims=dims)
        target = xr.DataArray(data[1], dims="sample")
        return xr.Dataset({"readout": readout, "target": target, "correct": readout.argmax("class") == target})


def test_nothing_is_chosen_on_test_images_and_what_is_tested_has_seen_all_others(monkeypatch: Any) -> None:
    config = dataclasses.replace(module.TINY, samples=200, stds=(0.1, 0.5), networks=3)
    data, made = module.images(config), {}

    def trained(config: Any, kind: str, std: float, shown: Any, seeds: Any, progress: Any, stage: str) -> Spy:
        made[stage, kind, std] = Spy(config, kind, std, shown, seeds)
        return made[stage, kind, std]

    monkeypatch.setattr(module, "trained", trained)
    monkeypatch.setattr(
        module, "asked", lambda fits: dict(zip(module.TESTED, [*fits.values(), fits[TWIN]], strict=True))
    )
    found = module.measure(config, Progress())
    same = lambda one, other: all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))  # noqa: E731
    assert set(made) == {("tuning", k, s) for k in module.KINDS for s in config.stds} | {
        ("final", k, 0.1) for k in module.KINDS
    }
    for (stage, *_), fitted in made.items():
        assert same(fitted.shown, data.rest if stage == "tuning" else data.train)
        assert fitted.asked
        assert all(same(asked, data.aside if stage == "tuning" else data.test) for asked in fitted.asked)
    assert {tuple(fitted.seeds) for (stage, *_), fitted in made.items() if stage == "tuning"} == {(3,)}
    assert {tuple(fitted.seeds) for (stage, *_), fitted in made.items() if stage == "final"} == {(0, 1, 2)}
    assert found["tuning"]["correct"].mean("sample").values.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert found["final"]["correct"].values.min() == found["final"]["averaged"].values.min() == 1.0


def test_what_a_folder_lacks_is_said_with_where_to_get_it_and_nothing_is_left(tmp_path: Path, capsys: Any) -> None:
    for given, said in (
        (["--preset", "full"], "config: samples: must be at most 5000, as many as are in the package"),
        (["--preset", "tiny", "--folder", str(tmp_path / "none")], "config: folder: root: must be an existing folder"),
        (["--preset", "tiny", "--folder", str(tmp_path)], "must hold one of train-images-idx3-ubyte"),
        (["--preset", "tiny", "--images", "1001"], "config: images: must be at most 1000"),
    ):
        assert cli.main(["run", "full_mnist", *given, "--out", str(tmp_path / "out")]) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert said in told
        assert "LeCun, C. Cortes; CC BY-SA 3.0) is read from a folder with train-images-idx3-ubyte" in told
        assert "The presets tiny and default run without" in told
        assert not (tmp_path / "out").exists()


def idx(values: np.ndarray) -> bytes:
    """An idx file of unsigned bytes."""
    header = [0, 0, 8, values.ndim, *np.asarray(values.shape, ">u4").tobytes()]
    return bytes(header) + values.astype(np.uint8).tobytes()


def folder(place: Path, brightness: int = 200) -> Path:
    """A folder of 80 and 30 images that are none of MNIST."""
    place.mkdir()
    rng = np.random.default_rng(2)
    for part, size in (("train", 80), ("t10k", 30)):
        pixels = brightness * rng.integers(0, 2, (size, 28, 28))
        (place / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels))
        (place / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(size) % 10))
    return place


def test_a_folder_is_read_and_one_that_changes_between_stages_is_refused(tmp_path: Path) -> None:
    config = dataclasses.replace(module.TINY, folder=str(folder(tmp_path / "one")))
    data = module.images(config)
    assert data.sha256 != module.MNIST_SHA256
    assert sorted(np.unique(data.train[0]).tolist()) == [0.0, pytest.approx(200 / 255)]
    assert data.train[1].tolist() == [i % 10 for i in range(60)]
    other = module.images(dataclasses.replace(config, folder=str(folder(tmp_path / "two", 201))))
    assert other.sha256 != data.sha256

    class Kept(Progress):
        def stage(self, name: str, compute: Any) -> Any:
            columns = {"correct": (("kind", "std", "sample"), np.zeros((2, 1, 3)))}
            return xr.Dataset(columns, {"kind": list(module.KINDS), "std": [0.3]}, {"sha256": other.sha256})

    with pytest.raises(InputError, match="must hold the images that the run began with"):
        module.measure(config, Kept())
    with pytest.raises(InputError, match="must be at most 80, as many as are in the folder"):
        module.images(dataclasses.replace(config, samples=81))


def by_hand(weights: dict[str, np.ndarray], values: np.ndarray, steps: int) -> np.ndarray:
    """Mean outputs of ``u <- u (1 - o)/2 + x`` with threshold 1, and readouts without memory, in float64."""
    first, second = (
        weights[f"network.{name}.weights"].astype(float) for name in ("input_to_hidden", "hidden_to_output")
    )
    u = np.zeros((len(values), len(first)))
    spikes, total = np.zeros_like(u), np.zeros((len(values), 10))
    for _ in range(steps):
        u = u * (1.0 - spikes) / 2.0 + values.astype(float) @ first.T
        spikes = (u >= 1.0).astype(float)
        total += spikes @ second.T
    return total / steps


@pytest.mark.slow
def test_networks_are_what_they_are_called() -> None:
    config = dataclasses.replace(module.TINY, hidden=16, steps=4)
    data = module.images(config)
    fits = {kind: module.trained(config, kind, 0.3, data.train, [0, 1], Progress(), "test") for kind in module.KINDS}
    found = {
        name: of.predict(data.test[0], key=5, draws=40)["readout"].values for name, of in module.asked(fits).items()
    }
    for name, kind in ((OFF, NOISY), (TWIN, TWIN)):
        for seed in range(2):
            weights = {path: np.asarray(leaf[seed]) for path, leaf in fits[kind].leaves.items()}
            hand = by_hand(weights, data.test[0], 4)
            np.testing.assert_allclose(found[name][seed], np.broadcast_to(hand, (40, *hand.shape)), atol=2e-5)
    assert found[NOISY].std(axis=1).mean() > 0.01


@pytest.mark.slow
def test_kinds_fire_and_have_gradients_as_the_noise_driven_network_and_its_twin() -> None:
    config = dataclasses.replace(module.TINY, hidden=16, steps=4)
    values = module.images(config).test[0]
    plain = module.simulation(config, TWIN, 0.3, 7).network
    assert plain.populations["hidden"].neuron.reset.detach is False  # whatever the default is
    plain = eqx.tree_at(lambda n: n.populations["hidden"].firing, plain, jn.HardThreshold())
    noisy = jn.networks.noise_driven(plain, 0.3)
    for kind, expected in ((NOISY, noisy), (TWIN, jn.networks.deterministic_twin(noisy))):
        found = [_outputs_and_slope(net, values) for net in (module.simulation(config, kind, 0.3, 7).network, expected)]
        (outputs, slope), (others, steep) = found
        np.testing.assert_array_equal(outputs, others)
        np.testing.assert_allclose(slope, steep, rtol=1e-4, atol=1e-5 * float(np.abs(steep).max()))
        assert np.abs(steep).max() > 1e-3


def _outputs_and_slope(net: jn.Network, values: np.ndarray) -> tuple[Any, Any]:
    path = "input_to_hidden.weights"

    def total(weights: Any) -> Any:
        outputs = jn.apply(jn.paths.replace(net, {path: weights}), values, key=3, duration=4.0)["output"]
        return (outputs**2).sum(), outputs

    (_, outputs), slope = jax.jit(jax.value_and_grad(total, has_aux=True))(jn.paths.get(net, path))
    return np.asarray(outputs), np.asarray(slope)


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("full_mnist")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
    assert run.claims[0].judgement is not None
    assert run.claims[0].judgement.verdict is Verdict.UNDECIDED
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
