"""The methods paragraph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import chips
from .estimates import POINT

if TYPE_CHECKING:
    import xarray as xr

    from . import Config


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """What was done, in words."""
    process, name, corner = chips.PROCESS
    levels = ", ".join(f"{100 * level:g}" for level in config.levels)
    steps = config.epochs * (config.samples // min(config.batch, config.samples))
    return f"""{config.networks} networks of each kind, from weights of their own. Images (MNIST{" and Fashion-MNIST" if "fashion" in config.tasks else ""}, 14 x 14 pixels
as constant currents for {config.steps} steps of 1 ms): 196 inputs, {config.hidden} hidden neurons of 20 ms, 10 leaky readouts; {config.samples} training images, {steps} steps of Adam (5e-3).
Speech (Japanese Vowels, 9 speakers, 12 coefficients, each frame for 2 steps of 3.2 ms): the hidden layer feeds itself, {config.utterance_epochs} passes over 270 utterances.
{config.images} test samples, of other writers and other occasions. Forms of the hidden neurons: leaky, v <- beta v + (1 - beta) R I; accumulating, v <- beta v + I, the same trained network, in
which what a step adds does not know of the time constant; dpi, the current-mode neuron, trained by itself, whose I_tau is time constant and gain, I_th gain, I_spike threshold.
Deviations are log-normal (mean 1) with a coefficient of variation of {levels} %, one per neuron or synapse, on {config.chips} chips per network ({config.joint_chips} where all deviate); readouts are
exact. "All" is time constant, threshold, gain and weights per synapse. The margin is the readout of the right class less the largest other, over its mean as programmed. Where all parameters together
cost less than {POINT:g} point (upper end of the interval) nothing is ranked. Noise-aware training: white noise of the hidden membranes, {config.noise:g} mV; variation-aware: {100 * config.variation:g} % on all parameters,
{config.chips_per_step} new chips in every step; both from the same first weights with as many steps as plain training, strengths fixed without any tuning. Calibration: gain and offset of each output fitted to the
readouts as programmed on {config.calibration} training samples, without labels. Trims: a search of {config.readings} readings for each neuron's spikes on these samples. Circuits: {process} {name}, corner {corner},
{config.area:g} um2, fixed bias currents, designed at 300 K; 35 mV is the effective deviation of the gate voltage, through weak inversion. Words of 8 bits with flipped bits, and the same words as analog weights with mismatch, begin at
equal accuracy. Verdicts are two-sided over networks and samples, or networks, Holm over all claims at 5 %; tolerances of a hundred runs are ours.
"""
