"""A refused row carries all that is wrong with it, in a form that can be stored."""

import pytest

from app.warehouse.rejections import (
    MAX_FAULTS,
    MAX_MESSAGE_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_RAW_CHARACTERS,
    Rejection,
    RejectionCode,
    RowFault,
    clip,
    is_clipped,
    rejection_of,
)

FIRST = RowFault(RejectionCode.NOT_NULL, "a", "a is missing")
SECOND = RowFault(RejectionCode.WRONG_TYPE, "b", "b is no number")


def test_the_first_fault_stands_for_all() -> None:
    row = rejection_of(7, b'{"b": "x"}', [FIRST, SECOND])
    assert (row.line, row.code, row.column, row.message, row.raw) == (7, *_parts(FIRST), '{"b": "x"}')
    assert (row.faults, row.clipped) == ((FIRST, SECOND), False)


def test_a_single_fault_is_the_list() -> None:
    row = Rejection(7, *_parts(FIRST), raw="")
    assert row == rejection_of(7, "", [FIRST])
    assert row.faults == (FIRST,)


def test_as_many_faults_are_listed_as_are_worth_reading() -> None:
    assert rejection_of(1, "", [FIRST] * MAX_FAULTS).faults == (FIRST,) * MAX_FAULTS
    assert rejection_of(1, "", [SECOND, *[FIRST] * MAX_FAULTS]).faults == (SECOND, *[FIRST] * (MAX_FAULTS - 1))


def test_what_a_sender_wrote_as_a_name_is_cut_and_can_be_stored() -> None:
    row = Rejection(1, RejectionCode.UNKNOWN_COLUMN, "\x00é\ud800" * 1000, "no \x00\udfff" * 1000, "")
    assert row.column == ("\\x00é\\ud800" * 1000)[:MAX_NAME_CHARACTERS]
    assert row.message == ("no \\x00\\udfff" * 1000)[:MAX_MESSAGE_CHARACTERS]
    assert row.faults == (RowFault(RejectionCode.UNKNOWN_COLUMN, row.column, row.message),)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b"caf\xe9", "caf\\xe9"),
        (b"\xff\xfe\x00", "\\xff\\xfe\\x00"),
        ("a\x00b", "a\\x00b"),
        ("\ud83d", "\\ud83d"),
        ("\U0001f600".encode(), "\U0001f600"),
    ],
)
def test_what_cannot_be_stored_is_kept_as_it_was_sent(text: str | bytes, kept: str) -> None:
    assert clip(text) == kept


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_a_text_that_goes_on_says_so(letter: str) -> None:
    for text in (letter * MAX_RAW_CHARACTERS, (letter * MAX_RAW_CHARACTERS).encode()):
        assert not is_clipped(text)
        assert rejection_of(1, text, [FIRST]).raw == letter * MAX_RAW_CHARACTERS
    for text in (letter * (MAX_RAW_CHARACTERS + 1), (letter * (MAX_RAW_CHARACTERS + 1)).encode()):
        assert is_clipped(text)
        assert rejection_of(1, text, [FIRST]).clipped
    assert not is_clipped(b"\xff" * MAX_RAW_CHARACTERS)


def _parts(fault: RowFault) -> tuple[RejectionCode, str | None, str]:
    return fault.code, fault.column, fault.message
