"""Statistics: folds over time that run inside the simulation loop and over stored rasters alike."""

from jaxsnn_noise.statistics.autocorrelation import Autocorrelation
from jaxsnn_noise.statistics.binned import BinnedCounts, PopulationRate
from jaxsnn_noise.statistics.correlation import CountCorrelation, CountCorrelationMatrix
from jaxsnn_noise.statistics.counts import Rate, SpikeCount
from jaxsnn_noise.statistics.fold import About, Frame, Statistic
from jaxsnn_noise.statistics.fraction import FractionBelow
from jaxsnn_noise.statistics.health import Health, Symptoms
from jaxsnn_noise.statistics.histogram import IntervalCounts, IntervalHistogram
from jaxsnn_noise.statistics.intervals import IntervalCV, IntervalMean, IntervalSums, SummedIntervals
from jaxsnn_noise.statistics.latency import FirstSpikeTime
from jaxsnn_noise.statistics.local import IntervalCV2, IntervalLV
from jaxsnn_noise.statistics.moments import Moments, VoltageMoments
from jaxsnn_noise.statistics.operations import SynapticOperations
from jaxsnn_noise.statistics.raster import Raster, unpack
from jaxsnn_noise.statistics.readouts import Last, Maximum, Mean
from jaxsnn_noise.statistics.spectrum import CrossSpectrum, PowerSpectrum, Spectra
from jaxsnn_noise.statistics.states import StateCounts, StateOccupancy
from jaxsnn_noise.statistics.stored import over_raster
from jaxsnn_noise.statistics.synchrony import Locking, SynchronyIndex, VectorStrength
from jaxsnn_noise.statistics.timed_raster import TimedRaster
from jaxsnn_noise.statistics.trace import Trace, Traces
from jaxsnn_noise.statistics.triggered import SpikeTriggeredAverage

__all__ = [
    "About",
    "Autocorrelation",
    "BinnedCounts",
    "CountCorrelation",
    "CountCorrelationMatrix",
    "CrossSpectrum",
    "FirstSpikeTime",
    "FractionBelow",
    "Frame",
    "Health",
    "IntervalCV",
    "IntervalCV2",
    "IntervalCounts",
    "IntervalHistogram",
    "IntervalLV",
    "IntervalMean",
    "IntervalSums",
    "Last",
    "Locking",
    "Maximum",
    "Mean",
    "Moments",
    "PopulationRate",
    "PowerSpectrum",
    "Raster",
    "Rate",
    "Spectra",
    "SpikeCount",
    "SpikeTriggeredAverage",
    "StateCounts",
    "StateOccupancy",
    "Statistic",
    "SummedIntervals",
    "Symptoms",
    "SynapticOperations",
    "SynchronyIndex",
    "TimedRaster",
    "Trace",
    "Traces",
    "VectorStrength",
    "VoltageMoments",
    "over_raster",
    "unpack",
]


def __dir__() -> list[str]:
    return __all__
