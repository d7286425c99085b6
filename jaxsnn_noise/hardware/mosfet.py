"""A transistor in weak inversion: how much two drawn alike differ in their current, and what temperature does to it."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, Scalar, Values, as_float
from jaxsnn_noise.parameters import Part, above, nonnegative, parameter, real
from jaxsnn_noise.roots import square_root

BOLTZMANN_OVER_CHARGE = 0.08617333
"""k/q [mV/K]."""


def thermal_voltage(temperature: Values | float) -> Values:
    """``k T/q`` [mV]: 25.85 at 300 K."""
    return BOLTZMANN_OVER_CHARGE * jnp.asarray(temperature, jnp.float32)


class MOSFET(Part):
    r"""What a process table says of one transistor: the spread of its current in weak inversion, and how that depends on temperature.

    There :math:`I = I_0 \frac{W}{L} e^{(V_{GS} - V_{th} - V_{off})/(n U_T)}`, so the logarithm of the current of one of many that are drawn
    alike has the variance

    .. math:: \sigma^2(\ln I) = \frac{1}{A}\left[\frac{a_{vth}^2 + a_{voff}^2}{(n U_T)^2}
        + \left(\frac{V_{ov}}{n^2 U_T}\frac{dn}{d\,nfactor}\,a_{nfactor}\right)^2 + (s_{tox}\,a_{tox})^2 + a_{gain}^2\right]
        + \frac{\sigma_W^2}{W^2} + \frac{\sigma_L^2}{L^2}

    with the effective area :math:`A = (W + w)(L + l)` and the distance :math:`V_{ov} = V_{GS} - V_{th} - V_{off} < 0` from threshold.
    Terms are independent. That of the voltages falls with 1/T, which is what makes cold circuits match worse. All of it is first order
    in weak inversion; nearer than about 50 mV to threshold the terms of the voltages are smaller.

    A coefficient of a mismatch is the standard deviation of *one* device times the root of its area; the difference of a pair has
    ``sqrt(2)`` more.

    Args:
        vth: Threshold voltage [mV um], >= 0.
        n: Slope factor of weak inversion [1], > 1; ``kappa = 1/n``.
        voff: Offset of the gate voltage in weak inversion [mV um]: moves the current as the threshold does.
        nfactor: Swing coefficient [um]; needs ``n_per_nfactor``.
        n_per_nfactor: How far ``n`` moves with it [1]: depletion over oxide capacitance.
        tox: Oxide thickness, relative [um].
        tox_sensitivity: ``d ln I / d ln tox`` [1]; -1, of the current factor, unless the table has a better one.
        gain: Current factor (mobility), relative [um].
        edge_width: Standard deviation of the width, whatever it is [um].
        edge_length: Of the length [um].
        extra_width: Effective minus drawn width [um].
        extra_length: Effective minus drawn length [um].
        vth_tempco: By how much the magnitude of the threshold falls [mV/K]; ``None``: the table does not say.
        mobility_exponent: ``mu ~ T^m`` [1]; ``None``: the table does not say.
        global_vth: Standard deviation of the threshold between dies [mV] of this kind of transistor alone; ``None``: not in the table.
        global_vth_common: Of what all kinds have in common [mV].
        global_tox: Of the oxide thickness between dies, relative [1].
        global_gain: Of the current factor between dies, relative [1].
        supply_sensitivity: ``d ln I / d V_DD`` [1/V]; ``None``: the table does not say.
        name: What it is called.
        process: Whose it is.
        corner: The corner of the table that was taken; empty where there is none.
        bin: Which geometry its numbers are of.

    References: Pelgrom, Duinmaijer, Welbers 1989, doi:10.1109/JSSC.1989.572629; Enz, Krummenacher, Vittoz 1995,
    doi:10.1007/BF01239381 (weak inversion); BSIM4 manual, section 3 (voff, nfactor).

    Example:
        >>> nfet = MOSFET(vth=3.356, voff=7.0, n=1.36)
        >>> round(float(nfet.log_spread(1.0, 1.0, 300.0)), 3)
        0.221
    """

    vth: Leaf = parameter("mV um", nonnegative)
    n: Leaf = parameter("1", above(1.0))
    voff: Leaf = parameter("mV um", nonnegative, default=0.0)
    nfactor: Leaf = parameter("um", nonnegative, default=0.0)
    n_per_nfactor: Leaf | None = parameter("1", nonnegative, default=None)
    tox: Leaf = parameter("um", nonnegative, default=0.0)
    tox_sensitivity: Leaf = parameter("1", real, default=-1.0)
    gain: Leaf = parameter("um", nonnegative, default=0.0)
    edge_width: Leaf = parameter("um", nonnegative, default=0.0)
    edge_length: Leaf = parameter("um", nonnegative, default=0.0)
    extra_width: Leaf = parameter("um", real, default=0.0)
    extra_length: Leaf = parameter("um", real, default=0.0)
    vth_tempco: Leaf | None = parameter("mV/K", nonnegative, default=None)
    mobility_exponent: Leaf | None = parameter("1", real, default=None)
    global_vth: Leaf | None = parameter("mV", nonnegative, default=None)
    global_vth_common: Leaf | None = parameter("mV", nonnegative, default=None)
    global_tox: Leaf | None = parameter("1", nonnegative, default=None)
    global_gain: Leaf | None = parameter("1", nonnegative, default=None)
    supply_sensitivity: Leaf | None = parameter("1/V", real, default=None)
    name: str = eqx.field(static=True, default="")
    process: str = eqx.field(static=True, default="")
    corner: str = eqx.field(static=True, default="")
    bin: str = eqx.field(static=True, default="")

    def check_together(self, who: str) -> None:
        known = concrete(self.nfactor)
        if known is not None and known > 0 and self.n_per_nfactor is None:
            fail(f"{who}.nfactor", "needs n_per_nfactor [1]: how far n moves with it", float(known))

    def terms(
        self, width: Values | float, length: Values | float, temperature: Values | float, overdrive: Values | float
    ) -> dict[str, Values]:
        """Standard deviation of ``ln I`` [1] by what it comes from.

        Args:
            width: Drawn width [um].
            length: Drawn length [um].
            temperature: [K].
            overdrive: ``V_GS - V_th - V_off`` [mV], < 0: how far below threshold.
        """
        w, long = jnp.asarray(width, jnp.float32), jnp.asarray(length, jnp.float32)
        root = square_root((w + self.extra_width) * (long + self.extra_length))
        slope = self.n * thermal_voltage(temperature)
        swing = 0.0 if self.n_per_nfactor is None else self.n_per_nfactor * jnp.abs(overdrive) / (self.n * slope)
        return {
            "vth": self.vth / (slope * root),
            "voff": self.voff / (slope * root),
            "nfactor": self.nfactor * swing / root,
            "tox": jnp.abs(self.tox_sensitivity) * self.tox / root,
            "gain": self.gain / root,
            "width": self.edge_width / w,
            "length": self.edge_length / long,
        }

    def log_spread(
        self,
        width: Values | float,
        length: Values | float,
        temperature: Values | float,
        overdrive: Values | float = -100.0,
    ) -> Values:
        """Standard deviation of ``ln I`` [1] of one device; see :meth:`terms`."""
        return square_root(
            sum((jnp.square(x) for x in self.terms(width, length, temperature, overdrive).values()), as_float(0.0))
        )

    def has_corner(self) -> bool:
        """Whether the table says how dies differ: the threshold at least."""
        return self.global_vth is not None

    def die_spread(self, temperature: Values | float) -> Values:
        """Standard deviation of ``ln I`` [1] between dies at a fixed gate voltage."""
        slope = self.n * thermal_voltage(temperature)
        parts: list[Values] = [self._or_zero(self.global_vth) / slope, self._or_zero(self.global_vth_common) / slope]
        parts += [self.tox_sensitivity * self._or_zero(self.global_tox), self._or_zero(self.global_gain)]
        return square_root(sum((jnp.square(x) for x in parts), as_float(0.0)))

    @staticmethod
    def _or_zero(value: Scalar | None) -> Scalar:
        return as_float(0.0) if value is None else value

    @classmethod
    def example(cls) -> Self:
        return cls(vth=as_float(3.356), n=as_float(1.36), name="nfet")
