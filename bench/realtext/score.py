"""Score one case against the truth of its world."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq


@dataclass(slots=True)
class Score:
    world: str
    seed: int
    hostile: int = 0
    caught: int = 0
    watched: int = 0
    honest: int = 0
    false_positives: Counter[str] = field(default_factory=Counter)
    honest_watched: int = 0
    new_false: int = 0
    vpn_false: int = 0
    campaigns: int = 0
    found: int = 0
    false_campaigns: int = 0
    reported: int = 0
    purity: float | None = None
    seconds: float = 0.0
    note: str = ""

    @property
    def recall(self) -> float | None:
        return self.caught / self.hostile if self.hostile else None

    @property
    def fpr_per_10k(self) -> float:
        return 1e4 * sum(self.false_positives.values()) / max(1, self.honest)


def score(world: str, seed: int, truth_file: Path, case: Path) -> Score:
    """A true campaign is found when a reported one holds at least 3 of its accounts and mostly hostile accounts;
    a reported campaign is false when at least half of its accounts are honest."""
    verdicts = {row["account_id"]: row for row in pq.read_table(case / "accounts.parquet").to_pylist()}
    out = Score(world, seed)
    members: dict[str, Counter[str]] = {}
    true_campaigns: set[str] = set()
    for row in pq.read_table(truth_file).to_pylist():
        verdict = verdicts.get(row["account_id"], {})
        named = verdict.get("disposition") == "campaign"
        watched = verdict.get("disposition") == "watch"
        if named:
            members.setdefault(str(verdict["campaign_id"]), Counter())[row["campaign"] or "honest"] += 1
        if row["role"] == "hostile":
            true_campaigns.add(row["campaign"])
            out.hostile, out.caught, out.watched = out.hostile + 1, out.caught + named, out.watched + watched
            continue
        out.honest, out.honest_watched = out.honest + 1, out.honest_watched + watched
        if named:
            out.false_positives[row["role"].removeprefix("honest:")] += 1
            out.new_false += row["new"]
            out.vpn_false += row["vpn"]
    real = [count for count in members.values() if 2 * count["honest"] < count.total()]
    out.campaigns, out.reported = len(true_campaigns), len(members)
    out.found = sum(any(count[name] >= 3 for count in real) for name in true_campaigns)
    out.false_campaigns = len(members) - len(real)
    if members:
        out.purity = 1 - sum(count["honest"] for count in members.values()) / sum(c.total() for c in members.values())
    return out


def table(scores: list[Score]) -> str:
    """The Markdown table of the README."""
    head = "| world | seed | hostile | recall | watch | honest | false pos. | per 10k | new / VPN | honest watched "
    head += "| found | false camp. | purity | s |"
    lines = [head, "|" + "---|" * 14]
    for s in scores:
        kinds = ", ".join(f"{kind} {n}" for kind, n in s.false_positives.most_common()) or "–"
        recall = "–" if s.recall is None else f"{s.recall:.3f}"
        purity = "–" if s.purity is None else f"{s.purity:.3f}"
        if s.note:
            lines.append(f"| {s.world} | {s.seed} | {s.note} |" + " |" * 11)
            continue
        lines.append(
            f"| {s.world} | {s.seed} | {s.hostile} | {recall} | {s.watched} | {s.honest} | {kinds} | "
            f"{s.fpr_per_10k:.1f} | {s.new_false} / {s.vpn_false} | {s.honest_watched} | {s.found}/{s.campaigns} | "
            f"{s.false_campaigns}/{s.reported} | {purity} | {s.seconds:.0f} |"
        )
    honest = sum(s.honest for s in scores)
    wrong = sum(sum(s.false_positives.values()) for s in scores)
    hostile, caught = sum(s.hostile for s in scores), sum(s.caught for s in scores)
    missed = sum(bool(s.note) for s in scores)
    lines.append(
        f"\n{honest} honest accounts, {wrong} of them named ({1e4 * wrong / max(1, honest):.2f} per 10k); "
        f"{caught} of {hostile} hostile accounts named; {missed} of {len(scores)} worlds not scored."
    )
    return "\n".join(lines)


def dump(scores: list[Score]) -> str:
    """The same as JSON."""
    rows = [{name: getattr(s, name) for name in Score.__slots__} | {"fpr_per_10k": s.fpr_per_10k} for s in scores]
    return json.dumps(rows, indent=1, default=dict)
