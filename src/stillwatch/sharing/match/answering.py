"""The answering side: sessions of peers, each step allowed only after the one before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.envelope import Message, seal, unseal
from stillwatch.sharing.match.party import LEAST_SET, Party
from stillwatch.sharing.match.peers import Ledger, Peer
from stillwatch.sharing.match.psi import Answering, points
from stillwatch.sharing.match.tokens import Scope

MOST_SESSIONS = 64
LIFETIME = timedelta(hours=1)


class Effects(NamedTuple):
    """What comes from outside: the clock, session names, and a place for the record of what was said."""

    now: Callable[[], datetime]
    fresh: Callable[[], str]
    """An unguessable name."""
    record: Callable[[Mapping[str, Any]], None]


class Session:
    """One question of one peer. ``step``: hello, counted, claimed, revealed, done."""

    def __init__(self, peer: Peer, size: int, commitment: str, consents_from: int, until: datetime) -> None:
        self.peer, self.size, self.commitment = peer, size, commitment
        self.consents_from, self.until = consents_from, until
        self.step = "hello"
        self.points = ""
        self.count = -1


class Answerer:
    """All sessions. Methods take and give the bytes of messages; :class:`InputError` is a refusal with its reason."""

    def __init__(self, party: Party, answering: Answering, peers: Mapping[str, Peer], ledger: Ledger, largest: int,
                 effects: Effects) -> None:  # fmt: skip
        self._party, self._answering, self._peers = party, answering, peers
        self._ledger, self._largest, self._effects = ledger, largest, effects
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def hello(self, data: bytes) -> bytes:
        """A peer says who it is, what it asks about and from which set; it gets a session, our word and our set."""
        message = unseal(data, self._party.signer, "hello")
        peer = self._peers.get(message.signer)
        if peer is None:
            raise InputError("the signer is no peer of ours", where="message")
        about = Scope(message.text("purpose"), message.text("epoch"), message.text("kind"))
        if about != self._party.about:
            raise InputError("we answer for another purpose, epoch or kind", where="message")
        size = message.number("size", 1 << 40)
        if not LEAST_SET <= size <= self._largest:
            raise InputError(f"questions have {LEAST_SET:,} to {self._largest:,} identifiers", where="message")
        consents_from = -1 if message.body.get("consents_from") == -1 else message.number("consents_from", 1 << 40)
        session = Session(peer, size, message.text("commitment"), consents_from, self._effects.now() + LIFETIME)
        with self._lock:
            self._forget()
            if len(self._sessions) >= MOST_SESSIONS:
                raise InputError("too many questions are open; ask later", where="sessions")
            self._ledger.spend(peer, about, size, self._effects.now())
            name = self._effects.fresh()
            self._sessions[name] = session
        self._effects.record({"session": name, "peer": peer.name, "step": "hello", "size": size,
                              "commitment": session.commitment, "word": message.word})  # fmt: skip
        return self._say("welcome", session, name, {**self._party.introduction(), "largest": self._largest,
                                           "echo": message.text("nonce")}, self._answering.setup)  # fmt: skip

    def count(self, data: bytes) -> bytes:
        """The peer's blinded set, encrypted once more and shuffled: it learns how many are common."""
        message, name, session = self._step(data, "count", "hello")
        session.points = points(message.payload, session.size)
        answer = self._answering.answer(message.payload, session.size, reveal=False)
        session.step = "counted"
        return self._say("counted", session, name, {}, answer)

    def claim(self, data: bytes) -> bytes:
        """The peer says how many it found; we say whether both consent to go on. Its word is checked if we do."""
        message, name, session = self._step(data, "claim", "counted")
        session.count = message.number("count", session.size)
        session.step = "claimed"
        agreed = self._agreed(session)
        self._effects.record({"session": name, "peer": session.peer.name, "step": "counted", "count": session.count,
                              "both_consent": agreed, "consent_by": self._consents(),
                              "word": message.word})  # fmt: skip
        return self._say("consent", session, name, {"both_consent": agreed})

    def reveal(self, data: bytes) -> bytes:
        """The same blinded set, answered in order: the peer learns which. Only where both consented."""
        message, name, session = self._step(data, "reveal", "claimed")
        if not self._agreed(session):
            raise InputError("not both sides consent to reveal this many", where="consent")
        if points(message.payload, session.size) != session.points:
            raise InputError("this is another set than the one that was counted", where="message")
        answer = self._answering.answer(message.payload, session.size, reveal=True)
        session.step = "revealed"
        return self._say("revealed", session, name, {}, answer)

    def common(self, data: bytes) -> bytes:
        """The peer says which it found, and we learn them too. What it claimed before must have been true."""
        message, name, session = self._step(data, "common", "revealed")
        listed = message.payload.decode("ascii", "replace").split()
        known = [token for token in dict.fromkeys(listed) if token in self._party.identifiers]
        kept = len(known) == len(listed) == session.count
        session.step = "done"
        self._effects.record({"session": name, "peer": session.peer.name, "step": "revealed", "common": len(known),
                              "kept_its_word": kept, "tokens": sorted(known), "word": message.word})  # fmt: skip
        if not kept:
            raise InputError("what was revealed is not what was claimed; both are signed", where="message")
        return self._say("done", session, name, {"common": len(known)})

    def _consents(self) -> str | None:
        return None if self._party.consent is None else self._party.consent.by

    def _agreed(self, session: Session) -> bool:
        """Both sides consented, and to this few."""
        ours = self._party.consent
        if ours is None or session.consents_from < 0:
            return False
        return session.count >= max(ours.at_least, session.consents_from)

    def _step(self, data: bytes, kind: str, after: str) -> tuple[Message, str, Session]:
        message = unseal(data, self._party.signer, kind)
        name = message.text("session")
        with self._lock:
            self._forget()
            session = self._sessions.get(name)
            if session is None or session.peer.key.lower() != message.signer:
                raise InputError("there is no such session", where="message")
            if session.step != after:
                raise InputError(f"{kind} does not follow {session.step}", where="message")
            session.step = f"{kind} …"  # nothing else may happen meanwhile; a failure ends the session
        return message, name, session

    def _forget(self) -> None:
        now = self._effects.now()
        for name in [n for n, s in self._sessions.items() if s.until < now or s.step == "done"]:
            del self._sessions[name]

    def _say(self, kind: str, session: Session, name: str, body: Mapping[str, Any], payload: bytes = b"") -> bytes:
        return seal(self._party.key, session.peer.key, {**body, "message": kind, "session": name}, payload)
