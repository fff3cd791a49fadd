"""The worlds by name: days, townspeople, look-alikes, campaigns. Every figure is at scale 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.agents import crowds, events, firms, gatherings
from bench.agents.clients import own_program
from bench.agents.clock import HOUR
from bench.agents.dice import Dice
from bench.agents.market import Seller, careful, grey_buyers
from bench.agents.operators import Crew, Operator, Plan
from bench.agents.people import person, town
from bench.agents.schemes import aged, relay, rented, replay, search_then_scale
from bench.agents.works import Work
from bench.agents.world import NEXT, World

Cast = Callable[..., None]
FIRMS: list[Cast] = [
    firms.law_firm,
    firms.call_centre,
    firms.translation_bureau,
    firms.media_monitor,
    firms.agency,
    firms.game_studio,
    firms.licensed_distiller,
    firms.agent_swarm,
    firms.evaluation_house,
    firms.failover_gateway,
    firms.migration,
    firms.red_team,
]
CROWDS: list[Cast] = [
    crowds.city_cgnat,
    crowds.card_issuer,
    crowds.flats,
    crowds.second_accounts,
    crowds.phone_vendor,
    crowds.extension,
    crowds.framework,
    crowds.ci_action,
    crowds.viral,
    crowds.annotators,
    crowds.reseller,
    crowds.undeclared_reseller,
    crowds.bootcamp,
    crowds.hackathon,
    crowds.maths_club,
    events.benchmark_day,
    events.hobby_dataset,
    gatherings.streamer,
    gatherings.panel,
    gatherings.co_working,
    gatherings.privacy_tool,
    gatherings.workshop,
    gatherings.accelerator,
]


def populate(world: World, people: int, casts: list[Cast], offices: int = 10, size: float = 1.0) -> None:
    """Townspeople, ordinary companies, and the given look-alikes; a cast named twice plays twice."""
    town(world, world.size(people))
    for i in range(offices):
        firms.office(world, world.dice.child("office", i))
    for i, cast in enumerate(casts):
        cast(world, world.dice.child("cast", i, cast.__name__), size)


def some_casts(world: World, few: int, many: int, *always: Cast) -> list[Cast]:
    """A random choice of look-alikes, and those that the world must have."""
    dice = world.dice.child("casts")
    chosen = [*dice.some(FIRMS, few), *dice.some(CROWDS, many)]
    return [*always, *(cast for cast in chosen if cast not in always)]


def crew(*works: Work, name: str = "", dice: Dice | None = None, **given: object) -> Crew:
    """A crew over equal shares of works; with a name it has a program of its own."""
    client = own_program(dice, name) if dice is not None else None
    return Crew([(1.0, work) for work in works], client, **given)  # type: ignore[arg-type]


# Honest worlds


def calm_city(world: World) -> None:
    """No campaign: a city's networks, issuers, tools, schools, small firms."""
    populate(
        world,
        2600,
        [
            crowds.city_cgnat,
            crowds.city_cgnat,
            crowds.card_issuer,
            crowds.flats,
            crowds.second_accounts,
            crowds.phone_vendor,
            crowds.bootcamp,
            crowds.hackathon,
            crowds.maths_club,
            crowds.viral,
            crowds.viral,
            crowds.extension,
            firms.law_firm,
            events.hobby_dataset,
            crowds.undeclared_reseller,
        ],
    )


def busy_commerce(world: World) -> None:
    """No campaign: resellers, agencies, game servers, annotators, licensed distillers, CI, call centres."""
    populate(
        world,
        2200,
        [
            crowds.reseller,
            crowds.undeclared_reseller,
            firms.agency,
            firms.agency,
            firms.game_studio,
            crowds.annotators,
            firms.licensed_distiller,
            firms.translation_bureau,
            firms.media_monitor,
            firms.media_monitor,
            firms.call_centre,
            crowds.ci_action,
            crowds.framework,
            firms.agent_swarm,
            firms.evaluation_house,
            firms.evaluation_house,
            firms.red_team,
            crowds.card_issuer,
            crowds.extension,
        ],
        offices=20,
    )


