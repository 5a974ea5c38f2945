"""Formulas in CSV: what is one, the way back, and PostgreSQL's side of the same rule."""

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.kernel.tabular.csv_style import guarded, guarded_sql
from tests.reference.csv_formulas import unguarded

DANGEROUS = [
    "=1+1", "=cmd|'/c calc'!A0", "+1+1", "-1+1", "-A1", "@SUM(A1)", "+49 30 1234", "--1", "-", "=", "-1 ",
    " =1+1", "\t=1+1", "\r=1+1", "\n=1+1", "\r\n =1+1", "\ufeff=1+1", "\xa0=1+1", "\u3000@x", "\u200b+x", "\x01-x",
    "\u2028=1", "\u00ad=1", "\uff1d1+1", "\uff0bx", "\uff0dx", "\uff20x", " \uff1d1",
    "'=1+1", "''=1+1", "' =1+1", "'\t@x",
]  # fmt: skip
HARMLESS = [
    "", " ", "\t", "'", "''", "a", "a=1", "1", "-1", "+1", "-1.5", "+.5", "-1e-7", "-1E+7", " -1", "'-1", "1+1", "(=1)",
    "\tTab", "\r\nText", "é", "“=1”", '"=1"', "'text", "''text", "it's", "#REF!", "%", "ünïcode", "\U0001f600", "_=1",
]  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_formula_is_guarded_wherever_it_begins_to_count(text: str) -> None:
    assert guarded(text) == "'" + text
    assert unguarded("'" + text) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay(text: str) -> None:
    assert guarded(text) == text
    assert unguarded(text) == text


TEXTS = st.text(
    st.sampled_from("'=+-@\t\r\n \ufeff\u3000\uff1d\uff0d1.ea")
    | st.characters(codec="utf-8", exclude_characters="\x00"),
    max_size=6,
)


@given(TEXTS)
def test_the_way_back_is_exact(text: str) -> None:
    assert unguarded(guarded(text)) == text


@given(TEXTS, TEXTS)
def test_no_two_texts_become_one_cell(one: str, other: str) -> None:
    assert (guarded(one) == guarded(other)) is (one == other)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, max_size=50))
async def test_postgresql_guards_the_same(connection: asyncpg.Connection, texts: list[str]) -> None:
    texts += [*DANGEROUS, *HARMLESS]
    found = await connection.fetch(
        f"SELECT {guarded_sql('t')} FROM unnest($1::text[]) WITH ORDINALITY u (t, n) ORDER BY n", texts
    )
    assert [row[0] for row in found] == [guarded(text) for text in texts]


async def test_a_null_stays_one(connection: asyncpg.Connection) -> None:
    assert await connection.fetchval(f"SELECT {guarded_sql('t')} FROM (SELECT NULL::text) u (t)") is None
