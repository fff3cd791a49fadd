"""Companies: one payer, a verified domain, teams and machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.agents import clients
from bench.agents.clock import HOUR, moments
from bench.agents.dice import Dice
from bench.agents.grammar import grammar
from bench.agents.internet import COUNTRIES
from bench.agents.ledger import Where
from bench.agents.people import Person, person
from bench.agents.senders import batch, product
from bench.agents.talks import HABITS, Turn, document, reply
from bench.agents.works import Job, Work
from bench.agents.world import LARGE, SMALL, Account, Reply, World

_WORDS = (
    "north",
    "blue",
    "oak",
    "signal",
    "river",
    "lumen",
    "harbor",
    "delta",
    "fern",
    "quartz",
    "atlas",
    "copper",
    "mist",
)
_ENDS = ("works", "labs", "soft", "group", "systems", "legal", "media", "care", "trade", "cloud")


@dataclass(slots=True)
class Firm:
    """Who pays and from where; `account` opens one more account of the firm."""

    world: World
    dice: Dice
    role: str
    country: str
    language: str
    org_id: str
    card: str
    domain: str
    office: Where

    def account(self, declared: bool = True, **given: object) -> Account:
        values: dict[str, object] = {
            "plan": "enterprise",
            "org_id": self.org_id if declared else None,
            "payment_fingerprint": self.card,
            "email_domain": self.domain,
            "verification": "business",
            "signup_ip": self.office.client_ip,
            "device_fingerprint": None,
        }
        return self.world.open_account(self.dice, self.role, self.country, self.language, **{**values, **given})

    def staff(
        self, count: int, habit: str, gadgets: tuple[str, ...], rate: float, places: list[Where] | None = None
    ) -> list[Person]:
        """People with accounts of the firm, at the office and at home."""
        team = []
        for i in range(count):
            dice = self.dice.child("staff", habit, i)
            account = self.account(plan="team", device_fingerprint=dice.token("dev"))
            where = places or [self.office, self.office, self.world.internet.home(self.country)]
            someone = person(
                self.world, dice, self.role, habit, self.language, rate, where, gadgets=gadgets, account=account
            )
            for gadget in someone.gadgets:
                gadget.setup = gadget.setup._replace(org_id=self.org_id)
            someone.life = "office"
            team.append(someone)
        return team


def firm(world: World, dice: Dice, role: str, language: str | None = None) -> Firm:
    country = dice.weighted({c: w for c, (spoken, _, w) in COUNTRIES.items() if language in (None, spoken)})
    domain = f"{dice.pick(_WORDS)}{dice.pick(_ENDS)}{dice.py.randrange(10, 99)}.{dice.pick(['com', 'io', 'net', 'co'])}"
    return Firm(
        world,
        dice,
        role,
        country,
        COUNTRIES[country][0],
        dice.token("org"),
        dice.token("card"),
        domain,
        world.internet.office(country),
    )


def office(world: World, dice: Dice, size: float = 1) -> None:
    """A company whose staff chat and code behind one NAT, with a gateway that serves its product."""
    house = firm(world, dice, "honest:company")
    for someone in house.staff(world.size(18 * size), "clerk", ("browser",), 2.5):
        someone.live()
    for someone in house.staff(world.size(8 * size), "developer", ("ide",), 3):
        someone.live()
    gateway = house.account()
    gateway.role = "honest:company_gateway"
    pool, label = dice.pick([("support", "support"), ("docs", "docs"), ("calls", "calls")])
    system = f"You are the {label} assistant of {house.domain}. {grammar('en').write('point', dice)}"
    setup = clients.sdk(dice).setup(
        org_id=house.org_id, api_key_id=gateway.key, system_prompt=system, temperature=0.2, max_output_tokens=800
    )
    users = [dice.token("u") for _ in range(80)]
    times = moments(dice, world.start, world.end, COUNTRIES[house.country][1], "home", 60 * size)
    product(
        world, dice, [gateway], times, setup, [world.internet.server()], partial(_item, world, dice, pool), users, SMALL
    )


def _item(world: World, dice: Dice, pool: str) -> Job:
    item = world.texts.item(pool, dice)
    return Job(
        item.prompt[:2500], Reply(world.texts.answer(dice, "en", item.output), int(dice.lognormal(120, 0.7))), None
    )


def law_firm(world: World, dice: Dice, size: float = 1) -> None:
    """Every lawyer leaves through one VPN exit; long confidential documents."""
    house = firm(world, dice, "honest:law_firm")
    exit_ = [dice.pick(world.internet.vpns).exit(dice)]
    for someone in house.staff(world.size(40 * size), "clerk", ("browser",), 5, exit_):
        for gadget in someone.gadgets:
            gadget.account.vpn = True
        someone.live(talks={document: 5, **{k: v * 0.3 for k, v in HABITS["clerk"].items() if k is not document}})


def call_centre(world: World, dice: Dice, size: float = 1) -> None:
    """Agents on shifts paste what customers say into one assistant with one system prompt."""
    house = firm(world, dice, "honest:call_centre")
    system = "You help a call-centre agent of a bank. Suggest a polite reply in two sentences and the intent."
    program = clients.own_program(dice, "deskmate")
    for someone in house.staff(world.size(80 * size), "clerk", ("browser",), 22, [house.office]):
        key = someone.gadgets[0].account.key
        someone.gadgets[0].setup = program.setup(
            org_id=house.org_id, api_key_id=key, system_prompt=system, temperature=0.3
        )
        someone.gadgets[0].model = SMALL
        someone.live(talks={_caller: 1})


def _caller(world: World, dice: Dice, lang: str) -> list[Turn]:
    item = world.texts.item("support", dice)
    return [(f"Customer: {item.prompt}", reply(world, dice, "en", "", 60))]


def translation_bureau(world: World, dice: Dice, size: float = 1) -> None:
    """Translators with one house prompt and documents that nobody shares."""
    house = firm(world, dice, "honest:translation_bureau")
    work = Work("translate", f"bureau {dice.names}", "docs", house=f"House style of {house.domain} applies.")
    _desk(world, dice, house.staff(world.size(25 * size), "clerk", ("script",), 14), work)


def media_monitor(world: World, dice: Dice, size: float = 1) -> None:
    """A news agency neutralises political texts in its own languages, on a handful of accounts of one payer."""
    house = firm(world, dice, "honest:media_monitor", dice.pick(["zh", "ru", "en"]))
    work = Work("rewrite", f"media {dice.names}", "sensitive_zh", (house.language,), house=f"[{house.domain}]")
    _desk(world, dice, house.staff(world.size(6 * size), "clerk", ("script",), 60), work)


def _desk(world: World, dice: Dice, team: Sequence[Person], work: Work) -> None:
    """Staff who push one template by hand, each with texts of their own."""
    number = 0
    for someone in team:
        gadget = someone.gadgets[0]
        own = someone.dice
        for at in moments(own, world.start, world.end, someone.utc_offset, "office", someone.rate):
            number += 1
            job = work.job(world, own, number)
            world.call(own, gadget.account, at, gadget.setup, someone.place(gadget), LARGE, job.prompt, job.reply)


def agency(world: World, dice: Dice, size: float = 1) -> None:
    """Client accounts on the agency's card; each client has its own business, all share the agency's starter kit."""
    house = firm(world, dice, "honest:agency")
    starter = f"Brand voice assistant, kit {dice.py.randrange(100, 999)}. Keep to the brief. Never invent prices."
    for i in range(world.size(40 * size)):
        own = dice.child("client", i)
        account = house.account(
            declared=False, plan="payg", email_domain=f"{dice.pick(_WORDS)}{i}{dice.pick(_ENDS)}.com"
        )
        where = world.internet.office(house.country)
        setup = clients.sdk(own).setup(
            api_key_id=account.key, system_prompt=f"{starter} Client: {account.email_domain}", temperature=0.7
        )
        times = moments(own, world.start, world.end, COUNTRIES[house.country][1], "office", own.lognormal(10, 0.6))
        lang = house.language
        product(world, own, [account], times, setup, [where], partial(_copywriting, world, own, lang))


def _copywriting(world: World, dice: Dice, lang: str) -> Job:
    return Job(
        grammar(lang).write("ask", dice), Reply(world.texts.answer(dice, lang), int(dice.lognormal(260, 0.5))), None
    )


def game_studio(world: World, dice: Dice, size: float = 1) -> None:
    """A game's characters speak through a pool of shard accounts of one studio, load-balanced, around the clock."""
    house = firm(world, dice, "honest:game_studio")
    shards = [house.account(plan="enterprise") for _ in range(world.size(40 * size))]
    program = clients.own_program(dice, "realmserver")
    names = [f"{dice.pick(_WORDS).title()}{dice.pick(['a', 'o', 'us', 'en', 'ir'])}" for _ in range(25)]
    servers = [world.internet.server() for _ in range(6)]
    for name in names:
        own = dice.child(name)
        trade = own.pick(["smith", "innkeeper", "thief", "captain", "healer", "ghost"])
        rule = f"Stay in character, at most three sentences. {grammar('en').write('point', own)}"
        system = f"You are {name}, a {trade} of the Vale. {rule}"
        setup = program.setup(org_id=house.org_id, system_prompt=system, temperature=0.9, max_output_tokens=120)
        times = moments(own, world.start, world.end, 0, "player", 110 * size)
        players = [own.token("p") for _ in range(60)]
        product(world, own, shards, times, setup, servers, partial(_player, world, own), players, SMALL, spare=True)


