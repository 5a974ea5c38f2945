"""Sentences that say what words mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.corrections.corrections import AFTER, CorrectionState, Decision
from app.query.corrections.sentences import term_and_meaning


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("by revenue I mean sum(amount) of paid orders", ("revenue", "sum(amount) of paid orders")),
        ("By the revenue, we mean  total amount.", ("revenue", "total amount")),
        (
            "with 'big spender' I really mean customers with total over 5",
            ("big spender", "customers with total over 5"),
        ),
        ("when I say turnover I meant total price", ("turnover", "total price")),
        ("I mean total price by turnover", ("turnover", "total price")),
        ("use total price instead of turnover", ("turnover", "total price")),
        ("use orders.paid_at for date", ("date", "orders.paid_at")),
        ("revenue means sum of amount", ("revenue", "sum of amount")),
        ("revenue is the total amount of what is paid", ("revenue", "the total amount of what is paid")),
        ("An active customer should be a customer with orders", ("active customer", "a customer with orders")),
        ("\u201cVIP\u201d stands for customers in tier 2!", ("VIP", "customers in tier 2")),
        ("revenue = sum of amount", ("revenue", "sum of amount")),
        ("revenue: sum of amount", ("revenue", "sum of amount")),
        ('revenue: with the status "paid"', ("revenue", 'with the status "paid"')),
        ("by x I mean", None),
        ("total amount", None),
        ("", None),
        ("means", None),
        ("is it", None),
    ],
)
def test_what_a_sentence_says(sentence: str, found: tuple[str, str] | None) -> None:
    assert term_and_meaning(sentence) == found


@given(st.text(max_size=400))
def test_any_text_is_read_or_not_and_never_raises(sentence: str) -> None:
    found = term_and_meaning(sentence)
    assert found is None or all(part and part == part.strip() for part in found)


def test_what_is_out_stays_out() -> None:
    assert {state for state, _ in AFTER} == {CorrectionState.PROPOSED, CorrectionState.ACCEPTED}
    assert {after for (_, decision), after in AFTER.items() if decision is Decision.REVOKE} == {CorrectionState.REVOKED}
