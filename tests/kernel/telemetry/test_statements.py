"""Statements in the log hold no value. That they are logged at all: tests/kernel/db/test_pools.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.telemetry.statements import without_literals


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT 'a', 'it''s', $1::text", "SELECT '…', '…', $1::text"),
        (r"SELECT E'it\'s', e'x'", "SELECT '…', '…'"),
        ("SELECT $$a 'b'$$, $tag$c $$ d$tag$ FROM t", "SELECT '…', '…' FROM t"),
        ("""SELECT "a'b" = 'c', "d" FROM "e""f'" """, """SELECT "a'b" = '…', "d" FROM "e""f'" """),
        ("SELECT 'never ends", "SELECT '…'"),
        ("SELECT $$never ends", "SELECT '…'"),
        ("SELECT $1, $2 FROM t WHERE a = 'x' AND b = $3", "SELECT $1, $2 FROM t WHERE a = '…' AND b = $3"),
    ],
)
def test_literals_are_left_out(statement: str, shown: str) -> None:
    assert without_literals(statement) == shown


@given(st.text(max_size=40))
def test_no_text_in_quotes_is_shown(value: str) -> None:
    literal_text = "'" + value.replace("'", "''") + "'"
    assert without_literals(f"SELECT {literal_text}, 1") == "SELECT '…', 1"
