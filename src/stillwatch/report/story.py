"""What a group did, in sentences made of its figures."""

from __future__ import annotations

from collections.abc import Mapping

from stillwatch.domain.verdict import Campaign
from stillwatch.report.numbers import count, moment, parse_time, percent, probability, short, span
from stillwatch.report.strength import Strength
from stillwatch.report.words import AIMS, joined

_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six")


def headline(group: Campaign, most: int = 3) -> str:
    """One line: the tactics, what the work aims at before how it is run, or what is known without them."""
    ordered = sorted(group.tactics, key=lambda t: t.id not in AIMS)
    names = [t.name if i == 0 else _lower(t.name) for i, t in enumerate(ordered[:most])]
    more = len(group.tactics) - len(names)
    if most < 3:
        return f"{joined(names)}{f' (+{more})' if more else ''}" if names else "Shared work without a known tactic"
    return joined(names + ([f"{more} more"] if more > 0 else [])) if names else "Shared work without a known tactic"


def _lower(name: str) -> str:
    """For the middle of a sentence; names that start with an abbreviation stay."""
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def what_it_did(group: Campaign, log_start: str = "") -> str:
    """Size, time, and what it aimed at; a work that runs when the log (from ``log_start`` on) begins may be older."""
    since, start = parse_time(group.first_seen), parse_time(log_start)
    early = since is not None and start is not None and (since - start).total_seconds() < 3_600
    out = (
        f"{count(group.accounts)} accounts sent {count(group.harvest_exchanges)} exchanges that belong to one work, "
        f"from {'the beginning of the log, ' if early else ''}{moment(group.first_seen)}"
        f"{',' if early else ''} to {moment(group.last_seen)} UTC"
    )
    length = span(group.first_seen, group.last_seen)
    out += f" ({length})." if length else "."
    if group.exchanges:
        out += f" That is {percent(group.harvest_exchanges / group.exchanges)} of all traffic of these accounts"
        rate = per_account_and_day(group)
        out += f", about {short(rate)} exchanges per account and day." if rate else "."
    if group.models:
        out += f" It was aimed at {shares(group.models)}"
        out += f", over {shares(group.channels)}." if group.channels else "."
    return out


def how_sure(group: Campaign, families: list[Strength]) -> str:
    """Which families drew it, which confirmed it, and what the q-value says."""
    drew = [f.family for f in families if f.state == "formed"]
    held = [f"{f.family} ({f.words.split(',')[0]})" for f in families if f.supports]
    silent = [f.family for f in families if f.state == "unavailable"]
    out = f"The group was drawn by {joined(drew)}. " if drew else ""
    if held:
        kinds = "One kind of evidence speaks" if len(held) == 1 else f"{_NUMBERS[len(held)]} kinds of evidence speak"
        out += f"{kinds} for it{', independently of what drew it' if drew else ''}: {joined(held)}. "
    else:
        out += "No family of evidence confirms it on its own. "
    if silent:
        out += f"Not in the log, so silent: {joined(silent)}. "
    q = probability(group.q_value)
    return out + f"The q-value of the group is {q.replace('<', 'below ')}."


def remembered(group: Campaign) -> str:
    """What earlier scans add; empty where none are remembered."""
    if group.known_since is None:
        return ""
    out = (
        "This log shows nothing of it: all that is said here is what earlier scans saw. "
        if group.quiet
        else "Scans are remembered: accounts and exchanges are those of all, tests are of what was looked at now. "
    )
    if group.joined_later:
        out += f"{count(group.joined_later)} of its accounts joined when it was known already. "
    if group.also_known_as:
        out += f"Earlier scans also named it {joined([i[:40] for i in group.also_known_as[:6]])}. "
    return out.rstrip()


def per_account_and_day(group: Campaign) -> float:
    """Exchanges of the work per account and day, 0 where the times do not say."""
    a, b = parse_time(group.first_seen), parse_time(group.last_seen)
    if a is None or b is None or not group.accounts:
        return 0.0
    days = max((b - a).total_seconds() / 86_400, 1.0)
    return group.harvest_exchanges / group.accounts / days


def shares(counts: Mapping[str, int], most: int = 3) -> str:
    """The largest entries with their shares."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    names = [f"{name[:80]} ({percent(n / total)})" if total else name[:80] for name, n in ordered[:most]]
    more = len(ordered) - most
    return joined(names + ([f"{more} more"] if more > 0 else []))
