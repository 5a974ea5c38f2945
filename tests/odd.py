"""Odd requests: what clients, proxies and attackers send that is legal, nearly legal, or neither.

Some must be refused, the others may be answered; none may make the service fail.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Headers = tuple[tuple[str, bytes], ...]

IN_HEADERS: dict[str, Headers] = {
    "Accept of 5,000 ranges": (("accept", b"a/b;q=0.1," * 1_500),),
    "Accept with q=NaN": (("accept", b"application/json;q=NaN, */*;q=inf"),),
    "Accept with q=1e400": (("accept", b"*/*;q=1e400"),),
    "Accept of nothing": (("accept", b""),),
    "Accept of commas": (("accept", b",,,;;;,=/"),),
    "Accept in Latin-1": (("accept", b"\xe4\xf6\xfc/\xff"),),
    "Accept twice": (("accept", b"text/csv"), ("accept", b"application/json")),
    "Accept-Encoding of a bomb": (("accept-encoding", b"gzip;q=1.000000000001, *;q=-1"),),
    "Accept-Language": (("accept-language", b"x" * 4_000),),
    "If-Match of stars": (("if-match", b"*, *, W/*"),),
    "If-Match in bytes": (("if-match", b'"\xff\xfe\x01"'),),
    "If-None-Match": (("if-none-match", b'W/"\xff", *'),),
    "If-Modified-Since of the year 0": (("if-modified-since", b"Thu, 32 Foo 0000 99:99:99 GMT"),),
    "If-Unmodified-Since": (("if-unmodified-since", b"tomorrow"),),
    "Range backwards": (("range", b"bytes=9999999999999999999-1,-0,a-b"),),
    "Range of a thousand": (("range", b"bytes=" + b"0-0," * 1_000),),
    "Prefer of garbage": (("prefer", b'respond-async; wait="\\"; return=, ,;;=respond-async=1'),),
    "Prefer in bytes": (("prefer", b"\xff\x01\x7f"),),
    "Idempotency-Key where none is taken": (("idempotency-key", b"\xff" * 300),),
    "traceparent of zeros": (("traceparent", b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00"),),
    "traceparent of a later version": (("traceparent", b"ff-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01-more"),),
    "traceparent twice": (("traceparent", b"x"), ("traceparent", b"y")),
    "tracestate": (("tracestate", b"a=b," * 1_000), ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")),
    "baggage": (("baggage", b"k=%00;p=\xff"),),
    "X-Request-ID with a line break": (("x-request-id", b"a\r\nSet-Cookie: evil=1"),),
    "X-Request-ID in bytes": (("x-request-id", b"\xff\xfe\x00"),),
    "X-Request-ID of 8 kB": (("x-request-id", b"a" * 8_000),),
    "X-Request-ID twice": (("x-request-id", b"a"), ("x-request-id", b"b")),
    "X-Request-ID that is a key": (("x-request-id", b"spy_abcdefghijkl_" + b"A" * 43),),
    "X-Forwarded-For of garbage": (("x-forwarded-for", b"::::, 999.1.1.1, [::1]:99999, unknown, \xff, ' OR 1=1"),),
    "X-Forwarded-For of 2,000": (("x-forwarded-for", b"1.2.3.4, " * 2_000),),
    "X-Forwarded-Proto": (("x-forwarded-proto", b"javascript"),),
    "X-Forwarded-Host": (("x-forwarded-host", b"evil.example\r\nX: 1"),),
    "X-Forwarded-Port": (("x-forwarded-port", b"99999999999999999999"),),
    "Forwarded": (("forwarded", b'for="[::1";proto=\xff;;by=_x'),),
    "Host of another": (("host", b"evil.example:99999999"),),
    "Host in bytes": (("host", b"\xff\x00@:"),),
    "Host of nothing": (("host", b""),),
    "Host twice": (("host", b"a"), ("host", b"b")),
    "Origin null": (("origin", b"null"), ("sec-fetch-site", b"cross-site")),
    "Origin in bytes": (("origin", b"https://[::1\xff"),),
    "Referer": (("referer", b"javascript:alert(1)//\xff"),),
    "a cookie of garbage": (("cookie", b'=;;;=;\xff\xfe=\x00; a="\\"; $Version=1; __Host-spyne_session'),),
    "300 cookies": (("cookie", b"; ".join(b"c%d=1" % n for n in range(300))),),
    "the session's cookie beside a credential": (("cookie", b"__Host-spyne_session=" + b"A" * 43),),
    "X-CSRF-Token in bytes": (("x-csrf-token", b"\xff\xfe\x00"),),
    "User-Agent of 8 kB": (("user-agent", b"${jndi:ldap://x} \xff" * 400),),
    "Content-Length of text": (("content-length", b"ten"),),
    "Content-Length below zero": (("content-length", b"-1"),),
    "Content-Length of 40 digits": (("content-length", b"0" * 39 + b"1"),),
    "Content-Length in Arabic digits": (("content-length", "٣".encode()),),
    "Transfer-Encoding of garbage": (("transfer-encoding", b"chunked, gzip, \xff"),),
    "Expect": (("expect", b"200-maybe"),),
    "Upgrade": (("connection", b"upgrade, \xff"), ("upgrade", b"h2c, websocket")),
    "another method by header": (("x-http-method-override", b"DELETE"), ("x-method-override", b"PUT")),
    "names with underscores": (("content_length", b"1"), ("x_request_id", b"\xff")),
    "a body on a read": (("content-type", b"application/json"),),
}
"""Beside a sound request and a valid credential."""

NO_SESSION: dict[str, bytes] = {
    "empty": b"__Host-spyne_session=",
    "of garbage": b"__Host-spyne_session=\xff\xfe\x00",
    "quoted": b'__Host-spyne_session="' + b"A" * 43 + b'"',
    "unknown": b"__Host-spyne_session=" + b"A" * 43,
    "long": b"__Host-spyne_session=" + b"A" * 8_000,
    "twice": b"__Host-spyne_session=a; __Host-spyne_session=b",
    "without a value": b"__Host-spyne_session",
    "in another case": b"__host-spyne_session=" + b"A" * 43,
    "with NUL": b"__Host-spyne_session=a\x00b",
    "of SQL": b"__Host-spyne_session=' OR '1'='1",
    "escaped": b"__Host-spyne_session=%00%ED%A0%80",
    "of another host": b"__Secure-spyne_session=" + b"A" * 43,
}
"""Cookies that are no session: 401 (or 400) without another credential."""

IN_CONTENT_TYPE = {
    "JSON in UTF-16": b"application/json; charset=utf-16",
    "JSON in Latin-1": b"application/json; charset=latin-1",
    "JSON in nothing": b"application/json; charset=",
    "JSON in UTF-8": b"application/json; charset=utf-8",
    "JSON in quotes": b'application/json; charset="utf-8"',
    "JSON and text": b"application/json, text/plain",
    "JSON with garbage": b"application/json;;;=\xff",
    "capitals": b"APPLICATION/JSON",
    "a suffix": b"application/merge-patch+json",
    "only a type": b"application",
    "only a slash": b"/",
    "bytes": b"\xff\xfe",
    "8 kB": b"application/json; x=" + b"y" * 8_000,
    "multipart without a boundary": b"multipart/form-data",
    "a boundary of nothing": b"multipart/form-data; boundary=",
}
"""Of a sound JSON body."""

BEYOND = (
    "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
    "2026-01-01T25:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00+25:00", "2026-01-01T00:00:00+00:60",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
    "2026-W01-1T00:00:00Z", "20260101T000000", "now", "infinity", "-infinity", "epoch", "294277-01-01T00:00:00Z",
    "4714-01-01 BC",
)  # fmt: skip  # many to a line
"""No times: each must be refused where a time is asked for."""

ODD_TIMES = (
    "2026-06-30T23:59:60Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2026-01-01T00:00:00.123456789012345Z",
    "2026-01-01t00:00:00z", "2026-01-01 00:00:00+00", "2026-01-01T00:00Z", "2026-01-01T00:00:00\u221205:00",
    "2026-01-01T00:00:00+00:00:01", "  2026-01-01T00:00:00Z  ", "2026-01-01T00:00:00,5Z",
)  # fmt: skip  # many to a line
"""Leap seconds, the end of a day, the ends of the calendar, more digits than a column has, other spellings."""

NUMBERS = (
    "1" * 10_000, "-" + "9" * 101, "0." + "3" * 10_000, "1e400", "-1e400", "1e-400", "1E+5000", "9007199254740993",
    "9223372036854775808", "-9223372036854775809", "2147483648", "-0", "-0.0", "1.0", "1e0", "5e-324",
)  # fmt: skip  # many to a line
"""As they stand in the text of a document."""

TEXTS = {
    "of 300,000 characters": "x" * 300_000,
    "of nothing": "",
    "of blanks": "   ",
    "of an ideographic space": "　",
    "of line breaks": "a\r\nb",
    "with an escape of the terminal": "\x1b[31m\x07",
    "written from right to left": "\u202egnp.exe",
    "of a combining hundred": "a" + "\u0301" * 100,
    "with DEL and C1": "\x7f\x80\x9f",
    "of a noncharacter": "\uffff\U0010ffff",
    "of a ligature that unfolds": "\ufdfa" * 60,
    "of a dotless capital": "İı",
    "that looks like Latin": "\u0430dmin",
    "of a template": "{{7*7}}${7*7}<%= 7*7 %>%s%n{0.__class__}",
    "of SQL": "'; DROP TABLE spyne.users; --",
    "of a path": "../../../../etc/passwd\u2215",
    "of a formula": "=cmd|' /C calc'!A0",
    "of emoji": "💣" * 50,
}

LONG_LIST = 20_000
NESTED: Any = json.loads("[" * 60 + "]" * 60)


@dataclass(frozen=True, slots=True)
class Odd:
    """One odd request: what is changed in a sound one."""

    what: str
    headers: Headers = ()
    body: bytes | None = None
    """Instead of the sound one."""
    query: bytes = b""
    anonymous: bool = False
    refused: bool = field(default=False)
    """Whether it must be answered 4xx."""


SHARES = 3


def of_headers(turn: int, *, reads: bool) -> Iterator[Odd]:
    """For every operation; each takes a third of them, by turns, as headers are read before operations are."""
    for what, headers in list(IN_HEADERS.items())[turn % SHARES :: SHARES]:
        yield Odd(what, headers, body=b"{" if reads and what == "a body on a read" else None)


def of_cookies() -> Iterator[Odd]:
    """For operations that ask for a credential."""
    for what, cookie in NO_SESSION.items():
        yield Odd(f"a session cookie {what}", (("cookie", cookie),), anonymous=True, refused=True)


def of_query(*, strict: bool) -> Iterator[Odd]:
    """For every operation."""
    for what, query in {
        "an unknown parameter": b"no_such_parameter=1",
        "an unknown parameter without a value": b"no_such_parameter",
        "an unknown parameter in other scripts": "gr\xf6\xdfe=\uff11".encode(),
        "brackets": b"limit[]=1&limit[$ne]=2",
        "semicolons": b"limit=1;cursor=x",
        "a thousand names": b"&".join(b"p%d=" % n for n in range(1_000)),
        "a prototype": b"__proto__[x]=1&constructor.prototype=1",
    }.items():
        yield Odd(f"query of {what}", query=_escaped(query), refused=strict)
    for what, query in {"ampersands": b"&&&&", "an empty name": b"=", "a plus": b"+=+"}.items():
        yield Odd(f"query of {what}", query=query)


def _escaped(query: bytes) -> bytes:
    return b"".join(bytes([byte]) if byte < 0x80 else b"%%%02X" % byte for byte in query)


def of_json(body: dict[str, Any]) -> Iterator[Odd]:
    """For operations that take a JSON document, made from a sound one."""
    sound = json.dumps(body).encode()
    for what, media in IN_CONTENT_TYPE.items():
        yield Odd(f"content type: {what}", (("content-type", media),), sound)
    for coding in (b"gzip, gzip", b"br", b"\xff", b"zstd", b"compress, deflate"):
        yield Odd(f"coding {coding!r}", (("content-encoding", coding),), sound, refused=True)
    yield Odd("coding identity", (("content-encoding", b"identity"),), sound)
    yield Odd(
        "20,000 unknown fields", body=json.dumps(body | {f"f{n}": n for n in range(20_000)}).encode(), refused=True
    )
    yield Odd("a name of 100,000 characters", body=json.dumps(body | {"f" * 100_000: 1}).encode(), refused=True)
    for place, value in leaves(body):
        name = "/" + "/".join(map(str, place))
        yield Odd(f"{name}: nested 60 deep", body=_with(body, place, NESTED))
        if isinstance(value, str):
            yield from _of_text(body, name, place, value)
        elif isinstance(value, (int, float)):
            yield from _of_number(body, name, place)
        elif isinstance(value, list):
            yield Odd(f"{name}: a long list", body=_with(body, place, (value or ["x"]) * LONG_LIST), refused=True)


def _of_text(body: Any, name: str, place: tuple[str | int, ...], value: str) -> Iterator[Odd]:
    is_time = value[:4].isdigit() and "T" in value
    for moment in (*BEYOND, *ODD_TIMES) if is_time else ():
        yield Odd(f"{name}: {moment}", body=_with(body, place, moment), refused=moment in BEYOND)
    for what, text in TEXTS.items():
        yield Odd(f"{name}: a text {what}", body=_with(body, place, text))


def _of_number(body: Any, name: str, place: tuple[str | int, ...]) -> Iterator[Odd]:
    marked = _with(body, place, "@number@").decode()
    for literal in NUMBERS:
        yield Odd(f"{name}: {literal[:24]}", body=marked.replace('"@number@"', literal).encode())


def leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every list, text and number of a document with its place; null and flags too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
        return
    yield place, value
    for index, inner in enumerate(value if isinstance(value, list) else ()):
        yield from leaves(inner, (*place, index))


def _with(body: Any, place: tuple[str | int, ...], value: Any) -> bytes:
    changed = copy.deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return json.dumps(changed).encode()


def of_form(form: dict[str, str]) -> Iterator[Odd]:
    """For the token operation, made from a log-in that would be taken."""
    sound = "&".join(f"{name}={value.replace(' ', '+')}" for name, value in form.items()).encode()
    media = b"application/x-www-form-urlencoded"
    for what, given in {"UTF-16": b"; charset=utf-16", "UTF-8": b"; charset=UTF-8", "garbage": b";;=\xff"}.items():
        yield Odd(f"a form in {what}", (("content-type", media + given),), sound)
    for what, body in {
        "semicolons": sound.replace(b"&", b";"),
        "brackets": sound.replace(b"grant_type=", b"grant_type[]="),
        "NUL in a name": sound + b"&a%00b=1",
        "a lone surrogate in a name": sound + b"&%ED%A0%80=1",
        "an overlong slash": sound + b"&x=%C0%AF",
        "raw UTF-8": sound + "&x=ö".encode(),
        "half an escape": sound + b"&x=%f",
        "the grant twice": sound + b"&grant_type=password",
        "a scope of 5,000 words": sound + b"&scope=" + b"a+" * 5_000,
        "a line break in the scope": sound + b"&scope=tables:read%0D%0A",
        "a tab in the scope": sound + b"&scope=tables:read%09query:run",
        "JSON after it": sound + b"\n{}",
        "21 fields": sound + b"".join(b"&f%d=1" % n for n in range(21)),
    }.items():
        yield Odd(f"a form with {what}", (("content-type", media),), body, refused=True)
    for what, body in {
        "an unknown field": sound + b"&resource=x",
        "empty fields": sound + b"&scope=&client_id=",
    }.items():
        yield Odd(f"a form with {what}", (("content-type", media),), body)
    yield Odd("a form with a coding", (("content-type", media), ("content-encoding", b"gzip")), sound)
    for basic in (
        b"Basic",
        b"Basic ",
        b"basic Og==",
        b"Basic Og==, Basic Og==",
        b"Basic \xff",
        b"Basic " + b"A" * 8_000,
    ):
        yield Odd(f"Basic {basic[:20]!r}", (("content-type", media), ("authorization", basic)), sound)
