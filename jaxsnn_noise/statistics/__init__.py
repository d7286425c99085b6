"""Statistics: folds over time that run inside the simulation loop and over stored rasters alike."""

from .counts import Rate, SpikeCount
from .fold import About, Frame, Statistic

__all__ = ["About", "Frame", "Rate", "SpikeCount", "Statistic"]
