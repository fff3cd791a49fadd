"""An honest explanation stands where its prediction holds, and falls where the log says otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from stillwatch.campaigns.lookalikes import LARGE, LEAST_OWNERS, LOOKALIKES, MECHANICAL_OWNERS, Facts, weigh
from stillwatch.campaigns.phrases import seen
from stillwatch.campaigns.traits import Traits
from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Verdict

STRONG = Verdict(1e-9, 1.0, 0.9, "", np.zeros(0))
QUEUE = STRONG._replace(channel="dispatch_order")
CARDS = STRONG._replace(channel="payment", channels={"payment": (1e-9, 0.9)})
ADDRESSES = STRONG._replace(channel="address")
CLIENTS = STRONG._replace(channel="client")

HARVEST = Traits(
    accounts=40, customers=40, exchanges=2_000, top_customer=0.025, payers=1.0, top_payer=0.025, owners=40, owned=1.0,
    open_owner=0.0, top_domain=0.05, verified=0.1, top_programme=0.1, programme=0, repeated=0.0, distinct_prompts=2_000,
    coverage=0.025, per_account=50.0, per_day=200.0, clockwork=0.0, busiest_hours=0.1, substream=1.0, concentrated=0.8,
    top_network=0.05, networks=0.8, households=0.0,
)  # fmt: skip
"""Traits that no honest explanation predicts."""


def standing(traits: Traits, **strong: Verdict) -> str | None:
    evidence = {Family(name): verdict for name, verdict in strong.items()}
    return weigh(Facts(traits, evidence, frozenset({Family.CONTENT})))[0]


def test_nothing_explains_a_harvest_from_one_queue() -> None:
    assert standing(HARVEST, timing=QUEUE, infrastructure=ADDRESSES) is None


def test_every_explanation_says_what_it_looked_at() -> None:
    _, alternatives = weigh(Facts(HARVEST, {Family.TIMING: QUEUE}, frozenset()))
    assert [a.kind for a in alternatives] == [lookalike.kind for lookalike in LOOKALIKES]
    assert all(a.rejected and a.prediction and a.observed for a in alternatives)


@pytest.mark.parametrize(
    ("kind", "traits", "strong"),
    [
        ("fleet", HARVEST._replace(customers=1, top_customer=1.0), {"timing": QUEUE}),
        ("fleet", HARVEST._replace(owned=0.0, networks=0.05), {"timing": QUEUE, "infrastructure": ADDRESSES}),
        ("shared-payer", HARVEST._replace(owners=1, top_payer=1.0, verified=1.0), {"timing": QUEUE, "identity": CARDS}),
        ("shared-payer", HARVEST._replace(owners=LEAST_OWNERS - 1), {"identity": CARDS, "infrastructure": ADDRESSES}),
        ("shared-payer", HARVEST._replace(owners=MECHANICAL_OWNERS - 1), {"identity": CARDS, "timing": QUEUE}),
        ("household", HARVEST._replace(households=0.8), {"identity": CARDS, "infrastructure": ADDRESSES}),
        ("company", HARVEST._replace(top_domain=0.9, verified=0.8), {"infrastructure": ADDRESSES}),
        ("company", HARVEST._replace(top_domain=0.9, top_network=0.9), {"identity": CARDS, "timing": QUEUE}),
        ("benchmark", HARVEST._replace(repeated=0.9, coverage=0.8), {"infrastructure": ADDRESSES}),
        ("viral", HARVEST._replace(repeated=0.9, distinct_prompts=3), {"infrastructure": ADDRESSES}),
        ("event", HARVEST._replace(top_network=0.9, per_day=20.0), {"infrastructure": ADDRESSES}),
        ("cron", HARVEST._replace(clockwork=0.9), {"timing": QUEUE}),
        ("tool", HARVEST, {"infrastructure": CLIENTS}),
    ],
)
def test_an_explanation_stands_where_its_prediction_holds(
    kind: str, traits: Traits, strong: dict[str, Verdict]
) -> None:
    assert standing(traits, **strong) == kind


@pytest.mark.parametrize(
    ("traits", "strong"),
    [
        # without an accounts table a pool of many networks is still nobody's own
        (HARVEST._replace(owned=0.0, networks=0.3), {"timing": QUEUE, "infrastructure": ADDRESSES}),
        # one queue over several payers, or over a hundred accounts, is no household and no agency
        (HARVEST._replace(owners=MECHANICAL_OWNERS), {"identity": CARDS, "timing": QUEUE}),
        (HARVEST._replace(owners=1, accounts=LARGE), {"identity": CARDS, "timing": QUEUE}),
        # strangers at home are not dealt work from one queue, and do not all go after hidden reasoning
        (HARVEST._replace(households=0.8), {"identity": CARDS, "timing": QUEUE}),
        (HARVEST._replace(households=0.8), {"identity": CARDS, "intent": STRONG}),
        # people of one company in many places do not share one queue
        (HARVEST._replace(top_domain=0.9, verified=0.8), {"infrastructure": ADDRESSES, "timing": QUEUE}),
        # a corpus that is dealt out is no benchmark, and who shares cards does not copy what is going round
        (HARVEST._replace(repeated=0.9, coverage=0.03), {"identity": CARDS, "timing": QUEUE}),
        (HARVEST._replace(repeated=0.9, distinct_prompts=3), {"identity": CARDS}),
        # a class does not send thousands of requests each, and does not share cards
        (HARVEST._replace(top_network=0.9, per_day=2_000.0), {"infrastructure": ADDRESSES}),
        (HARVEST._replace(top_network=0.9, per_day=20.0), {"identity": CARDS}),
        # independent jobs are not tied by an address
        (HARVEST._replace(clockwork=0.9), {"timing": QUEUE, "infrastructure": ADDRESSES}),
    ],
)
def test_an_explanation_falls_where_the_log_says_otherwise(traits: Traits, strong: dict[str, Verdict]) -> None:
    assert standing(traits, **strong) is None


def test_what_is_significant_but_immaterial_is_not_called_none() -> None:
    assert "too little to count" in seen(STRONG._replace(channel="one_dispatcher", effect=0.0))
    assert seen(STRONG._replace(channel="payment", effect=0.0, p_value=0.7)).startswith("None of the accounts pay")
    assert seen(STRONG._replace(channel="payment", effect=0.9)).startswith("90% of the accounts pay")
