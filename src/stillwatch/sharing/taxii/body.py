"""Reading a request's body: no more of it than is allowed, and not for longer than is fair."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from stillwatch.sharing.taxii.errors import RefusedError

WAIT_S = 30.0
"""From the end of the head to the end of the body."""
MOST_IN_FLIGHT = 256 << 20
"""Bytes of all bodies that are being read or worked on at the same time."""


class Bodies:
    """Reads bodies within a common allowance of memory."""

    def __init__(
        self, most: int, *, in_flight: int = MOST_IN_FLIGHT, wait_s: float = WAIT_S, limit: str = "max_content_length"
    ) -> None:
        self._most, self._free, self._wait_s, self._limit = most, max(in_flight, most), wait_s, limit

    @contextmanager
    def _room(self, size: int) -> Iterator[None]:
        if size > self._free:
            raise RefusedError(503, "The server is busy with other uploads.", headers=(("retry-after", "5"),))
        self._free -= size
        try:
            yield
        finally:
            self._free += size

    @contextmanager
    def room_for(self, request: Request) -> Iterator[int]:
        """Room for the body that is announced, or for the longest one; 413 before any of it is read."""
        announced = request.headers.get("content-length")
        if announced is not None and (not announced.isascii() or not announced.isdigit()):
            raise RefusedError(400, "Content-Length is not a number.")
        size = self._most if announced is None else int(announced)
        if size > self._most:
            raise self._too_large()
        with self._room(size):
            yield size

    async def read(self, request: Request, size: int) -> bytes:
        """The body, at most ``size`` bytes; 413 when it is longer, 408 when it does not come."""
        data = bytearray()
        try:
            async with asyncio.timeout(self._wait_s):
                async for chunk in request.stream():
                    data += chunk
                    if len(data) > size:
                        raise self._too_large()
        except TimeoutError as exc:
            raise RefusedError(408, f"The body did not come within {self._wait_s:g} seconds.") from exc
        except ClientDisconnect as exc:
            raise RefusedError(400, "The body ended early.") from exc
        return bytes(data)

    def _too_large(self) -> RefusedError:
        return RefusedError(413, f"The body is longer than {self._limit}, {self._most} bytes.")
