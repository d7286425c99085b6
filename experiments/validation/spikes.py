"""Rows of spikes: backgrounds that are counted, what synapses make of them, and what is lost or added on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from scipy import stats

import jaxsnn_noise as jn
from jaxsnn_noise import coding, noise, synapses, theory

from .rows import Feature, Piece, Quantity, Room, Row, autocovariance, covariance, mean, moment, variance

DT, TAU, N = 0.25, 10.0, 4
DECAY = float(np.exp(-DT / TAU))
RATE, WEIGHT = 200.0, 2.0
"""Spikes per second, and the charge of one [nA ms]."""
JUMP = WEIGHT / TAU
GRID = (DT / TAU) ** 2
"""Closed forms of continuous time are off by less than this on the grid, with time constants of ``TAU`` or more."""

Local = Callable[[str], str]


def _fed(
    source: Callable[[], Any], kinetics: Callable[[], Any], weights: np.ndarray, **options: Any
) -> Callable[[Local], Piece]:
    """Free membranes behind a port."""

    def piece(local: Local) -> Piece:
        wire = options.get("wire", synapses.Dense)
        given = options.get("given", {})
        feed = wire(local("port"), local("cells"), weights, kinetics=kinetics(), **given)
        neuron = jn.neurons.LeakyIntegrator(len(weights), tau_mem=TAU, **options.get("neuron", {}))
        return Piece(jn.Population(neuron), {"port": jn.Port(weights.shape[1])}, {"feed": feed}, {"port": source()})

    return piece


def _backgrounds() -> list[Row]:
    own = np.eye(N) * WEIGHT
    held = float(theory.held_current_variance(WEIGHT * np.sqrt(RATE / 1000 / DT), tau_mem=TAU, dt=DT))
    middle, spread = (float(x) for x in theory.shot_noise_moments(RATE, JUMP, tau_mem=TAU))
    third = float(theory.campbell_skewness(RATE, tau_stages=[TAU])) * spread**1.5
    p = -np.expm1(-RATE * DT / 1000)
    kick = WEIGHT * (1 - DECAY) / DT
    bernoulli = [float(x) for x in theory.bernoulli_shot_noise_moments(p, kick, tau_mem=TAU, dt=DT)]
    gamma = [float(x) for x in theory.gamma_shot_noise_moments(80.0, JUMP, tau_mem=TAU, order=4, fibres=3)]
    shared = {"tau_mem": TAU, "correlation": 0.3}
    pooled = [float(x) for x in theory.correlated_shot_noise_moments(300.0, JUMP, channels=N, **shared)]
    delta = synapses.Delta
    std, tau_noise = 0.4, 5.0
    fluctuates = float(theory.coloured_current_variance(std, tau_mem=TAU, tau_noise=tau_noise, dt=DT))

    def own_source(local: Local) -> Piece:
        source = noise.PoissonBackground(RATE / 100, WEIGHT, 100.0)
        return Piece(jn.Population(jn.neurons.LeakyIntegrator(N, tau_mem=TAU), noise={"x": source}))

    def fluctuating(local: Local) -> Piece:
        source = noise.CurrentNoise(noise.PerStep(std), colour=noise.OrnsteinUhlenbeck(tau_noise))
        given = coding.Fluctuating(1.5, source)
        return Piece(jn.Population(jn.neurons.LeakyIntegrator(N, tau_mem=TAU)), inputs={"cells": given})

    one = lambda make: _fed(make, delta, own)  # noqa: E731
    pair = Quantity(
        "covariance of two channels", 0.3 * float(theory.shot_noise_moments(300.0, JUMP, tau_mem=TAU)[1]), "mV^2",
        lambda x: ((x[:, :, 1] - 300e-3 * WEIGHT) * (x[:, :, 2] - 300e-3 * WEIGHT)).mean(axis=1), margin=GRID,
    )  # fmt: skip
    weights = WEIGHT * np.array([[1.0] * N, [1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    first = lambda q: dataclasses.replace(q, feature=lambda x, f=q.feature: f(x[:, :, :1]))  # noqa: E731
    return [
        Row("poisson_background", ("PoissonBackground",), "held_current_variance, campbell_skewness", own_source,
            (mean(middle, scale=spread**0.5), variance(held, middle), moment(3, third, middle, margin=0.01))),
        Row("poisson_spikes", ("PoissonSpikes", "Delta"), "bernoulli_shot_noise_moments",
            one(lambda: coding.PoissonSpikes(RATE)),
            (mean(bernoulli[0], scale=bernoulli[1] ** 0.5), variance(bernoulli[1], bernoulli[0]))),
        Row("poisson_counts", ("PoissonCounts", "Delta"), "shot_noise_moments, campbell_skewness",
            one(lambda: coding.PoissonCounts(RATE, largest=10)),
            (mean(middle, scale=spread**0.5), variance(spread, middle, margin=GRID),
             moment(3, third, middle, margin=0.01))),
        Row("gamma_renewal", ("GammaRenewal",), "gamma_shot_noise_moments",
            one(lambda: coding.GammaRenewal(80.0, 4, fibres=3, largest=6)),
            (mean(gamma[0], scale=gamma[1] ** 0.5), variance(gamma[1], gamma[0], margin=GRID))),
        Row("correlated_poisson", ("CorrelatedPoisson",), "correlated_shot_noise_moments",
            _fed(lambda: coding.CorrelatedPoisson(300.0, 0.3, largest=10), delta, weights),
            (first(mean(pooled[0], scale=pooled[1] ** 0.5)), first(variance(pooled[1], pooled[0], margin=GRID)), pair)),
        _modulated(one),
        Row("fluctuating", ("Fluctuating",), "coloured_current_variance", fluctuating,
            (mean(1.5, scale=fluctuates**0.5), variance(fluctuates, 1.5))),
    ]  # fmt: skip


def _at(first: int, period: int, about: float | None = None) -> Feature:
    """The average over one phase of each period, or that of squares about a mean."""
    if about is None:
        return lambda x: x[:, first::period].mean(axis=(1, 2))
    return lambda x: np.square(x[:, first::period] - about).mean(axis=(1, 2))


def _modulated(one: Any) -> Row:
    wave = {"depth": 0.8, "frequency_hz": 25.0}
    course = lambda t: 1.0 + 0.8 * jnp.cos(2 * jnp.pi * 0.025 * t)  # noqa: E731
    quantities = []
    for phase in (0.0, 0.25, 0.5, 0.75):
        time = WARMUP + (1 + phase) * 40.0
        at = round((time - WARMUP) / DT) - 1
        period = round(40.0 / DT)
        m, v = (float(x) for x in theory.modulated_shot_noise_moments(time, RATE, JUMP, tau_mem=TAU, **wave))
        quantities += [
            Quantity(f"mean at {phase:g} of a period", m, "mV", _at(at, period), margin=0.01),
            Quantity(f"variance at {phase:g} of a period", v, "mV^2", _at(at, period, about=m), margin=0.02),
        ]
    make = one(lambda: coding.InhomogeneousPoisson(RATE, course=course, largest=12))
    return Row(
        "inhomogeneous_poisson", ("InhomogeneousPoisson",), "modulated_shot_noise_moments", make, tuple(quantities)
    )


def _kinetics() -> list[Row]:
    counts = lambda: coding.PoissonCounts(RATE, largest=10)  # noqa: E731
    own, peak, tau, rise = np.eye(N), 0.3, 4.0, 1.5
    held = float(theory.held_current_variance(peak * np.sqrt(RATE * DT / 1000), tau_mem=TAU, dt=DT))
    found = [
        Row("held", ("Held",), "held_current_variance", _fed(counts, synapses.Held, own * peak),
            (mean(peak * RATE * DT / 1000, scale=held**0.5), variance(held, peak * RATE * DT / 1000))),
    ]  # fmt: skip
    alpha = float(theory.alpha_charge(peak, tau_syn=tau))
    double = float(theory.double_exponential_charge(peak, tau_syn=tau, tau_rise=rise))
    cases = {
        "exponential": ("Exponential", lambda: synapses.Exponential(tau), peak * tau, [tau, TAU]),
        "alpha": ("Alpha", lambda: synapses.Alpha(tau), alpha, [tau, tau, TAU]),
        "double_exponential": ("DoubleExponential", lambda: synapses.DoubleExponential(tau, rise), double, [tau, rise, TAU]),
    }  # fmt: skip
    for name, (cls, kinetics, charge, stages) in cases.items():
        law = {"tau_stages": stages}
        m, v, third = (float(theory.campbell_cumulant(RATE, charge, order=k, **law)) for k in (1, 2, 3))
        lags = [
            autocovariance(
                lag, DT, float(theory.campbell_autocovariance(lag, RATE, charge, **law)), m, scale=v, margin=0.005
            )
            for lag in (5.0, 20.0)
        ]
        moments = (mean(m, scale=v**0.5, margin=0.01), variance(v, m, margin=0.005), moment(3, third, m, margin=0.01))
        found.append(
            Row(name, (cls,), "campbell_cumulant, campbell_autocovariance", _fed(counts, kinetics, own * peak),
                (*moments, *lags))
        )  # fmt: skip
    return [*found, *_conductances(), _gap()]


def _conductances() -> list[Row]:
    rate = 800.0
    counts = lambda: coding.PoissonCounts(rate, largest=10)  # noqa: E731
    leak = {"resistance": 10.0, "v_rest": -65.0}
    law = {"tau_syn": [2.0], "reversal": [0.0], "tau_mem": TAU, "v_rest": -65.0, "resistance": 10.0}
    m, v = (float(x) for x in theory.conductance_shot_noise_moments([rate], [0.01], **law))
    reads = (mean(m, scale=v**0.5, margin=0.05), variance(v, m, margin=0.05))
    kinds = {
        "conductance": ("Conductance", lambda: synapses.Conductance(2.0, 0.0)),
        "nmda_without_magnesium": ("NMDA", lambda: synapses.NMDA(2.0, 0.0, magnesium=0.0)),
    }
    return [
        Row(name, (cls,), "conductance_shot_noise_moments (to second order)",
            _fed(counts, kinetics, np.eye(N) * 0.01, neuron=leak), reads)
        for name, (cls, kinetics) in kinds.items()
    ]  # fmt: skip


def _gap() -> Row:
    sigma, g, resistance = 0.3, 0.02, 10.0
    v, shared = (float(x) for x in theory.gap_junction_moments(sigma, g, tau_mem=TAU, resistance=resistance))
    weights = g * np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])

    def piece(local: Local) -> Piece:
        source = {"x": noise.VoltageNoise(noise.Diffusion(sigma))}
        cells = jn.Population(jn.neurons.LeakyIntegrator(4, tau_mem=TAU, resistance=resistance), noise=source)
        return Piece(cells, projections={"gap": synapses.GapJunctions(local("cells"), local("cells"), weights)})

    margin = DT / TAU  # what the other cell was at the start of the step: first order
    pair = covariance(0, 1, shared, scale=v)
    reads = (mean(0.0, scale=v**0.5), variance(v, margin=margin), dataclasses.replace(pair, margin=margin))
    return Row("gap_junctions", ("Ohmic",), "gap_junction_moments", piece, reads)


P = float(stats.norm.cdf(-1.0))
"""Probability of a spike of a sender in a step: independent in all steps."""


def _sent(
    noisy: Any = None, releases: Any = None, wire: Any = synapses.Dense, **given: Any
) -> Callable[[Local], Piece]:
    """Free membranes, each behind a sender of its own that fires with the probability P in each step."""

    def piece(local: Local) -> Piece:
        sender = jn.Population(
            jn.neurons.LIF(N, tau_mem=0.01), noise={"x": noisy()} if noisy else {}, firing=jn.NoisyThreshold(1.0)
        )
        wires = {"noise": {"r": releases()}} if releases else {}
        feed = wire(local("sender"), local("cells"), np.eye(N) * WEIGHT, kinetics=synapses.Delta(), **given, **wires)
        cells = jn.Population(jn.neurons.LeakyIntegrator(N, tau_mem=TAU))
        return Piece(cells, {"sender": sender}, {"feed": feed}, {"sender": coding.Constant(0.0)})

    return piece


def _received(m: float, v: float) -> tuple[Quantity, ...]:
    """Of ``V <- a V + J y`` with independent ``y`` of mean m and variance v."""
    kick = WEIGHT * (1 - DECAY) / DT
    spread = v * kick**2 / (1 - DECAY**2)
    return mean(m * kick / (1 - DECAY), scale=spread**0.5), variance(spread, m * kick / (1 - DECAY))


def _jittered(last: int) -> tuple[Quantity, ...]:
    """Of a spike that is late by 0 to ``last`` steps: what a step of the sender gives has a random kernel."""
    kick = WEIGHT * (1 - DECAY) / DT
    n = np.arange(4000)
    kernels = np.array([np.where(n >= d, DECAY ** np.maximum(n - d, 0), 0.0) for d in range(last + 1)])
    spread = kick**2 * float(P * np.square(kernels).mean(axis=0).sum() - np.square(P * kernels.mean(axis=0)).sum())
    m = P * kick / (1 - DECAY)
    return mean(m, scale=spread**0.5), variance(spread, m)


def _ways() -> list[Row]:
    bernoulli = lambda p: _received(p, p * (1 - p))  # noqa: E731
    added = P + (1 - P) * -np.expm1(-100.0 * DT / 1000)
    use, sites = 0.4, 5
    quanta = [float(x) for x in theory.quantal_release_moments(use, 1.0, sites=sites)]
    released = _received(P * quanta[0], P * (quanta[1] + quanta[0] ** 2) - (P * quanta[0]) ** 2)
    read = float(np.squeeze(theory.read_noise_variance(np.array([[1.0]]), [1.0], relative=0.3)))
    graded = _received(P, P * (1 - P) + 0.3**2)
    depressed = float(theory.poisson_depression(20.0, use=0.5, tau_rec=100.0)) * sites * 0.5 * 0.02 * WEIGHT
    port = lambda: coding.PoissonSpikes(20.0)  # noqa: E731
    quantal = {"wire": synapses.Quantal, "given": {"sites": sites, "use": 0.5, "tau_rec": 100.0}}
    relaxed = Quantity("mean", depressed, "mV", lambda x: x.mean(axis=(1, 2)), margin=0.01)
    equation = "moments of V <- a V + J y"
    return [
        Row("noisy_threshold_train", ("NoisyThreshold",), "bernoulli_shot_noise_moments", _sent(), bernoulli(P)),
        Row("spike_drop", ("SpikeDrop",), f"{equation}, thinned", _sent(lambda: noise.SpikeDrop(0.3)), bernoulli(0.7 * P)),
        Row("spike_insertion", ("SpikeInsertion",), equation, _sent(lambda: noise.SpikeInsertion(100.0)), bernoulli(added)),
        Row("spike_jitter", ("SpikeJitter",), "a kernel that is late at random", _sent(lambda: noise.SpikeJitter(5.0)),
            _jittered(round(5.0 / DT))),
        Row("spike_noise", ("SpikeNoise",), equation, _sent(lambda: noise.SpikeNoise(noise.PerStep(0.3))), graded),
        Row("release_noise", ("ReleaseNoise",), equation, _sent(None, lambda: noise.ReleaseNoise(noise.PerStep(0.3))), graded),
        Row("bernoulli_release", ("BernoulliRelease",), f"{equation}, thinned",
            _sent(None, lambda: noise.BernoulliRelease(0.3)), bernoulli(0.7 * P)),
        Row("quantal_at_rest", ("Quantal",), "quantal_release_moments",
            _sent(wire=synapses.Quantal, sites=sites, use=use, tau_rec=1e-3), released),
        Row("quantal_depressing", ("Quantal",), "poisson_depression",
            _fed(port, synapses.Delta, np.eye(N) * WEIGHT, **quantal), (relaxed,)),
        Row("read_noise", ("NoisyDense",), "read_noise_variance", _sent(wire=synapses.NoisyDense, relative=0.3),
            _received(P, P * (1 - P) + P * read)),
    ]  # fmt: skip


WARMUP = 120.0


def rooms() -> dict[str, Room]:
    """Backgrounds; kinetics; what happens to spikes between a sender and a receiver."""
    titled = {
        "backgrounds": ("Backgrounds", _backgrounds()),
        "kinetics": ("Kinetics", _kinetics()),
        "spikes": ("Unreliable spikes and synapses", _ways()),
    }
    common: dict[str, Any] = {"dt": DT, "duration": 200.0, "warmup": WARMUP, "records": "v"}
    return {name: Room(title, rows={row.name: row for row in rows}, **common) for name, (title, rows) in titled.items()}
