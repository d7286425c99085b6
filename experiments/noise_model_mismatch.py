"""What a wrong model of the noise costs: white Gaussian noise against 1/f, telegraph and Student's t noise of equal variance.

Models of noise in hardware are white and Gaussian more often than hardware is. Here the noise sits on the current of leaky
integrate-and-fire neurons: of one neuron, whose rate and coefficient of variation are read, and of the hidden neurons of
trained classifiers of digits, whose accuracy is. Equal variance is meant in two ways, at the free membrane (the primary one:
a membrane keeps little of what is fast) and at the source, in each step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import figures, theory
from jaxsnn_noise.parameters import Range, positive, real
from jaxsnn_noise.study import Claim, Judgement, Picture, Progress, option
from jaxsnn_noise.verdicts import holm

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "A wrong model of the noise: white Gaussian against 1/f, telegraph and Student's t of equal variance"
COST = {"tiny": "10 s", "default": "3 min", "full": "20 min, estimated"}

WHITE = "white"
OTHERS = ("flicker", "telegraph", "student")
KINDS = (WHITE, *OTHERS)
MATCHED = ("membrane", "source")
"""Where variances are equal; the first is the primary one."""
BAND = (1.0, 30.0)
"""Of 1/f noise [Hz]."""
SWITCHES = (20.0, 20.0)
"""Rates of the telegraph noise, up and down [Hz]: it forgets in 25 ms."""
DF = 3.0
"""Degrees of freedom of Student's t: the variance is finite and the fourth moment is not."""
POINTS, SHARE = 1.0, 0.05
"""What counts as no difference: a point of accuracy, and 5 % of a rate or coefficient of variation. Ours."""


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first run."""

    hidden: int = option(100, Range(1))
    """Hidden neurons of a classifier [1]."""
    steps: int = option(25, Range(2))
    """Steps of 1 ms that an image is shown [1]."""
    tau_mem: float = option(10.0, positive)
    """Membrane time constant, of classifiers and of the single neuron [ms]."""
    networks: int = option(8, Range(0))
    """Classifiers, each trained from weights of its own [1]; 0 leaves them out."""
    samples: int = option(5000, Range(10))
    """Training images [1]."""
    epochs: int = option(5, Range(1))
    """Passes over them [1]."""
    images: int = option(500, Range(1))
    """Test images [1]."""
    shows: int = option(2, Range(1))
    """Fresh noise per image [1]."""
    levels: tuple[float, ...] = option((0.25, 0.5, 1.0), positive, least=1, rising=True)
    """Standard deviation of a free hidden membrane; the threshold is 1 mV [mV]."""
    primary: float = option(0.5, positive)
    """The level of which verdicts speak [mV]."""
    drive: float = option(0.9, real)
    """Mean drive of the single neuron; its threshold is at 1 nA MOhm [nA]."""
    spreads: tuple[float, ...] = option((0.1, 0.2, 0.4), positive, least=1, rising=True)
    """Standard deviation of the free membrane of the single neuron [mV]."""
    spread: float = option(0.2, positive)
    """That of which verdicts speak [mV]."""
    neurons: int = option(10, Range(1))
    """Independent neurons per trial [1]."""
    trials: int = option(40, Range(2))
    """Trials of the single neuron [1]; 20 s each, in steps of 0.5 ms."""
    duration: float = option(20_000.0, positive)
    """Measured time of a trial [ms]."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.primary not in self.levels or self.spread not in self.spreads:
            raise ValueError("primary must be one of the levels, and spread one of the spreads")


TINY = Config(
    hidden=16, steps=8, networks=0, samples=300, epochs=1, images=20, shows=1, levels=(0.5,), spreads=(0.2,), neurons=4,
    trials=4, duration=500.0,
)  # fmt: skip
DEFAULT = Config()
FULL = Config(networks=24, epochs=10, images=1000, shows=4, levels=(0.125, 0.25, 0.5, 0.75, 1.0, 1.5), trials=200)


def source(kind: str) -> jn.noise.Source:
    """The source of a kind, silent."""
    policies: dict[str, dict[str, Any]] = {
        WHITE: {},
        "flicker": {"colour": jn.noise.PowerLaw(1.0, *BAND)},
        "telegraph": {"colour": jn.noise.Telegraph(*SWITCHES)},
        "student": {"distribution": jn.noise.StudentT(DF)},
    }
    return jn.noise.CurrentNoise(jn.noise.PerStep(0.0), **policies[kind])


