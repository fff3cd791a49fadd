"""The answering side over HTTPS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.answering import Answerer
from stillwatch.sharing.taxii.body import Bodies
from stillwatch.sharing.taxii.errors import RefusedError

_WORDS = 65_536
"""Bytes of a message without a payload, at most: nobody is a peer before a signature was checked."""
_PER_IDENTIFIER = 96
"""Bytes of an identifier in a payload, at most: a point or a token, in base64."""
_WAIT_S = 120.0
"""For the largest question to arrive."""


def service(answerer: Answerer, largest: int) -> Starlette:
    """One path under ``/match/`` for each step. TLS is the server's that runs it; ``largest`` bounds a question."""
    steps = {
        "hello": answerer.hello,
        "count": answerer.count,
        "claim": answerer.claim,
        "reveal": answerer.reveal,
        "common": answerer.common,
    }
    words = Bodies(_WORDS, in_flight=64 * _WORDS, wait_s=_WAIT_S, limit="the longest message of this step")
    sets = Bodies(_WORDS + _PER_IDENTIFIER * largest, wait_s=_WAIT_S, limit="the longest message of this step")
    return Starlette(
        routes=[
            Route(f"/match/{name}", _endpoint(step, words if name in ("hello", "claim") else sets), methods=["POST"])
            for name, step in steps.items()
        ]
    )


def _endpoint(step: Callable[[bytes], bytes], bodies: Bodies) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            with bodies.room_for(request) as size:
                data = await bodies.read(request, size)
                said = await run_in_threadpool(step, data)
        except RefusedError as exc:
            return JSONResponse({"error": exc.description}, exc.status, {**dict(exc.headers), "connection": "close"})
        except InputError as exc:
            return JSONResponse({"error": str(exc)}, 400)
        return Response(said, media_type="application/json")

    return answer
