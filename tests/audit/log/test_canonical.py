"""The canonical bytes of a row: one row, one spelling; another row, another."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.log.models import AuditEntry
from app.audit.seals.canonical import COLUMNS, encode, number

ROW: dict[str, str | None] = dict.fromkeys(COLUMNS, None) | {
    "id": "01890000-0000-7000-8000-000000000001",
    "time": "1795183200123456",
    "transaction_id": "815",
    "actor_kind": "user",
    "actor_label": 'Ada "é"\n',
    "action": "table:promote",
    "verb": "UPDATE",
    "entity_type": "table",
    "outcome": "success",
    "before": '{"b": 1.50, "a": {"y": [true, null], "x": 100}}',
}


def encoded(**changed: str | None) -> bytes:
    row = ROW | changed
    return encode([row[name] for name in COLUMNS])


def test_a_row_byte_for_byte() -> None:
    assert (
        encoded()
        == (
            '{"action":"table:promote","actor_kind":"user","actor_label":"Ada \\"é\\"\\n",'
            '"before":{"a":{"x":1e2,"y":[true,null]},"b":15e-1},"entity_type":"table",'
            '"id":"01890000-0000-7000-8000-000000000001","outcome":"success","time":"1795183200123456",'
            '"transaction_id":"815","verb":"UPDATE"}'
        ).encode()
    )


def test_every_column_is_in_it() -> None:
    assert sorted(COLUMNS) == list(COLUMNS)
    assert set(COLUMNS) == {column.name for column in AuditEntry.__table__.columns}
    for name in COLUMNS:
        assert encoded(**{name: "{}" if name in {"before", "after"} else "other"}) != encoded()


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("0e7", "0"),
        ("1", "1"),
        ("-1", "-1"),
        ("100", "1e2"),
        ("1.2e3", "12e2"),
        ("0.50", "5e-1"),
        ("1E+2", "1e2"),
        ("-12.340", "-1234e-2"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890.5", "1234567890123456789012345678905e-1"),
    ],
)
def test_numbers(literal: str, expected: str) -> None:
    assert number(literal) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 5))
def test_a_number_keeps_its_value_and_loses_its_spelling(value: Decimal, zeros: int) -> None:
    spelled = number(str(value))
    assert Decimal(spelled) == value
    assert number(spelled) == spelled
    if value.as_tuple().exponent == 0:
        assert number(f"{value}.{'0' * zeros}" if zeros else str(value)) == spelled


documents = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
)


def exact(text: str | bytes) -> Any:
    """A document whose numbers are what the digits say: read as floats, large integers would lose some."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


@given(documents, st.randoms())
def test_the_spelling_of_a_document_is_nothing(document: dict[str, Any], random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            names = list(value)
            random.shuffle(names)
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    text = json.dumps(document)
    other = json.dumps(shuffled(document), ensure_ascii=False, indent=1)
    assert encoded(after=text) == encoded(after=other)
    assert exact(encoded(after=text))["after"] == exact(text)


@given(documents, documents)
def test_another_document_has_other_bytes(one: dict[str, Any], two: dict[str, Any]) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True) or one == two
    assert same or encoded(after=json.dumps(one)) != encoded(after=json.dumps(two))


def test_what_is_not_there_is_not_the_same_as_nothing() -> None:
    absent, null, empty = (encoded(after=value) for value in (None, "null", "{}"))
    assert len({absent, null, empty}) == 3
    assert encoded(entity_id=None) != encoded(entity_id="")


def test_a_value_cannot_pass_for_another_column() -> None:
    assert encoded(entity_id='x","entity_label":"y') != encoded(entity_id="x", entity_label="y")


@pytest.mark.parametrize("depth", [200, 201, 5_000])
def test_the_deepest_document_has_bytes_too(depth: int) -> None:
    text = '{"a":' * (depth - 1) + '["[{\\"["]' + "}" * (depth - 1)
    found = encoded(before=text)
    assert (b'"before_text"' in found) is (depth > 200), "seals that were made rest on it"
    assert found != encoded(before=text.replace("a", "b"))
