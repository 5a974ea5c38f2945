"""Malformed requests for every operation of the OpenAPI document, made from the document and from sound requests."""

import copy
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.operations_catalogue.operation import Prepared

Headers = tuple[tuple[bytes, bytes], ...]
JSON: Headers = ((b"content-type", b"application/json"),)
FORM: Headers = ((b"content-type", b"application/x-www-form-urlencoded"),)
NDJSON: Headers = ((b"content-type", b"application/x-ndjson"),)

UNKNOWN_ID = "01890000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Case:
    """One request that must be refused."""

    operation: str
    fault: str
    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = ()
    body: bytes = b""
    anonymous: bool = False

    @property
    def name(self) -> str:
        return f"{self.operation}: {self.fault}"


Sound = Mapping[str, Prepared]
"""What a request needs to be accepted, by the operation's id: ids that exist, a body that is right."""


TEXT_IN_PATH = {
    "NUL": b"%00",
    "a lone surrogate": b"%ED%A0%80",
    "bytes that are not UTF-8": b"%FF%FE",
    "an overlong encoding": b"%C0%AF",
    "half an escape": b"%4",
    "an escape of nothing": b"%zz",
    "a long name": b"x" * 5_000,
    "an address beyond every limit": b"x" * 9_000,
    "a way up": b"..%2F..%2Fetc%2Fpasswd",
    "a line break": b"a%0D%0AX-Evil:%201",
    "a number of forty digits": b"9" * 40,
    "a negative number": b"-1",
    "SQL": b"x'%20OR%20'1'='1",
    "emoji": b"%F0%9F%92%A3",
    "a version beyond every column": b"customers@99999999999999999999",
    "a version that is none": b"customers@-1",
    "a uuid with a letter too many": b"01890000-0000-7000-8000-0000000000000",
}

NUMBERS = (b"0", b"-1", b"501", b"x", b"1e309", b"NaN", b"9" * 40, b"1.5", b"", b"%00", b"0x10", b"%C2%B2")
CURSORS = (
    b"x", b"%00", b"%ED%A0%80", b"A" * 513, b"bnVsbA", b"MQ", b"W10", b"e30", b"IngAIg", b"Ilx1ZDgwMCI",
    b"Ilx1MDAwMCI", b"Im5vdC1hLXV1aWQi", b"====", b"%2B%2F%2B%2F", b"eyJhIjoxfQ", b"Ww" * 200,
)  # fmt: skip  # null, 1, [], {}, "x\0", surrogates, NUL, no uuid, and what is no base64 at all
TEXTS = (b"%00", b"a%00b", b"%ED%A0%80", b"%FF", b"%", b"%C0%80")
WRONG_VALUES: dict[str, Any] = {"NUL": "a\x00b", "a lone surrogate": "\ud800", "an object": {"no": 1}, "lists": [[1]]}
OPAQUE = {"payload", "default", "metadata"}
"""Members of bodies whose values are the caller's own: any JSON, though no text that is none."""
DEEP = b"[" * 65 + b"]" * 65


def cases(document: dict[str, Any], sound: Sound) -> Iterator[Case]:
    """All of them."""
    for template, methods in document["paths"].items():
        for method, operation in methods.items():
            absent = next(each for each in ("PATCH", "PUT", "DELETE") if each.lower() not in methods)
            yield from _of_operation(template, method.upper(), operation, sound, absent)
    yield from _special(sound)


