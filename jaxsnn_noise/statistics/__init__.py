"""Statistics: folds over time that run inside the simulation loop and over stored rasters alike."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.statistics.autocorrelation import Autocorrelation as Autocorrelation
    from jaxsnn_noise.statistics.binned import BinnedCounts as BinnedCounts
    from jaxsnn_noise.statistics.binned import PopulationRate as PopulationRate
    from jaxsnn_noise.statistics.correlation import CountCorrelation as CountCorrelation
    from jaxsnn_noise.statistics.correlation import CountCorrelationMatrix as CountCorrelationMatrix
    from jaxsnn_noise.statistics.counts import Rate as Rate
    from jaxsnn_noise.statistics.counts import SpikeCount as SpikeCount
    from jaxsnn_noise.statistics.fold import About as About
    from jaxsnn_noise.statistics.fold import Frame as Frame
    from jaxsnn_noise.statistics.fold import Statistic as Statistic
    from jaxsnn_noise.statistics.fraction import FractionBelow as FractionBelow
    from jaxsnn_noise.statistics.health import Health as Health
    from jaxsnn_noise.statistics.health import Symptoms as Symptoms
    from jaxsnn_noise.statistics.histogram import IntervalCounts as IntervalCounts
    from jaxsnn_noise.statistics.histogram import IntervalHistogram as IntervalHistogram
    from jaxsnn_noise.statistics.intervals import IntervalCV as IntervalCV
    from jaxsnn_noise.statistics.intervals import IntervalMean as IntervalMean
    from jaxsnn_noise.statistics.intervals import IntervalSums as IntervalSums
    from jaxsnn_noise.statistics.intervals import SummedIntervals as SummedIntervals
    from jaxsnn_noise.statistics.latency import FirstSpikeTime as FirstSpikeTime
    from jaxsnn_noise.statistics.local import IntervalCV2 as IntervalCV2
    from jaxsnn_noise.statistics.local import IntervalLV as IntervalLV
    from jaxsnn_noise.statistics.moments import Moments as Moments
    from jaxsnn_noise.statistics.moments import VoltageMoments as VoltageMoments
    from jaxsnn_noise.statistics.operations import SynapticOperations as SynapticOperations
    from jaxsnn_noise.statistics.raster import Raster as Raster
    from jaxsnn_noise.statistics.raster import unpack as unpack
    from jaxsnn_noise.statistics.readouts import Last as Last
    from jaxsnn_noise.statistics.readouts import Maximum as Maximum
    from jaxsnn_noise.statistics.readouts import Mean as Mean
    from jaxsnn_noise.statistics.spectrum import CrossSpectrum as CrossSpectrum
    from jaxsnn_noise.statistics.spectrum import PowerSpectrum as PowerSpectrum
    from jaxsnn_noise.statistics.spectrum import Spectra as Spectra
    from jaxsnn_noise.statistics.states import StateCounts as StateCounts
    from jaxsnn_noise.statistics.states import StateOccupancy as StateOccupancy
    from jaxsnn_noise.statistics.stored import over_raster as over_raster
    from jaxsnn_noise.statistics.synchrony import Locking as Locking
    from jaxsnn_noise.statistics.synchrony import SynchronyIndex as SynchronyIndex
    from jaxsnn_noise.statistics.synchrony import VectorStrength as VectorStrength
    from jaxsnn_noise.statistics.timed_raster import TimedRaster as TimedRaster
    from jaxsnn_noise.statistics.trace import Trace as Trace
    from jaxsnn_noise.statistics.trace import Traces as Traces
    from jaxsnn_noise.statistics.triggered import SpikeTriggeredAverage as SpikeTriggeredAverage

_HOMES = {
    "autocorrelation": "Autocorrelation",
    "binned": "BinnedCounts PopulationRate",
    "correlation": "CountCorrelation CountCorrelationMatrix",
    "counts": "Rate SpikeCount",
    "fold": "About Frame Statistic",
    "fraction": "FractionBelow",
    "health": "Health Symptoms",
    "histogram": "IntervalCounts IntervalHistogram",
    "intervals": "IntervalCV IntervalMean IntervalSums SummedIntervals",
    "latency": "FirstSpikeTime",
    "local": "IntervalCV2 IntervalLV",
    "moments": "Moments VoltageMoments",
    "operations": "SynapticOperations",
    "raster": "Raster unpack",
    "readouts": "Last Maximum Mean",
    "spectrum": "CrossSpectrum PowerSpectrum Spectra",
    "states": "StateCounts StateOccupancy",
    "stored": "over_raster",
    "synchrony": "Locking SynchronyIndex VectorStrength",
    "timed_raster": "TimedRaster",
    "trace": "Trace Traces",
    "triggered": "SpikeTriggeredAverage",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
