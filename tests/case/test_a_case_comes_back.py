"""What is written is what is read, in the same bytes every time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.case import CASE_FORMAT, read_case, write_case
from stillwatch.case.canonical import finite, to_json
from stillwatch.case.layout import FILES
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import ACCOUNT_VERDICTS, Campaign, CaseResult, Evidence
from tests.report.example import example, group

CONTRACT_KEYS = {
    "id", "accounts", "exchanges", "tokens", "first_seen", "last_seen", "tactics", "families", "models",
    "capabilities", "confidence", "impact", "alternatives",
}  # fmt: skip

texts = st.text(max_size=12)
counts = st.integers(0, 2**53)
reals = st.floats(allow_nan=False, allow_infinity=False)
names = st.sampled_from(["campaign", "watch", "licensed", "lookalike:cron"])
json_values = st.recursive(
    st.none() | st.booleans() | counts | reals | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def without_nan(value: Any) -> Any:
    """The value with zero for what JSON cannot hold."""
    if isinstance(value, float):
        return value if math.isfinite(value) else 0.0
    if isinstance(value, dict):
        return {k: without_nan(v) for k, v in value.items()}
    return [without_nan(v) for v in value] if isinstance(value, list | tuple) else value


def campaigns() -> st.SearchStrategy[Campaign]:
    shapes = st.from_type(Campaign).map(lambda c: without_nan(msgspec.to_builtins(c)))
    return st.builds(lambda shape, verdict: msgspec.convert({**shape, "verdict": verdict}, Campaign), shapes, names)


findings = st.builds(
    Evidence, campaign_id=texts, channel=texts, statistic=reals, null=texts, p_value=reals, accounts=counts,
    exchanges=counts, example_exchange_ids=st.lists(texts, max_size=3).map(tuple),
)  # fmt: skip


@st.composite
def accounts(draw: st.DrawFn) -> pa.Table:
    times = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
    ids = draw(st.lists(texts, max_size=5, unique=True))
    rows = [
        {
            "account_id": name,
            "campaign_id": draw(st.none() | texts),
            "disposition": draw(names),
            "score": draw(st.floats(0, 1)),
            "q_value": draw(st.floats(0, 1)),
            "exchanges": draw(counts),
            "harvest_exchanges": draw(counts),
            "first_seen": draw(times),
            "last_seen": draw(times),
        }
        for name in sorted(ids)
    ]
    return pa.Table.from_pylist(rows, schema=ACCOUNT_VERDICTS)


@st.composite
def cases(draw: st.DrawFn) -> CaseResult:
    held = draw(st.lists(campaigns(), max_size=2))
    held.sort(key=lambda c: c.verdict != "campaign")
    run = draw(st.dictionaries(texts.filter(lambda k: k not in ("format", "timings")), json_values, max_size=3))
    quarantine = draw(st.none() | st.just(pa.table({"file": ["a"], "row": [3], "column": ["ts"], "error": ["no"]})))
    evidence = draw(st.lists(findings, max_size=3))
    return CaseResult(
        accounts=draw(accounts()), campaigns=tuple(held), evidence=tuple(evidence), run=run, quarantine=quarantine
    )


def content(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.iterdir()}


@settings(max_examples=40, deadline=None)
@given(case=cases())
def test_any_case_comes_back_as_it_was(case: CaseResult) -> None:
    with tempfile.TemporaryDirectory() as place:
        write_case(case, Path(place) / "case")
        back = read_case(Path(place) / "case")
    assert back == case


def test_the_example_comes_back_and_its_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    write_case(example(), tmp_path / "a")
    back = read_case(tmp_path / "a")
    assert back == example()
    write_case(back, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_how_a_table_came_together_does_not_show(tmp_path: Path) -> None:
    case = example()
    write_case(case, tmp_path / "a")
    pieces = [case.accounts.slice(i, 1_000) for i in range(0, case.accounts.num_rows, 1_000)]
    case.accounts = pa.concat_tables(pieces[::-1])
    write_case(case, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    write_case(example(), tmp_path / "a")
    code = (
        "from pathlib import Path; from tests.report.example import example; from stillwatch.case import write_case; "
        f"write_case(example(), Path({str(tmp_path / 'b')!r}))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join(p or "." for p in sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_only_timings_differ_between_two_runs(tmp_path: Path) -> None:
    write_case(example(), tmp_path / "a", timings={"judging": 1.25})
    write_case(example(), tmp_path / "b", timings={"judging": 7.0})
    a, b = content(tmp_path / "a"), content(tmp_path / "b")
    assert {name for name in a if a[name] != b[name]} == {"run.json"}
    first, second = json.loads(a["run.json"]), json.loads(b["run.json"])
    assert first.pop("timings") == {"judging": 1.25} and second.pop("timings") == {"judging": 7.0}
    assert first == second


def test_campaigns_and_other_groups_carry_the_keys_of_the_contract(tmp_path: Path) -> None:
    write_case(example(), tmp_path / "case")
    document = json.loads((tmp_path / "case" / "campaigns.json").read_text())
    assert set(document) == {"format", "campaigns", "other_groups"} and document["format"] == CASE_FORMAT
    assert [c["verdict"] for c in document["campaigns"]] == ["campaign"] * 3
    assert {c["verdict"] for c in document["other_groups"]} >= {"watch", "licensed", "lookalike:benchmark"}
    for one in document["campaigns"] + document["other_groups"]:
        assert set(one) >= CONTRACT_KEYS
        assert set(one["tokens"]) == {"input", "output", "reasoning"}
    one = document["campaigns"][0]
    assert {"statistic", "p_value", "family"} <= set(one["families"][0])
    assert {"id", "evidence"} <= set(one["tactics"][0]) and {"kind", "observed", "rejected"} <= set(
        one["alternatives"][0]
    )


def test_the_files_are_those_of_the_contract(tmp_path: Path) -> None:
    case = example()
    write_case(case, tmp_path / "case")
    assert {p.name for p in (tmp_path / "case").iterdir()} == FILES - {"report.html"}
    assert pq.read_schema(tmp_path / "case" / "accounts.parquet").equals(ACCOUNT_VERDICTS)
    assert pq.read_schema(tmp_path / "case" / "evidence.parquet").names == [
        "campaign_id", "family", "channel", "statistic", "null", "p_value", "accounts", "exchanges",
        "example_exchange_ids",
    ]  # fmt: skip
    case.quarantine = None
    write_case(case, tmp_path / "case")
    assert not (tmp_path / "case" / "quarantine.parquet").exists()


def test_json_never_holds_nan(tmp_path: Path) -> None:
    case = example()
    odd = tuple(msgspec.structs.replace(f, statistic=math.inf, effect=math.nan) for f in case.campaigns[0].families)
    case.campaigns = (msgspec.structs.replace(case.campaigns[0], families=odd),)
    case.run["odd"] = [math.nan, -math.inf]
    write_case(case, tmp_path / "case")
    for name in ("campaigns.json", "run.json"):
        text = (tmp_path / "case" / name).read_text()
        assert "NaN" not in text and "Infinity" not in text
    assert read_case(tmp_path / "case").campaigns[0].families[0].statistic is None


def test_a_verdict_without_a_finite_q_value_is_not_written(tmp_path: Path) -> None:
    case = example()
    case.campaigns = (msgspec.structs.replace(case.campaigns[0], q_value=math.nan),)
    with pytest.raises(ValueError, match="q_value"):
        write_case(case, tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_json_is_ascii_sorted_and_exact() -> None:
    assert to_json({"b": 0.1, "a": ["\u202e", {"x": 1e-300}], "c": []}) == (
        b'{\n "a": [\n  "\\u202e",\n  {\n   "x": 1e-300\n  }\n ],\n "b": 0.1,\n "c": []\n}\n'
    )
    assert finite({"a": (1.0, math.nan)}) == {"a": [1.0, None]}


def test_lone_surrogates_do_not_stop_a_case(tmp_path: Path) -> None:
    case = example()
    case.campaigns = (group(1, "campaign", 20, 300, note="\ud800 <x>"),)
    write_case(case, tmp_path / "case")
    assert read_case(tmp_path / "case").campaigns[0].note == "\ud800 <x>"


def test_reading_something_else_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        read_case(tmp_path)
    write_case(example(), tmp_path / "case")
    (tmp_path / "case" / "accounts.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match=r"accounts\.parquet: cannot be read as Parquet"):
        read_case(tmp_path / "case")
    (tmp_path / "case" / "campaigns.json").write_text('{"format": "stillwatch-case/1"}')
    with pytest.raises(InputError, match=r"campaigns\.json"):
        read_case(tmp_path / "case")
    (tmp_path / "case" / "run.json").write_text('{"format": "stillwatch-case/9"}')
    with pytest.raises(InputError, match="not of format"):
        read_case(tmp_path / "case")
