r"""Fields of `key=value` pairs, found with no configuration: KV_MODE = auto and auto_escaped.

Splunk documents that pairs are separated by equal signs, that values may stand in double quotes, that spaces around
values are dropped (KV_TRIM_SPACES), that pairs without a value are ignored (transforms.conf.spec, KEEP_EMPTY_VALS) and
where the search ends (limits.conf.spec, [kv]). The separators are not documented; the tutorial's data show that a query
string `?action=view&id=7` yields both fields and that a closing quote ends a value. Here a bare value ends at white
space, comma, semicolon, `&` or a double quote.
"""

import re

from app.addons.replay.formats.field_names import cleaned_name

MAX_FIELDS = 100
MAX_CHARACTERS = 10_240
"""limits.conf.spec 9.0.3, [kv]: `limit = 100`, `maxchars = 10240`."""
_KEY = r"(?<![A-Za-z0-9_.\-])([A-Za-z_][A-Za-z0-9_.\-]{0,255})"
_PAIR = re.compile(_KEY + r'(?:=| = )(?:"([^"]*)"|([^\s,;&"][^\s,;&"]*))')
_ESCAPED_PAIR = re.compile(_KEY + r'(?:=| = )(?:"((?:[^"\\]|\\.)*+)"|([^\s,;&"][^\s,;&"]*))', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\])')


def key_values(text: str, *, trimmed: bool = True) -> dict[str, list[str]]:
    """The value of each key; of a key that stands twice the first (KV_MODE = auto)."""
    return _pairs(_PAIR, text, trimmed=trimmed)


def escaped_key_values(text: str, *, trimmed: bool = True) -> dict[str, list[str]]:
    r"""The value of each key, `\"` and `\\` in quoted values read as escapes (KV_MODE = auto_escaped)."""
    found = _pairs(_ESCAPED_PAIR, text, trimmed=trimmed)
    return {name: [_ESCAPE.sub(r"\1", value) for value in values] for name, values in found.items()}


def _pairs(pattern: re.Pattern[str], text: str, *, trimmed: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for match in pattern.finditer(text[:MAX_CHARACTERS]):
        key, quoted, bare = match.groups()
        value = quoted if quoted is not None else bare
        value = value.strip(" ") if trimmed else value
        name = cleaned_name(key)
        if value and name:
            found.setdefault(name, [value])
        if len(found) >= MAX_FIELDS:
            break
    return found
