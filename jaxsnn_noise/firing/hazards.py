"""Escape rates: how often a neuron fires at a distance from its threshold."""

from __future__ import annotations

import abc
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.firing.rule import unit_of_margin
from jaxsnn_noise.parameters import Part, nonnegative, parameter, positive

_STEEPEST = 60.0  # exp of it is finite in single precision, and far beyond any step


def _of_margin(hazard: Any, *outer: Any) -> str:
    """That of the neuron's potential, mV without a neuron."""
    del hazard
    return unit_of_margin(*outer) if outer else "mV"


def _of_diffusion(hazard: Any, *outer: Any) -> str:
    """Of the neuron's potential per root of time, mV/sqrt(ms) without a neuron."""
    return f"{_of_margin(hazard, *outer)}/sqrt(ms)"


class Hazard(Part):
    """Abstract: an escape rate."""

    @abc.abstractmethod
    def rate_hz(self, margin: Values, slope: Values) -> Values:
        """The escape rate [Hz] at a potential minus threshold ``margin`` [mV] that moves with ``slope`` [mV/ms]; >= 0 and finite."""


class ExponentialHazard(Hazard):
    """``at_threshold_hz exp(margin/width)``; ``width -> 0`` is a hard threshold.

    Args:
        at_threshold_hz: Escape rate at the threshold [Hz], > 0.
        width: Softness of the threshold [mV], > 0.

    Reference: Gerstner, Kistler, Naud, Paninski 2014, *Neuronal Dynamics*, chapter 9, doi:10.1017/CBO9781107447615.
    """

    at_threshold_hz: Leaf = parameter("Hz", positive)
    width: Leaf = parameter(_of_margin, positive)

    def rate_hz(self, margin: Values, slope: Values) -> Values:
        del slope
        return self.at_threshold_hz * jnp.exp(jnp.minimum(margin / self.width, _STEEPEST))


class SigmoidHazard(Hazard):
    """``largest_hz/(1 + exp(-margin/width))``: bounded, half of it at the threshold.

    Args:
        largest_hz: Escape rate far above the threshold [Hz], > 0.
        width: Softness of the threshold [mV], > 0.

    Reference: Gerstner, Kistler, Naud, Paninski 2014, *Neuronal Dynamics*, chapter 9, doi:10.1017/CBO9781107447615.
    """

    largest_hz: Leaf = parameter("Hz", positive)
    width: Leaf = parameter(_of_margin, positive)

    def rate_hz(self, margin: Values, slope: Values) -> Values:
        del slope
        return self.largest_hz * jax.nn.sigmoid(margin / self.width)


class DiffusionHazard(Hazard):
    r"""The escape rate that stands in for white noise on the membrane, of a membrane without it.

    .. math:: \rho = \left(\frac{c_1}{\tau} + \frac{c_2}{\sigma_B}\,[\dot u]_+\right) e^{-(u - \theta)^2/\sigma_B^2},
              \qquad \sigma_B = \sigma\sqrt{\tau}

    Below the threshold, as fitted there; above it the exponential is 1, since a diffusing membrane fires at once. The slope is the
    difference of the margins at both ends of the step. A membrane with noise of its own has that noise twice.

    Args:
        sigma: ``Diffusion`` amplitude of the noise that it stands for [mV/sqrt(ms)], > 0.
        tau_mem: Membrane time constant [ms], > 0.
        c1: Share of the Gaussian distribution [1], >= 0.
        c2: Share of its current [1], >= 0; ``1/sqrt(pi)`` is what a Gaussian loses that moves over the threshold.

    Reference: Plesser, Gerstner 2000, doi:10.1162/089976600300015835.
    """

    sigma: Leaf = parameter(_of_diffusion, positive)
    tau_mem: Leaf = parameter("ms", positive)
    c1: Leaf = parameter("1", nonnegative, default=0.72)
    c2: Leaf = parameter("1", nonnegative, default=float(1 / np.sqrt(np.pi)))

    def rate_hz(self, margin: Values, slope: Values) -> Values:
        spread = self.sigma * jnp.sqrt(self.tau_mem)
        rate = self.c1 / self.tau_mem + self.c2 / spread * jnp.maximum(slope, 0.0)
        return 1000.0 * rate * jnp.exp(-jnp.square(jnp.minimum(margin, 0.0) / spread))
