"""Where neurons lie on a die, and what neighbours share: a smooth field, and a gradient across the plan."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, inside, number, unmasked
from jaxsnn_noise._typing import Key, Leaf, Scalar, Values, as_float
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Part, parameter, real
from jaxsnn_noise.ranges import positive

MOST_PLACES = 4096
"""Neurons of one plan: the covariance is taken apart as a whole."""
MOST_MODES = 512
_LOST = 1e-6


class FloorPlan(Part):
    r"""Places of neurons on a die, with a smooth Gaussian field over them.

    The field has mean 0, variance 1 and the covariance :math:`e^{-d^2/(2\ell^2)}` of two neurons at the distance :math:`d`. It is
    drawn by its principal components (Karhunen and Loeve), one score each; those with less than a millionth of the variance are left
    out, and the rest is scaled to a variance of 1 at each neuron. Components belong to the places: another plan is another field.

    The gradient is :math:`(g \cdot (x - \bar x))/\rho` with two standard normal components of :math:`g` and the mean square distance
    :math:`\rho^2` from the middle, so that its variance, averaged over the neurons, is 1.

    Args:
        positions: [neuron, 2] in um.
        length: :math:`\ell` [um], > 0; not needed for a gradient alone. It is a part of the plan, and not swept.

    Raises:
        InputError: no places, all at one point, more than 4096, a length that needs more than 512 components.

    References: Conti, Crippa, Orsini, Turchetti 2002, doi:10.1109/TCAD.2002.1004317 (spatially correlated mismatch as a random field);
    Loeve 1978, doi:10.1007/978-1-4684-9464-8.

    Example:
        >>> import numpy as np
        >>> plan = FloorPlan(np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), -1).reshape(16, 2), length=2.0)
        >>> plan.size
        16
    """

    modes: Leaf | None = parameter("1", real, shape=None, default=None)
    slopes: Leaf = parameter("1", real, shape=None, default=0.0)

    def __init__(self, positions: Any, length: float | None = None):
        places = _places(positions)
        middle = places - places.mean(axis=0)
        spread = float(np.mean(np.sum(middle**2, axis=1)))
        if not spread > 0:
            fail("FloorPlan.positions", "must hold two places at least that differ [um]", positions)
        self.slopes = as_float(middle.T / np.sqrt(spread))
        self.modes = None if length is None else as_float(_components(places, _length(length)))

    @property
    def size(self) -> int:
        """Number of neurons."""
        return int(self.slopes.shape[-1])

    def check_together(self, who: str) -> None:
        if self.slopes.ndim != 2 or len(self.slopes) != 2 or (self.modes is not None and self.modes.ndim != 2):
            fail(who, "must be made of FloorPlan(positions, length)", self.slopes.shape)

    def field(self, key: Key) -> Values:
        """The field at each neuron: component after component, so that a sum has the same bits in every batch."""
        assert self.modes is not None
        scores = random.normal(random.tick(key, 0), random.entities(len(self.modes)))
        zero = opaque_zero(key)

        def add(total: Values, part: tuple[Values, Values]) -> tuple[Values, None]:
            mode, score = part
            return total + opaque(mode * score, zero), None

        return lax.scan(add, jnp.zeros(self.size, jnp.float32), (self.modes, scores))[0]

    def gradient(self, across: Scalar, along: Scalar, key: Key) -> Values:
        """The slope at each neuron, of two scores."""
        zero = opaque_zero(key)
        return opaque(self.slopes[0] * across, zero) + opaque(self.slopes[1] * along, zero)

    def field_reach(self) -> Values:
        """The largest sum of magnitudes of components."""
        return jnp.float32(0) if self.modes is None else jnp.abs(self.modes).sum(0).max()

    def gradient_reach(self) -> Values:
        """The largest sum of magnitudes of both slopes."""
        return jnp.abs(self.slopes).sum(0).max()

    @classmethod
    def example(cls) -> FloorPlan:
        return cls(np.stack(np.meshgrid(np.arange(5.0), np.arange(2.0)), -1).reshape(10, 2), length=2.0)


def _places(positions: Any) -> np.ndarray:
    unmasked("FloorPlan.positions", positions)
    try:
        places = np.asarray(positions, np.float64)
    except (TypeError, ValueError, jax.errors.JAXTypeError):
        fail("FloorPlan.positions", "must be numbers [neuron, 2] in um", positions)
    if places.ndim != 2 or places.shape[1] != 2 or not len(places) or not np.isfinite(places).all():
        fail("FloorPlan.positions", "must be finite numbers [neuron, 2] in um", places)
    if len(places) > MOST_PLACES:
        fail("FloorPlan.positions", f"must be at most {MOST_PLACES} places", len(places))
    return places


def _length(length: Any) -> float:
    single = number("FloorPlan.length", length)
    inside("FloorPlan.length", single, positive, "um")
    return single


def _components(places: np.ndarray, length: float) -> np.ndarray:
    """[component, neuron]: roots of the covariance, largest first."""
    apart = np.sum((places[:, None] - places[None]) ** 2, axis=-1)
    values, vectors = np.linalg.eigh(np.exp(-0.5 * apart / length / length))
    values, vectors = values[::-1].clip(min=0.0), vectors[:, ::-1]
    kept = int(np.searchsorted(np.cumsum(values), (1.0 - _LOST) * values.sum())) + 1
    if kept > MOST_MODES:
        rule = f"must be longer [um]: the field needs {kept} components, and {MOST_MODES} are the most"
        fail("FloorPlan.length", rule, length)
    modes = (vectors[:, :kept] * np.sqrt(values[:kept])).T
    highest = np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], axis=1)
    modes *= np.where(highest < 0, -1.0, 1.0)  # whatever sign the solver gives
    return modes / np.sqrt(np.sum(modes**2, axis=0))
