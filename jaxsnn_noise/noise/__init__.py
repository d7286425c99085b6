"""Noise sources and the policies they are composed of."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.distributions import Distribution as Distribution
    from jaxsnn_noise.distributions import Gaussian as Gaussian
    from jaxsnn_noise.distributions import Laplace as Laplace
    from jaxsnn_noise.distributions import Logistic as Logistic
    from jaxsnn_noise.distributions import StudentT as StudentT
    from jaxsnn_noise.distributions import Triangular as Triangular
    from jaxsnn_noise.distributions import Uniform as Uniform
    from jaxsnn_noise.noise.background import PoissonBackground as PoissonBackground
    from jaxsnn_noise.noise.blend import Blend as Blend
    from jaxsnn_noise.noise.correlations import Common as Common
    from jaxsnn_noise.noise.correlations import Correlation as Correlation
    from jaxsnn_noise.noise.correlations import Independent as Independent
    from jaxsnn_noise.noise.correlations import SharedFraction as SharedFraction
    from jaxsnn_noise.noise.mixed import Covariance as Covariance
    from jaxsnn_noise.noise.mixed import ExponentialKernel as ExponentialKernel
    from jaxsnn_noise.noise.mixed import GaussianKernel as GaussianKernel
    from jaxsnn_noise.noise.mixed import Kernel as Kernel
    from jaxsnn_noise.noise.mixed import LowRank as LowRank
    from jaxsnn_noise.noise.mixed import Spatial as Spatial
    from jaxsnn_noise.noise.policies import Additive as Additive
    from jaxsnn_noise.noise.policies import Amplitude as Amplitude
    from jaxsnn_noise.noise.policies import Colour as Colour
    from jaxsnn_noise.noise.policies import Coupling as Coupling
    from jaxsnn_noise.noise.policies import Diffusion as Diffusion
    from jaxsnn_noise.noise.policies import Intensity as Intensity
    from jaxsnn_noise.noise.policies import Ito as Ito
    from jaxsnn_noise.noise.policies import Multiplicative as Multiplicative
    from jaxsnn_noise.noise.policies import OrnsteinUhlenbeck as OrnsteinUhlenbeck
    from jaxsnn_noise.noise.policies import PerStep as PerStep
    from jaxsnn_noise.noise.policies import Stratonovich as Stratonovich
    from jaxsnn_noise.noise.policies import White as White
    from jaxsnn_noise.noise.power_law import PowerLaw as PowerLaw
    from jaxsnn_noise.noise.scheduled import Scheduled as Scheduled
    from jaxsnn_noise.noise.sources import ComposedSource as ComposedSource
    from jaxsnn_noise.noise.sources import CurrentNoise as CurrentNoise
    from jaxsnn_noise.noise.sources import ReleaseNoise as ReleaseNoise
    from jaxsnn_noise.noise.sources import Source as Source
    from jaxsnn_noise.noise.sources import SourceMoments as SourceMoments
    from jaxsnn_noise.noise.sources import SpikeNoise as SpikeNoise
    from jaxsnn_noise.noise.sources import ThresholdNoise as ThresholdNoise
    from jaxsnn_noise.noise.sources import VoltageNoise as VoltageNoise
    from jaxsnn_noise.noise.spikes import BernoulliRelease as BernoulliRelease
    from jaxsnn_noise.noise.spikes import SpikeDrop as SpikeDrop
    from jaxsnn_noise.noise.spikes import SpikeInsertion as SpikeInsertion
    from jaxsnn_noise.noise.spikes import SpikeJitter as SpikeJitter
    from jaxsnn_noise.noise.telegraph import Telegraph as Telegraph
    from jaxsnn_noise.signals import Context as Context
    from jaxsnn_noise.signals import Seam as Seam

_HOMES = {
    "jaxsnn_noise.distributions": "Distribution Gaussian Laplace Logistic StudentT Triangular Uniform",
    "background": "PoissonBackground",
    "blend": "Blend",
    "correlations": "Common Correlation Independent SharedFraction",
    "mixed": "Covariance ExponentialKernel GaussianKernel Kernel LowRank Spatial",
    "policies": "Additive Amplitude Colour Coupling Diffusion Intensity Ito Multiplicative OrnsteinUhlenbeck PerStep Stratonovich White",
    "power_law": "PowerLaw",
    "scheduled": "Scheduled",
    "sources": "ComposedSource CurrentNoise ReleaseNoise Source SourceMoments SpikeNoise ThresholdNoise VoltageNoise",
    "spikes": "BernoulliRelease SpikeDrop SpikeInsertion SpikeJitter",
    "telegraph": "Telegraph",
    "jaxsnn_noise.signals": "Context Seam",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
