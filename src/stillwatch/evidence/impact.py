"""What was taken, as intervals: what the evidence shows at least, and what the members can have had at most.

At least: exchanges of the campaign's own sub-streams, less every failed or refused exchange of its members (which of
them lie in the sub-streams is not kept), less all that the busiest 5 % of the members took: an allowance for members
who are there by mistake. At most: every answered exchange of every member, cover traffic included.
These are bounds from counting; they are not confidence intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from stillwatch.case import PriceTable
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Campaign
from stillwatch.signals.tactics import catalogue

TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens")
MISTAKEN = 0.05
"""Share of the members, the busiest first, that the lower bounds do without: a convention, not a measured error."""
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Range(msgspec.Struct, frozen=True, array_like=True):
    """At least, at most."""

    low: float
    high: float


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken with one tactic, or of one capability."""

    id: str
    name: str
    exchanges: Range
    output_tokens: Range | None


class Market(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a comparable training set costs, by the user's own figures: low and high, per exchange or per token."""

    currency: str
    source: str
    per_exchange: tuple[float, float] | None = None
    per_million_output_tokens: tuple[float, float] | None = None


class ImpactRange(msgspec.Struct, frozen=True, kw_only=True):
    """The impact of one campaign; None = unknown."""

    campaign_id: str
    exchanges: Range
    tokens: dict[str, Range | None]
    by_tactic: tuple[Part, ...]
    by_capability: tuple[Part, ...]
    list_price: Range | None
    currency: str | None
    models_without_price: tuple[str, ...]
    detected_at: str | None
    before_detection: Range | None
    """Share of the campaign's own exchanges, 0…1."""
    market_cost: Range | None
    market_currency: str | None
    market_source: str | None


def read_market(path: Path) -> Market:
    """Read ``{currency: USD, source: "…", per_exchange: [0.02, 0.3]}``; :class:`InputError` where it is otherwise."""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Market)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InputError("the market figures cannot be read as YAML", where=str(path)) from exc
    except msgspec.ValidationError as exc:
        raise InputError(
            f"the market figures are not as expected: {exc}",
            where=str(path),
            remedy="currency, source, and per_exchange or per_million_output_tokens: [low, high]",
        ) from exc
    pairs = [p for p in (found.per_exchange, found.per_million_output_tokens) if p is not None]
    if not pairs or any(not (math.isfinite(b) and 0 <= a <= b) for a, b in pairs):
        raise InputError("a pair of market figures is missing, negative or not low to high", where=str(path))
    return found


def impact(
    group: Campaign,
    rows: pa.Table,
    *,
    prices: PriceTable | None = None,
    market: Market | None = None,
    detected_at: datetime | None = None,
) -> ImpactRange:
    """The impact of one campaign from the rows of its members (SEALED_EXCHANGES)."""
    failed = _failed(rows)
    answered = (~failed).astype(np.float64)
    who = _members(rows)
    exchanges = _range(group.harvest_exchanges - failed.sum() - _busiest(answered, who), answered.sum())
    marked = group.impact
    tokens: dict[str, Range | None] = {}
    for name, seen in zip(TOKENS, (marked.input_tokens, marked.output_tokens, marked.reasoning_tokens), strict=True):
        counts = _numbers(rows, name)
        if counts is None:
            tokens[name] = None
        else:
            got = counts * answered
            tokens[name] = _range(seen - counts[failed].sum() - _busiest(got, who), got.sum())
    by_tactic, by_capability = _parts(group, rows, failed, who, exchanges, tokens["output_tokens"])
    list_price, missing = _list_price(rows, failed, tokens, prices)
    return ImpactRange(
        campaign_id=group.id,
        exchanges=exchanges,
        tokens=tokens,
        by_tactic=by_tactic,
        by_capability=by_capability,
        list_price=list_price,
        currency=prices.currency if prices else None,
        models_without_price=missing,
        detected_at=None if detected_at is None else detected_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        before_detection=None if detected_at is None else share_before(group, detected_at),
        market_cost=_market_cost(exchanges, tokens["output_tokens"], market),
        market_currency=market.currency if market else None,
        market_source=market.source if market else None,
    )


def _range(low: float, high: float) -> Range:
    """Never below nothing, never upside down."""
    least = max(float(low), 0.0)
    return Range(least, max(least, float(high)))


def _members(rows: pa.Table) -> npt.NDArray[np.int64]:
    """The member of each row, as a number from 0."""
    coded = pc.dictionary_encode(rows["account_id"].combine_chunks())
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    out: npt.NDArray[np.int64] = coded.indices.to_numpy().astype(np.int64)
    return out


def _busiest(amounts: F64, who: npt.NDArray[np.int64]) -> float:
    """What the busiest members (MISTAKEN, at least one) account for."""
    per = np.sort(np.bincount(who, amounts))[::-1]
    return float(per[: math.ceil(MISTAKEN * len(per))].sum())


