"""The seams of a time step, and what a source is told about its seam."""

from __future__ import annotations

import enum

import equinox as eqx

from jaxsnn_noise._typing import Values


class Seam(enum.Enum):
    """Where noise enters a time step, in the order of the step; the value is (name, unit of the quantity there)."""

    RELEASE = ("release", "1")
    CURRENT = ("current", "nA")
    VOLTAGE = ("voltage", "mV")
    THRESHOLD = ("threshold", "mV")
    SPIKE = ("spike", "1")

    @property
    def unit(self) -> str:
        """Unit of the quantity at this seam."""
        return self.value[1]


class Context(eqx.Module):
    """What the engine hands a source: the unperturbed value at its seam and the units of a diffusion there.

    Attributes:
        value: The quantity at the seam before any noise of this step [neuron], in the unit of the seam.
        white: What unit white noise adds in one step: ``diffuse(dt)`` at the voltage seam, ``1/sqrt(dt)`` at the current
            seam; ``None`` where white noise has no limit for small steps.
        step: The same where the amplitude depends on the state: ``sqrt(dt)`` at the voltage seam, as for ``white`` else.
        rate: What a quantity held over the step adds per unit: ``dt`` at the voltage seam, 1 at the current seam.
    """

    value: Values
    white: Values | None = None
    step: Values | None = None
    rate: Values | None = None
