"""The response of an execution: the client is watched while the result is made, then it is streamed from its file."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import IO, Any, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from app.query.execute import QueryResult
from app.query.results.formats import MEDIA_TYPES, Format
from app.query.schemas import ResultDocument

BLOCK_BYTES: Final = 256 * 1024
CLIENT_CLOSED: Final = 499
"""The status of a request whose client left before the answer began (nginx's convention)."""

_ATTACHED: Final = {Format.CSV: "csv", Format.ARROW: "arrows", Format.PARQUET: "parquet"}

_HEADERS: Final = {
    "Spyne-Execution-Id": {"description": "Names the execution.", "schema": {"type": "string", "format": "uuid"}},
    "Spyne-Rows": {"description": "Rows in the answer.", "schema": {"type": "integer"}},
    "Spyne-Truncated": {
        "description": "`false`, or the cap that cut the answer.",
        "schema": {"type": "string", "enum": ["false", "rows", "bytes"]},
    },
    "Spyne-Row-Cap": {"description": "The most rows that the caller is answered.", "schema": {"type": "integer"}},
    "Spyne-Byte-Cap": {"description": "The most bytes that the caller is answered.", "schema": {"type": "integer"}},
    "Spyne-Seconds": {"description": "Duration of the execution.", "schema": {"type": "number"}},
}

RESULT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "model": ResultDocument,
        "description": "The answer, in the form that `Accept` asks for. Its headers say whether a cap cut it.",
        "headers": _HEADERS,
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for kind, media_type in MEDIA_TYPES.items()
            if kind is not Format.JSON
        },
    }
}
"""The OpenAPI description of the answer."""


class ClientLeft(Exception):  # noqa: N818 - an event, not a fault
    """The client closed the connection before the answer began."""


async def while_connected(request: Request, work: Coroutine[Any, Any, QueryResult]) -> QueryResult:
    """The result of the work, which is cancelled, and waited for, when the client leaves or this call is cancelled.

    Raises:
        ClientLeft: the client left.
    """
    working = asyncio.create_task(work)
    watching = asyncio.create_task(_disconnected(request))
    finished = False
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        finished = working.done()
    finally:
        watching.cancel()
        if not finished:
            await _stop(working)
    if not finished:
        raise ClientLeft
    return working.result()


async def _stop(working: asyncio.Task[QueryResult]) -> None:
    working.cancel()
    await asyncio.wait({working})
    if not working.cancelled() and working.exception() is None:
        working.result().file.close()  # it was complete, and nobody takes it


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def respond(request: Request, work: Coroutine[Any, Any, QueryResult]) -> Response:
    """The result of the work as a response, which closes its file."""
    try:
        result = await while_connected(request, work)
    except ClientLeft:
        return Response(status_code=CLIENT_CLOSED)
    headers = {
        "Content-Length": str(result.extent.bytes),
        "Spyne-Execution-Id": str(result.execution_id),
        "Spyne-Rows": str(result.extent.rows),
        "Spyne-Truncated": result.extent.cut_by or "false",
        "Spyne-Row-Cap": str(result.limits.max_rows),
        "Spyne-Byte-Cap": str(result.limits.max_bytes),
        "Spyne-Seconds": f"{result.seconds:.6f}",
        "Cache-Control": "no-store",
    }
    if result.format in _ATTACHED:
        name = f"{result.execution_id}.{_ATTACHED[result.format]}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    media_type = MEDIA_TYPES[result.format] + ("; header=present" if result.format is Format.CSV else "")
    return ResultResponse(result.file, headers, media_type)


class ResultResponse(StreamingResponse):
    """Streams a file and closes it, also when the client leaves half-way."""

    def __init__(self, file: IO[bytes], headers: dict[str, str], media_type: str) -> None:
        super().__init__(_blocks(file), headers=headers, media_type=media_type)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._file:
            await super().__call__(scope, receive, send)


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
        yield block