def membrane_std(kind: str, *, tau_mem: float, dt: float) -> float:
    """Standard deviation [mV] of a free membrane of 1 MOhm under a current of a standard deviation of 1 nA in each step."""
    if kind in (WHITE, "student"):
        return float(np.sqrt(theory.held_current_variance(1.0, tau_mem=tau_mem, dt=dt)))
    law = functools.partial(theory.coloured_current_variance, tau_mem=tau_mem, dt=dt)
    if kind == "telegraph":
        return float(np.sqrt(law(1.0, tau_noise=1000.0 / sum(SWITCHES))))
    processes = jn.noise.PowerLaw(1.0, *BAND).processes
    corners, variances = theory.power_law_processes(1.0, f_low_hz=BAND[0], f_high_hz=BAND[1], processes=processes)
    return float(np.sqrt(np.sum(law(np.sqrt(variances), tau_noise=1000.0 / (2 * np.pi * corners)))))


def amplitude(kind: str, matched: str, level: float, *, tau_mem: float, dt: float) -> float:
    """Standard deviation in each step [nA] at a level [mV]: that of white noise, or what moves the membrane as much."""
    same = kind if matched == MATCHED[0] else WHITE
    return level / membrane_std(same, tau_mem=tau_mem, dt=dt)


def classifier(key: Any, config: Config, sources: dict[str, jn.noise.Source] | None = None) -> jn.Simulation:
    """A classifier of digits with random weights; ``sources`` sit on the hidden neurons."""
    network = jn.networks.feedforward(
        [784, config.hidden, 10],
        key=key,
        neuron=lambda n: jn.neurons.LIF(n, tau_mem=config.tau_mem, reset=jn.neurons.ResetToValue(detach=True)),
        readout=lambda n: jn.neurons.LeakyIntegrator(n, tau_mem=config.tau_mem),
        noise=sources,
    )
    return jn.Simulation(
        network, {"input": jn.coding.Constant(np.zeros(784, np.float32))}, duration=float(config.steps), dt=1.0
    )


def one_neuron(config: Config) -> jn.Simulation:
    """A population of independent neurons under each kind of noise."""
    cells = {
        kind: jn.Population(
            jn.neurons.LIF(config.neurons, tau_mem=config.tau_mem, refractory=2.0), noise={"x": source(kind)}
        )
        for kind in KINDS
    }
    reads = {
        f"{what}_{kind}": make(population=kind)
        for kind in KINDS
        for what, make in (("rate", jn.statistics.Rate), ("cv", jn.statistics.IntervalCV))
    }
    return jn.Simulation(
        jn.Network(cells), {kind: jn.coding.Constant(config.drive) for kind in KINDS}, duration=config.duration, dt=0.5,
        warmup=200.0, statistics=reads,
    )  # fmt: skip


def build(config: Config) -> dict[str, jn.Simulation]:
    """The single neuron, and a classifier with all kinds of noise silent."""
    sources = {kind: source(kind) for kind in KINDS}
    return {"one neuron": one_neuron(config), "classifier": classifier(0, config, sources)}


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """The single neuron, then classifiers: trained without noise, shown test images under every kind."""
    found = {"neuron": progress.stage("neuron", lambda: _neuron(config, progress))}
    if config.networks:
        found["digits"] = progress.stage("digits", lambda: _digits(config, progress))
    return found


def _neuron(config: Config, progress: Progress) -> xr.Dataset:
    import xarray as xr

    cells = [(matched, spread) for matched in MATCHED for spread in config.spreads]
    values = {
        f"network.{kind}.noise.x.amplitude.sigma": np.array(
            [amplitude(kind, *cell, tau_mem=config.tau_mem, dt=0.5) for cell in cells], np.float32
        )
        for kind in KINDS
    }
    with progress.task("one neuron", unit="members") as task:
        axes = [jn.Vary(values, name="cell", labels=np.arange(len(cells))), jn.Trials(config.trials)]
        data = jn.monte_carlo(one_neuron(config), axes, key=config.seed, progress=task.update)
    shape = (len(MATCHED), len(config.spreads), config.trials)

    def gathered(what: str) -> np.ndarray:
        means = [np.nanmean(np.asarray(data[f"{what}_{kind}"].values, float), axis=-1) for kind in KINDS]
        return np.stack([m.reshape(shape) for m in means])

    dims = ("kind", "matched", "spread", "trial")
    coords = {"kind": list(KINDS), "matched": list(MATCHED), "spread": list(config.spreads)}
    columns = {what: (dims, gathered(what)) for what in ("rate", "cv")}
    return xr.Dataset(columns, coords, {**data.attrs, "seed": config.seed})


