"""Networks that learn side by side: whatever differs between them is a number, so that all are members of one program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import jaxsnn_noise as jn
from jaxsnn_noise import random, theory
from jaxsnn_noise.parameters import fraction, parameter

METHODS = ("none", "noise", "decay", "dropout")
SIGMA = "network.hidden.noise.membrane.amplitude.sigma"
DROPPED = "network.hidden_to_output.noise.dropout.probability"
FIRST, SECOND = "network.input_to_hidden.weights", "network.hidden_to_output.weights"
TAU = 10.0
"""Membrane time constant [ms]."""
SCALE = 10.0
"""From mean potentials of the readout to logits [1/mV]."""


class Dropout(jn.noise.Source):
    """Whole neurons are out for a presentation, each with a probability (Srivastava et al. 2014, JMLR 15:1929).

    Weights are then too large by ``1/(1 - p)`` where none is out, and are scaled by ``1 - p`` for that.
    """

    seam: ClassVar[jn.noise.Seam] = jn.noise.Seam.RELEASE
    takes: ClassVar[bool] = True
    probability: Any = parameter("1", fraction)

    def init(self, key: Any, size: int, dt: float) -> Any:
        u = random.uniform(random.channel(random.tick(key, 0), 15), random.entities(size))
        return (u >= self.probability).astype(jnp.float32)

    def draw(self, state: Any, context: Any, key: Any, dt: float) -> Any:
        return (state - 1.0) * context.value, state

    def moments(self, context: Any, dt: float) -> None:
        return None

    @classmethod
    def example(cls) -> Self:
        return cls(0.5)


class Member(eqx.Module):
    """One network and how it is taught.

    Attributes:
        network: Which network: its first weights, its training images and their order, its noise.
        size: Training images [1].
        noise: Standard deviation of a free hidden membrane under the noise of training [mV].
        decay: Decoupled weight decay, per unit of the learning rate [1].
        dropout: Probability that a hidden neuron is out [1].
    """

    network: Any
    size: Any
    noise: Any = 0.0
    decay: Any = 0.0
    dropout: Any = 0.0


def member(network: int, size: int, method: str, strength: float = 0.0) -> Member:
    """The member of a method: its strength in its place, all others 0."""
    return Member(network, size, **({} if method == "none" else {method: strength}))


def simulation(config: Any, key: Any) -> jn.Simulation:
    """A classifier with random weights; its noise and its dropout are silent."""
    network = jn.networks.feedforward(
        [784, config.hidden, 10],
        key=key,
        neuron=lambda n: jn.neurons.LIF(n, tau_mem=TAU, reset=jn.neurons.ResetToValue(detach=True)),
        readout=lambda n: jn.neurons.LeakyIntegrator(n, tau_mem=TAU),
    )
    silent: dict[str, dict[str, jn.noise.Source | None]] = {
        "hidden": {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.0))},
        "hidden_to_output": {"dropout": Dropout(0.0)},
    }
    return jn.Simulation(
        jn.with_noise(network, silent), {"input": jn.coding.Constant(np.zeros(784, np.float32))},
        duration=float(config.steps), dt=1.0, statistics={"output": jn.statistics.Mean("v", population="output")},
    )  # fmt: skip


def images(config: Any) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Standardised images with labels: 5000 to learn from, and of those of other writers one half each to tune and to test."""
    mnist, rng = jn.datasets.load("mnist"), np.random.default_rng(config.seed)
    middle, spread = float(mnist.train.images.mean()), float(mnist.train.images.std())
    parts = {"train": (mnist.train, np.arange(len(mnist.train)))}
    halves = np.array_split(rng.permutation(len(mnist.test)), 2)
    parts |= {name: (mnist.test, half[: config.images]) for name, half in zip(("tune", "test"), halves, strict=True)}
    return {
        name: ((of.images[at].reshape(len(at), -1) - middle) / spread, of.labels[at].astype(np.int32))
        for name, (of, at) in parts.items()
    }


def diffusion(std: Any) -> Any:
    """Amplitude [mV/sqrt(ms)] at which a free membrane has a standard deviation [mV]."""
    return std / np.float32(np.sqrt(theory.membrane_variance(1.0, tau_mem=TAU)))


def learnt(config: Any, data: tuple[np.ndarray, np.ndarray], members: Sequence[Member], told: Any) -> np.ndarray:
    """The weights of all members [member, number], those of dropout scaled for networks in which no neuron is out."""
    sim, values, labels = simulation(config, 0), jnp.asarray(data[0]), jnp.asarray(data[1])
    rows = _in_blocks(lambda block: _learn(sim, _static(config), values, labels, block), members, config.at_once, told)
    return np.concatenate(rows)[: len(members)]


