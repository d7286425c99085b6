"""Spiking classifiers of digits, 784-h-10, with a pre-filter on the image or the hidden neurons' current."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from jaxsnn_noise import Network, Population, Simulation, datasets, networks, training
from jaxsnn_noise.coding import Constant, Filter, Relu, Sigmoid, Tanh
from jaxsnn_noise.neurons import LIF, FlooredReset, LeakyIntegrator, ResetToValue
from jaxsnn_noise.noise import Source
from jaxsnn_noise.parameters import Range, between, positive
from jaxsnn_noise.study import option

FILTERS: dict[str, Filter | None] = {"none": None, "tanh": Tanh(), "relu": Relu(), "sigmoid": Sigmoid()}
PLACES = ("image", "current")
PIXELS = ("raw", "standardised")
TRAINING, TEST = 5000, 1000
"""Images of the embedded subset."""
GAIN = {"image": 0.5, "current": 1.5}
"""Standard deviation of the initial weights times sqrt(fan-in) [nA], by the place of the filter."""


@dataclass(frozen=True)
class Layers:
    """The network: exact leaky integrate-and-fire neurons, ``v <- beta v + (1 - beta) R I``, and leaky readouts."""

    hidden: int = option(100, Range(1))
    """Hidden neurons [1]."""
    beta: float = option(0.905, Range(0.0, 1.0, low_open=True, high_open=True))
    """Decay of the membrane per step, exp(-dt/tau) [1]."""
    current_gain: float = option(0.38, positive)
    """What a current adds to the membrane in a step, (1 - beta) R [mV/nA]."""
    steps: int = option(20, Range(1))
    """Steps of 1 ms that an image is shown [1]."""

    @property
    def tau_mem(self) -> float:
        """Membrane time constant [ms]."""
        return float(-1.0 / np.log(self.beta))

    @property
    def resistance(self) -> float:
        """Input resistance [MOhm]."""
        return self.current_gain / (1.0 - self.beta)


@dataclass(frozen=True)
class Teaching:
    """How the networks are trained: without noise, by surrogate gradients through time."""

    seeds: int = option(8, Range(0))
    """Networks per setting, each with its own initial weights and order of images; verdicts speak of networks like
    these [1]."""
    epochs: int = option(5, Range(1))
    """Passes over the training images [1]."""
    samples: int = option(TRAINING, between(10, TRAINING))
    """Training images [1]."""
    batch_size: int = option(128, Range(1))
    """Images per optimiser step [1]."""
    learning_rate: float = option(0.006, positive)
    """Adam's rate at the start; it falls to zero along a cosine [1]."""
    centred: bool = True
    """Whether gradients of the input weights are centralised."""
    spiking_readout: bool = False
    """Whether readouts are neurons that spike, and are read by their spikes; else by their mean potential."""
    logit: float = option(10.0, positive)
    """Factor from what is read of a readout neuron, mV or spikes, to its logit [1/mV, or 1]."""

    def __post_init__(self) -> None:
        if self.batch_size > self.samples:
            raise ValueError("batch_size must be at most the number of training images, samples")


@dataclass(frozen=True)
class Setting:
    """What a network gets to see.

    Args:
        filter: A key of ``FILTERS``.
        place: "image": the filter maps the pixels; "current": it maps the current that enters a hidden neuron.
        pixels: "raw": in [0, 1]; "standardised": mean 0 and variance 1 over all pixels of the training images.
    """

    filter: str
    place: str
    pixels: str

    @property
    def name(self) -> str:
        """An identifier."""
        return f"{self.pixels}_none" if self.filter == "none" else f"{self.pixels}_{self.filter}_{self.place}"

    @property
    def words(self) -> str:
        """The setting for a reader."""
        if self.filter == "none":
            return f"no filter, {self.pixels} pixels"
        return f"{self.filter} on the {self.place}, {self.pixels} pixels"

    @property
    def prefilter(self) -> Filter | None:
        """The filter of the hidden population."""
        return FILTERS[self.filter] if self.place == "current" else None

    def inputs(self, images: np.ndarray, mean: float, std: float) -> np.ndarray:
        """What the input port shows [image, pixel] for images in [0, 1]."""
        flat = images.reshape(len(images), -1)
        if self.pixels == "standardised":
            flat = (flat - mean) / std
        chosen = FILTERS[self.filter] if self.place == "image" else None
        return np.asarray(flat if chosen is None else chosen(jnp.asarray(flat)), np.float32)


