"""What may leave the process in a log line: secrets masked, sizes bounded, exceptions told without their data. Pure.

Masking goes by name (`password`, `X-API-Key`, …) and by shape (API keys, JWTs, passwords in URLs, `token=…`), at any
depth, so that a secret that got into a message by accident is masked too. Too much masked is a nuisance, too little
is a leak: when in doubt it masks.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from traceback import walk_tb
from typing import Any, Final

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

_SECRET_NAMES: Final = (
    "password", "passwd", "passphrase", "pwd", "secret", "token", "authorization", "cookie", "api_key", "apikey",
    "private_key", "credential", "jwt",
)  # fmt: skip
_HARMLESS_NAMES: Final = frozenset({"token_type", "credential_id"})

_NEEDLES: Final = (
    "spy_", "eyj", "://", "bearer", "basic", "passw", "passphrase", "pwd", "secret", "token", "api_key", "api-key",
    "apikey", "authoriz", "cookie", "private", "whsec",
)  # fmt: skip
"""A lower-cased string with none of these matches none of the patterns below; the cheap test in front of them."""

_QUOTED: Final = r"""(?:"[^"]*"?|'[^']*'?|[^\s"',;&]+)"""
_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"), MASK),
    (re.compile(r"\bspy_([A-Za-z0-9-]{1,32})_[A-Za-z0-9_-]+"), r"spy_\1_" + MASK),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){1,4}"), MASK),
    (re.compile(r"(://[^\s:/@]{0,64}):\S{1,256}@"), r"\1:" + MASK + "@"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), r"\1 " + MASK),
    (re.compile(r"""(?i)((?:authorization|cookie)["']?\s*[=:])[^\r\n]*"""), r"\1 " + MASK),
    (re.compile(r"(?i)\b(password\s+)'[^']*'?"), r"\1" + MASK),  # SQL: ALTER ROLE … PASSWORD '…'
    (re.compile(r"(?i)\bwhsec_[A-Za-z0-9+/=_-]+"), MASK),
    (
        re.compile(
            r"(?i)((?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|private[_-]?key)[\w-]{0,32}"
            r"""["']?\s*[=:]\s*)""" + _QUOTED
        ),
        r"\1" + MASK,
    ),
)
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_secret_name(name: str) -> bool:
    """Whether a field or header of this name holds a secret."""
    normal = name.lower().replace("-", "_")
    return normal not in _HARMLESS_NAMES and any(part in normal for part in _SECRET_NAMES)


@lru_cache(maxsize=1024)
def _safe_name(name: str) -> tuple[str, bool]:
    return safe_text(name, MAX_NAME), is_secret_name(name)


def _may_hold_secret(text: str) -> bool:
    lowered = text.lower()
    for needle in _NEEDLES:  # noqa: SIM110 - a third of the time of any() with a generator, on every string of every line
        if needle in lowered:
            return True
    return False


def safe_text(text: str, limit: int = MAX_TEXT) -> str:
    """The text on one line, masked, at most `limit` characters."""
    text = text[: 2 * limit]  # masked before it is cut, so that no secret loses the end by which its shape is known
    if _may_hold_secret(text):
        for pattern, replacement in _SHAPES:
            text = pattern.sub(replacement, text)
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
        key, secret = _safe_name(name if isinstance(name, str) else _stated(name))
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
    except Exception:  # noqa: BLE001 - a log line must not fail because of what it tells
        return f"<{type(value).__name__}>"


def describe(error: BaseException, causes: int = MAX_CAUSES) -> dict[str, Any]:
    """An exception for the log: type, SQLSTATE, places and causes.

    The message is left out for errors of the database, whose texts quote parameters and rows; of others the first
    line is kept.
    """
    told: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    state = getattr(error, "sqlstate", None) or getattr(getattr(error, "orig", None), "sqlstate", None)
    if isinstance(state, str):
        told["sqlstate"] = state
    elif type(error).__module__.partition(".")[0] not in _DATABASE_PACKAGES:
        told["message"] = _stated(error).split("\\n", 1)[0][:MAX_ERROR_TEXT]
    frames = [
        f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)
    ]
    told["frames"] = frames[-MAX_FRAMES:]
    inner = list(error.exceptions[:MAX_CAUSES]) if isinstance(error, BaseExceptionGroup) else []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if causes > 0:
        if cause is not None:
            told["cause"] = describe(cause, causes - 1)
        if inner:
            told["exceptions"] = [describe(one, causes - 1) for one in inner]
    return told