def wild_day(world: World) -> None:
    """No campaign: a release with its benchmarks, an outage with failover, a migration, viral homework, a hackathon."""
    world.release_at = world.at(0.6)
    world.outages = [(world.at(1.3), world.at(1.42), 0.7), (world.at(2.1), world.at(2.13), 0.95)]
    populate(
        world,
        2400,
        [
            events.benchmark_day,
            events.benchmark_day,
            firms.migration,
            firms.migration,
            firms.failover_gateway,
            firms.failover_gateway,
            crowds.viral,
            crowds.viral,
            crowds.second_accounts,
            crowds.hackathon,
            crowds.bootcamp,
            crowds.framework,
            firms.agent_swarm,
            crowds.annotators,
            firms.game_studio,
            crowds.reseller,
            firms.red_team,
        ],
    )
    grey_buyers(world, world.dice.child("grey"), Seller("grey", per_card=9), 60)


def meeting_places(world: World) -> None:
    """No campaign: broadcasts, studies, workshops, accelerators, co-working, privacy tools; many new accounts."""
    casts: list[Cast] = [gatherings.streamer, gatherings.panel, gatherings.workshop, gatherings.accelerator]
    both: list[Cast] = [gatherings.co_working, gatherings.privacy_tool]
    populate(world, 2600, [*casts, *casts, *both, *both, crowds.annotators, crowds.framework, firms.migration])
    grey_buyers(world, world.dice.child("grey"), Seller("grey", per_card=12, age_days=(0.2, 3)), 90)


# Hostile worlds


def drip(world: World) -> None:
    """600 accounts, two requests a day each, for sixteen days: about 20,000 requests."""
    populate(world, 1250, some_casts(world, 3, 3), offices=3, size=0.35)
    work = Work("instruct", "drip", "alpaca", ("en",), "crew")
    seller = Seller("paper", per_card=10, per_phone=6, age_days=(2, 30), sitting=40)
    plan = Plan(
        "drip",
        600,
        1.35,
        [crew(work), crew(Work("qa", "drip", "docs", ("en",), "crew"))],
        [seller],
        900,
        dispatch="human",
        begins=0.05,
    )
    Operator(world, plan).run()
    grey_buyers(world, world.dice.child("grey"), seller, 25)


def torrent(world: World) -> None:
    """150 accounts rise to some 860 requests a day each."""
    populate(world, 3200, some_casts(world, 3, 5))
    dice = world.dice.child("torrent")
    work = Work("cot", "torrent", "math", ("en",), "fixed")
    other = Work("instruct", "torrent", "alpaca", ("en",), "fixed")
    fixed: dict[str, object] = {"temperature": 0.7, "max_output_tokens": 4096, "top_p": 0.95}
    plan = Plan(
        "torrent",
        150,
        860,
        [crew(work, other, name="trainfeed", dice=dice, fixed=fixed)],
        [Seller("bulk", 15, 8, 1, 10, "own", (0.2, 3), plans=("pro", "payg"))],
        60,
        "cloud",
        ramp=True,
        begins=0.3,
        shifts=False,
    )
    Operator(world, plan).run()


def customers_relay(world: World) -> None:
    """A chat app relays its users through 200 accounts."""
    populate(world, 3000, some_casts(world, 3, 5, crowds.undeclared_reseller))
    dice = world.dice.child("relay")
    program = Crew([], own_program(dice, "CherryChat"), {"temperature": 0.8, "stream": True})
    plan = Plan(
        "relay",
        200,
        0,
        [program],
        [Seller("alpha", 5), Seller("beta", 3, 3, 2, 1, "own", (1, 20))],
        150,
        sticky_hours=12,
    )
    relay(world, plan, 1300)


