"""Samples as bytes: encodings, what is refused and why, and hostile ones."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.building.build import build_addon
from app.addons.generator.reading.sample import MAX_LINE_CHARACTERS, SampleRefused, read_sample
from tests.addons.generator.logs import ACCESS, LOGS, VPN

UMLAUT = "2026-01-02 03:04:05 INFO Größe 5 µm\n"


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        (UMLAUT.encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + UMLAUT.encode(), "UTF-8"),
        (UMLAUT.encode("utf-16"), "UTF-16LE"),
        (UMLAUT.encode("utf-32"), "UTF-32LE"),
        (UMLAUT.encode("utf-16-le"), "UTF-16LE"),
        (UMLAUT.encode("utf-16-be"), "UTF-16BE"),
        (UMLAUT.encode("cp1252"), "WINDOWS-1252"),
        (UMLAUT.encode()[:-5], "UTF-8"),
    ],
)
def test_encodings(content: bytes, charset: str) -> None:
    sample = read_sample(content)
    assert sample.charset == charset
    assert sample.text.startswith("2026-01-02 03:04:05 INFO Größe")


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "empty-sample", "no lines"),
        (b" \n\r\n", "empty-sample", "no lines"),
        (gzip.compress(b"x", mtime=0), "binary-sample", "gzip"),
        (b"PK\x03\x04...", "binary-sample", "ZIP"),
        (b"app.log".ljust(257, b"\x00") + b"ustar  \x00", "binary-sample", "a tar archive"),
        (b"\x7fELF....", "binary-sample", "program"),
        (b"%PDF-1.7 x", "binary-sample", "PDF"),
        (b"ElfFile\x00x", "binary-sample", "export it as XML"),
        (bytes(range(256)) * 4, "binary-sample", "control characters"),
        (b"x" * (MAX_LINE_CHARACTERS + 1), "line-too-long", "more than"),
    ],
)
def test_what_is_refused(content: bytes, code: str, says: str) -> None:
    with pytest.raises(SampleRefused, match=says) as refused:
        build_addon(content, "x")
    assert refused.value.code == code


@settings(max_examples=25)
@given(st.binary(min_size=1, max_size=300))
def test_any_bytes_build_or_are_refused(content: bytes) -> None:
    try:
        build_addon(content, "any")
    except SampleRefused:
        return


@settings(max_examples=25)
@given(st.sampled_from(LOGS), st.integers(0, 400), st.text(max_size=12))
def test_a_damaged_log_still_builds(log: object, at: int, inserted: str) -> None:
    lines = log.lines  # type: ignore[attr-defined]
    built = build_addon((lines[: at % len(lines)] + inserted + lines[at % len(lines) :]).encode(), "damaged")
    assert built.package.files["default/props.conf"]
    assert not built.checked.slow


@pytest.mark.parametrize(
    "content",
    [
        "a=" * 20_000,
        "[" * 5_000 + "]" * 5_000,
        '"' * 9_999,
        "((((" * 3_000,
        "2026-01-01 " * 5_000,
        "1.2.3." * 9_000,
        "<a>" * 9_000,
        '{"a":' * 3_000 + "1" + "}" * 3_000,
        "|" * 30_000,
        "CEF:0|" + "a\\|" * 2_000,
        "\t" * 20_000 + "x",
        ",".join("x" * 3 for _ in range(9_000)),
    ],
    ids=lambda content: content[:12],
)
def test_hostile_lines_build_within_the_limits_of_splunk(content: str) -> None:
    built = build_addon((content + "\n" + content).encode(), "hostile")
    assert not built.checked.slow, [slow.setting for slow in built.checked.slow]


def test_the_sourcetype_and_the_names_follow_the_wish() -> None:
    built = build_addon(VPN.lines.encode(), "Acme VPN (Größe)", sourcetype=None)
    assert built.generated.identity.name.startswith("TA-Acme_VPN")
    assert built.generated.identity.sourcetype.startswith("acme:vpn:")
    assert build_addon(ACCESS.lines.encode(), "web", sourcetype="my_web").generated.identity.sourcetype == "my_web"
