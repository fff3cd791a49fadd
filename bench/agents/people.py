"""A person: a rhythm, gadgets, places, projects and one or more accounts; lives through the world's days."""

from __future__ import annotations

from dataclasses import dataclass

from bench.agents import clients
from bench.agents.clock import DAY, SECOND, moments
from bench.agents.dice import Dice
from bench.agents.grammar import grammar
from bench.agents.internet import COUNTRIES, LANGUAGE_COUNTRIES, Pool
from bench.agents.ledger import Setup, Where
from bench.agents.talks import HABITS, Talk, Turn, Voice, reply
from bench.agents.world import CODE, LARGE, SMALL, Account, World

_PAYING = ("plus", "payg", "payg", "pro")
_LIFE = {"student": "student", "developer": "office", "clerk": "office", "writer": "home", "tinkerer": "night"}


@dataclass(slots=True)
class Gadget:
    """A device or program on one of the person's accounts, and the networks it is used from."""

    account: Account
    setup: Setup
    places: list[Where]
    weight: float
    model: str


@dataclass
class Person:
    world: World
    dice: Dice
    habit: str
    life: str
    utc_offset: int
    language: str
    rate: float
    voice: Voice
    gadgets: list[Gadget]
    tunnel: Pool | None = None
    transcript: bool = False  # API programs send the whole conversation as one prompt
    gone: bool = False  # gave up after the account was closed

    def live(self, begin: int | None = None, end: int | None = None, talks: dict[Talk, float] | None = None) -> None:
        """Hold conversations in [begin, end)."""
        world, dice = self.world, self.dice
        begin = max(world.start if begin is None else begin, max(g.account.created_at for g in self.gadgets))
        end = world.end if end is None else end
        if begin >= end:
            return
        habits = talks or HABITS[self.habit]
        for at in moments(dice, begin, end, self.utc_offset, self.life, self.rate):
            if self.gone:
                return
            talk = dice.weighted(habits)
            self.converse(at, talk(world, dice, self.language), end)

    def converse(self, at: int, turns: list[Turn], end: int) -> None:
        """One conversation; on a failure the person tries again a few times, sometimes on another account."""
        world, dice = self.world, self.dice
        gadget = self._gadget()
        where = self.place(gadget)
        session = dice.token("s") if gadget.setup.channel == "app" or dice.chance(0.2) else None
        model = world.model(dice, at, gadget.model)
        history, said = 0, ""
        for number, (text, answer) in enumerate(turns):
            prompt = self.voice.say(text, dice) if number == 0 else text
            sent = f"{said}\n\nUser: {prompt}" if self.transcript and said else prompt
            for attempt in range(4):
                if at >= end:
                    return
                status = world.call(
                    dice,
                    gadget.account,
                    at,
                    gadget.setup,
                    where,
                    model,
                    sent,
                    answer,
                    session=session,
                    messages=2 * number + 1,
                    history=0 if self.transcript else history,
                )
                if status == 200:
                    break
                self.gone = status == 403 and dice.chance(0.4)
                at += int(dice.lognormal(15 * (attempt + 1), 0.7) * SECOND)
                if len(self.gadgets) > 1 and dice.chance(0.3):
                    gadget = self._gadget()
                if dice.chance(0.25):
                    return
            history += len(prompt) // 4 + answer.tokens
            said = (f"{said}\n\nUser: {prompt}\n\nAssistant: {answer.text}")[:6000]
            at += int((dice.lognormal(55, 0.9) + answer.tokens / 70) * SECOND)

    def _gadget(self) -> Gadget:
        if len(self.gadgets) == 1:
            return self.gadgets[0]
        return self.dice.py.choices(self.gadgets, [g.weight for g in self.gadgets])[0]

    def place(self, gadget: Gadget) -> Where:
        if self.tunnel is not None:
            return self.tunnel.exit(self.dice)
        return gadget.places[0] if len(gadget.places) == 1 or self.dice.chance(0.7) else self.dice.pick(gadget.places)