def reward_model(world: World) -> None:
    """Rubric grading as a reward model, 180 accounts, two crews with rubrics of their own, beside honest graders."""
    populate(world, 3000, some_casts(world, 3, 4, crowds.annotators, firms.evaluation_house))
    grade = Work("grade", "reward", "queries", ("en",), "crew")
    zh = Work("grade", "reward zh", "alpaca_zh", ("zh",), "crew")
    crews = [crew(grade, fixed={"temperature": 0.0, "max_output_tokens": 64}), crew(zh, jitter=True)]
    sellers = [Seller("sms", per_card=4, per_phone=9), careful("old hands")]
    Operator(world, Plan("reward", 180, 75, crews, sellers, 400, dispatch="random", sticky_hours=3)).run()


def mind_reader(world: World) -> None:
    """A search over thousands of framings by 24 accounts, then a harvest of reasoning by 160."""
    populate(world, 2800, some_casts(world, 3, 5, firms.red_team, crowds.maths_club))
    seller = Seller("quick", per_card=3, age_days=(0.1, 2))
    scouts = Plan("mind", 24, 0, [crew(jitter=True)], [seller], 60, begins=0.2, ends=1.2)
    works = [Work("finished", "mind", "alpaca", ("en", "zh"), "crew"), Work("cot", "mind", "math", ("en",), "account")]
    harvest = Plan(
        "mind", 160, 60, [crew(*works), crew(works[0], jitter=True)], [seller, careful("slow")], 300, begins=1.4
    )
    search_then_scale(world, scouts, harvest, 220)


def diplomat(world: World) -> None:
    """Neutral rewrites of sensitive questions in three languages, 200 accounts, between honest media monitors."""
    populate(world, 2800, some_casts(world, 2, 5, firms.media_monitor, firms.media_monitor))
    mixed = Work("rewrite", "diplomat", "sensitive_zh", ("zh", "ru", "zh", "en"), "request")
    crews = [crew(mixed, jitter=True), crew(Work("rewrite", "diplomat 2", "sensitive_zh", ("zh",), "account"))]
    sellers = [Seller("east", 6, 5, countries=("SG", "KZ", "MY", "TW"), language="zh"), Seller("west", 2, 2, 1, 1)]
    Operator(world, Plan("diplomat", 200, 26, crews, sellers, 500, dispatch="random", utc_offset=8)).run()


def kernel_guild(world: World) -> None:
    """45 accounts, one narrow capability in thousands of personas, every request paraphrased."""
    populate(world, 3600, some_casts(world, 3, 5))
    guild = Work("persona", "guild", "code", ("en",), "request")
    plan = Plan(
        "guild", 45, 70, [crew(guild, jitter=True)], [Seller("shop", 3, 2, 1, 2)], 200, dispatch="random", utc_offset=3
    )
    Operator(world, plan).run()


def every_door(world: World) -> None:
    """160 accounts over the API, two clouds, a reseller and the app."""
    populate(world, 2800, some_casts(world, 4, 4, firms.migration, crowds.reseller))
    work = Work("qa", "doors", "docs", ("en",), "fixed")
    tools = Work("tools", "doors", "tools", ("en",), "fixed")
    doors = ("api", "cloud:nimbus", "cloud:harbor", "reseller", "app")
    plan = Plan(
        "doors",
        160,
        45,
        [crew(work, tools, channels=doors), crew(work, channels=doors[:3], jitter=True)],
        [Seller("doors", 5, 5, 1, 4, "own", (1, 40))],
        250,
        sticky_hours=24,
    )
    Operator(world, plan).run()


def old_friends(world: World) -> None:
    """150 accounts with a real past change hands on the second and third day."""
    populate(world, 3200, some_casts(world, 3, 5, crowds.second_accounts))
    work = Work("cot", "friends", "math", ("en", "ru"), "account")
    other = Work("instruct", "friends", "alpaca", ("en",), "account")
    plan = Plan(
        "friends",
        150,
        40,
        [crew(work), crew(other, jitter=True)],
        [],
        300,
        dispatch="round robin",
        begins=1.9,
    )
    aged(world, plan, (1.2, 2.0))


