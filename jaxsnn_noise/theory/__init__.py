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

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.theory.backgrounds import correlated_diffusion_limit as correlated_diffusion_limit
    from jaxsnn_noise.theory.backgrounds import correlated_shot_noise_moments as correlated_shot_noise_moments
    from jaxsnn_noise.theory.backgrounds import gamma_diffusion_limit as gamma_diffusion_limit
    from jaxsnn_noise.theory.backgrounds import gamma_shot_noise_moments as gamma_shot_noise_moments
    from jaxsnn_noise.theory.backgrounds import modulated_shot_noise_moments as modulated_shot_noise_moments
    from jaxsnn_noise.theory.boltzmann import boltzmann_marginals as boltzmann_marginals
    from jaxsnn_noise.theory.boltzmann import boltzmann_probabilities as boltzmann_probabilities
    from jaxsnn_noise.theory.boltzmann import kullback_leibler as kullback_leibler
    from jaxsnn_noise.theory.boltzmann import network_states as network_states
    from jaxsnn_noise.theory.boltzmann import neural_sampling as neural_sampling
    from jaxsnn_noise.theory.boltzmann import sampled_divergence as sampled_divergence
    from jaxsnn_noise.theory.campbell import alpha_charge as alpha_charge
    from jaxsnn_noise.theory.campbell import campbell_autocovariance as campbell_autocovariance
    from jaxsnn_noise.theory.campbell import campbell_cumulant as campbell_cumulant
    from jaxsnn_noise.theory.campbell import campbell_skewness as campbell_skewness
    from jaxsnn_noise.theory.campbell import double_exponential_charge as double_exponential_charge
    from jaxsnn_noise.theory.channels import channel_generator as channel_generator
    from jaxsnn_noise.theory.channels import open_fraction_autocovariance as open_fraction_autocovariance
    from jaxsnn_noise.theory.channels import open_fraction_moments as open_fraction_moments
    from jaxsnn_noise.theory.colours import power_law_autocovariance as power_law_autocovariance
    from jaxsnn_noise.theory.colours import power_law_level as power_law_level
    from jaxsnn_noise.theory.colours import power_law_processes as power_law_processes
    from jaxsnn_noise.theory.colours import power_law_spectrum as power_law_spectrum
    from jaxsnn_noise.theory.colours import telegraph_autocovariance as telegraph_autocovariance
    from jaxsnn_noise.theory.colours import telegraph_levels as telegraph_levels
    from jaxsnn_noise.theory.colours import telegraph_spectrum as telegraph_spectrum
    from jaxsnn_noise.theory.conductances import conductance_shot_noise_moments as conductance_shot_noise_moments
    from jaxsnn_noise.theory.conductances import effective_time_constant as effective_time_constant
    from jaxsnn_noise.theory.correlations import exponential_correlation as exponential_correlation
    from jaxsnn_noise.theory.correlations import gaussian_correlation as gaussian_correlation
    from jaxsnn_noise.theory.correlations import low_rank_correlation as low_rank_correlation
    from jaxsnn_noise.theory.correlations import mean_noise_variance as mean_noise_variance
    from jaxsnn_noise.theory.coupling import coupling_coefficient as coupling_coefficient
    from jaxsnn_noise.theory.coupling import gap_junction_moments as gap_junction_moments
    from jaxsnn_noise.theory.coupling import magnesium_block as magnesium_block
    from jaxsnn_noise.theory.dpi import dpi_interval as dpi_interval
    from jaxsnn_noise.theory.dpi import dpi_linear_error as dpi_linear_error
    from jaxsnn_noise.theory.enumeration import Histories as Histories
    from jaxsnn_noise.theory.enumeration import enumerated_network as enumerated_network
    from jaxsnn_noise.theory.escape import diffusion_hazard_hz as diffusion_hazard_hz
    from jaxsnn_noise.theory.escape import escape_interval as escape_interval
    from jaxsnn_noise.theory.escape import sigmoid_hazard_hz as sigmoid_hazard_hz
    from jaxsnn_noise.theory.faults import fault_margin as fault_margin
    from jaxsnn_noise.theory.faults import fault_sample_size as fault_sample_size
    from jaxsnn_noise.theory.grid_renewal import GridRenewal as GridRenewal
    from jaxsnn_noise.theory.grid_renewal import membrane_noise_renewal as membrane_noise_renewal
    from jaxsnn_noise.theory.grid_renewal import threshold_noise_renewal as threshold_noise_renewal
    from jaxsnn_noise.theory.hodgkin_huxley import gate_rates as gate_rates
    from jaxsnn_noise.theory.hodgkin_huxley import hodgkin_huxley_growth as hodgkin_huxley_growth
    from jaxsnn_noise.theory.hodgkin_huxley import hodgkin_huxley_hopf as hodgkin_huxley_hopf
    from jaxsnn_noise.theory.hodgkin_huxley import hodgkin_huxley_rest as hodgkin_huxley_rest
    from jaxsnn_noise.theory.information import threshold_array_information as threshold_array_information
    from jaxsnn_noise.theory.kramers import kramers_time as kramers_time
    from jaxsnn_noise.theory.kramers import passage_time as passage_time
    from jaxsnn_noise.theory.membrane import brunel_sigma as brunel_sigma
    from jaxsnn_noise.theory.membrane import coloured_current_variance as coloured_current_variance
    from jaxsnn_noise.theory.membrane import coloured_voltage_variance as coloured_voltage_variance
    from jaxsnn_noise.theory.membrane import diffusion_sigma as diffusion_sigma
    from jaxsnn_noise.theory.membrane import euler_maruyama_autocovariance as euler_maruyama_autocovariance
    from jaxsnn_noise.theory.membrane import euler_maruyama_variance as euler_maruyama_variance
    from jaxsnn_noise.theory.membrane import held_current_variance as held_current_variance
    from jaxsnn_noise.theory.membrane import membrane_autocovariance as membrane_autocovariance
    from jaxsnn_noise.theory.membrane import membrane_mean as membrane_mean
    from jaxsnn_noise.theory.membrane import membrane_variance as membrane_variance
    from jaxsnn_noise.theory.membrane import mixed_step_variance as mixed_step_variance
    from jaxsnn_noise.theory.membrane import per_step_variance as per_step_variance
    from jaxsnn_noise.theory.membrane import step_std as step_std
    from jaxsnn_noise.theory.membrane import time_average_variance as time_average_variance
    from jaxsnn_noise.theory.membrane import voltage_sigma as voltage_sigma
    from jaxsnn_noise.theory.memristive import pcm_drift_exponent as pcm_drift_exponent
    from jaxsnn_noise.theory.memristive import pcm_moments as pcm_moments
    from jaxsnn_noise.theory.memristive import pcm_programming_std as pcm_programming_std
    from jaxsnn_noise.theory.memristive import pcm_read_std as pcm_read_std
    from jaxsnn_noise.theory.memristive import rectified_moments as rectified_moments
    from jaxsnn_noise.theory.memristive import reram_std as reram_std
    from jaxsnn_noise.theory.plasticity import stdp_fixed_point as stdp_fixed_point
    from jaxsnn_noise.theory.point_neurons import integrator_interval as integrator_interval
    from jaxsnn_noise.theory.point_neurons import integrator_interval_cdf as integrator_interval_cdf
    from jaxsnn_noise.theory.point_neurons import quadratic_interval as quadratic_interval
    from jaxsnn_noise.theory.polynomial import map_noise_gain as map_noise_gain
    from jaxsnn_noise.theory.polynomial import polynomial_fixed_point as polynomial_fixed_point
    from jaxsnn_noise.theory.population import averaging_factor as averaging_factor
    from jaxsnn_noise.theory.population import common_noise_variance as common_noise_variance
    from jaxsnn_noise.theory.population import independent_noise_variance as independent_noise_variance
    from jaxsnn_noise.theory.population import shared_noise_variance as shared_noise_variance
    from jaxsnn_noise.theory.precision import leak_deadband as leak_deadband
    from jaxsnn_noise.theory.precision import leak_word as leak_word
    from jaxsnn_noise.theory.rates import grid_interval as grid_interval
    from jaxsnn_noise.theory.rates import noise_free_interval as noise_free_interval
    from jaxsnn_noise.theory.rates import rate_slope_of_mean as rate_slope_of_mean
    from jaxsnn_noise.theory.rates import rate_slope_of_sigma as rate_slope_of_sigma
    from jaxsnn_noise.theory.rates import siegert_cv as siegert_cv
    from jaxsnn_noise.theory.rates import siegert_rate_hz as siegert_rate_hz
    from jaxsnn_noise.theory.renewal import bridge_interval as bridge_interval
    from jaxsnn_noise.theory.renewal import dead_time_spectrum_hz as dead_time_spectrum_hz
    from jaxsnn_noise.theory.renewal import gamma_spectrum_hz as gamma_spectrum_hz
    from jaxsnn_noise.theory.renewal import renewal_spectrum_hz as renewal_spectrum_hz
    from jaxsnn_noise.theory.response import interval_transform as interval_transform
    from jaxsnn_noise.theory.response import lif_spectrum_hz as lif_spectrum_hz
    from jaxsnn_noise.theory.response import rate_response as rate_response
    from jaxsnn_noise.theory.self_consistent import brunel_drive as brunel_drive
    from jaxsnn_noise.theory.self_consistent import brunel_rate_hz as brunel_rate_hz
    from jaxsnn_noise.theory.spiking import dead_time_cv as dead_time_cv
    from jaxsnn_noise.theory.spiking import dead_time_rate_hz as dead_time_rate_hz
    from jaxsnn_noise.theory.spiking import double_noise_probability as double_noise_probability
    from jaxsnn_noise.theory.spiking import escape_probability as escape_probability
    from jaxsnn_noise.theory.spiking import exponential_hazard_hz as exponential_hazard_hz
    from jaxsnn_noise.theory.spiking import grid_dead_time_interval as grid_dead_time_interval
    from jaxsnn_noise.theory.spiking import rate_code_variance as rate_code_variance
    from jaxsnn_noise.theory.spiking import renewal_count_variance as renewal_count_variance
    from jaxsnn_noise.theory.spiking import threshold_noise_probability as threshold_noise_probability
    from jaxsnn_noise.theory.stability import critical_intensity as critical_intensity
    from jaxsnn_noise.theory.stability import lyapunov_critical_intensity as lyapunov_critical_intensity
    from jaxsnn_noise.theory.stability import lyapunov_exponent as lyapunov_exponent
    from jaxsnn_noise.theory.stability import multiplicative_current_variance as multiplicative_current_variance
    from jaxsnn_noise.theory.stability import multiplicative_voltage_moments as multiplicative_voltage_moments
    from jaxsnn_noise.theory.stability import tail_exponent as tail_exponent
    from jaxsnn_noise.theory.synapses import bernoulli_shot_noise_moments as bernoulli_shot_noise_moments
    from jaxsnn_noise.theory.synapses import diffusion_limit as diffusion_limit
    from jaxsnn_noise.theory.synapses import filtered_shot_noise_moments as filtered_shot_noise_moments
    from jaxsnn_noise.theory.synapses import poisson_depression as poisson_depression
    from jaxsnn_noise.theory.synapses import quantal_release_cv as quantal_release_cv
    from jaxsnn_noise.theory.synapses import quantal_release_moments as quantal_release_moments
    from jaxsnn_noise.theory.synapses import read_noise_variance as read_noise_variance
    from jaxsnn_noise.theory.synapses import release_steady_state as release_steady_state
    from jaxsnn_noise.theory.synapses import shot_noise_moments as shot_noise_moments
    from jaxsnn_noise.theory.thresholds import bridge_crossing_probability as bridge_crossing_probability
    from jaxsnn_noise.theory.thresholds import bridge_passage_cdf as bridge_passage_cdf
    from jaxsnn_noise.theory.thresholds import coloured_shift as coloured_shift
    from jaxsnn_noise.theory.thresholds import grid_threshold as grid_threshold
    from jaxsnn_noise.theory.transfer import correlation_gain as correlation_gain
    from jaxsnn_noise.theory.transfer import resonance_snr_hz as resonance_snr_hz
    from jaxsnn_noise.theory.weak_inversion import current_over_temperature as current_over_temperature
    from jaxsnn_noise.theory.weak_inversion import current_spread as current_spread
    from jaxsnn_noise.theory.weak_inversion import dpi_synapse as dpi_synapse
    from jaxsnn_noise.theory.weak_inversion import dpi_time_constant as dpi_time_constant
    from jaxsnn_noise.theory.weak_inversion import thermal_noise as thermal_noise
    from jaxsnn_noise.theory.weak_inversion import thermal_voltage as thermal_voltage

