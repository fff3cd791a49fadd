"""Our bounded parser accepts what the standard's grammar accepts, and says what a pattern asks for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.sharing.inbound.conditions import Atom, Condition, NotEvaluated, alternatives
from stillwatch.sharing.inbound.pattern import parse
from stillwatch.sharing.inbound.tokens import PatternSyntaxError
from tests.sharing.readers import run_validator

PATHS = st.sampled_from(
    [
        "ipv4-addr:value",
        "x-stillwatch-request:template_marks[*]",
        "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
        "process:command_line",
        "file:name",
    ]
)
LITERALS = st.sampled_from(["'a'", "'it\\'s'", "1", "-2", "3.5", "true", "t'2026-01-02T03:04:05Z'", "h'0a'", "b'YQ=='"])
TESTS = st.one_of(
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["=", "!=", "NOT =", "<", ">="]), LITERALS),
    st.builds("{} IN ({}, {})".format, PATHS, LITERALS, LITERALS),
    st.builds("{} {} {}".format, PATHS, st.sampled_from(["LIKE", "MATCHES", "ISSUBSET", "NOT ISSUPERSET"]), LITERALS),
    st.builds("EXISTS {}".format, PATHS),
    st.sampled_from(["a:b", "= 1", "file:name IN ()", "file:name = ", "file-name:x-y = 1", "'x':y = 1"]),
)
COMPARISONS = st.recursive(
    TESTS,
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR"]), inner) | st.builds("({})".format, inner)
    ),
    max_leaves=4,
)
OBSERVATIONS = st.recursive(
    st.builds("[{}]".format, COMPARISONS),
    lambda inner: (
        st.builds("{} {} {}".format, inner, st.sampled_from(["AND", "OR", "FOLLOWEDBY"]), inner)
        | st.builds("({})".format, inner)
        | st.builds(
            "{} {}".format,
            inner,
            st.sampled_from(
                ["WITHIN 5 SECONDS", "REPEATS 3 TIMES", "START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'"]
            ),
        )
    ),
    max_leaves=3,
)


def _ours(text: str) -> bool:
    try:
        parse(text)
    except PatternSyntaxError:
        return False
    return True


@settings(max_examples=60, deadline=None)
@given(OBSERVATIONS)
def test_it_agrees_with_the_reference_grammar(text: str) -> None:
    theirs = not run_validator(text, "2.1")
    assert _ours(text) == theirs, text


@given(st.text(alphabet="[]()'a:=.*, ANDORIN1\\", max_size=60))
def test_it_never_crashes(text: str) -> None:
    _ours(text)


def _asked(text: str) -> list[list[tuple[int, set[str]]]]:
    observation = parse(text).observation
    assert observation is not None
    return [[(c.need, {a.column for a in c.atoms}) for c in one] for one in alternatives(observation, (), 1.0)]


def test_patterns_become_conditions_on_columns() -> None:
    ip, asn = "ipv4-addr:value = '8.8.4.4'", "autonomous-system:number = 3407"
    agent = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'a/1'"
    assert _asked(f"[{ip}]") == [[(1, {"prefix4"})]]
    assert _asked(f"[{ip} OR {asn}]") == [[(1, {"prefix4"})], [(1, {"asn"})]]
    assert _asked(f"[({ip} OR {asn}) AND {agent}]") == [
        [(1, {"prefix4"}), (1, {"client"})],
        [(1, {"asn"}), (1, {"client"})],
    ]
    found = parse("[ipv4-addr:value IN ('8.8.4.0/24', '9.9.9.9')]").observation
    assert found is not None
    assert alternatives(found, (), 1.0) == (
        (Condition(1, (Atom("prefix4", 0x080804, 24), Atom("prefix4", 0x09090909, 32))),),
    )


def test_a_template_asks_for_half_of_its_marks() -> None:
    marks = tuple(f"{n:016x}" for n in range(1, 6))
    listed = ", ".join(f"'{mark}'" for mark in marks)
    found = parse(f"[x-stillwatch-request:template_marks[*] IN ({listed})]").observation
    assert found is not None
    ((condition,),) = alternatives(found, marks, 0.5)
    assert (condition.need, len(condition.atoms)) == (3, 5)
    with pytest.raises(NotEvaluated, match="not those of its pattern"):
        alternatives(found, marks[1:], 0.5)


@pytest.mark.parametrize(
    "text",
    [
        "[file:name = 'a']",
        "[ipv4-addr:value != '8.8.4.4']",
        "[ipv4-addr:value NOT = '8.8.4.4']",
        "[ipv4-addr:value LIKE '8.%']",
        "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' MATCHES '(a+)+$']",
        "[ipv4-addr:value = 'somewhere']",
        "[ipv4-addr:value ISSUBSET '0.0.0.0/0']",
        "[autonomous-system:number = -1]",
        "[x-stillwatch-request:system_skeleton = 'zz']",
        "[file:name ISSUBSET '8.8.4.0/24']",
        "[" + " AND ".join(["(autonomous-system:number = 1 OR autonomous-system:number = 2)"] * 9) + "]",
    ],
)
def test_what_a_log_cannot_tell_is_not_looked_for(text: str) -> None:
    observation = parse(text).observation
    assert observation is not None
    with pytest.raises(NotEvaluated):
        alternatives(observation, (), 1.0)


@pytest.mark.parametrize(
    "text", ["[a:b = 1] AND [a:c = 2]", "[a:b = 1] WITHIN 5 SECONDS", "([a:b = 1] REPEATS 2 TIMES)"]
)
def test_several_observations_are_read_but_not_looked_for(text: str) -> None:
    assert parse(text).observation is None
