"""The rule by which campaigns are joined, and its control of false matches."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stillwatch.sharing.hub.correlate import correlate
from stillwatch.sharing.hub.parts import Part
from stillwatch.sharing.inbound.conditions import Atom

START = datetime(2026, 6, 15, tzinfo=UTC)


def part(
    org: str, place: set[int], work: set[int], *, stack: frozenset[int] = frozenset(), day: int = 0, name: str = ""
) -> Part:
    start = START + timedelta(days=day)
    sets = (
        frozenset(Atom(column, value) for value in values)
        for column, values in (("area", place), ("stack", stack), ("mark", work))
    )
    return Part(org, f"campaign--{org}-{name}", "amber", "c", start, start + timedelta(days=3), *sets)


def groups(*parts: Part) -> list[set[str]]:
    return [{parts[n].org for n in group} for group in correlate(parts).groups]


def test_the_same_work_from_the_same_places_is_one_campaign() -> None:
    assert groups(part("a", {1, 2}, {7, 8}), part("b", {2, 3}, {7, 8}), part("c", {9}, {10})) == [{"a", "b"}]


def test_one_kind_of_evidence_joins_nothing() -> None:
    assert groups(part("a", set(range(50)), {1}), part("b", set(range(50)), {2})) == []
    assert groups(part("a", {1}, set(range(50))), part("b", {2}, set(range(50)))) == []


def test_client_stacks_join_nothing() -> None:
    stack = frozenset(range(50))
    assert groups(part("a", {1, 2, 3}, {1}, stack=stack), part("b", {1, 2, 3}, {2}, stack=stack)) == []


def test_two_values_are_too_few() -> None:
    assert groups(part("a", {1}, {7}), part("b", {1}, {7})) == []
    assert groups(part("a", {1}, {7, 8}), part("b", {1}, {7, 8})) == [{"a", "b"}]


def test_campaigns_a_month_apart_are_not_joined() -> None:
    assert groups(part("a", {1, 2}, {7}), part("b", {1, 2}, {7}, day=33)) == [{"a", "b"}]
    assert groups(part("a", {1, 2}, {7}), part("b", {1, 2}, {7}, day=34)) == []


def test_a_members_own_campaigns_are_its_own_business() -> None:
    assert groups(part("a", {1, 2}, {7, 8}, name="x"), part("a", {1, 2}, {7, 8}, name="y")) == []


def test_a_popular_proxy_and_a_published_prompt_join_nobody() -> None:
    """Ten operators behind one proxy service, with one published prompt: each has all the rest for itself."""
    many = [part(f"m{n}", {1, 100 + n}, {7, 200 + n}) for n in range(10)]
    found = correlate(many)
    assert found.groups == ()
    assert found.common == {Atom("area", 1), Atom("mark", 7)}
    three = [part(f"m{n}", {1, 2, 100 + n}, {7, 200 + n}) for n in range(10)]
    assert correlate(three).groups == ()


def test_a_campaign_that_many_members_see_is_not_taken_for_a_popular_value() -> None:
    many = [part(f"m{n}", {1, 2, 3}, {7, 8, 9}) for n in range(30)]
    found = correlate(many)
    assert [len(g) for g in found.groups] == [30]
    assert found.common == frozenset()


def test_a_common_value_does_not_take_a_real_campaign_apart() -> None:
    real = [part(name, {1, 2, 3}, {7, 8, 50}) for name in ("a", "b", "c")]
    others = [part(f"m{n}", {1, 100 + n}, {50, 200 + n}) for n in range(5)]
    found = correlate([*real, *others])
    assert found.groups == ((0, 1, 2),)
    assert Atom("area", 1) in found.common


def test_one_member_cannot_part_a_campaign_by_copying_its_values() -> None:
    """Each value of a campaign of two providers stands in two made-up campaigns of a third: one voice, not three."""
    real = [part(name, {1, 2, 3}, {7, 8}) for name in ("a", "b")]
    place = [part("evil", {n}, {900 + n}, name=f"p{n}{m}") for n in (1, 2, 3) for m in "xy"]
    work = [part("evil", {900 + n}, {n}, name=f"w{n}{m}") for n in (7, 8) for m in "xy"]
    found = correlate([*real, *place, *work])
    assert found.groups == ((0, 1),)
    assert found.common == frozenset()


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_campaigns_does_not_matter(chance: random.Random) -> None:
    parts = [
        part(f"m{n}", {chance.randrange(8) for _ in range(4)}, {chance.randrange(8) for _ in range(4)}, name=str(n))
        for n in range(8)
    ]
    shuffled = parts.copy()
    chance.shuffle(shuffled)
    one, other = correlate(parts), correlate(shuffled)
    ids = [sorted(sorted(ps[n].id for n in g) for g in c.groups) for ps, c in ((parts, one), (shuffled, other))]
    assert ids[0] == ids[1]
    assert one.common == other.common


def test_false_matches_are_rare_where_values_are_shared_by_popularity() -> None:
    """Members × campaigns whose values come half from popular pools (Zipf), half are their own; one real campaign in
    four members. Counted over seeded worlds; `docs/sharing-server.md` quotes these figures."""
    false, found, pairs = 0, 0, 0
    for seed in range(20):
        chance = random.Random(seed)
        parts: list[Part] = []
        for member in range(8):
            for number in range(4):
                own = 1000 + 100 * (member * 4 + number)
                place = {_popular(chance) for _ in range(5)} | {own + k for k in range(5)}
                work = {_popular(chance) for _ in range(3)} | {own + k for k in range(5)}
                parts.append(part(f"m{member}", place, work, name=str(number)))
        real = [part(f"m{n}", {1, 2, 3, 9000, 9001}, {1, 9100, 9101}, name="real") for n in range(4)]
        result = correlate([*parts, *real])
        at = set(range(len(parts), len(parts) + 4))
        false += sum(not {m.one, m.other} <= at for m in result.matches)
        found += sum({m.one, m.other} <= at for m in result.matches)
        pairs += 32 * 28 // 2
    assert found == 20 * 6
    assert pairs == 8960
    assert false == 0


def _popular(chance: random.Random) -> int:
    """One of a hundred values, the n-th as common as 1/n."""
    return chance.choices(range(100), [1 / (n + 1) for n in range(100)])[0]
