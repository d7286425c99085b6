"""The tasks, and the networks that learn them: images shown as constant currents, and utterances for a recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn

if TYPE_CHECKING:
    from . import Config

TASKS = ("mnist", "fashion", "vowels")
FAMILIES = ("lif", "dpi")
"""Neurons that are trained: LIF, of which two forms differ in what a time constant moves, and DPI."""
TRAININGS = ("plain", "noise", "variation")
HIDDEN = "network.hidden.neuron."
SIDE = 14
"""Pixels of a side: 28 x 28 by means of 2 x 2."""
WHITE = 2.0
"""Current of a white pixel [nA]."""
FRAME = 2
"""Steps in which a frame of an utterance is shown."""
SCALE = 10.0
"""From mean potentials of the readout to logits [1/mV]."""
LEAK = 0.01
"""Smallest current and gain current of a DPI neuron [nA]; its threshold is 1 nA."""


@dataclass(frozen=True)
class Shown:
    """Samples of a task, with labels: to learn from, to calibrate with (some of these), to test with."""

    train: tuple[np.ndarray, np.ndarray]
    calibration: np.ndarray
    test: tuple[np.ndarray, np.ndarray]


def shown(task: str, config: Config) -> Shown:
    """The samples of a task in a random order; those of the test are other writers, or other occasions."""
    rng = np.random.default_rng(config.seed)
    train, test = _utterances(rng, config) if task == "vowels" else _images(task, rng, config)
    return Shown(train, train[0][: config.calibration], test)


def _images(task: str, rng: Any, config: Config) -> tuple[Any, Any]:
    data = jn.datasets.load(task)
    parts = []
    for part, size in ((data.train, config.samples), (data.test, config.images)):
        taken = part.subset(rng.permutation(len(part))[:size])
        parts.append((WHITE * taken.averaged(2).reshape(-1, SIDE**2), taken.labels.astype(np.int32)))
    return parts[0], parts[1]


def _utterances(rng: Any, config: Config) -> tuple[Any, Any]:
    """Frames, each for two steps, standardised by the training set; 0 after the end of an utterance."""
    data = jn.datasets.load("japanese_vowels")
    middle, spread = (f(data.train.frames, axis=(0, 1)) for f in (np.nanmean, np.nanstd))
    longest, parts = data.test.frames.shape[1], []
    for part, size in ((data.train, config.samples), (data.test, config.images)):
        taken = part.subset(rng.permutation(len(part))[:size])
        frames = np.nan_to_num((taken.frames - middle) / spread)
        frames = np.pad(frames, ((0, 0), (0, longest - frames.shape[1]), (0, 0)))
        parts.append((np.repeat(frames, FRAME, axis=1).astype(np.float32), taken.labels.astype(np.int32)))
    return parts[0], parts[1]


def dt(task: str) -> float:
    """Time step [ms]: half a shift of the frames of speech, 1 ms for images."""
    return 3.2 if task == "vowels" else 1.0


def neuron(family: str) -> Any:
    """From a size to a hidden layer: 20 ms, threshold 1 (mV or nA); a DPI neuron has the gain 1 as well."""
    if family == "lif":
        return lambda n: jn.neurons.LIF(n, reset=jn.neurons.ResetToValue(detach=True))
    # 3 pF and 5.5 pA make 20 ms; i_th/i_tau is the gain
    return lambda n: jn.neurons.DPI(n, i_tau=0.0055, i_th=0.0055, i_spike=1.0, i_reset=LEAK, i_leak=LEAK)


def network(task: str, family: str, config: Config, key: Any) -> jn.Network:
    """A network with random weights; for speech the hidden layer feeds itself, one step later."""
    channels, classes = (12, 9) if task == "vowels" else (SIDE**2, 10)
    made = jn.networks.feedforward([channels, config.hidden, classes], key=key, neuron=neuron(family), dt=dt(task))
    if task != "vowels":
        return made
    drawn = jn.random.normals(jn.random.stream(jn.random.root(key), "recurrent"), (config.hidden, config.hidden))
    recurrent = jn.synapses.Dense("hidden", "hidden", drawn * (1.0 / config.hidden**0.5))
    return jn.Network(made.populations, {**made.projections, "recurrent": recurrent})


def simulation(task: str, of: Any, config: Config, imperfections: Any = None, **statistics: Any) -> jn.Simulation:
    """A network that is shown a sample, read by the mean potential of its readouts."""
    if task == "vowels":
        steps = FRAME * jn.datasets.load("japanese_vowels").test.frames.shape[1]
        nothing = np.zeros((steps, 12), np.float32)
    else:
        steps, nothing = config.steps, np.zeros(SIDE**2, np.float32)
    return jn.networks.classifier(
        of, nothing, duration=steps * dt(task), dt=dt(task), imperfections=imperfections, statistics=statistics
    )


def weights(task: str) -> tuple[str, ...]:
    """The projections of a task."""
    return ("hidden_to_output", "input_to_hidden", *(("recurrent",) if task == "vowels" else ()))


def trained(task: str, family: str, training: str, config: Config, data: Shown) -> dict[str, np.ndarray]:
    """The weights of all networks by path [network, target, source]; all trainings begin alike, and take as many steps."""

    def start(key: Any) -> jn.Simulation:
        return simulation(task, network(task, family, config, key), config)

    epochs = config.utterance_epochs if task == "vowels" else config.epochs
    noise = variation = None
    if training == "noise":
        per_root = config.noise * (2.0 / 20.0) ** 0.5  # a free membrane of 20 ms has the standard deviation
        noise = {"hidden": {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(per_root))}}
    if training == "variation":
        law = jn.laws.LogNormal(config.variation)
        leaves = [(HIDDEN + name, "neuron") for name in parameters(family)]
        leaves += [(f"network.{name}.weights", "synapse") for name in weights(task)]
        parts = {path.split(".", 1)[1]: jn.hardware.Mismatch(path, law, per=per) for path, per in leaves}
        variation = jn.training.Variation(parts, chips=config.chips_per_step)
    fitted = jn.training.fit(
        start, data.train, key=config.seed, loss=jn.training.losses.CrossEntropy(scale=SCALE), epochs=epochs,
        batch_size=min(config.batch, len(data.train[1])), seeds=config.networks, noise=noise, variation=variation,
        progress=False, check_start=False,
    )  # fmt: skip
    return {path: np.asarray(leaf) for path, leaf in fitted.leaves.items()}


def parameters(family: str) -> tuple[str, ...]:
    """The leaves that make time constant, threshold and gain, in this order."""
    return ("tau_mem", "v_threshold", "resistance") if family == "lif" else ("i_tau", "i_spike", "i_th")
