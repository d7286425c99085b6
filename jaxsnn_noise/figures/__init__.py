"""House style of figures, and the pictures that studies draw most, each with a tidy table.

Matplotlib is used through its object-oriented interface only: no pyplot, no global figure, no window; so it works in
batch jobs and in threads of a notebook alike. It is imported when the first figure is made. Colours are those of Okabe
and Ito, told apart by readers with any colour vision, and every series has a marker and a line style of its own
besides.

Example:
    >>> import numpy as np
    >>> levels = np.array([0.0, 0.1, 0.2])  # noise amplitude [mV]
    >>> rate = np.array([12.0, 14.0, 19.0])  # mean and 95 % interval [Hz]
    >>> figure, axes = new_figure()
    >>> labels = {"x_label": "amplitude [mV]", "y_label": "firing rate [Hz]", "series": "additive"}
    >>> axes, table = line_with_interval(axes, levels, rate, rate - 1.0, rate + 1.0, **labels)
    >>> list(table.columns)
    ['series', 'amplitude [mV]', 'firing rate [Hz]', 'low', 'high']

References:
    M. Okabe, K. Ito: Color Universal Design, 2008 (the palette); B. Wong: Points of view: color blindness, Nature
    Methods 8, 441 (2011), doi:10.1038/nmeth.1618. J. R. Nuñez, C. R. Anderton, R. S. Renslow: Optimizing colormaps with
    consideration for color vision deficiency, PLoS ONE 13, e0199239 (2018), doi:10.1371/journal.pone.0199239 (cividis).
"""

from jaxsnn_noise.figures.courses import courses
from jaxsnn_noise.figures.house import (
    BLACK,
    BLUE,
    DIVERGING,
    GREEN,
    GREY,
    LINES,
    MARKERS,
    ORANGE,
    PALETTE,
    PURPLE,
    SEQUENTIAL,
    SKY,
    VERMILLION,
    WIDTH,
    new_figure,
    png,
    style,
    svg,
)
from jaxsnn_noise.figures.pictures import forest, heatmap, line_of_estimates, line_with_interval
from jaxsnn_noise.figures.rasters import raster
from jaxsnn_noise.figures.tornado import tornado

__all__ = [
    "BLACK",
    "BLUE",
    "DIVERGING",
    "GREEN",
    "GREY",
    "LINES",
    "MARKERS",
    "ORANGE",
    "PALETTE",
    "PURPLE",
    "SEQUENTIAL",
    "SKY",
    "VERMILLION",
    "WIDTH",
    "courses",
    "forest",
    "heatmap",
    "line_of_estimates",
    "line_with_interval",
    "new_figure",
    "png",
    "raster",
    "style",
    "svg",
    "tornado",
]


def __dir__() -> list[str]:
    return __all__
