"""What the claims about internal noise in trained networks ask of the data: paired values, a bound, and a side.

A question takes a :class:`Networks`, which finds measurements by their filter for one reading (pixels, place of the
filter) and one recipe of training. The same question is judged for the primary reading, and described for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce

from .digit_networks import Setting

if TYPE_CHECKING:
    import xarray as xr

Data = Mapping[str, Any]
WORST = ("membrane", "multiplicative")
EXEMPT = "additive current"
"""The kind that the source exempts: with a sigmoid filter it is said to be the dominant error."""
SECOND = "second_"
"""What names of measurements of the second recipe begin with."""


class Lacking(Exception):
    """Nothing was measured for this question."""


@dataclass(frozen=True)
class Networks:
    """The measurements of one reading.

    Args:
        data: All measurements by name.
        pixels: "raw" or "standardised".
        place: "image" or "current": where the filters act.
        recipe: What the names begin with: empty, or :data:`SECOND`.
        used: Names that were asked for; two readings with the same ones are one.
    """

    data: Data
    pixels: str = "standardised"
    place: str = "image"
    recipe: str = ""
    used: list[str] = field(default_factory=list)

    def part(self, name: str) -> xr.Dataset:
        """The networks with a filter, or "none"."""
        return self.named(Setting(name, self.place, self.pixels).name)

    def named(self, name: str) -> xr.Dataset:
        """A measurement by its name.

        Raises:
            Lacking: It was left out.
        """
        if self.recipe + name not in self.data:
            raise Lacking(self.recipe + name)
        self.used.append(self.recipe + name)
        return self.data[self.recipe + name]


@dataclass(frozen=True)
class Asked:
    """Values whose mean is compared with a bound.

    Args:
        values: [seed, sample, D, cells ...].
        test: ``at_most`` or ``at_least``.
        detail: What the values are.
        bound: The bound [units].
        units: Unit of the values.
    """

    values: xr.DataArray
    test: Callable[..., Any]
    detail: str
    bound: float = 0.0
    units: str = "points"


Question = Callable[[Networks, Any], Asked]


def losses(part: xr.Dataset, correct: str = "correct") -> xr.DataArray:
    """Accuracy lost to noise [points], per network, condition and image (mean over trials)."""
    return 100.0 * (part["quiet_correct"].astype(np.float64) - part[correct].astype(np.float64).mean("trial"))


def by_kind(values: xr.DataArray) -> xr.DataArray:
    """Site and coupling as one dimension ``kind`` with labels such as "multiplicative membrane"."""
    stacked = values.stack(kind=("site", "coupling"))
    names = [f"{coupling} {site}" for site, coupling in stacked["kind"].values]
    return stacked.drop_vars(("kind", "site", "coupling")).assign_coords(kind=names)


def strongest(part: xr.Dataset) -> xr.DataArray:
    """Loss per kind and intensity, mean over independent and common noise."""
    return by_kind(losses(part).mean("correlation"))


def multiplicative_membrane_is_worst(find: Networks, config: Any) -> Asked:
    """Every other kind costs less."""
    del config
    loss, worst = strongest(find.part("none")), " ".join(WORST[::-1])
    return Asked(
        loss.drop_sel(kind=worst) - loss.sel(kind=worst, drop=True),
        reduce.at_most,
        "loss of another kind minus under it",
    )


def potentials_are_driven_down(find: Networks, config: Any) -> Asked:
    """The share of time that hidden potentials are far below threshold rises."""
    part = find.part("none")
    noisy = part["far_below"].sel(site=WORST[0], coupling=WORST[1], drop=True).mean("correlation")
    detail = f"time below {config.depth:g} mV minus {100 * float(part['quiet_far_below'].mean()):.1f} % without noise"
    return Asked(100.0 * (noisy - part["quiet_far_below"]), reduce.at_least, detail)


def neurons_fall_silent(find: Networks, config: Any) -> Asked:
    """Of the neurons that fire for an image without noise, more fall silent than under additive noise of the membrane.

    Without noise nothing falls silent, and under any noise something does, so noise at the same site and of the same
    intensity is what to compare with.
    """
    part = find.part("none")
    fell = part["fell_silent"].sel(site=WORST[0]).mean("correlation").drop_vars("site")
    fired = 1.0 - part["quiet_silent"].mean("sample")  # of each network, so that no image divides by nothing
    gap = 100.0 * (fell.sel(coupling=WORST[1], drop=True) - fell.sel(coupling="additive", drop=True)) / fired
    told = [
        100.0 * float((fell.sel(coupling=c, D=config.primary).mean("sample") / fired).mean())
        for c in (WORST[1], "additive")
    ]
    woke = part["woke"].sel(site=WORST[0], coupling=WORST[1], D=config.primary)
    asleep = part["quiet_silent"]
    detail = (
        f"of the neurons that fire, {told[0]:.1f} % fall silent under multiplicative and {told[1]:.1f} % under additive "
        f"noise at D = {config.primary:g}; of the {100 * float(asleep.mean()):.1f} % that are silent, multiplicative noise "
        f"wakes {100 * float(woke.mean() / asleep.mean()):.1f} %"
    )
    return Asked(gap, reduce.at_least, detail)


def clipping_removes_the_effect(find: Networks, config: Any) -> Asked:
    """Clipping the membrane at the reset from below takes away at least half of the loss."""
    part = find.part("none")
    free = losses(part).sel(site=WORST[0], coupling=WORST[1], drop=True).mean("correlation")
    clipped = losses(part, "clipped_correct").mean("correlation")
    at = [float(x.sel(D=config.primary).mean()) for x in (free, clipped)]
    detail = f"half of the loss of {at[0]:.1f} minus the loss when clipped, {at[1]:.1f} at D = {config.primary:g}"
    return Asked(0.5 * free - clipped, reduce.at_least, detail)


def smaller_beta_shrinks_the_effect(find: Networks, config: Any) -> Asked:
    """The loss to multiplicative membrane noise is larger for the largest beta than for the smallest."""
    names = config.beta_names()
    most, least = max(names), min(names)
    if most == least:
        raise Lacking("networks with another beta")
    loss = [strongest(find.named(names[b])).sel(kind=" ".join(WORST[::-1]), drop=True) for b in (most, least)]
    return Asked(loss[0] - loss[1], reduce.at_least, f"loss at beta {most:g} minus loss at beta {least:g}")


def current_is_milder(find: Networks, config: Any) -> Asked:
    """Multiplicative noise costs less on the current than on the membrane."""
    del config
    loss = strongest(find.part("none"))
    gap = loss.sel(kind="multiplicative membrane", drop=True) - loss.sel(kind="multiplicative current", drop=True)
    return Asked(gap, reduce.at_least, "loss with it on the membrane minus on the current")


def sigmoid_is_best(*, without: str | None = None, kind: str | None = None) -> Question:
    """Networks with the sigmoid lose less than those with any other filter: mean over kinds (but one), or one kind."""

    def averaged(part: xr.Dataset) -> xr.DataArray:
        loss = strongest(part)
        if kind is not None:
            return loss.sel(kind=kind, drop=True)
        return (loss if without is None else loss.drop_sel(kind=without)).mean("kind")

    def ask(find: Networks, config: Any) -> Asked:
        import xarray as xr

        best, others = averaged(find.part("sigmoid")), {}
        for name in config.filters:
            if name != "sigmoid":
                try:
                    others[name] = averaged(find.part(name))
                except Lacking:  # ReLU leaves raw images as they are
                    continue
        if not others:
            raise Lacking("another filter")
        gaps = xr.concat([best - other for other in others.values()], dim=xr.Variable("filter", list(others)))
        at = float(best.sel(D=config.primary).mean())
        detail = f"loss with the sigmoid ({at:.1f} at D = {config.primary:g}) minus loss with another filter"
        return Asked(gaps, reduce.at_most, detail)

    return ask


def additive_current_dominates(find: Networks, config: Any) -> Asked:
    """Additive current noise costs more than every other kind at the same intensity, in the form simulated."""
    loss = strongest(find.part("sigmoid"))
    gaps = loss.drop_sel(kind=EXEMPT) - loss.sel(kind=EXEMPT, drop=True)
    detail = f"loss of another kind minus that of additive current noise, (1 - beta) R = {config.layers.current_gain:g}"
    return Asked(gaps, reduce.at_most, detail)


def additive_current_dominates_sum_form(find: Networks, config: Any) -> Asked:
    """In the form ``v <- beta v + I``, additive current noise costs more than every other kind.

    There it is, number by number, the additive membrane noise of the same intensity, so that one is looked at.
    """
    del config
    loss = strongest(find.part("sigmoid")).drop_sel(kind=EXEMPT)
    gaps = loss.drop_sel(kind="additive membrane") - loss.sel(kind="additive membrane", drop=True)
    detail = "loss of another kind minus that of additive current (there equal to additive membrane) noise"
    return Asked(gaps, reduce.at_most, detail)


def others_cost_at_most_one_point(find: Networks, config: Any) -> Asked:
    """Every kind but additive current noise costs at most a point, independent or common."""
    del config
    loss = by_kind(losses(find.part("sigmoid"))).drop_sel(kind=EXEMPT)
    return Asked(loss, reduce.at_most, "loss of a kind", bound=1.0)


def common_hurts_less(site: str, coupling: str) -> Question:
    """Common noise costs less than independent noise of the same intensity at one site."""

    def ask(find: Networks, config: Any) -> Asked:
        del config
        loss = losses(find.part("none")).sel(site=site, coupling=coupling, drop=True)
        gap = loss.sel(correlation="common", drop=True) - loss.sel(correlation="independent", drop=True)
        return Asked(gap, reduce.at_most, "loss to common minus loss to independent noise")

    return ask


def weights_tell_which_is_worse(find: Networks, config: Any) -> Asked:
    """Common output noise hurts less where the weights say that it moves the differences between classes less."""
    part = find.part("none")
    if "predicted_variance" not in part:
        raise Lacking("what the weights predict")
    predicted = part["predicted_variance"].sel(part="between classes", D=config.primary)
    ratio = (predicted.sel(correlation="common") / predicted.sel(correlation="independent")).mean().item()
    gap = common_hurts_less("output", "additive")(find, config).values
    detail = (
        f"predicted variance ratio common/independent {ratio:.2f}; "
        "loss to common minus loss to independent noise (turned round where the ratio is above 1)"
    )
    return Asked(gap if ratio < 1 else -gap, reduce.at_most, detail)


def networks(data: Data) -> dict[str, xr.Dataset]:
    """The measurements of networks of the first recipe, by name."""
    return {name: part for name, part in data.items() if "readout_variance" in part}
