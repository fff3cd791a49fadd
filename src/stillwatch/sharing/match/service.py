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
from stillwatch.sharing.match.envelope import MOST_BYTES


def service(answerer: Answerer) -> Starlette:
    """The application: one path under ``/match/`` for each step. TLS is the server's that runs it."""
    steps = {
        "hello": answerer.hello,
        "count": answerer.count,
        "claim": answerer.claim,
        "reveal": answerer.reveal,
        "common": answerer.common,
    }
    return Starlette(
        routes=[Route(f"/match/{name}", _endpoint(step), methods=["POST"]) for name, step in steps.items()]
    )


def _endpoint(step: Callable[[bytes], bytes]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > MOST_BYTES:
                return JSONResponse({"error": f"more than {MOST_BYTES:,} bytes"}, 413)
        try:
            said = await run_in_threadpool(step, bytes(data))
        except InputError as exc:
            return JSONResponse({"error": str(exc)}, 400)
        return Response(said, media_type="application/json")

    return answer
