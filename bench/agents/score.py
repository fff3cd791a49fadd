"""Compare a case with the truth: `python -m bench.agents.score WORLD CASE` (two folders)."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq

FOUND = 0.2  # a campaign counts as found when this share of its accounts is named in campaigns that are mostly its own


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one scan. `named` counts honest accounts in campaigns by kind; `seen_as` their other dispositions."""

    world: str
    accounts: int
    hostile: int
    recall: float
    named: dict[str, int]
    honest: int
    campaigns: dict[str, float]
    found: int
    reported: int
    false: int
    watch_hostile: int
    watch_honest: dict[str, int]
    hostile_as: dict[str, int]
    seen_as: dict[str, dict[str, int]]


def score(world: Path, case: Path) -> Score:
    truth = {row["account_id"]: row for row in pq.read_table(world / "truth.parquet").to_pylist()}
    verdicts = pq.read_table(
        case / "accounts.parquet", columns=["account_id", "campaign_id", "disposition"]
    ).to_pylist()
    rows = [(truth[row["account_id"]], row) for row in verdicts]
    hostile = [(t, v) for t, v in rows if t["role"] == "hostile"]
    honest = [(t, v) for t, v in rows if t["role"] != "hostile"]
    members: dict[str, Counter[str]] = {}
    for t, v in rows:
        if v["disposition"] == "campaign":
            members.setdefault(v["campaign_id"], Counter())[t["campaign"] or "honest"] += 1
    main = {name: found.most_common(1)[0][0] for name, found in members.items()}
    campaigns = {}
    for name in sorted({t["campaign"] for t, _ in hostile}):
        mine = [v for t, v in hostile if t["campaign"] == name]
        campaigns[name] = sum(v["disposition"] == "campaign" for v in mine) / len(mine)
    own = {
        name: sum(found[name] for key, found in members.items() if main[key] == name)
        / sum(t["campaign"] == name for t, _ in hostile)
        for name in campaigns
    }
    seen: dict[str, Counter[str]] = {}
    for t, v in honest:
        if v["disposition"] not in ("clear", "campaign"):
            seen.setdefault(t["role"], Counter())[v["disposition"]] += 1
    return Score(
        world.name, len(rows), len(hostile),
        sum(v["disposition"] == "campaign" for _, v in hostile) / max(1, len(hostile)),
        dict(Counter(t["role"] for t, v in honest if v["disposition"] == "campaign")), len(honest),
        {name: round(value, 3) for name, value in campaigns.items()},
        sum(value >= FOUND for value in own.values()), len(members), sum(name == "honest" for name in main.values()),
        sum(v["disposition"] == "watch" for _, v in hostile),
        dict(Counter(t["role"] for t, v in honest if v["disposition"] == "watch")),
        dict(Counter(v["disposition"] for _, v in hostile)),
        {kind: dict(found) for kind, found in sorted(seen.items())},
    )  # fmt: skip


HEADER = (
    "| world | accounts | hostile | recall | found | reported | false | honest named | watch: hostile/honest |\n"
    "|---|---:|---:|---:|---:|---:|---:|---|---|"
)


def line(result: Score) -> str:
    """One row of the table."""
    named = ", ".join(f"{kind.removeprefix('honest:')} {n}" for kind, n in sorted(result.named.items())) or "none"
    recall = f"{result.recall:.3f}" if result.hostile else "–"
    return (
        f"| {result.world} | {result.accounts} | {result.hostile} | {recall} | {result.found}/{len(result.campaigns)} "
        f"| {result.reported} | {result.false} | {named} | {result.watch_hostile}/{sum(result.watch_honest.values())} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("world", type=Path)
    parser.add_argument("case", type=Path)
    given = parser.parse_args()
    print(json.dumps(asdict(score(given.world, given.case)), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
