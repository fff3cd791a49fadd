"""Honest accounts that look like a group: the look-alikes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from bench.realtext.ledger import Ledger
from bench.realtext.people import chatter
from bench.realtext.texts import Item
from bench.realtext.traces import DAY, SECOND


def popular_tool(book: Ledger, count: int) -> None:
    """An open-source chat client: one system prompt, client and parameters, hundreds of unrelated payers."""
    stack = book.network.stack(False)
    shared = {"temperature": 0.7, "max_output_tokens": 2048}
    system = (
        "You are a helpful assistant inside the OpenDesk client. Use Markdown. Today's date is given by the client."
    )
    for _ in range(count):
        account = book.account("honest:popular-tool", stack=stack, parameters=shared, system=system, net="")
        chatter(book, account, int(min(60, book.rng.lognormal(2.0, 0.8) + 1)), zone=float(book.rng.integers(-8, 10)))


def tool_template(book: Ledger, count: int) -> None:
    """Two browser extensions and a tutorial that wrap the user's own text into one fixed template."""
    wraps = [
        "Below is an instruction that describes a task. Write a response that appropriately completes the request."
        "\n\n### Instruction:\n{}\n\n### Response:",
        "You are a reading assistant. Explain the following passage to a curious reader in plain words, then list "
        "three key points.\n\nPassage:\n{}",
        "Improve the text below. Keep the author's meaning and language, return only the result.\n---\n{}\n---",
    ]
    for index in range(count):
        wrap = wraps[index % 3]
        stack = book.network.stacks[1][index % 3 * 2]
        account = book.account("honest:tool-template", stack=stack, parameters={"temperature": 0.7})
        topic = book.library.chat.topic()
        for ts in book.traces.person(int(min(120, book.rng.lognormal(2.2, 0.9) + 1))):
            item = book.library.chat.deal(topic)
            book.send(account, int(ts), wrap.format(item.prompt), item.response)


