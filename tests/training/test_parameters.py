"""Which leaves are trained, at any depth of a tree; free values and back; leaves that are one number."""

from __future__ import annotations

import json
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, fit, points, quiet
from jaxsnn_noise import training
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.training import optimisers, transforms
from jaxsnn_noise.training.loop import usual_promotion

NOISE = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
TAU = ("network.hidden_1.neuron.tau_mem", "network.hidden_2.neuron.tau_mem")


FACTORS = jnp.array([[1.0, 7.0], [-2.0, 3.0]])


class Model(eqx.Module):
    """A model of somebody: a linear layer, and networks in a list in a dictionary."""

    before: eqx.nn.Linear
    parts: dict[str, Any]
    name: str = eqx.field(static=True, default="mine")

    def __call__(self, x: Any, key: Any) -> Any:
        return jn.apply(self.parts["spiking"][0], jax.vmap(self.before)(x), key=key, duration=6.0)["output"]


def model() -> Model:
    network = jn.networks.feedforward([4, 5, 3], key=0, gain=12.0, noise=NOISE)
    return Model(eqx.nn.Linear(6, 4, key=jax.random.key(0)), {"spiking": [network], "other": jnp.ones(2)})


def true_at(tree: Any) -> set[str]:
    """The paths of the leaves that are True."""
    marked = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), tree)
    return {path for path, leaf in jn.paths.leaves(marked).items() if leaf == 1}


def test_leaves_are_chosen_at_any_depth() -> None:
    whole = model()
    weights = {f"parts.spiking.0.{name}.weights" for name in ("input_to_hidden", "hidden_to_output")}
    for patterns, expected in [
        ("parts.*.weights", weights),
        (["before.bias", "parts.spiking.0.hidden.neuron.tau_mem"], None),
        ("*", {path for path, leaf in jn.paths.leaves(whole).items() if jnp.issubdtype(leaf.dtype, jnp.floating)}),
    ]:
        chosen = training.trainable(whole, patterns)
        assert jax.tree.structure(chosen) == jax.tree.structure(whole)
        assert true_at(chosen) == (set(patterns) if expected is None else expected)
    trained, kept = eqx.partition(whole, training.trainable(whole, "parts.*.weights"))
    assert set(jn.paths.leaves(trained)) == weights
    assert eqx.tree_equal(eqx.combine(trained, kept), whole)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ("parts.*.wieghts", r"trainable.patterns: must be the path of a float leaf, or a pattern of some; got 'parts"),
        ("before.wieght", r"Did you mean 'before.weight'"),
        ((), "trainable.patterns: needs at least one path or pattern"),
    ],
)
def test_what_selects_nothing_is_told(patterns: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        training.trainable(model(), patterns)


@pytest.mark.slow
def test_a_loop_of_ones_own_inside_a_larger_model_stays_in_the_ranges() -> None:
    whole, (x, y) = model(), points(24)
    noise = "parts.spiking.0.hidden.noise.membrane.amplitude.sigma"
    names = ["before.weight", "parts.spiking.0.*.weights", "parts.spiking.0.hidden.neuron.tau_mem", noise]
    space = training.free_space(whole, names, tied="*.tau_mem")
    free, optimiser = space.free(whole), optax.adam(0.3)
    assert free["parts.spiking.0.hidden.neuron.tau_mem"].shape == ()
    assert np.isclose(free[noise], np.log(0.1))
    assert eqx.tree_equal(space.insert(whole, free), whole, rtol=1e-6)
    state = optimiser.init(free)

    def loss(free: Any, key: Any) -> Any:
        logits = 10.0 * space.insert(whole, free)(jnp.asarray(x), key)
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(y)).mean()

    @jax.jit
    def step(free: Any, state: Any, key: Any) -> Any:
        lost, slope = jax.value_and_grad(loss)(free, key)
        with usual_promotion():
            updates, state = optimiser.update(slope, state, free)
        return optax.apply_updates(free, updates), state, lost

    lost = []
    for number in range(25):
        free, state, now = step(free, state, jax.random.key(number))
        lost.append(float(now))
    assert np.mean(lost[-5:]) < 0.5 * np.mean(lost[:2])
    after = space.insert(whole, free)
    after.parts["spiking"][0].check("trained")
    tau = jn.paths.get(after, "parts.spiking.0.hidden.neuron.tau_mem")
    assert np.ptp(tau) == 0
    assert tau[0] > 0
    assert not np.isclose(tau[0], 20.0, rtol=0.01)
    assert jn.paths.get(after, noise) > 0
    assert not np.array_equal(after.before.weight, whole.before.weight)
    assert np.array_equal(after.before.bias, whole.before.bias)


def deep(key: Any) -> jn.Simulation:
    network = jn.networks.feedforward([6, 5, 4, 3], key=key)
    return jn.Simulation(network, {"input": jn.coding.Constant(0.0)}, duration=6.0, dt=1.0)


