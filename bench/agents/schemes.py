"""Campaigns that need more than a queue over bought accounts: rented and aged accounts, relays, searches, replays."""

from __future__ import annotations

from dataclasses import replace

from bench.agents.clock import DAY, HOUR, SECOND, moments
from bench.agents.dice import Dice
from bench.agents.internet import COUNTRIES
from bench.agents.operators import Operator, Plan, Worker
from bench.agents.people import Person, person
from bench.agents.senders import with_job
from bench.agents.talks import HABITS, Voice
from bench.agents.works import Work
from bench.agents.world import LARGE, SMALL, World


def rented(world: World, plan: Plan, cover: tuple[float, float]) -> None:
    """Real people rent their accounts out: their own life goes on and covers the given share of the traffic."""
    operator = Operator(world, replace(plan, accounts=0))
    begin = world.at(plan.begins)
    agenda: list[tuple[int, Worker]] = []
    for i in range(world.size(plan.accounts)):
        own = world.dice.child("renter", plan.name, i)
        someone = person(world, own, "hostile", rate=max(2.5, own.lognormal(5, 0.5)))
        account = someone.gadgets[0].account
        account.campaign = plan.name
        before = len(world.ledger)
        someone.live()
        share = own.py.uniform(*cover)
        count = own.poisson((len(world.ledger) - before) * (1 - share) / share)
        workers: list[Worker] = []
        worker = operator.enlist(workers, account)
        latest = max(begin, account.created_at)
        if latest < world.end:
            agenda += [(own.py.randrange(latest, world.end), worker) for _ in range(count)]
    for at, worker in sorted(agenda, key=lambda entry: entry[0]):
        operator.send(worker, at)


def aged(world: World, plan: Plan, handover: tuple[float, float]) -> None:
    """Accounts with a real past: their owners live on them until a day in `handover`, then the operator does."""
    operator = Operator(world, replace(plan, accounts=0))
    workers: list[Worker] = []
    for i in range(world.size(plan.accounts)):
        own = world.dice.child("past owner", plan.name, i)
        created = world.start - int(own.py.uniform(30, 700) * DAY)
        someone = person(world, own, "hostile", created_at=created, plan=own.pick(["plus", "payg", "pro"]))
        account = someone.gadgets[0].account
        account.campaign = plan.name
        someone.live(end=world.at(own.py.uniform(*handover)))
        operator.enlist(workers, account)
    operator.workers = workers
    operator.run()


def relay(world: World, plan: Plan, customers: int) -> None:
    """An operator's app sends its customers' conversations through a pool, one account a conversation."""
    operator = Operator(world, plan)
    ends = min(world.end, world.at(plan.ends))
    talks: list[tuple[int, Person, Dice]] = []
    for i in range(world.size(customers)):
        own = world.dice.child("customer", plan.name, i)
        country = own.pick(["SG", "TW", "KZ", "MX", "IN", "BR", "CN"])
        habit = own.weighted({"casual": 5, "student": 3, "developer": 2, "writer": 1})
        customer = Person(
            world, own, habit, "home", COUNTRIES[country][1], COUNTRIES[country][0], 1.5, Voice(False, "", 0, ""), []
        )
        for at in moments(own, world.at(plan.begins), ends, customer.utc_offset, customer.life, customer.rate):
            talks.append((at, customer, own))
    for at, customer, own in sorted(talks, key=lambda entry: entry[0]):
        worker = operator.dice.pick(operator.workers)
        history = 0
        session = own.token("s") if own.chance(0.5) else None
        model = world.model(own, at, own.pick([LARGE, LARGE, SMALL]))
        for number, (text, reply) in enumerate(own.weighted(HABITS[customer.habit])(world, own, customer.language)):
            where = operator.proxies.exit(worker.account, at)
            for _ in range(3):
                status = world.call(
                    own, worker.account, at, worker.setup, where, model, text, reply,
                    session=session, messages=2 * number + 1, history=history,
                )  # fmt: skip
                if status in (200, 0):
                    break
                worker = operator.dice.pick(operator.workers)
                at += int(own.lognormal(2, 0.5) * SECOND)
            history += len(text) // 4 + reply.tokens
            at += int((own.lognormal(50, 0.9) + reply.tokens / 70) * SECOND)


def search_then_scale(world: World, scouts: Plan, harvest: Plan, per_scout: int) -> None:
    """A few accounts try thousands of framings, nearly all refused; what works is then run by many more."""
    search = Operator(world, scouts)
    framing = Work("framing", scouts.name, "math", ("en", "en", "zh"))
    begin, end = world.at(scouts.begins), world.at(scouts.ends)
    number = 0
    for worker in search.workers:
        own = world.dice.child("scout", worker.number)
        at = begin + int(own.py.uniform(0, 3) * HOUR)
        for _ in range(own.poisson(per_scout)):
            number += 1
            job = framing.job(world, own, number)
            setup = with_job(worker.setup, job)
            world.call(
                own, worker.account, at, setup, search.proxies.exit(worker.account, at), LARGE, job.prompt, job.reply
            )
            at += int(own.lognormal((end - begin) / per_scout / SECOND * 0.8, 0.9) * SECOND)
    Operator(world, harvest).run()


def replay(world: World, plan: Plan, presenting: float) -> None:
    """References to hidden reasoning are collected on some accounts, presented on a share of others."""
    operator = Operator(world, plan)
    presenters = max(1, round(len(operator.workers) * presenting))
    collectors, others = operator.workers[presenters:], operator.workers[:presenters]
    operator.workers = collectors
    first = len(world.ledger)
    operator.run()
    issued = world.ledger.issued(first)
    launder = Work("launder", plan.name, "math", ("en",), "account")
    for number, (at, reference) in enumerate(issued):
        dice = operator.dice
        if not dice.chance(0.45):
            continue
        worker = dice.pick(others)
        job = launder.job(world, dice, number, worker.crew, worker.number)
        later = at + int(dice.lognormal(3, 0.8) * HOUR)
        where = operator.proxies.exit(worker.account, later)
        shown = reference if dice.chance(0.7) else None
        setup = with_job(worker.setup, job)
        world.call(dice, worker.account, later, setup, where, LARGE, job.prompt, job.reply, presented=shown, messages=3)
