"""Write one labelled world: `python -m bench.agents.worlds DATA --out DIR --world NAME --seed N`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from bench.agents.catalogue import WORLDS, build
from bench.agents.clock import DAY
from bench.agents.world import World

_TEXT = (
    "org_id", "plan", "programme", "verification", "email_domain", "phone_fingerprint",
    "payment_fingerprint", "signup_ip", "device_fingerprint", "licence_id", "country",
)  # fmt: skip


def tables(world: World) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Exchanges, accounts and truth. Accounts are named and ordered by the world's dice, whoever they are."""
    rng = np.random.default_rng(world.dice.child("names").py.getrandbits(64))
    count = len(world.accounts)
    names = [f"acc_{value:014x}" for value in rng.permutation(rng.integers(0, 2**56, count)).tolist()]
    exchanges, senders = world.ledger.table(names, rng)
    order = [i for i in rng.permutation(count).tolist() if world.accounts[i].created_at < world.end]
    chosen = [world.accounts[i] for i in order]
    accounts: dict[str, Any] = {
        "account_id": [names[i] for i in order],
        "created_at": pa.array([a.created_at for a in chosen], pa.timestamp("us", tz="UTC")),
    }
    for name in _TEXT:
        accounts[name] = pa.array([getattr(a, name) for a in chosen], pa.string())
    truth = pa.table({
        "account_id": [names[i] for i in order],
        "role": [a.role for a in chosen],
        "campaign": pa.array([a.campaign for a in chosen], pa.string()),
        "language": [a.language for a in chosen],
        "vpn": [a.vpn for a in chosen],
        "new": [a.created_at > world.start - 3 * DAY for a in chosen],
    })  # fmt: skip
    seen = pa.array(np.isin(np.array(order), senders))
    return exchanges, pa.table(accounts), truth.filter(seen)


def write(world: World, out: Path, without: list[str]) -> tuple[int, int, int]:
    """Write the four files; returns exchanges, accounts with traffic, hostile accounts."""
    out.mkdir(parents=True, exist_ok=True)
    exchanges, accounts, truth = tables(world)
    kept = [name for name in exchanges.column_names if name not in without]
    pq.write_table(exchanges.select(kept), out / "exchanges.parquet", compression="zstd")
    kept = [name for name in accounts.column_names if name not in without]
    pq.write_table(accounts.select(kept), out / "accounts.parquet", compression="zstd")
    pq.write_table(truth, out / "truth.parquet", compression="zstd")
    (out / "licences.yaml").write_text(yaml.safe_dump({"licences": world.licences}, sort_keys=False), encoding="utf-8")
    hostile = sum(role == "hostile" for role in truth["role"].to_pylist())
    return exchanges.num_rows, truth.num_rows, hostile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the public texts")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--world", choices=sorted(WORLDS), required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the number of people and accounts")
    parser.add_argument("--without", default="", help="columns to leave out, separated by commas")
    given = parser.parse_args()
    world = build(given.world, given.seed, given.data, given.scale)
    rows, seen, hostile = write(world, given.out, [name for name in given.without.split(",") if name])
    print(f"{given.world} seed {given.seed}: {rows} exchanges, {seen} accounts, {hostile} hostile")


if __name__ == "__main__":
    main()