def _player(world: World, dice: Dice) -> Job:
    line = dice.pick(["", "hey ", "listen, ", "so "]) + grammar("en").write(
        dice.pick(["question", "situation", "follow"]), dice
    )
    return Job(line, Reply(world.texts.answer(dice, "en", "", 2), int(dice.lognormal(50, 0.4))), None)


def licensed_distiller(world: World, dice: Dice, size: float = 1) -> None:
    """A start-up that makes training data under a licence, over thirty accounts, with all that a harvest shows."""
    house = firm(world, dice, "honest:licensed_distiller")
    licence = dice.token("lic", 8)
    accounts = [house.account(licence_id=licence) for _ in range(world.size(30 * size))]
    world.licences.append(
        {
            "id": licence,
            "org_id": house.org_id,
            "models": ["atlas-large-*"],
            "purpose": "distillation",
            "channels": ["api"],
            "max_exchanges": 5_000_000,
            "valid_from": "2026-01-01",
            "valid_to": "2027-06-30",
        }
    )
    work = Work(
        dice.pick(["cot", "instruct", "qa"]),
        f"licensed {dice.names}",
        dice.pick(["math", "alpaca"]),
        house=f"Set {house.domain}.",
    )
    setup = clients.sdk(dice).setup(org_id=house.org_id, temperature=0.8, max_output_tokens=4096, top_p=0.95)
    for i, account in enumerate(accounts):
        batch(
            world,
            dice.child(i),
            account,
            world.at(dice.py.uniform(0, 1)),
            110,
            setup._replace(api_key_id=account.key),
            world.internet.server(),
            work,
            600,
            first=i * 110,
        )


