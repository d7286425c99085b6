"""Projections between populations, their kinetics, and the exact sums of their weights."""

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.synapses.combine import Combine as Combine
    from jaxsnn_noise.synapses.combine import Sum as Sum
    from jaxsnn_noise.synapses.conductance import Conductance as Conductance
    from jaxsnn_noise.synapses.currents import Alpha as Alpha
    from jaxsnn_noise.synapses.currents import DoubleExponential as DoubleExponential
    from jaxsnn_noise.synapses.delays import DelayedSparse as DelayedSparse
    from jaxsnn_noise.synapses.dense import Dense as Dense
    from jaxsnn_noise.synapses.dense import random_weights as random_weights
    from jaxsnn_noise.synapses.gap import GapJunctions as GapJunctions
    from jaxsnn_noise.synapses.gap import Ohmic as Ohmic
    from jaxsnn_noise.synapses.graphs import Connectivity as Connectivity
    from jaxsnn_noise.synapses.graphs import FixedInDegree as FixedInDegree
    from jaxsnn_noise.synapses.graphs import FixedOutDegree as FixedOutDegree
    from jaxsnn_noise.synapses.graphs import Graph as Graph
    from jaxsnn_noise.synapses.graphs import Probability as Probability
    from jaxsnn_noise.synapses.interpolated import DelayedDense as DelayedDense
    from jaxsnn_noise.synapses.kinetics import Delta as Delta
    from jaxsnn_noise.synapses.kinetics import Exponential as Exponential
    from jaxsnn_noise.synapses.kinetics import Held as Held
    from jaxsnn_noise.synapses.kinetics import Kinetics as Kinetics
    from jaxsnn_noise.synapses.nmda import NMDA as NMDA
    from jaxsnn_noise.synapses.noisy import NoisyDense as NoisyDense
    from jaxsnn_noise.synapses.projection import Projection as Projection
    from jaxsnn_noise.synapses.quantal import Quantal as Quantal
    from jaxsnn_noise.synapses.rectangular import Rectangular as Rectangular
    from jaxsnn_noise.synapses.sparse import Sparse as Sparse
    from jaxsnn_noise.synapses.spatial import DistanceDependent as DistanceDependent
    from jaxsnn_noise.synapses.spatial import ExponentialProfile as ExponentialProfile
    from jaxsnn_noise.synapses.spatial import GaussianProfile as GaussianProfile
    from jaxsnn_noise.synapses.spatial import OneToOne as OneToOne
    from jaxsnn_noise.synapses.spatial import Profile as Profile
    from jaxsnn_noise.synapses.stdp import Everywhere as Everywhere
    from jaxsnn_noise.synapses.stdp import HardBounds as HardBounds
    from jaxsnn_noise.synapses.stdp import PairSTDP as PairSTDP
    from jaxsnn_noise.synapses.stdp import SoftBounds as SoftBounds
    from jaxsnn_noise.synapses.stdp import WhereNonzero as WhereNonzero
    from jaxsnn_noise.synapses.sums import ExactSums as ExactSums
    from jaxsnn_noise.synapses.sums import FixedSums as FixedSums
    from jaxsnn_noise.synapses.sums import NativeSums as NativeSums
    from jaxsnn_noise.synapses.sums import Sums as Sums

_HOMES = {
    "combine": "Combine Sum",
    "conductance": "Conductance",
    "currents": "Alpha DoubleExponential",
    "delays": "DelayedSparse",
    "dense": "Dense random_weights",
    "gap": "GapJunctions Ohmic",
    "graphs": "Connectivity FixedInDegree FixedOutDegree Graph Probability",
    "interpolated": "DelayedDense",
    "kinetics": "Delta Exponential Held Kinetics",
    "nmda": "NMDA",
    "noisy": "NoisyDense",
    "projection": "Projection",
    "quantal": "Quantal",
    "rectangular": "Rectangular",
    "sparse": "Sparse",
    "spatial": "DistanceDependent ExponentialProfile GaussianProfile OneToOne Profile",
    "stdp": "Everywhere HardBounds PairSTDP SoftBounds WhereNonzero",
    "sums": "ExactSums FixedSums NativeSums Sums",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
