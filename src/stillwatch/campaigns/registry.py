"""Campaigns and accounts as earlier scans left them: ids that last, members that stay known, numbers that add up.

No text: what a campaign's requests had in common is kept as marks (:mod:`signature`), examples by their ids only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.signature import Signature
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import ACCOUNT_VERDICTS, Campaign, Evidence, Impact, TacticFinding
from stillwatch.kernels.hashing import hash_strings
from stillwatch.kernels.sorted import among

B1 = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Example = TypeVar("Example", Evidence, TacticFinding)
ACCOUNTS, CAMPAIGNS = "accounts", "campaigns"
"""Names of what is kept with a state."""
REMEMBERED = pa.schema([*ACCOUNT_VERDICTS, pa.field("looks", pa.int32()), pa.field("times", pa.int32())])
"""An account with its verdict, the scans that saw it since it was first named, and how many of them named it."""


class KnownCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign of an earlier scan."""

    record: Campaign
    evidence: tuple[Evidence, ...]
    signature: Signature


class Taken(NamedTuple):
    """What some exchanges took."""

    models: dict[str, int]
    channels: dict[str, int]
    impact: Impact


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    campaigns: tuple[KnownCampaign, ...] = ()


class Registry(NamedTuple):
    """What is known of accounts (``REMEMBERED``, by account_id) and of campaigns (by id)."""

    accounts: pa.Table
    campaigns: tuple[KnownCampaign, ...]

    @classmethod
    def read(cls, accounts: bytes | None, campaigns: bytes | None) -> Registry:
        """What :meth:`blobs` gave; nothing known yet where there is none."""
        table = REMEMBERED.empty_table()
        document = _Document()
        try:
            if accounts is not None:
                table = pa.ipc.open_file(pa.py_buffer(accounts)).read_all()
            if campaigns is not None:
                document = msgspec.msgpack.decode(campaigns, type=_Document)
        except (pa.ArrowException, msgspec.DecodeError) as exc:
            raise InputError("the state's registry is of another version", remedy="begin a new state") from exc
        return cls(table, document.campaigns)

    def blobs(self) -> dict[str, bytes]:
        """All of it as bytes."""
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_file(sink, self.accounts.schema, options=options) as writer:
            writer.write_table(self.accounts.combine_chunks())
        return {
            ACCOUNTS: sink.getvalue().to_pybytes(),
            CAMPAIGNS: msgspec.msgpack.encode(_Document(campaigns=self.campaigns)),
        }

    def members(self) -> tuple[U64, npt.NDArray[np.int32]]:
        """Hashes of the accounts of campaigns, ascending, and the place of each one's campaign."""
        places = {known.record.id: place for place, known in enumerate(self.campaigns)}
        named = self.accounts.filter(pc.equal(self.accounts["disposition"], "campaign"))
        hashes = hash_strings(named["account_id"].combine_chunks())
        of = np.array([places.get(name, -1) for name in named["campaign_id"].to_pylist()], np.int32)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], of[order]

    def without(self, accounts: Iterable[str], before_us: int | None, keys: U64) -> Registry:
        """Some accounts forgotten, all that were last seen before a time, and exchanges (by their keys) where they were
        examples; campaigns stay known by their work."""
        keep = pc.invert(pc.is_in(self.accounts["account_id"], value_set=pa.array(list(accounts), pa.string())))
        if before_us is not None:
            limit = pa.scalar(before_us, pa.timestamp("us", tz="UTC"))
            keep = pc.and_(keep, pc.greater_equal(self.accounts["last_seen"], limit))
        kept = self.accounts.filter(keep)
        gone = np.sort(keys)
        campaigns = tuple(
            msgspec.structs.replace(
                known,
                record=msgspec.structs.replace(
                    counted(known.record, kept), tactics=tuple(_without_examples(t, gone) for t in known.record.tactics)
                ),
                evidence=tuple(_without_examples(e, gone) for e in known.evidence),
            )
            for known in self.campaigns
        )
        return Registry(kept, campaigns)


def _without_examples(finding: Example, gone: U64) -> Example:
    """A finding without those of its examples whose keys are gone (ascending)."""
    ids = finding.example_exchange_ids
    dropped = among(hash_strings(pa.array(ids, pa.string())), gone)
    return msgspec.structs.replace(
        finding, example_exchange_ids=tuple(i for i, d in zip(ids, dropped.tolist(), strict=True) if not d)
    )


def without_text(record: Campaign) -> Campaign:
    """A record as it may be kept: what shows words of requests is left out."""
    tactics = tuple(msgspec.structs.replace(t, redacted_examples=()) for t in record.tactics)
    return msgspec.structs.replace(record, templates=(), tactics=tactics)


