"""The library's protocol with its inputs bounded: one side answers from a large set, the other asks with a small."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

import private_set_intersection.python as library

from stillwatch.domain.errors import InputError

FALSE_POSITIVES = 1e-6
"""Chance that one question of the largest size shows one identifier too many."""
POINT_BYTES = 33
_ELEMENT_BYTES = POINT_BYTES + 2
_OVERHEAD = 64


class Answering:
    """The side with the large set. Its key lives as long as this object does, and nowhere else."""

    def __init__(self, tokens: Sequence[str], largest: int) -> None:
        counting = library.server.CreateWithNewKey(False)
        self._by_purpose = {False: counting, True: library.server.CreateFromKey(counting.GetPrivateKeyBytes(), True)}
        self._largest = largest
        self._lock = threading.Lock()
        self.size = len(tokens)
        made = counting.CreateSetupMessage(FALSE_POSITIVES, largest, list(tokens), library.DataStructure.GCS)
        self.setup: bytes = made.SerializeToString()

    def answer(self, request: bytes, size: int, *, reveal: bool) -> bytes:
        """The second encryption of a request. In a count, the order of the answer says nothing."""
        found = _request(request, min(size, self._largest))
        if len(found.encrypted_elements) != size or found.reveal_intersection is not reveal:
            raise InputError("the request is not of the size and the kind that was announced", where="message")
        with self._lock:
            try:
                answer: bytes = self._by_purpose[reveal].ProcessRequest(found).SerializeToString()
            except RuntimeError as exc:
                raise InputError("the request holds something that is no point of the curve", where="message") from exc
        return answer


class Asking:
    """The side with the small set."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._counting = library.client.CreateWithNewKey(False)
        self._revealing = library.client.CreateFromKey(self._counting.GetPrivateKeyBytes(), True)
        self.tokens = sorted(tokens)

    def request(self, *, reveal: bool) -> bytes:
        """The blinded set; the same points both times, so that nobody can count one set and reveal another."""
        side = self._revealing if reveal else self._counting
        made: bytes = side.CreateRequest(self.tokens).SerializeToString()
        return made

    def count(self, setup: bytes, answer: bytes, theirs: int) -> int:
        """How many of our tokens are in the other set."""
        found = self._counting.GetIntersectionSize(self._setup(setup, theirs), self._answer(answer))
        return int(found)

    def common(self, setup: bytes, answer: bytes, theirs: int) -> list[str]:
        """Which ones."""
        found = self._revealing.GetIntersection(self._setup(setup, theirs), self._answer(answer))
        return sorted(self.tokens[i] for i in found)

    def _setup(self, data: bytes, theirs: int) -> library.ServerSetup:
        """A set that says yes to everything would make us reveal everything: its range must be as agreed."""
        setup = library.ServerSetup()
        try:
            setup.ParseFromString(data)
        except Exception as exc:  # the library's decoder raises its own kinds
            raise InputError("the other side's set cannot be read", where="message") from exc
        enough = theirs * len(self.tokens) / FALSE_POSITIVES * 0.5
        if not setup.HasField("gcs") or setup.gcs.hash_range < enough or len(data) > largest_payload(theirs):
            raise InputError("the other side's set is not made as it was agreed", where="message")
        return setup

    def _answer(self, data: bytes) -> library.Response:
        answer = library.Response()
        try:
            answer.ParseFromString(data)
        except Exception as exc:
            raise InputError("the answer cannot be read", where="message") from exc
        if len(answer.encrypted_elements) != len(self.tokens):
            raise InputError("the answer is not as long as the question", where="message")
        return answer


def points(request: bytes, most: int) -> str:
    """A digest of a request's points: the same set, blinded by the same key, has the same one."""
    found = sorted(_request(request, most).encrypted_elements)
    return hashlib.sha256(b"".join(found)).hexdigest()


def _request(data: bytes, most: int) -> library.Request:
    if len(data) > most * _ELEMENT_BYTES + _OVERHEAD:
        raise InputError(f"the request holds more than {most:,} identifiers", where="message")
    found = library.Request()
    try:
        found.ParseFromString(data)
    except Exception as exc:
        raise InputError("the request cannot be read", where="message") from exc
    if any(len(element) != POINT_BYTES for element in found.encrypted_elements):
        raise InputError("the request holds something that is no point of the curve", where="message")
    return found


def largest_payload(size: int) -> int:
    """Bytes of a set of this size as the library sends it, at most."""
    return 16 * size + 1024
