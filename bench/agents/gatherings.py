"""Honest people brought together by an evening, a study, a house or a privacy tool; many of them new."""

from __future__ import annotations

from bench.agents import clients
from bench.agents.clock import DAY, HOUR, SECOND
from bench.agents.dice import Dice
from bench.agents.firms import firm
from bench.agents.grammar import grammar
from bench.agents.internet import COUNTRIES
from bench.agents.people import person
from bench.agents.talks import Turn, coding, everyday, reply
from bench.agents.world import World


def streamer(world: World, dice: Dice, size: float = 1) -> None:
    """Viewers open trial accounts through one link during a broadcast and play one game in their own words."""
    lang = dice.pick(["en", "es", "ru", "pt", "ja"])
    evening = world.at(min(1.75, world.days * 0.6))
    game = f"You are the dungeon master. {' '.join(grammar(lang).write('situation', dice) for _ in range(3))}"

    def play(world: World, dice: Dice, lang: str) -> list[Turn]:
        moves = [
            grammar(lang).write(dice.pick(["question", "situation", "follow"]), dice)
            for _ in range(dice.py.randrange(3, 12))
        ]
        return [
            (f"{game}\n\n{moves[0]}", reply(world, dice, lang)),
            *((move, reply(world, dice, lang)) for move in moves[1:]),
        ]

    for i in range(world.size(220 * size)):
        own = dice.child(i)
        opened = evening + int(own.lognormal(0.7, 0.9) * HOUR)
        someone = person(
            world, own, "honest:streamer", "casual", lang, 1.2, plan="trial", programme="trial", created_at=opened
        )
        someone.converse(opened + int(own.lognormal(300, 0.7) * SECOND), play(world, own, lang), world.end)
        someone.live()


def panel(world: World, dice: Dice, size: float = 1) -> None:
    """A university pays for a study: participants get accounts made in one sitting and talk through one survey tool."""
    house = firm(world, dice, "honest:study_panel")
    tool = clients.own_program(dice, "surveychat")
    topic = grammar("en").write("topic", dice)
    rule = f"You interview the participant about {topic}. Ask one question at a time. Do not judge."
    made = world.at(-1.5)
    for i in range(world.size(90 * size)):
        own = dice.child(i)
        account = house.account(
            declared=False, plan="plus", programme="research", created_at=made + int(own.py.uniform(0, 2) * HOUR)
        )
        someone = person(world, own, house.role, "casual", house.language, 2.5, gadgets=("browser",), account=account)
        someone.gadgets[0].setup = tool.setup(system_prompt=rule, temperature=0.7, api_key_id=account.key)
        someone.live(talks={everyday: 1})


def co_working(world: World, dice: Dice, size: float = 1) -> None:
    """Strangers in one building behind one address, freelancers of every kind, some on the house's card."""
    country = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
    address, card = [world.internet.office(country)], dice.token("card")
    for i in range(world.size(110 * size)):
        own = dice.child(i)
        places = [*address, world.internet.home(country)]
        someone = person(world, own, "honest:co_working", language=COUNTRIES[country][0], places=places)
        if own.chance(0.2):
            someone.gadgets[0].account.payment_fingerprint = card
        someone.live()


def privacy_tool(world: World, dice: Dice, size: float = 1) -> None:
    """A privacy proxy gives all its users a few exits, one client string and no device data."""
    tool = clients.own_program(dice, f"Mozilla/5.0 (PrivateTab{dice.py.randrange(100)})")
    vendor = dice.pick(world.internet.vpns)
    for i in range(world.size(180 * size)):
        own = dice.child(i)
        someone = person(
            world, own, "honest:privacy_tool", tunnel=vendor, gadgets=("browser",), device_fingerprint=None
        )
        someone.gadgets[0].setup = tool.setup("app")
        someone.live()


def workshop(world: World, dice: Dice, size: float = 1) -> None:
    """A conference code lab: new trial accounts, one notebook, the same exercises for two hours, then silence."""
    country = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
    hall = world.internet.pool(country, 2)
    begins = world.at(min(1.4, world.days * 0.5))
    notebook = clients.sdk(dice).setup(
        temperature=0.0, max_output_tokens=1024, system_prompt=f"Notebook {dice.py.randrange(100)}: answer in Python."
    )
    tasks = [grammar("en").write("code", dice) for _ in range(8)]
    for i in range(world.size(70 * size)):
        own = dice.child(i)
        someone = person(
            world, own, "honest:workshop", "developer", COUNTRIES[country][0], 1.0, [hall.exit(own)],
            gadgets=("script",), plan="trial", programme="trial",
            created_at=begins - int(own.py.uniform(0, 0.5) * HOUR),
        )  # fmt: skip
        someone.gadgets[0].setup = notebook._replace(api_key_id=someone.gadgets[0].account.key)
        for n, task in enumerate(tasks):
            at = begins + n * 15 * 60 * SECOND + int(own.lognormal(240, 0.7) * SECOND)
            if own.chance(0.85):
                someone.converse(
                    at, [(task, reply(world, own, "en", "", 300)), *coding(world, own, "en")[1:2]], begins + DAY
                )


def accelerator(world: World, dice: Dice, size: float = 1) -> None:
    """Start-ups of one cohort: credits of one programme, cards of one bank, one boilerplate, different products."""
    boilerplate = f"Cohort {dice.py.randrange(2, 40)} boilerplate. {grammar('en').write('point', dice)} Product:"
    cards = [dice.token("card") for _ in range(5)]
    client = clients.sdk(dice)
    for i in range(world.size(22 * size)):
        own = dice.child(i)
        house = firm(world, own, "honest:accelerator")
        product = grammar("en").write("topic", own)
        for _ in range(own.py.randrange(2, 6)):
            account = house.account(
                plan="payg",
                programme="startup",
                payment_fingerprint=own.pick(cards),
                created_at=world.at(-own.py.uniform(1, 20)),
            )
            someone = person(
                world,
                own,
                house.role,
                "developer",
                house.language,
                9,
                [house.office],
                gadgets=("script",),
                account=account,
            )
            rule = f"{boilerplate} {product}"
            fixed = client.setup(org_id=house.org_id, api_key_id=account.key, system_prompt=rule, temperature=0.5)
            someone.gadgets[0].setup = fixed
            someone.live(talks={everyday: 2, coding: 1})
