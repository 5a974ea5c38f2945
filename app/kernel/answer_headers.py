"""Headers that every answer has, added by app/middleware/answers.py and app/kernel/http_server/refusals.py."""

from typing import Final

ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
"""A file is never run as another type than it has, addresses go to nobody else, and no page stands in a frame of
another's (OWASP HTTP Headers cheat sheet)."""

UNLESS_SAID: Final = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
"""Of data: nothing in it is run or loaded when a browser shows it, and neither browsers nor proxies keep it, as proxies
may with what was asked for with a cookie (RFC 9111 section 3.5)."""
