"""Noise inside a spiking network: which site, which kind, which pre-filter (arXiv 2604.13612).

One leaky integrate-and-fire neuron, then trained networks 784-h-10 that read handwritten digits. Noise acts at test
time, at three stages of the hidden neurons: on the input current, on the membrane, on the output spikes; additive and
multiplicative; independent per neuron and common to all of them. Constants that the paper's abstract does not give are
ours; what is known to depend on them is measured or derived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.parameters import Range, below, between, positive
from jaxsnn_noise.study import Claim, Picture, Progress, option
from jaxsnn_noise.verdicts import holm

from . import claims as asks
from . import neuron_claims as of_neuron
from . import pictures, verdicts
from .claims import SECOND
from .conditions import COUPLINGS, SITES
from .digit_networks import FILTERS, PIXELS, PLACES, TEST, Digits, Layers, Setting, Teaching, digits, settings
from .noisy_digits import measured, noisy
from .single_neuron import OneNeuron
from .single_neuron import measured as measured_neuron
from .single_neuron import simulation as neuron_simulation

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "Internal noise in spiking networks: sites, kinds, pre-filters, and common against independent noise"
COST = {"tiny": "10 s", "default": "5 min", "full": "an hour, estimated"}


SECOND_RECIPE = Teaching(seeds=3, learning_rate=0.003, centred=False, spiking_readout=True, logit=0.5)
"""Chosen on a fifth of the training images; no test image was looked at."""


@dataclass(frozen=True)
class Config:
    """What is simulated; the constants are ours unless a comment names their source."""

    layers: Layers = field(default_factory=Layers)
    """The network."""
    teaching: Teaching = field(default_factory=Teaching)
    """How it is trained."""
    second: Teaching = field(default_factory=lambda: SECOND_RECIPE)
    """The second recipe, which has to agree: standardised pixels, filters on the image, the primary intensity only."""
    neuron: OneNeuron = field(default_factory=OneNeuron)
    """The single neuron; 0 trials leave it out."""
    filters: tuple[str, ...] = option(tuple(FILTERS), choices=FILTERS, least=1, distinct=True)
    """Pre-filters."""
    places: tuple[str, ...] = option(PLACES, choices=PLACES, least=1, distinct=True)
    """What a filter acts on: the image, or the current that enters a hidden neuron."""
    pixels: tuple[str, ...] = option(PIXELS, choices=PIXELS, least=1, distinct=True)
    """Pixels: raw in [0, 1], or standardised to mean 0 and variance 1."""
    levels: tuple[float, ...] = option((0.03, 0.1, 0.3, 1.0), positive, least=2, rising=True)
    """Noise intensities D, rising [squared unit of the site, or 1]."""
    primary: float = option(1.0, positive)
    """The intensity of which verdicts speak, one of the levels; the others are described [as the levels]."""
    images: int = option(300, between(1, TEST))
    """Test images for every setting [1]."""
    whole_test: bool = True
    """Whether the accuracy without noise is that on all test images, else on those shown."""
    trials: int = option(2, Range(1))
    """Fresh noise per image [1]."""
    other_betas: tuple[float, ...] = option((0.5, 0.8), Range(0.0, 1.0, low_open=True, high_open=True), distinct=True)
    """Further decays per step, for unfiltered standardised pixels [1]."""
    depth: float = option(-5.0, below(1.0))
    """A potential below this is far below threshold [mV]; the threshold is 1 mV."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""

    def __post_init__(self) -> None:
        if self.primary not in self.levels:
            raise ValueError("primary must be one of the levels")
        if self.teaching.seeds < 1:
            raise ValueError("teaching.seeds must be at least 1")
        if self.layers.beta in self.other_betas:
            raise ValueError("other_betas must leave out layers.beta, which is measured anyway")

    def beta_names(self) -> dict[float, str]:
        """Name of the measurement of unfiltered standardised pixels, by beta."""
        others = {beta: f"beta_{round(1000 * beta)}" for beta in self.other_betas}
        return {self.layers.beta: UNFILTERED.name} | others


