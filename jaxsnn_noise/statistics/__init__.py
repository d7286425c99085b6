"""Statistics: folds over time that run inside the simulation loop and over stored rasters alike."""

from .binned import BinnedCounts, PopulationRate
from .correlation import CountCorrelation, CountCorrelationMatrix
from .counts import Rate, SpikeCount
from .fold import About, Frame, Statistic
from .fraction import FractionBelow
from .health import Health, Symptoms
from .intervals import IntervalCV, IntervalMean
from .latency import FirstSpikeTime
from .moments import Moments, VoltageMoments
from .operations import SynapticOperations
from .raster import Raster, unpack
from .readouts import Last, Maximum, Mean
from .stored import over_raster
from .trace import Trace, Traces

__all__ = [
    "About",
    "BinnedCounts",
    "CountCorrelation",
    "CountCorrelationMatrix",
    "FirstSpikeTime",
    "FractionBelow",
    "Frame",
    "Health",
    "IntervalCV",
    "IntervalMean",
    "Last",
    "Maximum",
    "Mean",
    "Moments",
    "PopulationRate",
    "Raster",
    "Rate",
    "SpikeCount",
    "Statistic",
    "Symptoms",
    "SynapticOperations",
    "Trace",
    "Traces",
    "VoltageMoments",
    "over_raster",
    "unpack",
]


def __dir__() -> list[str]:
    return __all__
