"""Closed forms to hold a simulation against, with their sources: NumPy and SciPy, no simulator code.

Units are those of the package: ms, mV, nA, MOhm; what is in Hz ends in ``_hz``. Arguments are finite numbers and broadcast,
elementwise. Everything is computed in double precision by NumPy: values that JAX traces (under ``jit``, ``grad``, ``vmap``) are
refused, so compare outside.

The amplitude of noise has three conventions, and most disagreements with the literature are a factor between them:

* ``sigma``, wherever it stands alone, is the ``Diffusion`` amplitude ``s`` of the voltage seam [mV/sqrt(ms)]:
  ``dV = ... + s dW``; the free membrane has the variance ``s^2 tau_mem/2``.
* Brunel's sigma [mV], ``tau V' = mean - V + sigma_B sqrt(tau) xi``: ``sigma_B = s sqrt(tau_mem)`` and the free membrane
  has the variance ``sigma_B^2/2``. :func:`brunel_sigma` and :func:`diffusion_sigma` convert.
* The ``Diffusion`` amplitude of the current seam [nA sqrt(ms)]: ``s = R sigma/tau_mem``, :func:`voltage_sigma`.

``std`` is a standard deviation per step or a stationary one (``PerStep``), ``intensity`` the ``D`` of ``Intensity(D)``,
whose standard deviation per step is ``sqrt(2 D)``.
"""

from jaxsnn_noise.theory.backgrounds import (
    correlated_diffusion_limit,
    correlated_shot_noise_moments,
    gamma_diffusion_limit,
    gamma_shot_noise_moments,
    modulated_shot_noise_moments,
)
from jaxsnn_noise.theory.boltzmann import (
    boltzmann_marginals,
    boltzmann_probabilities,
    kullback_leibler,
    network_states,
    neural_sampling,
    sampled_divergence,
)
from jaxsnn_noise.theory.campbell import (
    alpha_charge,
    campbell_autocovariance,
    campbell_cumulant,
    campbell_skewness,
    double_exponential_charge,
)
from jaxsnn_noise.theory.channels import channel_generator, open_fraction_autocovariance, open_fraction_moments
from jaxsnn_noise.theory.colours import (
    power_law_autocovariance,
    power_law_level,
    power_law_processes,
    power_law_spectrum,
    telegraph_autocovariance,
    telegraph_levels,
    telegraph_spectrum,
)
from jaxsnn_noise.theory.conductances import conductance_shot_noise_moments, effective_time_constant
from jaxsnn_noise.theory.correlations import (
    exponential_correlation,
    gaussian_correlation,
    low_rank_correlation,
    mean_noise_variance,
)
from jaxsnn_noise.theory.coupling import coupling_coefficient, gap_junction_moments, magnesium_block
from jaxsnn_noise.theory.dpi import dpi_interval, dpi_linear_error
from jaxsnn_noise.theory.enumeration import Histories, enumerated_network
from jaxsnn_noise.theory.escape import diffusion_hazard_hz, escape_interval, sigmoid_hazard_hz
from jaxsnn_noise.theory.faults import fault_margin, fault_sample_size
from jaxsnn_noise.theory.grid_renewal import GridRenewal, membrane_noise_renewal, threshold_noise_renewal
from jaxsnn_noise.theory.hodgkin_huxley import (
    gate_rates,
    hodgkin_huxley_growth,
    hodgkin_huxley_hopf,
    hodgkin_huxley_rest,
)
from jaxsnn_noise.theory.information import threshold_array_information
from jaxsnn_noise.theory.kramers import kramers_time, passage_time
from jaxsnn_noise.theory.membrane import (
    brunel_sigma,
    coloured_current_variance,
    coloured_voltage_variance,
    diffusion_sigma,
    euler_maruyama_autocovariance,
    euler_maruyama_variance,
    held_current_variance,
    membrane_autocovariance,
    membrane_mean,
    membrane_variance,
    mixed_step_variance,
    per_step_variance,
    step_std,
    time_average_variance,
    voltage_sigma,
)
from jaxsnn_noise.theory.memristive import (
    pcm_drift_exponent,
    pcm_moments,
    pcm_programming_std,
    pcm_read_std,
    rectified_moments,
    reram_std,
)
from jaxsnn_noise.theory.plasticity import stdp_fixed_point
from jaxsnn_noise.theory.point_neurons import integrator_interval, integrator_interval_cdf, quadratic_interval
from jaxsnn_noise.theory.polynomial import map_noise_gain, polynomial_fixed_point
from jaxsnn_noise.theory.population import (
    averaging_factor,
    common_noise_variance,
    independent_noise_variance,
    shared_noise_variance,
)
from jaxsnn_noise.theory.precision import leak_deadband, leak_word
from jaxsnn_noise.theory.rates import (
    grid_interval,
    noise_free_interval,
    rate_slope_of_mean,
    rate_slope_of_sigma,
    siegert_cv,
    siegert_rate_hz,
)
from jaxsnn_noise.theory.renewal import bridge_interval, dead_time_spectrum_hz, gamma_spectrum_hz, renewal_spectrum_hz
from jaxsnn_noise.theory.response import interval_transform, lif_spectrum_hz, rate_response
from jaxsnn_noise.theory.self_consistent import brunel_drive, brunel_rate_hz
from jaxsnn_noise.theory.spiking import (
    dead_time_cv,
    dead_time_rate_hz,
    double_noise_probability,
    escape_probability,
    exponential_hazard_hz,
    grid_dead_time_interval,
    rate_code_variance,
    renewal_count_variance,
    threshold_noise_probability,
)
from jaxsnn_noise.theory.stability import (
    critical_intensity,
    lyapunov_critical_intensity,
    lyapunov_exponent,
    multiplicative_current_variance,
    multiplicative_voltage_moments,
    tail_exponent,
)
from jaxsnn_noise.theory.synapses import (
    bernoulli_shot_noise_moments,
    diffusion_limit,
    filtered_shot_noise_moments,
    poisson_depression,
    quantal_release_cv,
    quantal_release_moments,
    read_noise_variance,
    release_steady_state,
    shot_noise_moments,
)
from jaxsnn_noise.theory.thresholds import (
    bridge_crossing_probability,
    bridge_passage_cdf,
    coloured_shift,
    grid_threshold,
)
from jaxsnn_noise.theory.transfer import correlation_gain, resonance_snr_hz
from jaxsnn_noise.theory.weak_inversion import (
    current_over_temperature,
    current_spread,
    dpi_synapse,
    dpi_time_constant,
    thermal_noise,
    thermal_voltage,
)

