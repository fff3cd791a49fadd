"""Promises of the generator."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from stillwatch.domain.licence import LicenceFile
from stillwatch.domain.log import ACCOUNTS, EXCHANGES
from stillwatch.lab.generate import generate
from stillwatch.lab.honest import KINDS
from stillwatch.lab.pool import dispatch
from stillwatch.lab.scenario import Campaign, Scenario, dials, load, shipped
from tests.lab.conftest import SMALL


def joined(world: Path) -> pa.Table:
    return pq.read_table(world / "exchanges.parquet").join(pq.read_table(world / "truth.parquet"), "account_id")


def of(table: pa.Table, campaign: str) -> pa.Table:
    return table.filter(pc.equal(table["campaign"], campaign))


def test_tables_have_the_contract_schema(world: Path) -> None:
    assert pq.read_schema(world / "exchanges.parquet").equals(EXCHANGES)
    assert pq.read_schema(world / "accounts.parquet").equals(ACCOUNTS)


def test_rows_come_in_order_of_time(world: Path) -> None:
    ts = pq.read_table(world / "exchanges.parquet")["ts"].cast("int64").to_numpy()
    assert (ts[1:] >= ts[:-1]).all()


def test_the_same_seed_writes_the_same_bytes(world: Path, tmp_path: Path) -> None:
    generate(SMALL, 3, tmp_path)
    for name in ("exchanges.parquet", "accounts.parquet", "truth.parquet", "licences.yaml"):
        first, second = (hashlib.sha256((d / name).read_bytes()).digest() for d in (world, tmp_path))
        assert first == second, name


def test_another_seed_writes_another_world(world: Path, tmp_path: Path) -> None:
    generate(SMALL, 4, tmp_path)
    assert pq.read_table(tmp_path / "accounts.parquet") != pq.read_table(world / "accounts.parquet")


def test_every_kind_and_campaign_sends_traffic(world: Path) -> None:
    table = joined(world)
    assert {f"honest:{kind}" for kind in KINDS} <= set(pc.unique(table["role"]).to_pylist())
    assert {c.name for c in SMALL.campaigns} <= set(pc.unique(table["campaign"]).to_pylist())


def test_licences_are_readable_and_one_is_outgrown(world: Path) -> None:
    raw = yaml.safe_load((world / "licences.yaml").read_text())
    licences = msgspec.convert(raw, LicenceFile).licences
    table = pq.read_table(world / "exchanges.parquet")
    used = {x.id: pc.sum(pc.equal(table["org_id"], x.org_id)).as_py() for x in licences}
    assert sorted(used[x.id] > (x.max_exchanges or 0) for x in licences) == [False, True]


def test_harvest_items_are_partitioned(world: Path) -> None:
    prompts = of(joined(world), "slow").filter(pc.equal(of(joined(world), "slow")["status"], 200))["prompt"]
    assert len(pc.unique(prompts)) > 0.9 * len(prompts)


def test_benchmarks_repeat_one_finite_set(world: Path) -> None:
    table = joined(world)
    prompts = table.filter(pc.equal(table["role"], "honest:benchmarks"))["prompt"]
    assert len(pc.unique(prompts)) < 0.8 * len(prompts)


def test_a_banned_account_is_followed_by_a_new_one(world: Path) -> None:
    truth = pq.read_table(world / "truth.parquet")
    assert len(of(truth, "thoughts")) > 45


def test_replayed_references_cross_accounts_and_honest_ones_do_not(world: Path) -> None:
    table = joined(world)
    issued = table.select(["reasoning_ref_issued", "account_id"]).rename_columns(["reasoning_ref_presented", "issuer"])
    shown = table.filter(pc.is_valid(table["reasoning_ref_presented"])).join(issued, "reasoning_ref_presented")
    crossing = shown.filter(pc.not_equal(shown["account_id"], shown["issuer"]))
    assert set(pc.unique(crossing["campaign"]).to_pylist()) == {"thoughts"}
    assert len(crossing) < len(shown)


def test_failover_repeats_the_refused_request_on_another_account(world: Path) -> None:
    relay = of(joined(world), "relay")
    refused = relay.filter(pc.is_in(relay["status"], pa.array([403, 429], pa.int32())))
    again = (
        relay.filter(pc.equal(relay["status"], 200)).select(["prompt", "account_id"]).rename_columns(["prompt", "b"])
    )
    pairs = refused.join(again, "prompt", join_type="inner")
    assert pc.sum(pc.not_equal(pairs["account_id"], pairs["b"])).as_py() > 20


def test_sanitised_clients_have_no_user_agent(world: Path) -> None:
    assert of(joined(world), "relay")["user_agent"].null_count > 0


def test_channels_programme_and_search_leave_their_marks(world: Path) -> None:
    table = joined(world)
    assert len(pc.unique(of(table, "experts")["channel"])) >= 4
    thoughts = of(table, "thoughts")
    assert pc.sum(pc.equal(thoughts["refusal_category"], "reasoning_extraction")).as_py() > 300
    accounts = pq.read_table(world / "accounts.parquet").join(pq.read_table(world / "truth.parquet"), "account_id")
    assert of(accounts, "slow")["programme"].null_count == 0


def test_round_robin_returns_evenly_and_random_does_not() -> None:
    def short_returns(how: str) -> float:
        rng = np.random.default_rng(1)
        seat = dispatch(Campaign(name="c", accounts=50, dispatch=how, jitter=0.1, volume_dispersion=0.0), 5000, rng)  # type: ignore[arg-type]
        order = np.lexsort((np.arange(len(seat)), seat))
        same = seat[order][1:] == seat[order][:-1]
        return float((np.diff(order)[same] < 25).mean())

    assert short_returns("round_robin") < 0.02 < 0.3 < short_returns("random")
    assert short_returns("sticky") > 0.8


def test_left_out_columns_are_absent(tmp_path: Path) -> None:
    small = Scenario(name="s", days=1, honest={"chat": 60})
    generate(small, 1, tmp_path, without=["prompt", "system_prompt", "client_ip", "payment_fingerprint"])
    assert not {"prompt", "system_prompt", "client_ip"} & set(pq.read_schema(tmp_path / "exchanges.parquet").names)
    assert "payment_fingerprint" not in pq.read_schema(tmp_path / "accounts.parquet").names


def test_dials_reach_every_level() -> None:
    base = load("power-base")
    changed = dials(base, {"campaigns.0.cover": 0.9, "honest.chat": 5}, volume=0.1)
    assert (changed.campaigns[0].cover, changed.honest["chat"], changed.volume) == (0.9, 5, 0.1)


def test_changing_a_campaign_leaves_the_honest_alone(tmp_path: Path) -> None:
    base = Scenario(name="s", days=1, honest={"chat": 80, "tool": 40}, campaigns=(Campaign(name="c", accounts=30),))
    sizes = []
    for number, cover in enumerate((0.0, 0.5)):
        generate(dials(base, campaigns__0__cover=cover), 5, tmp_path / str(number))
        table = joined(tmp_path / str(number))
        honest = table.filter(pc.is_null(table["campaign"]))
        sizes.append((len(honest), sorted(honest["prompt"].to_pylist())))
    assert sizes[0] == sizes[1]


def test_shipped_scenarios_are_readable_and_a_campaign_is_short() -> None:
    assert {"demo", "honest", "power-base"} <= set(shipped())
    for name in shipped():
        assert load(name).name == name


def test_a_corpus_replaces_items(tmp_path: Path) -> None:
    for prefix, klass in (("A", "distill"), ("B", "ordinary")):
        rows = [f"{klass} prompt number {k}" for k in range(300)]
        table = pa.table({"prompt": rows, "klass": [klass] * 300, "lang": ["latin"] * 300})
        pq.write_table(table, tmp_path / f"{prefix}_x.parquet")
    scenario = Scenario(
        name="s", days=1, honest={"chat": 80}, campaigns=(Campaign(name="c", accounts=30, requests_per_account_day=5),)
    )
    generate(scenario, 1, tmp_path / "w", corpus=tmp_path)
    table = joined(tmp_path / "w")
    assert pc.all(pc.match_substring(of(table, "c")["prompt"], "distill prompt number")).as_py()
    assert pc.any(pc.match_substring(table["prompt"], "ordinary prompt number", ignore_case=True)).as_py()
