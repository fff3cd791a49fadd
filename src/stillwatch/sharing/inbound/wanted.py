"""What somebody else's bundles ask us to look for: indicators with what they indicate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from stillwatch.sharing.fingerprints.kinds import ALGORITHM, KINDS, PLACE
from stillwatch.sharing.inbound.bundle import Bundle, version_of
from stillwatch.sharing.inbound.conditions import Alternative, NotEvaluated, alternatives
from stillwatch.sharing.inbound.pattern import parse
from stillwatch.sharing.stix.extension import extension_of
from stillwatch.sharing.stix.times import moment
from stillwatch.sharing.stix.tlp import level_of

UNMARKED = "amber"
"""How an object is treated that carries no marking of TLP."""


class Wanted(NamedTuple):
    """One indicator that can be looked for."""

    id: str
    name: str
    group: str
    """Class of what it looks at: ``place``, ``stack`` or ``work`` (see :mod:`sharing.fingerprints.kinds`)."""
    alternatives: tuple[Alternative, ...]
    valid_from: datetime
    valid_until: datetime | None
    tlp: str


class Subject(NamedTuple):
    """What indicators are about: a campaign of somebody else's, or an indicator that is about nothing."""

    id: str
    name: str
    producer: str
    """Name of whoever says so, as they write it; empty where the bundle does not tell."""
    tlp: str
    indicators: tuple[Wanted, ...]
    source: str = ""
    """Of the bundles that it stands in."""


class Asked(NamedTuple):
    """Everything that was asked for."""

    subjects: tuple[Subject, ...]
    indicators: int
    skipped: dict[str, int]
    """Why an indicator is not looked for → how many."""


def asked(bundles: Sequence[Bundle], first: datetime, last: datetime) -> Asked:
    """Indicators that are valid at some time from ``first`` to ``last`` and can be evaluated, by what they indicate.

    Every source is read for itself: whoever repeats the id of somebody else's object can neither change nor revoke it.
    """
    of_source: dict[str, list[Bundle]] = {}
    for bundle in bundles:
        of_source.setdefault(bundle.source, []).append(bundle)
    read = [_asked(source, ones, first, last) for source, ones in of_source.items()]
    skipped = sum((Counter(r.skipped) for r in read), Counter[str]())
    return Asked(
        tuple(subject for r in read for subject in r.subjects),
        sum(r.indicators for r in read),
        dict(sorted(skipped.items())),
    )


def _asked(source: str, bundles: Sequence[Bundle], first: datetime, last: datetime) -> Asked:
    objects = _merged(bundles)
    skipped: Counter[str] = Counter()
    found: dict[str, Wanted] = {}
    number = 0
    for item in objects.values():
        if item["type"] != "indicator":
            continue
        number += 1
        try:
            found[item["id"]] = _wanted(item, first, last)
        except NotEvaluated as exc:
            skipped[str(exc)] += 1
    about: dict[str, list[Wanted]] = {}
    spoken_for = set()
    for link in objects.values():
        if link["type"] == "relationship" and link["relationship_type"] == "indicates" and not link.get("revoked"):
            one, target = found.get(link["source_ref"]), objects.get(link["target_ref"])
            if one is not None and target is not None and target["type"] == "campaign" and not target.get("revoked"):
                about.setdefault(target["id"], []).append(one)
                spoken_for.add(one.id)
    subjects = [_subject(objects[name], tuple(ones), objects, source) for name, ones in about.items()]
    subjects += [_subject(objects[n], (one,), objects, source) for n, one in found.items() if n not in spoken_for]
    return Asked(tuple(subjects), number, dict(skipped))


def _merged(bundles: Sequence[Bundle]) -> dict[str, dict[str, Any]]:
    out: dict[str, dict[str, Any]] = {}
    for bundle in bundles:
        for name, item in bundle.objects.items():
            if name not in out or version_of(item) > version_of(out[name]):
                out[name] = item
    return out


def _wanted(item: dict[str, Any], first: datetime, last: datetime) -> Wanted:
    if item.get("revoked"):
        raise NotEvaluated("it was revoked")
    if item["pattern_type"] != "stix":
        raise NotEvaluated("its pattern is in another language than STIX")
    start, until = moment(item["valid_from"]), moment(item["valid_until"]) if "valid_until" in item else None
    if start > last or (until is not None and until <= first):
        raise NotEvaluated("it is not valid at any time of the log")
    read = parse(item["pattern"])
    if read.observation is None:
        raise NotEvaluated("its pattern takes several observations or a window of time")
    more = extension_of(item)
    if more.get("algorithm", ALGORITHM) != ALGORITHM:
        raise NotEvaluated("its hashes are of another algorithm")
    found = alternatives(read.observation, tuple(more.get("marks", ())), float(more.get("coverage", 1.0)))
    name = str(item.get("name", "")) or "indicator"
    return Wanted(item["id"], name, group_of(found), found, start, until, level_of(item, UNMARKED))


def group_of(found: tuple[Alternative, ...]) -> str:
    """The class of the columns that a pattern looks at; the first of the catalogue where there are more."""
    columns = {atom.column for alternative in found for condition in alternative for atom in condition.atoms}
    if any(c.startswith("prefix") for c in columns):
        return PLACE
    return next(kind.group for kind in KINDS if (kind.column or "mark") in columns)


def _subject(
    item: dict[str, Any], ones: tuple[Wanted, ...], objects: dict[str, dict[str, Any]], source: str
) -> Subject:
    maker = objects.get(item.get("created_by_ref", ""), {})
    return Subject(
        id=item["id"],
        name=str(item.get("name", "")) or item["type"],
        producer=str(maker.get("name", "")),
        tlp=level_of(item, UNMARKED),
        indicators=tuple(sorted(ones, key=lambda one: one.id)),
        source=source,
    )
