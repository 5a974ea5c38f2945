"""Reading: stems, numbers, tokens, dates, before anything is known of tables."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.glossary.terms import Meaning, Term
from app.query.language.reading.calendar import UNITS, midnight, shifted, start_of
from app.query.language.reading.dates import dates_in
from app.query.language.reading.numbers import number_in_digits, number_in_words
from app.query.language.reading.stems import lemma, normalized, stem
from app.query.language.reading.tokens import TokenKind, tokens_of
from app.query.language.vocabulary.terms import spelt_out, without_manners
from benchmarks.question_terms import parse_terms

TODAY = date(2025, 8, 15)  # a Friday


@pytest.mark.parametrize(
    ("one", "other"),
    [("cities", "city"), ("statuses", "status"), ("people", "person"), ("addresses", "address"), ("IDs", "id")],
)
def test_the_lemma_is_the_singular(one: str, other: str) -> None:
    assert lemma(one) == lemma(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("promotional", "promotion"), ("successful", "success"), ("ordered", "orders"), ("Mondays", "monday"),
     ("sold", "sales"), ("rated", "rating"), ("cancelled", "cancel")],
)  # fmt: skip
def test_the_stem_is_shared_by_the_forms_of_a_word(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_normalized_text_has_no_signs() -> None:
    assert normalized('The  "Big" One\u2019s!') == "the big ones"


@pytest.mark.parametrize(
    ("text", "number", "percent"),
    [("1,000", 1000, False), ("2.5k", 2500.0, False), ("$20", 20, False), ("15%", 15, True), ("3m", 3_000_000, False),
     ("4.0", 4.0, False)],
)  # fmt: skip
def test_digits_are_numbers(text: str, number: float, percent: bool) -> None:
    assert number_in_digits(text) == (number, percent)


def test_words_are_numbers() -> None:
    assert [number_in_words(word) for word in ("three", "dozen", "cat")] == [3, 12, None]


def test_tokens_know_what_they_are() -> None:
    kinds = [(token.kind, token.text) for token in tokens_of("List check-ins of \u201cAda B\u201d, rated >= 4.5.")]
    assert kinds == [
        (TokenKind.WORD, "List"), (TokenKind.WORD, "check"), (TokenKind.WORD, "ins"), (TokenKind.WORD, "of"),
        (TokenKind.QUOTED, "Ada B"), (TokenKind.COMMA, ","), (TokenKind.WORD, "rated"), (TokenKind.SIGN, ">="),
        (TokenKind.NUMBER, "4.5"), (TokenKind.STOP, "."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("in 2025", date(2025, 1, 1), date(2026, 1, 1)),
        ("last month", date(2025, 7, 1), date(2025, 8, 1)),
        ("last week", date(2025, 8, 4), date(2025, 8, 11)),
        ("last quarter", date(2025, 4, 1), date(2025, 7, 1)),
        ("past month", date(2025, 7, 15), None),
        ("in the past 6 months", date(2025, 2, 15), None),
        ("in the last 3 weeks excluding the current week", date(2025, 7, 21), date(2025, 8, 11)),
        ("this year", date(2025, 1, 1), date(2026, 1, 1)),
        ("this quarter", date(2025, 7, 1), date(2025, 10, 1)),
        ("year to date", date(2025, 1, 1), date(2025, 8, 16)),
        ("month-to-date", date(2025, 8, 1), date(2025, 8, 16)),
        ("since March", date(2025, 3, 1), None),
        ("in November", date(2024, 11, 1), date(2024, 12, 1)),
        ("since March 2023", date(2023, 3, 1), None),
        ("after June 5, 2023", date(2023, 6, 6), None),
        ("before 2020", None, date(2020, 1, 1)),
        ("until 2020-02-29", None, date(2020, 3, 1)),
        ("between 2025-01-01 and 2025-03-31", date(2025, 1, 1), date(2025, 4, 1)),
        ("between 2023-06-01 inclusive and 2023-06-08 exclusive", date(2023, 6, 1), date(2023, 6, 8)),
        ("from January 2024 to March 2024", date(2024, 1, 1), date(2024, 4, 1)),
        ("in Q1 2025", date(2025, 1, 1), date(2025, 4, 1)),
        ("in the second quarter of 2024", date(2024, 4, 1), date(2024, 7, 1)),
        ("on 1st of May 2024", date(2024, 5, 1), date(2024, 5, 2)),
        ("yesterday", date(2025, 8, 14), date(2025, 8, 15)),
        ("2 weeks ago", date(2025, 8, 1), date(2025, 8, 2)),
        ("since 10 days ago", date(2025, 8, 5), None),
        ("in February 2024", date(2024, 2, 1), date(2024, 3, 1)),
        ("on or after January 1, 2023", date(2023, 1, 1), None),
    ],
)
def test_ranges_of_dates_are_half_open(text: str, low: date | None, high: date | None) -> None:
    (found,) = dates_in(f"orders {text}", TODAY)
    assert (found.low, found.high) == (low, high)


@pytest.mark.parametrize("text", ["more than 30 days", "the 31st of February 2024", "id 12", "may I see", "top 2000"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert all(found.bare for found in dates_in(text, TODAY))


def test_the_end_of_a_month_is_its_last_day() -> None:
    assert shifted(date(2025, 3, 31), "month", -1) == date(2025, 2, 28)
    assert shifted(date(2024, 2, 29), "year", 1) == date(2025, 2, 28)


def test_a_day_begins_with_the_offset_that_is_in_force() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert midnight(date(2025, 3, 30), berlin).isoformat() == "2025-03-30T00:00:00+01:00"
    assert midnight(date(2025, 3, 31), berlin).isoformat() == "2025-03-31T00:00:00+02:00"


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.sampled_from(UNITS), st.integers(-40, 40))
def test_units_of_the_calendar_hold_together(day: date, unit: str, count: int) -> None:
    first = start_of(day, unit)
    assert first <= day < shifted(first, unit, 1)
    assert start_of(shifted(first, unit, count), unit) == shifted(first, unit, count)


@given(st.dates(date(1980, 1, 1), date(2060, 1, 1)), st.sampled_from(["week", "month", "quarter", "year"]))
def test_the_last_unit_ends_where_this_one_begins(today: date, unit: str) -> None:
    (last,) = dates_in(f"orders last {unit}", today)
    (this,) = dates_in(f"orders this {unit}", today)
    assert last.high == this.low
    assert this.low is not None
    assert this.high is not None
    assert this.low <= today < this.high


@given(st.text(max_size=200), st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_any_text_can_be_read(text: str, today: date) -> None:
    tokens_of(text)
    dates_in(text, today)
    parse_terms(text)


def test_instructions_define_terms() -> None:
    text = "ACP (average close) = average close price. TAC = total active customers, which excludes others. Be kind."
    found = [(entry.term, entry.expression) for entry in parse_terms(text)]
    assert found == [
        ("ACP", "average close price"), ("average close", "average close price"), ("TAC", "total active customers"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["LAST = CURRENT_DATE - INTERVAL '7 days'", "X = COUNT(DISTINCT a)", "P = a - b"])
def test_what_is_sql_or_arithmetic_defines_nothing(text: str) -> None:
    assert parse_terms(text) == ()


def test_terms_are_spelt_out_and_said() -> None:
    entry = Term("ACP", Meaning.EXPRESSION, expression="average close price")
    assert spelt_out("What is the acp per day?", (entry,)) == (
        "What is the average close price per day?", ("ACP is average close price.",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("list the big  spenders", "list the customers with total over 5"),
        ("Big Spender (the best) by city", "customers with total over 5 by city"),
        ("hot cities", "city named Lyon"),
        ("people and a person", "customers and a customers"),
        ("acps of the ACP", "average close price of the average close price"),
        ("bigspenders", "bigspenders"),
    ],
)
def test_a_term_is_spelt_out_in_the_singular_and_plural(question: str, read: str) -> None:
    meant = {
        "Big Spender": "customers with total over 5", "hot city": "city named Lyon", "people": "customers",
        "ACP": "average close price",
    }  # fmt: skip
    terms = [Term(term, Meaning.EXPRESSION, expression=words) for term, words in meant.items()]
    assert spelt_out(question, terms)[0] == read


def test_sentences_about_case_are_left_out() -> None:
    assert without_manners("How many? Match names case insensitively.").strip() == "How many?"


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("average delay by carrier", "average departure delay by carrier"),
        ("average departure delay", "average departure delay"),
        ("delays and departure  delay", "departure delay and departure  delay"),
        ("average arrival delay", "average arrival delay"),
        ("the delay reason", "the delay reason"),
        ("delay reasons of the delay", "delay reasons of the departure delay"),
    ],
)
def test_a_term_may_narrow_a_word_and_leaves_longer_names_alone(question: str, read: str) -> None:
    names = {"departure delay", "arrival delay", "delay reason", "delay reasons"}
    term = Term("delay", Meaning.EXPRESSION, expression="departure delay")
    assert spelt_out(question, [term], lambda words: words.lower() in names)[0] == read
