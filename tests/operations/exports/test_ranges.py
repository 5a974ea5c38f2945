"""Ranges as RFC 9110 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.operations.exports.files.ranges import ByteRange, UnsatisfiableError, matches, range_holds, wanted_range


@pytest.mark.parametrize(
    ("header", "size", "wanted"),
    [
        (None, 10, None),
        ("bytes=0-", 10, (0, 10)),
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=2-5", 10, (2, 6)),
        ("bytes=2-500", 10, (2, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)),
        ("BYTES=9-9", 10, (9, 10)),
        ("bytes=5-2", 10, None),  # malformed: ignored
        ("bytes=0-1,3-4", 10, None),  # several: ignored
        ("bytes=a-b", 10, None),
        ("bytes=", 10, None),
        ("bytes=-", 10, None),
        ("lines=0-1", 10, None),
        ("bytes=٣-", 10, None),
    ],
)
def test_what_is_answered(header: str | None, size: int, wanted: tuple[int, int] | None) -> None:
    assert wanted_range(header, size) == (None if wanted is None else ByteRange(*wanted))


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_what_is_outside(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableError):
        wanted_range(header, size)


@given(st.text(max_size=30), st.integers(0, 10**20))
def test_no_header_breaks_it(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        try:
            found = wanted_range(header, size)
        except UnsatisfiableError:
            continue
        assert found is None or 0 <= found.start < found.stop <= size


def test_conditions() -> None:
    assert range_holds(None, '"a"')
    assert range_holds('"a"', '"a"')
    assert not range_holds('W/"a"', '"a"')
    assert not range_holds("Wed, 21 Oct 2015 07:28:00 GMT", '"a"')
    assert matches('"b", W/"a"', '"a"')
    assert matches("*", '"a"')
    assert not matches('"b"', '"a"')
    assert not matches(None, '"a"')
