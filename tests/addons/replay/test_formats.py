"""Packages written by hand for well-known formats: their replays must be right in all."""

from dataclasses import dataclass
from datetime import UTC

import pytest

from tests.addons.replay.packages import replayed


@dataclass(frozen=True)
class Format:
    """A package, a sample, and of each event the text's beginning, the time and fields."""

    name: str
    props: str
    sample: str
    events: tuple[tuple[str, str | None, dict[str, str]], ...]
    transforms: str = ""


SINGLE = "SHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)\nKV_MODE = none\n"

FORMATS = [
    Format(
        "key=value",
        "SHOULD_LINEMERGE = false\nTIME_PREFIX = ^ts=\nTIME_FORMAT = %Y-%m-%dT%H:%M:%S%z\nKV_MODE = auto",
        'ts=2024-05-01T10:00:00+0200 user="Ann B" ip=10.0.0.1\nts=2024-05-01T10:00:01+0200 user=Eve ip=10.0.0.2\n',
        (
            ("ts=", "2024-05-01T08:00:00+00:00", {"user": "Ann B", "ip": "10.0.0.1"}),
            ("ts=", "2024-05-01T08:00:01+00:00", {"user": "Eve", "ip": "10.0.0.2"}),
        ),
    ),
    Format(
        "syslog of RFC 3164",
        SINGLE + "TIME_FORMAT = %b %d %H:%M:%S\n"
        "EXTRACT-a = ^\\w+ +\\d+ \\S+ (?<host_name>\\S+) (?<process>\\w+)\\[(?<pid>\\d+)\\]: (?<message>.*)\n"
        "EXTRACT-b = from (?<src>[\\d.]+) port (?<src_port>\\d+)",
        "May  1 10:00:00 web1 sshd[7]: Failed password for root from 10.0.0.1 port 22\n",
        (
            (
                "May  1",
                "2025-05-01T10:00:00+00:00",
                {"host_name": "web1", "process": "sshd", "pid": "7", "src": "10.0.0.1", "src_port": "22"},
            ),
        ),
    ),
    Format(
        "syslog of RFC 5424",
        SINGLE + "TIME_PREFIX = ^<\\d+>1 \nTIME_FORMAT = %Y-%m-%dT%H:%M:%S.%6N%Z\n"
        "EXTRACT-a = ^<(?<priority>\\d+)>1 \\S+ (?<host_name>\\S+) (?<app>\\S+) \\S+ (?<id>\\S+) ",
        '<34>1 2024-05-01T10:00:00.123456Z mail su - ID47 [x@1 a="b"] failed\n',
        (("<34>", "2024-05-01T10:00:00.123456+00:00", {"priority": "34", "app": "su", "id": "ID47"}),),
    ),
    Format(
        "access log",
        SINGLE + "TIME_PREFIX = \\[\nTIME_FORMAT = %d/%b/%Y:%H:%M:%S %z\nREPORT-access = access",
        '10.0.0.1 - ann [01/May/2024:10:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 12 "-" "curl/8"\n',
        (
            (
                "10.0.0.1",
                "2024-05-01T10:00:00+00:00",
                {"clientip": "10.0.0.1", "user": "ann", "method": "GET", "uri": "/a?b=c", "bytes": "12"},
            ),
        ),
        '[access]\nREGEX = ^(\\S+) \\S+ (\\S+) \\[[^\\]]+\\] "(\\w+) (\\S+) [^"]*" (\\d+) (\\d+)\n'
        "FORMAT = clientip::$1 user::$2 method::$3 uri::$4 status::$5 bytes::$6\n",
    ),
    Format(
        "JSON lines",
        'SHOULD_LINEMERGE = false\nTIME_PREFIX = "t":\\s*"\nTIME_FORMAT = %Y-%m-%dT%H:%M:%S.%3N%Z\nKV_MODE = json',
        '{"t":"2024-05-01T10:00:00.500Z","a":{"b":["x"]},"n":1.50}\n{"t": "2024-05-01T10:00:01.500Z","ok":true}\n',
        (
            ("{", "2024-05-01T10:00:00.500000+00:00", {"a.b{}": "x", "n": "1.50"}),
            ("{", "2024-05-01T10:00:01.500000+00:00", {"ok": "true"}),
        ),
    ),
    Format(
        "JSON over several lines with epoch times",
        "SHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)(?=\\{)\nKV_MODE = json\n"
        'TIME_PREFIX = "ts":\\s*\nTIME_FORMAT = %s.%3N',
        '{\n  "ts": 1714557600.250,\n  "user": "ann"\n}\n{\n  "ts": 1714557601.250,\n  "user": "eve"\n}\n',
        (
            ("{\n", "2024-05-01T10:00:00.250000+00:00", {"user": "ann"}),
            ("{\n", "2024-05-01T10:00:01.250000+00:00", {"user": "eve"}),
        ),
    ),
    Format(
        "CSV with a header",
        "INDEXED_EXTRACTIONS = csv\nTIMESTAMP_FIELDS = when\nTIME_FORMAT = %d.%m.%Y %H:%M\nKV_MODE = none",
        'id,when,text\n1,01.05.2024 10:00,"a, b"\n2,02.05.2024 10:00,c\n',
        (
            ("1,", "2024-05-01T10:00:00+00:00", {"id": "1", "text": "a, b"}),
            ("2,", "2024-05-02T10:00:00+00:00", {"id": "2", "text": "c"}),
        ),
    ),
    Format(
        "W3C",
        "INDEXED_EXTRACTIONS = w3c\nTIMESTAMP_FIELDS = date, time\nTIME_FORMAT = %Y-%m-%d %H:%M:%S\nKV_MODE = none",
        "#Software: x\n#Fields: date time c-ip cs(Referer) sc-status\n2024-05-01 10:00:00 10.0.0.1 - 200\n",
        (("2024", "2024-05-01T10:00:00+00:00", {"c_ip": "10.0.0.1", "cs_Referer_": "-", "sc_status": "200"}),),
    ),
    Format(
        "tab-separated with a header that begins with a mark",
        "INDEXED_EXTRACTIONS = tsv\nFIELD_HEADER_REGEX = ^#fields\\t\nPREAMBLE_REGEX = ^#\nTIMESTAMP_FIELDS = ts\n"
        "TIME_FORMAT = %s.%6N\nKV_MODE = none\nHEADER_FIELD_ACCEPTABLE_SPECIAL_CHARACTERS = .",
        "#separator \\x09\n#fields\tts\tid.orig_h\n1714557600.000001\t10.0.0.1\n#close\n",
        (("1714557600", "2024-05-01T10:00:00.000001+00:00", {"id.orig_h": "10.0.0.1"}),),
    ),
    Format(
        "CEF",
        SINGLE + "TIME_PREFIX = \\brt=\nTIME_FORMAT = %s%3N\nREPORT-a = cef_header, cef_pairs",
        "CEF:0|Acme|Wall|1.0|100|Port scan|5|src=10.0.0.1 msg=a b c rt=1714557600123 dpt=22\n",
        (
            (
                "CEF:0",
                "2024-05-01T10:00:00.123000+00:00",
                {"vendor": "Acme", "signature": "Port scan", "src": "10.0.0.1", "msg": "a b c", "dpt": "22"},
            ),
        ),
        "[cef_header]\n"
        "REGEX = CEF:\\d+\\|([^|]*)\\|[^|]*\\|[^|]*\\|[^|]*\\|([^|]*)\\|\nFORMAT = vendor::$1 signature::$2\n"
        "[cef_pairs]\nREGEX = (\\w+)=(.*?)(?=\\s\\w+=|$)\nFORMAT = $1::$2\n",
    ),
    Format(
        "XML of Windows events",
        "SHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)(?=<Event)\nTIME_PREFIX = SystemTime='\n"
        "TIME_FORMAT = %Y-%m-%dT%H:%M:%S.%9N%Z\nKV_MODE = xml\nREPORT-data = event_data",
        "<Event><System><EventID>4625</EventID><TimeCreated SystemTime='2024-05-01T10:00:00.123456700Z'/></System>"
        "<EventData><Data Name='TargetUserName'>ann</Data></EventData></Event>\n",
        (
            (
                "<Event>",
                "2024-05-01T10:00:00.123456+00:00",
                {"Event.System.EventID": "4625", "TargetUserName": "ann"},
            ),
        ),
        "[event_data]\nREGEX = <Data Name='([^']+)'>([^<]*)</Data>\nFORMAT = $1::$2\n",
    ),
    Format(
        "traces over several lines",
        "SHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)(?=\\d{4}-\\d\\d-\\d\\d)\nKV_MODE = none\n"
        "TIME_FORMAT = %Y-%m-%d %H:%M:%S,%3N\n"
        "EXTRACT-a = ^\\S+ \\S+ (?<level>\\w+) (?<class>[\\w.]+): (?<message>[^\\n]+)",
        "2024-05-01 10:00:00,001 ERROR a.B: it broke\n  at a.B(B.java:1)\n\n2024-05-01 10:00:00,002 INFO a.C: ok\n",
        (
            ("2024-05-01 10:00:00,001 ERROR a.B: it broke\n  at", "2024-05-01T10:00:00.001000+00:00", {"class": "a.B"}),
            ("2024-05-01 10:00:00,002", "2024-05-01T10:00:00.002000+00:00", {"class": "a.C", "message": "ok"}),
        ),
    ),
    Format(
        "lines that Splunk merges by their dates",
        "KV_MODE = none\nEXTRACT-a = ^\\S+ \\S+ (?<first>\\w+)",
        "2024-05-01 10:00:00 one\n  more\n2024-05-01 10:00:01 two\n",
        (
            ("2024-05-01 10:00:00 one\n  more", "2024-05-01T10:00:00+00:00", {"first": "one"}),
            ("2024-05-01 10:00:01 two", "2024-05-01T10:00:01+00:00", {"first": "two"}),
        ),
    ),
    Format(
        "text separated by bars",
        SINGLE + 'TIME_FORMAT = %Y/%m/%d %H:%M:%S\nREPORT-a = bars\nFIELDALIAS-a = who AS user\n'
        'EVAL-action = if(code == 0, "success", "failure")',
        "2024/05/01 10:00:00|ann|login|1\n",
        (("2024", "2024-05-01T10:00:00+00:00", {"user": "ann", "what": "login", "action": "failure"}),),
        '[bars]\nDELIMS = "|"\nFIELDS = when, who, what, code\n',
    ),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMATS, ids=[each.name for each in FORMATS])
def test_the_replay_is_right(form: Format) -> None:
    replay = replayed(form.props, form.sample, form.transforms)
    assert not replay.report.problems
    assert len(replay.events) == len(form.events)
    for event, (beginning, time, fields) in zip(replay.events, form.events, strict=True):
        assert event.raw.startswith(beginning)
        assert event.raw.rstrip() in form.sample
        assert (event.time.moment.astimezone(UTC).isoformat() if event.time else None) == time
        assert {name: event.fields.get(name) for name in fields} == {name: (value,) for name, value in fields.items()}
