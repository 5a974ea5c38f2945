"""Numbers as written are the numbers compared with; what is no number is refused, and no text takes long or raises."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.reading.lexicon import PHRASES
from app.query.language.reading.tokens import LONGEST
from tests.query.language.shop import SHOP
from tests.query.language.test_properties import FILTERS, HEADS, TAILS

ENGINE = Engine(SHOP)
LONG = "9" * 400
BOUND = 5.0
"""Seconds that no question takes, on a machine that does much else: the slowest known takes a tenth of that."""


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("9223372036854775807", "9223372036854775807"),
        ("12345678901234567890123456789012345", "12345678901234567890123456789012345"),
        (LONG, LONG),
        ("1e9", "1000000000"),
        ("1,000.50", "1000.5"),
        ("1,234,567", "1234567"),
        ("10k", "10000"),
        ("2.5m", "2500000"),
        ("2.5 million", "2500000"),
        ("3 thousand", "3000"),
        ("two hundred", "200"),
        ("-5", "-5"),
        ("\u2212 5".replace(" ", ""), "-5"),
        ("-$1,000", "-1000"),
        ("$20", "20"),
        ("0.1", "0.1"),
        ("1.0", "1.0"),
        ("007", "7"),
    ],
)
def test_numbers_are_exact(written: str, number: str) -> None:
    found = ENGINE.interpret(f"orders with total amount over {written}")
    assert isinstance(found, Interpretation), found
    assert found.sql.endswith(f'"orders"."total_amount" > {number}')


@pytest.mark.parametrize("number", ["17", "9223372036854775808", LONG])
def test_a_number_beside_a_row_is_its_key(number: str) -> None:
    for question in (f"order {number}", f"order with id {number}"):
        found = ENGINE.interpret(question)
        assert isinstance(found, Interpretation)
        assert found.sql.endswith(f'WHERE "orders"."id" = {number}')


@pytest.mark.parametrize(
    "question",
    [
        "customers with age foo",
        'customers with age "foo"',
        "customers with age over foo",
        "customers with age over Paris",
        "customers with id abc",
        "orders whose total amount is pending",
        "orders with total amount over 1.234.567",
        "orders with total amount over 1,00",
        "orders with total amount between low and high",
        "orders with total amount over 10x",
        "top 0 customers by age",
        "top 2.5 customers by age",
        "the -3 oldest customers",
        "top -3 customers by age",
    ],
)
def test_what_is_no_number_is_refused(question: str) -> None:
    assert isinstance(ENGINE.interpret(question), Refusal)


known = st.sampled_from([*PHRASES, *" ".join((*HEADS, *FILTERS, *TAILS)).split(), "1e999", "-1", "'", '"', "%"])


@given(
    st.one_of(st.text(max_size=2_000), st.lists(known, max_size=150).map(" ".join), known.map(lambda w: f"{w} " * 90))
)
def test_no_text_raises_or_takes_long(text: str) -> None:
    begun = time.perf_counter()
    found = ENGINE.interpret(text)
    assert time.perf_counter() - begun < BOUND
    assert isinstance(found, Refusal) or len(text) <= LONGEST