def gadget_for(world: World, dice: Dice, account: Account, kind: str, places: list[Where]) -> Gadget:
    """A phone, a browser, an IDE or a script, as people set them up."""
    model = LARGE if account.plan in ("pro", "plus", "payg", "team", "enterprise") and dice.chance(0.75) else SMALL
    if kind == "phone":
        return Gadget(account, clients.phone(dice).setup("app"), places, 1.0, model)
    if kind == "browser":
        return Gadget(account, clients.browser(dice).setup("app"), places, 1.0, model)
    if kind == "ide":
        setup = clients.ide(dice).setup(
            api_key_id=account.key,
            stream=True,
            temperature=dice.pick([None, 0.0, 0.2]),
            max_output_tokens=dice.pick([4096, 8192]),
            tools_count=dice.pick([0, 4, 9]),
        )
        return Gadget(account, setup, places, 1.0, CODE if dice.chance(0.5) else model)
    setup = clients.sdk(dice).setup(
        api_key_id=account.key,
        stream=dice.pick([None, True, False]),
        temperature=dice.pick([None, None, None, 0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        top_p=dice.pick([None, None, None, 0.9, 0.95]),
        max_output_tokens=dice.pick([None, None, 64, 512, 1024, 2048, 3000, 4096, 8192]),
        system_prompt=dice.pick(
            [None, None, None, "You are a helpful assistant.", f"Answer in {account.language}.", "Be concise."]
        ),
    )
    return Gadget(account, setup, places, 1.0, model)


def person(
    world: World,
    dice: Dice,
    role: str,
    habit: str | None = None,
    language: str | None = None,
    rate: float | None = None,
    places: list[Where] | None = None,
    tunnel: Pool | None = None,
    gadgets: tuple[str, ...] | None = None,
    account: Account | None = None,
    **given: object,
) -> Person:
    """A person with one account: the one given, or a new one with attributes overridden by `given`."""
    if language is None:
        country = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
        language = COUNTRIES[country][0] if dice.chance(0.93) else "en"
    else:
        country = dice.weighted(LANGUAGE_COUNTRIES[language])
    utc_offset = COUNTRIES[country][1]
    if habit is None:
        habit = dice.weighted({"casual": 50, "student": 17, "developer": 15, "clerk": 8, "writer": 6, "tinkerer": 4})
    if places is None:
        places = [world.internet.home(country)] + [
            world.internet.mobile(country, dice) for _ in range(dice.py.randrange(3))
        ]
    given.setdefault("signup_ip", places[0].client_ip if dice.chance(0.8) else world.internet.home(country).client_ip)
    if tunnel is not None:
        given.setdefault("vpn", True)
    if account is None:
        account = world.open_account(dice, role, country, language, **given)
    if gadgets is None:
        ways = {
            "developer": [("ide",), ("ide", "browser"), ("script",), ("script", "browser")],
            "tinkerer": [("script",), ("browser",), ("script", "browser")],
        }.get(habit, [("phone",), ("browser",), ("phone", "browser"), ("browser",)])
        gadgets = dice.pick(ways)
    kit = [gadget_for(world, dice, account, kind, places) for kind in gadgets]
    median = {"free": 1.1, "plus": 2.0, "pro": 4.0, "payg": 3.0}.get(account.plan, 1.5) if rate is None else rate
    return Person(
        world,
        dice,
        habit,
        _LIFE.get(habit, "home"),
        utc_offset,
        language,
        dice.lognormal(median, 0.7),
        Voice.of(dice),
        kit,
        tunnel,
        dice.chance(0.4) and "script" in gadgets,
    )


def automator(world: World, dice: Dice) -> Person:
    """Somebody whose script does one chore with one prompt of their own: mails, cells, posts."""
    someone = person(
        world, dice, "honest:automator", gadgets=("script",), rate=dice.lognormal(7, 0.9), plan=dice.pick(_PAYING)
    )
    someone.life = dice.pick(("machine", "home", "office", "night"))
    chore = grammar("en").write("chore", dice)
    gadget = someone.gadgets[0]
    if dice.chance(0.5):
        gadget.setup = gadget.setup._replace(
            system_prompt=chore, response_format=dice.pick([None, None, "json_object"])
        )
        chore = ""
    if dice.chance(0.4):
        gadget.places = [world.internet.server()]
    pool = dice.pick(["docs", "support", "calls", "queries", "wild", "tools", "alpaca", ""])

    def errand(world: World, dice: Dice, lang: str) -> list[Turn]:
        text = world.texts.item(pool, dice).prompt[:1800] if pool else grammar(lang).write("essay", dice)
        return [(f"{chore}\n\n{text}".strip(), reply(world, dice, lang, "", 90))]

    someone.live(talks={errand: 1})
    return someone


def town(world: World, count: int) -> None:
    """Ordinary people, one in five with a script, one in twelve behind a commercial VPN, some travelling."""
    for i in range(count):
        dice = world.dice.child("town", i)
        if dice.chance(0.2):
            automator(world, dice)
            continue
        tunnel = dice.pick(world.internet.vpns) if dice.chance(0.08) else None
        someone = person(world, dice, "honest:person" if tunnel is None else "honest:vpn_person", tunnel=tunnel)
        if dice.chance(0.015):  # card expired, or closed by mistake
            someone.gadgets[0].account.banned_at = world.at(dice.py.uniform(0, world.days))
        if dice.chance(0.03):  # travels: another country's networks from some day on
            away = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
            leaves = world.at(dice.py.uniform(0, world.days))
            someone.live(end=leaves)
            for gadget in someone.gadgets:
                gadget.places = [world.internet.home(away), world.internet.mobile(away, dice)]
            someone.utc_offset = COUNTRIES[away][1]
            someone.live(begin=leaves + DAY // 4)
        else:
            someone.live()