UNFILTERED = Setting("none", "image", "standardised")
DEFAULT = Config()
TINY = Config(
    layers=Layers(hidden=32, steps=10),
    teaching=Teaching(seeds=2, epochs=2, samples=1000),
    second=replace(SECOND_RECIPE, seeds=0),
    neuron=OneNeuron(trials=0),
    filters=("none",),
    places=("image",),
    pixels=("standardised",),
    levels=(0.1, 1.0),
    images=40,
    whole_test=False,
    other_betas=(),
)
FULL = replace(
    DEFAULT,
    teaching=Teaching(seeds=16, epochs=10),
    second=replace(SECOND_RECIPE, seeds=8, epochs=10),
    neuron=OneNeuron(
        trials=1000,
        steps=2000,
        betas=(0.5, 0.8, 0.905, 0.95, 0.99),
        levels=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    ),
    levels=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    images=1000,
    trials=8,
    other_betas=(0.5, 0.7, 0.8, 0.95),
)


def build(config: Config) -> dict[str, Any]:
    """The single neuron and an unfiltered network, with every source of noise silent."""
    return {
        "one neuron": neuron_simulation(config.neuron, config.layers.current_gain, config.depth),
        "network": noisy(config.layers, UNFILTERED, config.depth),
    }


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """The single neuron, then every setting: train, show test images under noise. One dataset each."""
    data = digits(config.teaching.samples, config.seed)
    found = {}
    if config.neuron.trials:
        found["neuron"] = progress.stage("neuron", lambda: _neuron(config, progress))
    first, levels = config.teaching, config.levels
    plans = {s.name: (s, config.layers, first, levels) for s in settings(config.filters, config.places, config.pixels)}
    for beta, name in config.beta_names().items():
        plans[name] = (UNFILTERED, replace(config.layers, beta=beta), first, levels)
    for setting in settings(config.filters, ("image",), ("standardised",)) if config.second.seeds else ():
        plans[SECOND + setting.name] = (setting, config.layers, config.second, (config.primary,))
    for name, plan in plans.items():
        found[name] = progress.stage(name, partial(_setting, config, *plan, data, progress))
    return found


def _neuron(config: Config, progress: Progress) -> xr.Dataset:
    with progress.task("one neuron", unit="members") as task:
        found = measured_neuron(
            config.neuron, config.layers.current_gain, config.depth, config.seed, progress=task.update
        )
    return found.assign_attrs(seed=config.seed)


