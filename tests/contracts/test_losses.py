"""Laws that every loss, transform and augmentation keeps. New members are found by themselves, through their ``example()``."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from jaxsnn_noise import random
from jaxsnn_noise.training import augment, losses, transforms

NETWORK = jn.networks.feedforward([4, 5, 3], key=0)
LOSSES, TRANSFORMS, AUGMENTS = members(losses.Loss), members(transforms.Transform), members(augment.Augment)
each_loss = pytest.mark.parametrize("cls", LOSSES, ids=label)
each_transform = pytest.mark.parametrize("cls", TRANSFORMS, ids=label)
each_augment = pytest.mark.parametrize("cls", AUGMENTS, ids=label)


def test_the_families_are_found() -> None:
    names = {cls.__name__ for cls in [*LOSSES, *TRANSFORMS, *AUGMENTS]}
    assert {"CrossEntropy", "Accuracy", "RateRegulariser", "Total", "Scaled"} <= names
    assert {"Unbounded", "Positive", "Between", "Shift"} <= names


def readings_of(loss: losses.Loss) -> Any:
    """Results [sample, neuron] as the loss asks for them."""
    sizes = {name: population.size for name, population in NETWORK.populations.items()}
    rng = np.random.default_rng(1)
    is_leaf = lambda node: isinstance(node, jn.statistics.Statistic)  # noqa: E731
    return jax.tree.map(
        lambda s: jnp.asarray(rng.uniform(1, 9, (4, sizes[s.population])), jnp.float32),
        loss.reads(NETWORK),
        is_leaf=is_leaf,
    )


def targets_of(loss: losses.Loss) -> np.ndarray:
    """Labels, or values for those that refuse them."""
    labels, values = np.array([0, 1, 2, 0]), np.ones((4, 3), np.float32)
    try:
        loss.check(NETWORK, "targets", labels)
    except jn.InputError:
        loss.check(NETWORK, "targets", values)
        return values
    return labels


@each_loss
def test_a_loss_is_a_number_and_adds_and_scales(cls: Any) -> None:
    loss = cls.example()
    targets, readings = jnp.asarray(targets_of(loss)), readings_of(loss)
    once = loss(readings, targets)
    assert once.shape == ()
    assert once.dtype == jnp.float32
    assert np.isfinite(once)
    both = 3.0 * loss + loss
    np.testing.assert_allclose(both((readings, readings), targets), 4 * once, rtol=1e-6)
    assert both.metrics().keys() == loss.metrics().keys()


@pytest.mark.slow
@each_loss
def test_slopes_of_a_loss_are_finite_and_samples_have_no_order(cls: Any) -> None:
    loss = cls.example()
    targets, readings = jnp.asarray(targets_of(loss)), readings_of(loss)
    slopes = jax.grad(lambda r: loss(r, targets))(readings)
    assert all(np.isfinite(slope).all() for slope in jax.tree.leaves(slopes))
    turned = jax.tree.map(lambda r: r[::-1], readings)
    np.testing.assert_allclose(loss(turned, targets[::-1]), loss(readings, targets), rtol=1e-6)


@each_loss
def test_a_loss_reads_populations_of_the_network(cls: Any) -> None:
    is_leaf = lambda node: isinstance(node, jn.statistics.Statistic)  # noqa: E731
    read = jax.tree.leaves(cls.example().reads(NETWORK), is_leaf=is_leaf)
    assert {statistic.population for statistic in read} <= set(NETWORK.cells())


@each_transform
def test_transforms_are_increasing_and_invertible(cls: Any) -> None:
    transform, u = cls.example(), jnp.linspace(-8.0, 8.0, 201)
    value, slope = jax.vmap(jax.value_and_grad(transform.constrain))(u)
    transform.check("value", value)
    assert (jnp.diff(value) > 0).all()
    assert (slope > 0).all()
    # near the edge of a range a value carries fewer digits of the free one: as few as its slope is small
    digits = 1e-5 + 8 * np.finfo(np.float32).eps * np.maximum(np.abs(value), 1.0) / np.asarray(slope)
    assert (np.abs(transform.free(value) - u) <= digits).all()


@each_transform
def test_a_transform_refuses_what_is_no_number(cls: Any) -> None:
    for bad in (jnp.nan, jnp.inf):
        with pytest.raises(jn.InputError, match=r"^leaf: must"):
            cls.example().check("leaf", jnp.float32(bad))


@each_augment
def test_an_augmentation_keeps_the_shape_and_is_a_function_of_its_key(cls: Any) -> None:
    values = jnp.asarray(np.random.default_rng(0).random(25), jnp.float32)
    keys = jax.vmap(lambda i: random.member(random.root(1), sample=i))(jnp.arange(6, dtype=jnp.uint32))
    one = eqx.filter_jit(cls.example())
    many = jax.vmap(lambda key: one(values, key))(keys)
    assert many.shape == (6, 25)
    np.testing.assert_array_equal(many, [one(values, key) for key in keys])
    assert np.any(np.asarray(many[0]) != np.asarray(many[1:]))
