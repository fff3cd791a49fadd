"""Objects that are the same from every producer: tactics as attack patterns, and courses of action against them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from stillwatch.sharing.stix.ids import MAKER, object_id
from stillwatch.signals.tactics import catalogue as tactics

ATLAS = "mitre-atlas"


class Tactic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the catalogue adds to a tactic."""

    says: str
    more: dict[str, tuple[str, ...]]
    answer: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One course of action."""

    name: str
    says: str
    atlas: tuple[str, ...]


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``catalogue.yaml``."""

    version: str
    frameworks: dict[str, str]
    techniques: dict[str, str]
    phases: dict[str, str]
    """ATLAS technique → ATLAS tactic, in the order of the matrix."""
    tactics: dict[str, Tactic]
    answers: dict[str, Answer]
    mitigations: dict[str, str]


@cache
def load() -> Catalogue:
    """The shipped catalogue."""
    text = files(__package__).joinpath("catalogue.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Catalogue)


def _common(kind: str, *parts: str) -> dict[str, Any]:
    made = load().version
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": object_id(kind, "stillwatch", *parts),
        "created_by_ref": MAKER,
        "created": made,
        "modified": made,
    }


def _reference(framework: str, name: str) -> dict[str, str]:
    found = load()
    title = found.techniques.get(name) or found.mitigations[name]
    return {
        "source_name": framework,
        "external_id": name,
        "url": found.frameworks[framework].format(id=name).replace("/techniques/AML.M", "/mitigations/AML.M"),
        "description": title,
    }


def references(tactic: str) -> list[dict[str, str]]:
    """What a tactic is called elsewhere."""
    atlas = next(t.atlas for t in tactics() if t.id == tactic)
    more = load().tactics[tactic].more
    return [_reference("mitre-atlas", name) for name in atlas] + [
        _reference(framework, name) for framework, names in more.items() for name in names
    ]


def phases(tactic: str) -> list[dict[str, str]]:
    """Where a tactic stands in what an adversary does: the ATLAS tactics of its ATLAS techniques, in ATLAS's order."""
    found = load()
    atlas = next(t.atlas for t in tactics() if t.id == tactic)
    here = {found.phases[name] for name in atlas}
    return [
        {"kill_chain_name": ATLAS, "phase_name": name} for name in dict.fromkeys(found.phases.values()) if name in here
    ]


def attack_pattern(tactic: str) -> dict[str, Any]:
    """A tactic of the detector's catalogue."""
    name = next(t.name for t in tactics() if t.id == tactic)
    elsewhere = references(tactic)
    known_as = ", ".join(f"{r['external_id']} {r['description']}" for r in elsewhere)
    return {
        **_common("attack-pattern", tactic),
        "name": name,
        "description": f"{load().tactics[tactic].says} Elsewhere: {known_as}.",
        "aliases": [tactic],
        "labels": [f"tactic:{tactic}"],
        "kill_chain_phases": phases(tactic),
        "external_references": elsewhere,
    }


def answers(tactic_ids: list[str]) -> list[dict[str, Any]]:
    """Courses of action against some tactics, with what they mitigate; review always stands first."""
    found = load()
    wanted = {"review": list[str]()}
    for tactic in tactic_ids:
        for name in found.tactics[tactic].answer:
            wanted.setdefault(name, []).append(tactic)
    out: list[dict[str, Any]] = []
    for name, against in wanted.items():
        answer = found.answers[name]
        action = {
            **_common("course-of-action", name),
            "name": answer.name,
            "description": answer.says,
            "labels": [f"answer:{name}"],
        }
        if answer.atlas:
            action["external_references"] = [_reference("mitre-atlas", m) for m in answer.atlas]
        out.append(action)
        for tactic in against:
            pattern = object_id("attack-pattern", "stillwatch", tactic)
            out.append(
                {
                    **_common("relationship", "mitigates", action["id"], pattern),
                    "relationship_type": "mitigates",
                    "source_ref": action["id"],
                    "target_ref": pattern,
                }
            )
    return out
