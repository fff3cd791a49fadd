"""An operator: buys accounts, rents exits, runs crews whose workers take jobs from one queue, replaces what is banned.

The truth label of its accounts is `hostile`. How it works is a `Plan`; what it sends is `works.Work`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.agents import clients
from bench.agents.clients import Client
from bench.agents.clock import DAY, HOUR, SECOND, moments, office_hours
from bench.agents.dice import Dice
from bench.agents.grammar import grammar
from bench.agents.ledger import Setup
from bench.agents.market import Proxies, Seller
from bench.agents.senders import with_job
from bench.agents.talks import HABITS
from bench.agents.works import Job, Work
from bench.agents.world import LARGE, Account, Reply, World


@dataclass
class Crew:
    """A subcontractor: its own code (client, parameters), work and pace."""

    works: list[tuple[float, Work]]
    client: Client | None = None  # None: every account has another, ordinary one
    fixed: dict[str, object] = field(default_factory=dict)
    jitter: bool = False  # parameters differ per account
    channels: tuple[str, ...] = ("api",)
    model: str = LARGE
    follows: float = 0.3  # how often a job has a second or third turn
    sessions: float = 0.3  # how often the program names the conversation

    def setup(self, dice: Dice, account: Account, number: int) -> Setup:
        client = self.client or clients.sdk(dice)
        values = dict(self.fixed)
        if self.jitter:
            values["temperature"] = dice.pick([None, 0.2, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
            values["max_output_tokens"] = dice.pick([None, 1024, 2048, 3000, 4096, 8192])
            values["stream"] = dice.pick([None, True, False])
            values["top_p"] = dice.pick([None, None, 0.9, 0.95])
        channel = self.channels[number % len(self.channels)]
        if channel == "app":
            return clients.browser(dice).setup("app")
        return client.setup(channel, api_key_id=account.key, **values)


@dataclass
class Plan:
    """One campaign."""

    name: str
    accounts: int
    per_day: float  # exchanges per account and day while running
    crews: list[Crew]
    sellers: list[Seller]
    exits: int = 200
    exit_kind: str = "residential"  # residential, vpn, cloud
    sticky_hours: float = 6
    dispatch: str = "round robin"  # round robin, random, human
    cover: float = 0.0  # share of the operator's own cover traffic
    begins: float = 0.1  # day
    ends: float = 99.0
    shifts: bool = True  # runs are started and watched in working hours
    utc_offset: int = 8
    ramp: bool = False
    bans_per_day: float = 0.0
    pivot: float | None = None  # share that moves to the new model within a day
    jitter: float = 0.4  # log-sigma of the pace


@dataclass
class Worker:
    """One account in use."""

    account: Account
    crew: int
    setup: Setup
    number: int


class Operator:
    def __init__(self, world: World, plan: Plan) -> None:
        self.world, self.plan = world, plan
        self.dice = world.dice.child("operator", plan.name)
        self.job = 0
        self.bought = 0
        if plan.exit_kind == "residential":
            exits = world.internet.residential(plan.exits, list(world.internet.providers))
        elif plan.exit_kind == "vpn":
            exits = [world.internet.vpns[0].exit(self.dice) for _ in range(plan.exits)]
        else:
            exits = [world.internet.server() for _ in range(plan.exits)]
        self.proxies = Proxies(exits, plan.sticky_hours)
        self.workers = self.buy(world.size(plan.accounts), world.at(plan.begins))

    def buy(self, count: int, at: int) -> list[Worker]:
        """Accounts from the sellers in turn, each given to a crew."""
        workers: list[Worker] = []
        sellers = self.plan.sellers
        for i, seller in enumerate(sellers):
            share = count // len(sellers) + (i < count % len(sellers))
            for account in seller.supply(self.world, self.dice, share, at, "hostile"):
                account.campaign = self.plan.name
                account.vpn = self.plan.exit_kind == "vpn"
                self.enlist(workers, account)
        return workers

    def enlist(self, workers: list[Worker], account: Account) -> Worker:
        crew = self.bought % len(self.plan.crews)
        own = self.dice.child("worker", self.bought)
        worker = Worker(account, crew, self.plan.crews[crew].setup(own, account, self.bought), self.bought)
        workers.append(worker)
        self.bought += 1
        return worker

    def send(self, worker: Worker, at: int, job: Job | None = None) -> tuple[int, Job]:
        """The next job of the queue (or a given one, again) on this account."""
        world, dice, crew = self.world, self.dice, self.plan.crews[worker.crew]
        where = self.proxies.exit(worker.account, at)
        model = world.model(dice, at, crew.model, 0.3 if self.plan.pivot is None else self.plan.pivot)
        if job is None and dice.chance(self.plan.cover):
            talk = dice.weighted(HABITS["casual"])(world, dice, worker.account.language)
            job = Job(talk[0][0], talk[0][1], None)
        elif job is None:
            work = dice.py.choices([w for _, w in crew.works], [share for share, _ in crew.works])[0]
            job = work.job(world, dice, self.job, worker.crew, worker.number)
            self.job += 1
        session = dice.token("s") if worker.setup.channel == "app" or dice.chance(crew.sessions) else None
        setup = worker.setup if worker.setup.channel == "app" else with_job(worker.setup, job)
        text = f"{job.system}\n\n{job.prompt}" if worker.setup.channel == "app" and job.system else job.prompt
        status = world.call(dice, worker.account, at, setup, where, model, text, job.reply, session=session)
        if status == 200 and dice.chance(crew.follows):
            self._follow(worker, at, setup, model, job, session)
        return status, job

    def _follow(self, worker: Worker, at: int, setup: Setup, model: str, job: Job, session: str | None) -> None:
        """Further turns on the same account."""
        world, dice = self.world, self.dice
        lang = worker.account.language if worker.account.language in ("zh", "ru") else "en"
        history = len(job.prompt) // 4 + job.reply.tokens
        for turn in range(1, 2 + dice.poisson(0.5)):
            at += int((job.reply.tokens / 70 + dice.lognormal(6, 0.8)) * SECOND)
            text = grammar(f"work_{lang}" if dice.chance(0.6) else lang).write("follow", dice)
            where = self.proxies.exit(worker.account, at)
            more = Reply(world.texts.answer(dice, lang), int(dice.lognormal(250, 0.6)))
            world.call(
                dice, worker.account, at, setup, where, model, text, more,
                session=session, messages=2 * turn + 1, history=history,
            )  # fmt: skip
            history += more.tokens

    def run(self) -> None:
        if self.plan.dispatch == "human":
            self._run_like_people()
        else:
            self._run_queue()

    def _run_like_people(self) -> None:
        """Every account keeps a person's hours of its own; jobs come from the common queue in order of time."""
        world, plan = self.world, self.plan
        begin, end = world.at(plan.begins), min(world.end, world.at(plan.ends))
        agenda: list[tuple[int, int]] = []
        for i, worker in enumerate(self.workers):
            own = self.dice.child("life", worker.number)
            hours = own.pick(("home", "office", "student", "night"))
            for at in moments(own, begin, end, own.py.randrange(-8, 10), hours, plan.per_day / 1.6):
                for _ in range(1 + own.poisson(0.6)):
                    agenda.append((at, i))
                    at += int(own.lognormal(120, 0.8) * SECOND)
        for at, i in sorted(agenda):
            status, job = self.send(self.workers[i], at)
            if status in (429, 500, 503, 529):
                self.send(self.workers[i], at + int(self.dice.lognormal(40, 0.5) * SECOND), job)

    def _run_queue(self) -> None:
        """Jobs leave at the group's pace; the dispatcher chooses accounts; failures move on to the next account."""
        world, plan, dice = self.world, self.plan, self.dice
        at, end = world.at(plan.begins), min(world.end, world.at(plan.ends))
        turn, swing, swing_until = 0, 1.0, at
        banned: set[int] = set()
        while at < end and self.workers:
            if at >= swing_until:
                swing = self._pace(at)
                swing_until = at + int(dice.py.uniform(0.5, 3) * HOUR)
            if swing == 0.0:
                at = swing_until
                continue
            growth = min(1.0, 0.25 + (at - world.at(plan.begins)) / (1.2 * DAY)) if plan.ramp else 1.0
            rate = len(self.workers) * plan.per_day * swing * growth / DAY
            at += max(
                1,
                int(
                    dice.py.expovariate(1.0) / rate
                    if plan.dispatch == "random"
                    else dice.lognormal(1 / rate, plan.jitter)
                ),
            )
            turn = (
                (turn + 1) % len(self.workers)
                if plan.dispatch == "round robin"
                else dice.py.randrange(len(self.workers))
            )
            worker = self.workers[turn]
            self._ban_some(worker, at, rate)
            status, job = self.send(worker, at)
            for attempt in range(4):
                if status in (200, 0):
                    break
                if status == 403 and worker.number not in banned:
                    banned.add(worker.number)
                    self._replace(worker, at)
                turn = (turn + 1) % len(self.workers)
                worker = self.workers[turn]
                status, _ = self.send(worker, at + int((attempt + 1) * dice.lognormal(3, 0.5) * SECOND), job)

    def _pace(self, at: int) -> float:
        """Pauses and swings: nobody starts runs at night, code crashes, budgets run out."""
        dice = self.dice
        if self.plan.shifts and not office_hours(at, self.plan.utc_offset, 8, 23):
            return dice.pick((0.0, 0.4, 0.8))
        return 0.0 if dice.chance(0.06) else dice.lognormal(1.1, 0.35)

    def _ban_some(self, worker: Worker, at: int, rate: float) -> None:
        """The provider bans a share of the accounts a day."""
        if self.plan.bans_per_day and worker.account.banned_at is None:
            per_use = self.plan.bans_per_day * len(self.workers) / (rate * DAY)
            if self.dice.chance(per_use):
                worker.account.banned_at = at

    def _replace(self, worker: Worker, at: int) -> None:
        """A new account takes the place, the setup and the work of the banned one."""
        fresh = self.plan.sellers[worker.number % len(self.plan.sellers)].supply(
            self.world, self.dice, 1, at, "hostile"
        )[0]
        fresh.campaign = self.plan.name
        place = self.workers.index(worker)
        successor = Worker(fresh, worker.crew, worker.setup._replace(api_key_id=fresh.key), self.bought)
        self.bought += 1
        self.workers[place] = successor
