"""From scenario and seed to the contract's log."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from msgspec.structs import replace

from stillwatch.domain.log import ACCOUNTS, EXCHANGES, TIMESTAMP
from stillwatch.lab import harvest, network
from stillwatch.lab.clock import Ints
from stillwatch.lab.honest import KINDS
from stillwatch.lab.scenario import Scenario
from stillwatch.lab.slices import Slices
from stillwatch.lab.text.corpus import read_corpus
from stillwatch.lab.text.grammar import swapped_in
from stillwatch.lab.world import MODELS, World

ROW_GROUP = 65_536
FINISH = ["stop", "length", "tool_calls", "content_filter"]
EFFORT = ["low", "medium", "high"]
TRUTH = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("campaign", pa.string()),
        pa.field("language", pa.string()),
        pa.field("vpn", pa.bool_()),
        pa.field("new", pa.bool_()),
    ]
)


def generate(
    scenario: Scenario, seed: int, out: Path, *, without: Iterable[str] = (), corpus: Path | None = None
) -> dict[str, int]:
    """Write exchanges, accounts, licences and truth of one world to ``out``; returns counts."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".slices-") as folder:
        slices = Slices(Path(folder), scenario.slice_hours) if scenario.slice_hours else None
        with swapped_in(read_corpus(corpus) if corpus else None):
            world = build(scenario, seed, slices)
        return write(world, out, frozenset(without), slices)


def build(scenario: Scenario, seed: int, slices: Slices | None = None) -> World:
    """The world in memory, or its exchanges in ``slices``.

    Every kind and campaign has its own random stream: changing one leaves the others alone."""
    world = World(scenario, np.random.default_rng([seed, 0]))

    def settle() -> None:
        if slices is not None:
            for block in world.blocks:
                slices.add(block)
            world.blocks.clear()

    for kind, most in scenario.honest.items():
        if kind not in KINDS:
            raise ValueError(f"unknown honest kind {kind!r}; known: {', '.join(KINDS)}")
        world.rng = np.random.default_rng([seed, 1, *kind.encode()])
        left = round(most * scenario.size)
        while left > 0:
            accounts = min(left, scenario.crowd or left)
            KINDS[kind](world, accounts)
            left -= accounts
            settle()
    for number, campaign in enumerate(scenario.campaigns):
        world.rng = np.random.default_rng([seed, 2, number])
        harvest.run(world, replace(campaign, accounts=max(1, round(campaign.accounts * scenario.size))))
        settle()
    return world