def _failed(rows: pa.Table) -> Bools:
    status = pc.fill_null(rows["status"], 200).to_numpy()
    refused = pc.fill_null(rows["refusal"], False).to_numpy()
    out: Bools = (status >= 400) | refused
    return out


def _numbers(rows: pa.Table, name: str) -> F64 | None:
    """A column of counts, unknown ones as 0; None where all are unknown."""
    if rows[name].null_count == rows.num_rows:
        return None
    out: F64 = pc.fill_null(rows[name], 0).to_numpy().astype(np.float64)
    return out


def _parts(
    group: Campaign,
    rows: pa.Table,
    failed: Bools,
    who: npt.NDArray[np.int64],
    exchanges: Range,
    output: Range | None,
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Only tactics that a request shows by itself; at most, all of the campaign belongs to each of them."""
    bits = rows["tactics"].to_numpy()
    written = _numbers(rows, "output_tokens")
    found = {t.id: t for t in group.tactics}
    tactics: list[Part] = []
    capabilities: dict[str, Part] = {}
    for i, tactic in enumerate(catalogue()):
        shows = (bits >> np.uint32(i) & np.uint32(1)).astype(bool)
        if tactic.id not in found or not shows.any():
            continue
        got = shows & ~failed
        sure = found[tactic.id].exchanges - int((shows & failed).sum())
        low = max(min(sure, int(got.sum())) - int(_busiest(got.astype(np.float64), who)), 0)
        fewest = 0.0 if written is None else float(np.sort(written[got])[:low].sum())
        part = Part(
            id=tactic.id,
            name=tactic.name,
            exchanges=_range(low, exchanges.high),
            output_tokens=None if output is None else _range(fewest, output.high),
        )
        tactics.append(part)
        known = capabilities.get(tactic.capability)
        if tactic.capability and (known is None or known.exchanges.low < low):
            capabilities[tactic.capability] = msgspec.structs.replace(
                part, id=tactic.capability, name=tactic.capability
            )
    return tuple(tactics), tuple(capabilities[name] for name in sorted(capabilities))


def _list_price(
    rows: pa.Table, failed: Bools, tokens: dict[str, Range | None], prices: PriceTable | None
) -> tuple[Range | None, tuple[str, ...]]:
    """At most: each answered exchange at its model's price. At least: the fewest tokens at the cheapest model's."""
    read, written = _numbers(rows, "input_tokens"), _numbers(rows, "output_tokens")
    least_read, least_written = tokens["input_tokens"], tokens["output_tokens"]
    if prices is None or read is None or written is None or least_read is None or least_written is None:
        return None, ()
    models = rows["model"].to_pylist()
    known = {m: None if m is None else prices.price(m) for m in set(models)}
    missing = tuple(sorted("unknown" if m is None else m for m, price in known.items() if price is None))
    found = [price for price in known.values() if price is not None]
    if missing or not found:
        return None, missing
    per = {m: (p.input_per_million / 1e6, p.output_per_million / 1e6) for m, p in known.items() if p is not None}
    rate = np.array([per[m] for m in models])
    high = float((read * rate[:, 0] + written * rate[:, 1])[~failed].sum())
    low = least_read.low * min(p.input_per_million for p in found) / 1e6
    low += least_written.low * min(p.output_per_million for p in found) / 1e6
    return _range(round(low, 2), round(high, 2)), ()


def _market_cost(exchanges: Range, output: Range | None, market: Market | None) -> Range | None:
    """The user's low figure for the least, the high one for the most; over both bases where both are given."""
    if market is None:
        return None
    bounds: list[tuple[float, float]] = []
    if market.per_exchange is not None:
        low, high = market.per_exchange
        bounds.append((exchanges.low * low, exchanges.high * high))
    if market.per_million_output_tokens is not None and output is not None:
        low, high = market.per_million_output_tokens
        bounds.append((output.low / 1e6 * low, output.high / 1e6 * high))
    if not bounds:
        return None
    return _range(round(min(b[0] for b in bounds), 2), round(max(b[1] for b in bounds), 2))


def share_before(group: Campaign, moment: datetime) -> Range | None:
    """Share of the campaign's own exchanges before a moment; the width is one bar of the case's volume series."""
    charts = group.charts
    total = sum(charts.volume_campaign)
    if not total or charts.bucket_us <= 0:
        return None
    at = int(moment.timestamp() * 1e6)
    ends = [charts.bucket_start_us + (i + 1) * charts.bucket_us for i in range(len(charts.volume_campaign))]
    surely = sum(n for n, end in zip(charts.volume_campaign, ends, strict=True) if end <= at)
    perhaps = sum(n for n, end in zip(charts.volume_campaign, ends, strict=True) if end - charts.bucket_us < at)
    return Range(surely / total, perhaps / total)


def as_json(impacts: Sequence[ImpactRange]) -> dict[str, Any]:
    """``impact.json``: every interval is ``[low, high]``."""
    found: list[Any] = msgspec.to_builtins(list(impacts))
    return {"meaning": " ".join((__doc__ or "").split()), "campaigns": found}
