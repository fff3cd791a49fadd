"""Day by day: what a scan on top of earlier ones costs and finds, whom it re-attaches after a purge, what kills do.

    python bench/state.py days     [--millions 4] [--per 1] [--worlds DIR]
    python bench/state.py regrowth [--seeds 5] [--seed 1]
    python bench/state.py kills    [--kills 1000] [--seed 1]

``days`` scans a world of the lab's `scale` scenario day by day (or so many days together: ``--per``) and as a whole.
``regrowth`` bans every account of four campaigns at the end of the second of three days; they come back with addresses,
payments and devices of their own, and the third day is scanned on top of the first two. ``kills`` kills scans into a
state with SIGKILL at random moments, most of them while files are written. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scale import WHOLE, measured
from stillwatch.lab.generate import generate
from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.scenario import Campaign, Scenario, dials, load

PROGRAM = Path(sys.executable).with_name("stillwatch")
DAY_US = 86_400_000_000
UNIQUE: dict[str, Any] = {
    "infrastructure": "unique",
    "payment_sharing": 1,
    "device_sharing": 1,
    "client_uniformity": 0.0,
}
PURGED: dict[str, dict[str, Any]] = {
    "shared infrastructure": {"tactics": ("T-COT", "T-LOADBAL"), "requests_per_account_day": 20},
    "one address, payment and device each": {
        "tactics": ("T-RUBRIC", "T-LOADBAL"),
        "requests_per_account_day": 20,
        **UNIQUE,
        "client_uniformity": 1.0,
    },
    "nothing shared, not even a client": {"tactics": ("T-PERSONA",), "requests_per_account_day": 20, **UNIQUE},
    "few requests, half cover": {"tactics": ("T-COT",), "requests_per_account_day": 6, "cover": 0.5},
}


def split(world: Path) -> list[Path]:
    """The log of a world, a file a day."""
    out: dict[int, Any] = {}
    with pq.ParquetFile(world / "exchanges.parquet") as log:
        for batch in log.iter_batches(100_000):
            day = pc.divide(batch.column("ts").cast(pa.int64()), DAY_US)
            for number in pc.unique(day).to_pylist():
                if number not in out:
                    out[number] = pq.ParquetWriter(world / f"day-{number}.parquet", batch.schema, compression="zstd")
                out[number].write_batch(batch.filter(pc.equal(day, number)))
    for writer in out.values():
        writer.close()
    return [world / f"day-{number}.parquet" for number in sorted(out)]


def line(world: Path, logs: list[Path], case: Path, *more: object) -> list[str]:
    """A scan of logs of a world."""
    given = ("--accounts", world / "accounts.parquet", "--licences", world / "licences.yaml", "--out", case, "--quiet")
    return [str(PROGRAM), "scan", *map(str, (*logs, *given, *more))]


def named(case: Path) -> dict[str, str]:
    """Campaign of every account that is named."""
    table = pq.read_table(case / "accounts.parquet", columns=["account_id", "campaign_id", "disposition"])
    table = table.filter(pc.equal(table["disposition"], "campaign"))
    return dict(zip(table["account_id"].to_pylist(), table["campaign_id"].to_pylist(), strict=True))


def days(arguments: argparse.Namespace) -> None:
    """Seconds of each day on top of the ones before, against the whole at once."""
    with tempfile.TemporaryDirectory(dir=arguments.worlds) as scratch:
        world = Path(arguments.worlds or scratch) / f"days-{arguments.millions:g}m"
        if not (world / "exchanges.parquet").exists():
            generate(dials(load("scale"), size=arguments.millions / WHOLE), 1, world)
        every = sorted(world.glob("day-*.parquet")) or split(world)
        logs = [every[i : i + arguments.per] for i in range(0, len(every), arguments.per)]
        rows = [sum(pq.read_metadata(log).num_rows for log in some) for some in logs]
        case = Path(scratch) / "case"
        whole = measured(line(world, [world / "exchanges.parquet"], case))
        all_at_once = named(case)
        print("| scan | exchanges | seconds | share of the whole | seconds / share | peak MiB |")
        print("| --- | --- | --- | --- | --- | --- |")
        print(f"| the whole | {sum(rows):,} | {whole.wall:.1f} | 1 | 1 | {whole.peak_mib:,.0f} |")
        for number, (some, n) in enumerate(zip(logs, rows, strict=True), 1):
            cost = measured(line(world, some, case, "--state", Path(scratch) / "state"))
            share = n / sum(rows)
            print(
                f"| scan {number} | {n:,} | {cost.wall:.1f} | {share:.3f} | {cost.wall / whole.wall / share:.2f} "
                f"| {cost.peak_mib:,.0f} |",
                flush=True,
            )
        by_days = named(case)
        size = sum(f.stat().st_size for f in (Path(scratch) / "state").rglob("*") if f.is_file())
        truth = pq.read_table(world / "truth.parquet")
        hostile = set(truth.filter(pc.equal(truth["role"], "hostile"))["account_id"].to_pylist())
        same = sum(by_days.get(account) == campaign for account, campaign in all_at_once.items()) / len(all_at_once)
        again = len(by_days.keys() & all_at_once.keys()) / len(all_at_once)
        print(
            f"\nNamed by the whole: {len(all_at_once):,} ({len(all_at_once.keys() - hostile)} honest) in "
            f"{len(set(all_at_once.values()))} campaigns; by the days: {len(by_days):,} "
            f"({len(by_days.keys() - hostile)} honest); the same accounts {again:.4f}, with the same campaign's id "
            f"{same:.4f}. State: {size / sum(rows):.0f} bytes per exchange."
        )


def regrowth(arguments: argparse.Namespace) -> None:
    """Whether accounts that replace banned ones join the campaign that they replace."""
    honest = load("honest").honest
    tally: dict[str, list[int]] = {}
    new_honest = wrong = 0
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        for label, given in PURGED.items():
            campaign = Campaign(name="back", accounts=200, purge_day=2.0, purge_pause=0.1, **given)
            with tempfile.TemporaryDirectory() as scratch:
                world = Path(scratch) / "world"
                generate(Scenario(name="regrowth", days=3, honest=honest, campaigns=(campaign,)), seed, world)
                for log in split(world)[:3]:
                    measured(line(world, [log], Path(scratch) / "case", "--state", Path(scratch) / "state"))
                truth = pq.read_table(world / "truth.parquet").to_pydict()
                hostile = {a for a, r in zip(truth["account_id"], truth["role"], strict=True) if r == "hostile"}
                cases = pq.read_table(Path(scratch) / "case" / "accounts.parquet").to_pydict()
            first = dict(zip(cases["account_id"], cases["first_seen"], strict=True))
            who = {
                a: c
                for a, c, d in zip(cases["account_id"], cases["campaign_id"], cases["disposition"], strict=True)
                if d == "campaign"
            }
            score = dict(zip(cases["account_id"], cases["score"], strict=True))
            late = min(first.values()).replace(hour=0, minute=0, second=0, microsecond=0)
            new = {a for a, t in first.items() if (t - late).days >= 2}
            old_ids = {who[a] for a in who if a in hostile and a not in new}
            back = new & hostile
            joined = {a for a in back if who.get(a) in old_ids}
            tally.setdefault(label, [0, 0, 0])
            for i, n in enumerate((len(joined), len(back), len(back & set(who)))):
                tally[label][i] += n
            new_honest += len(new - hostile)
            wrong += len((new - hostile) & set(who))
            roles = dict(zip(truth["account_id"], truth["role"], strict=True))
            told = sorted(f"{roles[a]} {score[a]:.2f}" for a in (new - hostile) & set(who))
            print(f"{label} {seed}: {len(joined)} of {len(back)}; {told}", file=sys.stderr, flush=True)
    print("| campaign | re-attached to it within the day | named at all |\n| --- | --- | --- |")
    for label, (joined_n, back_n, named_n) in tally.items():
        low, high = clopper_pearson(joined_n, back_n)
        print(f"| {label} | {joined_n:,} of {back_n:,} ({low:.1%}…{high:.1%}) | {named_n / back_n:.1%} |")
    low, high = clopper_pearson(wrong, new_honest)
    print(f"\nHonest new accounts attached to anything: {wrong} of {new_honest:,} ({low:.4%}…{high:.4%}).")


def kills(arguments: argparse.Namespace) -> None:
    """Scans into a state that die at random moments; children of one process, for a program's start is not at stake."""
    from stillwatch.campaigns.registry import ACCOUNTS, CAMPAIGNS, Registry
    from stillwatch.cli import app
    from stillwatch.signals.features import FEATURES
    from stillwatch.state import State

    rng = random.Random(arguments.seed)
    honest = {k: max(2, n // 40) for k, n in load("honest").honest.items()}
    campaign = Campaign(name="c", accounts=40, requests_per_account_day=10)
    with tempfile.TemporaryDirectory() as scratch:
        world, folder = Path(scratch) / "world", Path(scratch) / "state"
        generate(Scenario(name="kills", days=4, honest=honest, campaigns=(campaign,)), arguments.seed, world)
        logs = split(world)[:4]
        ids = [pq.read_table(log, columns=["account_id"])["account_id"].value_counts().to_pylist() for log in logs]

        def scan(log: Path) -> None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            args = line(world, [log], Path(scratch) / "case", "--state", folder, "--threads", 1)[1:]
            try:
                app(args, standalone_mode=False)
            except BaseException:
                os._exit(1)
            os._exit(0)

        def look(out: int) -> None:
            with State.open(folder, features=FEATURES, create=True) as state:
                table = Registry.read(state.blob(ACCOUNTS), state.blob(CAMPAIGNS)).accounts
                counts = dict(zip(table["account_id"].to_pylist(), table["exchanges"].to_pylist(), strict=True))
                facts = {"rows": state.manifest.rows, "problems": state.check(), "counts": counts}
            with os.fdopen(out, "w") as pipe:
                json.dump(facts, pipe)
            os._exit(0)

        def looked() -> dict[str, Any]:
            reads, writes = os.pipe()
            child = os.fork()
            if not child:
                os.close(reads)
                look(writes)
            os.close(writes)
            with os.fdopen(reads) as pipe:
                told = pipe.read()
            if os.waitpid(child, 0)[1]:
                raise SystemExit("the state does not open")
            found: dict[str, Any] = json.loads(told)
            return found

        def expected(days: int) -> dict[str, int]:
            out: dict[str, int] = {}
            for day in ids[:days]:
                for row in day:
                    out[row["values"]] = out.get(row["values"], 0) + row["counts"]
            return out

        done = killed = ended = writing = 0
        longest = 5.0
        bad: list[str] = []
        while killed < arguments.kills:
            if done == len(logs):
                shutil.rmtree(folder)
                done = 0
            child = os.fork()
            if not child:
                scan(logs[done])
            begin = time.perf_counter()
            until = rng.random() * longest
            at_files = rng.random() < 0.6
            known = len(list((folder / "data").glob("*"))) if (folder / "data").exists() else 0
            pause = rng.random() * 0.15
            while True:
                pid, status = os.waitpid(child, os.WNOHANG)
                if pid:
                    break
                now = time.perf_counter() - begin
                files = len(list((folder / "data").iterdir())) if at_files and (folder / "data").exists() else 0
                if at_files and files > known + (2 if rng.random() < 0.3 else 0) and now > 0.05:
                    time.sleep(pause)
                    os.kill(child, signal.SIGKILL)
                    _, status = os.waitpid(child, 0)
                    writing += 1
                    break
                if not at_files and now >= until:
                    os.kill(child, signal.SIGKILL)
                    _, status = os.waitpid(child, 0)
                    break
                time.sleep(0.002)
            if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
                ended += 1
                longest = time.perf_counter() - begin
            else:
                killed += 1
            found = looked()
            fits = [
                k
                for k in (done, done + 1)
                if found["counts"] == expected(k) and found["rows"] == sum(expected(k).values())
            ]
            if not fits or found["problems"]:
                bad.append(f"after {done} days: {found['rows']} rows, {found['problems']}")
                break
            done = fits[-1]
            if killed % 100 == 0:
                print(f"{killed} kills", file=sys.stderr, flush=True)
        print(
            f"{killed:,} scans killed ({writing:,} of them while files were written), {ended:,} ended by themselves: "
            + ("; ".join(bad) or "the state opened every time, every exchange counted once")
        )


def main() -> None:
    """One of the three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["days", "regrowth", "kills"])
    parser.add_argument("--millions", type=float, default=4.0)
    parser.add_argument("--per", type=int, default=1, help="Days scanned together.")
    parser.add_argument("--worlds")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="The first one.")
    parser.add_argument("--kills", type=int, default=1000)
    given = parser.parse_args()
    {"days": days, "regrowth": regrowth, "kills": kills}[given.what](given)


if __name__ == "__main__":
    main()
