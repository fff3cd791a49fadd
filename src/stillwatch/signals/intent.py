"""Intent: accounts whose requests show a tactic of the catalogue, or that serve many people's clients as a relay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
from stillwatch.kernels.coding import most_in_a_day, repeated_codes
from stillwatch.signals.base import I32, Kind
from stillwatch.signals.population import DAY_US
from stillwatch.signals.ties import TieSignal

_F = Family.INTENT
MANY_CLIENTS = 4
"""Different programs within a day behind one account: people and products use one or two."""

SIGNAL = TieSignal(
    family=_F,
    kinds=(
        Kind(name="tactic", family=_F, label="tactic", source="derived"),
        Kind(name="relay", family=_F, label="many clients behind one account", source="derived", forms=False),
    ),
    null="members show a tactic of the catalogue, or serve many clients, no more often than accounts of the same "
    "volume and age drawn at random; where one template formed the group, the unit is the template, not the account",
    source="tactic catalogue (public reports; MITRE ATLAS); matched permutation",
    evades="wording outside the lexicon, in a language that it does not know; a relay that unifies client strings",
)


def client_crowds(
    client: npt.NDArray[np.uint64], ts: npt.NDArray[np.int64], by_account: tuple[npt.NDArray[np.int64], I32]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Accounts with a known client, and 1 where four or more clients were theirs within one day, else 2."""
    codes, names = repeated_codes(client)
    most = most_in_a_day(codes, (ts // DAY_US).astype(np.int32), *by_account, len(names))
    known = np.flatnonzero(most)
    return known, np.where(most[known] >= MANY_CLIENTS, 1, 2).astype(np.uint64)