_HOMES = {
    "backgrounds": "correlated_diffusion_limit correlated_shot_noise_moments gamma_diffusion_limit gamma_shot_noise_moments modulated_shot_noise_moments",
    "boltzmann": "boltzmann_marginals boltzmann_probabilities kullback_leibler network_states neural_sampling sampled_divergence",
    "campbell": "alpha_charge campbell_autocovariance campbell_cumulant campbell_skewness double_exponential_charge",
    "channels": "channel_generator open_fraction_autocovariance open_fraction_moments",
    "colours": "power_law_autocovariance power_law_level power_law_processes power_law_spectrum telegraph_autocovariance telegraph_levels telegraph_spectrum",
    "conductances": "conductance_shot_noise_moments effective_time_constant",
    "correlations": "exponential_correlation gaussian_correlation low_rank_correlation mean_noise_variance",
    "coupling": "coupling_coefficient gap_junction_moments magnesium_block",
    "dpi": "dpi_interval dpi_linear_error",
    "enumeration": "Histories enumerated_network",
    "escape": "diffusion_hazard_hz escape_interval sigmoid_hazard_hz",
    "faults": "fault_margin fault_sample_size",
    "grid_renewal": "GridRenewal membrane_noise_renewal threshold_noise_renewal",
    "hodgkin_huxley": "gate_rates hodgkin_huxley_growth hodgkin_huxley_hopf hodgkin_huxley_rest",
    "information": "threshold_array_information",
    "kramers": "kramers_time passage_time",
    "membrane": "brunel_sigma coloured_current_variance coloured_voltage_variance diffusion_sigma euler_maruyama_autocovariance euler_maruyama_variance held_current_variance membrane_autocovariance membrane_mean membrane_variance mixed_step_variance per_step_variance step_std time_average_variance voltage_sigma",
    "memristive": "pcm_drift_exponent pcm_moments pcm_programming_std pcm_read_std rectified_moments reram_std",
    "plasticity": "stdp_fixed_point",
    "point_neurons": "integrator_interval integrator_interval_cdf quadratic_interval",
    "polynomial": "map_noise_gain polynomial_fixed_point",
    "population": "averaging_factor common_noise_variance independent_noise_variance shared_noise_variance",
    "precision": "leak_deadband leak_word",
    "rates": "grid_interval noise_free_interval rate_slope_of_mean rate_slope_of_sigma siegert_cv siegert_rate_hz",
    "renewal": "bridge_interval dead_time_spectrum_hz gamma_spectrum_hz renewal_spectrum_hz",
    "response": "interval_transform lif_spectrum_hz rate_response",
    "self_consistent": "brunel_drive brunel_rate_hz",
    "spiking": "dead_time_cv dead_time_rate_hz double_noise_probability escape_probability exponential_hazard_hz grid_dead_time_interval rate_code_variance renewal_count_variance threshold_noise_probability",
    "stability": "critical_intensity lyapunov_critical_intensity lyapunov_exponent multiplicative_current_variance multiplicative_voltage_moments tail_exponent",
    "synapses": "bernoulli_shot_noise_moments diffusion_limit filtered_shot_noise_moments poisson_depression quantal_release_cv quantal_release_moments read_noise_variance release_steady_state shot_noise_moments",
    "thresholds": "bridge_crossing_probability bridge_passage_cdf coloured_shift grid_threshold",
    "transfer": "correlation_gain resonance_snr_hz",
    "weak_inversion": "current_over_temperature current_spread dpi_synapse dpi_time_constant thermal_noise thermal_voltage",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
