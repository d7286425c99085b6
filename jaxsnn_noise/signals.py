"""What the parts of a step hand each other: seams and their contexts, frames, and what a statistic knows of the run."""

from __future__ import annotations

import enum

import equinox as eqx
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import one_of
from jaxsnn_noise._typing import Values

VARIABLES = ("spikes", "output", "v", "current", "threshold")
"""What a frame shows of each neuron, by name."""

UNITS = {"spikes": "1", "output": "1", "v": "mV", "current": "nA", "threshold": "mV"}
"""The unit of each variable of a frame."""


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


class Frame(eqx.Module):
    """What a population shows of one step: after all noise, before the reset.

    Args:
        spikes: [neuron] clean spikes, 0 or 1 [1].
        output: [neuron] what targets receive: the spikes, graded where spike noise acts [1].
        v: [neuron] membrane potential as compared with the threshold [mV].
        current: [neuron] total input current of the step [nA].
        threshold: [neuron] threshold as compared with the membrane potential [mV].
        index: the measured step, 0 .. steps - 1 (int32).

    When a stored raster is folded, a variable that was not stored is NaN.
    """

    spikes: Float[Array, " neuron"]
    output: Float[Array, " neuron"]
    v: Float[Array, " neuron"]
    current: Float[Array, " neuron"]
    threshold: Float[Array, " neuron"]
    index: Int[Array, ""]

    def variable(self, name: str) -> Float[Array, " neuron"]:
        """The variable of that name (see :data:`VARIABLES`).

        Raises:
            InputError: the name is none of the variables.
        """
        one_of("Frame.variable", name, VARIABLES)
        value: Array = getattr(self, name)
        return value


class About(eqx.Module):
    """What a statistic knows of the whole measurement before it starts.

    Args:
        size: number of neurons.
        steps: number of measured steps (of the whole measurement).
        dt: length of a step [ms].
        fan_out: [neuron] number of synapses that a spike of the neuron drives; ``None`` if unknown.
    """

    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    fan_out: Float[Array, " neuron"] | None = None

    @property
    def duration(self) -> float:
        """Length of the measurement [ms]."""
        return self.steps * self.dt
