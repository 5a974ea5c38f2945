"""What a search in Splunk answered, read. It comes from outside: any shape is expected.

`search/v2/jobs/export` with `output_mode=json` answers one JSON object a line: a result, or messages of the search
(REST API Reference, "search/v2/jobs/export").
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.addons.sandbox.events import SandboxEvent, comparable

TIME_FIELD: Final = "spyne_time"
"""A field that the search makes of `_time`: seconds since 1970, since `_time` itself comes in several written forms."""
MAX_EVENTS: Final = 50_000
_FATAL: Final = frozenset({"FATAL", "ERROR"})


class NotUnderstoodError(Exception):
    """Splunk's answer is not what its protocol says; the message says what is wrong, and quotes Splunk."""


def found_events(body: bytes, mark: str) -> tuple[SandboxEvent, ...]:
    """The events of a search; the mark is the host that they were sent with. Raises NotUnderstoodError."""
    found: list[SandboxEvent] = []
    for result in _results(body):
        raw = result.get("_raw")
        if not isinstance(raw, str):
            raise NotUnderstoodError("An event of the search has no text.")
        if len(found) >= MAX_EVENTS:
            raise NotUnderstoodError(f"The search shows more than {MAX_EVENTS} events.")
        fields = {name: _values(value) for name, value in result.items()}
        if fields.get("host") == (mark,):
            del fields["host"]
        found.append(SandboxEvent(raw, _seconds(result.get(TIME_FIELD)), comparable(fields)))
    return tuple(found)


def found_count(body: bytes) -> int:
    """The number that a search for `stats count` shows. Raises NotUnderstoodError."""
    for result in _results(body):
        count = result.get("count")
        if isinstance(count, str | int) and str(count).isdecimal() and len(str(count)) <= len(str(MAX_EVENTS)) + 4:
            return int(count)
    raise NotUnderstoodError("The search shows no count of events.")


def check_messages(body: bytes) -> None:
    """Return when the search says of itself that it did what was asked. Raises NotUnderstoodError."""
    for _ in _results(body):
        pass


def message_of(body: bytes, most: int = 200) -> str:
    """The first message of an answer that is no success, in a sentence of its own behind a space; empty for none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    texts = [text for _, text in _messages(document) if text]
    return f" It says: {shown(texts[0], most)}" if texts else ""


def shown(text: str, most: int) -> str:
    """The text without what cannot be shown, cut to length."""
    return "".join(c if c.isprintable() else " " for c in text[:most])


def _results(body: bytes) -> Iterator[Mapping[str, Any]]:
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            raise NotUnderstoodError("A line of the search's answer is no JSON.") from None
        if not isinstance(document, dict):
            raise NotUnderstoodError("A line of the search's answer is no JSON object.")
        for kind, text in _messages(document):
            if kind in _FATAL:
                raise NotUnderstoodError(f"The search failed: {shown(text, 200)}")
        result = document.get("result")
        if isinstance(result, dict) and document.get("preview") is not True:
            yield result


def _messages(document: Any) -> list[tuple[str, str]]:
    """Kind and text of each message."""
    listed = document.get("messages") if isinstance(document, dict) else None
    messages = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return [(str(each.get("type", "")).upper(), str(each.get("text", ""))) for each in messages]


def _values(value: Any) -> tuple[str, ...]:
    """The values of a field: one text, or a list of them."""
    listed = value if isinstance(value, list) else [value]
    return tuple(each for each in listed if isinstance(each, str))


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None