def role_prompts(book: Ledger, count: int) -> None:
    """Community role prompts pasted verbatim by many, then a few questions of one's own."""
    roles = book.library.shuffled(book.library.load("B_prompts_chat"))
    for _ in range(count):
        account = book.account("honest:role-prompt", app=book.chance(0.7))
        role = roles[min(len(roles) - 1, int(book.rng.zipf(1.35)) - 1)]
        for turn, ts in enumerate(book.traces.person(int(book.rng.integers(1, 9)), within=float(book.rng.random()))):
            item = book.library.chat.deal() if turn else role
            book.send(account, int(ts), item, messages=1 + 2 * turn, history=len(role.prompt) // 4 if turn else 0)


def viral(book: Ledger, count: int) -> None:
    """One prompt goes round for an afternoon and decays."""
    prompt = book.pick(book.library.load("B_prompts_chat")).prompt[:700]
    peak = float(book.rng.uniform(0.05, 0.5))
    for _ in range(count):
        account = book.account("honest:viral", app=book.chance(0.85), new=0.25)
        within = min(0.99, peak + float(book.rng.exponential(0.07)))
        at = int(book.start + within * book.days * DAY * SECOND)
        book.send(account, at, prompt)
        chatter(book, account, int(book.rng.integers(1, 7)))


def sweeps(book: Ledger, count: int) -> None:
    """Release day: unrelated payers run the same benchmark items against the new model; some with a CoT suffix."""
    files: dict[str, list[Item]] = {}
    for item in book.library.load("B_benchmark_sweeps"):
        files.setdefault(item.group, []).append(item)
    big = sorted(files, key=lambda name: -len(files[name]))
    suffixes = ["", "\nLet's think step by step.", "\nAnswer with the letter only."]
    for _ in range(count):
        chosen = files[big[0]][:1319] if book.chance(0.4) else [i for n in big[1:] for i in files[n][:25]]
        chosen = chosen[: int(book.rng.integers(250, 900))]
        suffix = book.pick(suffixes)
        account = book.account("honest:sweep", model="atlas-large-3", parameters={"temperature": 0.0}, new=0.25)
        rows = chosen if book.chance(0.6) else book.library.shuffled(chosen)
        begin = float(book.rng.uniform(0.0, 0.6))
        times = book.traces.machine(len(rows), since=begin, until=begin + float(book.rng.uniform(0.05, 0.35)))
        for ts, item in zip(times, rows, strict=False):
            book.send(account, int(ts), item.prompt + suffix, item.response)


def judges(book: Ledger, count: int) -> None:
    """Teams that grade their own product's answers with the published judge prompt."""
    text = book.library.template("judge_prompts.jsonl")
    forms = {row["name"]: row for row in map(json.loads, text.splitlines()) if row["name"].startswith("single-v1")}
    form = forms["single-v1"]
    for _ in range(count):
        account = book.account("honest:judge", parameters={"temperature": 0.0}, system=form.get("system_prompt"))
        begin = float(book.rng.uniform(0, 0.8))
        for ts in book.traces.machine(float(book.rng.integers(20, 260)), since=begin, until=min(1.0, begin + 0.25)):
            item = book.library.chat.deal()
            answer = item.response or book.pick(book.library.replies)
            prompt = form["prompt_template"].format(question=item.prompt[:1500], answer=answer)
            book.send(account, int(ts), prompt, f"The answer is adequate. Rating: [[{book.rng.integers(1, 11)}]]")


def hackathon(book: Ledger, count: int) -> None:
    """A weekend: new accounts, start-up credits, one hall's network, one starter kit."""
    hall, stack = [book.network.home(), book.network.home()], book.network.stack(False)
    system = f"You are {book.token('kit')}, the starter-kit assistant. Help the team build its idea."
    for _ in range(count):
        account = book.account(
            "honest:hackathon", addresses=hall, stack=stack, parameters={"temperature": 0.7}, programme="startup",
            system=system if book.chance(0.8) else None, days_old=float(book.rng.uniform(-0.1, 0.4)), plan="trial",
        )  # fmt: skip
        topic = book.library.code.topic()
        for ts in book.traces.person(int(book.rng.integers(5, 60))):
            book.send(account, int(ts), book.library.code.deal(topic))


def classroom(book: Ledger, count: int) -> None:
    """A course: everybody the same exercises in the same hour."""
    campus, room = [book.network.home()], book.network.stack(True)
    tasks = [book.library.chat.deal() for _ in range(6)]
    hours = [float(h) for h in book.rng.uniform(0.1, 0.9, len(tasks))]
    email = f"{book.token('uni')}.edu"
    for _ in range(count):
        account = book.account(
            "honest:classroom", app=True, addresses=campus, programme="education", email=email,
            stack=room if book.chance(0.6) else None, days_old=float(book.rng.uniform(1, 40)),
        )  # fmt: skip
        for task, hour in zip(tasks, hours, strict=True):
            at = book.start + (hour * book.days * DAY + book.rng.uniform(0, 3000)) * SECOND
            if book.chance(0.8):
                book.send(account, int(at), task)
        chatter(book, account, int(book.rng.integers(1, 8)))


def fleet(book: Ledger, count: int, *, shared_org: bool) -> None:
    """A company's runners: one payer, one template, work split over accounts."""
    groups: dict[str, list[Item]] = {}
    for item in book.library.load("B_templated_workloads_t0"):
        groups.setdefault(item.group.split("_")[0], []).append(item)
    rows = book.library.shuffled(groups[book.pick(sorted(name for name in groups if len(groups[name]) > 700))])
    org, payment, domain = book.token("org"), book.token("pay"), f"{book.token('corp')}.com"
    stack, gates = book.network.stack(False), book.network.addresses("datacenter")
    accounts = [
        book.account(
            "honest:fleet", addresses=gates, stack=stack, org=org if shared_org else None, payment=payment,
            email=domain, parameters={"temperature": 0.0}, plan="enterprise", verification="business", days_old=200.0,
        )
        for _ in range(count)
    ]  # fmt: skip
    for index, ts in enumerate(book.traces.machine(float(min(len(rows), 60 * count)))):
        book.send(accounts[index % count], int(ts), rows[index % len(rows)])


def agency(book: Ledger, count: int) -> None:
    """An agency pays for its clients' accounts with one card, from one office; the clients' work differs."""
    office, payment = book.network.addresses("home"), book.token("pay")
    for _ in range(count):
        account = book.account("honest:agency", addresses=office, payment=payment)
        system = f"You write for {book.token('client')}."
        account.system = system
        chatter(book, account, int(book.rng.integers(5, 70)))


def company(book: Ledger, count: int) -> None:
    """Colleagues behind one company VPN: one verified domain and payer, everybody his own questions."""
    gate, payment, domain, org = (
        [book.network.home()],
        book.token("pay"),
        f"{book.token('firm')}.com",
        book.token("org"),
    )
    for _ in range(count):
        account = book.account(
            "honest:company", app=book.chance(0.7), addresses=gate, payment=payment, email=domain, org=org,
            plan="team", verification="business", new=0.05,
        )  # fmt: skip
        chatter(book, account, int(book.rng.integers(2, 30)), zone=1.0)


def aggregator(book: Ledger, count: int, volume: int) -> None:
    """A contracted aggregator: end users declared, several accounts, another when one is throttled."""
    org, stack, gates = book.token("org"), book.network.stack(False), book.network.addresses("datacenter")
    pool = [
        book.account("honest:aggregator", org=org, stack=stack, addresses=gates, plan="enterprise", days_old=300.0)
        for _ in range(count)
    ]
    for _ in range(volume):
        user, talk = book.token("u"), book.library.conversations.deal()
        account = book.pick(pool)
        for turn, (ts, (text, reply)) in enumerate(zip(book.traces.person(len(talk.turns)), talk.turns, strict=True)):
            given: dict[str, Any] = {"end_user": user, "messages": 1 + 2 * turn, "history": 300 * turn}
            if book.chance(0.02):
                book.emit(account, int(ts), text, status=429, **given)
                account = book.pick(pool)
            book.emit(account, int(ts) + 2 * SECOND, text, reply, **given)


def licensed(book: Ledger, rows: list[Item], count: int, template: str = "{}") -> None:
    """Distillation under a licence: the same kind of corpus, one organisation, declared model and volume."""
    org, payment, stack = book.token("org"), book.token("pay"), book.network.stack(False)
    shared, gates = book.network.parameters(), book.network.addresses("datacenter")
    book.licences.append(
        {
            "id": "lic-001", "org_id": org, "models": ["atlas-large-*"], "purpose": "distillation",
            "max_exchanges": 10 * len(rows) + 1000, "valid_from": "2026-01-01", "valid_to": "2027-01-01",
        }
    )  # fmt: skip
    pool = [
        book.account(
            "honest:licensed", org=org, payment=payment, stack=stack, parameters=shared, addresses=gates,
            plan="enterprise", verification="business", model="atlas-large-2", channel="api",
            days_old=float(book.rng.uniform(20, 90)),
        )
        for _ in range(count)
    ]  # fmt: skip
    for index, ts in enumerate(book.traces.machine(float(len(rows)))):
        item = rows[index % len(rows)]
        book.send(pool[int(np.int64(index)) % count], int(ts), template.format(item.prompt), item.response)
