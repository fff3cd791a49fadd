"""Intent: accounts whose requests show a tactic of the catalogue, or that serve many people's clients as a relay."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
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
    account: I32, ts: npt.NDArray[np.int64], client: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Accounts with a known client, and 1 where four or more clients were theirs within one day, else 2."""
    known = client != 0
    who, days = account[known].astype(np.int64), ts[known] // DAY_US
    if not len(who):
        return who, client[:0]
    place = who * (int(days.max()) - int(days.min()) + 1) + days - days.min()
    cells = np.unique(np.stack([place.astype(np.uint64), client[known]]), axis=1)[0]
    names, clients = np.unique(cells.astype(np.int64), return_counts=True)
    owner = names // (int(days.max()) - int(days.min()) + 1)
    many = np.unique(owner[clients >= MANY_CLIENTS])
    everyone = np.unique(who)
    return everyone, np.where(np.isin(everyone, many), 1, 2).astype(np.uint64)
