"""Detection against the bars: honest worlds, a sweep over campaign shapes, a log without one column, equal error rates.

    python bench/detection.py honest   [--seeds 5]
    python bench/detection.py sweep    [--seeds 1]
    python bench/detection.py ablation [--seeds 1]

Every point is a world of `stillwatch lab`, generated anew and scanned by the real command in a process of its own, one
thread each. Prints Markdown. Intervals are exact (Clopper & Pearson 1934), at 95 %.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from stillwatch.lab.evaluate import evaluate
from stillwatch.lab.intervals import clopper_pearson

CONTENT = ("system_prompt", "prompt", "response", "prompt_sketch", "template_id", "prefix_hash")
PARAMETERS = (
    "temperature", "top_p", "n", "max_output_tokens", "logprobs", "stream", "seed", "reasoning_effort",
    "response_format", "tools_count", "tool_schema_hash",
)  # fmt: skip
HONEST = ("honest", "honest-crowds", "honest-machines", "honest-release")
POWER = ("power-base", "power-rubric", "power-persona", "power-relay")
UNIQUE = {"infrastructure": "unique", "payment_sharing": 1, "device_sharing": 1, "client_uniformity": 0.0}


@dataclass(frozen=True)
class Point:
    """One world: a scenario, a seed, dials of its campaign, columns that the log lacks, text or sketches."""

    scenario: str
    seed: int
    label: str
    dials: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    sketched: bool = False


def shapes() -> dict[str, dict[str, Any]]:
    """Campaign shapes of the bar: infrastructure, cover, volume; one dial at a time and the hardest corners."""
    found: dict[str, dict[str, Any]] = {}
    for name, base in (("shared", {}), ("unique", UNIQUE)):
        found[name] = base
        found[f"{name}, cover 0.25"] = base | {"cover": 0.25}
        found[f"{name}, cover 0.5"] = base | {"cover": 0.5}
        found[f"{name}, 2 a day"] = base | {"requests_per_account_day": 2}
        found[f"{name}, 8 a day"] = base | {"requests_per_account_day": 8}
        found[f"{name}, 100 a day"] = base | {"requests_per_account_day": 100}
        found[f"{name}, 860 a day"] = base | {"requests_per_account_day": 860}
        found[f"{name}, paraphrased"] = base | {"paraphrase": 1.0}
        found[f"{name}, random dispatch"] = base | {"dispatch": "random", "jitter": 1.0}
        found[f"{name}, aged sign-ups, slow start"] = base | {"signup": "aged", "slow_start": 1.0}
        found[f"{name}, 2 a day, cover 0.5"] = base | {"requests_per_account_day": 2, "cover": 0.5}
    return found


REMOVED: dict[str, tuple[tuple[str, ...], bool]] = {
    "nothing": ((), False),
    "payment": (("payment_fingerprint",), False),
    "address": (("client_ip", "asn", "signup_ip"), False),
    "client": (("user_agent", "tls_fingerprint"), False),
    "parameters": (PARAMETERS, False),
    "text (sketches)": ((), True),
    "text (no content)": (CONTENT, False),
}


def measure(point: Point) -> dict[str, Any]:
    """Generate, (sketch,) scan, evaluate."""
    with tempfile.TemporaryDirectory() as folder:
        world, case = Path(folder) / "world", Path(folder) / "case"
        line = ["lab", "generate", point.scenario, "--out", str(world), "--seed", str(point.seed)]
        for dial, value in point.dials.items():
            line += ["--set", f"campaigns.0.{dial}={json.dumps(value)}"]
        if point.without:
            line += ["--without", ",".join(point.without)]
        _call(line)
        log = world / "exchanges.parquet"
        if point.sketched:
            _call(["sketch", str(log), "--out", str(Path(folder) / "sketches.parquet")])
            log = Path(folder) / "sketches.parquet"
        line = ["scan", str(log), "--accounts", str(world / "accounts.parquet"), "--out", str(case)]
        line += ["--licences", str(world / "licences.yaml"), "--threads", "1", "--quiet"]
        _call(line, allowed=(0, 3))
        found = evaluate(case, world / "truth.parquet")
        found["exchanges"] = pq.read_metadata(world / "exchanges.parquet").num_rows
    print(f"{point.scenario} {point.seed} {point.label}", file=sys.stderr)
    return found


def _call(line: list[str], allowed: tuple[int, ...] = (0,)) -> None:
    beside = Path(sys.executable).with_name("stillwatch")
    program = str(beside) if beside.exists() else shutil.which("stillwatch") or "stillwatch"
    done = subprocess.run([program, *line], capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise SystemExit(f"stillwatch {' '.join(line)}: exit {done.returncode}\n{done.stderr[-2000:]}")


def run(points: list[Point], jobs: int) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(measure, points))


def rate(hits: int, of: int) -> str:
    low, high = clopper_pearson(hits, of)
    return f"{hits} of {of} ({low:.2%}…{high:.2%})" if of else "–"


def honest(seeds: int, jobs: int) -> None:
    points = [Point(name, seed, name) for seed in range(1, seeds + 1) for name in HONEST]
    results = run(points, jobs)
    print("| world | seeds | accounts | campaigns | honest accounts named |\n| --- | --- | --- | --- | --- |")
    for name in HONEST:
        rows = [r for p, r in zip(points, results, strict=True) if p.scenario == name]
        shares = [r["accounts"]["false_positive_rate"] for r in rows]
        false = sum(r["campaigns"]["reported"] for r in rows)
        named, of = sum(s["hits"] for s in shares), sum(s["of"] for s in shares)
        print(f"| {name} | {len(rows)} | {of} | {false} | {named} |")
    _fairness(results)


def _fairness(results: list[dict[str, Any]]) -> None:
    print("\n| group of honest accounts | named | rate against all others |\n| --- | --- | --- |")
    for axis in ("language", "vpn", "new"):
        for value in sorted({v for r in results for v in r["collateral"][axis]}):
            here = [r["collateral"][axis][value] for r in results if value in r["collateral"][axis]]
            hits, of = sum(h["hits"] for h in here), sum(h["of"] for h in here)
            all_hits = sum(r["accounts"]["false_positive_rate"]["hits"] for r in results) - hits
            all_of = sum(r["accounts"]["false_positive_rate"]["of"] for r in results) - of
            ratio = f"{(hits / of) / (all_hits / all_of):.2f}" if all_hits and of else "none named elsewhere"
            print(f"| {axis}: {value} | {rate(hits, of)} | {ratio} |")


def _recall_table(points: list[Point], results: list[dict[str, Any]], first: str) -> None:
    print(f"| {first} | " + " | ".join(POWER) + " | recall | honest named |\n" + "| --- " * (len(POWER) + 3) + "|")
    for label in dict.fromkeys(p.label for p in points):
        here = [(p, r["accounts"]) for p, r in zip(points, results, strict=True) if p.label == label]
        cells = []
        for name in POWER:
            shares = [a["recall"] for p, a in here if p.scenario == name]
            of = sum(s["of"] for s in shares)
            cells.append(f"{sum(s['hits'] for s in shares) / of:.1%}" if of else "–")
        hits, of = sum(a["recall"]["hits"] for _, a in here), sum(a["recall"]["of"] for _, a in here)
        false = [a["false_positive_rate"] for _, a in here]
        named = f"{sum(f['hits'] for f in false)} of {sum(f['of'] for f in false)}"
        print(f"| {label} | " + " | ".join(cells) + f" | {rate(hits, of)} | {named} |")


def sweep(seeds: int, jobs: int) -> None:
    points = [
        Point(name, 100 + seed, label, dials)
        for label, dials in shapes().items()
        for name in POWER
        for seed in range(1, seeds + 1)
    ]
    results = run(points, jobs)
    _recall_table(points, results, "campaign")
    _fairness(results)


def ablation(seeds: int, jobs: int) -> None:
    points = [
        Point(name, 200 + seed, f"{shape}, without {label}", dials, columns, sketched)
        for shape, dials in (("shared", {}), ("unique", UNIQUE))
        for label, (columns, sketched) in REMOVED.items()
        for name in POWER
        for seed in range(1, seeds + 1)
    ]
    _recall_table(points, run(points, jobs), "log")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("honest", "sweep", "ablation"))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="worlds at a time")
    given = parser.parse_args()
    {"honest": honest, "sweep": sweep, "ablation": ablation}[given.what](given.seeds, given.jobs)


if __name__ == "__main__":
    main()
