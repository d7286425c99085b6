"""The surrogate that is the density of a noise: what a noisy network and its deterministic twin have in common."""

from __future__ import annotations

from typing import Any

from jaxsnn_noise._checks import fail, is_a
from jaxsnn_noise.distributions import Distribution, Gaussian, Laplace, Logistic, Triangular, Uniform
from jaxsnn_noise.surrogates.densities import (
    GaussianError,
    RectangularWindow,
    SigmoidDerivative,
    TriangularWindow,
    TwoSidedExponential,
)
from jaxsnn_noise.surrogates.surrogate import Surrogate

_DENSITIES: dict[type[Distribution], type[Surrogate]] = {
    Gaussian: GaussianError,
    Laplace: TwoSidedExponential,
    Logistic: SigmoidDerivative,
    Triangular: TriangularWindow,
    Uniform: RectangularWindow,
}


def density_of(distribution: Distribution, std: Any) -> Surrogate:
    """The surrogate whose derivative is the density of noise of this distribution: ``f(x/std)/std``.

    So a deterministic network has the backward pass of a noisy one (``NoisyThreshold(std, distribution)``), and they differ in
    the forward noise alone. For Gaussian noise it is the error function of sharpness ``1/(sqrt(2) std)``.

    Args:
        distribution: ``Gaussian()``, ``Logistic()``, ``Laplace()``, ``Uniform()`` or ``Triangular()``.
        std: Standard deviation of the noise [mV], > 0.

    Raises:
        InputError: a distribution without such a surrogate; a standard deviation out of range.

    Reference: Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831.

    Example:
        >>> round(float(density_of(Gaussian(), 0.2).sharpness), 3)
        3.536
    """
    who = "surrogates.density_of: distribution"
    is_a(who, distribution, Distribution, "distributions.Gaussian()")
    found = _DENSITIES.get(type(distribution))
    if found is None:
        known = ", ".join(sorted(cls.__name__ for cls in _DENSITIES))
        fail(who, f"must have a surrogate that is its density: {known}", type(distribution).__name__)
    return found.from_noise(std)
