"""Programs that send on their own: batch jobs, product back ends, gateways. They back off when told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.agents.clock import SECOND
from bench.agents.dice import Dice
from bench.agents.ledger import Setup, Where
from bench.agents.works import Job, Work
from bench.agents.world import LARGE, Account, World


def with_job(setup: Setup, job: Job) -> Setup:
    """The setup a job asks for: its system prompt, tools and format."""
    return setup._replace(
        system_prompt=job.system if job.system is not None else setup.system_prompt,
        tools_count=job.tools if job.tools is not None else setup.tools_count,
        tool_schema_hash=job.schema or setup.tool_schema_hash,
        response_format=job.response_format or setup.response_format,
    )


def patient_call(
    world: World,
    dice: Dice,
    account: Account,
    at: int,
    setup: Setup,
    where: Where,
    model: str,
    job: Job,
    tries: int = 5,
    session: str | None = None,
    end_user: str | None = None,
    spare: Account | None = None,
) -> int:
    """Send with exponential back-off; a `spare` account of the same customer takes over after two failures.

    Returns the time at which the caller is free again.
    """
    for attempt in range(tries):
        owner = spare if spare is not None and attempt >= 2 else account
        key = setup if owner is account else setup._replace(api_key_id=owner.key)
        status = world.call(
            dice, owner, at, key, where, model, job.prompt, job.reply, session=session, end_user=end_user
        )
        if status == 200:
            return at + int((1 + job.reply.tokens / 75) * SECOND)
        at += int(2**attempt * 2 * SECOND * dice.lognormal(1, 0.3))
    return at


def batch(
    world: World,
    dice: Dice,
    account: Account,
    begin: int,
    count: int,
    setup: Setup,
    where: Where,
    work: Work,
    gap_s: float,
    first: int = 0,
    model: str = LARGE,
    lanes: int = 1,
) -> None:
    """A batch job of one account: `count` items from `first` on, over `lanes` parallel workers."""
    free = [begin + int(dice.py.random() * gap_s * SECOND) for _ in range(lanes)]
    for number in range(first, first + count):
        lane = min(range(lanes), key=free.__getitem__)
        job = work.job(world, dice, number, account=account.index)
        done = patient_call(world, dice, account, free[lane], with_job(setup, job), where, model, job)
        free[lane] = done + int(dice.lognormal(gap_s, 0.4) * SECOND)
        if free[lane] >= world.end:
            break


def product(
    world: World,
    dice: Dice,
    accounts: Sequence[Account],
    times: Sequence[int],
    setup: Setup,
    wheres: Sequence[Where],
    write: Callable[[], Job],
    users: Sequence[str] | None = None,
    model: str = LARGE,
    spare: bool = False,
) -> None:
    """A customer's back end: one request at each of `times`, from any of its accounts, for one of its users."""
    for at in times:
        account = dice.pick(accounts)
        other = dice.pick(accounts) if spare and len(accounts) > 1 else None
        user = dice.pick(users) if users else None
        job = write()
        key = with_job(setup, job)._replace(api_key_id=account.key)
        patient_call(world, dice, account, at, key, dice.pick(wheres), model, job, end_user=user, spare=other)
