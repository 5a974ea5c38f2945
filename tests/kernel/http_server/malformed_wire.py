"""What a connection may bring instead of an honest request: bytes, and what is expected of the server."""

import gzip
import random
from dataclasses import dataclass
from typing import Final

HOST: Final = b"Host: spyne.test\r\n"
GET: Final = b"GET /health/live HTTP/1.1\r\n" + HOST
POST: Final = b"POST /api/query/validate HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"
END: Final = b"\r\n"
BOMB: Final = gzip.compress(bytes(10**6))
TE: Final = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Wire:
    """One connection's bytes. `served`: an answer below 400 is right as well. `status`: nothing but this answer is."""

    name: str
    pieces: tuple[bytes, ...]
    served: bool = False
    status: int | None = None


def line(name: str, text: bytes, *, served: bool = False) -> Wire:
    """A request line of its own, with a Host field."""
    return Wire(f"line: {name}", (text + b"\r\n" + HOST + END,), served)


def head(name: str, *fields: bytes, served: bool = False) -> Wire:
    """Header fields after a sound request line and Host."""
    return Wire(f"field: {name}", (GET + b"\r\n".join(fields) + b"\r\n" + END,), served)


def body(name: str, fields: bytes, *pieces: bytes, status: int | None = 400) -> Wire:
    """A POST with these fields and this body; two readers could see its end in two places, unless `status` is None."""
    first, *rest = pieces or (b"",)
    return Wire(f"body: {name}", (POST + fields + END + first, *rest), status=status)


LINES: Final = [
    line("no method", b"/health/live HTTP/1.1"),
    line("HTTP/0.9", b"GET /health/live"),
    Wire("line: HTTP/0.9 alone", (b"GET /health/live\r\n\r\n",)),
    line("HTTP/2.0", b"GET /health/live HTTP/2.0"),
    line("HTTP/1.2", b"GET /health/live HTTP/1.2"),
    line("HTTP/9.9", b"GET /health/live HTTP/9.9"),
    line("HTTP/1.10", b"GET /health/live HTTP/1.10"),
    line("http in lower case", b"GET /health/live http/1.1"),
    line("another protocol", b"GET /health/live ICAP/1.0"),
    line("RTSP", b"OPTIONS rtsp://x/ RTSP/1.0"),
    line("two spaces", b"GET  /health/live  HTTP/1.1", served=True),
    line("a tab", b"GET\t/health/live\tHTTP/1.1"),
    line("a space in the target", b"GET /health live HTTP/1.1"),
    line("a NUL in the target", b"GET /health\x00/live HTTP/1.1"),
    line("a control in the target", b"GET /health\x01/live HTTP/1.1"),
    line("DEL in the target", b"GET /health\x7f/live HTTP/1.1"),
    line("Latin-1 in the target", b"GET /caf\xe9 HTTP/1.1"),
    line("UTF-8 in the target", "GET /café HTTP/1.1".encode()),
    line("a fragment", b"GET /health/live#x HTTP/1.1"),
    line("absolute form", b"GET http://spyne.test/health/live HTTP/1.1"),
    line("absolute form without a path", b"GET http://spyne.test HTTP/1.1"),
    line("absolute form of another host", b"GET http://metadata.internal/ HTTP/1.1"),
    line("absolute form with a login", b"GET http://user:pass@spyne.test/ HTTP/1.1"),
    line("file URL", b"GET file:///etc/passwd HTTP/1.1"),
    line("authority form", b"GET spyne.test:80 HTTP/1.1"),
    line("CONNECT", b"CONNECT spyne.test:443 HTTP/1.1"),
    line("CONNECT to a path", b"CONNECT /health/live HTTP/1.1"),
    line("asterisk with GET", b"GET * HTTP/1.1"),
    line("asterisk with OPTIONS", b"OPTIONS * HTTP/1.1"),
    line("a relative target", b"GET health/live HTTP/1.1"),
    line("a backslash", b"GET \\health\\live HTTP/1.1"),
    line("an empty target", b"GET  HTTP/1.1"),
    line("an unknown method", b"BREW /health/live HTTP/1.1"),
    line("a method in lower case", b"get /health/live HTTP/1.1"),
    line("a method with a control", b"GE\x00T /health/live HTTP/1.1"),
    line("TRACE", b"TRACE /health/live HTTP/1.1"),
    line("a method of another standard", b"PROPFIND /health/live HTTP/1.1"),
    line("PRI", b"PRI * HTTP/1.1"),
    line("a target of 7,000 bytes", b"GET /" + b"x" * 7_000 + b" HTTP/1.1"),
    line("a target of 20,000 bytes", b"GET /" + b"x" * 20_000 + b" HTTP/1.1"),
    line("a target of 100,000 bytes", b"GET /" + b"x" * 100_000 + b" HTTP/1.1"),
    Wire("line: a target without end", (b"GET /" + b"x" * 60_000, b"x" * 60_000)),
    Wire("line: a method without end", (b"G" * 60_000,)),
    Wire("line: empty lines first", (END * 3 + GET + END,), served=True),
    Wire("line: bare LF first", (b"\n\n" + GET + END,), served=True),
    Wire("line: bare LF at its end", (b"GET /health/live HTTP/1.1\n" + HOST + END,)),
    Wire("line: bare CR at its end", (b"GET /health/live HTTP/1.1\r" + HOST + END,)),
    Wire("line: a space first", (b" " + GET + END,)),
    Wire("line: a byte order mark first", (b"\xef\xbb\xbf" + GET + END,)),
]