__all__ = [
    "GridRenewal",
    "Histories",
    "alpha_charge",
    "averaging_factor",
    "bernoulli_shot_noise_moments",
    "boltzmann_marginals",
    "boltzmann_probabilities",
    "bridge_crossing_probability",
    "bridge_interval",
    "bridge_passage_cdf",
    "brunel_drive",
    "brunel_rate_hz",
    "brunel_sigma",
    "campbell_autocovariance",
    "campbell_cumulant",
    "campbell_skewness",
    "channel_generator",
    "coloured_current_variance",
    "coloured_shift",
    "coloured_voltage_variance",
    "common_noise_variance",
    "conductance_shot_noise_moments",
    "correlated_diffusion_limit",
    "correlated_shot_noise_moments",
    "correlation_gain",
    "coupling_coefficient",
    "critical_intensity",
    "current_over_temperature",
    "current_spread",
    "dead_time_cv",
    "dead_time_rate_hz",
    "dead_time_spectrum_hz",
    "diffusion_hazard_hz",
    "diffusion_limit",
    "diffusion_sigma",
    "double_exponential_charge",
    "double_noise_probability",
    "dpi_interval",
    "dpi_linear_error",
    "dpi_synapse",
    "dpi_time_constant",
    "effective_time_constant",
    "enumerated_network",
    "escape_interval",
    "escape_probability",
    "euler_maruyama_autocovariance",
    "euler_maruyama_variance",
    "exponential_correlation",
    "exponential_hazard_hz",
    "fault_margin",
    "fault_sample_size",
    "filtered_shot_noise_moments",
    "gamma_diffusion_limit",
    "gamma_shot_noise_moments",
    "gamma_spectrum_hz",
    "gap_junction_moments",
    "gate_rates",
    "gaussian_correlation",
    "grid_dead_time_interval",
    "grid_interval",
    "grid_threshold",
    "held_current_variance",
    "hodgkin_huxley_growth",
    "hodgkin_huxley_hopf",
    "hodgkin_huxley_rest",
    "independent_noise_variance",
    "integrator_interval",
    "integrator_interval_cdf",
    "interval_transform",
    "kramers_time",
    "kullback_leibler",
    "leak_deadband",
    "leak_word",
    "lif_spectrum_hz",
    "low_rank_correlation",
    "lyapunov_critical_intensity",
    "lyapunov_exponent",
    "magnesium_block",
    "map_noise_gain",
    "mean_noise_variance",
    "membrane_autocovariance",
    "membrane_mean",
    "membrane_noise_renewal",
    "membrane_variance",
    "mixed_step_variance",
    "modulated_shot_noise_moments",
    "multiplicative_current_variance",
    "multiplicative_voltage_moments",
    "network_states",
    "neural_sampling",
    "noise_free_interval",
    "open_fraction_autocovariance",
    "open_fraction_moments",
    "passage_time",
    "pcm_drift_exponent",
    "pcm_moments",
    "pcm_programming_std",
    "pcm_read_std",
    "per_step_variance",
    "poisson_depression",
    "polynomial_fixed_point",
    "power_law_autocovariance",
    "power_law_level",
    "power_law_processes",
    "power_law_spectrum",
    "quadratic_interval",
    "quantal_release_cv",
    "quantal_release_moments",
    "rate_code_variance",
    "rate_response",
    "rate_slope_of_mean",
    "rate_slope_of_sigma",
    "read_noise_variance",
    "rectified_moments",
    "release_steady_state",
    "renewal_count_variance",
    "renewal_spectrum_hz",
    "reram_std",
    "resonance_snr_hz",
    "sampled_divergence",
    "shared_noise_variance",
    "shot_noise_moments",
    "siegert_cv",
    "siegert_rate_hz",
    "sigmoid_hazard_hz",
    "stdp_fixed_point",
    "step_std",
    "tail_exponent",
    "telegraph_autocovariance",
    "telegraph_levels",
    "telegraph_spectrum",
    "thermal_noise",
    "thermal_voltage",
    "threshold_array_information",
    "threshold_noise_probability",
    "threshold_noise_renewal",
    "time_average_variance",
    "voltage_sigma",
]


def __dir__() -> list[str]:
    return __all__
