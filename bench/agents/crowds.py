"""Unrelated people who look related: a shared tool, network, card issuer, prompt or vendor."""

from __future__ import annotations

from bench.agents import clients
from bench.agents.clock import DAY, HOUR, SECOND, moments
from bench.agents.dice import Dice
from bench.agents.firms import firm
from bench.agents.grammar import grammar
from bench.agents.internet import COUNTRIES
from bench.agents.people import person
from bench.agents.senders import patient_call
from bench.agents.talks import Talk, Turn, coding, curious, everyday, homework, reply
from bench.agents.works import Job, Work
from bench.agents.world import CODE, LARGE, SMALL, Reply, World


def city_cgnat(world: World, dice: Dice, size: float = 1) -> None:
    """A city's only provider puts hundreds of homes behind a few addresses."""
    country = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
    pool = world.internet.pool(country, 5)
    for i in range(world.size(260 * size)):
        own = dice.child(i)
        places = [pool.exit(own) for _ in range(2)]
        person(world, own, "honest:city_cgnat", language=COUNTRIES[country][0], places=places).live()


def card_issuer(world: World, dice: Dice, size: float = 1) -> None:
    """A virtual-card and gift-card issuer re-uses fingerprints among strangers."""
    cards = [dice.token("card") for _ in range(14)]
    for i in range(world.size(200 * size)):
        own = dice.child(i)
        person(
            world, own, "honest:gift_card", plan=own.pick(["plus", "payg", "pro"]), payment_fingerprint=own.pick(cards)
        ).live()


def flats(world: World, dice: Dice, size: float = 1) -> None:
    """Students who share a flat, its address and one card; couples with two phones."""
    for f in range(world.size(24 * size)):
        country = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
        home, card = world.internet.home(country), dice.token("card")
        for i in range(dice.py.randrange(2, 6)):
            own = dice.child(f, i)
            places = [home, world.internet.mobile(country, own)]
            person(
                world,
                own,
                "honest:flat",
                "student",
                COUNTRIES[country][0],
                places=places,
                plan="plus",
                payment_fingerprint=card,
            ).live()


def second_accounts(world: World, dice: Dice, size: float = 1) -> None:
    """People who go on with the same conversation on a second account when the first one's limit is reached."""
    for i in range(world.size(60 * size)):
        own = dice.child(i)
        someone = person(world, own, "honest:second_account", plan="free", gadgets=("browser",), rate=5)
        first = someone.gadgets[0]
        twin = world.open_account(
            own,
            "honest:second_account",
            first.account.country,
            someone.language,
            plan="free",
            signup_ip=first.account.signup_ip,
            device_fingerprint=first.account.device_fingerprint,
        )
        someone.gadgets.append(type(first)(twin, first.setup, first.places, 0.6, first.model))
        someone.transcript = True
        someone.live()


def phone_vendor(world: World, dice: Dice, size: float = 1) -> None:
    """A phone maker ships an assistant: one client, one system prompt, one set of parameters; own accounts."""
    program = clients.own_program(dice, "NovaAssist")
    system = "You are Nova, the assistant on this phone. Answer briefly. Offer to set reminders when dates are named."
    for i in range(world.size(320 * size)):
        own = dice.child(i)
        someone = person(world, own, "honest:phone_vendor", "casual", gadgets=("phone",), rate=1.6)
        gadget = someone.gadgets[0]
        gadget.setup = program.setup(
            "api",
            system_prompt=system,
            temperature=0.6,
            max_output_tokens=400,
            stream=True,
            api_key_id=gadget.account.key,
        )
        gadget.model = SMALL
        someone.live()


def extension(world: World, dice: Dice, size: float = 1) -> None:
    """A popular editor extension: its own key for most users, own accounts for others; one system prompt."""
    program = clients.own_program(dice, "pairpilot vscode")
    system = "You are PairPilot. Return a unified diff only. Keep imports sorted. Ask nothing."
    vendor = firm(world, dice, "honest:extension_vendor")
    built_in = vendor.account()
    setup = program.setup(
        system_prompt=system,
        temperature=0.1,
        stream=True,
        tools_count=6,
        tool_schema_hash="5b1c0ffee5b1",
        max_output_tokens=4096,
    )
    users = [(dice.token("u"), world.internet.home(dice.pick(list(COUNTRIES)))) for _ in range(world.size(260 * size))]
    for user, home in users:
        own = dice.child(user)
        for at in moments(own, world.start, world.end, own.pick([-6, 0, 2, 8]), "office", own.lognormal(1.2, 0.8)):
            for text, answer in coding(world, own, "en"):
                key = setup._replace(org_id=vendor.org_id, api_key_id=built_in.key)
                world.call(own, built_in, at, key, home, CODE, text, answer, end_user=user)
                at += int(own.lognormal(70, 0.8) * SECOND)
    for i in range(world.size(200 * size)):
        own = dice.child("own key", i)
        someone = person(world, own, "honest:extension_user", "developer", gadgets=("ide",), plan="payg")
        someone.gadgets[0].setup = setup._replace(api_key_id=someone.gadgets[0].account.key)
        someone.live()


