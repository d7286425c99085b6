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

from typing import TYPE_CHECKING

from jaxsnn_noise._lazy import lazily

if TYPE_CHECKING:
    from jaxsnn_noise.reduce.claims import Bonferroni as Bonferroni
    from jaxsnn_noise.reduce.claims import Holm as Holm
    from jaxsnn_noise.reduce.claims import at_least as at_least
    from jaxsnn_noise.reduce.claims import at_most as at_most
    from jaxsnn_noise.reduce.claims import every as every
    from jaxsnn_noise.reduce.components import variance_components as variance_components
    from jaxsnn_noise.reduce.contrasts import paired_contrast as paired_contrast
    from jaxsnn_noise.reduce.design import NESTED as NESTED
    from jaxsnn_noise.reduce.distances import van_rossum_distance as van_rossum_distance
    from jaxsnn_noise.reduce.distances import victor_purpura_distance as victor_purpura_distance
    from jaxsnn_noise.reduce.ensembles import ensembled as ensembled
    from jaxsnn_noise.reduce.errors import mean_and_error as mean_and_error
    from jaxsnn_noise.reduce.events import spike_events as spike_events
    from jaxsnn_noise.reduce.faults import classify_sites as classify_sites
    from jaxsnn_noise.reduce.faults import detecting_samples as detecting_samples
    from jaxsnn_noise.reduce.folds import PSTH as PSTH
    from jaxsnn_noise.reduce.folds import FanoFactor as FanoFactor
    from jaxsnn_noise.reduce.folds import MemberFold as MemberFold
    from jaxsnn_noise.reduce.folds import Reliability as Reliability
    from jaxsnn_noise.reduce.information import InformationRate as InformationRate
    from jaxsnn_noise.reduce.information import information_rate as information_rate
    from jaxsnn_noise.reduce.irregularity import PooledCV as PooledCV
    from jaxsnn_noise.reduce.irregularity import interval_cv as interval_cv
    from jaxsnn_noise.reduce.jackknife import pseudovalues as pseudovalues
    from jaxsnn_noise.reduce.judgements import judge as judge
    from jaxsnn_noise.reduce.judgements import judge_within as judge_within
    from jaxsnn_noise.reduce.judgements import unmeasured as unmeasured
    from jaxsnn_noise.reduce.proportions import proportion as proportion
    from jaxsnn_noise.reduce.streams import fano_factor as fano_factor
    from jaxsnn_noise.reduce.streams import fold_members as fold_members
    from jaxsnn_noise.reduce.streams import psth as psth
    from jaxsnn_noise.reduce.streams import reliability as reliability
    from jaxsnn_noise.reduce.verdicts import AtLeast as AtLeast
    from jaxsnn_noise.reduce.verdicts import AtMost as AtMost
    from jaxsnn_noise.reduce.verdicts import Rule as Rule
    from jaxsnn_noise.reduce.verdicts import Within as Within
    from jaxsnn_noise.reduce.verdicts import decide as decide
    from jaxsnn_noise.verdicts import Judgement as Judgement
    from jaxsnn_noise.verdicts import Verdict as Verdict

_HOMES = {
    "claims": "Bonferroni Holm at_least at_most every",
    "components": "variance_components",
    "contrasts": "paired_contrast",
    "design": "NESTED",
    "distances": "van_rossum_distance victor_purpura_distance",
    "ensembles": "ensembled",
    "errors": "mean_and_error",
    "events": "spike_events",
    "faults": "classify_sites detecting_samples",
    "folds": "PSTH FanoFactor MemberFold Reliability",
    "information": "InformationRate information_rate",
    "irregularity": "PooledCV interval_cv",
    "jackknife": "pseudovalues",
    "judgements": "judge judge_within unmeasured",
    "proportions": "proportion",
    "streams": "fano_factor fold_members psth reliability",
    "verdicts": "AtLeast AtMost Rule Within decide",
    "jaxsnn_noise.verdicts": "Judgement Verdict",
}
__getattr__, __dir__ = lazily(__name__, _HOMES)
