"""Headers of transports and libraries: which parts are read, and what is left as the message."""

import pytest

from app.addons.generator.headers.header import peel_header
from app.addons.regexes import compile_regex

CASES: list[tuple[list[str], dict[str, str | None]]] = [
    (
        ["<34>Oct 11 22:14:15 mymachine su[230]: failed for lonvick", "Oct 11 22:14:16 mymachine su[231]: ok"],
        {"priority": "34", "log_host": "mymachine", "process": "su", "process_id": "230", "message": "failed for lonvick"},
    ),
    (
        ["<134>Jul  3 19:10:30 filterlog[72237]: 146,,,x", "<134>Jul  3 19:10:31 filterlog[72237]: 147,,,y"],
        {"log_host": None, "process": "filterlog", "message": "146,,,x"},
    ),
    (
        ["2026-01-02T03:04:05.123+01:00 web1 app[7]: hello", "Jan  2 03:04:06 web1 app[7]: hello"],
        {"log_time": "2026-01-02T03:04:05.123+01:00", "log_host": "web1", "message": "hello"},
    ),
    (
        ["Feb 24 22:09:26 10.0.0.1 Feb 24 22:06:07 panorama 1,2,3", "Feb 24 22:09:27 10.0.0.1 Feb 24 22:06:08 panorama 4,5,6"],
        {"log_host": "10.0.0.1", "relayed_host": "panorama", "message": "1,2,3"},
    ),
    (
        ["Apr 15 2026 09:36:50: %ASA-4-106023: Deny tcp", "Apr 15 2026 09:36:51 fw1 : %ASA-6-106100: denied"],
        {"facility": "ASA", "severity_id": "4", "message_id": "106023", "message": "Deny tcp"},
    ),
    (
        ['<165>1 2026-10-11T22:14:15.003Z host app 77 ID47 [a@1 k="v\\]w"] done', "<165>1 2026-10-11T22:14:16Z h app - - - x"],
        {"process": "app", "message_id": "ID47", "structured_data": '[a@1 k="v\\]w"]', "message": "done"},
    ),
    (
        ["2026-01-02 03:04:05,120 INFO  [main] a.b.C: ready", "2026-01-02 03:04:05,130 WARN  [pool-7] a.b.D: slow"],
        {"level": "INFO", "thread": "main", "logger": "a.b.C", "message": "ready"},
    ),
    (
        ["WARN  [Flush:12] 2026-01-02 03:04:05,120 Table.java:240 - big", "INFO  [main] 2026-01-02 03:04:06,120 A.java:2 - ok"],
        {"level": "WARN", "thread_name": "Flush", "thread_number": "12", "file_name": "Table.java", "line_number": "240"},
    ),
    (
        ["[2026-01-02 03:04:05,120] {job.py:14} DEBUG - looking", "[2026-01-02 03:04:06,120] {job.py:15} INFO - found"],
        {"file_name": "job.py", "level": "DEBUG", "message": "looking"},
    ),
    (
        ["[2026-01-02 03:04:05] prod.ERROR: no such class", "[2026-01-02 03:04:06] prod.INFO: fine"],
        {"channel": "prod", "level": "ERROR", "message": "no such class"},
    ),
    (
        ["12:M 08 Jan 2026 17:45:41.572 # Server started", "12:M 08 Jan 2026 17:45:42.572 # Ready"],
        {"process_id": "12", "role": "M", "mark": "#", "message": "Server started"},
    ),
    (
        ["2026-01-02  3:04:05 8 [Warning] Access denied", "260102 3:04:06 [Note] ok"],
        {"thread_id": "8", "level": "Warning", "message": "Access denied"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "parts"), CASES, ids=lambda case: case[0][:30] if isinstance(case, list) else "")
def test_parts_of_headers(events: list[str], parts: dict[str, str | None]) -> None:
    header = peel_header(events)
    assert header is not None
    assert None not in header.bodies
    found: dict[str, str | None] = {}
    for extract in header.extracts:
        match = compile_regex(extract.pattern).search(events[0])
        if match is not None:
            found = dict(match.named)
            break
    assert {name: found.get(name) for name in parts} == parts


@pytest.mark.parametrize(
    "events",
    [
        ["hello world", "good bye"],
        ["a=1 b=2", "a=3 b=4"],
        ['192.0.2.1 - - [01/Jan/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1'] * 2,
        [""],
    ],
)
def test_what_has_no_header(events: list[str]) -> None:
    assert peel_header(events) is None


def test_a_word_of_one_message_is_no_part_of_the_header() -> None:
    header = peel_header(["2026-01-02 03:04:05 INFO Failed: disk", "2026-01-02 03:04:06 INFO all is well"] * 2)
    assert header is not None
    assert header.bodies[:2] == ("Failed: disk", "all is well")
