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

from jaxsnn_noise.study import Claim, Picture, Progress

from . import claims as judges
from . import neuron_claims as of_neuron
from . import pictures
from .conditions import COUPLINGS
from .digit_networks import PLACES, Digits, Layers, Setting, Teaching, digits, settings
from .noisy_digits import measured, noisy
from .single_neuron import OneNeuron
from .single_neuron import measured as measured_neuron
from .single_neuron import simulation as neuron_simulation

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame

TITLE = "Internal noise in spiking networks: sites, kinds, pre-filters, and common against independent noise"
COST = {"tiny": "20 s", "default": "2 min", "full": "an hour, estimated"}


@dataclass(frozen=True)
class Config:
    """What is simulated; the constants are ours unless a comment names their source."""

    layers: Layers = field(default_factory=Layers)
    """The network."""
    teaching: Teaching = field(default_factory=Teaching)
    """How it is trained."""
    neuron: OneNeuron = field(default_factory=OneNeuron)
    """The single neuron."""
    filters: tuple[str, ...] = ("none", "tanh", "relu", "sigmoid")
    """Pre-filters: none, tanh, relu, sigmoid."""
    places: tuple[str, ...] = PLACES
    """What a filter acts on: the image, or the current that enters a hidden neuron."""
    pixels: tuple[str, ...] = ("raw", "standardised")
    """Pixels: raw in [0, 1], or standardised to mean 0 and variance 1."""
    levels: tuple[float, ...] = (0.03, 0.1, 0.3, 1.0)
    """Noise intensities D, rising; verdicts speak of the last [squared unit of the site, or 1]."""
    images: int = 300
    """Test images for every setting [1]."""
    images_sigmoid: int = 500
    """Test images for settings with the sigmoid, of which a bound of one point is claimed [1]."""
    trials: int = 2
    """Fresh noise per image [1]."""
    other_betas: tuple[float, ...] = (0.5, 0.8)
    """Further decays per step, for unfiltered standardised pixels [1]."""
    depth: float = -5.0
    """A potential below this is far below threshold [mV]; the threshold is 1 mV."""
    seed: int = 0
    """Root seed [1]."""

    def beta_names(self) -> dict[float, str]:
        """Name of the measurement of unfiltered standardised pixels, by beta."""
        others = {beta: f"beta_{round(1000 * beta)}" for beta in self.other_betas}
        return {self.layers.beta: UNFILTERED.name} | others


UNFILTERED = Setting("none", "image", "standardised")
DEFAULT = Config()
TINY = Config(
    layers=Layers(hidden=32, steps=10),
    teaching=Teaching(seeds=2, epochs=3, samples=1500),
    neuron=OneNeuron(trials=50, steps=100, warmup=50, betas=(0.5, 0.905), levels=(0.03, 1.0), ratios=(0.25, 0.9)),
    filters=("none", "sigmoid"),
    places=("image",),
    pixels=("standardised",),
    levels=(0.1, 1.0),
    images=60,
    images_sigmoid=60,
    other_betas=(0.5,),
)
FULL = replace(
    DEFAULT,
    teaching=Teaching(seeds=8, epochs=10),
    neuron=OneNeuron(
        trials=1000,
        steps=2000,
        betas=(0.5, 0.8, 0.905, 0.95, 0.99),
        levels=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    ),
    levels=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    images=1000,
    images_sigmoid=1000,
    trials=8,
    other_betas=(0.5, 0.7, 0.8, 0.95),
)


def build(config: Config) -> dict[str, Any]:
    """The single neuron and an unfiltered network, with every source of noise silent."""
    if list(config.levels) != sorted(config.levels) or len(config.levels) < 2:
        from jaxsnn_noise._checks import fail

        fail("levels", "must be at least two rising intensities D", config.levels)
    return {
        "one neuron": neuron_simulation(config.neuron, config.layers.current_gain, config.depth),
        "network": noisy(config.layers, UNFILTERED, config.depth),
    }


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """The single neuron, then every setting: train, show test images under noise. One dataset each."""
    data = digits(config.teaching.samples, config.seed)
    found = {"neuron": progress.stage("neuron", lambda: _neuron(config, progress))}
    plans = {s.name: (s, config.layers) for s in settings(config.filters, config.places, config.pixels)}
    for beta, name in config.beta_names().items():
        plans[name] = (UNFILTERED, replace(config.layers, beta=beta))
    for name, (setting, layers) in plans.items():
        found[name] = progress.stage(name, partial(_setting, config, setting, layers, data, progress))
    return found


