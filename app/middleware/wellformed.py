"""Refuses what no operation can make sense of: addresses that are not UTF-8 text, and heads of absurd size.

Frameworks replace bytes that they cannot decode; two different addresses would then mean one thing.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import Receive, Scope, Send

from app.kernel.problems import BadRequest, Problem
from app.kernel.telemetry.metrics import REQUESTS_REFUSED
from app.middleware.answers import refuse
from app.middleware.layer import HttpLayer

MAX_TARGET_BYTES: Final = 8_000
"""Longest path with its query: what RFC 9110, section 4.1, asks everybody to support at least."""

MAX_HEADER_BYTES: Final = 32 * 1024
"""All names and values together; as much as nginx takes by default (4 buffers of 8 KiB)."""

_MALFORMED_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class MalformedAddress(BadRequest):
    """The path or the query is not text: bad escapes, not UTF-8, or NUL."""

    code, title = "malformed-address", "The address is not valid text"


class AddressTooLong(Problem):
    """Path and query are longer than any operation needs."""

    code, title, status = "address-too-long", "The address is too long", 414


class HeadersTooLarge(Problem):
    """The header fields are larger than any operation needs (RFC 6585, section 5)."""

    code, title, status = "headers-too-large", "The header fields are too large", 431


def address_fault(path: bytes, query: bytes) -> Problem | None:
    """What is wrong with an address as it was sent, or None."""
    if len(path) + len(query) > MAX_TARGET_BYTES:
        return AddressTooLong(f"An address has at most {MAX_TARGET_BYTES} bytes.")
    for part in (path, query):
        if b"%" not in part and part.isascii() and b"\x00" not in part:
            continue
        if _MALFORMED_ESCAPE.search(part) or not _is_text(unquote_to_bytes(part)):
            return MalformedAddress("Paths and queries are UTF-8 without NUL, percent-encoded (RFC 3986).")
    return None


def _is_text(data: bytes) -> bool:
    try:
        return "\x00" not in data.decode("utf-8")
    except UnicodeDecodeError:
        return False


def headers_fault(headers: Sequence[tuple[bytes, bytes]]) -> Problem | None:
    """What is wrong with the header fields, or None."""
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        return HeadersTooLarge(f"Header fields have at most {MAX_HEADER_BYTES} bytes together.")
    return None


class WellFormed(HttpLayer):
    """Lets requests pass whose address and head are well-formed."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogatepass")
        problem = address_fault(path, scope["query_string"]) or headers_fault(scope["headers"])
        if problem is None:
            await self.app(scope, receive, send)
            return
        REQUESTS_REFUSED.labels(problem.code).inc()
        await refuse(scope, receive, send, problem)
