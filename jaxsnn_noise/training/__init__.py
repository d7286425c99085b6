"""Training by surrogate gradients: ``fit``, with its losses, regularisers, transforms, augmentations and optimisers.

In short::

    build = lambda key: networks.feedforward([784, 128, 10], key=key)
    fitted = training.fit(build, (x, y), key=jax.random.key(0), validation=(xv, yv), epochs=30)
    fitted.sim, fitted.history, fitted.evaluate((x_test, y_test), key=1)
"""

from jaxsnn_noise.training import augment, losses, optimisers, regularisers, transforms
from jaxsnn_noise.training.batches import Batches
from jaxsnn_noise.training.clamped import clamped
from jaxsnn_noise.training.fit import fit
from jaxsnn_noise.training.fitted import Fitted
from jaxsnn_noise.training.parameters import Parameters, free_space, trainable
from jaxsnn_noise.training.runner import Report
from jaxsnn_noise.training.variation import Variation

__all__ = [
    "Batches",
    "Fitted",
    "Parameters",
    "Report",
    "Variation",
    "augment",
    "clamped",
    "fit",
    "free_space",
    "losses",
    "optimisers",
    "regularisers",
    "trainable",
    "transforms",
]


def __dir__() -> list[str]:
    return __all__
