"""The asking side: one question, from introduction to what is common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.envelope import Message, seal, unseal
from stillwatch.sharing.match.party import LEAST_SET, Party
from stillwatch.sharing.match.psi import Asking
from stillwatch.sharing.match.tokens import Scope

Post = Callable[[str, bytes], bytes]
"""(step, message) → answer."""


class Outcome(NamedTuple):
    """What the asking side learnt."""

    theirs: int
    """How many are in the other set, as they signed it."""
    their_commitment: str
    size: int
    """How many are in both."""
    revealed: bool
    common: list[str]
    """Identifiers in both sets; empty where nothing was revealed."""
    why: str
    """Why nothing was revealed."""


def ask(
    party: Party,
    their_key: str,
    post: Post,
    *,
    nonce: str,
    step: Callable[[str], None] = lambda _: None,
    record: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Outcome:
    """Count, and reveal where both sides consent to it. :class:`InputError` where the other side refuses or cheats."""
    if len(party.identifiers) < LEAST_SET:
        raise InputError(f"a question has at least {LEAST_SET:,} identifiers: a count would tell of single ones")
    step("blinding")
    asking = Asking(list(party.identifiers))
    talk = _Talk(party, their_key, post)
    step("introducing")
    welcome = talk.say("hello", "welcome", {**party.introduction(), "nonce": nonce})
    about = Scope(welcome.text("purpose"), welcome.text("epoch"), welcome.text("kind"))
    if about != party.about or welcome.text("echo") != nonce:
        raise InputError("the other side answers something else than was asked", where="welcome")
    talk.session = welcome.text("session")
    theirs, setup = welcome.number("size", 1 << 40), welcome.payload
    step("counting")
    answer = talk.say("count", "counted", {}, asking.request(reveal=False))
    count = asking.count(setup, answer.payload, theirs)
    by = None if party.consent is None else party.consent.by
    record(
        {
            "step": "counted",
            "count": count,
            "theirs": theirs,
            "commitment": welcome.text("commitment"),
            "consent_by": by,
            "word": welcome.word,
        }
    )
    agreed = talk.say("claim", "consent", {"count": count}).body.get("both_consent") is True
    why = (
        "we did not consent to reveal"
        if party.consent is None
        else "fewer are common than we consented to"
        if count < party.consent.at_least
        else "the other side does not consent"
        if not agreed
        else ""
    )
    if why:
        return Outcome(theirs, welcome.text("commitment"), count, False, [], why)
    step("revealing")
    answer = talk.say("reveal", "revealed", {}, asking.request(reveal=True))
    found = asking.common(setup, answer.payload, theirs)
    if len(found) != count:
        raise InputError("the other side answered otherwise when it counted", where="revealed")
    talk.say("common", "done", {}, "\n".join(found).encode("ascii"))
    record({"step": "revealed", "common": len(found), "tokens": found})
    return Outcome(theirs, welcome.text("commitment"), count, True, [party.identifiers[t] for t in found], "")


class _Talk:
    """One session with one other side, whose key is known beforehand."""

    def __init__(self, party: Party, their_key: str, post: Post) -> None:
        self._party, self._their_key, self._post = party, their_key.lower(), post
        self.session = ""

    def say(self, kind: str, expected: str, body: Mapping[str, Any], payload: bytes = b"") -> Message:
        sent = {**body, "message": kind} | ({"session": self.session} if self.session else {})
        asked = seal(self._party.key, self._their_key, sent, payload)
        answer = unseal(self._post(kind, asked), self._party.signer, expected)
        if answer.signer != self._their_key:
            raise InputError("the answer is signed by somebody else", where=expected)
        if self.session and answer.body.get("session") != self.session:
            raise InputError("the answer is of another session", where=expected)
        return answer
