"""Attacks on classifiers whose worst image is known, on networks, and on one that hides its gradient."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import attacks, random

RNG = np.random.default_rng(3)
W = np.asarray(RNG.normal(size=16), np.float32)
IMAGES = np.asarray(RNG.uniform(0.3, 0.7, (200, 16)), np.float32)
LABELS = (np.median(IMAGES @ W) < IMAGES @ W).astype(np.int64)


def binary(images: Any, key: Any, sharpness: float = 20.0) -> Any:
    """A linear classifier of two classes: the margin falls by r sum |w| under the worst image of the cube, by r |w| under that of the ball."""
    margin = sharpness * (images @ jnp.asarray(W) - float(np.median(IMAGES @ W)))
    return jnp.stack([-margin, margin], axis=1)


def margins(images: Any) -> np.ndarray:
    return np.where(LABELS > 0, 1, -1) * (np.asarray(images, np.float64) @ W - np.median(IMAGES @ W))


@pytest.mark.parametrize(
    ("attack", "norm", "rtol"),
    [
        (attacks.FastGradient(0.05, draws=1), np.abs(W).sum(), 1e-3),
        (attacks.ProjectedGradient(0.05, draws=1), np.abs(W).sum(), 1e-3),
        (attacks.SphereAscent(0.05, draws=1, steps=60), np.linalg.norm(W), 1e-2),
        (attacks.RandomSigns(0.05, draws=1, tries=400), np.abs(W).sum(), 5e-2),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, attacks.Attack) else "",
)
def test_of_a_linear_classifier_they_find_the_worst_image(attack: Any, norm: float, rtol: float) -> None:
    fallen = margins(IMAGES) - margins(attack(functools.partial(binary, sharpness=2.0), IMAGES, LABELS, key=0))
    np.testing.assert_allclose(fallen, 0.05 * norm, rtol=rtol, atol=1e-5)


def test_gradients_are_averaged_over_draws() -> None:
    """Where the noise turns the gradient of a draw round half of the time, one draw goes astray and many do not."""

    def flickering(images: Any, key: Any) -> Any:
        sign = jnp.where(random.uniforms(random.stream(key, "sign"), (len(images), 1)) < 0.35, -1.0, 1.0)
        return sign * binary(images, key, sharpness=0.01)  # so flat that the losses of all draws are as steep

    fallen = {
        n: margins(IMAGES) - margins(attacks.FastGradient(0.05, draws=n)(flickering, IMAGES, LABELS, key=0))
        for n in (1, 64)
    }
    assert 0.5 < (fallen[1] > 0).mean() < 0.8
    assert (fallen[64] > 0).mean() > 0.95


def test_masked_gradients_are_told() -> None:
    """Of a classifier whose outputs jump, the gradient is 0 and its attack does nothing; random search and a smooth classifier's attack do."""

    def jumping(images: Any, key: Any) -> Any:
        return jnp.round(binary(images, key, sharpness=4.0))

    made = {"gradient": attacks.FastGradient(0.05, draws=1), "search": attacks.RandomSigns(0.05, draws=1, tries=300)}
    found = attacks.robustness(jumping, IMAGES, LABELS, made, key=0, others={"smooth": binary}, draws=1)
    assert list(found.attack.values) == ["none", "gradient", "gradient from smooth", "search"]
    accuracy = {name: float(found.accuracy.sel(attack=name)) for name in found.attack.values}
    assert accuracy["none"] > 0.9
    assert accuracy["gradient"] > 0.9
    assert accuracy["gradient from smooth"] < 0.5
    assert float(found.masked.sel(attack="gradient")) == 1.0
    honest = attacks.robustness(binary, IMAGES, LABELS, made, key=0, draws=1)
    assert float(honest.masked.sel(attack="gradient")) == 0.0
    assert np.isnan(honest.masked.sel(attack=["none", "search"])).all()
    assert (honest.low <= honest.accuracy).all()
    with pytest.raises(jn.InputError, match=r"robustness\.attacks: must be attacks by name"):
        attacks.robustness(binary, IMAGES, LABELS, {}, key=0)
    with pytest.raises(jn.InputError, match=r"robustness\.attacks\['mine'\]: must be an attack"):
        attacks.robustness(binary, IMAGES, LABELS, {"mine": 0.1}, key=0)


