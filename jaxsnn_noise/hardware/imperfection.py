"""Static imperfections: pure maps from a network to the network that a device really is."""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key
from jaxsnn_noise.parameters import Ranged


class Stage(enum.IntEnum):
    """When in the life of a chip an imperfection arises; a later one acts on what earlier ones left."""

    PROGRAMMED = 0
    """What is written to the chip is not what was wanted: a few bits per weight. The controller knows nominal values only."""
    FABRICATED = 1
    """What was made does something else with it: mismatch."""
    AGED = 2
    """It has changed since: drift."""
    FAILED = 3
    """It does not answer any more, whatever it was: stuck, dead."""


WAFER = "wafer"
"""Name of the axis of what several devices share."""


class Imperfection(Ranged):
    """A pure map ``(network, key) -> network``, applied inside the simulation with the key of the device.

    Several act in the order of their stages, and within a stage in the order of their names.

    A member has a static field ``axis``, ``"device"`` by default, or a property that is ``None`` where it draws nothing, so that
    all devices are alike. It says of itself, as class variables:

    - ``stage``: a :class:`Stage`.
    - ``switches_off``: whether some leaf is its strength: at zero the network stays as it is, to the bit, and the same devices
      get worse as it grows.
    - ``absolute``: whether it sets values whatever the nominal ones are. Any other changes what it finds.
    """

    stage: eqx.AbstractClassVar[Stage]
    switches_off: eqx.AbstractClassVar[bool]
    absolute: eqx.AbstractClassVar[bool]

    @property
    @abc.abstractmethod
    def axis(self) -> str | None:
        """The Monte Carlo axis on which it is redrawn; ``None`` where it draws nothing."""

    @property
    def idle(self) -> bool:
        """Whether it is known to leave every value of the network as it is, so that checks need not try it."""
        return False

    @property
    def wafer(self) -> str | None:
        """The axis of what several devices share, ``"wafer"``; ``None`` where they share nothing."""
        return None

    @abc.abstractmethod
    def apply(self, network: Any, key: Key) -> Any:
        """The network of this device."""

    def apply_on_wafer(self, network: Any, key: Key, wafer: Key) -> Any:
        """The network of this device on its wafer; written, and asked, where ``wafer`` is not ``None``."""
        del wafer
        return self.apply(network, key)

    def summary(self) -> str:
        """What it is and what of the network it changes, for reports."""
        several = ", ".join(getattr(self, "paths", ()))
        return f"{type(self).__name__} of {getattr(self, 'path', several or 'the network')}"

    @abc.abstractmethod
    def check(self, who: str, network: Any) -> None:
        """Raise :class:`InputError` if the imperfection does not fit the network, as earlier ones that draw nothing left it."""

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite: a population ``cells`` of LIF neurons, a projection ``recurrent`` of them."""


def check_all(imperfections: Mapping[str, Any], network: Any) -> None:
    """Every imperfection is one, has a stage, and fits the network as it finds it, as far as that is the same on every device."""
    for name, imperfection in imperfections.items():
        if not isinstance(imperfection, Imperfection):
            fail(f"imperfections.{name}", "must be an imperfection, e.g. hardware.Mismatch(...)", imperfection)
        stage: Any = imperfection.stage
        if not isinstance(stage, Stage):
            known = [f"Stage.{s.name}" for s in Stage]
            fail(f"imperfections.{name}.stage", "must be a hardware.Stage", stage, known=known)
    for name in in_order(imperfections):
        imperfections[name].check(f"imperfections.{name}", network)
        if imperfections[name].axis is None and not imperfections[name].idle:
            network = imperfections[name].apply(network, random.root(0))


def in_order(imperfections: Mapping[str, Any]) -> list[str]:
    """The names of imperfections in the order in which they act."""
    return sorted(imperfections, key=lambda name: (imperfections[name].stage, name))
