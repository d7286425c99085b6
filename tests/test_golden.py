"""Golden spikes: SHA-256 hashes of the spikes of small simulations that together use every seam, policy and schedule.

These hashes stay equal; a change is named in the commit with its reason. A hash that differs says that a spike moved, and the
name of the case says in which part to look. Print the table anew with ``PYTHONPATH=. python tests/test_golden.py``.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.golden_nets import CASES, KEY, rasters
from helpers.pace import slow_but

GOLDEN: dict[str, tuple[str, int]] = {
    "current_diffusion_one_neuron_fine_step": ("d5287899a55e432ccb99c2402684d526acdeb5d2f0af7160de5097db3ab8c592", 9),
    "current_diffusion_coloured": ("504672aa39014214715f0e75c458b79b59ed43bd88c3ca850b41e1f1c0d0cade", 101),
    "current_per_step_scaled": ("cbb6f97dc81c4d42481fed1f1b283d68423b559975e5ad48746918026f44efe0", 103),
    "current_intensity_common": ("a634783f6cf46ae4c6b5996a143a5315e7931c2be9132643ae46ab197a4df82b", 104),
    "voltage_diffusion_white": ("9f6f6260e1439f3a4dd773e58696f5ef0316a18fe5a519b12ef62148143cc623", 76),
    "voltage_diffusion_coloured_shared": ("ece0dd0a654f08b9ebc795e31caf8cdfb48b660f0bada625caf2fa67a407d9fd", 125),
    "voltage_diffusion_stratonovich": ("6bdb79a84262213efc75ce1b7092774b8d18902d7673cea6b1c911849ab48746", 121),
    "voltage_per_step_subtracting": ("ab7b640917574c002451af33fb2018fc34bd584417a2deaf7cbd036e82723838", 154),
    "voltage_ito_biological": ("9f84440f355836296713371c69f8cc0d3a67f61e7529ad3ad0f4728e4bcf14d2", 31),
    "threshold_intensity_scaled_coloured": ("ef4d9615ff39f20aee8c1d8acfe15bcdb01261d5c5c97ac2b4132250e76ae510", 106),
    "threshold_per_step_gaussian": ("1a09bf9b29101b4312162ba66bcfd6da761597086c2dd7df8ae3ad7afd78f996", 122),
    "threshold_per_step_logistic": ("2c79a0b97e9f16856db570c146bb799d8f6d9568634a8b9e35e5b60cfd9759b6", 124),
    "threshold_per_step_laplace": ("4b6993d79e6ada5a06398ded321efb5cfc9dc12055778d584cc16c52e74c054e", 126),
    "threshold_per_step_uniform": ("7a4fd6a9a60d2ef5322dc94e0446c014f3cf277ddf86504c499688612a28d98f", 130),
    "threshold_per_step_triangular": ("06bf996f8bdb1e217f76da65db8d47728914ec5a52ed58759abd0ecee4fd3380", 128),
    "noisy_threshold_gaussian": ("7a24fe972a5828328e07df01e1baec08d9bce7c3c7ae3921f9ce6364cb3a2200", 75),
    "noisy_threshold_logistic": ("b5135820c5a1c9f0e8aeeb2cdaab3c1e75d96ee46eefd1e8d8fde95172745fbe", 73),
    "noisy_threshold_laplace": ("71dad1a767430bbd80bd1807884c8e7077d1da0b586aec60aab5059912397828", 74),
    "noisy_threshold_uniform": ("8561df76d6e0b257afa147650cc502465921d0c9806193235271ca6d6dd62f6e", 73),
    "noisy_threshold_triangular": ("22b0e1153ee1df37c132da37d7ad1490690df92127c2bc1796b0e02818da943e", 77),
    "spike_per_step_added": ("c052b4e7e801330e7aeb97a8335a7dabf75845c9c69092c5cba82fadac6c6071", 116),
    "spike_intensity_scaled_laplace": ("30c1f5ff82dd36923e519ea55debf191d058cb761ee04e10e82dfecb0a31d7a3", 145),
    "release_intensity_coloured": ("aa0de85ec77aa8bdeb13bac041d299c1687ddbb27a6ebf87235782a9457f897d", 148),
    "release_per_step_on_a_given_train": ("2c4e7a7d44ddbb15da0298e37b3a205f970cf06fcce90aac992beb990cd85c8f", 85),
    "poisson_background": ("0158242b7c6f383c8c95d71d4fdc1d28b7088e2eb3ff02c0c2b1a8cc4023c8da", 49),
    "poisson_spikes_delta": ("ffd30d201fd59ecca6ee55d6dc699d8c28c264e70cadc470309fd59c7aa2343a", 96),
    "constant_port": ("829abe0a5405aeb2ab2189e44d74aed5acc5b3111ea280cdbd1a13c54b7b5916", 119),
    "constant_port_delayed_release": ("2bc3e2d7d0a8a3a523aaeb8cb360680bff575d38e468757a45d91d403adadc32", 130),
    "fluctuating_port": ("a7104593853e36583f3bf92f6221e6afa0be2ba9b90db123436ec3c6a904d785", 164),
    "time_series": ("99c4afe99406ef080dd159e8bc55ddf5d0b8c26ecc7a17d636d0d60b1d1ba8bd", 56),
    "initial_laws": ("2052e553edbec4ccc04c0ce9054176b01237e6c607abbfeaabbc7c12b8dd87e0", 86),
    "prefilter_tanh": ("ab3e0ba79f9f24e77bbf95920e52b7eb2cb9a708a0ab0940c953821f2175c988", 88),
    "prefilter_relu_then_noise": ("0f8bf4434d4bb8e7c9f3e3d58e774f78817428c0422da4ea462bd667e7b1834d", 181),
    "mismatch_per_neuron": ("e8afc99c2fe1cbeaafebe86d3d366e7a9d577a51e09b1305bf786fd6286cfd7f", 143),
    "mismatch_per_synapse": ("39bf4be04126a1b493b6f4f210533e80d899c0b7f19d1041d3e9dd2ef842454e", 147),
    "mismatch_per_target": ("87538e049da746d188099fad9e730e45596ca03479a461d7b07a119c2542d2e9", 152),
    "mismatch_per_chip": ("6906cf5e7c12fd92c83b52c08846584c6681f99f01b4436616f67404d165b0b2", 151),
    "delays": ("addc3bfadc4eaba0b9be1906e01e283745d20812b642aaa5d4c8c0c4a29a543c", 197),
    "delays_by_component": ("addc3bfadc4eaba0b9be1906e01e283745d20812b642aaa5d4c8c0c4a29a543c", 197),
    "layers_by_step": ("bde091778a052e0bda219f903f9a586334f0300223b057d72e9bfd8107d4fa77", 257),
    "layers_by_component": ("bde091778a052e0bda219f903f9a586334f0300223b057d72e9bfd8107d4fa77", 257),
    "frozen_stimulus": ("e8d9238d373b6e315be7e3172b17c317422ab074d6091f32c1371dba600d2e49", 86),
    "frozen_stimulus_paired_device": ("e8d9238d373b6e315be7e3172b17c317422ab074d6091f32c1371dba600d2e49", 86),
    "everything": ("b4d2180df7809b73f4a57491c7ca77cf2a3948ef445232a212b15b2beef4e67c", 246),
}


def fingerprint(spikes: dict[str, np.ndarray]) -> tuple[str, int]:
    """The hash of (name, raster bytes) of all populations, and the number of their spikes."""
    hashed = sha256()
    for name, raster in spikes.items():
        hashed.update(name.encode() + raster.tobytes())
    return hashed.hexdigest(), sum(int(raster.sum()) for raster in spikes.values())


def strengths(sim: jn.Simulation) -> list[str]:
    """The paths of all numbers that say how strong a random part is."""
    ends = (".amplitude.sigma", ".amplitude.D", ".charge", ".firing.scale", ".law.cv")
    return [p for p in jn.paths.leaves(sim) if p.endswith(ends)]


def test_every_case_has_a_golden_value():
    assert list(GOLDEN) == list(CASES)


def test_the_schedule_does_not_show_in_the_spikes():
    """Whoever prints the table anew after a change must not lose this."""
    assert GOLDEN["delays"] == GOLDEN["delays_by_component"]
    assert GOLDEN["layers_by_step"] == GOLDEN["layers_by_component"]
    assert GOLDEN["frozen_stimulus"] == GOLDEN["frozen_stimulus_paired_device"]


QUICK = (
    "current_per_step_scaled",
    "voltage_diffusion_coloured_shared",
    "noisy_threshold_logistic",
    "poisson_background",
    "delays",
    "everything",
)


@pytest.mark.parametrize("name", slow_but(CASES, QUICK))
def test_the_spikes_are_the_golden_ones(name: str):
    case = CASES[name]()
    spikes = rasters(case)
    for raster in spikes.values():  # the hash of an empty or saturated raster would hold nothing
        assert 0.005 < raster.mean() < 0.3
    assert fingerprint(spikes) == GOLDEN[name]
    # The negative control: each random part matters, so a change of any one is seen.
    for path in strengths(case.sim):
        stronger = jn.paths.replace(case.sim, {path: 1.5 * jn.paths.get(case.sim, path)})
        assert fingerprint(rasters(case._replace(sim=stronger))) != GOLDEN[name], path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["poisson_spikes_delta", "initial_laws", "noisy_threshold_laplace"])
def test_another_key_gives_other_spikes(name: str):
    assert fingerprint(rasters(CASES[name](), KEY + 1)) != GOLDEN[name]


if __name__ == "__main__":
    for label, builder in CASES.items():
        digest, number = fingerprint(rasters(builder()))
        print(f'    "{label}": ("{digest}", {number}),')
