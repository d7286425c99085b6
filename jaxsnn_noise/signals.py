"""What the parts of a step hand each other: seams and their contexts, drives, crossings and decisions, frames."""

from __future__ import annotations

import enum
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import one_of
from jaxsnn_noise._typing import PerNeuron, Values

DECISIONS = ("probability", "log_probability", "surprise")
"""What a frame shows of the decisions to fire, for those statistics that read it."""

VARIABLES = ("spikes", "output", "v", "current", "threshold", "inside", *DECISIONS)
"""What a frame shows of each neuron, by name."""

UNITS = {
    "spikes": "1",
    "output": "1",
    "v": "mV",
    "current": "nA",
    "threshold": "mV",
    "inside": "ms",
    "probability": "1",
    "log_probability": "1",
    "surprise": "1",
}
"""The unit of each variable of a frame."""


class Seam(enum.Enum):
    """Where noise enters a time step, in the order of the step; the value is (name, unit of the quantity there)."""

    RELEASE = ("release", "1")
    CURRENT = ("current", "nA")
    VOLTAGE = ("voltage", "mV")
    THRESHOLD = ("threshold", "mV")
    SPIKE = ("spike", "1")

    @property
    def units(self) -> str:
        """Unit of the quantity at this seam."""
        return self.value[1]

    @property
    def white(self) -> str | None:
        """Unit of the intensity of a diffusion at this seam; ``None`` where there is none."""
        return {"voltage": "mV/sqrt(ms)", "current": "nA sqrt(ms)"}.get(self.value[0])


class Context(eqx.Module):
    """What the engine hands a source: the unperturbed value at its seam and the units of a diffusion there.

    Attributes:
        value: The quantity at the seam before any noise of this step [neuron], in the unit of the seam.
        white: What unit white noise adds in one step: ``diffuse(drive, dt)`` at the voltage seam, ``1/sqrt(dt)`` at the
            current seam; ``None`` where white noise has no limit for small steps.
        step: The same where the amplitude depends on the state: ``sqrt(dt)`` at the voltage seam, as for ``white`` else.
        rate: What a quantity held over the step adds per unit: ``dt`` at the voltage seam, 1 at the current seam.
    """

    value: Values
    white: Values | None = None
    step: Values | None = None
    rate: Values | None = None


class Conditional(eqx.Module):
    """A perturbation taken apart: ``shift + std z``, with a private standard normal ``z`` for each neuron.

    Attributes:
        shift: What is given without ``z``: the shared part of the noise [neuron].
        std: Standard deviation of the private part [neuron], >= 0, in the unit of the seam.
        z: The private standard normals of this step [neuron].
        memory: The source's next memory, as ``draw`` returns it.
    """

    shift: Values
    std: Values
    z: Values
    memory: Any


class Drive(eqx.Module):
    """What reaches a neuron in a step, affine in its potential: ``I(v) = current - conductance v``.

    Attributes:
        current: [neuron] in nA.
        conductance: [neuron] in uS, >= 0; ``None`` (a part of the structure) where nothing gives a conductance.
    """

    current: Values
    conductance: Values | None = None

    def at(self, potential: Values) -> Values:
        """The current [nA] at a potential [mV]."""
        return self.current if self.conductance is None else self.current - self.conductance * potential

    def __add__(self, other: Drive) -> Drive:
        """Both drives at once."""
        if self.conductance is None or other.conductance is None:
            either = other.conductance if self.conductance is None else self.conductance
            return Drive(self.current + other.current, either)
        return Drive(self.current + other.current, self.conductance + other.conductance)


class Seen(eqx.Module):
    """What a projection and its kinetics may see of the neurons: potentials at the start of the step. Unread, it is free.

    Attributes:
        source_potential: [source] in mV; ``None`` where the source is a port, or runs in another scan.
        target_potential: [target] in mV.
    """

    source_potential: Values | None
    target_potential: Values


class Path(eqx.Module):
    """How a linear membrane moves between the ends of a step: ``tau dv/dt = v_inf - v`` and white Gaussian noise.

    Attributes:
        std: Standard deviation that the white noise of the membrane gathers in the free part of the step [neuron], in the unit of
            the margin.
        free: How much of the step the membrane is free, its last part [ms].
        tau: Time constant under the drive [ms].
    """

    std: Values
    free: Values | float
    tau: Values


class Crossing(eqx.Module):
    """What a firing rule sees at the end of a step.

    Attributes:
        margin: Potential minus threshold, all noise included [neuron], in the unit of the neuron's potential.
        before: The margin at the end of the last step, after its reset [neuron].
        ready: 1 where the membrane is free, 0 where it is held [neuron].
        expected: The margin without the private part of the deciding noise [neuron]; ``None`` unless somebody asks.
        std: Standard deviation of that private part, in the unit of the margin [neuron]; ``None`` unless somebody asks.
        path: How the membrane moves within the step; ``None`` unless the rule looks between the ends.
        probabilities: Whether anybody reads the probabilities of the decision.
    """

    margin: PerNeuron
    before: PerNeuron
    ready: PerNeuron
    expected: PerNeuron | None = None
    std: Values | None = None
    probabilities: bool = eqx.field(static=True, default=False)
    path: Path | None = None