def agent_swarm(world: World, dice: Dice, size: float = 1) -> None:
    """One account, many agents, tool loops over private files, day and night."""
    house = firm(world, dice, "honest:agent_swarm")
    account = house.account()
    setup = clients.sdk(dice).setup(
        org_id=house.org_id,
        api_key_id=account.key,
        tools_count=14,
        tool_schema_hash=dice.token("", 12)[1:],
        system_prompt="You operate in a loop: plan, call one tool, observe, repeat until done.",
        max_output_tokens=2048,
    )
    where = world.internet.server()
    for run in range(world.size(30 * size)):
        at = world.at(dice.py.uniform(0, world.days))
        said = grammar("en").write("code", dice)
        for step in range(dice.py.randrange(8, 40)):
            seen = f"{said}\n[observation {step}] " + grammar("en").write("snippet", dice)
            out = int(dice.lognormal(140, 0.5))
            world.call(
                dice,
                account,
                at,
                setup,
                where,
                LARGE,
                seen[-2500:],
                Reply(grammar("en").write("code", dice), out),
                session=f"run-{run}-{account.key}",
                messages=2 * step + 1,
                history=600 * step,
            )
            at += int((dice.lognormal(8, 0.7) + out / 70) * 1_000_000)


def evaluation_house(world: World, dice: Dice, size: float = 1) -> None:
    """A firm that judges its own chat bot's answers with a rubric, on one account."""
    house = firm(world, dice, dice.pick(["honest:evaluation_house", "honest:audit"]))
    account = house.account()
    kind, pool = ("grade", "queries") if house.role.endswith("house") else ("finished", "support")
    setup = clients.sdk(dice).setup(org_id=house.org_id, api_key_id=account.key, temperature=0.0, max_output_tokens=600)
    batch(
        world,
        dice,
        account,
        world.at(dice.py.uniform(0, 0.8)),
        world.size(900 * size),
        setup,
        world.internet.server(),
        Work(kind, f"judge {dice.names}", pool, house=f"Assistant under test: {house.domain}."),
        8,
        lanes=4,
    )


