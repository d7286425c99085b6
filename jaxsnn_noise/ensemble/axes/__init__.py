"""The axes of a Monte Carlo study: each a name, a size, and a pure map of a member by its index.

An axis maps ``(simulation, address, index) -> (simulation, address)``. A random axis adds itself to the address, so
noise is drawn anew along it; a sweep changes leaves and leaves the address alone, so all its values see the same noise
(common random numbers). Addresses are folded in the order of names: the order of axes moves no number.
"""

from jaxsnn_noise.ensemble.axes.axis import Axis as Axis
from jaxsnn_noise.ensemble.axes.campaigns import AllSites as AllSites
from jaxsnn_noise.ensemble.axes.campaigns import RandomSites as RandomSites
from jaxsnn_noise.ensemble.axes.cases import Cases as Cases
from jaxsnn_noise.ensemble.axes.sampled import Devices as Devices
from jaxsnn_noise.ensemble.axes.sampled import Realisations as Realisations
from jaxsnn_noise.ensemble.axes.sampled import Samples as Samples
from jaxsnn_noise.ensemble.axes.sampled import Trials as Trials
from jaxsnn_noise.ensemble.axes.sampled import Wafers as Wafers
from jaxsnn_noise.ensemble.axes.swept import Scale as Scale
from jaxsnn_noise.ensemble.axes.swept import Sweep as Sweep
from jaxsnn_noise.ensemble.axes.swept import Vary as Vary