class Failure(eqx.Module):
    """Outputs of neurons that are held at a level, permanently or for a time.

    Attributes:
        level: What leaves the neuron [neuron], in [0, 1]; of neurons that never fire their potential [mV]. NaN where it is healthy.
        start: When it begins [ms], counted from the start of the run.
        duration: How long it lasts [ms]; ``None`` (a part of the structure): for ever.
    """

    level: Values
    start: Values
    duration: Values | None = None

    def held(self, step: Array, dt: float) -> Values:
        """The level in a step [neuron], NaN where the output follows the neuron."""
        if self.duration is None:
            return self.level
        return jnp.where(lasts(self.start, self.duration, step, dt), self.level, jnp.nan)


class WeightFailure(eqx.Module):
    """Weights of a projection that are others for a time.

    Attributes:
        projection: Its name.
        chosen: Which weights, in their shape.
        values: What they are, in their unit.
        start: When it begins [ms], counted from the start of the run.
        duration: How long it lasts [ms].
    """

    projection: str = eqx.field(static=True)
    chosen: Array
    values: Values
    start: Values
    duration: Values


def lasts(start: Values, duration: Values, step: Array, dt: float) -> Array:
    """Whether a step lies in a span of time [ms]; its ends are at the nearest steps."""
    first, last = jnp.round(start / dt), jnp.round((start + duration) / dt)
    now = step.astype(jnp.float32)
    return (now >= first) & (now < last)


class Decision(eqx.Module):
    """What a firing rule says.

    Attributes:
        spikes: 0 or 1 [neuron].
        probability: Of a spike, given all but the private part of the deciding noise [neuron].
        log_probability: Logarithm of the probability of what was decided [neuron].
        inside: Time of the spike within the step, in (0, dt] ms [neuron]; of no meaning where there is none. ``None``: spikes
            lie at the end of the step.
    """

    spikes: PerNeuron
    probability: PerNeuron | None = None
    log_probability: PerNeuron | None = None
    inside: PerNeuron | None = None


class Frame(eqx.Module):
    """What a population shows of one step: after all noise, before the reset.

    Args:
        spikes: [neuron] clean spikes, 0 or 1 [1].
        output: [neuron] what targets receive: the spikes, graded where spike noise acts [1].
        v: [neuron] membrane potential as compared with the threshold [mV].
        current: [neuron] total input current of the step [nA]; of a conductance that at the potential of the step's start.
        threshold: [neuron] threshold as compared with the membrane potential [mV].
        index: the measured step, 0 .. steps - 1 (int32).
        probability: [neuron] of a spike, given all but the private part of the deciding noise; 0 where held [1].
        log_probability: [neuron] logarithm of the probability of what was decided; 0 where held [1].
        surprise: [neuron] where the deciding noise acts on the membrane and there was no spike, its normal minus what that
            normal is on average without a spike; else 0 [1].
        inside: [neuron] time of the spike within the step, in (0, dt]; 0 where there is none [ms]. ``None`` where the firing rule
            tells none, and spikes lie at the end of the step.
        state: of the neurons, after the flow and all noise, before the reset.
        recorded: from dotted names to what statistics read beside these [neuron].

    The probabilities and the surprise are ``None`` unless a statistic of the population reads them. When a stored raster is
    folded, a variable that was not stored is NaN.
    """

    spikes: Float[Array, " neuron"]
    output: Float[Array, " neuron"]
    v: Float[Array, " neuron"]
    current: Float[Array, " neuron"]
    threshold: Float[Array, " neuron"]
    index: Int[Array, ""]
    probability: Float[Array, " neuron"] | None = None
    log_probability: Float[Array, " neuron"] | None = None
    surprise: Float[Array, " neuron"] | None = None
    inside: Float[Array, " neuron"] | None = None
    state: Any = None
    recorded: dict[str, Float[Array, " neuron"]] = eqx.field(default_factory=dict)

    def variable(self, name: str) -> Float[Array, " neuron"]:
        """The variable of that name: one of :data:`VARIABLES`, or a dotted one that is recorded.

        Raises:
            InputError: the name is none of the variables.
        """
        if "." in name:
            one_of("Frame.variable", name, self.recorded)
            return self.recorded[name]
        one_of("Frame.variable", name, VARIABLES)
        value: Array = getattr(self, name)
        return value


class Watched(eqx.Module):
    """What a projection shows of one step to the statistics that watch it, before it learns.

    Args:
        index: the measured step, 0 .. steps - 1 (int32).
        recorded: from names to what a statistic reads [source], [target] or [synapse].
    """

    index: Int[Array, ""]
    recorded: dict[str, Float[Array, " entry"]]

    def variable(self, name: str) -> Float[Array, " entry"]:
        """The variable of that name."""
        return self.recorded[name]


class About(eqx.Module):
    """What a statistic knows of the whole measurement before it starts.

    Args:
        size: number of neurons (or of what else the entries of the watched variable belong to).
        steps: number of measured steps (of the whole measurement).
        dt: length of a step [ms].
        fan_out: [neuron] number of synapses that a spike of the neuron drives; ``None`` if unknown.
        inside: whether frames tell the times of spikes within their steps.
    """

    size: int = eqx.field(static=True)
    steps: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    fan_out: Float[Array, " neuron"] | None = None
    inside: bool = eqx.field(static=True, default=False, kw_only=True)

    @property
    def duration(self) -> float:
        """Length of the measurement [ms]."""
        return self.steps * self.dt


def no_drive(size: int) -> Drive:
    """A drive of nothing."""
    return Drive(jnp.zeros(size, jnp.float32))
