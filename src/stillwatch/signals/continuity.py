"""Continuity: work that one account starts and another goes on with."""

from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Kind
from stillwatch.signals.ties import TieSignal

_F = Family.CONTINUITY
HANDOVERS = ("failover", "replay")
"""Kinds whose values are pairs of accounts: what moved from the one to the other."""

SIGNAL = TieSignal(
    family=_F,
    kinds=(
        Kind(name="failover", family=_F, label="conversation continued after a refusal", source="derived"),
        Kind(name="replay", family=_F, label="reasoning reference of another account", source="derived"),
        Kind(name="session", family=_F, label="session", source="exchange", column="session"),
        Kind(name="end_user", family=_F, label="end user", source="exchange", column="end_user"),
    ),
    null="members continue each other's failed conversations, sessions and reasoning references no more than accounts "
    "of the same volume and age drawn at random",
    source="prefix continuity across accounts (own derivation); matched permutation",
    evades="never sending a refused prompt again, or only from the account that was refused",
)
