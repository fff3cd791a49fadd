"""The ASGI application: routes, and around them what holds for every request. Pure ASGI, no frameworks' middleware."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stillwatch.sharing.taxii.endpoints import Endpoints, answer
from stillwatch.sharing.taxii.errors import RefusedError
from stillwatch.sharing.taxii.media import check_accept

LOG = logging.getLogger("stillwatch.taxii")
REQUEST_S = 120.0
"""For a whole request, the sending of the answer included."""
DRAIN_S, DRAIN_BYTES = 1.0, 1 << 20
_SAFE = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
Endpoint = Callable[[Request], Awaitable[Response]]


def make_app(e: Endpoints) -> ASGIApp:
    """The server as an ASGI application."""
    root = f"/{e.settings.api_root}"
    one = root + "/collections/{collection}"
    routes = [
        ("/taxii2/", {"GET": e.discovery}),
        (root + "/", {"GET": e.api_root}),
        (root + "/status/{status}/", {"GET": e.status}),
        (root + "/collections/", {"GET": e.collections}),
        (one + "/", {"GET": e.collection}),
        (one + "/manifest/", {"GET": e.manifest}),
        (one + "/objects/", {"GET": e.objects, "POST": e.add}),
        (one + "/objects/{object}/", {"GET": e.one_object, "DELETE": e.delete}),
        (one + "/objects/{object}/versions/", {"GET": e.versions}),
    ]
    app = Starlette(
        routes=[Route(path, _dispatch(methods), methods=list(methods)) for path, methods in routes],
        exception_handlers={RefusedError: _refused, HTTPException: _http_error, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return Guard(app)


def _dispatch(methods: Mapping[str, Endpoint]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        check_accept(request.headers.get("accept"))
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return endpoint


async def _refused(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RefusedError)
    response = answer(exc.resource(), exc.status)
    for name, value in exc.headers:
        response.headers.append(name, value)
    return response


async def _http_error(request: Request, exc: Exception) -> Response:
    """What the router itself refuses: an unknown path (404) or method (405)."""
    assert isinstance(exc, HTTPException)
    if exc.status_code == 404 and not request.url.path.endswith("/"):
        text = "There is no such resource here; TAXII paths end in a slash."
    elif exc.status_code == 404:
        text = "There is no such resource here."
    else:
        text = "The resource does not take this method." if exc.status_code == 405 else "The request is refused."
    headers = tuple((exc.headers or {}).items())
    return await _refused(request, RefusedError(exc.status_code, text, headers=headers))


async def _failed(request: Request, _exc: Exception) -> Response:
    """Whatever else breaks; it is raised again, and logged, around this."""
    return await _refused(request, RefusedError(500, "The server failed."))


class Guard:
    """Times out, turns whatever breaks into an error resource, and logs one line per request.

    A line names method, path, status and time; never a header, a query or a body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        began, status = loop.time(), 0
        body = Incoming(scope, receive)

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                await body.drain()
                ending = [] if body.ended else [(b"connection", b"close")]
                message["headers"] = [*message.get("headers", []), *_SAFE, *ending]
            await send(message)

        try:
            async with asyncio.timeout(REQUEST_S):
                await self._app(scope, body.receive, sending)
        except Exception as exc:
            # Only the kind: the text of an exception may hold what somebody sent.
            LOG.error("%s at %s", type(exc).__name__, _place(exc))
            if not status:
                refusal = RefusedError(503, "The request took too long.")
                await (await _refused(Request(scope), refusal))(scope, receive, sending)
        finally:
            path = scope["path"].encode("unicode_escape").decode("ascii")[:200]
            LOG.info("%s %s %d %.3f s", scope["method"], path, status, loop.time() - began)


class Incoming:
    """A request's body. One that was refused unread is let run out for a moment, then the connection ends.

    Without the moment, honest clients that are still sending see a broken connection instead of the error; without
    the end, a body could go on for ever.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        names = dict(scope["headers"])
        self._receive = receive
        self.ended = names.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in names
        self._polite = b"expect" in names

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.ended = True
        return message

    async def drain(self) -> None:
        """Let the rest of the body pass, within bounds. A client that waits for leave to send is not given it."""
        if self.ended or self._polite:
            return
        passed = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while not self.ended and passed < DRAIN_BYTES:
                    passed += len((await self.receive()).get("body", b""))


def _place(exc: BaseException) -> str:
    """File and line where an exception arose."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "unknown place"
