"""Where a browser may be sent after a log-in: paths of this service, nothing that a browser reads as another place."""

import re

MAX_LENGTH = 1024

_LOCAL = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*")
"""The characters of a path, query and fragment (RFC 3986 section 3.3): no backslash, no control, no space."""
_PATH_END = re.compile(r"[?#]")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_HIDDEN = re.compile(r"%(?:2f|5c|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
"""A slash, backslash or control character that something on the way may decode."""


def is_local(path: str) -> bool:
    """Whether the text is an absolute path of this service, however a browser or a proxy resolves it."""
    if len(path) > MAX_LENGTH or _LOCAL.fullmatch(path) is None:
        return False
    steps = _PATH_END.split(path, maxsplit=1)[0]
    if "//" in steps or _HIDDEN.search(steps) is not None:
        return False
    return not any(_DOTS.fullmatch(step) for step in steps.split("/"))