def correct(
    config: Any,
    data: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
    networks: Sequence[int],
    stds: Sequence[float],
) -> np.ndarray:
    """Whether each answer is right [member, level, sample], under noise of free membranes of the standard deviations [mV]."""
    sim, values, labels = simulation(config, 0), jnp.asarray(data[0]), jnp.asarray(data[1])
    levels = jnp.asarray(stds, jnp.float32)

    def one(block: Any) -> Any:
        return _assess(sim, _static(config), values, labels, levels, *block)

    pairs = list(zip(weights, np.asarray(networks, np.uint32), strict=True))
    return np.concatenate(_in_blocks(one, pairs, config.at_once, lambda done: None))[: len(weights)]


def _static(config: Any) -> tuple[Any, ...]:
    return config.hidden, config.updates, config.batch, config.rate, config.seed


def _in_blocks(compute: Any, members: Sequence[Any], size: int, told: Any) -> list[np.ndarray]:
    """What is computed for members, so many in one program; the last block is filled up with the last member."""
    rows = []
    for first in range(0, len(members), size):
        part = list(members[first : first + size])
        part += [members[-1]] * (size - len(part))
        block = jax.tree.map(lambda *leaves: jnp.stack([_number(leaf) for leaf in leaves]), *part)
        rows.append(np.asarray(compute(block)))
        told(min(first + size, len(members)))
    return rows


def _number(leaf: Any) -> Any:
    dtype = np.float32 if np.asarray(leaf).dtype.kind == "f" else np.uint32
    return jnp.asarray(leaf, dtype)


@eqx.filter_jit
def _learn(sim: jn.Simulation, static: Any, values: Any, labels: Any, members: Member) -> Any:
    return jax.vmap(lambda one: _one(sim, static, values, labels, one))(members)


def _one(sim: jn.Simulation, static: Any, values: Any, labels: Any, member: Member) -> Any:
    """Adam with a cosine decay of the rate and decoupled weight decay, on minibatches drawn with replacement."""
    hidden, updates, batch, rate, seed = static
    root = random.member(random.root(seed), network=member.network)
    own = random.bits(random.tick(random.stream(root, "images"), 0), random.entities(len(labels)))
    order = jnp.argsort(own, stable=True)
    drawn = {
        path: random.normals(random.stream(root, path), shape) * (5.0 / shape[1] ** 0.5)
        for path, shape in ((FIRST, (hidden, 784)), (SECOND, (10, hidden)))
    }
    noisy = jn.paths.replace(sim, {SIGMA: diffusion(member.noise), DROPPED: member.dropout})
    adam = optax.scale_by_adam()

    def loss(weights: Any, chosen: Any, number: Any) -> Any:
        address = {"network": member.network, "step": number}
        readout = _readouts(jn.paths.replace(noisy, weights), values[chosen], seed, address)
        return optax.softmax_cross_entropy_with_integer_labels(SCALE * readout, labels[chosen]).mean()

    def step(carry: Any, number: Any) -> Any:
        weights, state = carry
        u = random.uniforms(random.stream(random.member(root, step=number), "batch"), (batch,))
        at = jnp.minimum((u * member.size.astype(jnp.float32)).astype(jnp.uint32), member.size - 1)
        slope = jax.grad(loss)(weights, order[at], number)
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            move, state = adam.update(slope, state)
        eta = jnp.float32(0.5 * rate) * (1.0 + jnp.cos(jnp.float32(np.pi / updates) * number.astype(jnp.float32)))
        weights = {k: w - eta * (move[k] + member.decay * w) for k, w in weights.items()}
        return (weights, state), None

    (weights, _), _ = lax.scan(step, (drawn, adam.init(drawn)), jnp.arange(updates, dtype=jnp.uint32))
    scaled = {**weights, SECOND: weights[SECOND] * (1.0 - member.dropout)}
    return jnp.concatenate([scaled[path].reshape(-1) for path in (FIRST, SECOND)])


@eqx.filter_jit
def _assess(sim: jn.Simulation, static: Any, values: Any, labels: Any, stds: Any, weights: Any, networks: Any) -> Any:
    hidden, _, _, _, seed = static

    def one(flat: Any, network: Any, std: Any) -> Any:
        cut = hidden * 784
        own = {FIRST: flat[:cut].reshape(hidden, 784), SECOND: flat[cut:].reshape(10, hidden), SIGMA: diffusion(std)}
        readout = _readouts(jn.paths.replace(sim, own), values, seed, {"network": network, "test": jnp.uint32(0)})
        return jnp.argmax(readout, axis=-1) == labels

    over_levels = jax.vmap(one, in_axes=(None, None, 0))
    return lax.map(lambda pair: over_levels(pair[0], pair[1], stds), (weights, networks))


def _readouts(sim: jn.Simulation, values: Any, seed: int, address: dict[str, Any]) -> Any:
    """Mean potentials of the readout [sample, class]; noise is addressed by the member and the place in the batch."""

    def shown(sample: Any, index: Any) -> Any:
        at = jn.Address.of({**address, "sample": index})
        return jn.simulate(jn.paths.replace(sim, {"inputs.input.values": sample}), key=seed, address=at)["output"]

    return jax.vmap(shown)(values, jnp.arange(len(values), dtype=jnp.uint32))
