"""What may leave the process in a log line: secrets masked, sizes bounded, exceptions without their data. Pure.

Masking goes by name (`password`, `X-API-Key`, …: `app/kernel/secret_names.py`, also for `token=…` within a text) and by
shape (API keys, JWTs, passwords in URLs), at any depth, so that a secret that got into a message by accident is masked
too. Too much masked is a nuisance, too little is a leak: when in doubt it masks.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from traceback import walk_tb
from typing import Any, Final

from app.kernel.secret_names import is_secret_name

MASK: Final = "[redacted]"

MAX_TEXT = 4096
"""Characters of one string; longer ones are cut. A line must fit what collectors take (Docker splits at 16 KiB)."""
MAX_ITEMS = 50
"""Members of one mapping or sequence."""
MAX_DEPTH = 5
MAX_FRAMES = 25
MAX_CAUSES = 3
MAX_ERROR_TEXT = 300
MAX_NAME = 128
INT_BITS = 63
"""Integers beyond this do not fit the 64 bits of JSON writers."""
_DATABASE_PACKAGES: Final = frozenset({"asyncpg", "sqlalchemy"})

_NEEDLES: Final = ("spy_", "eyj", "://", "bearer", "basic", "passw", "authoriz", "cookie", "private", "whsec")
"""A lower-cased string with none of these matches none of the patterns below; the cheap test in front of them."""
_NAMES: Final = (
    "key", "token", "secret", "pass", "pwd", "cred", "cookie", "authoriz", "bearer", "jwt", "dsn", "otp", "connection",
)  # fmt: skip
"""A lower-cased string with none of these holds no secret's name."""

_ASSIGNED: Final = re.compile(r"""(?<![\w.-])([\w.-]++)["']?\s*+[=:]\s*+""")
_VALUE: Final = re.compile(r"""(?:"[^"]*"?|'[^']*'?|[^\s"',;&]+)""")
_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), MASK),
    (re.compile(r"\bspy_([A-Za-z0-9-]{1,32})_[A-Za-z0-9_-]+"), r"spy_\1_" + MASK),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){1,4}"), MASK),
    (re.compile(r"(://[^\s:/@]{0,64}):\S{1,256}@"), r"\1:" + MASK + "@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 " + MASK),
    (re.compile(r"""(?i)((?:authorization|cookie)["']?\s*[=:])[^\r\n]*"""), r"\1 " + MASK),
    (re.compile(r"(?i)\b(password\s+)'[^']*'?"), r"\1" + MASK),  # SQL: ALTER ROLE … PASSWORD '…'
    (re.compile(r"(?i)\bwhsec_[A-Za-z0-9+/=_-]+"), MASK),
)
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _named(name: str) -> tuple[str, bool]:
    return safe_text(name, MAX_NAME), is_secret_name(name)


_remembered: Final = lru_cache(maxsize=1024)(_named)


def _holds(text: str, needles: tuple[str, ...]) -> bool:
    for needle in needles:  # noqa: SIM110 - a third of the time of any() with a generator, on every string of every line
        if needle in text:
            return True
    return False


def _without_assigned(text: str) -> str:
    """The text with the values of `secret=…`, `"secret": "…"` masked; the name decides."""
    parts: list[str] = []
    done = 0
    for named in _ASSIGNED.finditer(text):
        if named.start() < done or not is_secret_name(named[1]):
            continue
        value = _VALUE.match(text, named.end())
        if value is not None:
            parts += (text[done : named.end()], MASK)
            done = value.end()
    return "".join((*parts, text[done:]))


def safe_text(text: str, limit: int = MAX_TEXT) -> str:
    """The text on one line, masked, at most `limit` characters."""
    text = text[: 2 * limit]  # masked before it is cut, so that no secret loses the end by which its shape is known
    lowered = text.lower()
    if _holds(lowered, _NEEDLES):
        for pattern, replacement in _SHAPES:
            text = pattern.sub(replacement, text)
    if ("=" in text or ":" in text) and _holds(lowered, _NAMES):
        text = _without_assigned(text)
    if not text.isprintable():
        text = _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}" if found[0] != "\n" else "\\n", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def redact(value: Any, depth: int = 0) -> Any:  # noqa: PLR0911 - one return per type is the plainest table
    """The value as plain JSON types, masked and bounded."""
    if isinstance(value, str):
        return safe_text(value)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= INT_BITS else f"<integer of {value.bit_length()} bits>"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, BaseException):
        return describe(value)
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return redact_fields(value, depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return _members(value, len(value), depth + 1)
    return _stated(value)


def redact_fields(fields: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
    """The mapping with its secrets masked by name or by shape, at most `MAX_ITEMS` of its members."""
    safe: dict[str, Any] = {}
    for count, (name, value) in enumerate(fields.items()):
        if count >= MAX_ITEMS:
            safe["…"] = f"{len(fields) - MAX_ITEMS} more"
            break
        text = name if isinstance(name, str) else _stated(name)
        key, secret = _remembered(text) if len(text) <= MAX_NAME else _named(text)
        safe[key] = MASK if secret and value is not None and not isinstance(value, bool) else redact(value, depth)
    return safe


def _members(values: Iterable[Any], length: int, depth: int) -> list[Any]:
    safe = [redact(value, depth) for _, value in zip(range(MAX_ITEMS), values, strict=False)]
    if length > MAX_ITEMS:
        safe.append(f"… {length - MAX_ITEMS} more")
    return safe


def _stated(value: object) -> str:
    try:
        return safe_text(str(value))
    except Exception:  # noqa: BLE001 - a log line must not fail because of what it holds
        return f"<{type(value).__name__}>"


def describe(error: BaseException, causes: int = MAX_CAUSES) -> dict[str, Any]:
    """An exception for the log: type, SQLSTATE, places and causes.

    The message is left out for errors of the database, whose texts quote parameters and rows; of others the first
    line is kept.
    """
    described: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(state, str):
        described["sqlstate"] = state
    elif type(error).__module__.partition(".")[0] not in _DATABASE_PACKAGES:
        described["message"] = _stated(error).split("\\n", 1)[0][:MAX_ERROR_TEXT]
    frames = [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)
    ]
    described["frames"] = frames[-MAX_FRAMES:]
    inner = list(error.exceptions[:MAX_CAUSES]) if isinstance(error, BaseExceptionGroup) else []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if causes > 0:
        if cause is not None:
            described["cause"] = describe(cause, causes - 1)
        if inner:
            described["exceptions"] = [describe(one, causes - 1) for one in inner]
    return described
