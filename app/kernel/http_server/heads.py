"""Which heads of requests are well-formed beyond what the parser sees to. Pure."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

MAX_FIELDS: Final = 100
"""Header fields of one request; Apache's LimitRequestFields. Browsers behind several proxies send some forty."""

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])?(?::[0-9]{0,5})?")
"""uri-host and port, RFC 9112 section 3.2, without IP literals of the future."""


def head_fault(version: str, target: bytes, fields: Sequence[tuple[bytes, bytes]]) -> str | None:
    """What is wrong with a request's head, in words, or None.

    Args:
        version: of HTTP, as `1.1`.
        target: the request target as sent.
        fields: names in lower case, and values.
    """
    hosts = [value for name, value in fields if name == b"host"]
    if version not in {"1.1", "1.0"}:
        return "The service speaks HTTP/1.1 here."
    if len(hosts) != 1 and (hosts or version == "1.1"):
        return "A request has one Host field (RFC 9112, section 3.2)."
    if hosts and not _is_host(hosts[0]):
        return "The Host field is not a host with an optional port."
    if not target.startswith(b"/") or b"#" in target:
        return "The request target is a path with an optional query; this is no proxy."
    return None


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None