FIELDS: Final = [
    Wire("field: no Host", (b"GET /health/live HTTP/1.1\r\n\r\n",)),
    head("two Hosts", b"Host: other.test"),
    head("the same Host twice", b"Host: spyne.test"),
    Wire("field: Host with a path", (b"GET /health/live HTTP/1.1\r\nHost: spyne.test/x\r\n\r\n",)),
    Wire("field: Host with a login", (b"GET /health/live HTTP/1.1\r\nHost: a@spyne.test\r\n\r\n",)),
    Wire("field: Host with a space", (b"GET /health/live HTTP/1.1\r\nHost: spyne test\r\n\r\n",)),
    Wire("field: Host with quotes", (b'GET /health/live HTTP/1.1\r\nHost: "spyne"\r\n\r\n',)),
    Wire("field: Host with a script", (b"GET /health/live HTTP/1.1\r\nHost: <script>\r\n\r\n",)),
    Wire("field: Host with a port of words", (b"GET /health/live HTTP/1.1\r\nHost: spyne:http\r\n\r\n",)),
    Wire("field: Host not ASCII", (b"GET /health/live HTTP/1.1\r\nHost: caf\xe9\r\n\r\n",)),
    Wire("field: HTTP/1.0 without Host", (b"GET /health/live HTTP/1.0\r\n\r\n",), served=True),
    head("obs-fold", b"X-A: b", b" c"),
    head("obs-fold with a tab", b"X-A: b", b"\tc"),
    Wire("field: a fold at once", (b"GET /health/live HTTP/1.1\r\n Host: spyne.test\r\n\r\n",)),
    head("a space before the colon", b"X-A : b"),
    head("a tab before the colon", b"X-A\t: b"),
    head("no colon", b"nonsense"),
    head("no name", b": b"),
    head("a space in a name", b"X A: b"),
    head("a NUL in a name", b"X\x00A: b"),
    head("a bracket in a name", b"X(A): b"),
    head("a name not ASCII", b"X-\xe9: b"),
    head("a NUL in a value", b"X-A: b\x00c"),
    head("a control in a value", b"X-A: b\x01c"),
    head("DEL in a value", b"X-A: b\x7fc"),
    head("a bare CR in a value", b"X-A: b\rX-B: c"),
    head("a bare LF between fields", b"X-A: b\nX-B: c"),
    Wire("field: bare LF at the end of the head", (GET + b"X-A: b\n\n",)),
    Wire("field: CR without LF at the end", (GET + b"\rX",)),
    head("one value of 40,000 bytes", b"X-A: " + b"b" * 40_000),
    head("one name of 40,000 bytes", b"X" * 40_000 + b": b"),
    head("40,000 bytes in many fields", *[b"X-%d: " % n + b"b" * 1_000 for n in range(40)]),
    head("300 small fields", *[b"X-%d: b" % n for n in range(300)]),
    head("5,000 empty fields", *[b"a:" for _ in range(5_000)]),
    Wire("field: without end", (GET + b"X-A: ", b"b" * 60_000, b"b" * 60_000)),
    Wire("field: many without end", (GET, b"X-A: b\r\n" * 9_000, b"X-A: b\r\n" * 9_000)),
    head("a cookie of 40,000 bytes", b"Cookie: a=" + b"b" * 40_000),
    head("an absurd Range", b"Range: bytes=" + b"0-1," * 1_000, served=True),
    head("Expect of something", b"Expect: a-pony", served=True),
    head("a Connection of everything", b"Connection: close, upgrade, keep-alive, te, host", served=True),
]

