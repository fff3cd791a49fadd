"""Intent: accounts whose requests show a tactic of the catalogue."""

from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Kind
from stillwatch.signals.ties import TieSignal

_F = Family.INTENT

SIGNAL = TieSignal(
    family=_F,
    kinds=(Kind(name="tactic", family=_F, label="tactic", source="derived"),),
    null="members show a tactic of the catalogue no more often than accounts of the same volume and age drawn at "
    "random; where one template formed the group, the unit is the template, not the account",
    source="tactic catalogue (public reports; MITRE ATLAS); matched permutation",
    evades="wording outside the lexicon, in a language that it does not know",
)
