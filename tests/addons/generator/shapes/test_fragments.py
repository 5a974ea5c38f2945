"""Fragments extract each value of their shape whole, inside a named group, and never reach Splunk's match limit."""

import string
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.generator.shapes.fragments import FORMS, fragment
from app.addons.generator.shapes.recognition import shape_of
from app.addons.generator.shapes.shape import Shape
from app.addons.regexes import compile_regex
from tests.addons.generator.shapes.test_recognition import CASES, VALUES

NAMES = string.ascii_lowercase + string.digits
HEXADECIMAL = "0123456789abcdef"
IPV4 = st.ip_addresses(v=4).map(str)
IPV6 = st.ip_addresses(v=6).map(str)
PORTS = st.integers(0, 65535).map(str)
LABELS = st.text(string.ascii_lowercase, min_size=2, max_size=20)
DOMAINS = st.tuples(LABELS, LABELS, st.sampled_from(("com", "de", "example", "test"))).map(".".join)


def hexadecimal(length: int) -> st.SearchStrategy[str]:
    return st.text(HEXADECIMAL, min_size=length - 2, max_size=length - 2).map(lambda text: f"a{text}0")


def moments(form: str) -> st.SearchStrategy[str]:
    return st.datetimes(datetime(1970, 1, 1), datetime(2038, 1, 1)).map(lambda moment: moment.strftime(form))  # noqa: DTZ001