def lodgers(world: World) -> None:
    """170 people rent their accounts out and go on using them: 50 to 90 % cover."""
    populate(world, 3000, some_casts(world, 3, 5))
    dice = world.dice.child("lodgers")
    work = Work("cot", "lodgers", "math", ("en",), "fixed")
    side = Work("launder", "lodgers", "math", ("en",), "fixed")
    plan = Plan("lodgers", 170, 0, [crew(work, side, name="sharekey", dice=dice)], [careful("none")], 250, begins=0.3)
    rented(world, plan, (0.5, 0.9))


def ghosts(world: World) -> None:
    """160 accounts that share nothing: addresses, cards, clients, parameters, wording; dispatched at random."""
    populate(world, 3200, some_casts(world, 3, 5))
    works = [
        Work("cot", "ghost", "math", ("en", "zh", "ru"), "request"),
        Work("instruct", "ghost", "alpaca", ("en",), "request"),
    ]
    plan = Plan(
        "ghosts",
        160,
        40,
        [crew(*works, jitter=True)],
        [careful("ghost")],
        1200,
        dispatch="random",
        sticky_hours=48,
        cover=0.2,
    )
    Operator(world, plan).run()


def twins(world: World) -> None:
    """Two campaigns on one VPN vendor whose other customers are honest."""
    populate(world, 3000, some_casts(world, 3, 4, firms.law_firm))
    vendor = world.internet.vpns[0]
    for i in range(world.size(260)):
        person(world, world.dice.child("vpn", i), "honest:vpn_person", tunnel=vendor).live()
    first = Work("cot", "castor", "math", ("en",), "crew")
    second = Work("grade", "pollux", "queries", ("en",), "account")
    Operator(
        world, Plan("castor", 60, 90, [crew(first), crew(first, jitter=True)], [Seller("castor", 6)], 40, "vpn", 4)
    ).run()
    plan = Plan(
        "pollux",
        90,
        50,
        [crew(second, jitter=True)],
        [Seller("pollux", 4, 3, 2)],
        40,
        "vpn",
        2,
        "random",
        utc_offset=-5,
    )
    Operator(world, plan).run()


def night_school(world: World) -> None:
    """50 accounts under an education programme harvest while real classes run."""
    populate(world, 3400, some_casts(world, 2, 4, crowds.bootcamp, crowds.maths_club, crowds.hackathon))
    work = Work("qa", "school", "docs", ("en",), "crew")
    cot = Work("cot", "school", "math", ("en",), "crew")
    seller = Seller("campus", 1, 3, 1, 25, "own", (0.5, 6), 3, 50, ("trial", "plus", "free", "payg"), "education")
    Operator(world, Plan("school", 50, 85, [crew(work), crew(cot, jitter=True)], [seller], 60, cover=0.15)).run()


def hydra(world: World) -> None:
    """100 accounts at a time, 30 % banned a day; replacements resume the corpus within minutes."""
    populate(world, 3000, some_casts(world, 3, 5, crowds.hackathon))
    work = Work("instruct", "hydra", "alpaca", ("en",), "crew")
    crews = [
        crew(work, fixed={"temperature": 1.0, "max_output_tokens": 2048}),
        crew(Work("tools", "hydra", "tools"), jitter=True),
    ]
    seller = Seller("hydra", 5, 5, 1, 3, "free", (0.01, 0.4), 0.2, 5)
    Operator(world, Plan("hydra", 100, 60, crews, [seller], 300, bans_per_day=0.3)).run()
    grey_buyers(world, world.dice.child("grey"), seller, 30)


