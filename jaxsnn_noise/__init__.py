"""jaxsnn_noise: noisy spiking neural networks, simulated and trained in JAX, with Monte Carlo over noise and devices.

The public names, each loaded when first used: listing studies or printing help costs no JAX import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.collecting import seldom_collected

if TYPE_CHECKING:
    from jaxsnn_noise import attacks as attacks
    from jaxsnn_noise import coding as coding
    from jaxsnn_noise import datasets as datasets
    from jaxsnn_noise import distributions as distributions
    from jaxsnn_noise import evaluation as evaluation
    from jaxsnn_noise import figures as figures
    from jaxsnn_noise import gradients as gradients
    from jaxsnn_noise import hardware as hardware
    from jaxsnn_noise import interop as interop
    from jaxsnn_noise import laws as laws
    from jaxsnn_noise import networks as networks
    from jaxsnn_noise import neurons as neurons
    from jaxsnn_noise import noise as noise
    from jaxsnn_noise import parameters as parameters
    from jaxsnn_noise import paths as paths
    from jaxsnn_noise import random as random
    from jaxsnn_noise import reduce as reduce
    from jaxsnn_noise import statistics as statistics
    from jaxsnn_noise import surrogates as surrogates
    from jaxsnn_noise import synapses as synapses
    from jaxsnn_noise import theory as theory
    from jaxsnn_noise import training as training
    from jaxsnn_noise._checks import InputError as InputError
    from jaxsnn_noise._files import StoreError as StoreError
    from jaxsnn_noise.engine.addresses import Address as Address
    from jaxsnn_noise.engine.backend import Backend as Backend
    from jaxsnn_noise.engine.describe import report as report
    from jaxsnn_noise.engine.network import Network as Network
    from jaxsnn_noise.engine.network import Population as Population
    from jaxsnn_noise.engine.network import Port as Port
    from jaxsnn_noise.engine.running import apply as apply
    from jaxsnn_noise.engine.running import as_function as as_function
    from jaxsnn_noise.engine.running import simulate as simulate
    from jaxsnn_noise.engine.scan import Scan as Scan
    from jaxsnn_noise.engine.schedules import ByComponent as ByComponent
    from jaxsnn_noise.engine.schedules import ByStep as ByStep
    from jaxsnn_noise.engine.simulation import Simulation as Simulation
    from jaxsnn_noise.engine.sources import with_noise as with_noise
    from jaxsnn_noise.engine.sources import without_noise as without_noise
    from jaxsnn_noise.engine.state import State as State
    from jaxsnn_noise.engine.stretches import advance as advance
    from jaxsnn_noise.engine.stretches import start as start
    from jaxsnn_noise.ensemble.axes import AllSites as AllSites
    from jaxsnn_noise.ensemble.axes import Axis as Axis
    from jaxsnn_noise.ensemble.axes import Cases as Cases
    from jaxsnn_noise.ensemble.axes import Devices as Devices
    from jaxsnn_noise.ensemble.axes import RandomSites as RandomSites
    from jaxsnn_noise.ensemble.axes import Realisations as Realisations
    from jaxsnn_noise.ensemble.axes import Samples as Samples
    from jaxsnn_noise.ensemble.axes import Scale as Scale
    from jaxsnn_noise.ensemble.axes import Sweep as Sweep
    from jaxsnn_noise.ensemble.axes import Trials as Trials
    from jaxsnn_noise.ensemble.axes import Vary as Vary
    from jaxsnn_noise.ensemble.axes import Wafers as Wafers
    from jaxsnn_noise.ensemble.files import load as load
    from jaxsnn_noise.ensemble.files import save as save
    from jaxsnn_noise.ensemble.grid import Grid as Grid
    from jaxsnn_noise.ensemble.montecarlo import chip as chip
    from jaxsnn_noise.ensemble.montecarlo import monte_carlo as monte_carlo
    from jaxsnn_noise.ensemble.montecarlo import replay as replay
    from jaxsnn_noise.ensemble.planning import Plan as Plan
    from jaxsnn_noise.ensemble.planning import plan as plan
    from jaxsnn_noise.firing import BridgeThreshold as BridgeThreshold
    from jaxsnn_noise.firing import Density as Density
    from jaxsnn_noise.firing import DiffusionHazard as DiffusionHazard
    from jaxsnn_noise.firing import EscapeRate as EscapeRate
    from jaxsnn_noise.firing import ExponentialHazard as ExponentialHazard
    from jaxsnn_noise.firing import Firing as Firing
    from jaxsnn_noise.firing import HardThreshold as HardThreshold
    from jaxsnn_noise.firing import Hazard as Hazard
    from jaxsnn_noise.firing import NoisyThreshold as NoisyThreshold
    from jaxsnn_noise.firing import SamplingRule as SamplingRule
    from jaxsnn_noise.firing import SigmoidHazard as SigmoidHazard
    from jaxsnn_noise.firing import Stopped as Stopped
    from jaxsnn_noise.progress import Interrupted as Interrupted

_MODULES = frozenset(
    {
        "attacks",
        "coding",
        "datasets",
        "distributions",
        "evaluation",
        "figures",
        "gradients",
        "hardware",
        "interop",
        "laws",
        "networks",
        "neurons",
        "noise",
        "parameters",
        "paths",
        "random",
        "reduce",
        "statistics",
        "surrogates",
        "synapses",
        "theory",
        "training",
    }
)
_HOME = {
    "InputError": "_checks",
    "Address": "engine.addresses",
    "Backend": "engine.backend",
    "AllSites": "ensemble.axes",
    "Axis": "ensemble.axes",
    "Cases": "ensemble.axes",
    "Devices": "ensemble.axes",
    "RandomSites": "ensemble.axes",
    "Realisations": "ensemble.axes",
    "Samples": "ensemble.axes",
    "Scale": "ensemble.axes",
    "Sweep": "ensemble.axes",
    "Trials": "ensemble.axes",
    "Vary": "ensemble.axes",
    "Wafers": "ensemble.axes",
    "report": "engine.describe",
    "Density": "firing",
    "Firing": "firing",
    "BridgeThreshold": "firing",
    "DiffusionHazard": "firing",
    "EscapeRate": "firing",
    "ExponentialHazard": "firing",
    "Hazard": "firing",
    "SamplingRule": "firing",
    "SigmoidHazard": "firing",
    "HardThreshold": "firing",
    "NoisyThreshold": "firing",
    "Stopped": "firing",
    "apply": "engine.running",
    "Interrupted": "progress",
    "Grid": "ensemble.grid",
    "load": "ensemble.files",
    "save": "ensemble.files",
    "chip": "ensemble.montecarlo",
    "monte_carlo": "ensemble.montecarlo",
    "Plan": "ensemble.planning",
    "plan": "ensemble.planning",
    "replay": "ensemble.montecarlo",
    "StoreError": "_files",
    "ByComponent": "engine.schedules",
    "ByStep": "engine.schedules",
    "Network": "engine.network",
    "Population": "engine.network",
    "Port": "engine.network",
    "Scan": "engine.scan",
    "Simulation": "engine.simulation",
    "with_noise": "engine.sources",
    "without_noise": "engine.sources",
    "State": "engine.state",
    "advance": "engine.stretches",
    "start": "engine.stretches",
    "as_function": "engine.running",
    "simulate": "engine.running",
}
"""Where each public name lives. No module has the name of a public function: it would hide it once imported."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return _imported(name)
    if name in _HOME:
        value = getattr(_imported(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'jaxsnn_noise' has no attribute {name!r}")


def _imported(module: str) -> Any:
    with seldom_collected():
        return importlib.import_module(f"jaxsnn_noise.{module}")


def __dir__() -> list[str]:
    return sorted({*_MODULES, *_HOME})
