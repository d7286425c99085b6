"""Imperfections of hardware: what deviates, fails, drifts and is rounded; and the circuits and processes that deviations follow from."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.hardware.bias import Bias as Bias
    from jaxsnn_noise.hardware.bias import FixedCurrent as FixedCurrent
    from jaxsnn_noise.hardware.bias import FixedVoltage as FixedVoltage
    from jaxsnn_noise.hardware.bias import ProportionalToTemperature as ProportionalToTemperature
    from jaxsnn_noise.hardware.calibration import OutputCalibration as OutputCalibration
    from jaxsnn_noise.hardware.calibration import Trim as Trim
    from jaxsnn_noise.hardware.calibration import trims as trims
    from jaxsnn_noise.hardware.current_mode import CurrentMode as CurrentMode
    from jaxsnn_noise.hardware.current_mode import ThresholdAgeing as ThresholdAgeing
    from jaxsnn_noise.hardware.current_mode import dpi_currents as dpi_currents
    from jaxsnn_noise.hardware.current_mode import dpi_leaves as dpi_leaves
    from jaxsnn_noise.hardware.faults import Faults as Faults
    from jaxsnn_noise.hardware.floorplan import FloorPlan as FloorPlan
    from jaxsnn_noise.hardware.imperfection import Imperfection as Imperfection
    from jaxsnn_noise.hardware.imperfection import Stage as Stage
    from jaxsnn_noise.hardware.joint import JointMismatch as JointMismatch
    from jaxsnn_noise.hardware.memristive import Memristive as Memristive
    from jaxsnn_noise.hardware.memristive import PhaseChange as PhaseChange
    from jaxsnn_noise.hardware.memristive import ResistiveMemory as ResistiveMemory
    from jaxsnn_noise.hardware.mismatch import Mismatch as Mismatch
    from jaxsnn_noise.hardware.mosfet import MOSFET as MOSFET
    from jaxsnn_noise.hardware.neuron_faults import DeadNeurons as DeadNeurons
    from jaxsnn_noise.hardware.neuron_faults import ParameterFaults as ParameterFaults
    from jaxsnn_noise.hardware.neuron_faults import SaturatedNeurons as SaturatedNeurons
    from jaxsnn_noise.hardware.neuron_faults import StuckNeurons as StuckNeurons
    from jaxsnn_noise.hardware.process import Process as Process
    from jaxsnn_noise.hardware.process import read_process as read_process
    from jaxsnn_noise.hardware.quantised import Quantised as Quantised
    from jaxsnn_noise.hardware.sites import Scattered as Scattered
    from jaxsnn_noise.hardware.sites import SingleSite as SingleSite
    from jaxsnn_noise.hardware.sites import Sites as Sites
    from jaxsnn_noise.hardware.split import VarianceSplit as VarianceSplit
    from jaxsnn_noise.hardware.synapse_faults import DeadSynapses as DeadSynapses
    from jaxsnn_noise.hardware.synapse_faults import FlippedBits as FlippedBits
    from jaxsnn_noise.hardware.synapse_faults import PerturbedSynapses as PerturbedSynapses
    from jaxsnn_noise.hardware.synapse_faults import SaturatedSynapses as SaturatedSynapses
    from jaxsnn_noise.hardware.synapse_faults import StuckSynapses as StuckSynapses
    from jaxsnn_noise.hardware.tabulated import TabulatedMismatch as TabulatedMismatch

_HOMES = {
    "bias": "Bias FixedCurrent FixedVoltage ProportionalToTemperature",
    "calibration": "OutputCalibration Trim trims",
    "current_mode": "CurrentMode ThresholdAgeing dpi_currents dpi_leaves",
    "faults": "Faults",
    "floorplan": "FloorPlan",
    "imperfection": "Imperfection Stage",
    "joint": "JointMismatch",
    "memristive": "Memristive PhaseChange ResistiveMemory",
    "mismatch": "Mismatch",
    "mosfet": "MOSFET",
    "neuron_faults": "DeadNeurons ParameterFaults SaturatedNeurons StuckNeurons",
    "process": "Process read_process",
    "quantised": "Quantised",
    "sites": "Scattered SingleSite Sites",
    "split": "VarianceSplit",
    "synapse_faults": "DeadSynapses FlippedBits PerturbedSynapses SaturatedSynapses StuckSynapses",
    "tabulated": "TabulatedMismatch",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
