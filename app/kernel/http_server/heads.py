"""Which heads of requests are well-formed beyond what the parser sees to. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

MAX_FIELDS: Final = 100
"""Header fields of one request; Apache's LimitRequestFields. Browsers behind several proxies send some forty."""

_ONE_HOST = "A request has one Host field (RFC 9112, section 3.2)."

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])?(?::[0-9]{0,5})?")
"""uri-host and port, RFC 9112 section 3.2, without IP literals of the future."""


def fields_fault(version: str, fields: Sequence[tuple[bytes, bytes]]) -> str | None:
    """What is wrong with a request's header fields, in words, or None. Names are in lower case."""
    host: bytes | None = None
    chunked = False
    for name, value in fields:
        if name == b"host":
            if host is not None:
                return _ONE_HOST
            host = value
        elif name == b"transfer-encoding":
            if chunked or version != "1.1" or value.lower() != b"chunked":
                return "The one transfer coding taken is chunked, in HTTP/1.1."
            chunked = True
    if version != "1.1" and version != "1.0":  # noqa: PLR1714 - a set costs every request more
        return "The service speaks HTTP/1.1 here."
    if host is None:
        return _ONE_HOST if version == "1.1" else None
    if not _is_host(host):
        return "The Host field is not a host with an optional port."
    return None


def target_fault(target: bytes) -> str | None:
    """What is wrong with a request target as sent, in words, or None."""
    if target[:1] != b"/" or b"#" in target:
        return "The request target is a path with an optional query; this is no proxy."
    return None


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None
