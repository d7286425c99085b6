"""What an estimator of gradients returns."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, number

if TYPE_CHECKING:
    import xarray as xr


@dataclasses.dataclass(frozen=True, eq=False)
class Gradient:
    """Expectations of outputs and their derivatives, with standard errors over trials (and samples, where they count as draws), in float64.

    Attributes:
        outputs: Names of the statistics, each averaged over its entries.
        leaves: Dotted paths; the derivative is along a common shift of all entries of a leaf.
        value: [output], the mean over trials.
        value_error: [output], its standard error.
        gradient: [output, leaf], the derivative of the expectation [unit of the output over that of the leaf].
        error: [output, leaf], its standard error.
        at: [leaf], the mean of the entries of each leaf.
        trials: Number of independent trials, of each sample where a data set is shown.
        diagnostics: What the estimator tells of itself, by name; arrays [output] or [output, leaf], or single numbers.
        entries: From leaf to the derivatives by each of its entries [output, ...] and their standard errors, of estimators in
            reverse mode.
        units: [output].
        samples: Samples that were shown in every trial, 0 without a data set.
        counts: What the errors count as random.
    """

    outputs: tuple[str, ...]
    leaves: tuple[str, ...]
    value: np.ndarray
    value_error: np.ndarray
    gradient: np.ndarray
    error: np.ndarray
    at: np.ndarray
    trials: int
    diagnostics: dict[str, Any]
    entries: dict[str, tuple[np.ndarray, np.ndarray]] = dataclasses.field(default_factory=dict)
    units: tuple[str, ...] = ()
    samples: int = 0
    counts: str = "trials"

    def elasticity(self) -> np.ndarray:
        """``(leaf / output) d output / d leaf`` [output, leaf]: the relative change of the output per relative change of the leaf."""
        return np.asarray(self.gradient * self.at[None, :] / self.value[:, None])

    def dataset(self) -> xr.Dataset:
        """As a dataset over ``output`` and ``leaf``."""
        import xarray

        both = ("output", "leaf")
        return xarray.Dataset(
            {
                "value": ("output", self.value),
                "value_error": ("output", self.value_error),
                "gradient": (both, self.gradient),
                "error": (both, self.error),
                "elasticity": (both, self.elasticity()),
                "at": ("leaf", self.at),
            },
            coords={"output": list(self.outputs), "leaf": list(self.leaves)},
            attrs={"trials": self.trials, "samples": self.samples, "errors_count": self.counts},
        )


def bias_of(found: Gradient, reference: Gradient) -> tuple[np.ndarray, np.ndarray]:
    """The relative bias of one estimate against another [output, leaf], and its standard error.

    ``(found - reference)/|reference|``; the error is that of the difference, of independent runs (other keys), over
    ``|reference|``, and means little where the reference is not several of its own errors from 0.

    Raises:
        InputError: estimates of other outputs or leaves.
    """
    for name in ("outputs", "leaves"):
        if getattr(found, name) != getattr(reference, name):
            fail(f"bias_of: {name}", "must be the same in both", (getattr(found, name), getattr(reference, name)))
    size = np.abs(reference.gradient)
    return (found.gradient - reference.gradient) / size, np.hypot(found.error, reference.error) / size


def confidence_level(who: str, confidence: Any) -> float:
    """The coverage of intervals, strictly between 0 and 1."""
    level = number(f"{who}.confidence", confidence)
    if not 0 < level < 1:
        fail(f"{who}.confidence", "must lie between 0 and 1", confidence)
    return level
