"""What changed, as JSON that PostgreSQL can hold and that any reader of the log may see.

Secrets appear as keyed hashes at most; which names are theirs is said by `app/kernel/secret_names.py`.
"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import SecretBytes, SecretStr

from app.kernel.secret_names import is_secret_name

REDACTED = "[secret]"
MAX_TEXT = 10_000
"""Characters of one text in a diff; the log says what changed, it is no second store of it."""

MAX_LABEL = 512
"""Characters of a name in a row."""
MAX_SIDE = 256 * 1024
"""Characters of one side of a diff as JSON; a longer one stands as its hash."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, line ends and what turns the direction of text: in a list they would show another row than there is."""

Diff = tuple[dict[str, Any] | None, dict[str, Any] | None]


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `after` that `before` has not, or has with another value; what only `before` has is no change.

    So `after` may be a patch: the fields that a request names.
    """
    return {name: value for name, value in after.items() if name not in before or before[name] != value}


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, key: bytes | None) -> Diff:
    """Both sides, shown, and reduced to the fields that differ when there are two.

    A creation has no side before, a deletion none after. Secrets stand as hashes with the key, so that a reader sees
    whether two are the same; without a key they read `[secret]`.
    """
    if before is not None and after is not None:
        before, after = changed_fields(after, before), changed_fields(before, after)
    return None if before is None else _fields(before, key), None if after is None else _fields(after, key)


def clean(text: str) -> str:
    """The text as PostgreSQL can hold it: NUL and lone surrogates replaced, bounded in length."""
    if "\x00" in text or not text.isascii():
        text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def label(text: str) -> str:
    """The name as a row keeps it: one line that reads as it is stored, bounded in length."""
    kept = _UNPRINTABLE.sub("\ufffd", text[:MAX_LABEL])
    return kept if len(text) <= MAX_LABEL else kept[: MAX_LABEL - 1] + "…"


def stored(side: Mapping[str, Any] | None) -> str | None:
    """A side of a difference as JSON, bounded in length."""
    if side is None:
        return None
    text = json.dumps(side)
    if len(text) <= MAX_SIDE:
        return text
    summary = {"omitted": "too long", "characters": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps(summary)


def _fields(fields: Mapping[str, Any], key: bytes | None) -> dict[str, Any]:
    return {
        clean(str(name)): _hidden(value, key) if value is not None and is_secret_name(str(name)) else _shown(value, key)
        for name, value in fields.items()
    }


def _hidden(value: object, key: bytes | None) -> str:
    if isinstance(value, (SecretStr, SecretBytes)):
        value = value.get_secret_value()
    if key is None:
        return REDACTED
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return "hmac-sha256:" + hmac.new(key, raw, hashlib.sha256).hexdigest()


def _shown(value: object, key: bytes | None) -> Any:  # noqa: PLR0911 - one return per kind of value
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (SecretStr, SecretBytes)):
        return _hidden(value, key)
    if isinstance(value, Mapping):
        return _fields(value, key)
    if isinstance(value, (list, tuple)):
        return [_shown(item, key) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_shown(item, key) for item in value), key=str)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"sha256:{hashlib.sha256(value).hexdigest()}"
    return clean(str(value))
