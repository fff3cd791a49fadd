"""The impact of each group of a case, from the rows of its members; for a bag, or beside the case without sealing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.case import PriceTable, read_case
from stillwatch.case.raw import at_once, file_entry, same_log
from stillwatch.domain.verdict import Campaign
from stillwatch.evidence import casefile
from stillwatch.evidence.gather import Reader, gather
from stillwatch.evidence.impact import ImpactRange, Market, impact
from stillwatch.evidence.minimise import Minimiser
from stillwatch.evidence.pseudonyms import Pseudonyms

Key = tuple[str, str]
"""(id, verdict) of a group."""


class Figures(NamedTuple):
    """What the user adds: prices, what a training set costs, when the campaign was first detected."""

    prices: PriceTable | None = None
    market: Market | None = None
    detected_at: datetime | None = None


def impacts(
    groups: tuple[Campaign, ...],
    by_group: Mapping[Key, frozenset[str]],
    rows: pa.Table,
    minimiser: Minimiser,
    figures: Figures,
) -> list[ImpactRange]:
    """One per group. ``rows``: the members' exchanges as :func:`gather` gives them; ``by_group``: true account ids."""
    out = []
    for group in groups:
        names = [minimiser.value("account_id", a) for a in by_group[group.id, group.verdict]]
        inside = pc.is_in(rows["account_id"], pa.array(sorted(names), pa.string()))
        out.append(
            impact(
                group,
                rows.filter(inside),
                prices=figures.prices,
                market=figures.market,
                detected_at=figures.detected_at,
            )
        )
    return out


def estimate(
    case_path: Path,
    reader: Reader,
    files: tuple[Path, ...],
    wanted: tuple[str, ...],
    figures: Figures,
    randomness: bytes,
) -> list[ImpactRange]:
    """The same as a bag would hold. :class:`InputError` unless it is the log that the case was made from.

    ``randomness``: 32 bytes for names that live no longer than this call.
    """
    case = read_case(case_path)
    at_once(case.run)
    same_log(case.run.get("inputs") or [], [file_entry(path, "log") for path in files])
    groups = casefile.chosen(case, wanted)
    by_group = casefile.members(case, groups)
    minimiser = Minimiser(Pseudonyms(randomness))
    gathered = gather(reader, None, frozenset[str]().union(*by_group.values()), minimiser, everybody=False)
    return impacts(groups, by_group, gathered.exchanges, minimiser, figures)
