"""Networks that learn side by side: what an arm learns, and at which rate, are numbers, so that all are members of one program."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import jaxsnn_noise as jn
from jaxsnn_noise import random

from .tasks import Task

HIDDEN = ("hidden_1", "hidden_2")
WEIGHTS = (
    "network.input_to_hidden_1.weights",
    "network.hidden_1_to_hidden_2.weights",
    "network.hidden_2_to_output.weights",
)
SPARE = 2
"""Neurons that the second layer has more where the arm learns no number per neuron: their weights are more numbers than those."""
READOUT = 10.0
"""Time constant of the readout [ms]."""
SCALE = 10.0
"""From potentials of the readout to logits [1/mV]."""
RATE = 0.05
"""Spikes per ms for which the weights between hidden layers are made [1/ms]."""
FASTER = 5.0
"""Rate of learned dynamics over that of the weights [1]."""
SIDE_BY_SIDE = 2
"""Programs that run at a time: one fills about one core."""
OPEN = 0.9
"""Where gates start [1]: near LIF."""


class Arm(NamedTuple):
    """What is learned beside the weights: rates over that of the weights, 0 for what stays.

    Attributes:
        tau: Of the logarithm of time constants.
        curve: Of the coefficients of the polynomial.
        gate: Of gates and the constant leak.
        tied: 1: what is learned is one number per layer, else one per neuron.
        spread: Coefficient of variation of time constants within a layer at the start (log-normal).
        gated: Whether it needs the gated neuron.
    """

    tau: float = 0.0
    curve: float = 0.0
    gate: float = 0.0
    tied: float = 1.0
    spread: float = 0.0
    gated: bool = False


ARMS = {
    "tuned": Arm(),
    "layer": Arm(tau=FASTER),
    "neuron": Arm(tau=FASTER, tied=0.0, spread=0.6),
    "spread": Arm(spread=0.6),
    "polynomial": Arm(curve=FASTER),
    "gated": Arm(tau=FASTER, gate=FASTER, gated=True),
}
"""LIF with tuned time constants; the same with one learned per layer (PLIF), with one learned per neuron from a log-normal start, with that
start alone; a learned cubic; learned gates and time constants per layer."""


class Member(eqx.Module):
    """One network: its index, its first time constants by layer [ms], and what its arm says."""

    network: Any
    taus: Any
    arm: Any


def member(network: int, taus: Sequence[float], arm: Arm) -> Member:
    """The member as numbers."""
    said = np.array([arm.tau, arm.curve, arm.gate, arm.tied, arm.spread], np.float32)
    return Member(np.uint32(network), np.asarray(taus, np.float32), said)


def _neuron(size: int, *, gated: bool) -> Any:
    """A hidden layer. Resets are detached: the numbers in the findings were trained so."""
    if gated:
        reset = jn.neurons.GatedReset(np.full(size, OPEN), detach=True)
        return jn.neurons.GatedLIF(size, leak_gate=OPEN, reset=reset)
    return jn.neurons.PolynomialLIF(size, reset=jn.neurons.ResetToValue(detach=True))


def simulation(of: Task, config: Any, *, gated: bool = False) -> jn.Simulation:
    """A classifier whose weights are to be drawn; membrane noise is there, and silent."""
    sizes = {"input": of.channels, **dict(zip(HIDDEN, (config.hidden, config.hidden + SPARE), strict=True))}
    sizes["output"] = of.heads * of.classes
    silent = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.0))}
    parts: dict[str, Any] = {"input": jn.Port(of.channels)}
    parts |= {layer: jn.Population(_neuron(sizes[layer], gated=gated), noise=silent) for layer in HIDDEN}
    parts["output"] = jn.Population(jn.neurons.LeakyIntegrator(sizes["output"], tau_mem=READOUT))
    names = list(sizes)
    lines = {
        f"{source}_to_{target}": jn.synapses.Dense(source, target, np.zeros((sizes[target], sizes[source])), delay=0.0)
        for source, target in itertools.pairwise(names)
    }
    network = jn.Network(parts, lines)
    shape = (of.channels,) if of.held else (of.steps, of.channels)
    shown = (jn.coding.Constant if of.held else jn.coding.TimeSeries)(np.zeros(shape, np.float32))
    read = jn.statistics.Last("v", population="output") if of.last else jn.statistics.Mean("v", population="output")
    return jn.Simulation(
        network, {"input": shown}, duration=of.steps * of.dt, dt=of.dt, statistics={"output": read}
    )  # fmt: skip


def dynamics(gated: bool) -> dict[str, int]:
    """Paths of what is learned beside weights, of each layer, and which entry of an arm holds its rate."""
    own = {"leak_gate": 2, "leak_rate": 2, "reset.gate": 2} if gated else {"polynomial.coefficients": 1}
    return {f"network.{layer}.neuron.{name}": at for layer in HIDDEN for name, at in ({"tau_mem": 0} | own).items()}


def learnt(
    of: Task,
    config: Any,
    data: tuple[np.ndarray, np.ndarray],
    members: Sequence[tuple[int, Sequence[float], Arm]],
    told: Any,
) -> list[dict[str, np.ndarray]]:
    """The trained leaves of all members, by path."""
    values, targets = (jnp.asarray(x) for x in _filled(data, of))
    size = jnp.int32(len(data[1]))
    rows: list[dict[str, np.ndarray]] = [{}] * len(members)
    jobs = []
    for gated in (False, True):
        some = [i for i, (_, _, arm) in enumerate(members) if arm.gated is gated]
        sim = simulation(of, config, gated=gated)
        space = jn.training.free_space(sim, [*WEIGHTS, *dynamics(gated)])
        jobs += [(gated, sim, space, block) for block in blocks(some, config.at_once)]

    def learn(job: Any) -> tuple[list[int], Any]:
        gated, sim, space, block = job
        stacked = jax.tree.map(lambda *x: jnp.stack([jnp.asarray(a) for a in x]), *[member(*members[i]) for i in block])
        found = _learn(sim, space, _static(of, config, gated), values, targets, size, stacked)
        return block, {path: np.asarray(leaf) for path, leaf in found.items()}

    done: set[int] = set()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for block, found in pool.map(learn, jobs):
            for k, i in enumerate(block):
                rows[i] = {path: leaf[k] for path, leaf in found.items()}
            done |= set(block)
            told(len(done))
    return rows


def _filled(data: tuple[np.ndarray, np.ndarray], of: Task) -> tuple[np.ndarray, np.ndarray]:
    """The data in the shape that all parts of a task share: samples beyond the first are never drawn."""
    most = 270 if of.name == "vowels" else len(data[1])
    return tuple(np.pad(x, ((0, most - len(x)), *[(0, 0)] * (x.ndim - 1))) for x in data)  # type: ignore[return-value]


def blocks(indices: Sequence[int], size: int) -> list[list[int]]:
    """Indices in blocks of one size, the last filled up with its first."""
    found = [list(indices[first : first + size]) for first in range(0, len(indices), size)]
    return [block + [block[0]] * (size - len(block)) for block in found]


def _static(of: Task, config: Any, gated: bool) -> tuple[Any, ...]:
    return of, config.hidden, config.updates, config.batch, config.rate, config.seed, gated


@eqx.filter_jit
def _learn(sim: Any, space: Any, static: Any, values: Any, targets: Any, size: Any, members: Member) -> Any:
    return jax.vmap(lambda one: _one(sim, space, static, values, targets, size, one))(members)


def _start(sim: jn.Simulation, static: Any, member: Member) -> jn.Simulation:
    """The network of a member before the first step. Weights between hidden layers as ``networks.feedforward`` makes them, at ``RATE``."""
    of, seed = static[0], static[5]
    root = random.member(random.root(seed), network=member.network)
    beta = jnp.exp(-of.dt / member.taus)
    square = (1.0 - beta) / (1.0 + beta)  # of the response to a held step of 1 nA, summed
    p = RATE * of.dt
    stds = [
        1.5 / jnp.sqrt(square[0]) if of.white else jnp.float32(5.0),
        1.0 / jnp.sqrt(p * square[1] + p**2),
        jnp.float32(5.0),
    ]
    shapes = [jn.paths.get(sim, path).shape for path in WEIGHTS]
    given = {
        path: random.normals(random.stream(root, path), shape) * (std / shape[1] ** 0.5)
        for path, shape, std in zip(WEIGHTS, shapes, stds, strict=True)
    }
    cv = member.arm[4]
    for layer, tau in zip(HIDDEN, member.taus, strict=True):
        path = f"network.{layer}.neuron.tau_mem"
        n = jn.paths.get(sim, path).shape[0]
        given[path] = jn.laws.LogNormal(cv).perturb(jnp.full(n, tau), random.normals(random.stream(root, path), (n,)))
    return jn.paths.replace(sim, given)


def _mask(static: Any, member: Member) -> dict[str, Any]:
    """1 for the weights that a member has, 0 for those of spare neurons that it has not."""
    of, hidden = static[0], static[1]
    spare = jnp.where(member.arm[3] > 0, 1.0, 0.0)
    there = jnp.concatenate([jnp.ones(hidden), jnp.full(SPARE, spare)])
    ones = {WEIGHTS[0]: jnp.ones((hidden, of.channels))}
    return ones | {
        WEIGHTS[1]: jnp.broadcast_to(there[:, None], (hidden + SPARE, hidden)),
        WEIGHTS[2]: jnp.broadcast_to(there[None], (of.heads * of.classes, hidden + SPARE)),
    }


def _one(sim: Any, space: Any, static: Any, values: Any, targets: Any, size: Any, member: Member) -> Any:
    """Adam with a cosine decay of the rate, on minibatches drawn with replacement; what an arm does not learn has the rate 0."""
    of, _, updates, batch, rate, seed, gated = static
    root = random.member(random.root(seed), network=member.network)
    start, mask = _start(sim, static, member), _mask(static, member)
    start = jn.paths.replace(start, {path: jn.paths.get(start, path) * there for path, there in mask.items()})
    rates = {path: member.arm[at] for path, at in dynamics(gated).items()}
    tied = member.arm[3] > 0
    adam = optax.scale_by_adam()

    def loss(free: Any, chosen: Any) -> Any:
        logits = SCALE * readouts(space.insert(start, free), of, values[chosen], seed, {"network": member.network})
        each = optax.softmax_cross_entropy_with_integer_labels(logits, targets[chosen])
        return each.sum(axis=-1).mean()

    def step(carry: Any, number: Any) -> Any:
        free, state = carry
        u = random.uniforms(random.stream(random.member(root, step=number), "batch"), (batch,))
        at = jnp.minimum((u * size.astype(jnp.float32)).astype(jnp.int32), size - 1)
        slope = jax.grad(loss)(free, at)
        for path in rates:
            if jnp.ndim(slope[path]) and not path.endswith("coefficients"):
                slope[path] = jnp.where(tied, jnp.broadcast_to(slope[path].mean(), slope[path].shape), slope[path])
        slope = {path: g * mask[path] if path in mask else g for path, g in slope.items()}
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            move, state = adam.update(slope, state)
        eta = jnp.float32(0.5 * rate) * (1.0 + jnp.cos(jnp.float32(np.pi / updates) * number.astype(jnp.float32)))
        return ({k: x - eta * rates.get(k, 1.0) * move[k] for k, x in free.items()}, state), None

    free = space.free(start)
    (free, _), _ = lax.scan(step, (free, adam.init(free)), jnp.arange(updates, dtype=jnp.uint32))
    return space.constrain(free)


def readouts(sim: jn.Simulation, of: Task, values: Any, seed: int, address: Mapping[str, Any]) -> Any:
    """Potentials of the readout [sample, head, class]; noise is addressed by the member and the place in the batch."""

    def shown(sample: Any, index: Any) -> Any:
        at = jn.Address.of({**address, "sample": index})
        found = jn.simulate(jn.paths.replace(sim, {"inputs.input.values": sample}), key=seed, address=at)["output"]
        return found.reshape(of.heads, of.classes)

    return jax.vmap(shown)(values, jnp.arange(len(values), dtype=jnp.uint32))
