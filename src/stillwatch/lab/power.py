"""Which worlds a power sweep needs: axes of dials, combinations of their hard ends, columns taken away."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any, Literal, NamedTuple

import msgspec
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.lab.scenario import Campaign, Scenario, dials

Combine = Literal["pairs", "ladder", "grid"]
COMBINE: tuple[Combine, ...] = ("pairs", "ladder", "grid")
MOST_VALUES = 1_000

ABLATIONS: dict[str, tuple[str, ...]] = {
    "payment": ("payment_fingerprint",),
    "device": ("device_fingerprint", "phone_fingerprint"),
    "signup": ("created_at", "signup_ip"),
    "address": ("client_ip", "asn", "signup_ip"),
    "client": ("user_agent", "tls_fingerprint"),
    "parameters": (
        *("temperature", "top_p", "max_output_tokens", "stream", "reasoning_effort", "response_format"),
        *("tools_count", "tool_schema_hash"),
    ),
    "text": ("prompt", "system_prompt", "response"),
    "outcome": (
        *("status", "refusal", "refusal_category", "finish_reason"),
        *("reasoning_ref_issued", "reasoning_ref_presented"),
    ),
}
"""Columns by what a provider may not log. Times and accounts cannot be taken away: the log requires them."""


class Axis(NamedTuple):
    """One dial and its values, written from easy to hard for the detector: the last value is the hard end."""

    name: str
    paths: tuple[str, ...]
    """Dotted dials that take the value together."""
    values: tuple[Any, ...]

    def at(self, value: Any) -> dict[str, Any]:
        """The overrides that set the dial."""
        return dict.fromkeys(self.paths, value)


class Point(NamedTuple):
    """One world up to its seed, and its place in the sweep."""

    experiment: str
    """``cover``, ``pairs``, ``ladder``, ``grid``, ``ablation`` or ``cover without text``."""
    position: int
    label: str
    scenario: Scenario
    without: tuple[str, ...]
    dials: dict[str, Any]


def parse_axis(text: str, scenario: Scenario) -> Axis:
    """``cover=0:0.9:0.1`` (steps), ``accounts=640:20:x0.5`` (factors) or ``dispatch=round_robin,random`` (a list).

    A bare name is a dial of every campaign, else of the scenario; a dotted path is taken as it stands.

    >>> world = Scenario(name="s", days=1, campaigns=(Campaign(name="c"),))
    >>> parse_axis("cover=0:0.6:0.3", world).values
    (0, 0.3, 0.6)
    >>> parse_axis("accounts=400:100:x0.5", world).values
    (400, 200, 100)
    """
    name, sign, values = text.partition("=")
    if not sign or not values:
        raise InputError(f"--axis {text}: expected DIAL=VALUES", remedy="for example cover=0:0.9:0.1 or jitter=0,0.5,1")
    if name in Campaign.__struct_fields__ and name not in ("name",):
        if not scenario.campaigns:
            raise InputError(f"--axis {text}: the scenario has no campaign")
        paths = tuple(f"campaigns.{i}.{name}" for i in range(len(scenario.campaigns)))
    elif name in Scenario.__struct_fields__ or "." in name:
        paths = (name,)
    else:
        known = ", ".join(f for f in Campaign.__struct_fields__ if f != "name")
        raise InputError(f"--axis {text}: no dial is called {name}", remedy=f"dials of a campaign: {known}")
    axis = Axis(name, paths, _values(text, values))
    for value in axis.values:
        dials(scenario, axis.at(value))
    return axis


def _values(text: str, values: str) -> tuple[Any, ...]:
    if values.count(":") != 2:
        return tuple(yaml.safe_load(item) for item in values.split(","))
    first, last, step = values.split(":")
    try:
        low, high = (float(x) for x in (first, last))
        by = float(step.removeprefix("x"))
    except ValueError as exc:
        raise InputError(f"--axis {text}: a range is FIRST:LAST:STEP or FIRST:LAST:xFACTOR") from exc
    found: list[float] = []
    if step.startswith("x"):
        if by <= 0 or by == 1 or low <= 0 or high <= 0 or (by > 1) != (high >= low):
            raise InputError(f"--axis {text}: the factor does not lead from {first} to {last}")
        while len(found) < MOST_VALUES and (low <= high * 1.000001 if by > 1 else low >= high * 0.999999):
            found.append(low)
            low *= by
    else:
        if by == 0 or (by > 0) != (high >= low):
            raise InputError(f"--axis {text}: the step does not lead from {first} to {last}")
        found = [low + k * by for k in range(min(int((high - low) / by + 1e-9) + 1, MOST_VALUES))]
    tidy = [round(x, 9) for x in found]
    return tuple(int(x) if x.is_integer() else x for x in tidy)


def taken(name: str) -> tuple[str, ...]:
    """Columns that an ablation removes; ``only-NAME`` removes those of all others.

    >>> taken("client")
    ('tls_fingerprint', 'user_agent')
    """
    bare = name.removeprefix("only-")
    if bare not in ABLATIONS:
        raise InputError(f"--ablate {name}: unknown", remedy=f"all, or of {', '.join(ABLATIONS)}; only-NAME keeps one")
    if name == bare:
        return tuple(sorted(ABLATIONS[bare]))
    kept = ABLATIONS[bare]
    return tuple(sorted({c for other in ABLATIONS.values() for c in other if c not in kept}))


def points(
    scenario: Scenario,
    axes: Sequence[Axis],
    *,
    combine: Sequence[Combine] = (),
    ablate: Sequence[str] = (),
    cross: bool = False,
) -> list[Point]:
    """Every point of a sweep: one axis at a time, combinations, ablations; ``cross``: ablations along each axis too."""
    found = [Point("base", 0, "as the scenario has it", scenario, (), {})]
    for axis in axes:
        found += _along(scenario, axis, axis.name, ())
    if len(axes) > 1:
        for how in combine:
            found += _combined(scenario, axes, how)
    names = [
        n for name in ablate for n in ([*ABLATIONS, *(f"only-{a}" for a in ABLATIONS)] if name == "all" else [name])
    ]
    if names:
        found.append(Point("ablation", 0, "everything logged", scenario, (), {}))
    for position, name in enumerate(names, 1):
        words = f"only {name[5:]}" if name.startswith("only-") else f"without {name}"
        found.append(Point("ablation", position, words, scenario, taken(name), {}))
        if cross:
            for axis in axes:
                found += _along(scenario, axis, f"{axis.name} {words}", taken(name))
    return found


def _along(scenario: Scenario, axis: Axis, experiment: str, without: tuple[str, ...]) -> Iterator[Point]:
    for position, value in enumerate(axis.values):
        overrides = axis.at(value)
        label = str(value) if not isinstance(value, float) else f"{value:g}"
        yield Point(experiment, position, label, dials(scenario, overrides), without, {axis.name: value})


def _combined(scenario: Scenario, axes: Sequence[Axis], how: Combine) -> Iterator[Point]:
    choices: list[list[tuple[Axis, Any]]]
    if how == "pairs":
        choices = [[(a, a.values[-1]), (b, b.values[-1])] for a, b in combinations(axes, 2)]
        if len(axes) > 2:
            choices.append([(a, a.values[-1]) for a in axes])
    elif how == "ladder":
        steps = max(len(a.values) for a in axes)
        choices = [
            [(a, a.values[round(k * (len(a.values) - 1) / max(steps - 1, 1))]) for a in axes] for k in range(steps)
        ]
    else:
        choices = [list(zip(axes, values, strict=True)) for values in product(*(a.values for a in axes))]
    for position, choice in enumerate(choices):
        overrides = {path: v for axis, value in choice for path, v in axis.at(value).items()}
        label = ", ".join(f"{a.name} {v:g}" if isinstance(v, float) else f"{a.name} {v}" for a, v in choice)
        yield Point(how, position, label, dials(scenario, overrides), (), {a.name: v for a, v in choice})


def run_key(point: Point, seed: int, detector: str) -> str:
    """What a run is: world, columns, seed and detector. Runs with one key give one result and are done once."""
    content = [msgspec.to_builtins(point.scenario), sorted(point.without), seed, detector]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:24]