def _setting(
    config: Config, setting: Setting, layers: Layers, teaching: Teaching, levels: tuple[float, ...], data: Digits,
    progress: Progress,
) -> xr.Dataset:  # fmt: skip
    words = setting.words + (", second recipe" if teaching.spiking_readout else "")
    with progress.task(words, unit="members") as task:
        found = measured(
            layers, setting, teaching, data, levels=levels, images=config.images, trials=config.trials,
            depth=config.depth, seed=config.seed, whole_test=config.whole_test, progress=task.update,
        )  # fmt: skip
    return found.assign_attrs(seed=config.seed, setting=words, beta=layers.beta)


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """The pictures, in the order of the argument."""
    one = (pictures.one_neuron, pictures.excursions, pictures.kesten) if "neuron" in data else ()
    return {
        **{draw.__name__: draw(data, config) for draw in one},
        "unfiltered": pictures.loss_by_level(data, ("raw_none", "standardised_none")),
        "filters": pictures.filters(data, config),
        **({"sigmoid": pictures.sigmoid(data)} if "sigmoid" in config.filters else {}),
        "mechanism": pictures.mechanism(data, config),
        "common": pictures.common(data),
        **({"same_noise": pictures.same_noise(data, config)} if pictures.SAME_NOISE[1] in data else {}),
    }


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracy without noise, every loss with both kinds of interval, and every question for every reading."""
    return {
        "accuracy": pictures.accuracy_table(data),
        "losses": pictures.loss_table(data),
        "described": verdicts.described(data, config, QUESTIONS),
    }


PAPER = "arXiv:2604.13612"
KESTEN = "prediction of this study, after Kesten 1973, doi:10.1007/BF02392040"


WEIGHTS = "arXiv:2505.06611"
ON_WEIGHTS = "prediction of this study, after arXiv:2505.06611"

_TEXTS: dict[str, tuple[str, str, asks.Question]] = {
    "multiplicative_membrane_is_worst": (
        "Multiplicative noise on the membrane is the worst of the six kinds (no filter).",
        PAPER, asks.multiplicative_membrane_is_worst),
    "potentials_are_driven_down": (
        "Multiplicative membrane noise drives the potentials of a trained network to large negative values.",
        PAPER, asks.potentials_are_driven_down),
    "neurons_fall_silent": (
        "Under multiplicative membrane noise hidden neurons that fire fall silent, more than under additive noise there.",
        PAPER, asks.neurons_fall_silent),
    "sigmoid_is_best": (
        "A sigmoid filter loses least of all filters (mean over six kinds).", PAPER, asks.sigmoid_is_best()),
    "sigmoid_is_best_without_additive_current": (
        "A sigmoid filter loses least of all filters (mean over the five kinds that are not additive current noise).",
        PAPER, asks.sigmoid_is_best(without=asks.EXEMPT)),
    "sigmoid_helps_worst_kind": (
        "Against multiplicative membrane noise a sigmoid filter is best.",
        PAPER, asks.sigmoid_is_best(kind=" ".join(asks.WORST[::-1]))),
    "additive_current_dominates": (
        "With the sigmoid filter, additive noise in the input current is the dominant error.",
        PAPER, asks.additive_current_dominates),
    "additive_current_dominates_sum_form": (
        "The same in the form v <- beta v + I, where it ties with additive membrane noise.",
        PAPER, asks.additive_current_dominates_sum_form),
    "others_cost_at_most_one_point": (
        "With the sigmoid filter every other kind costs at most 1 % even at high intensity.",
        PAPER, asks.others_cost_at_most_one_point),
    **{
        f"common_hurts_less_{coupling}_{site}": (
            f"Common {coupling} noise on the {site} hurts less than independent noise of the same intensity (no filter).",
            PAPER, asks.common_hurts_less(site, coupling))
        for coupling in COUPLINGS for site in SITES
    },
    "clipping_removes_the_effect": (
        "Clipping the membrane from below at the reset takes away at least half of the loss to multiplicative membrane "
        "noise.", KESTEN, asks.clipping_removes_the_effect),
    "current_is_milder": (
        "Multiplicative noise costs less on the current, where its variance is bounded.", KESTEN, asks.current_is_milder),
    "smaller_beta_shrinks_the_effect": (
        "The loss to multiplicative membrane noise grows with beta.", KESTEN, asks.smaller_beta_shrinks_the_effect),
    "weights_tell_which_is_worse": (
        "Common output noise hurts less where the weights say that it moves the differences between classes less.",
        ON_WEIGHTS, asks.weights_tell_which_is_worse),
}  # fmt: skip
QUESTIONS = {name: ask for name, (_, _, ask) in _TEXTS.items()}
ONE_RECIPE = ("smaller_beta_shrinks_the_effect", "weights_tell_which_is_worse")
"""Claims that the second recipe is not asked about: it has no other beta, and no readout that the weights predict."""

CLAIMS = (
    Claim("every_kind_matters",
          "Noise at each of the three stages, additive and multiplicative, disturbs a single neuron "
          "(mean output off by at least 1 %, root mean square).", PAPER, of_neuron.every_kind_matters),
    *(
        Claim(name, text, source, verdicts.primary(ask, second=name not in ONE_RECIPE))
        for name, (text, source, ask) in _TEXTS.items()
    ),
    Claim("excursions_grow", "A single neuron is longer far below threshold, the stronger the noise.",
          KESTEN, of_neuron.excursions_grow),
    Claim("excursions_shrink_with_leak", "A single neuron is longer far below threshold, the larger beta.",
          KESTEN, of_neuron.excursions_shrink_with_leak),
    Claim("second_moment", "The free membrane has the second moment of a Kesten process (within 10 %, at D_c/4).",
          KESTEN, of_neuron.second_moment_is_kestens),
    Claim("weights_give_variance",
          "Mean square and mean of the weights give the readout's variance under independent and common noise "
          "(within a fifth).", WEIGHTS, verdicts.weights_give_variance),
)  # fmt: skip
settle = holm


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    layers, teaching, neuron = config.layers, config.teaching, config.neuron
    accuracy = [
        float(part["accuracy"].mean())
        for name, part in data.items()
        if "accuracy" in part and not name.startswith(SECOND)
    ]
    gain, other = layers.current_gain, config.second
    of_second = [float(part["accuracy"].mean()) for name, part in data.items() if name.startswith(SECOND)]
    second = (
        f"""Networks of a second recipe have to show the same, for themselves, or a claim depends on the network:
{other.seeds} of them, with readouts that spike and are read by their spikes (where several are equally many, an image
counts in part), plain gradients, Adam at {other.learning_rate:g}; they reach {100 * min(of_second):.1f} to
{100 * max(of_second):.1f} %."""
        if of_second
        else ""
    )
    return f"""Networks of 784 inputs, {layers.hidden} leaky integrate-and-fire neurons and 10 leaky readouts were shown
