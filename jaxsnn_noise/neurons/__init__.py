"""Neuron models: pure state transitions of one population."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.neurons import channels as channels
    from jaxsnn_noise.neurons.adaptive import AdaptiveLIF as AdaptiveLIF
    from jaxsnn_noise.neurons.adex import ADEX_PATTERNS as ADEX_PATTERNS
    from jaxsnn_noise.neurons.adex import AdEx as AdEx
    from jaxsnn_noise.neurons.curves import Polynomial as Polynomial
    from jaxsnn_noise.neurons.curves import Tabulated as Tabulated
    from jaxsnn_noise.neurons.dpi import DPI as DPI
    from jaxsnn_noise.neurons.exponential import EIF as EIF
    from jaxsnn_noise.neurons.fitzhugh_nagumo import FitzHughNagumo as FitzHughNagumo
    from jaxsnn_noise.neurons.fixed_point import FixedPointLIF as FixedPointLIF
    from jaxsnn_noise.neurons.gated import GatedLIF as GatedLIF
    from jaxsnn_noise.neurons.hodgkin_huxley import HodgkinHuxley as HodgkinHuxley
    from jaxsnn_noise.neurons.integrator import IF as IF
    from jaxsnn_noise.neurons.izhikevich import IZHIKEVICH_2003 as IZHIKEVICH_2003
    from jaxsnn_noise.neurons.izhikevich import IZHIKEVICH_2004 as IZHIKEVICH_2004
    from jaxsnn_noise.neurons.izhikevich import Izhikevich as Izhikevich
    from jaxsnn_noise.neurons.lif import LIF as LIF
    from jaxsnn_noise.neurons.lif import LeakyIntegrator as LeakyIntegrator
    from jaxsnn_noise.neurons.morris_lecar import MORRIS_LECAR_REGIMES as MORRIS_LECAR_REGIMES
    from jaxsnn_noise.neurons.morris_lecar import MorrisLecar as MorrisLecar
    from jaxsnn_noise.neurons.neuron import Neuron as Neuron
    from jaxsnn_noise.neurons.patterns import Pattern as Pattern
    from jaxsnn_noise.neurons.polynomial import PolynomialLIF as PolynomialLIF
    from jaxsnn_noise.neurons.quadratic import QIF as QIF
    from jaxsnn_noise.neurons.resets import FlooredReset as FlooredReset
    from jaxsnn_noise.neurons.resets import GatedReset as GatedReset
    from jaxsnn_noise.neurons.resets import Reset as Reset
    from jaxsnn_noise.neurons.resets import ResetBySubtraction as ResetBySubtraction
    from jaxsnn_noise.neurons.resets import ResetToValue as ResetToValue
    from jaxsnn_noise.neurons.resonate import ResonateAndFire as ResonateAndFire
    from jaxsnn_noise.neurons.rounding import RoundDown as RoundDown
    from jaxsnn_noise.neurons.rounding import Rounding as Rounding
    from jaxsnn_noise.neurons.rounding import RoundToNearest as RoundToNearest
    from jaxsnn_noise.neurons.rounding import RoundTowardsZero as RoundTowardsZero
    from jaxsnn_noise.neurons.rounding import StochasticRounding as StochasticRounding
    from jaxsnn_noise.neurons.step_size import largest_step as largest_step
    from jaxsnn_noise.neurons.steppers import EulerMaruyama as EulerMaruyama
    from jaxsnn_noise.neurons.steppers import ExponentialEuler as ExponentialEuler
    from jaxsnn_noise.neurons.steppers import Heun as Heun
    from jaxsnn_noise.neurons.steppers import Stepper as Stepper

_HOMES = {
    "channels": "",
    "adaptive": "AdaptiveLIF",
    "adex": "ADEX_PATTERNS AdEx",
    "curves": "Polynomial Tabulated",
    "dpi": "DPI",
    "exponential": "EIF",
    "fitzhugh_nagumo": "FitzHughNagumo",
    "fixed_point": "FixedPointLIF",
    "gated": "GatedLIF",
    "hodgkin_huxley": "HodgkinHuxley",
    "integrator": "IF",
    "izhikevich": "IZHIKEVICH_2003 IZHIKEVICH_2004 Izhikevich",
    "lif": "LIF LeakyIntegrator",
    "morris_lecar": "MORRIS_LECAR_REGIMES MorrisLecar",
    "neuron": "Neuron",
    "patterns": "Pattern",
    "polynomial": "PolynomialLIF",
    "quadratic": "QIF",
    "resets": "FlooredReset GatedReset Reset ResetBySubtraction ResetToValue",
    "resonate": "ResonateAndFire",
    "rounding": "RoundDown Rounding RoundToNearest RoundTowardsZero StochasticRounding",
    "step_size": "largest_step",
    "steppers": "EulerMaruyama ExponentialEuler Heun Stepper",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
