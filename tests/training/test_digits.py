"""Real digits.

The settings were chosen on a validation split of the training images, not on the test images used here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import datasets
from jaxsnn_noise.training import augment, fit, losses, optimisers


def flat(images: datasets.LabelledImages) -> tuple[np.ndarray, np.ndarray]:
    return images.images.reshape(len(images), -1), images.labels


def trained(name: str, hidden: int, duration: float, **settings: Any) -> Any:
    """Test accuracy of every seed [seed]."""
    digits = datasets.load(name)
    x, y = flat(digits.train)

    def build(key: Any) -> jn.Simulation:
        network = jn.networks.feedforward([x.shape[1], hidden, 10], key=key)
        return jn.Simulation(network, {"input": jn.coding.Constant(0.0)}, duration=duration, dt=1.0)

    loss = losses.CrossEntropy(scale=10.0)
    optimiser = optimisers.WarmupCosine(0.02)
    fitted = fit(build, (x, y), key=0, loss=loss, optimiser=optimiser, progress=False, **settings)
    return fitted.evaluate(flat(digits.test), key=1).accuracy.values


@pytest.mark.slow
def test_small_digits_are_learned_in_seconds() -> None:
    (accuracy,) = trained("digits", 64, 10.0, epochs=30, batch_size=64)
    assert accuracy > 0.85  # chance is 0.1; of 340 images, the standard error is 0.016


@pytest.mark.slow
def test_mnist_is_learned_to_92_percent_and_more() -> None:
    accuracy = trained("mnist", 128, 16.0, epochs=15, batch_size=128, seeds=3, augment=augment.Shift(1))
    assert len(accuracy) == 3
    assert accuracy.mean() >= 0.92
