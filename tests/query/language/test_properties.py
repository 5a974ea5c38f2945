"""What holds of every question: forms that change nothing, texts that break nothing, SQL that the guard lets pass."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app.query.language
from app.query.guard.check import GuardPolicy, check
from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation
from tests.query.language.shop import RIVERS, SHOP, catalog

ENGINES = (Engine(SHOP), Engine(RIVERS))
ENGINE = ENGINES[0]
FOLDER = Path(app.query.language.__file__).parent

HEADS = (
    "customers",
    "orders",
    "products",
    "suppliers",
    "visits",
    "order items",
    "how many customers",
    "number of orders",
    "average price of products",
    "total amount of orders",
    "names of customers",
    "distinct cities of customers",
    "which product",
    "top 3 products by price",
    "percentage of orders",
    "maximum rating of suppliers",
    "cheapest product",
    "ratio of paid orders to cancelled orders",
    "median age of customers",
    "latest order",
    "most common status",
    "total quantity of order items",
    "how many distinct products",
    "emails and names of customers",
    "which customer",
)
FILTERS = (
    "in Berlin",
    "from Germany",
    "that are paid",
    "with a price above 20",
    "with more than 3 orders",
    "in 2024",
    "since March 2025",
    "last month",
    "without orders",
    "who have never ordered",
    "not cancelled",
    "rated above 4",
    "whose name contains 'a%_'",
    "between 2024-01-01 and 2024-02-29",
    "of Ada Lovelace",
    "with rating between 1 and 2",
    "in Berlin or in Paris",
    "older than 30",
    "with no visits",
    "with the most orders",
    "with the highest price",
)
TAILS = (
    "per month",
    "by country",
    "for each customer",
    "per category",
    "ordered by name",
    "in descending order",
    "sorted by price",
    "by status",
    "each year",
    "per supplier",
    "highest first",
    "alphabetically",
)

questions = st.builds(
    lambda head, filters, tails: " ".join((head, *filters, *tails)),
    st.sampled_from(HEADS),
    st.lists(st.sampled_from(FILTERS), max_size=3, unique=True),
    st.lists(st.sampled_from(TAILS), max_size=2, unique=True),
)


def sql_of(question: str, engine: Engine = ENGINE) -> str | None:
    """The SQL of a question, if it has one."""
    found = engine.interpret(question)
    return found.sql if isinstance(found, Interpretation) else None


@given(questions)
def test_whatever_is_written_passes_the_guard(question: str) -> None:
    found = ENGINE.interpret(question)
    written = [each.sql for each in found.alternatives] + ([found.sql] if isinstance(found, Interpretation) else [])
    for sql in written:
        verdict = check(sql, catalog(SHOP), GuardPolicy(require_accepted_joins=True))
        assert verdict.allowed, f"{question}\n{sql}\n{verdict.findings}"


@given(questions)
def test_case_and_punctuation_change_nothing(question: str) -> None:
    assert sql_of(question) == sql_of(f"  {question}?! ")
    lower = question.lower()
    assert sql_of(lower) == sql_of(f"{lower}.")


@given(st.sampled_from(HEADS[:6]), st.sampled_from(FILTERS))
def test_ways_to_ask_change_nothing(head: str, condition: str) -> None:
    asked = {sql_of(f"{way} {head} {condition}") for way in ("show me", "list", "please give me all the", "display")}
    assert len(asked) == 1
    assert asked == {sql_of(f"{head} {condition}")}


@pytest.mark.parametrize("way", ["what are the", "which are the", "can you list the", "I want to see", "find"])
def test_other_ways_to_ask(way: str) -> None:
    assert sql_of(f"{way} customers in Berlin") == sql_of("customers in Berlin")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("how many orders per customer", "how many orders per customers"),
        ("order in 2024", "orders in 2024"),
        ("which products cost more than 20", "which products have a price greater than 20"),
        ("number of orders by status", "count of orders for each status"),
        ("the product in Garden", "the products in Garden"),
    ],
)
def test_two_ways_to_say_the_same(one: str, other: str) -> None:
    assert sql_of(one) is not None
    assert sql_of(one) == sql_of(other)


@given(st.permutations(["in Berlin", "older than 30", "created in 2024"]))
def test_the_order_of_filters_changes_no_condition(filters: list[str]) -> None:
    sql = sql_of(f"how many customers {' '.join(filters)}")
    assert sql is not None
    conditions = sql.partition(" WHERE ")[2].replace("(", "").replace(")", "").split(" AND ")
    reference = sql_of("how many customers in Berlin older than 30 created in 2024") or ""
    assert sorted(conditions) == sorted(
        reference.partition(" WHERE ")[2].replace("(", "").replace(")", "").split(" AND ")
    )


@given(st.text(max_size=300))
def test_any_text_gets_an_outcome(text: str) -> None:
    for engine in ENGINES:
        engine.interpret(text)


words = st.sampled_from(
    [
        *" ".join((*HEADS, *FILTERS, *TAILS)).split(),
        ",",
        ".",
        "/",
        "*",
        "100",
        "and",
        "or",
        "not",
        "the same",
        "more than",
        "to",
    ]
)


@given(st.lists(words, max_size=14))
def test_any_words_get_an_outcome_that_passes_the_guard(found: list[str]) -> None:
    for engine, vocabulary in zip(ENGINES, (SHOP, RIVERS), strict=True):
        sql = sql_of(" ".join(found), engine)
        if sql is not None:
            verdict = check(sql, catalog(vocabulary), GuardPolicy(require_accepted_joins=True))
            assert verdict.allowed, f"{' '.join(found)}\n{sql}\n{verdict.findings}"


def test_no_rule_names_anything_of_the_data_that_is_measured() -> None:
    """Names that only the measured databases have, and values of theirs, stand nowhere in the rules."""
    names = (
        "wallet",
        "sbtx",
        "sbcust",
        "sbticker",
        "checkin",
        "kyc",
        "vegan",
        "sushi",
        "sociology",
        "domain_author",
        "geographic",
        "txid",
        "bistro",
        "notification_",
        "yelp",
        "ewallet",
        "restaurant_id",
    )
    for path in FOLDER.rglob("*.py"):
        text = path.read_text().lower()
        for name in names:
            assert name not in text, f"{name} in {path.name}"


def test_the_engine_is_pure() -> None:
    code = (
        "import sys, app.query.language.engine\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in {'sqlalchemy', 'asyncpg', 'fastapi', 'uvloop', 'httpx'}]\n"
        "sys.exit(repr(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