def _neuron(config: Config, progress: Progress) -> xr.Dataset:
    with progress.task("one neuron", unit="members") as task:
        found = measured_neuron(
            config.neuron, config.layers.current_gain, config.depth, config.seed, progress=task.update
        )
    return found.assign_attrs(seed=config.seed)


def _setting(config: Config, setting: Setting, layers: Layers, data: Digits, progress: Progress) -> xr.Dataset:
    images = config.images_sigmoid if setting.filter == "sigmoid" else config.images
    with progress.task(setting.words, unit="members") as task:
        found = measured(
            layers,
            setting,
            config.teaching,
            data,
            levels=config.levels,
            images=images,
            trials=config.trials,
            depth=config.depth,
            seed=config.seed,
            progress=task.update,
        )
    return found.assign_attrs(seed=config.seed, setting=setting.words, beta=layers.beta)


def plot(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """The pictures, in the order of the argument."""
    return {
        "one_neuron": pictures.one_neuron(data, config),
        "excursions": pictures.excursions(data, config),
        "kesten": pictures.kesten(data, config),
        "unfiltered": pictures.loss_by_level(data, ("raw_none", "standardised_none")),
        "filters": pictures.filters(data, config),
        "sigmoid": pictures.sigmoid(data),
        "mechanism": pictures.mechanism(data, config),
        "common": pictures.common(data),
        "same_noise": pictures.same_noise(data, config),
    }


def tables(data: Mapping[str, xr.Dataset], config: Config) -> dict[str, DataFrame]:
    """Accuracy without noise, and every loss with both kinds of interval."""
    del config
    return {"accuracy": pictures.accuracy_table(data), "losses": pictures.loss_table(data)}


PAPER = "arXiv:2604.13612"
KESTEN = "prediction of this study, after Kesten 1973, doi:10.1007/BF02392040"


def _claims() -> tuple[Claim, ...]:
    """The claims; those about trained networks once for every reading that the abstract allows."""
    on, many = judges.of_setting, []
    for pixels in ("raw", "standardised"):
        many.append(Claim(
            f"multiplicative_membrane_is_worst_{pixels}",
            f"Multiplicative noise on the membrane is the worst of the six kinds ({pixels} pixels, no filter).",
            PAPER, on(f"{pixels}_none", judges.worst_is_multiplicative_membrane),
        ))  # fmt: skip
    readings = [(place, pixels) for pixels in ("raw", "standardised") for place in PLACES]
    for place, pixels in readings:
        where, name = f"on the {place}, {pixels} pixels", f"{place}_{pixels}"
        sigmoid = Setting("sigmoid", place, pixels).name
        many += [
            Claim(f"sigmoid_is_best_{name}", f"A sigmoid filter loses least of all filters ({where}; mean over kinds).",
                  PAPER, judges.sigmoid_is_best(place, pixels, None)),
            Claim(f"sigmoid_helps_worst_kind_{name}",
                  f"Against multiplicative membrane noise a sigmoid filter is best ({where}).",
                  PAPER, judges.sigmoid_is_best(place, pixels, " ".join(judges.WORST[::-1]))),
            Claim(f"additive_current_dominates_{name}",
                  f"With the sigmoid filter ({where}), additive noise in the input current is the dominant error.",
                  PAPER, on(sigmoid, judges.current_dominates)),
            Claim(f"additive_current_dominates_sum_form_{name}",
                  f"The same in the form v <- beta v + I ({where}), where it ties with additive membrane noise.",
                  PAPER, on(sigmoid, judges.current_dominates_in_sum_form)),
            Claim(f"others_cost_at_most_one_point_{name}",
                  f"With the sigmoid filter ({where}), every other kind costs at most 1 % even at high intensity.",
                  PAPER, on(sigmoid, judges.others_at_most_one)),
        ]  # fmt: skip
    for coupling in COUPLINGS:
        for pixels in ("raw", "standardised"):
            many.append(Claim(
                f"common_hurts_less_{coupling}_{pixels}",
                f"Common {coupling} noise hurts less than independent noise of the same intensity ({pixels} pixels, "
                "no filter; mean over sites).",
                PAPER, on(f"{pixels}_none", judges.common_hurts_less(coupling)),
            ))  # fmt: skip
    return tuple(many)


CLAIMS = (
    Claim("every_kind_matters",
          "Noise at each of the three stages, additive and multiplicative, disturbs a single neuron "
          "(mean output off by at least 1 %, root mean square).", PAPER, of_neuron.every_kind_matters),
    *_claims(),
    Claim("potentials_are_driven_down",
          "Multiplicative membrane noise drives the potentials of a trained network to large negative values.",
          PAPER, judges.of_setting(UNFILTERED.name, judges.rises("far_below"))),
    Claim("neurons_fall_silent", "Under multiplicative membrane noise the hidden neurons fall silent.",
          PAPER, judges.of_setting(UNFILTERED.name, judges.rises("silent"))),
    Claim("clipping_removes_the_effect",
          "Clipping the membrane from below at the reset takes away at least half of that loss.",
          KESTEN, judges.of_setting(UNFILTERED.name, judges.clipping_helps)),
    Claim("smaller_beta_shrinks_the_effect", "The loss to multiplicative membrane noise grows with beta.",
          KESTEN, judges.weaker_with_leak),
    Claim("current_is_milder", "Multiplicative noise costs less on the current, where its variance is bounded.",
          KESTEN, judges.of_setting(UNFILTERED.name, judges.weaker_on_current)),
    Claim("excursions_grow", "A single neuron is longer far below threshold, the stronger the noise.",
          KESTEN, of_neuron.excursions_grow),
    Claim("excursions_shrink_with_leak", "A single neuron is longer far below threshold, the larger beta.",
          KESTEN, of_neuron.excursions_shrink_with_leak),
    Claim("second_moment", "The free membrane has the second moment of a Kesten process (within 10 %, at D_c/4).",
          KESTEN, of_neuron.second_moment_is_kestens),
    Claim("weights_give_variance",
          "Mean square and mean of the weights give the readout's variance under independent and common noise "
          "(within a fifth).", "arXiv:2505.06611", judges.weights_give_variance),
    Claim("weights_tell_which_is_worse",
          "Common noise hurts less where the weights say that it moves the differences between classes less.",
          "prediction of this study, after arXiv:2505.06611", judges.weights_tell_which_is_worse),
)  # fmt: skip


def methods(config: Config, data: Mapping[str, xr.Dataset]) -> str:
    """The methods paragraph."""
    layers, teaching, neuron = config.layers, config.teaching, config.neuron
    accuracy = [float(part["accuracy"].mean()) for part in data.values() if "accuracy" in part]
    gain = layers.current_gain
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
acted at test time only: {config.images} test images ({config.images_sigmoid} for settings with the sigmoid),
{config.trials} trials each, D = {", ".join(f"{d:g}" for d in config.levels)}. All kinds, intensities, networks and settings
share images and random numbers and are compared in pairs. The loss is the accuracy without noise minus that with noise, in
points of percent. Verdicts are for the networks trained: images are random, trials nested in them, networks fixed;
one-sided 95 % limits. Claims about several comparisons are reproduced if each is shown, and not reproduced if one is
refuted after Bonferroni correction. Each detail says what becomes of the verdict if networks are random as well (crossed
with images; Student's t with the degrees of freedom of Satterthwaite).

The single neuron was driven to R I = {neuron.drive:g} mV ({neuron.trials} trials, {neuron.steps} steps after
{neuron.warmup}). Its free membrane under multiplicative noise is a Kesten process, whose second moment is infinite from

    D_c = (1/beta^2 - 1)/2

on. The variance of the mean readout under additive output noise was predicted from the weights W as 2 D sum_j W_ij^2
(independent) and 2 D (sum_j W_ij)^2 (common), times the gain of readout and average, without free parameters.
"""
