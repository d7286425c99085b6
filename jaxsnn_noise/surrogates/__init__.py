r"""The spike nonlinearity and its surrogate derivatives.

A spike is the Heaviside function of the margin ``x = v - threshold`` [mV], whose derivative is zero almost everywhere.
In the backward pass a *surrogate* takes its place (Neftci, Mostafa & Zenke 2019, doi:10.1109/MSP.2019.2931595). The
forward pass is never touched: :func:`spike` is exactly 0 or 1.

The derivative of a member sees the margin through ``k x`` only, with its leaf ``sharpness`` ``k`` [1/mV]:

.. math:: s'(x) = c \, g(k x), \qquad g(u) = g(-u), \quad g(0) = \max g.

Two normalisations are in use; they differ in how the size of a gradient depends on ``k``:

* *unit integral*: the peak is proportional to ``k``. The surrogate is the density of a noise on the margin, so it keeps
  its meaning when voltages change their unit. All members but six.
* *unit peak*: 1 per mV at margin 0 for every ``k``. :class:`SuperSpike`, :class:`PiecewiseLinear`, :class:`UnitGaussian`,
  :class:`UnitLogistic`, :class:`UnitTriangle` and :class:`LogarithmicTails`.

:class:`MultiGaussian` is neither: it has negative lobes.

Where the density has a variance, ``from_noise(sigma)`` is the surrogate that equals the density of noise of standard
deviation ``sigma`` [mV]: the derivative of the probability to spike under that noise (Ma, Yan & Tang 2023,
doi:10.1016/j.patter.2023.100831). :func:`density_of` finds the one of a distribution.
"""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.surrogates.densities import Arctan as Arctan
    from jaxsnn_noise.surrogates.densities import FastSigmoid as FastSigmoid
    from jaxsnn_noise.surrogates.densities import GaussianError as GaussianError
    from jaxsnn_noise.surrogates.densities import RectangularWindow as RectangularWindow
    from jaxsnn_noise.surrogates.densities import SigmoidDerivative as SigmoidDerivative
    from jaxsnn_noise.surrogates.densities import TriangularWindow as TriangularWindow
    from jaxsnn_noise.surrogates.densities import TwoSidedExponential as TwoSidedExponential
    from jaxsnn_noise.surrogates.lobes import MultiGaussian as MultiGaussian
    from jaxsnn_noise.surrogates.matching import density_of as density_of
    from jaxsnn_noise.surrogates.surrogate import Surrogate as Surrogate
    from jaxsnn_noise.surrogates.surrogate import spike as spike
    from jaxsnn_noise.surrogates.tails import HyperbolicSecant as HyperbolicSecant
    from jaxsnn_noise.surrogates.tails import PowerLawTails as PowerLawTails
    from jaxsnn_noise.surrogates.unit_peak import LogarithmicTails as LogarithmicTails
    from jaxsnn_noise.surrogates.unit_peak import PiecewiseLinear as PiecewiseLinear
    from jaxsnn_noise.surrogates.unit_peak import SuperSpike as SuperSpike
    from jaxsnn_noise.surrogates.unit_peak import UnitGaussian as UnitGaussian
    from jaxsnn_noise.surrogates.unit_peak import UnitLogistic as UnitLogistic
    from jaxsnn_noise.surrogates.unit_peak import UnitTriangle as UnitTriangle
    from jaxsnn_noise.surrogates.windows import CosineWindow as CosineWindow
    from jaxsnn_noise.surrogates.windows import EpanechnikovWindow as EpanechnikovWindow

_HOMES = {
    "densities": "Arctan FastSigmoid GaussianError RectangularWindow SigmoidDerivative TriangularWindow TwoSidedExponential",
    "lobes": "MultiGaussian",
    "matching": "density_of",
    "surrogate": "Surrogate spike",
    "tails": "HyperbolicSecant PowerLawTails",
    "unit_peak": "LogarithmicTails PiecewiseLinear SuperSpike UnitGaussian UnitLogistic UnitTriangle",
    "windows": "CosineWindow EpanechnikovWindow",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
