"""Campaigns by default, others by name, and none whose members a case does not tell."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from stillwatch.case import read_case
from stillwatch.domain.errors import InputError
from stillwatch.evidence.casefile import chosen, members
from stillwatch.evidence.seal import SealedBag


def test_campaigns_are_chosen_by_default(case: Path, stamped: SealedBag) -> None:
    found = chosen(read_case(case), ())
    assert [c.verdict for c in found] == ["campaign"]
    sealed = json.loads((stamped.bag / "data/case/campaigns.json").read_text())
    assert [c["id"] for c in sealed["campaigns"]] == [c.id for c in found]
    assert sealed["other_groups"] == []


def test_a_group_whose_members_are_not_told_is_refused(case: Path) -> None:
    read = read_case(case)
    mine = read.campaigns[0]
    lookalike = msgspec.structs.replace(mine, id="c-lookalike", verdict="lookalike:company")
    with pytest.raises(InputError, match="does not tell the members"):
        chosen(msgspec.structs.replace(read, campaigns=(*read.campaigns, lookalike)), ("c-lookalike",))
    with pytest.raises(InputError, match="does not tell the members"):
        chosen(msgspec.structs.replace(read, campaigns=(mine, mine)), ())
    with pytest.raises(InputError, match="holds no campaign"):
        chosen(msgspec.structs.replace(read, campaigns=(lookalike,)), ())


def test_a_watched_group_under_a_campaigns_id_is_another_group(case: Path) -> None:
    """Overlapping groups can have one id in a case: the verdict tells them apart."""
    read = read_case(case)
    mine = read.campaigns[0]
    watched = msgspec.structs.replace(mine, verdict="watch")
    both = msgspec.structs.replace(read, campaigns=(mine, watched))
    assert chosen(both, (mine.id,)) == (mine,)
    found = members(both, both.campaigns)
    assert len(found[mine.id, "campaign"]) == mine.accounts
    assert found[mine.id, "watch"] == frozenset()
