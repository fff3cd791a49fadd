"""Days on which everybody does the same thing."""

from __future__ import annotations

from bench.agents import clients
from bench.agents.clock import HOUR, SECOND
from bench.agents.dice import Dice
from bench.agents.firms import firm
from bench.agents.people import person
from bench.agents.senders import batch, patient_call
from bench.agents.works import Job, Work
from bench.agents.world import LARGE, NEXT, Reply, World


def benchmark_day(world: World, dice: Dice, size: float = 1) -> None:
    """A model is out: unrelated payers run one harness over the same items, hobbyists and firms alike."""
    begins = world.release_at if world.release_at is not None else world.at(0.4)
    model = NEXT if world.release_at is not None else LARGE
    items = world.texts.pools["bench"][:: max(1, len(world.texts.pools["bench"]) // 70)][:60]
    lead = dice.pick(["Answer with one letter.\n\n", "The following is a multiple choice question.\n\n"])
    client = clients.sdk(dice)
    for i in range(world.size(110 * size)):
        own = dice.child(i)
        if own.chance(0.3):
            house = firm(world, own, "honest:benchmarker")
            account, where = house.account(plan="team"), world.internet.server()
        else:
            someone = person(world, own, "honest:benchmarker", "developer", gadgets=("script",), plan="payg")
            someone.live()
            account, where = someone.gadgets[0].account, someone.gadgets[0].places[0]
        setup = client.setup(api_key_id=account.key, temperature=0.0, max_output_tokens=own.pick([1, 16, 16, 1024]))
        at = max(begins, account.created_at) + int(own.py.expovariate(1 / 7) * HOUR)
        for item in items[: own.pick([20, 40, 60])]:
            job = Job(lead + item.prompt, Reply(own.pick("ABCD"), 4), None)
            at = patient_call(world, own, account, at, setup, where, model, job) + int(own.lognormal(4, 0.6) * SECOND)


def hobby_dataset(world: World, dice: Dice, size: float = 1) -> None:
    """Hobbyists who each make a small data set of their own from public instructions, one account each."""
    for i in range(world.size(14 * size)):
        own = dice.child(i)
        someone = person(world, own, "honest:hobby_dataset", "tinkerer", gadgets=("script",), plan="payg")
        someone.live()
        gadget = someone.gadgets[0]
        work = Work(
            own.pick(["instruct", "qa", "translate"]),
            f"hobby {dice.names} {i}",
            own.pick(["alpaca", "wild", "community"]),
        )
        first = own.py.randrange(500)
        batch(
            world,
            own,
            gadget.account,
            world.at(own.py.uniform(0, world.days - 0.3)),
            own.py.randrange(30, 140),
            gadget.setup,
            gadget.places[0],
            work,
            own.lognormal(20, 0.6),
            first=first,
        )