def _of_operation(template: str, method: str, operation: dict[str, Any], sound: Sound, absent: str) -> Iterator[Case]:
    name = operation["operationId"]
    ids, more = sound[name].ids, sound[name].more
    path = fill(template, ids)
    media = list(operation.get("requestBody", {}).get("content", ()))
    good = json.dumps(more["json"]).encode() if "json" in more else b""
    headers = JSON if good else ()

    def case(fault: str, **changes: Any) -> Case:
        made = {"method": method, "path": path, "headers": headers, "body": good} | changes
        return Case(name, fault, **made)

    yield case("huge headers", headers=(*headers, (b"x-filler", b"f" * 40_000)))
    yield case("many headers", headers=(*headers, *((b"x-%d" % n, b"f" * 100) for n in range(400))))
    yield case("an address that is too long", query=b"q=" + b"x" * 9_000)
    yield case("NUL in a parameter that nobody asked for", query=b"q=%00")
    yield case("a method that is not there", method=absent)
    if operation.get("security"):
        yield from _credentials(case)
    for parameter in operation.get("parameters", ()):
        yield from _parameters(case, template, parameter, ids)
    if media == ["application/json"]:
        yield from _documents(case, name, more["json"])


def fill(template: str, ids: Mapping[str, str], **instead: bytes) -> bytes:
    """The template with ids that exist, or with others instead."""
    path = template.encode()
    for name, value in ({key: text.encode() for key, text in ids.items()} | instead).items():
        path = path.replace(b"{%s}" % name.encode(), value)
    assert b"{" not in path, path
    return path


def _credentials(case: Any) -> Iterator[Case]:
    for fault, values in {
        "no credential": (),
        "two credentials": ((b"authorization", b"Bearer x"), (b"x-api-key", b"y")),
        "another scheme": ((b"authorization", b"Digest x"),),
        "a token that is none": ((b"authorization", b"Bearer \xff\x00.."),),
        "a key that is none": ((b"x-api-key", b"spk_\xff\xfe"),),
    }.items():
        yield case(fault, headers=(*case("").headers, *values), anonymous=True)


def _parameters(case: Any, template: str, parameter: dict[str, Any], ids: Mapping[str, str]) -> Iterator[Case]:
    name, place, shape = parameter["name"], parameter["in"], parameter["schema"]
    variants = [shape, *shape.get("anyOf", ())]
    types = {variant.get("type") for variant in variants}
    if place == "path":
        for fault, text in TEXT_IN_PATH.items():
            yield case(f"path {name}: {fault}", path=fill(template, ids, **{name: text}))
        yield case(f"path {name}: nothing that exists", path=fill(template, ids, **{name: UNKNOWN_ID.encode()}))
    elif place == "query":
        values = list(TEXTS)
        if name == "cursor":
            values += CURSORS
        if types & {"integer", "number", "boolean"} or any("enum" in each or "$ref" in each for each in variants):
            values += [b"x", b"", b"9" * 40, b"%F0%9F%92%A3"]
        if "integer" in types:
            most = max(variant.get("maximum", 0) for variant in variants)
            values += [value for value in NUMBERS if value != b"501" or most < 501]
        if any(variant.get("format") in {"uuid", "date-time"} for variant in variants):
            values += [b"x", b"", b"1", b"2026-13-01T00:00:00Z", b"2026-01-01T00:00:00", b"99999999999", b"-1"]
        if any("maxLength" in variant for variant in variants):
            values.append(b"x" * (1 + max(variant.get("maxLength", 0) for variant in variants)))
        for value in dict.fromkeys(values):
            yield case(f"query {name}={value[:30]!r}", query=name.encode() + b"=" + value)
        if "array" not in types:
            yield case(f"query {name} twice", query=b"%s=1&%s=2" % (name.encode(), name.encode()))
    elif name == "If-Match":
        for tag in (b'"of-another-version"', b"not quoted", b"W/", b"\xff\xfe", b"", b'"' + b"x" * 300):
            yield case(f"If-Match {tag[:20]!r}", headers=(*case("").headers, (b"if-match", tag)))


