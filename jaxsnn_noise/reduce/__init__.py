"""Summaries of labelled Monte Carlo results over named random dimensions, with errors that follow the design.

====================  ===============================================================================
question              function
====================  ===============================================================================
how large, how sure   :func:`mean_and_error`, :func:`proportion`, :func:`variance_components`
of any function       :func:`pseudovalues`
does it differ        :func:`paired_contrast` (common random numbers along a sweep or cases)
does a claim hold     :func:`at_most`, :func:`at_least`, :func:`every`, :func:`decide`; as the
                      judgement of a study: :func:`judge`, :func:`judge_within`
of many trials        :func:`fano_factor`, :func:`interval_cv`, :func:`reliability`, :func:`spike_events`,
                      :func:`psth`; their folds stream, and so does any other with :func:`fold_members`
which faults matter   :func:`classify_sites`, :func:`detecting_samples`
several chips as one  :func:`ensembled`
how alike, how much   :func:`van_rossum_distance`, :func:`victor_purpura_distance`, :func:`information_rate`
====================  ===============================================================================

Which dimensions are random is always said by name (``over=("device", "trial")``); which of them are nested is known for
the house's axes (:data:`NESTED`) and can be overridden. The layout behind every error is in
:mod:`jaxsnn_noise.reduce.design`. A non-finite member is counted in ``n_missing`` and never replaced.
"""

from jaxsnn_noise.reduce.claims import Bonferroni, Holm, at_least, at_most, every
from jaxsnn_noise.reduce.components import variance_components
from jaxsnn_noise.reduce.contrasts import paired_contrast
from jaxsnn_noise.reduce.design import NESTED
from jaxsnn_noise.reduce.distances import van_rossum_distance, victor_purpura_distance
from jaxsnn_noise.reduce.ensembles import ensembled
from jaxsnn_noise.reduce.errors import mean_and_error
from jaxsnn_noise.reduce.events import spike_events
from jaxsnn_noise.reduce.faults import classify_sites, detecting_samples
from jaxsnn_noise.reduce.folds import PSTH, FanoFactor, MemberFold, Reliability
from jaxsnn_noise.reduce.information import InformationRate, information_rate
from jaxsnn_noise.reduce.irregularity import PooledCV, interval_cv
from jaxsnn_noise.reduce.jackknife import pseudovalues
from jaxsnn_noise.reduce.judgements import judge, judge_within, unmeasured
from jaxsnn_noise.reduce.proportions import proportion
from jaxsnn_noise.reduce.streams import fano_factor, fold_members, psth, reliability
from jaxsnn_noise.reduce.verdicts import AtLeast, AtMost, Rule, Within, decide
from jaxsnn_noise.verdicts import Judgement, Verdict

__all__ = [
    "NESTED",
    "PSTH",
    "AtLeast",
    "AtMost",
    "Bonferroni",
    "FanoFactor",
    "Holm",
    "InformationRate",
    "Judgement",
    "MemberFold",
    "PooledCV",
    "Reliability",
    "Rule",
    "Verdict",
    "Within",
    "at_least",
    "at_most",
    "classify_sites",
    "decide",
    "detecting_samples",
    "ensembled",
    "every",
    "fano_factor",
    "fold_members",
    "information_rate",
    "interval_cv",
    "judge",
    "judge_within",
    "mean_and_error",
    "paired_contrast",
    "proportion",
    "pseudovalues",
    "psth",
    "reliability",
    "spike_events",
    "unmeasured",
    "van_rossum_distance",
    "variance_components",
    "victor_purpura_distance",
]


def __dir__() -> list[str]:
    return __all__