def _images(config: Config) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Standardised training and test images with their labels, both in a random order."""
    mnist, rng = jn.datasets.load("mnist"), np.random.default_rng(config.seed)
    parts = []
    for part, size in ((mnist.train, config.samples), (mnist.test, config.images)):
        order = rng.permutation(len(part))[:size]
        parts.append((part.images[order].reshape(len(order), -1), part.labels[order].astype(np.int32)))
    middle, spread = float(parts[0][0].mean()), float(parts[0][0].std())
    first, second = (((x - middle) / spread, y) for x, y in parts)
    return first, second


def _digits(config: Config, progress: Progress) -> xr.Dataset:
    import xarray as xr

    shown, held_out = _images(config)
    fitted = jn.training.fit(
        lambda key: classifier(key, config), shown, key=config.seed, loss=jn.training.losses.CrossEntropy(scale=10.0),
        epochs=config.epochs, batch_size=min(128, len(shown[1])), seeds=config.networks, progress=False, check_start=False,
    )  # fmt: skip
    cells = [(k, m, level) for k in KINDS for m in MATCHED for level in config.levels]
    values = {
        f"network.hidden.noise.{kind}.amplitude.sigma": np.array(
            [0.0, *(amplitude(*cell, tau_mem=config.tau_mem, dt=1.0) * (cell[0] == kind) for cell in cells)], np.float32
        )
        for kind in KINDS
    }
    sim = classifier(config.seed, config, {kind: source(kind) for kind in KINDS})
    axes = [
        fitted.axis(), jn.Vary(values, name="cell", labels=np.arange(1 + len(cells))), jn.Trials(config.shows),
        jn.Samples(held_out[0]),
    ]  # fmt: skip
    reads = {"output": jn.statistics.Mean("v", population="output"), "hidden": jn.statistics.Rate(population="hidden")}
    with progress.task("classifiers", unit="members") as task:
        data = jn.monte_carlo(sim, axes, key=config.seed, statistics=reads, progress=task.update)
    right = (data["output"].values.argmax(axis=-1) == held_out[1]).astype(np.float32)
    shape = (config.networks, len(KINDS), len(MATCHED), len(config.levels), *right.shape[2:])
    dims = ("seed", "kind", "matched", "level", "trial", "sample")
    rate = data["hidden"].values.mean(axis=(2, 3, 4))
    columns = {
        "quiet": (("seed", "sample"), right[:, 0, 0]),
        "correct": (dims, right[:, 1:].reshape(shape)),
        "hidden_rate": (dims[:4], rate[:, 1:].reshape(shape[:4])),
    }
    coords = {
        "seed": list(fitted.seeds), "kind": list(KINDS), "matched": list(MATCHED), "level": list(config.levels),
    }  # fmt: skip
    return xr.Dataset(columns, coords, {**data.attrs, "seed": config.seed})


def moved(data: Mapping[str, xr.Dataset], kind: str) -> xr.DataArray:
    """Accuracy under a kind less that under white noise [points] (seed, matched, level, sample): paired."""
    correct = 100.0 * data["digits"]["correct"].astype(float).mean("trial")
    return correct.sel(kind=kind, drop=True) - correct.sel(kind=WHITE, drop=True)


def shifted(data: Mapping[str, xr.Dataset], what: str, kind: str) -> xr.DataArray:
    """Rate or coefficient of variation under a kind over that under white noise, less 1 [1] (matched, spread, trial).

    Over the mean of white noise over trials, whose relative error (a fraction of a percent) is left out.
    """
    values = data["neuron"][what]
    white = values.sel(kind=WHITE, drop=True)
    return (values.sel(kind=kind, drop=True) - white) / white.mean("trial")


def _accuracy(kind: str) -> Callable[[Mapping[str, xr.Dataset], Config], Judgement]:
    def judge(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
        if "digits" not in data:
            return jn.reduce.unmeasured("classifiers")
        values = moved(data, kind).sel(matched=MATCHED[0], level=config.primary, drop=True)
        detail = f"accuracy less that under white noise, free membrane {config.primary:g} mV"
        return jn.reduce.judge_within(values, -POINTS, POINTS, units="points", called="images", detail=detail)

    return judge


def _neuron_judge(what: str, kind: str) -> Callable[[Mapping[str, xr.Dataset], Config], Judgement]:
    def judge(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
        values = 100 * shifted(data, what, kind).sel(matched=MATCHED[0], spread=config.spread, drop=True)
        detail = f"relative to white noise, free membrane {config.spread:g} mV, drive {config.drive:g} nA"
        return jn.reduce.judge_within(values, -100 * SHARE, 100 * SHARE, units="%", random="trial", detail=detail)

    return judge


def _named(kind: str) -> str:
    return {"flicker": "1/f", "telegraph": "telegraph", "student": "Student's t"}[kind]


OURS = "prediction of this study"
CLAIMS = (
    *(
        Claim(f"accuracy_{kind}", f"{_named(kind)} noise costs a classifier what white Gaussian noise of equal membrane "
              "variance costs (within 1 point).", OURS, _accuracy(kind))
        for kind in OTHERS
    ),
    *(
        Claim(f"{what}_{kind}", f"Under {_named(kind)} noise a neuron has the {word} of white Gaussian noise of equal "
              "membrane variance (within 5 %).", OURS, _neuron_judge(what, kind))
        for what, word in (("rate", "rate"), ("cv", "coefficient of variation"))
        for kind in OTHERS
    ),
)  # fmt: skip
settle = holm


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Rates and coefficients of variation, and accuracies, with 95 % intervals, in every cell."""
    import pandas

    neuron = data["neuron"]
    parts = [
        jn.reduce.mean_and_error(neuron[what], over="trial").to_dataframe().assign(what=what) for what in ("rate", "cv")
    ]
    found = {"neuron": pandas.concat(parts).reset_index()}
    if "digits" in data:
        digits = data["digits"]
        percent = 100.0 * digits["correct"].astype(float).mean("trial")
        over = ("seed", "sample") if config.networks > 1 else ("sample",)
        found["accuracy"] = jn.reduce.mean_and_error(percent, over=over).to_dataframe().reset_index()
        off = [
            jn.reduce.mean_and_error(moved(data, kind), over=over).to_dataframe().assign(kind=kind) for kind in OTHERS
        ]
        found["accuracy_less_white"] = pandas.concat(off).reset_index()
        found["hidden_rate"] = digits["hidden_rate"].mean("seed").to_dataframe().reset_index()
    return found


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Rate and coefficient of variation of the neuron, and accuracy, against the spread of the free membrane."""
    found = tables(data, config)
    neuron = found["neuron"][found["neuron"]["matched"] == MATCHED[0]]
    words = "kinds have equal variance at the free membrane; bands: 95 % intervals"
    pictures = {
        what: _curves(neuron[neuron["what"] == what], "spread", label, f"{name} of one neuron; {words}.")
        for what, label, name in (
            ("rate", "firing rate [Hz]", "Rate"),
            ("cv", "CV of intervals [1]", "Coefficient of variation"),
        )
    }
    if "accuracy" in found:
        for matched in MATCHED:
            part = found["accuracy"][found["accuracy"]["matched"] == matched]
            text = f"Accuracy of {config.networks} classifiers; kinds have equal variance at the {matched}."
            pictures[f"accuracy_{matched}"] = _curves(part, "level", "accuracy [%]", text)
    return pictures


def _curves(table: DataFrame, x: str, label: str, caption: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    drawn = []
    for kind in KINDS:
        part = table[table["kind"] == kind]
        values = (part[k].to_numpy(float) for k in (x, "mean", "low", "high"))
        x_label = "free membrane under white noise [mV]"
        _, one = figures.line_with_interval(axes, *values, x_label=x_label, y_label=label, series=kind)
        drawn.append(one)
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    quiet = f" ({100 * float(data['digits']['quiet'].mean()):.1f} % right without noise)" if "digits" in data else ""
    return f"""Noise entered the current of leaky integrate-and-fire neurons ({config.tau_mem:g} ms, threshold 1 mV, reset 0 mV), held
over each step: white Gaussian; 1/f between {BAND[0]:g} and {BAND[1]:g} Hz; telegraph noise that switches {SWITCHES[0]:g} times per
second either way; white Student's t with {DF:g} degrees of freedom. Amplitudes gave a free membrane the same variance (closed
forms), or were the same in each step. The single neuron was driven by {config.drive:g} nA, with a refractory time of 2 ms, in
steps of 0.5 ms, for {config.trials} trials of {config.neurons} neurons and {config.duration:g} ms after 200 ms of warm-up; coefficients of variation are
those of all intervals of a neuron in a trial. Classifiers of 784 inputs, {config.hidden} hidden neurons and 10 leaky readouts
were trained without noise on {config.samples} images of the embedded MNIST subset{quiet}, {config.networks} from weights of their own, and shown {config.images} test
images for {config.steps} steps of 1 ms, {config.shows} times each, with noise on the hidden neurons. Kinds are compared in pairs, on the same networks and
images. Networks and images are both random, crossed; verdicts are two-sided, Holm over all claims at 5 %.
"""
