"""Where a bias current comes from, and so what temperature, dies and age do to it."""

from __future__ import annotations

import abc
from typing import ClassVar, Self

import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Values
from jaxsnn_noise.hardware.mosfet import MOSFET, thermal_voltage
from jaxsnn_noise.parameters import Part


class Bias(Part):
    """Abstract: what sets a bias current."""

    at_gate: ClassVar[bool] = False
    """Whether a gate voltage is what is fixed, so that a threshold that shifts for all of a die shifts the current; in a mirror both
    transistors shift, and the copy does not."""

    @abc.abstractmethod
    def log_ratio(self, transistor: MOSFET, temperature: Values, design: Values, overdrive: Values) -> Values:
        """``ln(I(T)/I(T_design))`` [1] of the nominal device."""

    def check_transistor(self, who: str, transistor: MOSFET) -> None:
        """Raise :class:`InputError` for a transistor whose table lacks what is needed."""

    @classmethod
    def example(cls) -> Self:
        return cls()


class FixedCurrent(Bias):
    """A reference current that does not depend on temperature, copied by mirrors."""

    def log_ratio(self, transistor: MOSFET, temperature: Values, design: Values, overdrive: Values) -> Values:
        del transistor, overdrive
        return jnp.zeros(jnp.broadcast_shapes(jnp.shape(temperature), jnp.shape(design)), jnp.float32)


class ProportionalToTemperature(Bias):
    """A reference current ``I ~ T`` (PTAT), copied by mirrors: time constants ``C U_T/(kappa I)`` then stay what they are."""

    def log_ratio(self, transistor: MOSFET, temperature: Values, design: Values, overdrive: Values) -> Values:
        del transistor, overdrive
        return jnp.log(temperature / design)


class FixedVoltage(Bias):
    r"""A gate voltage that does not depend on temperature: the current follows the threshold.

    .. math:: \ln\frac{I(T)}{I(T_0)} = (2 + m) \ln\frac{T}{T_0} + \frac{V_{ov} + \alpha (T - T_0)}{n U_T(T)} - \frac{V_{ov}}{n U_T(T_0)}

    with the mobility exponent :math:`m`, the fall :math:`\alpha` of the threshold per kelvin, both of the table, and the distance
    :math:`V_{ov} < 0` from threshold at :math:`T_0`.

    References: Enz, Krummenacher, Vittoz 1995, doi:10.1007/BF01239381.
    """

    at_gate: ClassVar[bool] = True

    def log_ratio(self, transistor: MOSFET, temperature: Values, design: Values, overdrive: Values) -> Values:
        exponent, falling = transistor.mobility_exponent, transistor.vth_tempco
        assert exponent is not None
        assert falling is not None
        above = overdrive + falling * (temperature - design)
        exponential = above / (transistor.n * thermal_voltage(temperature)) - overdrive / (
            transistor.n * thermal_voltage(design)
        )
        return (2.0 + exponent) * jnp.log(temperature / design) + exponential

    def check_transistor(self, who: str, transistor: MOSFET) -> None:
        for name in ("vth_tempco", "mobility_exponent"):
            if getattr(transistor, name) is None:
                rule = f"needs {name} of the transistor: the table of {transistor.process or 'the process'} does not have it"
                fail(f"{who}.bias", rule, type(self).__name__)