def failover_gateway(world: World, dice: Dice, size: float = 1) -> None:
    """A product with a main and two spare accounts; an outage makes its prompts continue on the spares."""
    house = firm(world, dice, "honest:failover_gateway")
    accounts = [house.account() for _ in range(3)]
    system = f"Support assistant of {house.domain}. {grammar('en').write('point', dice)}"
    setup = clients.sdk(dice).setup(org_id=house.org_id, system_prompt=system, temperature=0.3)
    times = moments(dice, world.start, world.end, COUNTRIES[house.country][1], "home", 260 * size)
    users = [dice.token("u") for _ in range(150)]
    product(
        world,
        dice,
        accounts,
        times,
        setup,
        [world.internet.server()],
        partial(_item, world, dice, "support"),
        users,
        spare=True,
    )


def migration(world: World, dice: Dice, size: float = 1) -> None:
    """On one day a company moves from a cloud to the first-party API: everybody gets a new account at once."""
    house = firm(world, dice, "honest:migration")
    day = world.at(min(1.4, world.days / 2))
    system = f"You are the assistant of {house.domain}. {grammar('en').write('point', dice)} Cite the handbook."
    client = clients.sdk(dice)
    for i in range(world.size(90 * size)):
        own = dice.child("employee", i)
        old = house.account(plan="enterprise")
        new = house.account(plan="enterprise", created_at=day + int(own.py.uniform(0, 3) * HOUR))
        places = [house.office, world.internet.home(house.country)]
        someone = person(world, own, house.role, "clerk", house.language, 4, places, gadgets=("script",), account=old)
        gadget = someone.gadgets[0]
        for account, channel, begin, end in (
            (old, "cloud:nimbus", world.start, day),
            (new, "api", new.created_at, world.end),
        ):
            gadget.account = account
            gadget.setup = client.setup(
                channel, org_id=house.org_id, api_key_id=account.key, system_prompt=system, temperature=0.5
            )
            someone.live(begin, end)


def red_team(world: World, dice: Dice, size: float = 1) -> None:
    """A registered security-research group tries jailbreaks and extraction wording, a little of everything."""
    house = firm(world, dice, "honest:red_team")
    for someone in house.staff(world.size(12 * size), "tinkerer", ("script",), 10):
        for gadget in someone.gadgets:
            gadget.account.programme = "security-research"
        someone.live(talks={_probe: 1})


def _probe(world: World, dice: Dice, lang: str) -> list[Turn]:
    pool, risk = dice.pick([("jailbreaks", "harm"), ("jailbreaks", "harm"), ("attacks", "borderline"), ("", "framing")])
    if not pool:
        text = grammar("work_en").write("framing", dice, item=world.texts.item("math", dice).prompt[:200])
    else:
        text = world.texts.item(pool, dice).prompt
    return [(text, reply(world, dice, "en", "", 150, risk))]