GENERATED: dict[Shape, st.SearchStrategy[str]] = {
    Shape.PLACEHOLDER: st.sampled_from(VALUES[Shape.PLACEHOLDER]).map(str.strip),
    Shape.IPV4: IPV4,
    Shape.IPV6: IPV6,
    Shape.IP_PORT: st.tuples(IPV4 | IPV6.map(lambda each: f"[{each}]"), PORTS).map(":".join),
    Shape.HOST_PORT: st.tuples(DOMAINS, PORTS).map(":".join),
    Shape.MAC: st.lists(hexadecimal(2), min_size=6, max_size=6).map(":".join),
    Shape.TIMESTAMP: st.sampled_from(
        (
            *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S,%f", "%Y-%m-%dT%H:%M:%SZ", "%d/%b/%Y:%H:%M:%S +0200", "%b %d %H:%M:%S"),
            *("%a %b %d %H:%M:%S %Y", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M", "%Y%m%dT%H%M%SZ"),
            "%a, %d %b %Y %H:%M:%S GMT",
        )
    ).flatmap(moments),
    Shape.URL: st.tuples(
        st.sampled_from(("http", "https", "ftp")), DOMAINS, st.text(NAMES + "/?&=%.", max_size=80)
    ).map(lambda parts: f"{parts[0]}://{parts[1]}/{parts[2]}"),
    Shape.EMAIL: st.tuples(st.text(NAMES + "._+-", min_size=1, max_size=30), DOMAINS).map("@".join),
    Shape.USER_AT_HOST: st.tuples(LABELS, LABELS | IPV4).map("@".join),
    Shape.REGISTRY_KEY: st.text(NAMES + "\\ ", max_size=80).map(lambda rest: f"HKLM\\a{rest}b"),
    Shape.PATH_WINDOWS: st.text(NAMES + "\\ .", max_size=80).map(lambda rest: f"C:\\a{rest}b"),
    Shape.WINDOWS_ACCOUNT: st.tuples(LABELS.map(str.upper), LABELS).map("\\".join),
    Shape.UUID: st.uuids().map(str),
    Shape.SID: st.lists(st.integers(0, 2**32 - 1).map(str), min_size=1, max_size=8).map(
        lambda a: "S-1-5-" + "-".join(a)
    ),
    Shape.EPOCH: st.integers(1_000_000_000, 1_999_999_999).map(str),
    Shape.INTEGER: st.integers(0, 999_999_999).map(str),
    Shape.SIGNED: st.integers(-(10**18), -1).map(str),
    Shape.DECIMAL: st.tuples(st.integers(-(10**8), 10**8), st.integers(0, 10**8)).map(
        lambda pair: f"{pair[0]}.{pair[1]}"
    ),
    Shape.DURATION: st.tuples(st.integers(0, 10**6).map(str), st.sampled_from(("ms", "s", "us", "h", " seconds"))).map(
        "".join
    ),
    Shape.BYTES: st.tuples(st.integers(0, 10**6).map(str), st.sampled_from(("KB", " MiB", "B", " bytes"))).map("".join),
    Shape.VERSION: st.lists(st.integers(256, 9999).map(str), min_size=3, max_size=4).map(".".join),
    Shape.HASH_MD5: hexadecimal(32),
    Shape.HASH_SHA1: hexadecimal(40),
    Shape.HASH_SHA256: hexadecimal(64),
    Shape.HASH_SHA512: hexadecimal(128),
    Shape.HEX: st.integers(0, 2**64).map(hex),
    Shape.USER_AGENT: st.text(NAMES + " ;.,()/", max_size=60).map(lambda rest: f"Mozilla/5.0 ({rest})"),
    Shape.PATH_UNIX: st.text(NAMES + "/._-", max_size=80).map(lambda rest: f"/var/{rest}"),
    Shape.URI_PATH: st.text(NAMES + "/._-?&=", max_size=80).map(lambda rest: f"/api/{rest}"),
    Shape.DOMAIN_NAME: DOMAINS,
    Shape.TEXT: st.tuples(LABELS, LABELS, LABELS).map(" ".join),
    **{
        shape: st.sampled_from(VALUES[shape])
        for shape in (
            *(Shape.SEVERITY, Shape.HTTP_METHOD, Shape.HTTP_VERSION, Shape.TLS_VERSION, Shape.BOOLEAN),
            *(Shape.PROTOCOL, Shape.MIME_TYPE, Shape.WORD),
        )
    },
}

LONG = tuple(
    part * (100_000 // len(part))
    for part in (
        *(
            "a",
            "1",
            "a.",
            "1.",
            "1:",
            "/a",
            "a@",
            "\\a",
            " ",
            "-",
            "f0",
            "A-",
            "x y ",
            "HKLM\\",
            "C:\\",
            "1s",
            "%a",
            "é",
        ),
        *("Jan 1 ", "2024-", "'a'@", "http://", "Mozilla/5 (", "é"),
    )
)


def extracted_whole(shape: Shape, value: str) -> bool:
    found = compile_regex(rf"^(?<value>{fragment(shape)})$").search(value)
    return found is not None and found.named["value"] == value


def test_every_shape_has_a_generator_and_a_form() -> None:
    assert set(GENERATED) | {Shape.IP} == set(Shape) == set(FORMS)


@pytest.mark.parametrize("shape", Shape)
def test_fragments_compile_without_groups(shape: Shape) -> None:
    assert compile_regex(fragment(shape)).groups == 0


@pytest.mark.parametrize("shape", sorted(GENERATED))
def test_each_value_of_a_shape_is_extracted_whole(shape: Shape) -> None:
    @settings(max_examples=40)
    @given(GENERATED[shape])
    def check(value: str) -> None:
        assert extracted_whole(shape, value), value
        if shape not in {Shape.WORD, Shape.TEXT}:
            assert shape_of(value) is shape, value

    check()


def test_the_values_of_the_table_are_extracted_whole() -> None:
    missed = [case for case in CASES if "\n" not in case[0] and not extracted_whole(case[1], case[0].strip())]
    assert missed == []


@settings(max_examples=100)
@given(IPV4 | IPV6)
def test_addresses_of_both_versions_are_extracted(value: str) -> None:
    assert extracted_whole(Shape.IP, value)


@pytest.mark.parametrize(
    ("shape", "value"),
    [(Shape.IPV4, v) for v in ("1.2.3", "999.1.1.1", "1.2.3.4.5", "1.2.3.256")]
    + [(Shape.IPV6, v) for v in ("12:34:56", "00:08:a2:0c:1f:12", "1:2:3:4:5:6:7", "abc")]
    + [(Shape.IP, "12:34:56"), (Shape.MAC, "00:08:a2:0c:1f"), (Shape.UUID, "5770385f-c22a"), (Shape.HASH_MD5, "e3b0")]
    + [(Shape.INTEGER, "1.5"), (Shape.INTEGER, "-1"), (Shape.EPOCH, "123"), (Shape.HTTP_METHOD, "GETS")]
    + [(Shape.SEVERITY, "infos"), (Shape.BOOLEAN, "trueish"), (Shape.TIMESTAMP, "12:34:56"), (Shape.EMAIL, "a@b")]
    + [(Shape.IP_PORT, "10.0.0.1:70000"), (Shape.PLACEHOLDER, "nobody"), (Shape.URL, "http:/x"), (Shape.SID, "S-1")],
)
def test_near_misses_are_not_extracted(shape: Shape, value: str) -> None:
    assert not extracted_whole(shape, value)


@pytest.mark.parametrize("shape", Shape)
def test_no_fragment_reaches_the_limit(shape: Shape) -> None:
    alone, between = compile_regex(fragment(shape)), compile_regex(rf"\s(?<value>{fragment(shape)})\s\$")
    for text in LONG:
        alone.search(text)
        between.search(text[:5_000])
