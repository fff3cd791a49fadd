"""Answers that wait to be taken: so many of one member at a time, so that who reads slowly holds little memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOST_ANSWERS = 8
"""Of one member at the same time; further requests wait for their turn."""


class Turns:
    """Who is being answered. An answer with a page is some megabytes until it has been taken."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._of: dict[str, anyio.Semaphore] = {}

    async def answer(self, member: str, make: Callable[[], Awaitable[Response]]) -> Response:
        """What ``make`` makes, when it is the member's turn; the turn ends when the answer was sent or given up."""
        turn = self._of.setdefault(member, anyio.Semaphore(self._most))
        await turn.acquire()
        try:
            return _Ending(await make(), turn.release)
        except BaseException:
            turn.release()
            raise


class _Ending(Response):
    """An answer that says when it is over."""

    def __init__(self, inner: Response, end: Callable[[], None]) -> None:
        super().__init__()
        self._inner, self._end = inner, end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._inner(scope, receive, send)
        finally:
            self._end()