UPGRADES: Final = [
    head(
        "a web socket",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        served=True,
    ),
    Wire(
        "upgrade: a web socket with frames behind",
        (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n" + END + b"\x81\x85\x00\x00\x00\x00hello" * 9,),
        served=True,
    ),
    Wire(
        "upgrade: a web socket where nothing is",
        (b"GET /socket HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",),
    ),
    head("h2c", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk", served=True),
    head("TLS by upgrade", b"Connection: Upgrade", b"Upgrade: TLS/1.2", served=True),
    body("an upgrade with a body", b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n", b"{}", status=None),
]

BODIES: Final = [
    body("two lengths", b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}x"),
    body("the same length twice", b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    body("a list of lengths", b"Content-Length: 2, 2\r\n", b"{}"),
    body("a negative length", b"Content-Length: -1\r\n", b"{}"),
    body("a signed length", b"Content-Length: +2\r\n", b"{}"),
    body("a length in hexadecimal", b"Content-Length: 0x2\r\n", b"{}"),
    body("a length with a point", b"Content-Length: 2.0\r\n", b"{}"),
    body("a length with a space inside", b"Content-Length: 1 0\r\n", b"{}"),
    body("an empty length", b"Content-Length:\r\n", b"{}"),
    body("a length of words", b"Content-Length: two\r\n", b"{}"),
    body("a length beyond 64 bits", b"Content-Length: 99999999999999999999999\r\n", b"{}"),
    body("a length beyond every limit", b"Content-Length: 999999999999\r\n", b"{}", status=413),
    body("a length in other digits", "Content-Length: \N{FULLWIDTH DIGIT TWO}\r\n".encode(), b"{}"),
    body("length and chunks", b"Content-Length: 2\r\n" + TE, b"0\r\n\r\n"),
    body("chunks and length", TE + b"Content-Length: 2\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("length and chunks with a second request", b"Content-Length: 5\r\n" + TE, b"0\r\n\r\n" + GET + END),
    body("chunks twice", TE + TE, b"2\r\n{}\r\n0\r\n\r\n"),
    body("chunked, chunked", b"Transfer-Encoding: chunked, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("gzip last", b"Transfer-Encoding: chunked, gzip\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("gzip, chunked", b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("identity", b"Transfer-Encoding: identity\r\n", b"{}"),
    body("a spelling of chunked", b"Transfer-Encoding: xchunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("chunked with a quote", b'Transfer-Encoding: "chunked"\r\n', b"2\r\n{}\r\n0\r\n\r\n"),
    body("chunked with a vertical tab", b"Transfer-Encoding: \x0bchunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("chunked with a space before the colon", b"Transfer-Encoding : chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("chunked folded", b"Transfer-Encoding:\r\n chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    body("a chunk of no number", TE, b"zz\r\n{}\r\n0\r\n\r\n"),
    body("a negative chunk", TE, b"-2\r\n{}\r\n0\r\n\r\n"),
    body("a chunk with 0x", TE, b"0x2\r\n{}\r\n0\r\n\r\n"),
    body("an empty chunk size", TE, b"\r\n{}\r\n0\r\n\r\n"),
    body("a chunk size beyond 64 bits", TE, b"fffffffffffffffff\r\n{}"),
    body("a chunk longer than it says", TE, b"2\r\n{}xx\r\n0\r\n\r\n"),
    body("a bare LF after a chunk size", TE, b"2\n{}\r\n0\r\n\r\n"),
    body("a bare LF after a chunk", TE, b"2\r\n{}\n0\r\n\r\n"),
    body("a bare CR after a chunk size", TE, b"2\r{}\r\n0\r\n\r\n"),
    body("a space after a chunk size", TE, b"2 \r\n{}\r\n0\r\n\r\n"),
    body("a NUL in an extension", TE, b"2;a=\x00\r\n{}\r\n0\r\n\r\n"),
    body("an extension of 100,000 bytes", TE, b"2;a=" + b"b" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", status=None),
    body("an extension without end", TE, b"2;a=", b"b" * 60_000, b"b" * 60_000, status=None),
    body("an extension with a line break", TE, b"2;a\n\r\n{}\r\n0\r\n\r\n"),
    body("leading zeros without end", TE, b"0" * 60_000, b"0" * 60_000, status=None),
    body(
        "a trailer of 100,000 bytes",
        TE,
        b"2\r\n{}\r\n0\r\n",
        b"X-A: " + b"b" * 50_000,
        b"b" * 50_000 + b"\r\n\r\n",
        status=None,
    ),
    body("trailers without end", TE, b"2\r\n{}\r\n0\r\n", b"X-A: b\r\n" * 9_000, b"X-A: b\r\n" * 9_000, status=None),
    body(
        "trailers that name fields",
        TE,
        b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 3\r\n\r\n",
        status=None,
    ),
    body("a malformed trailer", TE, b"2\r\n{}\r\n0\r\nnonsense\r\n\r\n"),
    body("chunks over HTTP/1.0", b"", b"", status=None),
    Wire(
        "body: chunks in HTTP/1.0",
        (b"POST /api/query/validate HTTP/1.0\r\n" + HOST + TE + END + b"2\r\n{}\r\n0\r\n\r\n",),
    ),
    body("a gzip bomb", b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(BOMB), BOMB, status=None),
    body("Expect with a length beyond", b"Expect: 100-continue\r\nContent-Length: 9999999999\r\n", b"", status=413),
    body("Expect with a body at once", b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}", status=None),
    body("more than it says", b"Content-Length: 2\r\n", b"{}" + b"x" * 500, status=None),
    body("two bodies", b"Content-Length: 2\r\n", b"{}", b"{}", status=None),
    Wire("body: with GET", (GET + b"Content-Length: 5\r\n" + END + b"12345",), served=True),
    Wire("body: chunked with GET", (GET + TE + END + b"2\r\n{}\r\nzz",), served=True),
]

PIPELINES: Final = [
    Wire("pipeline: a good and a bad one", (GET + END + b"nonsense\r\n\r\n",), served=True),
    Wire("pipeline: a bad and a good one", (b"nonsense\r\n\r\n" + GET + END,)),
    Wire("pipeline: three hundred", ((GET + END) * 300,), served=True),
    Wire("pipeline: ten thousand", ((GET + END) * 10_000,), served=True),
    Wire("pipeline: after close", (GET + b"Connection: close\r\n" + END + GET + END,), served=True),
    Wire("pipeline: half a second one", (GET + END + b"GET /hea",), served=True),
    Wire("pipeline: a slow one before a bad one", (POST + b"Content-Length: 2\r\n" + END + b"{}" + b"\x00" * 50,)),
    Wire("pipeline: TLS behind a good one", (GET + END + b"\x16\x03\x01\x02\x00\x01\x00",), served=True),
]

_NOISE = random.Random(7)

OTHER_PROTOCOLS: Final = [
    Wire("protocol: HTTP/2 preface", (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),)),
    Wire("protocol: TLS ClientHello", (bytes.fromhex("16030102000100") + b"\x01\xfc\x03\x03" + bytes(300),)),
    Wire("protocol: TLS alert", (bytes.fromhex("15030100020228"),)),
    Wire("protocol: SSLv2 hello", (bytes.fromhex("802e0100020015"),)),
    Wire("protocol: SSH", (b"SSH-2.0-OpenSSH_9.9\r\n",)),
    Wire("protocol: SMTP", (b"EHLO spyne.test\r\nMAIL FROM:<a@b>\r\n",)),
    Wire("protocol: Redis", (b"*1\r\n$4\r\nINFO\r\n",)),
    Wire("protocol: memcached", (b"stats\r\n",)),
    Wire("protocol: PostgreSQL", (bytes.fromhex("0000000804d2162f"),)),
    Wire("protocol: SOCKS5", (bytes.fromhex("050100"),)),
    Wire("protocol: PROXY", (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET + END,)),
    Wire("protocol: PROXY v2", (bytes.fromhex("0d0a0d0a000d0a515549540a") + bytes(16),)),
    Wire("protocol: RDP", (bytes.fromhex("0300001300e00000000000"),)),
    Wire("protocol: an answer", (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",)),
    Wire("protocol: zeros", (bytes(1_000),)),
    Wire("protocol: 0xff", (b"\xff" * 1_000,)),
    *[Wire(f"protocol: noise {n}", (b"\x80" + _NOISE.randbytes(200),)) for n in range(10)],
]

CASES: Final = [*LINES, *FIELDS, *UPGRADES, *BODIES, *PIPELINES, *OTHER_PROTOCOLS]