@pytest.mark.slow
def test_a_network_with_noise_is_attacked_through_its_surrogate() -> None:
    digits = jn.datasets.load("digits")
    images, labels = np.float32(digits.train.images.reshape(-1, 64)), digits.train.labels
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.05))}
    network = jn.networks.feedforward([64, 32, 10], key=0, noise=noise)
    sim = jn.Simulation(network, {"input": jn.coding.Constant(images[0])}, duration=10.0, dt=1.0)
    fitted = jn.training.fit(sim, (images, labels), epochs=40, batch_size=64, key=0, progress=False)
    trained = fitted.sim.network if hasattr(fitted, "sim") else fitted.network
    logits = lambda x, key: jn.apply(trained, x, key=key, duration=10.0, dt=1.0)["output"]  # noqa: E731
    made = {"gradient": attacks.ProjectedGradient(0.15, draws=4), "random": attacks.RandomSigns(0.15, draws=4, tries=1)}
    tested = np.float32(digits.test.images.reshape(-1, 64))[:150]
    found = attacks.robustness(logits, tested, digits.test.labels[:150], made, key=0, draws=4)
    accuracy = {name: float(found.accuracy.sel(attack=name)) for name in found.attack.values}
    assert accuracy["none"] > 0.75
    assert accuracy["gradient"] < accuracy["random"] - 0.1


# Corruptions of inputs, which are augmentations.


def test_exactly_a_share_of_events_is_dropped_and_of_spikes_flipped() -> None:
    train = jnp.asarray(RNG.uniform(size=(50, 30)) < 0.3, jnp.float32)
    ones = int(train.sum())
    dropped = jn.training.augment.EventDrop(0.2)(3.0 * train, random.root(0))
    assert int((dropped != 0).sum()) == ones - round(0.2 * ones)
    assert set(np.unique(dropped)) == {0.0, 3.0}
    flipped = np.asarray(jn.training.augment.SpikeFlips(0.1)(train, random.root(0)))
    assert int(((flipped == 0) & (np.asarray(train) == 1)).sum()) == round(0.1 * ones)
    assert int(((flipped == 1) & (np.asarray(train) == 0)).sum()) == round(0.1 * (train.size - ones))
    for share in (0.0, 1.0):
        np.testing.assert_array_equal(
            jn.training.augment.SpikeFlips(share)(train, random.root(0)), train if share == 0 else 1 - train
        )


def test_pixels_get_noise_of_their_kind() -> None:
    image = jnp.full(40_000, 0.5)
    noisy = np.asarray(jn.training.augment.GaussianPixels(0.1, low=-9.0, high=9.0)(image, random.root(1)))
    assert abs(noisy.mean() - 0.5) < 4 * 0.1 / 200
    assert abs(noisy.std() / 0.1 - 1) < 4 / np.sqrt(2 * 40_000)
    salted = np.asarray(jn.training.augment.SaltAndPepper(0.3)(image, random.root(1)))
    for value in (0.0, 1.0):
        assert abs((salted == value).mean() - 0.15) < 4 * np.sqrt(0.15 * 0.85 / 40_000)
    for make, rule in [
        (lambda: jn.training.augment.GaussianPixels(-0.1), r"GaussianPixels\.std: must be >= 0"),
        (lambda: jn.training.augment.SaltAndPepper(1.1), r"SaltAndPepper\.share: must lie in \[0, 1\]"),
        (lambda: jn.training.augment.SaltAndPepper(0.1, low=1.0), r"SaltAndPepper\.low: must lie below high"),
        (lambda: jn.training.augment.EventDrop(-0.1), r"EventDrop\.share"),
    ]:
        with pytest.raises(jn.InputError, match=rule):
            make()


def test_each_image_is_attacked_by_itself() -> None:
    """The attack of one image does not depend on those beside it."""
    attack = attacks.ProjectedGradient(0.05, draws=2)
    logits = lambda x, key: binary(x, key, sharpness=2.0)  # noqa: E731
    whole = attack(logits, IMAGES, LABELS, key=0)
    other = attack(logits, np.concatenate([IMAGES[:10], 1.0 - IMAGES[10:]]), LABELS, key=0)
    np.testing.assert_array_equal(whole[:10], other[:10])
    assert jax.tree.leaves(attack) == []
