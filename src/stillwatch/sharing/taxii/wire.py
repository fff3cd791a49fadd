"""The HTTP connection: uvicorn's, with the client's certificate made known and with bounded patience.

uvicorn limits how long a connection may idle. It does not limit how slowly a head may come, nor how slowly an answer is
taken: it hands a whole body to the transport, and a connection that is closing waits for ever for its last byte.
"""

from __future__ import annotations

import asyncio
import ssl

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
"""From the first byte of a request (or from connecting) to the end of its head."""
PIECE = 1 << 16
"""Bytes of an answer that are handed on at once: the next ones when these are on their way."""
CLOSING_S = 15.0
"""For the rest of an answer to be taken once the connection is to end; at most twice as long."""


class Connection(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None
    _watch: asyncio.TimerHandle | None = None
    _closing = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        inner: ASGIApp = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            self._calm()
            scope["stillwatch.certificate"] = certificate
            answer = _Answer(send)
            await inner(scope, receive, answer.send)
            if not answer.whole:  # given up: nobody waits for what is left of it
                self.transport.abort()

        self.app = app
        self._expect_head()
        self._watch = self.loop.call_later(CLOSING_S, self._look)

    def data_received(self, data: bytes) -> None:
        if self.cycle is not None and self.cycle.response_complete:
            self._expect_head()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _calm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _look(self) -> None:
        """End a connection that has been closing for too long."""
        if self._closing:
            self.transport.abort()
        self._closing = self.transport.is_closing()
        self._watch = self.loop.call_later(CLOSING_S, self._look)


class _Answer:
    """An answer on its way, in pieces, so that the pace of whoever takes it is felt by whoever makes it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.whole = False

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        for at in range(0, max(len(body), 1), PIECE):
            piece = body[at : at + PIECE]
            await self._send({**message, "body": piece, "more_body": more or at + PIECE < len(body)})
        self.whole = not more
