import pytest

from app.kernel.quoting import quote_identifier, quote_literal
from app.warehouse.naming import IdentifierError, quote


@pytest.mark.parametrize(
    ("text", "identifier", "literal"),
    [
        ("a", '"a"', "'a'"),
        ("A b", '"A b"', "'A b'"),
        ('a"b', '"a""b"', "'a\"b'"),
        ("it's", '"it\'s"', "'it''s'"),
        ("\\", '"\\"', "'\\'"),
        ('""', '""""""', "'\"\"'"),
        ("''", "\"''\"", "''''''"),
    ],
)
def test_names_and_texts_in_sql(text: str, identifier: str, literal: str) -> None:
    assert quote_identifier(text) == quote(text) == identifier
    assert quote_literal(text) == literal


@pytest.mark.parametrize("name", ["", "a\x00", "x" * 64, "ü" * 32])
def test_what_postgresql_would_cut_or_refuse_is_no_name_of_a_governed_relation(name: str) -> None:
    with pytest.raises(IdentifierError):
        quote(name)
