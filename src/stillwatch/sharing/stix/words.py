"""What a campaign's figures say in plain words: repeated where tools that drop extensions look."""

from __future__ import annotations

from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.fingerprints import showable

HEURISTIC = "Confidence is a heuristic that grows with the number of independent families; p- and q-values are tests."

LEAST_REQUESTS, LEAST_SHARE = 5, 0.01
"""How often, and in what part of a campaign's exchanges, a model must have been asked for to be named."""


def title(campaign: Campaign, name: str) -> str:
    """Short, free of names: what, since when, and the beginning of the object's id: some tools take two campaigns of
    one name for one campaign."""
    tactics = ", ".join(t.id for t in campaign.tactics[:3])
    what = f"Adversarial distillation since {campaign.first_seen[:10]}" + (f" ({tactics})" if tactics else "")
    return f"{what} {name.partition('--')[2][:8]}"


def facts(campaign: Campaign) -> list[str]:
    """One sentence per fact."""
    took = campaign.impact
    out = [
        f"{campaign.accounts:,} accounts acted as one from {campaign.first_seen} to {campaign.last_seen}.",
        f"They made {campaign.exchanges:,} exchanges, of which {campaign.harvest_exchanges:,} belong to the shared "
        f"work ({took.input_tokens:,} input and {took.output_tokens:,} output tokens).",
        f"q = {campaign.q_value:.1e}: the expected share of false groups among all groups at least this strong.",
    ]
    judged = [f for f in campaign.families if f.p_value is not None and f.p_value <= 0.001]
    if judged:
        out.append("Evidence: " + "; ".join(f"{f.family.value} (p = {f.p_value:.1e})" for f in judged) + ".")
    drew = [f.family.value for f in campaign.families if f.formed_group]
    if drew:
        out.append(f"The group was drawn by {' and '.join(drew)}.")
    if campaign.tactics:
        listed = "; ".join(f"{t.id} {t.name} ({t.exchanges:,} exchanges)" for t in campaign.tactics)
        out.append(f"Tactics: {listed}.")
    for label, counts in (("Models", models(campaign)), ("Channels", channels(campaign))):
        if counts:
            out.append(f"{label}: " + ", ".join(f"{name} ({n:,})" for name, n in counts.items()) + ".")
    if campaign.capabilities:
        out.append("Aimed at: " + ", ".join(sorted(campaign.capabilities)) + ".")
    weighed = sorted({a.kind for a in campaign.alternatives if a.rejected})
    if weighed:
        out.append(f"Honest explanations weighed and rejected: {', '.join(weighed)}.")
    return out


def models(campaign: Campaign) -> dict[str, int]:
    """Requested models by exchanges. What is no model's name is left out, and so is what hardly anybody asked for: the
    name of a model is whatever a client wrote."""
    least = max(LEAST_REQUESTS, LEAST_SHARE * sum(campaign.models.values()))
    return {name: n for name, n in campaign.models.items() if n >= least and name != "unknown" and showable.model(name)}


def channels(campaign: Campaign) -> dict[str, int]:
    """Kinds of channel by exchanges: a channel's own name may be a partner's."""
    out: dict[str, int] = {}
    for name, n in campaign.channels.items():
        kind = name.partition(":")[0]
        kind = kind if kind in ("api", "app", "cloud", "reseller") else "other"
        out[kind] = out.get(kind, 0) + n
    return dict(sorted(out.items()))


def labels(campaign: Campaign) -> list[str]:
    """Key facts as labels."""
    strong = [f.family.value for f in campaign.families if f.p_value is not None and f.p_value <= 0.001]
    return [
        "adversarial-distillation",
        f"accounts:{campaign.accounts}",
        f"harvest-exchanges:{campaign.harvest_exchanges}",
        *(f"capability:{name.replace(' ', '-')}" for name in sorted(campaign.capabilities)),
        *(f"family:{name}" for name in strong),
        *(f"model:{name}" for name in models(campaign)),
        *(f"tactic:{t.id}" for t in campaign.tactics),
    ]