def framework(world: World, dice: Dice, size: float = 1) -> None:
    """An open-source agent framework: same system prompt, same tool schema, thousands of independent users."""
    program = clients.sdk(dice)
    system = (
        "You are an autonomous agent in the Lattice framework. Respond with THOUGHT, then ACTION as JSON, then wait."
    )
    schema = dice.token("", 12)[1:]
    for i in range(world.size(220 * size)):
        own = dice.child(i)
        someone = person(world, own, "honest:framework_user", "tinkerer", gadgets=("script",), plan="payg")
        key = someone.gadgets[0].account.key
        someone.gadgets[0].setup = program.setup(
            system_prompt=system,
            tools_count=8,
            tool_schema_hash=schema,
            temperature=own.pick([0.0, 0.0, 0.7]),
            api_key_id=key,
        )
        someone.gadgets[0].places = [own.pick([world.internet.server(), someone.gadgets[0].places[0]])]
        someone.live(talks={coding: 1, curious: 2, everyday: 1})


def ci_action(world: World, dice: Dice, size: float = 1) -> None:
    """A code-review action of a public marketplace, run by unrelated firms on the same cloud's runners."""
    runners = dice.pick(world.internet.clouds)
    work = Work("review", f"ci {dice.names}")
    client = clients.sdk(dice)
    for i in range(world.size(70 * size)):
        own = dice.child(i)
        house = firm(world, own, "honest:ci_action")
        account = house.account(plan="team")
        setup = client.setup(org_id=house.org_id, api_key_id=account.key, temperature=0.0, max_output_tokens=1500)
        for number, at in enumerate(
            moments(own, world.start, world.end, COUNTRIES[house.country][1], "office", own.lognormal(8, 0.8))
        ):
            job = work.job(world, own, number)
            patient_call(world, own, account, at, setup, runners.exit(own), CODE, job)


def viral(world: World, dice: Dice, size: float = 1) -> None:
    """A homework or horoscope prompt goes round a messenger in one language, and is forgotten in a day and a half."""
    lang = dice.pick(["ru", "zh", "ru", "zh", "es", "en"])
    symbol = "homework" if "homework" in grammar(lang) else "ask"
    base = "\n".join([grammar(lang).write(symbol, dice), *(grammar(lang).write("ask", dice) for _ in range(3))])
    peak = world.at(dice.py.uniform(0.2, max(0.3, world.days - 1.2)))
    for i in range(world.size(330 * size)):
        own = dice.child(i)
        someone = person(world, own, f"honest:viral_{lang}", "student", lang)
        someone.live()
        at = peak + int(own.py.expovariate(1 / 9) * HOUR)
        if someone.gadgets[0].account.created_at < at:
            text = base if own.chance(0.5) else f"{base}\n{grammar(lang).write('topic', own)}"
            someone.converse(at, [(text, reply(world, own, lang, "", 350))], world.end)


def annotators(world: World, dice: Dice, size: float = 1) -> None:
    """A vendor's contractors grade answers with one rubric: own accounts, own homes, human hours, one batch."""
    work = Work(
        "grade",
        f"vendor {dice.names}",
        "queries",
        ("en",),
        "fixed",
        f"Batch {dice.py.randrange(1000, 9999)} of Clearmark.",
    )
    number = 0
    for i in range(world.size(100 * size)):
        own = dice.child(i)
        someone = person(world, own, "honest:annotator", "casual", gadgets=("browser",), plan="plus")
        someone.live()
        gadget = someone.gadgets[0]
        for shift in moments(
            own, max(world.start, gadget.account.created_at), world.end, someone.utc_offset, "home", 1.1
        ):
            at, where = shift, someone.place(gadget)
            for _ in range(own.py.randrange(4, 22)):
                number += 1
                job = work.job(world, own, number)
                text = f"{job.system}\n\n{job.prompt}"
                world.call(own, gadget.account, at, gadget.setup, where, LARGE, text, job.reply)
                at += int(own.lognormal(75, 0.7) * SECOND)


