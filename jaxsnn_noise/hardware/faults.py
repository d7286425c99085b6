"""What all faults share: they arise when a chip fails, at sites of layers."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, ClassVar

from jaxtyping import Array, Bool

from jaxsnn_noise._checks import fail, names
from jaxsnn_noise._typing import Key
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.sites import Shapes, Sites

if TYPE_CHECKING:
    Layers = (
        Any  # a type checker does not see that the field's converter makes a tuple of a name, and sites of a fraction
    )
    Placed = Any
else:
    Layers = tuple[str, ...]
    Placed = Sites


class Faults(Imperfection):
    """Abstract: sites of layers that have failed, each layer a population or a leaf.

    A member says which sites there are, and what becomes of those that have failed. With :class:`SingleSite` nothing is drawn of
    where they are, and ``AllSites`` or ``RandomSites`` run a campaign.
    """

    stage: ClassVar[Stage] = Stage.FAILED
    switches_off: ClassVar[bool] = True
    counted: ClassVar[tuple[str, ...]]
    """What the dimensions of the sites of a layer are, for the labels of campaigns."""

    if TYPE_CHECKING:

        @property
        def sites(self) -> Sites:
            """Where they are: every member has it as a field, after its layers."""

        @property
        def over(self) -> str:
            """The axis on which devices are drawn: every member has it as its last field."""

    @property
    def axis(self) -> str | None:
        """The axis on which devices are drawn; ``None`` where all are alike."""
        return self.over if self.draws else None

    @property
    def draws(self) -> bool:
        """Whether devices differ in it."""
        return self.sites.draws

    @property
    def idle(self) -> bool:
        """Whether it is known to be nowhere, as those of campaigns are before an axis moves them."""
        return self.sites.nowhere

    @abc.abstractmethod
    def shapes(self, network: Any) -> Shapes:
        """From the name of each layer to the shape of its sites."""

    def chosen(self, network: Any, key: Key) -> dict[str, Bool[Array, "..."]]:
        """Whether each site has failed, by layer."""
        shapes = self.shapes(network)
        return {layer: self.sites.chosen(key, shapes, layer) for layer in shapes}


def layers_of(who: str, value: Any) -> tuple[str, ...]:
    """The names of layers, each once."""
    found = names(who, value)
    if not found or len(set(found)) < len(found) or not all(found):
        fail(who, "must name at least one layer, and each once", value)
    return found