@pytest.mark.slow
def test_tied_leaves_are_one_number_and_move_by_the_sum_of_their_slopes() -> None:
    x, y = points(24)
    settings: dict[str, Any] = {"epochs": 1, "batch_size": 24, "optimiser": optax.sgd(1.0), "trainable": TAU}
    apart = fit(deep, (10.0 * x, y), **settings)
    each = fit(deep, (10.0 * x, y), tied=TAU, **settings)
    both = fit(deep, (10.0 * x, y), tied=[TAU], **settings)
    steps = {path: np.log(np.asarray(apart.leaves[path][0]) / 20.0) for path in TAU}
    assert all(np.abs(step).max() > 1e-3 for step in steps.values())
    for path in TAU:
        assert each.leaves[path].shape == apart.leaves[path].shape
        np.testing.assert_allclose(np.log(each.leaves[path][0] / 20.0), steps[path].sum(), rtol=2e-3, atol=1e-5)
        together = sum(step.sum() for step in steps.values())
        np.testing.assert_allclose(np.log(both.leaves[path][0] / 20.0), together, rtol=2e-3, atol=1e-5)
        assert np.ptp(jn.paths.get(both.sim, path)) == 0
    assert both.history.attrs["tied"] == json.dumps({TAU[0]: list(TAU)})
    assert apart.history.attrs["tied"] == "{}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tied": "network.*.tau_men"}, "fit.tied: must be the path of a float leaf"),
        ({"tied": HIDDEN}, "fit.tied: must be the path of a float leaf"),
        ({"tied": [TAU, TAU[0]]}, "fit.tied: must tie each leaf once"),
        ({"tied": [()]}, "fit.tied: needs at least one path"),
        (
            {"tied": [TAU], "transforms": {TAU[0]: transforms.Between(1.0, 90.0)}},
            "fit.tied: must share one transform with network.hidden_1",
        ),
    ],
)
def test_ties_that_do_not_fit_are_told(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit(deep(0), points(24), trainable=TAU, **settings)


def test_tied_leaves_start_equal() -> None:
    sim = jn.paths.replace(deep(0), {TAU[1]: 10.0})
    with pytest.raises(
        InputError, match=r"hidden_2.neuron.tau_mem: must start at one number \(20, as the first of .*h"
    ):
        fit(sim, points(24), trainable=TAU, tied=[TAU])
    uneven = jn.paths.replace(deep(0), {TAU[0]: np.array([20.0, 20, 20, 20, 21])})
    with pytest.raises(InputError, match=r"hidden_1.neuron.tau_mem: must start at one number"):
        fit(uneven, points(24), trainable=TAU, tied=TAU)


def test_no_weight_stays_stuck_without_a_word() -> None:
    """Where a 0 is no synapse it stays 0 by rule; where all are, nothing could be trained."""
    weights = jnp.array([[0.5, 0.0], [-0.5, 0.0]])
    for transform, given in [(transforms.SignedWeights(), weights), (transforms.PositiveWeights(), jnp.abs(weights))]:
        free = transform.free(given)
        slope = jax.grad(lambda u, transform=transform: jnp.sum(transform.constrain(u) * FACTORS))(free)
        assert np.array_equal(np.asarray(slope) != 0, np.asarray(given) != 0)
        assert np.array_equal(transform.constrain(free), given)
        state = optax.adam(0.1).init(free)
        moved = free
        for _ in range(3):
            with usual_promotion():
                updates, state = optax.adam(0.1).update(slope, state, moved)
            moved = optax.apply_updates(moved, updates)
        assert np.array_equal(np.asarray(transform.constrain(moved)) != 0, np.asarray(given) != 0)
        with pytest.raises(InputError, match=r"w: must have synapses to be trained with this transform"):
            transform.check("w", jnp.zeros((2, 2)))


@pytest.mark.slow
def test_weights_of_any_sign_grow_from_zero() -> None:
    path = "network.p.weights"
    network = jn.Network(
        {"in": jn.Port(6), "out": jn.Population(jn.neurons.LeakyIntegrator(3))},
        {"p": jn.synapses.Dense("in", "out", np.zeros((3, 6)))},
    )
    sim = jn.Simulation(network, {"in": jn.coding.Constant(0.0)}, duration=6.0, dt=1.0)
    assert (fit(sim, points(24), epochs=1).leaves[path] != 0).all()
    half = jn.paths.replace(sim, {path: np.arange(18).reshape(3, 6) % 2})
    kept = fit(half, points(24), epochs=1, transforms={path: transforms.SignedWeights()}).leaves[path][0]
    assert np.array_equal(np.asarray(kept) != 0, np.asarray(jn.paths.get(half, path)) != 0)
    assert not np.array_equal(kept, jn.paths.get(half, path))


@pytest.mark.slow
def test_a_decay_of_what_is_no_weight_is_refused() -> None:
    decaying = optimisers.WarmupCosine(weight_decay=1e-3)
    with pytest.raises(
        InputError, match=r"WarmupCosine.weight_decay: must be 0 where weights are trained as SignedWei"
    ):
        fit(quiet(0), points(24), optimiser=decaying, transforms={HIDDEN: transforms.SignedWeights()})
