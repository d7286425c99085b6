"""Imperfections of hardware: what deviates, fails, drifts and is rounded; and the circuits and processes that deviations follow from."""

from jaxsnn_noise.hardware.bias import Bias, FixedCurrent, FixedVoltage, ProportionalToTemperature
from jaxsnn_noise.hardware.calibration import OutputCalibration, Trim, trims
from jaxsnn_noise.hardware.current_mode import CurrentMode, ThresholdAgeing, dpi_currents, dpi_leaves
from jaxsnn_noise.hardware.faults import Faults
from jaxsnn_noise.hardware.floorplan import FloorPlan
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.joint import JointMismatch
from jaxsnn_noise.hardware.memristive import Memristive, PhaseChange, ResistiveMemory
from jaxsnn_noise.hardware.mismatch import Mismatch
from jaxsnn_noise.hardware.mosfet import MOSFET
from jaxsnn_noise.hardware.neuron_faults import DeadNeurons, ParameterFaults, SaturatedNeurons, StuckNeurons
from jaxsnn_noise.hardware.process import Process, read_process
from jaxsnn_noise.hardware.quantised import Quantised
from jaxsnn_noise.hardware.sites import Scattered, SingleSite, Sites
from jaxsnn_noise.hardware.split import VarianceSplit
from jaxsnn_noise.hardware.synapse_faults import (
    DeadSynapses,
    FlippedBits,
    PerturbedSynapses,
    SaturatedSynapses,
    StuckSynapses,
)
from jaxsnn_noise.hardware.tabulated import TabulatedMismatch

__all__ = [
    "MOSFET",
    "Bias",
    "CurrentMode",
    "DeadNeurons",
    "DeadSynapses",
    "Faults",
    "FixedCurrent",
    "FixedVoltage",
    "FlippedBits",
    "FloorPlan",
    "Imperfection",
    "JointMismatch",
    "Memristive",
    "Mismatch",
    "OutputCalibration",
    "ParameterFaults",
    "PerturbedSynapses",
    "PhaseChange",
    "Process",
    "ProportionalToTemperature",
    "Quantised",
    "ResistiveMemory",
    "SaturatedNeurons",
    "SaturatedSynapses",
    "Scattered",
    "SingleSite",
    "Sites",
    "Stage",
    "StuckNeurons",
    "StuckSynapses",
    "TabulatedMismatch",
    "ThresholdAgeing",
    "Trim",
    "VarianceSplit",
    "dpi_currents",
    "dpi_leaves",
    "read_process",
    "trims",
]


def __dir__() -> list[str]:
    return __all__
