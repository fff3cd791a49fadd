"""What a world contains, as a value: read from YAML, changed dial by dial."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from stillwatch.domain.errors import InputError

Dispatch = Literal["round_robin", "least_loaded", "sticky", "random"]


class Campaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dials of one campaign. ``tactics`` are ids of the catalogue; the first content tactic sets the task."""

    name: str
    tactics: tuple[str, ...] = ("T-COT",)
    accounts: int = 150
    requests_per_account_day: float = 20.0
    """Harvest requests; cover comes on top."""
    volume_dispersion: float = 0.5
    """Sigma of ln(volume) over accounts; ``round_robin`` and ``least_loaded`` then deal by weight."""
    cover: float = 0.0
    """Share of each account's traffic that is ordinary, 0…0.9."""
    paraphrase: float = 0.0
    """Share of exchanges whose instruction is composed anew."""
    dispatch: Dispatch = "round_robin"
    jitter: float = 0.2
    """Disorder of the dispatch in cycles (1 = a whole round of the pool)."""
    infrastructure: Literal["shared", "unique", "mixed"] = "shared"
    payment_sharing: int | None = None
    """Accounts per payment instrument; 1 = one each. Not set: 8, or 1 where the infrastructure is unique."""
    device_sharing: int | None = None
    """Accounts per device; not set: 5, or 1 where the infrastructure is unique."""
    client_uniformity: float = 1.0
    """Share of accounts on the campaign's own client and parameters; the others look like anybody."""
    ban_rate: float = 0.0
    """Share of active accounts banned per day; each is replaced within hours."""
    purge_day: float | None = None
    """Day on which every account is banned at once; replacements come with addresses, payments and devices of their
    own."""
    purge_pause: float = 0.5
    """Days from the purge until its replacements work."""
    slow_start: float = 0.0
    """Days over which the rate grows to its full value."""
    working_hours: bool = False
    job_modulation: float = 0.5
    """How strongly the common job queue switches the whole pool up and down, 0…1."""
    signup: Literal["burst", "spread", "aged"] = "burst"
    templates: int = 1
    drift: float = 0.0
    """Days after which templates are replaced; 0 = never."""
    channels: tuple[str, ...] = ("api",)
    languages: dict[str, float] = msgspec.field(default_factory=lambda: {"en": 1.0})
    start_day: float = 0.0
    end_day: float | None = None

    @property
    def per_payment(self) -> int:
        """Accounts per payment instrument."""
        usual = 1 if self.infrastructure == "unique" else 8
        return usual if self.payment_sharing is None else max(self.payment_sharing, 1)

    @property
    def per_device(self) -> int:
        """Accounts per device."""
        usual = 1 if self.infrastructure == "unique" else 5
        return usual if self.device_sharing is None else max(self.device_sharing, 1)

    def __post_init__(self) -> None:
        for name in ("cover", "paraphrase", "client_uniformity", "job_modulation"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} of campaign {self.name} is no share")
        if self.cover == 1 or self.accounts < 1 or self.requests_per_account_day <= 0:
            raise ValueError(f"campaign {self.name} has no account, no request, or nothing but cover")


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A world: how long, who is honest, who is not."""

    name: str
    days: float
    start: str = "2026-06-15T00:00:00"
    release_day: float | None = None
    """Day on which a new teacher model appears."""
    volume: float = 1.0
    """Factor on honest request rates."""
    size: float = 1.0
    """Factor on the accounts of every kind and campaign."""
    crowd: int = 0
    """Most accounts of a kind that are built together (0: all): a large world has many schools, tools and companies."""
    material: float = 0.0
    """Mean words of own material under each prompt."""
    languages: dict[str, float] = msgspec.field(
        default_factory=lambda: {"en": 0.5, "zh": 0.14, "ru": 0.07, "es": 0.1, "de": 0.07, "ja": 0.06, "fr": 0.06}
    )
    honest: dict[str, int] = {}
    """Accounts by kind."""
    campaigns: tuple[Campaign, ...] = ()

    def __post_init__(self) -> None:
        late = [c.name for c in self.campaigns if c.start_day >= self.days]
        if late:
            raise ValueError(f"campaign {late[0]} starts when the {self.days:g} days are over")


def shipped() -> list[str]:
    """Names of the scenarios in the package."""
    folder = resources.files("stillwatch.lab").joinpath("scenarios")
    return sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))


def load(name_or_path: str | Path) -> Scenario:
    """A shipped scenario by name, or a YAML file. Raises :class:`InputError` when there is none, or it is not one."""
    path = Path(name_or_path)
    if path.suffix == ".yaml" and path.exists():
        text = path.read_text("utf-8")
    elif str(name_or_path) in shipped():
        text = (
            resources.files("stillwatch.lab").joinpath("scenarios").joinpath(f"{name_or_path}.yaml").read_text("utf-8")
        )
    else:
        raise InputError(f"there is no scenario {name_or_path}", remedy=f"a YAML file, or of {', '.join(shipped())}")
    try:
        return msgspec.convert(yaml.safe_load(text), Scenario)
    except (yaml.YAMLError, msgspec.ValidationError) as exc:
        raise InputError(f"is not a scenario: {exc}", where=str(name_or_path)) from exc


def dials(scenario: Scenario, /, overrides: dict[str, Any] | None = None, **more: Any) -> Scenario:
    """The scenario with dials changed; keys are dotted paths (or, as keywords, ``campaigns__0__cover``).
    Raises :class:`InputError` for a dial that there is not and for a value that it cannot have.

    >>> s = Scenario(name="s", days=1, campaigns=(Campaign(name="c"),))
    >>> dials(s, {"campaigns.0.cover": 0.5}).campaigns[0].cover
    0.5
    """
    tree = msgspec.to_builtins(scenario)
    turned = {**(overrides or {}), **{k.replace("__", "."): v for k, v in more.items()}}
    for path, value in turned.items():
        *parents, leaf = path.split(".")
        node: Any = tree
        try:
            for parent in parents:
                node = node[int(parent)] if isinstance(node, list | tuple) else node[parent]
            if isinstance(node, list):
                node[int(leaf)] = value
            else:
                node[leaf] = value
        except (LookupError, TypeError, ValueError) as exc:
            raise InputError(f"a dial cannot be set: there is no {path[:80]}", remedy="see docs/lab.md") from exc
    try:
        return msgspec.convert(tree, Scenario, strict=False)
    except msgspec.ValidationError as exc:
        told = ", ".join(f"{path}={value}"[:80] for path, value in turned.items())
        raise InputError(f"a dial cannot be set: {told}: {exc}", remedy="see docs/lab.md") from exc
