"""Static imperfections of hardware."""

from jaxsnn_noise.hardware.faults import Faults
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.memristive import Memristive, PhaseChange, ResistiveMemory
from jaxsnn_noise.hardware.mismatch import Mismatch
from jaxsnn_noise.hardware.neuron_faults import DeadNeurons, ParameterFaults, SaturatedNeurons, StuckNeurons
from jaxsnn_noise.hardware.quantised import Quantised
from jaxsnn_noise.hardware.sites import Scattered, SingleSite, Sites
from jaxsnn_noise.hardware.synapse_faults import (
    DeadSynapses,
    FlippedBits,
    PerturbedSynapses,
    SaturatedSynapses,
    StuckSynapses,
)

__all__ = [
    "DeadNeurons",
    "DeadSynapses",
    "Faults",
    "FlippedBits",
    "Imperfection",
    "Memristive",
    "Mismatch",
    "ParameterFaults",
    "PerturbedSynapses",
    "PhaseChange",
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
]


def __dir__() -> list[str]:
    return __all__