an image as a constant input for {layers.steps} steps of 1 ms. A hidden neuron with potential v and current I follows

    v <- beta v + (1 - beta) R I,  beta = {layers.beta:g},  (1 - beta) R = {gain:g} mV/nA,
    s = 1 and v <- 0 where v >= 1 mV,  else s = 0.

Noise of intensity D has the standard deviation sqrt(2 D) in every step and is drawn anew in each, per neuron
(independent) or once for the layer (common): additive, y + sqrt(2 D) xi, or multiplicative, y (1 + sqrt(2 D) xi). On the
current it acts before the integration, on the membrane after the flow and before the comparison, on the output on what the
readouts receive (the reset uses the clean spike). In this form the additive noises on current and membrane differ by a
factor: a current noise D is a membrane noise ({gain:g})^2 D = {gain**2:.3g} D; with (1 - beta) R = 1 they would be the same
numbers. Which of the two is worse at equal D is therefore a matter of the form chosen.

Images came from a class-balanced subset of MNIST (training {teaching.samples}, test 1000). Filters acted on the image or on
the summed current of a hidden neuron, before any noise; pixels were in [0, 1] or standardised over all training pixels.
For each setting {teaching.seeds} networks were trained without noise for {teaching.epochs} epochs (Adam, rate
{teaching.learning_rate:g} with cosine decay, batches of {teaching.batch_size}, surrogate gradient SuperSpike, gradients of
the input weights centralised) to a mean test accuracy of {100 * min(accuracy):.1f} to {100 * max(accuracy):.1f} %. Noise
acted at test time only: {config.images} test images, {config.trials} trials each, D =
{", ".join(f"{d:g}" for d in config.levels)}. All kinds, intensities, networks and settings share images and random numbers
and are compared in pairs. The loss is the accuracy without noise minus that with noise, in points of percent.

Each claim has one primary cell, fixed before anything was run: standardised pixels (only they drive neurons down without
noise, which the source's account of filters takes for granted), filters on the image, D = {config.primary:g}. Verdicts speak
of networks trained like these, on images like these: both are random and crossed, trials nested in them (Student's t with
the degrees of freedom of Satterthwaite). Claims about several comparisons are reproduced if each is shown, and not
reproduced if one is refuted after Bonferroni correction. A claim is decided if its two-sided p-value stands Holm's
correction over all {len(CLAIMS)} claims at 5 %; intervals are 95 % each. Other intensities, raw pixels and filters on the
current are described in a table, not judged. {second}

The single neuron was driven to R I = {neuron.drive:g} mV ({neuron.trials or "no"} trials, {neuron.steps} steps after
{neuron.warmup}). Its free membrane under multiplicative noise is a Kesten process, whose second moment is infinite from

    D_c = (1/beta^2 - 1)/2

on. The variance of the mean readout under additive output noise was predicted from the weights W as 2 D sum_j W_ij^2
(independent) and 2 D (sum_j W_ij)^2 (common), times the gain of readout and average, without free parameters.
"""
