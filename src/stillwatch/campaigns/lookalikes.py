"""Honest explanations as competing hypotheses: each predicts something; the log decides whether it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from stillwatch.campaigns.judge import MATERIAL, own_hand
from stillwatch.campaigns.traits import Traits, named
from stillwatch.domain.verdict import Alternative, Family
from stillwatch.signals.base import Verdict

EVENT_DAY = 60
"""Requests per account and active day that people at a class or hackathon send by hand."""
LEAST_OWNERS = 8
"""Fewer payers than this are a family, an agency, a start-up: one hand, openly, unless it is mechanical and either
large or of several payers, whom one dispatcher serves for no such reason."""
LARGE, MECHANICAL_OWNERS = 100, 4
OWNED, FEW_NETWORKS = 0.1, 0.1
HOUSEHOLDS = 0.5
"""Share of the accounts in households, from which the group is made of them."""


class Facts(NamedTuple):
    """What an explanation may look at."""

    traits: Traits
    strong: Mapping[Family, Verdict]
    """Families whose evidence is significant and material."""
    formed_by: frozenset[Family]

    @property
    def machine(self) -> bool:
        """Whether timing shows one dispatcher."""
        timing = self.strong.get(Family.TIMING)
        return timing is not None and timing.channel in ("one_dispatcher", "dispatch_order")

    @property
    def tied(self) -> bool:
        """Whether accounts are tied by something that a shared place or event does not explain."""
        by_hand = own_hand(self.strong.get(Family.IDENTITY)) >= MATERIAL[Family.IDENTITY]
        return by_hand or Family.CONTINUITY in self.strong or Family.CONTINUITY in self.formed_by


class Lookalike(NamedTuple):
    """One honest explanation: its prediction in words, what was seen, and whether it stands."""

    kind: str
    prediction: str
    look: Callable[[Facts], tuple[bool, str]]


def _percent(x: float) -> str:
    return "unknown" if np.isnan(x) else f"{x:.0%}"


def _one_customer(f: Facts) -> tuple[bool, str]:
    t = f.traits
    # keys behind a few servers, of which the log does not say whose they are, are likeliest their operators' own
    unknown = t.owned < OWNED and t.networks < FEW_NETWORKS
    return t.customers < 5 or t.top_customer >= 0.5 or unknown, (
        f"{t.customers:,} customers, each declared one and each account of none; the largest holds "
        f"{_percent(t.top_customer)} of the accounts; "
        f"an owner is known for {_percent(t.owned)}; networks per account: {t.networks:.2f}"
    )


def _one_payer(f: Facts) -> tuple[bool, str]:
    t = f.traits
    one = t.top_payer >= 0.8
    open_about_it = t.top_domain >= 0.5 or t.verified >= 0.5
    few = t.owners < LEAST_OWNERS and not (f.machine and (t.accounts >= LARGE or t.owners >= MECHANICAL_OWNERS))
    return bool((one and open_about_it) or few or t.open_owner >= 0.7), (
        f"{t.owners:,} payers; {_percent(t.open_owner)} of the accounts belong openly to one owner; "
        f"the commonest payment instrument pays for {_percent(t.top_payer)} of the accounts; "
        f"one own mail domain: {_percent(t.top_domain)}; business or identity verified: {_percent(t.verified)}"
    )


def _households(f: Facts) -> tuple[bool, str]:
    stands = f.traits.households >= HOUSEHOLDS and not f.machine and Family.INTENT not in f.strong
    return bool(stands), (
        f"{_percent(f.traits.households)} of the accounts share a payment instrument, device or address with at most "
        "seven others, all of them at the same place, and with nobody beyond them"
    )


def _company(f: Facts) -> tuple[bool, str]:
    t = f.traits
    people = t.top_domain >= 0.7 and not f.machine and (t.verified >= 0.5 or t.top_network >= 0.5)
    office = (
        t.top_domain >= 0.7 and t.top_network >= 0.7
    )  # a desk's queue deals out work too, and its cards are its own
    institution = t.top_network >= 0.7 and t.top_programme >= 0.6 and not f.tied
    stands = people or office or institution
    return bool(stands), (
        f"one own mail domain: {_percent(t.top_domain)}; commonest network: {_percent(t.top_network)}; "
        f"programme: {_percent(t.top_programme)}"
    )


def _benchmark(f: Facts) -> tuple[bool, str]:
    t = f.traits
    return bool(t.repeated >= 0.5 and t.distinct_prompts > 5 and t.coverage >= 0.25 and not f.tied), (
        f"{_percent(t.repeated)} of the requests were also sent by other customers; the median customer sent "
        f"{_percent(t.coverage)} of the {t.distinct_prompts:,} distinct prompts"
    )


def _viral(f: Facts) -> tuple[bool, str]:
    t = f.traits
    few = 0 < t.distinct_prompts <= max(5, t.accounts // 4)
    stands = t.repeated >= 0.5 and (few or not f.machine) and not f.tied
    return bool(stands), (
        f"{_percent(t.repeated)} of the requests were also sent by others; "
        f"{t.distinct_prompts:,} distinct prompts over {t.accounts:,} accounts"
    )


def _event(f: Facts) -> tuple[bool, str]:
    t = f.traits
    brief = t.concentrated <= 0.2 and t.per_account <= 60
    by_hand = t.per_day <= EVENT_DAY if not f.machine else brief
    together = t.top_programme >= 0.6 or t.top_network >= 0.5 or t.busiest_hours >= 0.5
    stands = together and by_hand and not f.tied
    return bool(stands), (
        f"commonest programme {_percent(t.top_programme)}, commonest network {_percent(t.top_network)}, "
        f"80 % of it in {_percent(t.concentrated)} of the hours, busiest two hours "
        f"{_percent(t.busiest_hours)}, median {t.per_account:.0f} requests per account, {t.per_day:.0f} a day"
    )


def _clockwork(f: Facts) -> tuple[bool, str]:
    t = f.traits
    hard = f.tied or Family.INFRASTRUCTURE in f.strong or Family.IDENTITY in f.strong
    return bool(t.clockwork >= 0.6 and not hard), f"{_percent(t.clockwork)} of the gaps are whole minutes"


def _red_team(f: Facts) -> tuple[bool, str]:
    t = f.traits
    programme = bool(np.isin(t.programme, named("security-research", "red-team", "safety-research")).any())
    return bool(programme and t.top_programme >= 0.5 and t.per_account <= 200), (
        f"commonest programme covers {_percent(t.top_programme)} of the accounts; "
        f"security research: {'yes' if programme else 'no'}"
    )


def _tool(f: Facts) -> tuple[bool, str]:
    others = [x for x in f.strong if x not in (Family.CONTENT, Family.INTENT)]
    software_only = all(f.strong[x].channel in ("tls", "client", "parameters", "stack") for x in others)
    seen = ", ".join(f"{x.value} ({f.strong[x].channel})" for x in others) or "nothing"
    return (
        software_only and Family.CONTINUITY not in f.formed_by,
        f"beyond the shared program there is evidence of: {seen}",
    )


LOOKALIKES = (
    Lookalike("fleet", "one declared customer owns the accounts", _one_customer),
    Lookalike("shared-payer", "one payer stands openly behind all accounts (family, agency, start-up)", _one_payer),
    Lookalike("household", "people with a few accounts each, and a popular prompt or program in common", _households),
    Lookalike("company", "one organisation's people: one mail domain and network, human hours", _company),
    Lookalike("benchmark", "the same finite items repeated by unrelated payers, not divided among them", _benchmark),
    Lookalike("viral", "very few prompts, copied by many", _viral),
    Lookalike("event", "a class or hackathon: one place, programme or hour, low volume, human sessions", _event),
    Lookalike("cron", "independent jobs, each on its own round clock", _clockwork),
    Lookalike("red-team", "enrolled security research, no scale-up", _red_team),
    Lookalike("tool", "a popular program: same wording and client, but nothing else in common", _tool),
)


def weigh(facts: Facts) -> tuple[str | None, tuple[Alternative, ...]]:
    """The first explanation that stands (None if none does), and all of them with what was seen."""
    standing: str | None = None
    out = []
    for lookalike in LOOKALIKES:
        stands, seen = lookalike.look(facts)
        if stands and standing is None:
            standing = lookalike.kind
        out.append(
            Alternative(kind=lookalike.kind, prediction=lookalike.prediction, observed=seen, rejected=not stands)
        )
    return standing, tuple(out)