def _documents(case: Any, name: str, body: dict[str, Any]) -> Iterator[Case]:
    good = json.dumps(body).encode()
    for fault, raw in {
        "only blanks": b"  \r\n",
        "null": b"null",
        "a list": b"[" + good + b"]",
        "text": b'"x"',
        "a number": b"17",
        "cut short": good[:-1],
        "more than one document": good + good,
        "a comment": good[:-1] + b"/* */}",
        "a trailing comma": good[:-1] + b",}",
        "single quotes": good.replace(b'"', b"'") if len(good) > 2 else b"{'a': 1}",
        "NaN": good[:-1] + (b", " if body else b"") + b'"x": NaN}',
        "Infinity": good[:-1] + (b", " if body else b"") + b'"x": -Infinity}',
        "a number beyond doubles": good[:-1] + (b", " if body else b"") + b'"x": 1e999}',
        "an integer of 5,000 digits": good[:-1] + (b", " if body else b"") + b'"x": ' + b"9" * 5_000 + b"}",
        "a key twice": b'{"reason": "a", "reason": "b", ' + good[1:] if body else b'{"a": 1, "a": 1}',
        "invalid UTF-8": good.replace(b'"', b'"\xff', 1) if body else b'{"\xff": 1}',
        "UTF-16": good.decode().encode("utf-16"),
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "depth 65": b'{"x": ' + DEEP + b"}",
        "depth 100,000": b"[" * 100_000,
        "an unknown field": good[:-1] + (b", " if body else b"") + b'"no_such_field": 1}',
        "an unknown field with NUL": good[:-1] + (b", " if body else b"") + b'"a\\u0000b": 1}',
        "a lone surrogate as a name": good[:-1] + (b", " if body else b"") + b'"\\udfff": 1}',
        "a control character in text": b'{"x": "\x01"}',
        "a megabyte too much": b'{"x": "' + b"x" * 1_100_000 + b'"}',
    }.items():
        yield case(fault, body=raw)
    if name != "issue_client_key":  # its body may be left out
        yield case("no body", body=b"", headers=())
    for fault, media in {"text/plain": b"text/plain", "XML": b"application/xml", "a form": FORM[0][1]}.items():
        yield case(f"sent as {fault}", headers=((b"content-type", media),))
    yield case("without a content type", headers=())
    yield case(
        "compressed, where that is not taken", headers=(*JSON, (b"content-encoding", b"gzip")), body=gzip.compress(good)
    )
    for place in _leaves(body):
        if place[-1] in {"until", "sunset", "expires_at"}:
            for moment in (
                4_102_444_800,
                "4102444800",
                4e9,
                "2099-01-01T00:00:00",
                "2099-01-01",
                "99999-01-01T00:00:00Z",
                "",
            ):
                changed = _replaced(body, place, moment)
                yield case(f"/{place[-1]}: {moment!r} is no time", body=json.dumps(changed).encode())
        for fault, value in WRONG_VALUES.items():
            if OPAQUE.intersection(place) and not isinstance(value, str):
                continue
            changed = _replaced(body, place, value)
            yield case(f"/{'/'.join(map(str, place))}: {fault}", body=json.dumps(changed).encode())


def _leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*place, index))
    else:
        yield place