def together(before: pa.Table, now: pa.Table, new: I64, fresh: I64) -> pa.Table:
    """Accounts of before (``REMEMBERED``) and of now (``ACCOUNT_VERDICTS``), by account_id.

    ``new`` and ``fresh`` are the exchanges, and those of campaigns, that no earlier scan has counted, per row of
    ``now``. The latest judgement stands, except that a member of a campaign stays one where a scan does not name
    it, as long as at least half of the scans that saw it since have: what a day gets wrong must not add up over a year.
    A licence, or an honest explanation of at least as much as it was named for, clears it at once.
    """
    at = places(before["account_id"], now["account_id"])
    was = at >= 0
    old = before.take(pa.array(np.maximum(at, 0))) if len(before) else None

    def past(name: str, missing: Any) -> npt.NDArray[Any]:
        if old is None:
            return np.full(len(now), missing)
        return np.where(was, _plain(old[name]), missing)

    first, last = _plain(now["first_seen"]), _plain(now["last_seen"])
    first = np.where(was, np.minimum(first, past("first_seen", 0)), first)
    last = np.where(was, np.maximum(last, past("last_seen", 0)), last)
    disposition = _plain(now["disposition"])
    named = disposition == "campaign"
    explained = np.array([d.startswith("lookalike") for d in disposition.tolist()], np.bool_)
    explained &= _plain(now["exchanges"]) >= past("harvest_exchanges", 0)
    looks, times = past("looks", 0), past("times", 0)
    looked = (new > 0) & (named | (looks > 0))
    looks = np.maximum(looks + looked, named)
    times = np.maximum(times + (looked & named), named)
    stays = (past("disposition", "clear") == "campaign") & ~named & (disposition != "licensed") & ~explained
    stays &= 2 * times >= looks
    kept = {name: np.where(stays, past(name, None), _plain(now[name])) for name in ("campaign_id", "score", "q_value")}
    moment = pa.timestamp("us", tz="UTC")
    merged = pa.table(
        {
            "account_id": now["account_id"],
            "campaign_id": pa.array(kept["campaign_id"].tolist(), pa.string()),
            "disposition": pa.array(np.where(stays, "campaign", disposition).tolist(), pa.string()),
            "score": pa.array(kept["score"].astype(np.float64)),
            "q_value": pa.array(kept["q_value"].astype(np.float64)),
            "exchanges": past("exchanges", 0) + new,
            "harvest_exchanges": past("harvest_exchanges", 0) + fresh,
            "first_seen": pa.array(first.astype(np.int64)).cast(moment),
            "last_seen": pa.array(last.astype(np.int64)).cast(moment),
            "looks": pa.array(looks.astype(np.int32)),
            "times": pa.array(times.astype(np.int32)),
        }
    ).cast(REMEMBERED)
    others = before.filter(pc.invert(pc.is_in(before["account_id"], value_set=now["account_id"].combine_chunks())))
    return pa.concat_tables([merged, others]).sort_by("account_id").combine_chunks()


def _plain(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """A column as an array; times as microseconds."""
    plain = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    out: npt.NDArray[Any] = plain.to_numpy(zero_copy_only=False)
    return out


def places(among: pa.ChunkedArray, wanted: pa.ChunkedArray | pa.Array) -> I64:
    """Where each of ``wanted`` stands; -1 for nowhere."""
    held = pa.concat_arrays(among.chunks) if among.num_chunks else pa.array([], pa.string())
    found = pc.fill_null(pc.index_in(wanted, value_set=held), -1)
    out: I64 = found.to_numpy().astype(np.int64)
    return out


def grown(record: Campaign, before: Campaign | None, fresh: Taken | None) -> Campaign:
    """A campaign of this scan with what earlier ones knew of it; ``fresh`` is what they have not counted."""
    if before is None or fresh is None:
        return msgspec.structs.replace(record, known_since=record.first_seen)
    return msgspec.structs.replace(
        record,
        known_since=before.known_since or before.first_seen,
        joined_later=before.joined_later,
        first_seen=min(before.first_seen, record.first_seen),
        last_seen=max(before.last_seen, record.last_seen),
        models=_sums(before.models, fresh.models),
        channels=_sums(before.channels, fresh.channels),
        capabilities={
            k: max(before.capabilities.get(k, 0), n) for k, n in {**before.capabilities, **record.capabilities}.items()
        },
        impact=Impact(
            input_tokens=before.impact.input_tokens + fresh.impact.input_tokens,
            output_tokens=before.impact.output_tokens + fresh.impact.output_tokens,
            reasoning_tokens=before.impact.reasoning_tokens + fresh.impact.reasoning_tokens,
        ),
    )


def _sums(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    out = {name: a.get(name, 0) + b.get(name, 0) for name in {**a, **b}}
    return dict(sorted(out.items(), key=lambda p: (-p[1], p[0])))


def members_of(accounts: pa.Table, campaign: str) -> pa.Table:
    """The accounts that a campaign has."""
    return accounts.filter(pc.equal(accounts["campaign_id"], campaign))


def counted(record: Campaign, accounts: pa.Table) -> Campaign:
    """The record with its members, their exchanges and those of the harvest as a table of accounts has them."""
    mine = members_of(accounts, record.id)
    return msgspec.structs.replace(
        record,
        accounts=mine.num_rows,
        exchanges=pc.sum(mine["exchanges"]).as_py() or 0,
        harvest_exchanges=pc.sum(mine["harvest_exchanges"]).as_py() or 0,
    )
