"""The paper's claims, and ours. Cells and bounds were fixed before the first run; accuracy in points, paired on networks and images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jaxsnn_noise as jn
from jaxsnn_noise.reduce import at_least
from jaxsnn_noise.study import Claim, Judgement

from .asking import PERTURBED, TESTS
from .attacking import CUBE
from .networks import TWIN, VARIANTS, Group

if TYPE_CHECKING:
    import xarray as xr

    Data = Mapping[str, xr.Dataset]
    Judge = Callable[[Data, Any], Judgement]

POINTS = 1.0
"""What counts as no difference [points of accuracy]. Ours."""
CLEAN = TESTS[0]
MA = "Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831"
OURS = "prediction of this study"


def over_twin(values: xr.DataArray) -> xr.DataArray:
    """Accuracy of both noisy variants less that of the twin of the same surrogate [points] (variant)."""
    points = 100.0 * values.astype(float)
    noisy = points.sel(kind=list(VARIANTS)).rename(kind="variant")
    return noisy - points.sel(kind=TWIN, drop=True)


def stands(attacks: xr.Dataset) -> xr.DataArray:
    """Whether an answer stands all attacks of the cube."""
    return attacks["correct"].sel(attack=list(CUBE)).min("attack")


def _test(name: str, bound: float) -> Judge:
    def judge(data: Data, config: Any) -> Judgement:
        values = over_twin(data[Group().name]["correct"].sel(test=name, drop=True))
        return jn.reduce.judge(
            values, bound, at_least, units="points", called="images", detail=f"{name}, one draw, less the twin"
        )

    return judge


def _attack(name: str) -> Judge:
    def judge(data: Data, config: Any) -> Judgement:
        if "attacks" not in data:
            return jn.reduce.unmeasured("attacks")
        found = data["attacks"]
        held = stands(found) if name == "cube" else found["correct"].sel(attack=name, drop=True)
        masked = found["masked"].sel(kind=list(VARIANTS)).mean()
        words = f"less the twin; gradients masked in {100 * float(masked):.0f} % of noisy networks"
        return jn.reduce.judge(over_twin(held), 0.0, at_least, units="points", called="images", detail=words)

    return judge


def _others(field: str, words: str) -> Judge:
    """Groups that differ from the primary one in one factor."""

    def judge(data: Data, config: Any) -> Judgement:
        import xarray as xr

        chosen = [
            (group, data[group.name])
            for group, _ in config.groups()[1:]
            if getattr(group, field) != getattr(Group(), field)
        ]
        if not chosen:
            return jn.reduce.unmeasured(f"other {words}")
        labels = [getattr(group, field) for group, _ in chosen]
        parts = [part["correct"].sel(test=CLEAN, drop=True).isel(std=0, drop=True) for _, part in chosen]
        values = over_twin(xr.concat(parts, field).assign_coords({field: labels}))
        detail = f"clean images, one draw, less the twin of the same {words}"
        return jn.reduce.judge(values, -POINTS, at_least, units="points", called="images", detail=detail)

    return judge


def _draws(data: Data, config: Any) -> Judgement:
    if config.draws < 2:
        return jn.reduce.unmeasured("several draws")
    points = 100.0 * data[Group().name]["several"].astype(float).sel(kind=list(VARIANTS)).rename(kind="variant")
    values = points.isel(draws=-1, drop=True) - points.isel(draws=0, drop=True)
    words = f"clean images, mean of {config.draws} draws less one draw"
    return jn.reduce.judge(values, 0.0, at_least, units="points", called="images", detail=words)


def _noise_off(data: Data, config: Any) -> Judgement:
    found = data[Group().name]
    noisy = found["correct"].sel(test=CLEAN, kind=list(VARIANTS), drop=True).rename(kind="variant")
    values = 100.0 * (found["quiet"].astype(float) - noisy.astype(float))
    words = "clean images, noise off at test less one draw with noise"
    return jn.reduce.judge(values, -POINTS, at_least, units="points", called="images", detail=words)


def _published(data: Data, config: Any) -> Judgement:
    """Averaged over perturbations: what the twin has over the published baseline, which differs from it in the surrogate alone."""
    found = data[Group().name]
    twin = 100.0 * found["correct"].astype(float).sel(kind=TWIN, test=list(PERTURBED), drop=True)
    other = 100.0 * found["published"].astype(float).sel(test=list(PERTURBED))
    values = (twin - other).mean("test")
    words = "twin less the deterministic network with an erf surrogate of sharpness 1, mean over perturbations"
    return jn.reduce.judge(values, 0.0, at_least, units="points", called="images", detail=words)


def _variants_agree(data: Data, config: Any) -> Judgement:
    points = 100.0 * data[Group().name]["correct"].astype(float).sel(test=CLEAN, drop=True)
    values = points.sel(kind=VARIANTS[1], drop=True) - points.sel(kind=VARIANTS[0], drop=True)
    words = f"clean images, one draw, {VARIANTS[1]} less {VARIANTS[0]}"
    return jn.reduce.judge_within(values, -POINTS, POINTS, units="points", called="images", detail=words)


_ROBUST = {
    "Gaussian pixels": "Gaussian noise on pixels",
    "salt and pepper": "salt-and-pepper noise",
    "dropped pixels": "dropped pixels",
    "flipped spikes": "flips of hidden spikes",
    "membrane noise": "noise on hidden membranes at test",
}
CLAIMS = (
    Claim("competitive", "Noisy networks are as accurate as deterministic ones with the same backward pass, less one point.", MA,
          _test(CLEAN, -POINTS)),
    *(
        Claim(f"robust_{name.replace(' ', '_')}", f"They are more robust against {words}.", MA, _test(name, 0.0))
        for name, words in _ROBUST.items()
    ),
    Claim("robust_sphere", "They are more robust against perturbations on an L2 sphere that are optimised by gradients.", MA, _attack("sphere")),
    Claim("robust_gradient", "They stand projected gradient ascent in a cube better.", MA, _attack("gradient")),
    Claim("robust_cube", "They stand the worst of three attacks in that cube better, of which one is transferred and one uses no gradient.",
          OURS, _attack("cube")),
    Claim("any_law", "Logistic, uniform and triangular noise serve as well: each as accurate as its twin, less one point.", MA,
          _others("law", "law")),
    Claim("any_architecture", "So do recurrent and residual networks: each as accurate as its twin, less one point.", MA,
          _others("architecture", "architecture")),
    Claim("other_images", "And networks that sort clothes.", MA, _others("images", "images")),
    Claim("several_draws", "The mean of several draws answers better than one draw.", MA, _draws),
    Claim("noise_off", "A trained noisy network with its noise off answers as well as with it, less one point.", OURS, _noise_off),
    Claim("variants_agree", "The two published variants differ by no more than one point.", OURS, _variants_agree),
    Claim("surrogate_counts", "A part of what noisy networks gain over the published baseline is its surrogate: the twin is more robust than it "
          "without any noise.", OURS, _published),
)  # fmt: skip