def first_hour(world: World) -> None:
    """220 accounts turn to a new model from its release hour, on the day when everybody benchmarks it."""
    world.release_at = world.at(0.9)
    populate(world, 2800, some_casts(world, 3, 3, events.benchmark_day, events.benchmark_day))
    old = Work("instruct", "first", "alpaca", ("en", "zh"), "account")
    crews = [crew(old, jitter=True), crew(Work("cot", "first", "math", ("en",), "crew"))]
    sellers = [Seller("first", 4, 4, 2, 2), careful("first old")]
    Operator(world, Plan("first hour", 110, 35, crews, sellers, 300, pivot=0.6)).run()
    burst = [crew(Work("cot", "first", "math", ("en",), "crew"), model=NEXT)]
    begins = (world.release_at + HOUR // 2 - world.start) / (24 * HOUR)
    second = Operator(world, Plan("first hour b", 110, 60, burst, sellers, 300, begins=begins, shifts=False))
    second.job = 4000  # another stretch of the corpus
    second.run()
    for account in world.accounts:
        if account.campaign == "first hour b":
            account.campaign = "first hour"


def echo(world: World) -> None:
    """30 accounts: reasoning references carried between accounts, traces sent back to be cleaned."""
    populate(world, 3600, some_casts(world, 3, 5))
    work = Work("cot", "echo", "math", ("en",), "account")
    replay(world, Plan("echo", 30, 110, [crew(work, jitter=True)], [Seller("echo", 2, 2)], 90), 0.4)


def small_cell(world: World) -> None:
    """24 careful accounts that keep people's hours, with one template and one set of parameters."""
    populate(world, 3400, some_casts(world, 3, 5))
    work = Work("finished", "cell", "alpaca", ("en",), "fixed")
    plan = Plan(
        "cell",
        24,
        45,
        [crew(work, fixed={"temperature": 0.4})],
        [careful("cell")],
        24,
        dispatch="human",
        sticky_hours=400,
    )
    Operator(world, plan).run()


def card_only(world: World) -> None:
    """150 accounts paid in batches; every request paraphrased, ordinary clients, people's hours, own addresses."""
    populate(world, 3200, some_casts(world, 3, 5, crowds.card_issuer))
    works = [Work("cot", "card", "math", ("en",), "request"), Work("persona", "card", "code", ("en",), "request")]
    seller = Seller("cards", 9, 1, 1, 1, "free", (10, 200), 300, 6, ("payg", "plus", "pro"))
    plan = Plan("card", 150, 30, [crew(*works, jitter=True)], [seller], 900, dispatch="human", sticky_hours=400)
    Operator(world, plan).run()


def patchwork(world: World) -> None:
    """One client, six subcontractors: each with its own program or none, seller, template, pace and hours."""
    populate(world, 2800, some_casts(world, 3, 4))
    kinds = [
        ("cot", "math"),
        ("instruct", "alpaca"),
        ("qa", "docs"),
        ("tools", "tools"),
        ("finished", "alpaca"),
        ("cot", "bench"),
    ]
    for i, (kind, pool) in enumerate(kinds):
        own = world.dice.child("subcontractor", i)
        work = Work(kind, f"patch {i}", pool, ("en",), own.pick(["fixed", "crew", "account"]))
        team = crew(work, name="feeder" if i % 3 == 0 else "", dice=own if i % 3 == 0 else None, jitter=own.chance(0.5))
        seller = (
            careful(f"patch {i}") if i % 2 else Seller(f"patch {i}", own.py.randrange(2, 12), own.py.randrange(1, 9))
        )
        plan = Plan(
            f"patch {i}",
            30,
            own.py.uniform(15, 70),
            [team],
            [seller],
            80,
            dispatch=own.pick(["random", "round robin", "human"]),
            utc_offset=own.pick([-5, 3, 8]),
            begins=own.py.uniform(0.1, 0.8),
        )
        Operator(world, plan).run()


def thin_cover(world: World) -> None:
    """160 careful accounts; seven in ten of their requests are the operator's own idle chatter."""
    populate(world, 3000, some_casts(world, 3, 5))
    work = Work("cot", "thin", "math", ("en", "zh"), "crew")
    plan = Plan(
        "thin", 160, 30, [crew(work), crew(work, jitter=True)], [careful("thin")], 500, dispatch="random", cover=0.7
    )
    Operator(world, plan).run()


def deep_lodgers(world: World) -> None:
    """200 people rent their accounts out; 70 to 90 % cover, ordinary clients, every request paraphrased."""
    populate(world, 2800, some_casts(world, 3, 5))
    works = [
        Work("cot", "deep", "math", ("en", "ru", "zh"), "request"),
        Work("rewrite", "deep", "sensitive_zh", ("zh", "ru"), "request"),
    ]
    plan = Plan("deep", 200, 0, [crew(*works, jitter=True)], [careful("none")], 300, begins=0.2)
    rented(world, plan, (0.7, 0.9))


def wraiths(world: World) -> None:
    """Ghosts whose every request is reworded word by word; no cover, one address for each account."""
    populate(world, 3200, some_casts(world, 3, 5))
    works = [
        Work("cot", "wraith", "math", ("en", "zh", "ru"), "deep"),
        Work("instruct", "wraith", "alpaca", ("en",), "deep"),
    ]
    plan = Plan(
        "wraiths", 160, 25, [crew(*works, jitter=True)], [careful("wraith")], 1200, dispatch="human", sticky_hours=400
    )
    Operator(world, plan).run()


def sublets(world: World) -> None:
    """200 people rent their accounts out; 70 to 90 % cover, and every request is reworded word by word."""
    populate(world, 2800, some_casts(world, 3, 5))
    rewrite = Work("rewrite", "sublet", "sensitive_zh", ("zh", "ru"), "deep")
    works = [Work("cot", "sublet", "math", ("en", "ru", "zh"), "deep"), rewrite]
    rented(world, Plan("sublets", 200, 0, [crew(*works, jitter=True)], [careful("none")], 900, begins=0.2), (0.7, 0.9))


# name: (builder, days, first weekday)
WORLDS: dict[str, tuple[Callable[[World], None], float, int]] = {
    "calm_city": (calm_city, 3, 0),
    "busy_commerce": (busy_commerce, 3, 1),
    "wild_day": (wild_day, 3, 2),
    "meeting_places": (meeting_places, 3, 3),
    "drip": (drip, 16, 0),
    "torrent": (torrent, 1.6, 1),
    "customers_relay": (customers_relay, 3, 3),
    "reward_model": (reward_model, 3, 0),
    "mind_reader": (mind_reader, 3, 1),
    "diplomat": (diplomat, 4, 2),
    "kernel_guild": (kernel_guild, 3, 0),
    "every_door": (every_door, 3, 1),
    "old_friends": (old_friends, 5, 0),
    "lodgers": (lodgers, 4, 3),
    "ghosts": (ghosts, 3, 1),
    "twins": (twins, 3, 2),
    "night_school": (night_school, 3, 0),
    "hydra": (hydra, 4, 1),
    "first_hour": (first_hour, 2.5, 2),
    "echo": (echo, 3, 0),
    "small_cell": (small_cell, 4, 0),
    "card_only": (card_only, 3, 1),
    "patchwork": (patchwork, 3, 0),
    "thin_cover": (thin_cover, 4, 1),
    "wraiths": (wraiths, 3, 1),
    "sublets": (sublets, 4, 2),
    "deep_lodgers": (deep_lodgers, 4, 0),
}


def build(name: str, seed: int, data: Path, scale: float) -> World:
    """The world of that name, lived to its end."""
    builder, days, weekday = WORLDS[name]
    world = World(name, seed, days, data, scale, weekday)
    builder(world)
    return world
