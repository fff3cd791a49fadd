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

_WORDS = 65_536
"""Bytes of a message without a payload, at most: nobody is a peer before a signature was checked."""
_PER_IDENTIFIER = 96
"""Bytes of an identifier in a payload, at most: a point or a token, in base64."""


def service(answerer: Answerer, largest: int) -> Starlette:
    """One path under ``/match/`` for each step. TLS is the server's that runs it; ``largest`` bounds a question."""
    steps = {
        "hello": answerer.hello,
        "count": answerer.count,
        "claim": answerer.claim,
        "reveal": answerer.reveal,
        "common": answerer.common,
    }
    most = {name: _WORDS if name in ("hello", "claim") else _WORDS + _PER_IDENTIFIER * largest for name in steps}
    return Starlette(
        routes=[Route(f"/match/{name}", _endpoint(step, most[name]), methods=["POST"]) for name, step in steps.items()]
    )


def _endpoint(step: Callable[[bytes], bytes], most: int) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > most:
                return JSONResponse({"error": f"more than {most:,} bytes"}, 413)
        try:
            said = await run_in_threadpool(step, bytes(data))
        except InputError as exc:
            return JSONResponse({"error": str(exc)}, 400)
        return Response(said, media_type="application/json")

    return answer
