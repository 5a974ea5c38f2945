"""Keys before times: how they are written, and how clearly they say "the event's time"."""

import pytest

from app.addons.timestamps.keys import KeySyntax, Telling, body_start, key_before, telling


@pytest.mark.parametrize(
    ("before", "name", "syntax"),
    [
        ('{"ts":', "ts", KeySyntax.JSON),
        ('{"a":1, "@timestamp" : "', "@timestamp", KeySyntax.JSON),
        ("a=1 rt=", "rt", KeySyntax.PAIR),
        ('level=info event.time="', "event.time", KeySyntax.PAIR),
        ("<TimeCreated SystemTime='", "SystemTime", KeySyntax.PAIR),
        ("<a><timestamp>", "timestamp", KeySyntax.ELEMENT),
        ("<Data Name='UtcTime'>", "UtcTime", KeySyntax.ELEMENT),
        ("x Date: ", "Date", KeySyntax.COLON),
        ("app[12]: ", None, None),
        ("error: ", None, None),
        ("host app ", None, None),
        ("", None, None),
        ("msg=audit(", None, None),
        ("x" * 200 + "=", None, None),
    ],
)
def test_keys_before_times(before: str, name: str | None, syntax: KeySyntax | None) -> None:
    key = key_before(before + "2024", len(before))
    assert ((None, None) if key is None else (key.name, key.syntax)) == (name, syntax)
    assert key is None or before.endswith(key.context)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("@timestamp", Telling.EVENT_TIME),
        ("ts", Telling.EVENT_TIME),
        ("rt", Telling.EVENT_TIME),
        ("event.time", Telling.EVENT_TIME),
        ("EventTime", Telling.EVENT_TIME),
        ("vendorUtcTime", Telling.SOME_TIME),
        ("CreationTime", Telling.SOME_TIME),
        ("published", Telling.SOME_TIME),
        ("createdAt", Telling.SOME_TIME),
        ("expires", Telling.ANOTHER_TIME),
        ("startTime", Telling.ANOTHER_TIME),
        ("lastLoginDate", Telling.ANOTHER_TIME),
        ("user", Telling.NO),
        ("status", Telling.NO),
        ("", Telling.NO),
    ],
)
def test_how_clearly_a_key_tells(name: str, expected: Telling) -> None:
    assert telling(name) is expected


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('<34>1 host {"a":1}', 11),
        ("<34>1 host <Event xmlns='x'>", 11),
        ("host a=1 b=2 c=3", 5),
        ("host a=1 b=2", None),
        ("GET /?a=1&b=2&c=3&d=4", None),
        ("plain text", None),
    ],
)
def test_where_a_body_begins(text: str, start: int | None) -> None:
    assert body_start(text) == start