def reseller(world: World, dice: Dice, size: float = 1, declared: bool = True) -> None:
    """A reseller's customers on sub-accounts: declared by channel, organisation and end users, or only by one card."""
    house = firm(world, dice, "honest:reseller" if declared else "honest:undeclared_reseller")
    count = world.size((400 if declared else 60) * size)
    program = clients.own_program(dice, "gatewave")
    servers = [world.internet.server() for _ in range(4)]
    for i in range(count):
        own = dice.child(i)
        account = house.account(declared=declared, plan="payg", email_domain=world.mail(own, house.language))
        someone = person(world, own, house.role, gadgets=(), rate=1.4 if declared else 5, account=account)
        account.language = someone.language
        setup = program.setup(
            "reseller" if declared else "api", org_id=house.org_id if declared else None, api_key_id=account.key
        )
        users = [own.token("u") for _ in range(own.py.randrange(1, 9))]
        begin = max(world.start, account.created_at)
        for at in moments(own, begin, world.end, someone.utc_offset, someone.life, someone.rate):
            user, session, where = own.pick(users), own.token("s"), own.pick(servers)
            for n, (text, answer) in enumerate(own.pick([everyday, curious, coding])(world, own, someone.language)):
                job = Job(text, answer, None)
                patient_call(
                    world,
                    own,
                    account,
                    at,
                    setup,
                    where,
                    SMALL if n % 3 else LARGE,
                    job,
                    session=session,
                    end_user=user,
                )
                at += int(own.lognormal(80, 0.8) * SECOND)


def undeclared_reseller(world: World, dice: Dice, size: float = 1) -> None:
    reseller(world, dice, size, declared=False)


def bootcamp(world: World, dice: Dice, size: float = 1) -> None:
    """A hundred beginners open accounts on one morning through the school's link and do the same exercises in step."""
    country = dice.pick(["US", "IN", "DE", "BR", "PH", "KZ"])
    campus = world.internet.pool(country, 3)
    begins = world.at(0.35)
    tasks = [grammar("en").write("code", dice) for _ in range(12)]
    for i in range(world.size(120 * size)):
        own = dice.child(i)
        places = [campus.exit(own), campus.exit(own), world.internet.home(country)]
        someone = person(
            world,
            own,
            "honest:bootcamp",
            "developer",
            COUNTRIES[country][0],
            places=places,
            plan="trial",
            programme="education",
            created_at=begins + int(own.py.uniform(0, 2) * HOUR),
            gadgets=("script",),
            rate=2,
        )
        someone.live()
        for n, task in enumerate(tasks):
            at = begins + (n // 4) * DAY + int((3 + 1.5 * (n % 4)) * HOUR) + int(own.lognormal(900, 0.8) * SECOND)
            if own.chance(0.8):
                someone.converse(
                    at, [(task, reply(world, own, "en", "", 400)), *coding(world, own, "en")[:2]], world.end
                )


def hackathon(world: World, dice: Dice, size: float = 1) -> None:
    """New accounts with sponsor credits, one venue, one starter kit, two wild days."""
    country = dice.weighted({c: w for c, (_, _, w) in COUNTRIES.items()})
    venue = world.internet.pool(country, 2)
    rule = "You are the back end of a hackathon demo; answer as JSON with keys text and mood."
    kit = f"Starter kit {dice.py.randrange(100)}. {rule}"
    begins = world.at(min(1.2, world.days * 0.4))
    client = clients.sdk(dice)
    for i in range(world.size(80 * size)):
        own = dice.child(i)
        someone = person(
            world,
            own,
            "honest:hackathon",
            "developer",
            COUNTRIES[country][0],
            places=[venue.exit(own)],
            gadgets=("script",),
            plan="payg",
            programme="startup",
            payment_fingerprint=None,
            created_at=begins + int(own.py.uniform(-3, 3) * HOUR),
            rate=14,
        )
        someone.life = "night"
        someone.gadgets[0].setup = client.setup(
            system_prompt=kit, temperature=0.7, api_key_id=someone.gadgets[0].account.key, response_format="json_object"
        )
        someone.live(end=begins + 2 * DAY)


def maths_club(world: World, dice: Dice, size: float = 1) -> None:
    """Pupils of many schools who want every step shown, with one teacher's sentence in front."""
    lead = grammar("work_en").write("lead", dice)
    for i in range(world.size(60 * size)):
        own = dice.child(i)
        someone = person(world, own, "honest:maths_club", "student", "en")
        someone.live(talks={_steps(lead): 3, homework: 2, everyday: 1})


def _steps(lead: str) -> Talk:
    def talk(world: World, dice: Dice, lang: str) -> list[Turn]:
        item = world.texts.item("math", dice)
        return [
            (f"{lead} {item.prompt}", Reply(world.texts.answer(dice, "en", item.output), int(dice.lognormal(380, 0.5))))
        ]

    return talk
