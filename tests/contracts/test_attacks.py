"""Laws that every attack keeps. Members are found by themselves, through their ``example()``."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.discovery import label, members
from jaxsnn_noise import attacks, random
from jaxsnn_noise.attacks import Attack

MEMBERS = members(Attack)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
RNG = np.random.default_rng(0)
WEIGHTS = jnp.asarray(RNG.normal(size=(12, 3)), jnp.float32)
IMAGES = np.asarray(RNG.uniform(0.2, 0.8, (20, 12)), np.float32)
LABELS = np.asarray(IMAGES @ np.asarray(WEIGHTS)).argmax(axis=1)


def linear(images: Any, key: Any) -> Any:
    return 3.0 * images @ WEIGHTS


def noisy(images: Any, key: Any) -> Any:
    return linear(images, key) + 0.5 * random.normals(random.stream(key, "noise"), (len(images), 3))


def loss(images: Any) -> Any:
    found = jax.nn.log_softmax(linear(jnp.asarray(images), None))
    return -np.asarray(found)[np.arange(len(LABELS)), LABELS]


def test_the_known_ones_are_found() -> None:
    assert {"FastGradient", "ProjectedGradient", "SphereAscent", "RandomSigns"} <= {cls.__name__ for cls in MEMBERS}


@each
@pytest.mark.parametrize("classifier", [linear, noisy])
def test_images_stay_near_and_in_range_and_the_loss_rises(cls: type[Attack], classifier: Any) -> None:
    attack = cls.example()
    found = np.asarray(attack(classifier, IMAGES, LABELS, key=0))
    moved = found - IMAGES
    far = np.linalg.norm(moved, axis=1) if cls is attacks.SphereAscent else np.abs(moved).max(axis=1)
    assert (far <= attack.radius * (1 + 1e-5)).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert loss(found).mean() > loss(IMAGES).mean() + 0.05


@each
def test_it_is_a_function_of_its_key(cls: type[Attack]) -> None:
    attack = cls.example()
    first, again, other = (np.asarray(attack(noisy, IMAGES, LABELS, key=k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@each
def test_a_radius_of_zero_changes_nothing(cls: type[Attack]) -> None:
    attack = dataclasses.replace(cls.example(), radius=0.0)
    np.testing.assert_array_equal(attack(linear, IMAGES, LABELS, key=0), IMAGES)


@each
def test_the_range_of_a_pixel_is_kept(cls: type[Attack]) -> None:
    attack = dataclasses.replace(cls.example(), radius=5.0, low=-1.0, high=2.0)
    found = np.asarray(attack(linear, IMAGES, LABELS, key=0))
    assert found.min() >= -1
    assert found.max() <= 2
    assert found.max() > 1


@each
def test_what_is_no_image_is_refused(cls: type[Attack]) -> None:
    attack, name = cls.example(), cls.__name__
    for images, labels, rule in [
        (np.ones((4, 3), np.int32), [0] * 4, "images: must be real numbers .*events are not moved by gradients"),
        (np.float32([0.5, 0.5]), [0, 0], "images: must be real numbers"),
        (np.full((2, 12), 1.5, np.float32), [0, 0], r"images: must lie in \[0, 1\]"),
        (np.full((2, 12), np.nan, np.float32), [0, 0], r"images: must lie in \[0, 1\]"),
        (IMAGES, LABELS[:3], r"labels: must be whole numbers >= 0 \[20\]"),
        (IMAGES, LABELS + 3, r"labels: must lie in \[0, 2\]"),
    ]:
        with pytest.raises(jn.InputError, match=f"{name}: {rule}"):
            attack(linear, images, np.asarray(labels), key=0)
    with pytest.raises(jn.InputError, match=rf"{name}: logits: must give \[sample, class\]"):
        attack(lambda x, key: x.sum(), IMAGES, LABELS, key=0)
    for options, rule in [
        ({"radius": -1.0}, "radius: must be >= 0"),
        ({"draws": 0}, "draws"),
        ({"low": 2.0}, "low: must lie below"),
    ]:
        with pytest.raises(jn.InputError, match=f"{name}.{rule}"):
            cls(**{"radius": 0.1, **options})


@each
def test_one_program_serves_other_images(cls: type[Attack]) -> None:
    traces = []

    def counted(images: Any, key: Any) -> Any:
        traces.append(images)
        return linear(images, key)

    attack = cls.example()
    attack(counted, IMAGES, LABELS, key=0)
    before = len(traces)
    attack(counted, 1.0 - IMAGES, LABELS, key=1)
    assert len(traces) - before <= 1  # the look at the shape of what it gives
    assert isinstance(attack, eqx.Module)