def _replaced(body: Any, place: tuple[str | int, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    inner = changed
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return changed


def _special(sound: Sound) -> Iterator[Case]:
    yield from _tokens()
    yield from _batches(sound)
    yield from _places(sound)


def _tokens() -> Iterator[Case]:
    def case(fault: str, body: bytes, headers: Headers = FORM) -> Case:
        return Case("issue_token", fault, "POST", b"/api/auth/token", headers=headers, body=body, anonymous=True)

    login = b"grant_type=password&username=admin&password=x"
    yield case("nothing", b"")
    yield case("no content type", login, ())
    yield case("JSON", b'{"grant_type": "password"}', JSON)
    yield case("multipart", b"--x\r\n", ((b"content-type", b"multipart/form-data; boundary=x"),))
    yield case("NUL in the name", b"grant_type=password&username=a%00b&password=x")
    yield case("NUL in the password", b"grant_type=password&username=admin&password=%00")
    yield case("a lone surrogate", b"grant_type=password&username=%ED%A0%80&password=x")
    yield case("invalid UTF-8", b"grant_type=password&username=%FF&password=x")
    yield case("raw bytes", b"grant_type=password&username=\xff\xfe&password=\x00")
    yield case("a field twice", login + b"&username=other")
    yield case("an unknown grant", b"grant_type=implicit")
    yield case("an unknown scope", login + b"&scope=no:such")
    yield case("half an escape", b"grant_type=password&username=%4&password=%")
    yield case("a thousand fields", b"&".join(b"f%d=1" % n for n in range(1_000)))
    yield case("a long password", b"grant_type=password&username=admin&password=" + b"p" * 100_000)
    yield case("a wrong password", login)
    yield case("Basic of nothing", b"grant_type=client_credentials", (*FORM, (b"authorization", b"Basic \xff")))
    yield case("Basic without a colon", b"grant_type=client_credentials", (*FORM, (b"authorization", b"Basic YWJj")))
    yield case("an unknown client", b"grant_type=client_credentials&client_id=x&client_secret=y")


def _batches(sound: Sound) -> Iterator[Case]:
    batch = sound["ingest_batch"]
    path = fill("/api/ingestion/{contract_id}/batches", batch.ids)
    rows: bytes = batch.more["content"]

    def case(
        fault: str,
        body: bytes = rows,
        media: bytes = b"application/x-ndjson",
        *more: tuple[bytes, bytes],
        query: bytes = b"",
    ) -> Case:
        headers = ((b"content-type", media), *more)
        return Case("ingest_batch", fault, "POST", path, query=query, headers=headers, body=body)

    yield case("no content type", rows, b"")
    yield case("an unknown media type", rows, b"application/yaml")
    yield case("another charset", rows, b"text/csv; charset=latin-1")
    yield case("an unknown coding", rows, b"text/csv", (b"content-encoding", b"br"))
    yield case("two codings", rows, b"text/csv", (b"content-encoding", b"gzip, gzip"))
    yield case("gzip that is none", rows, b"text/csv", (b"content-encoding", b"gzip"))
    yield case("zstd that is none", rows, b"text/csv", (b"content-encoding", b"zstd"))
    yield case(
        "gzip cut short", gzip.compress(rows * 1000)[:-12], b"application/x-ndjson", (b"content-encoding", b"gzip")
    )
    yield case(
        "a bomb", gzip.compress(b"\n" * 1_000_000) * 100, b"application/x-ndjson", (b"content-encoding", b"gzip")
    )
    yield case("JSON that is no list", b'{"id": 1}', b"application/json")
    yield case("JSON cut short", b'[{"id": 1', b"application/json")
    yield case("JSON that is nothing", b"", b"application/json")
    yield case("Parquet that is none", b"PAR1" + b"\xff" * 64 + b"PAR1", b"application/vnd.apache.parquet")
    yield case("Parquet of nothing", b"", b"application/vnd.apache.parquet")
    yield case("CSV without a header", b"", b"text/csv")
    yield case("CSV with a column twice", b"id,id\n1,2\n", b"text/csv")
    yield case("CSV with NUL in the header", b"id,\x00\n1,2\n", b"text/csv")
    for value in (b"", b"x" * 256, b"a\x01b", b"\xff"):
        yield case(f"Idempotency-Key {value[:5]!r}", rows, b"application/x-ndjson", (b"idempotency-key", value))
    for value in (b"x", b"-1", b"1.5", b"200%25", b"NaN%25", b"1e400%25", b"%C2%B2", b"9" * 21):
        yield case(f"max_rejected {value!r}", query=b"max_rejected=" + value)


def _places(sound: Sound) -> Iterator[Case]:
    table = sound["get_table_state"].ids["table"].encode()
    for path in (
        b"//api/tables",
        b"/api/tables/" + table + b"/nothing",
        b"/api/tables/%2e%2e/state",
        b"/\xff",
        b"/api\x00",
    ):
        yield Case("get_table_state", f"path {path!r}", "GET", path)
    yield Case(
        "execute_query",
        "a form of answer that nobody has",
        "POST",
        b"/api/query/execute",
        headers=(*JSON, (b"accept", b"image/png")),
        body=b'{"preview_id": "%s"}' % UNKNOWN_ID.encode(),
    )
