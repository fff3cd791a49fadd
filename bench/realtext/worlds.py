"""Assemble a labelled world from real data: `python -m bench.realtext.worlds DATA --out DIR --world NAME --seed N`."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.realtext import crowds, people
from bench.realtext.harvests import (
    Means,
    cover,
    probe,
    recruit,
    relay,
    replace_banned,
    rotate,
    slow,
    split,
    working_days,
)
from bench.realtext.ledger import Ledger
from bench.realtext.texts import Item

ALPACA = {"temperature": 1.0, "top_p": 1.0, "max_output_tokens": 2048}
ALPACA_FORM = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request."
    "\n\n### Instruction:\n{}\n\n### Response:"
)


def population(book: Ledger, scale: float, corpus: list[Item], form: str = "{}") -> None:
    """Everybody honest; `corpus` is what the licensed customer distils."""

    def n(count: float) -> int:
        return max(1, round(count * scale * float(book.rng.uniform(0.8, 1.25))))

    people.chats(book, n(1350))
    people.chinese(book, n(190))
    people.trials(book, n(140))
    people.returning(book, n(14))
    people.editors(book, n(190))
    people.developers(book, n(420))
    people.agents(book, n(110))
    people.batches(book, n(75))
    people.backends(book, n(9), 650)
    people.red_teams(book, n(9))
    crowds.popular_tool(book, n(230))
    crowds.tool_template(book, n(150))
    crowds.role_prompts(book, n(170))
    crowds.viral(book, n(130))
    crowds.sweeps(book, n(13))
    crowds.judges(book, n(18))
    crowds.hackathon(book, n(45))
    for size in (n(35), n(28)):
        crowds.classroom(book, size)
    crowds.fleet(book, n(40), shared_org=True)
    crowds.fleet(book, n(16), shared_org=False)
    for _ in range(n(4)):
        crowds.agency(book, int(book.rng.integers(4, 12)))
    for _ in range(n(3)):
        crowds.company(book, int(book.rng.integers(12, 40)))
    crowds.aggregator(book, max(3, n(6)), n(420))
    crowds.licensed(book, corpus[: n(2600)], n(14), form)


def judge_rows(book: Ledger) -> list[Item]:
    return book.library.shuffled(book.library.load("A_autoj_judge"))


def cot_form(book: Ledger) -> str:
    """One worked demonstration of Auto-CoT, then the question: the usual request of chain-of-thought distillation."""
    demo = json.loads(book.library.template("multiarith_auto"))["demo"][0]
    worked = f"{demo['question']} {demo['rationale']} The answer is {demo['pred_ans']}."
    return worked + "\n\nQ: {}\nA: Let's think step by step."


def honest_a(book: Ledger, scale: float) -> None:
    population(book, scale, book.library.shuffled(book.library.load("A_alpaca_en")), ALPACA_FORM)


def honest_b(book: Ledger, scale: float) -> None:
    """Another mixture: more companies, tools and crowds, fewer single people."""
    population(book, 0.75 * scale, book.library.shuffled(book.library.load("A_seed_gsm8k_train")), cot_form(book))
    for _ in range(3):
        crowds.popular_tool(book, round(130 * scale))
        crowds.hackathon(book, round(50 * scale))
        crowds.fleet(book, round(30 * scale), shared_org=False)
        crowds.viral(book, round(90 * scale))
        crowds.company(book, round(60 * scale))
        crowds.agency(book, 10)
    crowds.sweeps(book, round(14 * scale))


def alpaca_shared(book: Ledger, scale: float) -> None:
    corpus = book.library.shuffled(book.library.load("A_alpaca_en"))
    population(book, scale, corpus[4500:], ALPACA_FORM)
    means = Means(per_card=7, proxies=45, clients=2, parameters=ALPACA, new=0.6, disposable=0.3)
    accounts = recruit(book, "alpaca", round(int(book.rng.integers(150, 400)) * scale), means)
    split(book, accounts, corpus[:4500], working_days(book, 4500 * min(1.0, scale)), ALPACA_FORM)
    replace_banned(book, "alpaca", accounts, 0.08, means)
    cover(book, accounts, 3)


def alpaca_unique(book: Ledger, scale: float) -> None:
    corpus = book.library.shuffled(book.library.load("A_alpaca_en"))
    population(book, scale, corpus[4500:], ALPACA_FORM)
    means = Means(net="home", new=0.4, disposable=0.05, parameters=None, fixed={"channel": "api"})
    accounts = recruit(book, "alpaca", round(300 * scale), means)
    split(book, accounts, corpus[:4500], book.traces.machine(4500 * min(1.0, scale), cv=1.0), ALPACA_FORM)
    cover(book, accounts, 15)


def judge_lowslow(book: Ledger, scale: float) -> None:
    rows = judge_rows(book)
    population(book, scale, rows[860:])
    means = Means(
        per_card=5, net="home", clients=3, parameters={"temperature": 0.0, "max_output_tokens": 1024}, new=0.3
    )
    accounts = recruit(book, "judge", round(90 * scale), means)
    slow(book, accounts, rows[:860], 2, 5)
    cover(book, accounts, 2)


def cot_gsm8k(book: Ledger, scale: float) -> None:
    rows, form = book.library.shuffled(book.library.load("A_seed_gsm8k_train")), cot_form(book)
    population(book, scale, rows[6600:], form)
    means = Means(per_card=3, proxies=12, clients=1, parameters={"temperature": 0.7}, new=0.7, model="atlas-large-3")
    queue = rows[:6600] + book.library.shuffled(rows[:6600])  # two sampled rationales per question
    wanted = len(queue) * min(1.0, scale)
    accounts = recruit(book, "cot", max(3, round(wanted / (300 * book.days))), means)
    rotate(book, accounts, queue, working_days(book, wanted), 0.35, form)


def zh_alpaca(book: Ledger, scale: float) -> None:
    rows = book.library.shuffled(book.library.load("A_alpaca_zh", subset="part-01"))
    population(book, scale, rows[9000:])
    means = Means(per_card=9, net="vpn", clients=2, parameters={"temperature": 0.7, "max_output_tokens": 1024}, new=0.5)
    accounts = recruit(book, "zh-alpaca", round(260 * scale), means, "zh")
    split(book, accounts, rows[:9000], working_days(book, 9000 * min(1.0, scale)))
    cover(book, accounts, 3, book.library.chinese)


def metatool_search(book: Ledger, scale: float) -> None:
    rows = book.library.shuffled(book.library.tool_queries[1::2])
    population(book, scale, rows[9000:])
    means = Means(
        per_card=6, proxies=30, clients=2, parameters={"temperature": 0.2, "max_output_tokens": 1024}, new=0.7
    )
    scouts = recruit(book, "metatool", max(2, round(12 * scale)), means)
    for scout, row in zip(scouts, book.accounts[-len(scouts) :], strict=True):
        scout.created = min(scout.created, book.start - 3_600_000_000)
        row["created_at"] = scout.created
    form = probe(book, scouts, round(700 * scale), rows[:50], 7.0)
    accounts = recruit(book, "metatool", round(220 * scale), means)
    split(book, accounts, rows[:9000], book.traces.machine(9000 * min(1.0, scale), since=0.35), form)


def relay_pool(book: Ledger, scale: float) -> None:
    population(book, scale, book.library.shuffled(book.library.load("A_alpaca_en")))
    means = Means(per_card=6, proxies=25, clients=2, parameters={"temperature": 0.7}, new=0.5, disposable=0.3)
    relay(book, recruit(book, "relay", round(200 * scale), means), round(900 * scale))


def mixed(book: Ledger, scale: float) -> None:
    persona = book.library.patients[0]
    tools = book.library.shuffled(book.library.load("A_gpteacher", subset="toolformer"))
    population(book, scale, persona[2500:])
    cards = Means(per_card=8, proxies=20, clients=2, parameters={"temperature": 0.5, "max_output_tokens": 800}, new=0.6)
    first = recruit(book, "persona", round(110 * scale), cards)
    split(book, first, persona[:2500], working_days(book, 2500 * min(1.0, scale)))
    cover(book, first, 6)
    quiet = Means(net="home", clients=1, parameters={"temperature": 0.2, "max_output_tokens": 1024}, new=0.2)
    second = recruit(book, "toolformer", round(80 * scale), quiet)
    times = book.traces.machine(5000 * min(1.0, scale), cv=1.0)
    rotate(book, second, tools[:5000], times, 0.6, "{}")
    cover(book, second, 12)
    third = recruit(book, "relay", round(70 * scale), Means(per_card=10, net="vpn", clients=1, parameters={}, new=0.5))
    relay(book, third, round(300 * scale))


WORLDS: dict[str, tuple[Callable[[Ledger, float], None], int]] = {
    "honest-a": (honest_a, 2), "honest-b": (honest_b, 3), "alpaca-shared": (alpaca_shared, 2),
    "alpaca-unique": (alpaca_unique, 2), "judge-lowslow": (judge_lowslow, 3), "cot-gsm8k": (cot_gsm8k, 1),
    "zh-alpaca": (zh_alpaca, 2), "metatool-search": (metatool_search, 2), "relay": (relay_pool, 2), "mixed": (mixed, 3),
}  # fmt: skip


def generate(
    data: Path, out: Path, world: str, seed: int, scale: float = 1.0, without: set[str] | None = None
) -> Ledger:
    """Write one world; the same arguments give the same files."""
    fill, days = WORLDS[world]
    book = Ledger(data, seed * 1000 + sorted(WORLDS).index(world), days)
    fill(book, scale)
    book.write(out, without or set())
    return book


def summary(book: Ledger) -> dict[str, Any]:
    seen = {row["account_id"] for row in book.exchanges}
    roles = Counter(str(row["role"]) for row in book.truth if row["account_id"] in seen)
    return {"accounts": len(seen), "exchanges": len(book.exchanges), "roles": dict(roles.most_common())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--world", choices=list(WORLDS), required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--without", default="", help="columns to leave out, separated by commas")
    given = parser.parse_args()
    without = {name for name in given.without.split(",") if name} - {"ts", "account_id"}
    print(summary(generate(given.data, given.out, given.world, given.seed, given.scale, without)))


if __name__ == "__main__":
    main()
