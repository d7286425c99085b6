"""The protocol of every statistic: a fold over time steps, ``init -> update ... update -> finalize``.

A statistic never sees a train. It sees one :class:`Frame` per measured step and keeps an accumulator of O(neurons) or
O(bins x neurons), so a run of any length needs the memory of one step. The same object runs inside the simulation loop
and over a stored raster (:func:`jaxsnn_noise.statistics.over_raster`), with the same bits.

Time is the measured step ``index`` = 0 .. steps - 1; warm-up steps are never shown. A spike fired, and a voltage
observed, in step ``index`` belong to the *end* of that step: to the time ``(index + 1) * dt`` [ms] after the start of
the measurement.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar, Self

from jaxsnn_noise._checks import fail
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.signals import UNITS as UNITS
from jaxsnn_noise.signals import VARIABLES as VARIABLES
from jaxsnn_noise.signals import About as About
from jaxsnn_noise.signals import Frame as Frame
from jaxsnn_noise.signals import Watched as Watched


class Statistic(Ranged):
    """Abstract: a fold over the steps of one population of one member (one trial of one device).

    ``population`` names the population that is watched; ``None`` means the only one there is. Members are trials,
    devices and samples; a statistic is written for one of them and is batched from outside.
    """

    exact: ClassVar[bool] = True
    """Whether parts of a measurement merge to the bits of the whole, as sums of whole numbers and choices do.

    Sums of real numbers merge within rounding.
    """

    from_start: ClassVar[bool] = False
    """Whether it sees the warm-up, too: its steps are then those of the whole run."""

    jumps: ClassVar[bool] = False
    """Whether its result jumps where what it reads moves smoothly: no derivative passes, and estimators that need one refuse it."""

    @property
    @abc.abstractmethod
    def population(self) -> str | None:
        """The population that is watched: a static field of every member, ``None`` by default."""

    @property
    def projection(self) -> str | None:
        """The projection that is watched in place of a population; a static field of those members that can."""
        return None

    def on(self, projection: Any) -> Self:
        """The same statistic, told which projection it watches."""
        del projection
        return self

    def of(self, population: str) -> Self:
        """The same statistic of the named population."""
        field: dict[str, Any] = {"population": population}
        return dataclasses.replace(self, **field)

    @property
    def reads(self) -> tuple[str, ...]:
        """The frame variables that ``update`` looks at (and ``"fan_out"`` if it needs it)."""
        return ("spikes",)

    @property
    @abc.abstractmethod
    def units(self) -> dict[str, str]:
        """Field of the result -> unit; the field is ``""`` where the result is one array.

        ``{name}`` stands for the unit of a recorded variable, which the network knows.
        """

    @abc.abstractmethod
    def init(self, about: About) -> Any:
        """The accumulator before the first step; it is also the neutral element of ``merge``.

        Raises:
            InputError: the statistic cannot be taken of this measurement.
        """

    @abc.abstractmethod
    def update(self, acc: Any, frame: Frame, about: About) -> Any:
        """The accumulator after one more step. Frames come in order of ``frame.index``, without gaps."""

    @abc.abstractmethod
    def merge(self, a: Any, b: Any, about: About) -> Any:
        """The accumulator of two adjoining stretches of one measurement, ``b`` after ``a``.

        Both were started by ``init(about)`` of the whole measurement and saw their own indices of it.
        """

    @abc.abstractmethod
    def finalize(self, acc: Any, about: About) -> Any:
        """The result: an array, or a module whose fields are arrays."""

    @abc.abstractmethod
    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        """Field of the result -> names of its dimensions; the field is ``""`` for a result of one array."""

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        """Dimension -> its coordinate values (plain numbers); a dimension left out counts from 0."""
        del about
        return {}

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests and the reference."""


class OfNeurons(Statistic):
    """Abstract: every field of the result has one entry per neuron, and the class needs no arguments."""

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return dict.fromkeys(self.units, ("neuron",))

    @classmethod
    def example(cls) -> Self:
        return cls()


ROOTS = ("state", "noise", "drive", "kinetics")
"""Where dotted names of recorded variables start."""


def unit_of(variable: str) -> str:
    """The unit of a variable, or what stands for it where the network knows it."""
    return UNITS.get(variable, f"{{{variable}}}")


def field_of(variable: str) -> str:
    """The field of a result that holds a variable: ``state.lift`` becomes ``state_lift``."""
    return variable.replace(".", "_")


def check_variable(who: str, name: Any, projection: str | None) -> None:
    """The name is one that can be recorded at all; whether the network has it, the simulation checks.

    Raises:
        InputError: no name of a variable, with near matches.
    """
    known = ["release"] if projection is not None else list(VARIABLES)
    dotted = isinstance(name, str) and "." in name and all(part.isidentifier() for part in name.split("."))
    if name not in known and not (dotted and name.split(".")[0] in ROOTS):
        fail(who, "unknown name", name, known=[*known, *(f"{root}.<name>" for root in ROOTS)])
