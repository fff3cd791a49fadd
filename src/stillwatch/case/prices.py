"""A price table: what models cost at list price, by model glob."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import yaml

from stillwatch.domain.errors import InputError


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List price of a model, per million tokens. Output includes reasoning, input includes cached (OpenTelemetry)."""

    input_per_million: float
    output_per_million: float


class PriceTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prices by model glob, in one currency."""

    currency: str
    models: dict[str, Price]

    def price(self, model: str) -> Price | None:
        """The price of a model: its own entry, else the glob with the most letters of its own; None = unknown.

        >>> cheap, dear = (Price(input_per_million=p, output_per_million=p) for p in (1.0, 9.0))
        >>> PriceTable(currency="USD", models={"*": cheap, "atlas-*": dear}).price("atlas-large").input_per_million
        9.0
        """
        if model in self.models:
            return self.models[model]
        fitting = [glob for glob in self.models if fnmatchcase(model, glob)]
        return self.models[max(fitting, key=lambda g: (len(g) - g.count("*") - g.count("?"), g))] if fitting else None


def price_table(path: Path) -> PriceTable:
    """Read ``{currency: USD, models: {"glob": {input_per_million: 3, output_per_million: 15}}}``."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except OSError as exc:
        raise InputError("the price table cannot be opened", where=str(path)) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise InputError("the price table is not YAML", where=str(path)) from exc
    try:
        table = msgspec.convert(content, PriceTable)
    except msgspec.ValidationError as exc:
        raise InputError(
            f"the price table is not as expected: {exc}",
            where=str(path),
            remedy="currency, and models: glob → input_per_million and output_per_million",
        ) from exc
    for glob, price in table.models.items():
        if not all(math.isfinite(p) and p >= 0 for p in (price.input_per_million, price.output_per_million)):
            raise InputError(f"a price is negative or not a number: models, {glob!r}", where=str(path))
    return table
