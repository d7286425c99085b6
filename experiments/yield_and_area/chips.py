"""Chips of a trained network, each with transistors of a size of its own, and their critical areas by bisection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import hardware
from jaxsnn_noise.ensemble.axes.axis import Axis

if TYPE_CHECKING:
    from . import Config

SIDE = 14
"""Pixels of a side: 28 x 28 by means of 2 x 2."""
GAIN = 2.0
"""Current of a white pixel [nA]."""
TRANSISTORS = {"sky130": "nfet_01v8", "gf180mcu": "nfet_03v3", "ihp_sg13g2": "lv_nmos"}
"""The standard n-channel transistor of each process."""
CORNERS = {"sky130": "subvt_mismatch"}
"""The corner, where the table has several: that for weak inversion."""
PROJECTIONS = ("input_to_hidden", "hidden_to_output")
CIRCUITS = ("neurons", *PROJECTIONS)


def images(config: Config) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Training and test images with their labels, both in a random order: ``train``, ``test``."""
    mnist, rng = jn.datasets.load("mnist"), np.random.default_rng(config.seed)
    found = {}
    for name, part, size in (("train", mnist.train, config.samples), ("test", mnist.test, config.images)):
        taken = part.subset(rng.permutation(len(part))[:size])
        found[name] = (GAIN * taken.averaged(2).reshape(-1, SIDE**2), taken.labels.astype(np.int32))
    return found


def neuron(size: int) -> jn.neurons.LIF:
    """A hidden layer. Training does not see what a reset takes away: the numbers in the findings were trained so."""
    return jn.neurons.LIF(size, reset=jn.neurons.ResetToValue(detach=True))


def simulation(network: Any, config: Config, imperfections: Any = None) -> jn.Simulation:
    """A network that is shown an image, read by the mean potential of its readouts."""
    nothing = np.zeros(SIDE**2, np.float32)
    return jn.networks.classifier(network, nothing, duration=float(config.steps), imperfections=imperfections)


def trained(config: Config, shown: tuple[np.ndarray, np.ndarray]) -> tuple[Any, ...]:
    """Networks, each trained from weights of its own."""

    def start(key: Any) -> jn.Simulation:
        return simulation(jn.networks.feedforward([SIDE**2, config.hidden, 10], key=key, neuron=neuron), config)

    fitted = jn.training.fit(
        start, shown, key=config.seed, loss=jn.training.losses.CrossEntropy(scale=10.0), epochs=config.epochs,
        batch_size=min(64, len(shown[1])), seeds=config.networks, progress=False, check_start=False,
    )  # fmt: skip
    return tuple(sim.network for sim in fitted.sims)


def transistor(process: str) -> hardware.MOSFET:
    """The transistor that stands for a process."""
    table = jn.datasets.load("processes")[process]
    return table.transistor(TRANSISTORS[process], corner=CORNERS.get(process))


def circuits(process: str, temperature: float, bias: str) -> dict[str, hardware.CurrentMode]:
    """Current-mode neurons and weights of 1 um x 1 um: ``(1 um)^2`` for each current."""
    kinds = {"fixed": hardware.FixedCurrent(), "ptat": hardware.ProportionalToTemperature()}
    options: dict[str, Any] = {"width": 1.0, "length": 1.0, "temperature": temperature, "bias": kinds[bias]}
    made = transistor(process)
    found = {"neurons": hardware.CurrentMode(hardware.dpi_leaves("hidden"), made, per="neuron", **options)}
    for name in PROJECTIONS:
        leaves = {f"network.{name}.weights": {"weight": 1.0}}
        found[name] = hardware.CurrentMode(leaves, made, per="synapse", **options)
    return found


class ChipsOfSize(Axis):
    """Chips as of ``Devices``, each with square transistors of its own size: chip k has its scores whatever the size.

    Args:
        sides: Width and length of the transistors of each chip [um].
    """

    random: ClassVar[bool] = True
    sides: Any
    name: str = eqx.field(static=True, default="device")

    @property
    def size(self) -> int:
        return int(self.sides.shape[0])

    def sets(self, sim: jn.Simulation) -> tuple[str, ...]:
        del sim
        return tuple(f"imperfections.{name}.{leaf}" for name in CIRCUITS for leaf in ("width", "length"))

    def check(self, sim: jn.Simulation) -> None:
        """The smallest and the largest transistor have an area."""
        ends = (jnp.min(self.sides), jnp.max(self.sides))
        for side in ends:
            jn.Sweep(self.sets(sim)[0], [float(side)], name="side").check(sim)

    def apply(self, sim: jn.Simulation, address: Any, index: jax.Array, root: Any) -> tuple[jn.Simulation, Any]:
        del root
        moved = jn.paths.replace(sim, dict.fromkeys(self.sets(sim), self.sides[index]))
        return moved, address.at(self.name, index)

    @classmethod
    def example(cls) -> Self:
        return cls(jnp.ones(2))


def accuracy(sim: jn.Simulation, areas: np.ndarray, shown: Any, key: Any) -> np.ndarray:
    """Share of right answers of each chip with transistors of these areas [um2] (chip)."""
    axes = [ChipsOfSize(jnp.asarray(np.sqrt(areas), jnp.float32)), jn.Samples(shown[0])]
    readout = jn.monte_carlo(sim, axes, key=key, progress=False)["readout"]
    answers = readout.argmax("output_neuron").transpose("device", "sample").values
    return np.asarray((answers == shown[1]).mean(axis=1))


def bisected(passes: Callable[[np.ndarray], np.ndarray], chips: int, low: float, high: float, steps: int) -> np.ndarray:
    """Bracket of the area from which on each chip passes [chip, 2], halved on a logarithmic scale.

    A chip that fails wherever it was tried has an upper end of infinity; one that passes everywhere a lower end of 0.
    """
    below, above = np.full(chips, np.log(low)), np.full(chips, np.log(high))
    failed, passed = np.zeros(chips, bool), np.zeros(chips, bool)
    for _ in range(steps):
        middle = 0.5 * (below + above)
        good = passes(np.exp(middle))
        above, below = np.where(good, middle, above), np.where(good, below, middle)
        failed, passed = failed | ~good, passed | good
    ends = np.where(failed, np.exp(below), 0.0), np.where(passed, np.exp(above), np.inf)
    return np.stack(ends, axis=-1)
