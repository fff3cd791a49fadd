"""The HTTP connection: uvicorn's, with the client's certificate made known and with patience for a head limited."""

from __future__ import annotations

import asyncio
import ssl

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
"""From the first byte of a request (or from connecting) to the end of its head."""


class Connection(H11Protocol):
    """One connection. uvicorn limits how long a connection may idle, not how slowly a head may come."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            self._calm()
            scope["stillwatch.certificate"] = certificate
            await inner(scope, receive, send)

        self.app = app
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self.cycle is not None and self.cycle.response_complete:
            self._expect_head()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _calm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
