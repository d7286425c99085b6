"""How long a neuron remembers: the autocorrelation of binned counts or of a potential."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxsnn_noise._checks import count, fail, number
from jaxsnn_noise.statistics import windows
from jaxsnn_noise.statistics.counts import start_counts
from jaxsnn_noise.statistics.fold import About, Frame, Statistic, check_variable


class Autocorrelation(Statistic):
    r"""Autocorrelation of what each neuron does in consecutive bins [1].

    With ``n_b`` the spikes of a bin, or the mean of another variable over it,

    .. math:: \rho_k = \frac{\sum_b (n_b - \bar n)(n_{b + k} - \bar n)}{\sum_b (n_b - \bar n)^2}, \qquad k = 0, \dots, lags.

    Counts of a Poisson train have 0 behind lag 0, an Ornstein-Uhlenbeck potential in bins much shorter than tau
    ``exp(-k bin/tau)``. **Biased low** by about ``(1 + 2 sum rho)/bins``, since the mean is that of the record, and by the share
    ``k/bins`` of itself. NaN for a neuron whose values do not vary. Differentiable. Memory is that of all bins.

    Args:
        bin: length of a bin [ms]; a multiple of dt that divides the measured duration.
        lags: longest lag, in bins.
        variable: ``"spikes"``, ``"v"``, or a name that can be recorded.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [lag, neuron] [1]; the coordinate is the lag [ms].

    Raises:
        InputError: the bin is no multiple of dt, or leaves a partial bin at the end; as many lags as bins, or more.

    References:
        Box, Jenkins, Reinsel (2008), *Time Series Analysis*, section 2.1.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Autocorrelation, over_raster
    >>> print(over_raster(Autocorrelation(1.0, 2), jnp.array([[1], [0], [1], [0]]), dt=1.0)[:, 0])
    [ 1.   -0.75  0.5 ]
    """

    exact: ClassVar[bool] = False

    bin: float = eqx.field(static=True, converter=partial(number, "Autocorrelation.bin"))
    lags: int = eqx.field(static=True)
    variable: str = eqx.field(static=True, default="spikes")
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        count("Autocorrelation.lags", self.lags)
        check_variable("Autocorrelation.variable", self.variable, None)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def _width(self, about: About) -> int:
        return windows.bins_of("Autocorrelation", self.bin, about)[0]

    def init(self, about: About) -> windows.Windows:
        _, bins = windows.bins_of("Autocorrelation", self.bin, about)
        if self.lags >= bins:
            fail("Autocorrelation.lags", f"must be fewer than the {bins} bins of the measurement", self.lags)
        return windows.start(start_counts("Autocorrelation", about), bins)

    def update(self, acc: windows.Windows, frame: Frame, about: About) -> windows.Windows:
        return windows.advance(acc, frame.variable(self.variable), frame.index, self._width(about))

    def merge(self, a: windows.Windows, b: windows.Windows, about: About) -> windows.Windows:
        return windows.merge(a, b, self._width(about))

    def finalize(self, acc: windows.Windows, about: About) -> Float[Array, "lag neuron"]:
        sums = windows.settled(acc, self._width(about))
        varies = sums.max(axis=0) > sums.min(axis=0)
        shift = lax.stop_gradient(sums[:1])  # near the mean, so that little is rounded
        apart = sums - shift
        apart = apart - apart.mean(axis=0, keepdims=True)
        power = jnp.where(varies, (apart * apart).sum(axis=0), jnp.float32(1))
        bins = apart.shape[0]
        found = [(apart[: bins - k] * apart[k:]).sum(axis=0) for k in range(self.lags + 1)]
        return jnp.where(varies[None, :], jnp.stack(found) / power[None, :], jnp.float32(jnp.nan))

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("lag", "neuron")}

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        del about
        return {"lag": [k * self.bin for k in range(self.lags + 1)]}

    @classmethod
    def example(cls) -> Self:
        return cls(10.0, 2)
