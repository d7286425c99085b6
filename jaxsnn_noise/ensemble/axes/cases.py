"""Variants that differ in structure: what a study simulates in place of one simulation."""

from __future__ import annotations

from collections.abc import Mapping

import equinox as eqx

from jaxsnn_noise._checks import fail, named
from jaxsnn_noise._checks import name as text
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.kinds import check_fields


class Cases(eqx.Module):
    """Simulations that differ in structure (noise kind, model, dt), as one labelled dimension; one compilation each.

    The first argument of ``monte_carlo``, in place of a simulation; its dimension is the first one of the result. All
    cases see the same addresses, hence common random numbers where their streams have the same names.

    Args:
        simulations: From the name of a case to its simulation.
        name: Name of the dimension.
    """

    simulations: dict[str, Simulation]
    name: str = eqx.field(static=True)

    def __init__(self, simulations: Mapping[str, Simulation], *, name: str = "case"):
        named("Cases.simulations", simulations, "simulations")
        self.simulations = dict(simulations or {})  # in the order in which they are given
        self.name = text("Cases.name", name)
        if not simulations:
            fail("Cases", "needs at least one simulation", simulations)
        check_fields("Cases", self)

    @property
    def size(self) -> int:
        """Number of cases."""
        return len(self.simulations)
