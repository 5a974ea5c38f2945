"""Bounds of types, names and kept texts, from both sides."""

import pytest

from app.warehouse.naming import IdentifierError, before_relation, governed_relation, quote
from app.warehouse.rejections import clip
from app.warehouse.types import UnknownTypeError, parse_type


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        ("varchar(1)", "varchar(0)"),
        ("varchar(10485760)", "varchar(10485761)"),
        ("numeric(1)", "numeric(0)"),
        ("numeric(1000)", "numeric(1001)"),
        ("numeric(1000,1000)", "numeric(1000,1001)"),
        ("numeric(3,3)", "numeric(3,4)"),
        ("int" + " " * 61, "int" + " " * 62),
    ],
)
def test_bounds_of_types(within: str, beyond: str) -> None:
    assert parse_type(parse_type(within).sql) == parse_type(within)
    with pytest.raises(UnknownTypeError):
        parse_type(beyond)


@pytest.mark.parametrize("letter", ["a", "é"])
def test_an_identifier_has_as_many_bytes_as_postgresql_keeps(letter: str) -> None:
    most = letter * (63 // len(letter.encode()))
    assert quote(most) == f'"{most}"'
    with pytest.raises(IdentifierError):
        quote(most + letter)


def test_the_longest_name_of_a_table_leaves_room_for_what_is_made_of_it() -> None:
    longest = governed_relation("a" * 40, 10**9)
    assert len(quote(before_relation(longest).name)) <= 65
    for table, version in (("a" * 41, 1), ("a", 0)):
        with pytest.raises(IdentifierError):
            governed_relation(table, version)
    assert governed_relation("a", 1).name == "a__v1"


@pytest.mark.parametrize("text", ["x", "é", "\U0001f600"])
@pytest.mark.parametrize(("characters", "kept"), [(1999, 1999), (2000, 2000), (2001, 2000), (9000, 2000)])
def test_quarantine_keeps_two_thousand_characters_whatever_their_bytes(text: str, characters: int, kept: int) -> None:
    assert clip(text * characters) == clip((text * characters).encode()) == text * kept