def settings(filters: tuple[str, ...], places: tuple[str, ...], pixels: tuple[str, ...]) -> tuple[Setting, ...]:
    """All different settings: without a filter there is no place, and ReLU leaves raw pixels as they are."""
    found = []
    for scale in pixels:
        for name in filters:
            for place in places if name != "none" else places[:1]:
                if not (name == "relu" and place == "image" and scale == "raw"):
                    found.append(Setting(name, place, scale))
    return tuple(found)


@dataclass(frozen=True)
class Digits:
    """Images in [0, 1] with labels, and the moments that standardise them."""

    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    mean: float
    std: float


def digits(samples: int, seed: int) -> Digits:
    """The embedded MNIST subset, both parts in a random order, so that the first n images are a random sample."""
    mnist, rng = datasets.load("mnist"), np.random.default_rng(seed)
    parts = []
    for part in (mnist.train, mnist.test):
        order = rng.permutation(len(part))
        parts.append((part.images[order], part.labels[order].astype(np.int32)))
    train = tuple(array[:samples] for array in parts[0])
    return Digits((train[0], train[1]), parts[1], float(train[0].mean()), float(train[0].std()))


def network(
    layers: Layers,
    setting: Setting,
    key: Any,
    sources: dict[str, Source] | None = None,
    *,
    spiking_readout: bool = False,
) -> Network:
    """A network with random weights, the same for both readouts; ``sources`` sit on the hidden population."""
    resistance = layers.resistance
    made = networks.feedforward(
        [784, layers.hidden, 10],
        key=key,
        neuron=lambda n: LIF(n, tau_mem=layers.tau_mem, resistance=resistance, reset=FlooredReset(detach=True)),
        readout=lambda n: LeakyIntegrator(n, tau_mem=layers.tau_mem),
        gain=GAIN[setting.place],
        noise=sources,
        prefilter=setting.prefilter,
        delay=None,  # as recorded: the readout answers a step after the hidden layer
    )
    if not spiking_readout:
        return made
    readout = Population(LIF(10, tau_mem=layers.tau_mem, resistance=resistance, reset=ResetToValue(detach=True)))
    return Network({**made.populations, "output": readout}, made.projections)


@dataclass(frozen=True)
class CosineAdam:
    """Adam with a cosine decay; centred, the input weights move only within the sums that each neuron started with.

    Inputs of one sign make all weights of a neuron move together, and the common part of the gradient drowns the rest
    (on sigmoid-filtered raw pixels, training then stops at 70 %). Centralised gradients leave that part out (Yong et
    al. 2020, doi:10.1007/978-3-030-58452-8_37). The output weights, whose mean is what a claim is about, move freely.

    Args:
        rate: Learning rate of the first step.
        centred: Whether gradients of the input weights are centralised.
    """

    rate: float
    centred: bool

    def __call__(self, steps: int) -> optax.GradientTransformation:
        """The optimiser of a run of so many steps; equal ones are one object, so that fits share their program."""
        return _cosine_adam(self.rate, steps, self.centred)


@functools.lru_cache(maxsize=8)
def _cosine_adam(rate: float, steps: int, centred: bool) -> optax.GradientTransformation:
    adam = optax.adam(optax.cosine_decay_schedule(rate, steps))
    if not centred:
        return adam
    within = optax.chain(optax.centralize(), adam, optax.centralize())
    return optax.multi_transform({"centred": within, "free": adam}, _groups)


def taught(layers: Layers, setting: Setting, teaching: Teaching, data: Digits, key: Any) -> training.Fitted:
    """The networks of a setting, one per training seed, trained without noise."""
    values, labels = data.train
    return training.fit(
        lambda seed: _simulation(
            network(layers, setting, seed, spiking_readout=teaching.spiking_readout), layers.steps
        ),
        (setting.inputs(values, data.mean, data.std), labels),
        key=key,
        loss=training.losses.CrossEntropy(scale=teaching.logit),
        optimiser=CosineAdam(teaching.learning_rate, teaching.centred),
        epochs=teaching.epochs,
        batch_size=teaching.batch_size,
        seeds=teaching.seeds,
        progress=False,
        check_start=False,  # how many neurons are silent is told in the findings
    )


def output_weights(fitted: training.Fitted) -> np.ndarray:
    """Weights onto the readout [seed, class, hidden] [nA]."""
    return np.asarray(fitted.leaves["network.hidden_to_output.weights"])


def _groups(parameters: dict[str, Any]) -> dict[str, str]:
    return {path: "centred" if "input_to_hidden" in path else "free" for path in parameters}


def _simulation(net: Network, steps: int) -> Simulation:
    return Simulation(net, {"input": Constant(0.0)}, duration=float(steps), dt=1.0)
