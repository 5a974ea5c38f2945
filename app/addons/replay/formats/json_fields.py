"""Fields of JSON events: KV_MODE = json, AUTO_KV_JSON, INDEXED_EXTRACTIONS = json.

Names are paths as the command `spath` writes them: `request.headers{}.name`; `{}` stands behind the name of an array.
Values are the text that the event has, so that 0.000002701 stays so. The scan reads a text that is cut off or broken as
far as it goes, as Splunk does behind `extraction_cutoff`.
"""

import re

import orjson

EXTRACTION_CUTOFF = 5_000
"""Characters of an event that are read when it is searched: limits.conf.spec 9.0.3, [spath] extraction_cutoff = 5000
(there bytes)."""
MAX_DEPTH = 200
MAX_FIELDS = 2_000
MAX_VALUES = 1_000
MAX_NAME_CHARACTERS = 1_000
"""Paths of an event, values of a path, characters of a path: what is beyond is read and not kept."""
_TOKEN = re.compile(
    r'[\s]*+(?:("(?:[^"\\]|\\.)*+")|([{}\[\],:])|(-?\d[0-9.eE+\-]*+|true|false|null)(?=[\s,\]}]|\Z))', re.DOTALL
)


def is_json(text: str) -> bool:
    """Whether the text looks like a JSON object or array of its own."""
    return text.lstrip()[:1] in {"{", "["}


def json_fields(text: str, limit: int = EXTRACTION_CUTOFF) -> dict[str, list[str]]:
    """The values of each path in the first `limit` characters, empty where the text is no JSON."""
    if not is_json(text):
        return {}
    scan = _Scan()
    position = 0
    cut = text[:limit] if limit else text
    while (token := _TOKEN.match(cut, position)) is not None:
        if not scan.take(token):
            break
        position = token.end()
    return scan.found


class _Scan:
    """Reads tokens one after another; `paths` has for each open object or array the path of its values."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self._paths: list[str] = []
        self._is_array: list[bool] = []
        self._key: str | None = None
        self._expects_key = self._expects_colon = False

    def take(self, token: re.Match[str]) -> bool:
        """Read one token; False where the text is no JSON from here on, or ends."""
        string, mark, plain = token.groups()
        if string is not None and self._expects_key:
            self._key, self._expects_key, self._expects_colon = _text(string), False, True
            return self._key is not None
        if self._expects_colon:
            self._expects_colon = False
            return mark == ":"
        if string is not None or plain is not None:
            return self._value(plain or _text(string))
        return self._structure(mark)

    def _structure(self, mark: str) -> bool:
        if mark in {"{", "["}:
            return self._open(is_array=mark == "[")
        if mark in {"}", "]"}:
            return self._close()
        if mark == ",":
            self._key, self._expects_key = None, bool(self._is_array) and not self._is_array[-1]
        return True

    def _path(self) -> str | None:
        """The path of the value that begins; None where no value may stand."""
        if not self._paths:
            return ""
        if self._is_array[-1]:
            return self._paths[-1]
        if self._key is None:
            return None
        return f"{self._paths[-1]}.{self._key}" if self._paths[-1] else self._key

    def _value(self, value: str | None) -> bool:
        path = self._path()
        if path is None or value is None or not self._paths:
            return False
        self._keep(path, value)
        self._key = None
        return True

    def _keep(self, path: str, value: str) -> None:
        if path not in self.found and (len(self.found) >= MAX_FIELDS or len(path) > MAX_NAME_CHARACTERS):
            return
        values = self.found.setdefault(path, [])
        if len(values) < MAX_VALUES:
            values.append(value)

    def _open(self, *, is_array: bool) -> bool:
        path = self._path()
        if path is None or len(self._paths) >= MAX_DEPTH:
            return False
        name = path[: MAX_NAME_CHARACTERS + 1]
        self._paths.append(f"{name}{{}}" if is_array else name)
        self._is_array.append(is_array)
        self._key, self._expects_key = None, not is_array
        return True

    def _close(self) -> bool:
        if not self._paths:
            return False
        self._paths.pop()
        self._is_array.pop()
        self._key, self._expects_key = None, False
        return bool(self._paths)


def _text(quoted: str) -> str | None:
    """What the JSON string says; None where an escape is wrong. Line feeds inside are taken, as Splunk does."""
    if "\\" not in quoted:
        return quoted[1:-1]
    try:
        loaded: object = orjson.loads(quoted.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t"))
    except orjson.JSONDecodeError:
        return None
    return loaded if isinstance(loaded, str) else None
