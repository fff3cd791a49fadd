"""What was taken: at least and at most, never one figure; what is not known is said, not guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from stillwatch.case import Price, PriceTable
from stillwatch.cli import app
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Campaign, Impact
from stillwatch.evidence.gather import SEALED_EXCHANGES
from stillwatch.evidence.impact import Market, Range, impact, read_market, share_before
from stillwatch.evidence.seal import SealedBag
from stillwatch.signals.tactics import bit
from tests.report.example import example

MEMBERS = 20
PRICES = PriceTable(
    currency="USD",
    models={
        "cheap": Price(input_per_million=1.0, output_per_million=2.0),
        "dear": Price(input_per_million=10.0, output_per_million=20.0),
    },
)


def rows(each: int = 10) -> pa.Table:
    """Twenty members with ten exchanges each: 100 tokens in, 200 out; the last of each is refused."""
    n = MEMBERS * each
    columns: dict[str, pa.Array] = {f.name: pa.nulls(n, f.type) for f in SEALED_EXCHANGES}
    columns["ts"] = pa.array(range(n), SEALED_EXCHANGES.field("ts").type)
    columns["account_id"] = pa.array([f"a{i // each:02d}" for i in range(n)])
    columns["model"] = pa.array(["cheap" if i % 2 else "dear" for i in range(n)])
    columns["refusal"] = pa.array([i % each == each - 1 for i in range(n)])
    columns["input_tokens"] = pa.array([100] * n, pa.int64())
    columns["output_tokens"] = pa.array([200] * n, pa.int64())
    columns["tactics"] = pa.array([1 << bit("T-COT") if i % each < 5 else 0 for i in range(n)], pa.uint32())
    columns["network"] = pa.array([0] * n, pa.uint64())
    return pa.table(columns, schema=SEALED_EXCHANGES)


@pytest.fixture
def group() -> Campaign:
    """A campaign whose own work is 150 of the 200 exchanges."""
    made = example().campaigns[0]
    cot = msgspec.structs.replace(made.tactics[0], id="T-COT", exchanges=100)
    return msgspec.structs.replace(
        made,
        harvest_exchanges=150,
        tactics=(cot,),
        impact=Impact(input_tokens=15_000, output_tokens=30_000, reasoning_tokens=0),
    )


def test_the_bounds_are_those_of_the_definition(group: Campaign) -> None:
    found = impact(group, rows(), prices=PRICES)
    assert found.exchanges == Range(150 - 20 - 9, 180)
    assert found.tokens["input_tokens"] == Range(15_000 - 2_000 - 900, 18_000)
    assert found.tokens["output_tokens"] == Range(30_000 - 4_000 - 1_800, 36_000)
    assert found.tokens["reasoning_tokens"] is None
    assert [(p.id, p.exchanges) for p in found.by_tactic] == [("T-COT", Range(95, 180))]
    assert found.by_tactic[0].output_tokens == Range(95 * 200, 36_000)
    assert [p.exchanges for p in found.by_capability] == [Range(95, 180)]
    low = (12_100 * 1.0 + 24_200 * 2.0) / 1e6
    high = (100 * 100 + 200 * 100 * 2) * 10 / 1e6 + (100 * 80 + 200 * 80 * 2) / 1e6
    assert found.list_price == Range(round(low, 2), round(high, 2))


def test_a_model_without_price_makes_the_value_unknown(group: Campaign) -> None:
    found = impact(group, rows(), prices=msgspec.structs.replace(PRICES, models={"dear": PRICES.models["dear"]}))
    assert found.list_price is None
    assert found.models_without_price == ("cheap",)
    assert impact(group, rows()).list_price is None


def test_the_share_before_detection_is_as_wide_as_one_bar(group: Campaign) -> None:
    charts = group.charts
    total = sum(charts.volume_campaign)
    bar = next(i for i, n in enumerate(charts.volume_campaign) if n)
    middle = charts.bucket_start_us + bar * charts.bucket_us + charts.bucket_us // 2
    moment = datetime.fromtimestamp(middle / 1e6, UTC)
    assert share_before(group, moment) == Range(0.0, charts.volume_campaign[bar] / total)
    assert share_before(group, datetime(2100, 1, 1, tzinfo=UTC)) == Range(1.0, 1.0)
    assert share_before(group, datetime(1980, 1, 1, tzinfo=UTC)) == Range(0.0, 0.0)


def test_market_figures_are_the_users_own(group: Campaign, tmp_path: Path) -> None:
    place = tmp_path / "market.yaml"
    place.write_text('currency: EUR\nsource: "offers of March"\nper_exchange: [0.5, 2]\n')
    found = impact(group, rows(), market=read_market(place))
    assert found.market_cost == Range(121 * 0.5, 180 * 2)
    assert (found.market_currency, found.market_source) == ("EUR", "offers of March")
    assert impact(group, rows()).market_cost is None
    tokens = Market(currency="EUR", source="s", per_million_output_tokens=(1_000.0, 2_000.0))
    assert impact(group, rows(), market=tokens).market_cost == Range(24.2, 72.0)
    for wrong in ("per_exchange: [2, 1]", "per_exchange: [-1, 1]", "price: 3", ""):
        place.write_text(f"currency: EUR\nsource: s\n{wrong}\n")
        with pytest.raises(InputError, match="market"):
            read_market(place)
    with pytest.raises(InputError, match="YAML"):
        read_market(tmp_path / "none.yaml")


def test_a_sealed_bag_holds_it_and_no_interval_is_upside_down(stamped: SealedBag) -> None:
    content = json.loads((stamped.bag / "data/impact.json").read_bytes())
    (campaign,) = content["campaigns"]
    low, high = campaign["exchanges"]
    assert 0 < low < high
    ranges = [campaign["tokens"]["input_tokens"], *(p["exchanges"] for p in campaign["by_tactic"])]
    assert all(low <= high for low, high in ranges)


def test_it_stands_in_the_case_as_in_a_bag(case: Path, world: Path, stamped: SealedBag, tmp_path: Path) -> None:
    """The command beside `seal`: the same intervals, without sealing anything; nobody is named in it."""
    out = tmp_path / "impact.json"
    words = ["evidence", "impact", str(case), "--log", str(world / "exchanges.parquet"), "--out", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(out.read_bytes()) == json.loads((stamped.bag / "data/impact.json").read_bytes())
    assert "at least and at most" in done.output
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, InputError) and "exists already" in str(again.exception)
    other = tmp_path / "other.parquet"
    other.write_bytes((world / "accounts.parquet").read_bytes())
    done = CliRunner().invoke(app, ["evidence", "impact", str(case), "--log", str(other), "--out", str(tmp_path / "x")])
    assert isinstance(done.exception, InputError)
