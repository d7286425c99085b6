"""Trained classifiers with every kind of fault on board, none of which has happened yet."""

from __future__ import annotations

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

HIDDEN = ("hidden_1", "hidden_2")
WEIGHTS = ("input_to_hidden_1", "hidden_1_to_hidden_2", "hidden_2_to_output")
NEURON_KINDS = ("dead neuron", "saturated neuron", "transient neuron", "threshold", "time constant")
SYNAPSE_KINDS = ("dead synapse", "high synapse", "low synapse", "perturbed synapse", "flipped bit")
KINDS = (*NEURON_KINDS, *SYNAPSE_KINDS)
SIDE = 14
"""Pixels of a side: 28 x 28 by means of 2 x 2."""
GAIN = 2.0
"""Current of a white pixel [nA]."""


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
        return simulation(jn.networks.feedforward([SIDE**2, *config.hidden, 10], key=key, neuron=neuron), config)

    fitted = jn.training.fit(
        start, shown, key=config.seed, loss=jn.training.losses.CrossEntropy(scale=10.0), epochs=config.epochs,
        batch_size=min(64, len(shown[1])), seeds=config.networks, progress=False, check_start=False,
    )  # fmt: skip
    return tuple(sim.network for sim in fitted.sims)


def faults() -> dict[str, hardware.Faults]:
    """One fault of each kind, nowhere."""
    nowhere = hardware.SingleSite(-1)
    weights = [f"network.{name}.weights" for name in WEIGHTS]
    return {
        "dead neuron": hardware.DeadNeurons([*HIDDEN, "output"], nowhere),
        "saturated neuron": hardware.SaturatedNeurons(list(HIDDEN), nowhere),
        "transient neuron": hardware.SaturatedNeurons(list(HIDDEN), nowhere, start=5.0, duration=2.0),
        "threshold": hardware.ParameterFaults([f"network.{name}.neuron.v_threshold" for name in HIDDEN], nowhere),
        "time constant": hardware.ParameterFaults([f"network.{name}.neuron.tau_mem" for name in HIDDEN], nowhere),
        "dead synapse": hardware.DeadSynapses(weights, nowhere),
        "high synapse": hardware.SaturatedSynapses(weights, nowhere),
        "low synapse": hardware.SaturatedSynapses(weights, nowhere, high=False),
        "perturbed synapse": hardware.PerturbedSynapses(weights, nowhere),
        "flipped bit": hardware.FlippedBits(weights, nowhere),
    }


class Places(Axis):
    """Faults of several kinds, one after the other, in one program: all but one kind are nowhere, or all are.

    Args:
        sites: Site of each kind [member, kind]; -1 is nowhere.
        names: The imperfections of the kinds.
    """

    sites: Any
    names: tuple[str, ...] = eqx.field(static=True)
    name: str = eqx.field(static=True, default="fault")

    @property
    def size(self) -> int:
        return int(self.sites.shape[0])

    def sets(self, sim: jn.Simulation) -> tuple[str, ...]:
        del sim
        return tuple(f"imperfections.{name}.sites.site" for name in self.names)

    def check(self, sim: jn.Simulation) -> None:
        """The sites are those of campaigns, which are made for the simulation."""

    def apply(self, sim: jn.Simulation, address: Any, index: jax.Array, root: Any) -> tuple[jn.Simulation, Any]:
        del root
        row = self.sites[index]
        return jn.paths.replace(sim, {path: row[k] for k, path in enumerate(self.sets(sim))}), address

    @classmethod
    def example(cls) -> Self:
        return cls(jnp.zeros((1, 1), jnp.int32), ("dead",))

    random: ClassVar[bool] = False


def campaign(sim: jn.Simulation, config: Config, seed: int) -> tuple[Places, dict[str, list[Any]]]:
    """No fault, every neuron, and sites of each layer (bit) at random, as many of each; the labels are kind, layer and bit."""
    rows: list[tuple[int, int]] = [(0, -1)]
    labels: dict[str, list[Any]] = {"kind": ["none"], "layer": ["none"], "bit": [-1], "place": [-1]}
    for index, kind in enumerate(KINDS):
        if kind in NEURON_KINDS:
            found: Any = jn.AllSites(sim, kind)
        else:
            flipped = kind == "flipped bit"
            by = ["layer", "bit"] if flipped else ["layer"]
            strata = len(WEIGHTS) * (8 if flipped else 1)
            n = strata * (config.bit_sites if flipped else config.sites)
            found = jn.RandomSites(sim, kind, n, seed=seed, by=by, equal=True)
        columns = found.columns()
        rows += [(index, int(site)) for site in found.numbers()]
        labels["kind"] += [kind] * found.size
        labels["layer"] += [next(part for part in (*WEIGHTS, *HIDDEN, "output") if part in str(layer).split("."))
                            for layer in columns["site_layer"]]  # fmt: skip
        labels["bit"] += list(columns.get("site_bit", [-1] * found.size))
        labels["place"] += list(columns.get("site_neuron", [-1] * found.size))
    sites = np.full((len(rows), len(KINDS)), -1, np.int32)
    for member, (index, site) in enumerate(rows):
        sites[member, index] = site
    return Places(jnp.asarray(sites), KINDS), labels


def sizes(config: Config) -> dict[str, int]:
    """How many synapses each layer of weights has."""
    widths = [SIDE**2, *config.hidden, 10]
    return {name: a * b for name, a, b in zip(WEIGHTS, widths[:-1], widths[1:], strict=True)}


def area(network: Any) -> float:
    """Neurons and synapses, one unit each."""
    cells = sum(int(cells.size) for cells in network.cells().values())
    return float(cells + sum(int(np.sum(np.asarray(p.fan_out()))) for p in network.projections.values()))


def scattered(network: Any, share: float, outputs: bool) -> dict[str, hardware.Faults]:
    """Dead and saturated neurons at random: a voter has as much less of it as it is smaller than the neuron for which it speaks."""
    fan_in = {p.target: p.weights.shape[1] for p in network.projections.values() if not p.target.endswith("_voter")}
    layers = [name for name in network.cells() if name != "output"]
    chance = [share * (1.0 if name in fan_in else 4.0 / (1.0 + fan_in[name.removesuffix("_voter")])) for name in layers]
    dead = [*chance, share if outputs else 0.0]
    return {
        "dead": hardware.DeadNeurons([*layers, "output"], hardware.Scattered(np.asarray(dead, np.float32))),
        "saturated": hardware.SaturatedNeurons(layers, hardware.Scattered(np.asarray(chance, np.float32))),
    }


def protected(network: Any, chosen: dict[str, np.ndarray] | None) -> Any:
    """The network with chosen hidden neurons, or all, three times."""
    for name in HIDDEN:
        network = jn.networks.triplicated(
            network, name, None if chosen is None else np.sort(chosen[name]).tolist()
        ).network
    return network
