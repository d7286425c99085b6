"""Spikes for other tools: tidy tables of spike times, and Neo. Networks of other tools: layers in a ``.npz`` file.

Neo is not needed for anything else and is loaded when first used: ``pip install neo``.

Example:
    >>> import numpy as np
    >>> table = spike_times({"raster": np.array([[3, 2]], np.uint8)}, dt=0.5)
    >>> table[["neuron", "time"]].values.tolist()
    [[0.0, 0.5], [0.0, 1.0], [1.0, 1.0]]
"""

from jaxsnn_noise.interop.layered import LayeredNetwork
from jaxsnn_noise.interop.layered_files import read_layered, write_layered
from jaxsnn_noise.interop.neo_blocks import from_neo, to_neo
from jaxsnn_noise.interop.tables import spike_times, times_of

__all__ = ["LayeredNetwork", "from_neo", "read_layered", "spike_times", "times_of", "to_neo", "write_layered"]


def __dir__() -> list[str]:
    return __all__
