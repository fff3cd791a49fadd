"""From scenario and seed to the contract's log."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from msgspec.structs import replace

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import ACCOUNTS, EXCHANGES, TIMESTAMP
from stillwatch.lab import harvest, network
from stillwatch.lab.clock import Ints
from stillwatch.lab.honest import KINDS
from stillwatch.lab.log import CHUNK_ROWS, Log
from stillwatch.lab.scenario import Scenario
from stillwatch.lab.text.corpus import read_corpus
from stillwatch.lab.text.grammar import swapped_in
from stillwatch.lab.world import MODELS, TRUTH, World

FINISH = ["stop", "length", "tool_calls", "content_filter"]
EFFORT = ["low", "medium", "high"]
CODED = (
    "org_id", "api_key_id", "end_user_id", "channel", "model", "system_prompt", "user_agent", "tls_fingerprint",
    "tool_schema_hash", "refusal_category", "finish_reason", "reasoning_effort", "response_format",
)  # fmt: skip
PLAIN = ("message_count", "input_tokens", "output_tokens", "cached_input_tokens", "tools_count", "status")


def generate(
    scenario: Scenario, seed: int, out: Path, *, without: Iterable[str] = (), corpus: Path | None = None
) -> dict[str, int]:
    """Write exchanges, accounts, licences and truth of one world to ``out``; returns counts."""
    out.mkdir(parents=True, exist_ok=True)
    with swapped_in(read_corpus(corpus) if corpus else None), Log(out) as log:
        return write(build(scenario, seed, log), out, frozenset(without))


def build(scenario: Scenario, seed: int, log: Log) -> World:
    """The world, its exchanges in ``log``. Every kind and campaign has its own random stream: changing one leaves the
    others alone."""
    world = World(scenario, np.random.default_rng([seed, 0]), log)
    for kind, most in scenario.honest.items():
        if kind not in KINDS:
            raise InputError(f"unknown honest kind {kind!r}", remedy=f"one of {', '.join(KINDS)}")
        world.rng = np.random.default_rng([seed, 1, *kind.encode()])
        left = round(most * scenario.size)
        while left > 0:
            accounts = min(left, scenario.crowd or left)
            KINDS[kind](world, accounts)
            left -= accounts
            world.settle()
    for number, campaign in enumerate(scenario.campaigns):
        world.rng = np.random.default_rng([seed, 2, number])
        harvest.run(world, replace(campaign, accounts=max(1, round(campaign.accounts * scenario.size))))
        world.settle()
    if not world.log.rows:
        raise InputError("a world without exchanges", where=scenario.name, remedy="more accounts, or more days")
    return world


def write(world: World, out: Path, without: frozenset[str]) -> dict[str, int]:
    """Put the exchanges in order of time, resolve codes, write the four files."""
    rng = np.random.default_rng([7, world.size])
    accounts = pa.concat_tables(world.enrolled)
    stock = {name: pa.array(coder.values or [""], pa.string()) for name, coder in world.coders.items()}
    stock |= {"account_id": accounts["account_id"].combine_chunks(), "model": pa.array(MODELS)}
    stock |= {"user_agent": pa.array(network.CLIENTS), "finish_reason": pa.array(FINISH)}
    stock |= {"reasoning_effort": pa.array(EFFORT), "response_format": pa.array(["json_object"])}
    schema = pa.schema([f for f in EXCHANGES if f.name not in without])
    with pq.ParquetWriter(out / "exchanges.parquet", schema, compression="zstd", compression_level=1) as writer:
        for chunk in world.log.chunks(rng):
            arrays = _batch(world.start, chunk, stock, rng)
            known = {f.name: arrays.get(f.name, pa.nulls(chunk.num_rows, f.type)).cast(f.type) for f in schema}
            writer.write_table(pa.table(known, schema=schema), row_group_size=CHUNK_ROWS)
    hostile = _tables(accounts, out, without)
    (out / "licences.yaml").write_text(yaml.safe_dump({"licences": world.licences}, sort_keys=False), "utf-8")
    return {"exchanges": world.log.rows, "accounts": world.size, "hostile_accounts": hostile}


def _batch(start: int, chunk: pa.Table, stock: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A chunk's columns in the contract's terms."""
    c = {name: chunk[name].combine_chunks() for name in chunk.column_names}

    def coded(column: str, key: str | None = None) -> Any:
        return (
            stock[column].take(_known(c[key or column])) if column in stock else pa.nulls(chunk.num_rows, pa.string())
        )

    ip = c["ip"].to_numpy()
    seen, code = np.unique(ip, return_inverse=True)
    result = {
        "ts": pc.add(c["ts"], start).cast(TIMESTAMP),
        "account_id": coded("account_id", "acct"),
        "exchange_id": pa.array([f"x_{v:016x}" for v in rng.integers(0, 2**62, chunk.num_rows).tolist()]),
        "session_id": _opaque("s_", c["session"].to_numpy()),
        "client_ip": pa.array(network.dotted(seen)).take(pa.array(code)),
        "asn": pa.array(network.asn_of(ip)),
        "refusal": pc.greater(c["refusal"], 0),
        "stream": pc.greater(c["stream"], 0),
        "reasoning_ref_issued": _opaque("rr_", c["issued"].to_numpy()),
        "reasoning_ref_presented": _opaque("rr_", c["presented"].to_numpy()),
        "prompt": pc.utf8_rtrim_whitespace(c["prompt"]),
        "response": pc.utf8_rtrim_whitespace(c["response"]),
    }
    result |= {name: coded(name) for name in CODED}
    result |= {name: c[name] for name in PLAIN}
    result |= {name: _known(c[name]) for name in ("reasoning_tokens", "max_output_tokens")}
    result |= {name: pc.if_else(pc.is_nan(c[name]), None, c[name]) for name in ("temperature", "top_p")}
    return result


def _known(codes: Any) -> Any:
    """Negative numbers to null."""
    return pc.if_else(pc.less(codes, 0), None, codes)


def _opaque(prefix: str, numbers: Ints) -> Any:
    """An opaque reference per number; -1 to null."""
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return pa.array(
        [None if r < 0 else f"{prefix}{m:016x}" for r, m in zip(numbers.tolist(), mixed.tolist(), strict=True)],
        pa.string(),
    )


def _tables(accounts: pa.Table, out: Path, without: frozenset[str]) -> int:
    ordered = accounts.sort_by("account_id")
    kept = [name for name in ACCOUNTS.names if name not in without]
    pq.write_table(ordered.select(kept), out / "accounts.parquet", compression="zstd")
    truth = ordered.select(TRUTH.names)
    pq.write_table(truth, out / "truth.parquet", compression="zstd")
    return int(pc.sum(pc.equal(truth["role"], "hostile")).as_py() or 0)
