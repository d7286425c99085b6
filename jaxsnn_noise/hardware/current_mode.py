"""Parameters that transistor currents set: one current moves all of them that it is a factor of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail, finite, flag, one_of
from jaxsnn_noise._typing import Key, Leaf, Scalar, Values, as_float
from jaxsnn_noise.hardware.bias import Bias, FixedCurrent
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.joint import Scores
from jaxsnn_noise.hardware.leaves import check_extreme, check_path, leaf_of, with_leaves
from jaxsnn_noise.hardware.levels import check_level, farthest_of, level_of, wafer_of
from jaxsnn_noise.hardware.mosfet import MOSFET, thermal_voltage
from jaxsnn_noise.hardware.split import VarianceSplit
from jaxsnn_noise.parameters import Part, as_parameter, below, check_part, nonnegative, parameter, positive, real
from jaxsnn_noise.ranges import Range, kelvin

TEMPERATURE = "temperature"
Exponents = Mapping[str, float]


def dpi_leaves(population: str) -> dict[str, dict[str, float]]:
    """The leaves of a LIF population that a DPI membrane makes, with the currents that they are made of.

    ``tau_mem = C U_T/(kappa I_tau)``, ``resistance ~ I_th/I_tau``, ``v_threshold ~ I_spike``: the current ``tau`` is in two of them, so a
    slow neuron is one of large gain. The rest potential, ``-I_th`` in a DPI, is left alone.
    """
    cells = f"network.{population}.neuron."
    return {
        cells + "tau_mem": {"tau": -1.0, TEMPERATURE: 1.0},
        cells + "resistance": {"th": 1.0, "tau": -1.0},
        cells + "v_threshold": {"spike": 1.0},
    }


def dpi_currents(population: str) -> dict[str, dict[str, float]]:
    """The leaves of a population of :class:`~jaxsnn_noise.neurons.DPI` neurons: the currents themselves, and the temperature."""
    cells = f"network.{population}.neuron."
    found = {cells + f"i_{name}": {name: 1.0} for name in ("tau", "th", "spike")}
    return found | {cells + TEMPERATURE: {TEMPERATURE: 1.0}}


class ThresholdAgeing(Part):
    r"""A threshold that rises with age by a power law of the user's: :math:`\Delta V = V_1\,(t/t_1)^m`.

    For NBTI and hot carriers; no table that ships here has numbers for it.

    Args:
        shift_at: :math:`V_1`, the shift at the age ``at`` [mV], >= 0.
        exponent: :math:`m` [1], > 0.
        at: :math:`t_1` [s], > 0.
        age: :math:`t` [s], >= 0; a leaf, to be swept.

    References: Schroder 2007, doi:10.1016/j.microrel.2006.10.006 (NBTI as a power of time).

    Example:
        >>> float(ThresholdAgeing(shift_at=10.0, exponent=0.2, at=3.15e8, age=3.15e8).shift())
        10.0
    """

    shift_at: Leaf = parameter("mV", nonnegative)
    exponent: Leaf = parameter("1", positive)
    at: Leaf = parameter("s", positive)
    age: Leaf = parameter("s", nonnegative, default=0.0)

    def shift(self) -> Scalar:
        """The shift at this age [mV]."""
        old = self.age > 0
        ratio = jnp.where(old, self.age, 1.0) / self.at
        return jnp.where(old, self.shift_at * jnp.exp(self.exponent * jnp.log(ratio)), 0.0)

    @classmethod
    def example(cls) -> Self:
        return cls(shift_at=10.0, exponent=0.2, at=3e8, age=1e8)


def drawn_width(circuit: CurrentMode, *outer: Any) -> Range:
    """Such that the effective width is > 0."""
    return _drawn(circuit.transistor.extra_width)


def drawn_length(circuit: CurrentMode, *outer: Any) -> Range:
    """Such that the effective length is > 0."""
    return _drawn(circuit.transistor.extra_length)


def _drawn(extra: Scalar) -> Range:
    known = concrete(extra)
    return positive if known is None else Range(max(0.0, -float(f"{float(known):.6g}")), low_open=True)


def change_of_supply(circuit: CurrentMode, *outer: Any) -> Range:
    """Any where the table has ``supply_sensitivity``, else 0."""
    if circuit.transistor.supply_sensitivity is not None:
        return real
    return Range(
        0.0, 0.0, why=f"the table of {circuit.transistor.process or 'the transistor'} has no supply_sensitivity"
    )


class CurrentMode(Imperfection):
    r"""A circuit in weak inversion: leaves are products of powers of bias currents, each of a transistor of its own.

    .. math:: p_k \to p_k \left(\frac{T}{T_0}\right)^{e_{kT}} \prod_j \left(\frac{I_j}{I_{j0}}\right)^{e_{kj}}, \qquad
              \ln\frac{I_j}{I_{j0}} = b(T) + \sigma(W_j, L_j, T)\, z_j + \ldots

    The nominal values of the network are those of the design at :math:`T_0`. What a bias does over temperature, :math:`b`, is said by
    ``bias``; the spread :math:`\sigma` is that of :meth:`MOSFET.log_spread`. Each current has one score per neuron (or synapse), so
    leaves that have it in common deviate together: with :func:`dpi_leaves` a time constant 10 % too long is a gain 10 % too high.
    Currents are log-normal with the nominal one as their median.

    Size and temperature are leaves: sweep them, or differentiate with respect to them, with the same chips.

    Args:
        leaves: From paths of leaves to exponents by current, ``"temperature"`` among them; such as :func:`dpi_leaves` gives.
        transistor: Of all these currents; from a process table.
        width: Drawn width [um], > 0: one number, or from currents to numbers.
        length: Drawn length [um], > 0, likewise.
        per: As of :class:`Mismatch`: to what a score belongs.
        temperature: [K].
        design_temperature: That of the nominal values [K].
        overdrive: ``V_GS - V_th - V_off`` at the design temperature [mV], < 0.
        bias: :class:`FixedCurrent` (the default), :class:`ProportionalToTemperature` or :class:`FixedVoltage`.
        die_to_die: Whether dies differ as the table says of corners. Acts on what a gate voltage fixes alone, ``FixedVoltage``: in a mirror
            both transistors shift.
        supply_change: Of the supply [V]; other than 0 for a transistor with ``supply_sensitivity`` alone.
        ageing: A power law of the user's; ``None``: none.
        axis: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: a temperature in degrees Celsius; a supply, a corner or a bias that the table has no entry for; a current that no
            leaf has; a size whose effective area is none.

    References: Indiveri et al. 2011, doi:10.3389/fnins.2011.00073; Chicca, Stefanini, Bartolozzi, Indiveri 2014,
    doi:10.1109/JPROC.2014.2313954 (DPI circuits); Pelgrom, Duinmaijer, Welbers 1989, doi:10.1109/JSSC.1989.572629.

    Example:
        >>> nfet = MOSFET(vth=3.356, voff=7.0, n=1.36)
        >>> CurrentMode(dpi_leaves("cells"), nfet, width=2.0, length=2.0, per="neuron").currents
        ('spike', 'tau', 'th')
    """

    stage: ClassVar[Stage] = Stage.FABRICATED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    paths: tuple[str, ...] = eqx.field(static=True)
    exponents: tuple[tuple[tuple[str, float], ...], ...] = eqx.field(static=True)
    currents: tuple[str, ...] = eqx.field(static=True)
    transistor: MOSFET
    width: Leaf = parameter("um", drawn_width, shape=None)
    length: Leaf = parameter("um", drawn_length, shape=None)
    temperature: Leaf = parameter("K", kelvin, default=300.0)
    design_temperature: Leaf = parameter("K", kelvin, default=300.0)
    overdrive: Leaf = parameter("mV", below(0.0), default=-100.0)
    bias: Bias = FixedCurrent()
    supply_change: Leaf = parameter("V", change_of_supply, default=0.0)
    ageing: ThresholdAgeing | None = None
    split: VarianceSplit | None = None
    per: str = eqx.field(static=True, default="neuron")
    die_to_die: bool = eqx.field(static=True, default=False)
    axis: str = eqx.field(static=True, default="device")

    def __init__(
        self,
        leaves: Mapping[str, Exponents],
        transistor: MOSFET,
        *,
        width: Any,
        length: Any,
        per: str | VarianceSplit,
        temperature: Any = 300.0,
        design_temperature: Any = 300.0,
        overdrive: Any = -100.0,
        bias: Bias | None = None,
        die_to_die: bool = False,
        supply_change: Any = 0.0,
        ageing: ThresholdAgeing | None = None,
        axis: str = "device",
    ):
        self.per, self.split = level_of("CurrentMode.per", per)
        self.paths, self.exponents = _exponents(leaves)
        named = {name for one in self.exponents for name, _ in one} - {TEMPERATURE}
        self.currents = tuple(sorted(named))
        if not named:
            fail("CurrentMode.leaves", "must have a current in some leaf", leaves)
        self.transistor, self.axis = transistor, axis
        self.width = _sizes("CurrentMode.width", width, self.currents)
        self.length = _sizes("CurrentMode.length", length, self.currents)
        self.temperature, self.design_temperature = temperature, design_temperature
        self.overdrive, self.supply_change, self.ageing = overdrive, supply_change, ageing
        self.bias = FixedCurrent() if bias is None else bias
        self.die_to_die = flag("CurrentMode.die_to_die", die_to_die)

    def __check_init__(self) -> None:
        who, made_of = "CurrentMode", self.transistor
        check_part(who, self)
        self.bias.check_transistor(who, made_of)
        table = made_of.process or "the transistor"
        if self.die_to_die and not made_of.has_corner():
            fail(
                f"{who}.die_to_die", f"needs global_vth in the table of {table}: it does not say how dies differ", True
            )
        for name, wanted in (("die_to_die", self.die_to_die), ("ageing", self.ageing is not None)):
            if wanted and not self.bias.at_gate:
                rule = f"needs bias=FixedVoltage(): in a mirror both transistors shift, and {type(self.bias).__name__} stays"
                fail(f"{who}.{name}", rule, wanted)

    @property
    def wafer(self) -> str | None:
        return wafer_of(self.split)

    def log_spread(self) -> Values:
        """Standard deviation of ``ln I`` [1] of each of the currents, at this size and temperature."""
        found = self.transistor.log_spread(self.width, self.length, self.temperature, self.overdrive)
        return jnp.broadcast_to(found, (len(self.currents),))

    def summary(self) -> str:
        made_of = self.transistor
        corner = f", corner {made_of.corner}" if made_of.corner else ""
        bias = f"{type(self.bias).__name__}{', dies differ' if self.die_to_die else ''}"
        return f"{super().summary()} by {made_of.process} {made_of.name or 'MOSFET'}{corner}; {bias}"

    def apply(self, network: Any, key: Key) -> Any:
        return self.apply_on_wafer(network, key, None)

    def apply_on_wafer(self, network: Any, key: Key, wafer: Key | None) -> Any:
        scores = Scores(network, key, wafer, self.per, self.split, self.currents)
        spread, common = self.log_spread(), self._common(key)
        changed = {}
        for path, exponents in zip(self.paths, self.exponents, strict=True):
            drawn = scores(path) if any(name != TEMPERATURE for name, _ in exponents) else ()
            total = jnp.zeros(leaf_of(network, path).shape, jnp.float32)
            for name, exponent in exponents:
                if name == TEMPERATURE:
                    total = total + exponent * jnp.log(self.temperature / self.design_temperature)
                else:
                    index = self.currents.index(name)
                    total = total + exponent * (common + spread[index] * drawn[index])
            changed[path] = leaf_of(network, path) * jnp.exp(total)
        return with_leaves(network, changed)

    def _common(self, key: Key) -> Scalar:
        """``ln(I/I_0)`` of what all currents of a die have in common."""
        made_of, temperature = self.transistor, self.temperature
        total = self.bias.log_ratio(made_of, temperature, self.design_temperature, self.overdrive)
        if self.die_to_die:
            score = random.normal(random.tick(random.stream(key, "die"), 0), random.shared())[0]
            total = total + made_of.die_spread(temperature) * lax.optimization_barrier(score)
        if made_of.supply_sensitivity is not None:
            total = total + made_of.supply_sensitivity * self.supply_change
        if self.ageing is not None:
            total = total - self.ageing.shift() / (made_of.n * thermal_voltage(temperature))
        return total

    def check(self, who: str, network: Any) -> None:
        self.__check_init__()
        reach = farthest_of(self.split)
        spread = concrete(self.log_spread())
        for path, exponents in zip(self.paths, self.exponents, strict=True):
            leaf = check_path(who, network, path)
            check_level(f"{who}.per", self.per, self.split, network, path)
            if spread is not None:
                far = sum(
                    abs(e) * float(spread[self.currents.index(name)]) for name, e in exponents if name != TEMPERATURE
                )
                for sign in (-1.0, 1.0):
                    check_extreme(who, network, path, leaf * jnp.exp(sign * far * as_float(reach)))

    @classmethod
    def example(cls) -> Self:
        leaves = {"network.cells.neuron.tau_mem": {"tau": -1.0, TEMPERATURE: 1.0}}
        return cls(leaves, MOSFET(vth=3.356, n=1.36), width=4.0, length=2.0, per="neuron")


def _exponents(leaves: Any) -> tuple[tuple[str, ...], tuple[tuple[tuple[str, float], ...], ...]]:
    if not isinstance(leaves, Mapping) or not leaves or not all(isinstance(path, str) for path in leaves):
        fail(
            "CurrentMode.leaves", "must map paths of leaves to exponents by current, as dpi_leaves(population)", leaves
        )
    for path, exponents in leaves.items():
        who = f"CurrentMode.leaves[{path!r}]"
        if not isinstance(exponents, Mapping) or not exponents or not all(isinstance(name, str) for name in exponents):
            fail(who, "must map names of currents to exponents", exponents)
        for name, value in exponents.items():
            finite(f"{who}[{name!r}]", value)
    return tuple(leaves), tuple(tuple((n, float(e)) for n, e in sorted(one.items())) for one in leaves.values())


def _sizes(who: str, given: Any, currents: tuple[str, ...]) -> Values:
    """One number, or one for each of the currents in their order."""
    if isinstance(given, Mapping):
        for name in given:
            one_of(who, name, currents)
        if missing := [name for name in currents if name not in given]:
            fail(who, "must have a number for each current", given, known=missing)
        given = [given[name] for name in currents]
    array = as_parameter(who, given)
    if array.shape not in ((), (len(currents),)):
        fail(who, f"must be one number, or one for each of {', '.join(currents)} [um]", array.shape)
    return array
