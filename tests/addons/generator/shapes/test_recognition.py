"""Values and their shapes, near misses included."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.shapes.recognition import MAX_SHAPED_CHARACTERS, shape_of
from app.addons.generator.shapes.shape import Shape

VALUES: dict[Shape, tuple[str, ...]] = {
    Shape.PLACEHOLDER: (
        *("", " ", "-", "--", "---", "?", "unknown", "UNKNOWN", "null", "NULL", "(null)", "N/A", "n/a", "none", "None"),
        *("(empty)", "(none)", "<nil>", "nil", "undefined", "not available"),
    ),
    Shape.IPV4: ("1.2.3.4", "0.0.0.0", "255.255.255.255", "10.0.0.1", "192.168.100.200", " 10.0.0.1 "),
    Shape.IPV6: (
        *("::1", "::", "fe80::1", "fe80::1%eth0", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"),
        *("2001:db8::", "1:2:3:4:5:6:7::", "64:ff9b::192.0.2.33", "1:2:3:4:5:6:10.0.0.1"),
    ),
    Shape.IP_PORT: ("10.0.0.1:80", "[::1]:443", "192.168.1.10:44740", "[2001:db8::1]:65535"),
    Shape.HOST_PORT: ("example.com:443", "localhost:8080", "db.internal.example.org:5432"),
    Shape.MAC: ("00:08:a2:0c:1f:12", "00-08-A2-0C-1F-12", "0008.a20c.1f12"),
    Shape.TIMESTAMP: (
        *("2024-10-14", "2020-09-08 13:17:14,127", "2025-03-13T14:01:02+02:00", "2023-04-26T12:22:55.463821Z"),
        *("14/Jan/2015:12:48:57.127", "10/Oct/2000:13:55:36 -0700", "Jun  8 14:34:33", "Tue, 12 Mar 2024 10:00:00 GMT"),
        *("Tue Mar 12 10:00:00 2024", "12/31/2024", "31.12.2024 23:59:59", "20240314T120000Z", "2016/02/24 22:06:06"),
        *("12-Mar-2024 10:00:00", "3/4/2024 1:02:03 PM", "March 5, 2024"),
    ),
    Shape.URL: ("http://example.com/", "https://a.b/c?d=e#f", "ftp://10.0.0.1/x", "ldap://dc01:389", "chrome://newtab"),
    Shape.EMAIL: ("a@b.com", "first.last+tag@sub.example.co.uk", "x_y@example.museum"),
    Shape.USER_AT_HOST: ("root@web01", "'root'@'localhost'", "''@'10.0.0.1'", "root[root]@localhost", "app@10.0.0.5"),
    Shape.REGISTRY_KEY: ("HKLM\\Software\\X", "HKEY_LOCAL_MACHINE\\SYSTEM\\Setup", "HKU\\S-1-5-18\\a b"),
    Shape.PATH_WINDOWS: (
        *("C:\\Windows\\System32\\cmd.exe", "c:/temp/x y.txt", "\\\\server\\share\\f", "%SystemRoot%\\system32"),
        "\\Device\\HarddiskVolume1\\x.exe",
    ),
    Shape.WINDOWS_ACCOUNT: ("CORP\\jdoe", "NT AUTHORITY\\SYSTEM", "NT AUTHORITY\\NETWORK SERVICE", "WEB01\\svc-app$"),
    Shape.UUID: ("5770385f-c22a-43e0-bf4c-06f5698ffbd9", "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"),
    Shape.SID: ("S-1-5-18", "S-1-5-21-3623811015-3361044348-30300820-1013"),
    Shape.EPOCH: ("1684329817", "1684329817.579", "1684329817579", "1684329817579123", "1728938800841267391"),
    Shape.INTEGER: ("0", "22", "007", "221128", "99999999999", "4294967295"),
    Shape.SIGNED: ("-2", "+5", "-100000"),
    Shape.DECIMAL: ("0.001", "-1.5", "8.5", "1.5e-7", ".5", "+3.14"),
    Shape.DURATION: (
        "1.5ms",
        "20s",
        "00:01:02",
        "1h2m3s",
        "12:34:56",
        "5 seconds",
        "10 min",
        "2d",
        "300µs",
        "26:00:01",
    ),
    Shape.BYTES: ("10 KiB", "512B", "1.5MB", "20 bytes", "4G"),
    Shape.VERSION: (
        *("1.2.3", "999.1.1.1", "10.0.14393.0", "v1.2", "2.3.4-4", "1.2.3.4.5", "256.1.1.1", "1.0.0-rc.1", "9.4.19"),
        "1.2.3.4-5",
    ),
    Shape.HASH_MD5: ("d41d8cd98f00b204e9800998ecf8427e", "D41D8CD98F00B204E9800998ECF8427E"),
    Shape.HASH_SHA1: ("da39a3ee5e6b4b0d3255bfef95601890afd80709",),
    Shape.HASH_SHA256: ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",),
    Shape.HASH_SHA512: ("cf83e1357eefb8bd" * 8,),
    Shape.HEX: ("0x3e7", "c000003e", "7ffd9f580560", "0x8000000000000000", "d41d8cd98f00b204e9800998ecf8427"),
    Shape.SEVERITY: ("ERROR", "warn", "Warning", "INFO", "notice", "crit", "emerg", "debug", "FATAL", "high", "TRACE"),
    Shape.HTTP_METHOD: ("GET", "POST", "PROPFIND", "CONNECT", "OPTIONS"),
    Shape.HTTP_VERSION: ("HTTP/1.1", "HTTP/2", "HTTP/2.0"),
    Shape.TLS_VERSION: ("TLSv1.2", "TLS 1.3", "SSLv3", "TLSv1", "TLS_v1_2"),
    Shape.BOOLEAN: ("true", "False", "yes", "NO", "on", "T"),
    Shape.PROTOCOL: ("tcp", "UDP", "icmp", "https", "ESMTP", "ipv6-icmp"),
    Shape.MIME_TYPE: ("text/html", "application/json; charset=utf-8", "image/svg+xml"),
    Shape.USER_AGENT: (
        *("Mozilla/5.0 (X11; Linux x86_64)", "curl/7.46.0", "Go-http-client/1.1", "Thing/2.0 (like Mozilla)"),
        "Mozilla/5.0+(compatible;+bot/2.0)",
    ),
    Shape.PATH_UNIX: ("/usr/bin/perl", "/etc", "/var/log/x.log", "/home/u/a-b_c"),
    Shape.URI_PATH: ("/", "/index.php?a=1", "/api/v1/users/42", "/usr/x?y=1", "/a%20b"),
    Shape.DOMAIN_NAME: ("www.example.com", "host.local", "xn--bcher-kva.example", "a.b.c.d.org", "DC01.CORP.LOCAL"),
    Shape.WORD: (
        *("hello", "e3b0", "web01", "cmd.exe", "main.go", "org.apache.Main", "pool.Worker", "a\\b\\c", "decade", "may"),
        *(
            "1.2.3.",
            "tcpdump",
            "GETS",
            "10.0.0.1:99999",
            "S-1",
            "S-1-x",
            "a@",
            "@b",
            "http:/x",
            "Accepted",
            "1:2:3:4:5",
        ),
        *("00:08:a2:0c:1f", "00:08:a2:0c:1f:1g", "::1::2", "1::2::3", "1:2:3:4:5:6:7:8:9", "fe80:::1", "12345::1"),
        *("x" * 5000, "a." * 2000, "5770385f-c22a-43e0-bf4c", "index.html", "HTTP/", "infos", "-x", "key=value"),
    ),
    Shape.TEXT: ("hello world", "GET /x", "1.2.3.4 5.6.7.8", "May 11", "line one\nline two", "x y " * 3000),
}
CASES = [(value, shape) for shape, values in VALUES.items() for value in values]


def test_the_table_is_long() -> None:
    assert len(CASES) >= 150
    assert set(VALUES) | {Shape.IP} == set(Shape)


@pytest.mark.parametrize(("value", "shape"), CASES, ids=lambda each: str(each)[:40])
def test_a_value_has_its_shape(value: str, shape: Shape) -> None:
    assert shape_of(value) is shape


@settings(max_examples=100)
@given(st.ip_addresses(v=6))
def test_each_ipv6_address_is_one(address: object) -> None:
    assert shape_of(str(address)) is Shape.IPV6


@settings(max_examples=100)
@given(st.ip_addresses(v=4))
def test_each_ipv4_address_is_one(address: object) -> None:
    assert shape_of(str(address)) is Shape.IPV4


@settings(max_examples=100)
@given(st.text(max_size=300) | st.text(alphabet=string.printable, max_size=300) | st.text(alphabet=":.-/\\@[]%19afT "))
def test_any_text_has_a_shape(value: str) -> None:
    shape = shape_of(value)
    assert shape is not Shape.IP
    assert shape_of(f" {value} ") is shape


@pytest.mark.parametrize("part", ["a", "1", "a.", "1.", "1:", "/a", "a@", "\\a", "-", "f0", "A1b.", "a-", "1s", "%a"])
def test_long_values_are_looked_at_in_bounded_steps(part: str) -> None:
    for length in (250, MAX_SHAPED_CHARACTERS, 100_000):
        for ending in ("", "!", ".Z", ".com"):
            assert shape_of((part * length)[:length] + ending) in Shape
