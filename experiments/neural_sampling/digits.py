"""Digits completed from their left half: a machine with few hidden units, exactly and by spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import networks, theory

if TYPE_CHECKING:
    import xarray as xr

SIDE = 14
KNOWN = np.tile(np.arange(SIDE) < SIDE // 2, SIDE)
STEPS = 20
Machine = tuple[jax.Array, jax.Array, jax.Array]
"""Couplings [pixel, hidden], biases of pixels and of hidden units."""


def images(part: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Black and white images [image, pixel] of 14 x 14, and their labels."""
    grey = part.subset(slice(number)).averaged(2).reshape(-1, SIDE * SIDE)
    return (grey > 0.4).astype(np.float32), np.asarray(part.labels[:number])


def states(hidden: int) -> jax.Array:
    """All states of the hidden units [state, hidden]."""
    return jnp.asarray(theory.network_states(hidden), jnp.float32)


def log_likelihood(machine: Machine, seen: jax.Array, h: jax.Array) -> jax.Array:
    """Mean over images, exact: the sum over hidden units factorises, that over pixels given each of their states too."""
    w, b, c = machine
    free = seen @ b + jax.nn.softplus(seen @ w + c[None]).sum(axis=1)
    return free.mean() - jax.nn.logsumexp(h @ c + jax.nn.softplus(h @ w.T + b[None]).sum(axis=1))


def trained(seen: np.ndarray, config: Any) -> tuple[Machine, np.ndarray]:
    """The machine after steps of Adam along the exact gradient, and its course of the log likelihood [step] in nat per image."""
    import optax

    rng, x, h = np.random.default_rng((config.seed, 2)), jnp.asarray(seen), states(config.hidden)
    p = np.clip(seen.mean(axis=0), 0.01, 0.99)
    start = (0.1 * rng.normal(size=(seen.shape[1], config.hidden)), np.log(p / (1 - p)), np.zeros(config.hidden))
    machine: Machine = tuple(jnp.asarray(part, jnp.float32) for part in start)  # type: ignore[assignment]
    rule = optax.adam(0.05)

    def step(carry: Any, _: Any) -> Any:
        machine, memory = carry
        value, slope = jax.value_and_grad(lambda m: -log_likelihood(m, x, h))(machine)
        change, memory = rule.update(slope, memory)
        return (optax.apply_updates(machine, change), memory), -value

    with jax.numpy_dtype_promotion("standard"):  # optax counts steps in whole numbers
        (machine, _), course = jax.jit(lambda m: jax.lax.scan(step, (m, rule.init(m)), None, config.epochs))(machine)
    return machine, np.asarray(course)


def conditional(machine: Machine, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the other pixels and the hidden units given the known pixels: couplings, and biases [image, unit]."""
    w, b, c = (np.asarray(part, np.float64) for part in machine)
    inner = w[~KNOWN]
    size = len(inner) + len(c)
    weights = np.zeros((size, size))
    weights[: len(inner), len(inner) :], weights[len(inner) :, : len(inner)] = inner, inner.T
    hidden = c + seen[:, KNOWN] @ w[KNOWN]
    return weights, np.concatenate([np.tile(b[~KNOWN], (len(seen), 1)), hidden], axis=1)


def exact(machine: Machine, seen: np.ndarray) -> np.ndarray:
    """Mean of the other pixels [image, pixel] given the known ones, by the sum over the hidden units."""
    w, b, c = machine
    h = states(len(c))
    pixels = h @ w[~KNOWN].T + b[~KNOWN][None]
    drive = jnp.asarray(seen[:, KNOWN]) @ w[KNOWN] + c[None]
    p = jax.nn.softmax(drive @ h.T + jax.nn.softplus(pixels).sum(axis=1)[None], axis=1)
    return np.asarray(p @ jax.nn.sigmoid(pixels))


def sampled(machine: Machine, seen: np.ndarray, config: Any, progress: Any) -> np.ndarray:
    """The same by an abstract sampling network: the share of time that each pixel is on."""
    weights, biases = conditional(machine, seen)
    network = networks.abstract_sampler(weights, biases[0], duration=float(STEPS), dt=1.0)
    time = float(STEPS * config.presentation)
    sim = jn.Simulation(network, {}, duration=time, dt=1.0, warmup=20.0 * STEPS, statistics={"rate": jn.statistics.Rate()})  # fmt: skip
    axis = jn.Samples(biases.astype(np.float32), "network.units.neuron.v_rest", name="image")
    with progress.task("digits", unit="members") as task:
        data = jn.monte_carlo(sim, [axis], key=config.seed, progress=task.update, store=progress.folder("digits"))
    found = data["rate"].transpose("image", ...).values * STEPS / 1000.0
    return found[:, : int((~KNOWN).sum())]


def nearest(completed: np.ndarray, kept: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Labels of the nearest images."""
    apart = (completed**2).sum(axis=1)[:, None] - 2 * completed @ kept.T + (kept**2).sum(axis=1)[None]
    return np.asarray(labels[apart.argmin(axis=1)])


def measured(config: Any, progress: Any) -> xr.Dataset:
    """Completions [completion, image, pixel], the labels that they get, and the right ones."""
    import xarray

    data = jn.datasets.load("mnist")
    (kept, labels), (seen, right) = images(data.train, config.training), images(data.test, config.images)
    machine, course = trained(kept, config)
    half = {
        "sampled": sampled(machine, seen, config, progress),
        "exact": exact(machine, seen),
        "mean": np.tile(kept[:, ~KNOWN].mean(axis=0), (len(seen), 1)),
        "original": seen[:, ~KNOWN],
    }
    whole, answers = {}, {}
    for name, part in half.items():
        image = seen.copy()
        image[:, ~KNOWN] = part
        whole[name], answers[name] = image, nearest(image, kept, labels)
    answers["half"] = nearest(seen[:, KNOWN], kept[:, KNOWN], labels)
    return xarray.Dataset(
        {
            "completed": (("shown", "image", "pixel"), np.stack(list(whole.values()))),
            "answer": (("completion", "image"), np.stack(list(answers.values()))),
            "label": ("image", right),
            "log_likelihood": ("step", course),
        },
        {"completion": list(answers), "shown": list(whole)},
    )