def _plain(codes: Ints, values: list[str]) -> Any:
    """Codes to text, -1 to null."""
    index = pa.array(np.where(codes < 0, 0, codes), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(index.cast(pa.int32()), pa.array(values or [""], pa.string())).cast(
        pa.string()
    )


def _nullable(values: Any, kind: pa.DataType, missing: Any) -> Any:
    return pa.array(values, mask=missing).cast(kind)


def write(world: World, out: Path, without: frozenset[str], slices: Slices | None = None) -> dict[str, int]:
    """Sort by time, resolve codes, write the log (one file, or one per slice) and the three tables beside it."""
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([7, world.size])
    ids = [a for block in world.accounts for a in block["account_id"]]
    exchanges = 0
    if slices is None:
        exchanges = _exchanges(world, world.blocks, out / "exchanges.parquet", without, rng, ids, 0)
    else:
        for number in range(len(slices)):
            if blocks := slices.take(number):
                path = out / f"exchanges-{number:03d}.parquet"
                exchanges += _exchanges(world, blocks, path, without, rng, ids, exchanges)
    hostile = _tables(world, out, without)
    (out / "licences.yaml").write_text(yaml.safe_dump({"licences": world.licences}, sort_keys=False), "utf-8")
    return {"exchanges": exchanges, "accounts": world.size, "hostile_accounts": hostile}


def _exchanges(
    world: World,
    blocks: list[dict[str, Any]],
    path: Path,
    without: frozenset[str],
    rng: np.random.Generator,
    ids: list[str],
    before: int,
) -> int:
    """One file of the log; ``before`` exchanges were written to others. Returns how many it has."""
    offsets = np.cumsum([0, *(len(b["ts"]) for b in blocks)])
    columns: dict[str, Any] = {}
    for name in blocks[0]:
        parts = [b[name] for b in blocks] if name != "replay" else []
        if parts:
            columns[name] = np.concatenate(parts) if isinstance(parts[0], np.ndarray) else pa.chunked_array(parts)
    replay = np.full(int(offsets[-1]), -1)
    for block, at in zip(blocks, offsets, strict=False):
        if "replay" in block:
            replay[at : at + len(block["ts"])] = block["replay"]
    order = np.lexsort((rng.random(len(columns["ts"])), columns["ts"]))
    columns = {k: v[order] if isinstance(v, np.ndarray) else v for k, v in columns.items()}
    columns["replay"] = replay[order]
    columns["exchange"] = rng.integers(0, 2**62, len(order))
    columns["ip_text"], columns["ip_code"] = _addresses(columns["ip"])
    _references(columns, rng, before)
    text = {
        k: pc.utf8_rtrim_whitespace(v.combine_chunks().take(pa.array(order))) if k not in without else None
        for k, v in columns.items()
        if k in ("prompt", "response")
    }
    schema = pa.schema([f for f in EXCHANGES if f.name not in without])
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for low in range(0, len(order), ROW_GROUP):
            part = slice(low, low + ROW_GROUP)
            chunk = {k: v[part] for k, v in columns.items() if isinstance(v, np.ndarray)}
            arrays = _batch(
                world, chunk, {k: v[part] for k, v in text.items() if v is not None}, columns["ip_text"], ids, low
            )
            writer.write_table(
                pa.table(
                    {f.name: arrays.get(f.name, pa.nulls(len(chunk["ts"]), f.type)).cast(f.type) for f in schema},
                    schema=schema,
                ),
                row_group_size=ROW_GROUP,
            )
    return len(order)


def _addresses(ip: Ints) -> tuple[list[str], Ints]:
    unique, codes = np.unique(ip, return_inverse=True)
    return network.dotted(unique), codes


def _references(columns: dict[str, Any], rng: np.random.Generator, before: int) -> None:
    """Opaque reasoning references: presented by the next turn of the session that got them, or replayed elsewhere.

    They are numbered from ``before`` on, and none outlives its file."""
    n = len(columns["ts"])
    issued = columns["issued"] > 0
    presented = np.full(n, -1)
    rows = np.flatnonzero(columns["chain"] >= 0)
    rows = rows[np.lexsort((columns["ts"][rows], columns["chain"][rows]))]
    follows = np.flatnonzero(columns["chain"][rows[1:]] == columns["chain"][rows[:-1]])
    has = issued[rows[follows]]
    presented[rows[follows + 1][has]] = rows[follows][has]
    for group in np.unique(columns["replay"][columns["replay"] >= 0]):
        mine = np.flatnonzero((columns["replay"] == group) & issued)
        lag = np.minimum(rng.integers(1, 40, len(mine)), np.arange(len(mine)))
        source = mine[np.arange(len(mine)) - lag]
        presented[mine] = np.where(lag > 0, source, -1)
    columns["presented"] = np.where(presented >= 0, presented + before, -1)
    columns["issued_row"] = np.where(issued, np.arange(before, before + n), -1)


def _opaque(prefix: str, rows: Ints) -> Any:
    """An opaque reference per row number; -1 to null."""
    mixed = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return pa.array(
        [None if r < 0 else f"{prefix}{m:016x}" for r, m in zip(rows.tolist(), mixed.tolist(), strict=True)],
        pa.string(),
    )


def _batch(
    world: World, c: dict[str, Any], text: dict[str, Any], addresses: list[str], ids: list[str], low: int
) -> dict[str, Any]:
    def coded(column: str, key: str | None = None) -> Any:
        return _plain(c[key or column], world.coder(column).values)

    n = len(c["ts"])
    result = {
        "ts": pa.array(c["ts"] + world.start).cast(TIMESTAMP),
        "account_id": _plain(c["acct"], ids),
        "exchange_id": pa.array([f"x_{v:016x}" for v in c["exchange"].tolist()]),
        "org_id": coded("org_id"),
        "api_key_id": coded("api_key_id"),
        "end_user_id": coded("end_user_id"),
        "session_id": _opaque("s_", c["session"]),
        "channel": coded("channel"),
        "model": _plain(c["model"], list(MODELS)),
        "system_prompt": coded("system_prompt"),
        "user_agent": _plain(c["user_agent"], network.CLIENTS),
        "tls_fingerprint": coded("tls_fingerprint"),
        "client_ip": _plain(c["ip_code"], addresses),
        "asn": pa.array(network.asn_of(c["ip"])),
        "message_count": pa.array(c["message_count"]),
        "tool_schema_hash": coded("tool_schema_hash"),
        "refusal": pa.array(c["refusal"] > 0),
        "refusal_category": coded("refusal_category"),
        "finish_reason": _plain(c["finish_reason"], FINISH),
        "reasoning_effort": _plain(c["reasoning_effort"], EFFORT),
        "response_format": _plain(c["response_format"], ["json_object"]),
        "stream": pa.array(c["stream"] > 0),
        "status": pa.array(c["status"]),
        "reasoning_ref_issued": _opaque("rr_", c["issued_row"]),
        "reasoning_ref_presented": _opaque("rr_", c["presented"]),
    }
    for name in ("input_tokens", "output_tokens", "cached_input_tokens", "tools_count"):
        result[name] = pa.array(c[name])
    for name in ("reasoning_tokens", "max_output_tokens"):
        result[name] = _nullable(c[name], pa.int64(), c[name] < 0)
    for name in ("temperature", "top_p"):
        result[name] = _nullable(c[name], pa.float64(), np.isnan(c[name]))
    assert n == len(result["account_id"])
    return result | text


def _tables(world: World, out: Path, without: frozenset[str]) -> int:
    merged = {name: [x for block in world.accounts for x in block[name]] for name in world.accounts[0]}
    order = np.argsort(np.array(merged["account_id"]))
    table = pa.table({f.name: pa.array(merged[f.name]).cast(f.type) for f in ACCOUNTS}, schema=ACCOUNTS).take(
        pa.array(order)
    )
    pq.write_table(
        table.drop_columns([c for c in without if c in table.column_names]),
        out / "accounts.parquet",
        compression="zstd",
    )
    truth = pa.table({f.name: pa.array(merged[f.name], f.type) for f in TRUTH}, schema=TRUTH).take(pa.array(order))
    pq.write_table(truth, out / "truth.parquet", compression="zstd")
    return int(pc.sum(pc.equal(truth["role"], "hostile")).as_py() or 0)
