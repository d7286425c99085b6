"""How a population joins what reaches it: the current from outside and the drives of its projections."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import ClassVar, Self

from jaxsnn_noise._typing import Values
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.signals import Drive
from jaxsnn_noise.synapses.projection import Projection


class Combine(Ranged):
    """The drive of a step from its parts, ``Population(combine=...)``. It has no memory: that of a synapse is its kinetics'.

    A member that gates, shunts or attends knows projections by their names, which are its static fields.
    """

    exact: ClassVar[bool] = False
    """Whether the compiler may do with the formula as it likes, since it holds no product. Else the engine evaluates it with
    every product rounded by itself, so that chunks of any size have the same bits.
    """

    @abc.abstractmethod
    def __call__(self, external: Drive, drives: Mapping[str, Drive], potential: Values) -> Drive:
        """The drive that the pre-filter, noise on the current and the neuron see.

        Args:
            external: The sum of the inputs of the population; a current of 0 where it has none.
            drives: From the names of all projections onto the population to their drives of this step, in the order of names.
                A drive has ``current`` [nA] and ``conductance`` [uS], ``None`` where the kinetics give none.
            potential: Of the neurons at the start of the step [neuron], in mV.
        """

    def check(self, who: str, projections: Mapping[str, Projection]) -> None:
        """Raise :class:`InputError` if it does not fit the projections onto the population, all of them by name.

        A rule that is not a sum refuses what it gives no meaning to: a name that is not there, a conductance in a product.
        """

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """An instance for the contract suite, where projections ``"a"``, ``"b"`` and ``"c"`` bring currents."""


class Sum(Combine):
    """``external + a + b + ...``, in the order of the names of the projections; the default."""

    exact: ClassVar[bool] = True

    def __call__(self, external: Drive, drives: Mapping[str, Drive], potential: Values) -> Drive:
        total = external
        for name in sorted(drives):
            total = total + drives[name]
        return total

    @classmethod
    def example(cls) -> Self:
        return cls()
