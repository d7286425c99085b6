"""Should the gradient pass the reset? Three shapes of classifiers trained both ways, and the size of their gradients over depth and time.

``ResetToValue(detach=)`` changes no forward bit. Detached, a spike is a constant of the reset; attached, the surrogate gradient flows
through it too. Which one a reset has by default is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxsnn_noise as jn
from jaxsnn_noise import figures, random
from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement, Picture, Progress, option
from jaxsnn_noise.verdicts import holm

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "The gradient through the reset: detached against attached, in shallow, deep and recurrent networks"
COST = {"tiny": "11 s", "default": "4 min", "full": "20 min, estimated"}
settle = holm
SHAPES = ("shallow", "deep", "recurrent")
RESETS = ("detached", "attached")
SCALE = 10.0
"""From mean potentials of the readout to logits [1/mV]."""
POINTS = 1.0
"""What counts as no difference [points of accuracy]. Ours."""
OVER = ("seed", "sample")


@dataclass(frozen=True)
class Config:
    """What is simulated; the numbers are ours, chosen before the first run."""

    shapes: tuple[str, ...] = option(SHAPES, choices=SHAPES, least=1, distinct=True)
    """One hidden layer; several; one with connections among itself."""
    hidden: int = option(64, Range(1))
    """Neurons of a hidden layer [1]."""
    layers: int = option(5, Range(2))
    """Hidden layers of the deep shape [1]."""
    steps: int = option(25, Range(2))
    """Steps of 1 ms that an image is shown [1]; the recurrent shape is shown it for twice as long."""
    lengths: tuple[int, ...] = option((10, 25, 50, 100), Range(2), least=1, rising=True)
    """Steps over which sizes of gradients are measured [1]."""
    networks: int = option(12, Range(2))
    """Networks of each shape [1]."""
    samples: int = option(2000, Range(10, 5000))
    """Training images [1]."""
    epochs: int = option(8, Range(1))
    """Passes over them [1]."""
    rate: float = option(5e-3, positive)
    """Largest learning rate of Adam, after a tenth of all steps; then it falls to 0 as a cosine [nA]."""
    images: int = option(500, Range(2))
    """Test images [1]."""
    batch: int = option(64, Range(1))
    """Images per step of the optimiser, and for sizes of gradients [1]."""
    seed: int = option(1, Range(0))
    """Root seed [1]."""

    def time(self, shape: str) -> int:
        """Steps that an image is shown in training."""
        return self.steps * (2 if shape == "recurrent" else 1)


TINY = Config(
    shapes=("shallow",), hidden=8, steps=15, lengths=(15,), networks=2, samples=60, epochs=1, images=20, batch=20
)
DEFAULT = Config()
FULL = Config(networks=24, samples=5000, epochs=15)


def network(config: Config, shape: str, reset: str, key: Any) -> jn.Network:
    """A classifier of a shape, with random weights that do not depend on the reset."""
    policy = jn.neurons.ResetToValue(detach=reset == RESETS[0])
    sizes = [784, *[config.hidden] * (config.layers if shape == "deep" else 1), 10]
    made = jn.networks.feedforward(sizes, key=key, neuron=lambda n: jn.neurons.LIF(n, reset=policy))
    if shape != "recurrent":
        return made
    weights = random.normals(random.stream(random.root(key), "loop"), (config.hidden, config.hidden))
    loop = jn.synapses.Dense("hidden", "hidden", weights * (5.0 / config.hidden**0.5))
    return jn.Network(made.populations, {**made.projections, "loop": loop})


def simulation(config: Config, shape: str, reset: str, key: Any) -> jn.Simulation:
    """It is shown an image, and read by the mean potentials of its readouts."""
    shown = {"input": jn.coding.Constant(np.zeros(784, np.float32))}
    made = network(config, shape, reset, key)
    return jn.Simulation(made, shown, duration=float(config.time(shape)), dt=1.0)


def build(config: Config) -> dict[str, jn.Simulation]:
    """An untrained network of each shape."""
    return {shape: simulation(config, shape, RESETS[0], config.seed) for shape in config.shapes}


def images(config: Config) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Standardised images with labels: ``train``, and ``test`` by other writers."""
    mnist, rng = jn.datasets.load("mnist"), np.random.default_rng(config.seed)
    middle, spread = float(mnist.train.images.mean()), float(mnist.train.images.std())
    chosen = {}
    for name, part, size in (("train", mnist.train, config.samples), ("test", mnist.test, config.images)):
        taken = part.subset(rng.permutation(len(part))[:size])
        chosen[name] = ((taken.images.reshape(size, -1) - middle) / spread, taken.labels.astype(np.int32))
    return chosen


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Each shape: train both ways, show test images, and take sizes of gradients before and after."""
    return {shape: progress.stage(shape, partial(_shape, config, shape, progress)) for shape in config.shapes}


def _shape(config: Config, shape: str, progress: Progress) -> xr.Dataset:
    import xarray as xr

    data, right, sizes, names = images(config), [], [], []
    values, labels = (part[: config.batch] for part in data["train"])
    with progress.task(shape, unit="resets", total=len(RESETS)) as task:
        for reset in RESETS:
            fitted = jn.training.fit(
                partial(simulation, config, shape, reset), data["train"], key=config.seed,
                seeds=config.networks, loss=jn.training.losses.CrossEntropy(scale=SCALE), epochs=config.epochs,
                optimiser=jn.training.optimisers.WarmupCosine(config.rate), batch_size=config.batch, progress=False,
                check_start=False,
            )  # fmt: skip
            right.append(fitted.predict(data["test"], key=config.seed + 1)["correct"].values)
            nets = {"start": [network(config, shape, reset, s) for s in range(config.networks)]}
            nets["trained"] = [sim.network for sim in fitted.sims]
            names = sorted(nets["start"][0].projections)
            found = [
                [[_norms(net, values, labels, float(t)) for net in part] for t in config.lengths]
                for part in nets.values()
            ]
            sizes.append([[[[one[k] for k in names] for one in row] for row in part] for part in found])
            task.advance()
    columns = {
        "correct": (("reset", "seed", "sample"), np.asarray(right, np.float32)),
        "norm": (("reset", "when", "length", "seed", "projection"), np.asarray(sizes, np.float32)),
    }
    coords = {"reset": list(RESETS), "when": ["start", "trained"], "length": list(config.lengths)}
    return xr.Dataset(columns, coords | {"projection": names, "seed": range(config.networks)}, {"seed": config.seed})


@eqx.filter_jit
def _norms(net: jn.Network, values: Any, labels: Any, duration: float) -> dict[str, Any]:
    """Euclidean norm of the gradient of the loss by the weights of each projection [1/nA]."""

    def loss(weights: dict[str, Any]) -> Any:
        shown = jn.paths.replace(net, {f"{name}.weights": w for name, w in weights.items()})
        logits = SCALE * jn.apply(shown, values, key=0, duration=duration)["output"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    slopes = jax.grad(loss)({name: jn.paths.get(net, f"{name}.weights") for name in net.projections})
    return {name: jnp.linalg.norm(slope) for name, slope in slopes.items()}


def gains(data: Mapping[str, xr.Dataset]) -> xr.DataArray:
    """Accuracy with a detached reset less that with an attached one [points] (shape, seed, sample)."""
    import xarray as xr

    points = xr.concat([part["correct"].astype(float) for part in data.values()], "shape")
    points = 100.0 * points.assign_coords(shape=list(data))
    return points.sel(reset=RESETS[0], drop=True) - points.sel(reset=RESETS[1], drop=True)


def _at_least(sign: float) -> Any:
    def judge(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
        words = " less ".join(RESETS if sign > 0 else RESETS[::-1])
        return jn.reduce.judge(sign * gains(data), -POINTS, at_least, units="points", called="images", detail=words)

    return judge


def _decades(values: xr.DataArray) -> xr.DataArray:
    with np.errstate(divide="ignore"):  # of a silent network it is 0
        return values.copy(data=np.log10(values.values))


def growth(part: xr.Dataset, when: str) -> xr.DataArray:
    """Decades by which the gradient of the first weights is larger than that of the last, at the training length (reset, seed)."""
    size = part["norm"].astype(float).pipe(_decades).sel(when=when, drop=True).isel(length=-1, drop=True)
    first = next(str(name) for name in size["projection"].values if str(name).startswith("input"))
    last = next(str(name) for name in size["projection"].values if str(name).endswith("output"))
    return size.sel(projection=first, drop=True) - size.sel(projection=last, drop=True)


def _explodes(data: Mapping[str, xr.Dataset], config: Config) -> Judgement:
    if "deep" not in data:
        return jn.reduce.unmeasured("the deep shape")
    deep = growth(data["deep"], "start")
    values = (deep.sel(reset=RESETS[1]) - deep.sel(reset=RESETS[0])).rename(seed="network")
    words = f"first over last weights, {config.layers} hidden layers, {config.lengths[-1]} steps, untrained"
    return jn.reduce.judge(values, 0.0, at_least, random="network", units="decades", detail=words)


OURS = "prediction of this study"
CLAIMS = (
    Claim("detached_serves", "With a detached reset networks of all shapes are as accurate as with an attached one, less one point.",
          "Zenke, Vogels 2021, doi:10.1162/neco_a_01367", _at_least(1.0)),
    Claim("attached_serves", "With an attached reset they are as accurate as with a detached one, less one point.", OURS, _at_least(-1.0)),
    Claim("attached_grows_with_depth", "Gradients grow more over the layers of a deep network where the reset is attached.", OURS, _explodes),
)  # fmt: skip


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracies, gains, and sizes of gradients (geometric means over networks), with 95 % intervals."""
    import pandas

    sizes, right = [], []
    for shape, part in data.items():
        found = jn.reduce.mean_and_error(part["norm"].astype(float).pipe(_decades), over="seed")[
            ["mean", "low", "high"]
        ]
        sizes.append((10.0 ** found.drop_attrs()).to_dataframe().reset_index().assign(shape=shape))
        one = jn.reduce.mean_and_error(100.0 * part["correct"].astype(float), over=OVER)[["mean", "low", "high"]]
        right.append(one.drop_attrs().to_dataframe().reset_index().assign(shape=shape))
    gained = jn.reduce.mean_and_error(gains(data), over=OVER)[["mean", "low", "high"]].drop_attrs()
    return {
        "accuracy": pandas.concat(right, ignore_index=True),
        "detached_less_attached": gained.to_dataframe().reset_index(),
        "gradients": pandas.concat(sizes, ignore_index=True),
    }


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Sizes of gradients against the number of steps, of the weights from the image."""
    found = tables(data, config)["gradients"]
    made = {}
    for shape in data:
        words = f"Norm of the gradient by the weights from the image, {shape}; {config.networks} networks, geometric mean, 95 % intervals."
        made[shape] = _over_time(found[(found["shape"] == shape) & found["projection"].str.startswith("input")], words)
    return made


def _over_time(table: DataFrame, caption: str) -> Picture:
    import pandas

    figure, axes = figures.new_figure()
    drawn = []
    for (when, reset), part in table.groupby(["when", "reset"], sort=False):
        values = [part[k].to_numpy(float) for k in ("length", "mean", "low", "high")]
        name = f"{reset}, {'untrained' if when == 'start' else when}"
        _, one = figures.line_with_interval(axes, *values, x_label="steps", y_label="norm [1/nA]", series=name)
        drawn.append(one)
    axes.set_xscale("log")
    axes.set_yscale("log")
    return Picture(figure, pandas.concat(drawn, ignore_index=True), caption)


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    return f"""Classifiers of 784 standardised pixels, leaky integrate-and-fire neurons (20 ms, threshold 1 mV, surrogate SuperSpike(10)) and 10 leaky
readouts ({", ".join(config.shapes)}: {config.hidden} neurons a layer, {config.layers} layers if deep) were trained for {config.epochs} epochs of {config.samples} digits
(Adam, {config.rate:g}, minibatches of {config.batch}; {config.steps} steps of 1 ms, recurrent ones {2 * config.steps}), with the gradient passing the reset and not, from the same weights on
the same images ({config.networks} networks of each shape), and shown {config.images} others. Gradients are those of the loss on {config.batch} training images.
Networks and images are both random, crossed; verdicts are two-sided, in every shape, Holm over all claims at 5 %.
"""
