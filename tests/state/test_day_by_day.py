"""A day on top of earlier ones, through the real command: what the whole log at once would find, under the same ids."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests import command
from tests.command import named, stillwatch
from tests.state.worlds import four_days

CASE_FILES = ("accounts.parquet", "campaigns.json", "evidence.parquet", "report.html")


class Days(NamedTuple):
    """Four scans, the state after each, and the scan of everything at once."""

    logs: list[Path]
    cases: list[Path]
    states: list[Path]
    full: Path
    of: dict[str, str]
    """Campaign of each hostile account, as the world has it."""


def accounts(case: Path) -> dict[str, dict[str, object]]:
    return {row["account_id"]: row for row in pq.read_table(case / "accounts.parquet").to_pylist()}


def scan(log: Path, case: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return command.scan(log.parent, case, *more, log=log)


def campaigns(case: Path) -> dict[str, dict[str, object]]:
    return {c["id"]: c for c in json.loads((case / "campaigns.json").read_text())["campaigns"]}


def run_of(case: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((case / "run.json").read_text())
    return found


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    world = tmp_path_factory.mktemp("days")
    logs = four_days(world, seed=4)
    cases, states = [], []
    for number, log in enumerate(logs, 1):
        cases.append(world / f"case-{number}")
        done = scan(log, cases[-1], "--state", world / "state")
        assert done.returncode == 3, done.stderr
        states.append(world / f"state-{number}")
        shutil.copytree(world / "state", states[-1])
    assert command.scan(world, world / "full").returncode == 3
    truth = pq.read_table(world / "truth.parquet").to_pylist()
    return Days(logs, cases, states, world / "full", {r["account_id"]: r["campaign"] for r in truth if r["campaign"]})


def at(days: Days, number: int, folder: Path) -> Path:
    """The state after a day, to be written on."""
    shutil.copytree(days.states[number - 1], folder / "state")
    return folder / "state"


def test_the_same_accounts_in_the_same_campaigns_as_the_whole_log_at_once(days: Days) -> None:
    by_days, at_once = named(days.cases[-1]), named(days.full)
    assert len(at_once) >= 200
    assert sum(by_days.get(account) == campaign for account, campaign in at_once.items()) >= 0.99 * len(at_once)
    assert not by_days.keys() - days.of.keys(), "nobody honest is named"


def test_every_exchange_of_every_account_is_counted_once(days: Days) -> None:
    by_days, at_once = accounts(days.cases[-1]), accounts(days.full)
    assert by_days.keys() == at_once.keys()
    for column in ("exchanges", "first_seen", "last_seen"):
        assert {a: r[column] for a, r in by_days.items()} == {a: r[column] for a, r in at_once.items()}
    rows = [pq.read_metadata(log).num_rows for log in days.logs]
    told = [run_of(case)["state"] for case in days.cases]
    assert [t["exchanges_new"] for t in told] == rows
    assert [t["exchanges_before"] for t in told] == [sum(rows[:i]) for i in range(4)]
    assert all(0 < t["exchanges_looked_at_again"] <= 0.1 * n for t, n in zip(told[1:], rows[1:], strict=True))


def test_campaigns_keep_their_ids_and_grow(days: Days) -> None:
    for before, after in zip(days.cases, days.cases[1:], strict=False):
        assert campaigns(before).keys() == campaigns(after).keys()
        assert named(before).items() <= named(after).items()
        for identity, old in campaigns(before).items():
            new = campaigns(after)[identity]
            assert new["known_since"] == old["known_since"] and new["harvest_exchanges"] > old["harvest_exchanges"]
            assert new["impact"]["output_tokens"] > old["impact"]["output_tokens"]


def test_accounts_that_replace_banned_ones_join_the_campaign_that_they_replace(days: Days) -> None:
    first, now = named(days.cases[0]), named(days.cases[2])
    identity = {c for a, c in first.items() if days.of[a] == "purged"}
    assert len(identity) == 1
    recruited = {a for a in accounts(days.cases[2]).keys() - accounts(days.cases[1]) if days.of.get(a) == "purged"}
    assert len(recruited) >= 70
    assert sum({now.get(a)} == identity for a in recruited) >= 0.9 * len(recruited)
    known = campaigns(days.cases[2])[identity.pop()]
    assert known["joined_later"] >= 0.9 * len(recruited)
    assert (
        f"{known['joined_later']} of its accounts joined when it was known"
        in (days.cases[2] / "report.html").read_text()
    )


def test_a_log_that_comes_twice_changes_no_figure(days: Days, tmp_path: Path) -> None:
    case = tmp_path / "case"
    assert scan(days.logs[3], case, "--state", at(days, 4, tmp_path)).returncode == 3
    told = run_of(case)["state"]
    assert told["exchanges_new"] == 0 and told["exchanges_known_already"] == pq.read_metadata(days.logs[3]).num_rows
    mine, before = accounts(case), accounts(days.cases[3])
    for column in ("disposition", "campaign_id", "exchanges", "harvest_exchanges", "first_seen", "last_seen"):
        assert {a: r[column] for a, r in mine.items()} == {a: r[column] for a, r in before.items()}, column
    for identity, campaign in campaigns(case).items():
        for figure in ("accounts", "exchanges", "harvest_exchanges", "impact", "joined_later"):
            assert campaign[figure] == campaigns(days.cases[3])[identity][figure], figure


def test_late_rows_count_when_they_come(days: Days, tmp_path: Path) -> None:
    late = pa.concat_tables([pq.read_table(days.logs[0]), pq.read_table(days.logs[1])])
    log = days.logs[0].with_name("late.parquet")
    pq.write_table(late, log)
    state = tmp_path / "state"
    assert scan(days.logs[1], tmp_path / "first", "--state", state).returncode == 3
    assert scan(log, tmp_path / "then", "--state", state).returncode == 3
    assert run_of(tmp_path / "then")["state"]["exchanges_new"] == pq.read_metadata(days.logs[0]).num_rows
    mine, in_turn = accounts(tmp_path / "then"), accounts(days.cases[1])
    assert {a: r["exchanges"] for a, r in mine.items()} == {a: r["exchanges"] for a, r in in_turn.items()}
    assert named(tmp_path / "first").items() <= named(tmp_path / "then").items()


def test_a_campaign_goes_quiet_and_returns(days: Days, tmp_path: Path) -> None:
    """Exit status 3 is for what is at work now."""
    table = pq.read_table(days.logs[2])
    calm = days.logs[2].with_name("calm.parquet")
    pq.write_table(table.filter(pc.invert(pc.is_in(table["account_id"], value_set=pa.array(list(days.of))))), calm)
    state = at(days, 2, tmp_path)
    done = scan(calm, tmp_path / "calm", "--state", state)
    assert done.returncode == 0, done.stderr
    before, quiet = campaigns(days.cases[1]), campaigns(tmp_path / "calm")
    assert quiet.keys() == before.keys() and all(c["quiet"] for c in quiet.values())
    for identity, campaign in quiet.items():
        for figure in ("accounts", "harvest_exchanges", "impact", "last_seen", "families"):
            assert campaign[figure] == before[identity][figure], figure
    assert named(tmp_path / "calm") == named(days.cases[1])
    assert "Quiet:" in (tmp_path / "calm" / "report.html").read_text()
    shown = json.loads(stillwatch("state", "show", state, "--json").stdout)
    assert {c["id"]: c["quiet"] for c in shown["campaigns"]} == dict.fromkeys(before, True)
    assert scan(days.logs[3], tmp_path / "back", "--state", state).returncode == 3
    assert campaigns(tmp_path / "back").keys() == before.keys()
    assert not any(c["quiet"] for c in campaigns(tmp_path / "back").values())


def test_one_thread_or_two_write_the_same_case_and_know_the_same(days: Days, tmp_path: Path) -> None:
    state = at(days, 2, tmp_path)
    assert scan(days.logs[2], tmp_path / "case", "--state", state, "--threads", 1).returncode == 3
    for file in CASE_FILES:
        assert (tmp_path / "case" / file).read_bytes() == (days.cases[2] / file).read_bytes(), file
    shown = [stillwatch("state", "show", s, "--json").stdout for s in (state, days.states[2])]
    assert shown[0] == shown[1] and "marks" in shown[0]


def test_no_text_and_no_address_of_a_log_is_in_a_state(days: Days) -> None:
    table = pq.read_table(days.logs[0], columns=["prompt", "system_prompt", "client_ip"])
    prompts = [p for p in table["prompt"].to_pylist() if p and len(p) > 40][:200]
    addresses = [a for a in table["client_ip"].to_pylist() if a][:200]
    looked_for = [p[:40].encode() for p in prompts] + [a.encode() for a in addresses]
    files = [p for p in days.states[0].rglob("*") if p.is_file()]
    assert len(prompts) > 100 and len(files) > 4
    for path in files:
        plain = path.read_bytes()
        if path.suffix == ".parquet":  # compressed
            plain = pq.read_table(path).to_pandas().to_csv().encode() + plain
        assert not [x for x in looked_for if x in plain], path.name


def test_evidence_is_sealed_from_logs_that_are_at_hand_alone(days: Days, tmp_path: Path) -> None:
    made = stillwatch("evidence", "keygen", "--out", tmp_path / "key")
    assert made.returncode == 0, made.stderr
    for more in (("seal", "--key", tmp_path / "key.key"), ("impact",)):
        done = stillwatch(
            "evidence", more[0], days.cases[3], "--log", days.logs[3], "--out", tmp_path / "out", *more[1:]
        )
        assert done.returncode == 2 and "earlier scans (--state)" in done.stderr, done.stderr
        assert not (tmp_path / "out").exists()


def test_an_account_is_erased_on_request_and_old_days_by_date(days: Days, tmp_path: Path) -> None:
    state = at(days, 4, tmp_path)
    erased = next(a for a, c in named(days.cases[3]).items() if days.of[a] == "steady")
    done = stillwatch("state", "forget", state, "--account", erased)
    assert done.returncode == 0 and erased not in done.stdout
    before = json.loads(stillwatch("state", "show", days.states[3], "--json").stdout)
    shown = json.loads(stillwatch("state", "show", state, "--json").stdout)
    assert shown["accounts"] == before["accounts"] - 1
    assert shown["exchanges"] == before["exchanges"] - accounts(days.cases[3])[erased]["exchanges"]
    sizes = {c["id"]: c["accounts"] for c in before["campaigns"]}
    mine = named(days.cases[3])[erased]
    assert {c["id"]: c["accounts"] for c in shown["campaigns"]} == sizes | {mine: sizes[mine] - 1}
    third = pc.min(pq.read_table(days.logs[2], columns=["ts"])["ts"]).as_py().date().isoformat()
    assert stillwatch("state", "forget", state, "--before", third).returncode == 0
    assert stillwatch("state", "check", state).returncode == 0
    assert json.loads(stillwatch("state", "show", state, "--json").stdout)["exchanges"] < 0.6 * shown["exchanges"]
    assert scan(days.logs[0], tmp_path / "old", "--state", state).returncode == 0
    told = run_of(tmp_path / "old")["state"]
    assert told["exchanges_new"] == 0 and told["exchanges_too_old"] == pq.read_metadata(days.logs[0]).num_rows
    later = [set(pq.read_table(log, columns=["account_id"])["account_id"].to_pylist()) for log in days.logs[2:]]
    gone = set(accounts(days.cases[0])).difference(*later) | {erased}
    assert len(gone) > 50
    for path in (p for p in state.rglob("*") if p.is_file()):
        plain = pq.read_table(path).to_pandas().to_csv().encode() if path.suffix == ".parquet" else path.read_bytes()
        assert not [a for a in gone if a.encode() in plain], path.name
    assert stillwatch("state", "compact", state).returncode == 0
    assert stillwatch("state", "check", state).returncode == 0


def test_a_damaged_state_is_told_and_nothing_is_scanned_on_it(days: Days, tmp_path: Path) -> None:
    state = at(days, 1, tmp_path)
    shard = max((state / "data").glob("*.parquet"), key=lambda p: p.stat().st_size)
    shard.write_bytes(shard.read_bytes()[:-100])
    done = stillwatch("state", "check", state)
    assert done.returncode == 1 and shard.name in done.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--state", "{state}", "--history", "much"), "--history 'much' is no share"),
        (("--state", "{state}", "--history", "-1"), "is no share"),
        (("--state", "{log}"), "holds something that is not a state"),
        (("--state", "{folder}"), "holds something that is not a state"),
        (("--history", "0.5"), "--history needs --state"),
    ],
)
def test_what_cannot_be_done_is_said(days: Days, tmp_path: Path, given: tuple[str, ...], told: str) -> None:
    places = {"state": tmp_path / "state", "log": days.logs[0], "folder": days.logs[0].parent}
    done = scan(days.logs[0], tmp_path / "case", *(g.format(**places) for g in given))
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "case" / "campaigns.json").exists()


@pytest.mark.parametrize("command", ["show", "check", "compact"])
def test_no_command_makes_a_state(command: str, tmp_path: Path) -> None:
    done = stillwatch("state", command, tmp_path / "none")
    assert done.returncode == 2 and "there is no state" in done.stderr
    assert not (tmp_path / "none").exists()
