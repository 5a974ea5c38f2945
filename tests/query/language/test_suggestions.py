"""What is said of a refused question: slips of the pen, SQL in the place of a question, and what words became."""

import pytest

from app.query.language.engine import Engine
from app.query.language.explaining import _SAID, meanings
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.reading.lexicon import PHRASES, Role
from app.query.language.reading.statements import is_statement
from tests.query.language.shop import SHOP

ENGINE = Engine(SHOP)


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("how many custmers are there", "how many customers are there"),
        ("show ordres of last month", "show orders of last month"),
        ("average prise of products", "average price of products"),
        ("top 3 custmers by toatl amount", "top 3 customers by total amount"),
        ("How many supliers are in Lyon?", "How many suppliers are in Lyon?"),
    ],
)
def test_a_slip_of_the_pen_is_refused_and_the_question_as_it_was_meant_is_the_nearest(
    question: str, meant: str
) -> None:
    refusal = ENGINE.interpret(question)
    assert isinstance(refusal, Refusal)
    assert refusal.nearest[0] == meant
    assert isinstance(ENGINE.interpret(meant), Interpretation)


@pytest.mark.parametrize("question", ["how many unicorns", "how many xyzzyq", "cats", "what is dark matter"])
def test_what_is_near_to_no_name_is_not_respelt(question: str) -> None:
    refusal = ENGINE.interpret(question)
    assert isinstance(refusal, Refusal)
    assert refusal.respelt is None


def test_every_nearest_question_can_be_answered() -> None:
    for question in (
        "custmers",
        "how many unicorns",
        "orders of unicorns",
        "products that shimmer",
        "visits by moonlight",
    ):
        refusal = ENGINE.interpret(question)
        assert isinstance(refusal, Refusal), question
        for near in refusal.nearest:
            assert isinstance(ENGINE.interpret(near), Interpretation), near


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("SELECT count(*) FROM customers", True),
        ("select name from customers where city = 'Berlin'", True),
        ("  (select 1 from orders) union select 2 from orders", True),
        ("with a as (select * from orders) select * from a", True),
        ("select all customers from Berlin", False),
        ("select the names of customers from Berlin", False),
        ("select customers", False),
        ("with more than three orders, which customers are there", False),
        ("how many customers", False),
        ("select " + "(" * 400, False),
    ],
)
def test_sql_that_is_sent_as_a_question_is_told_from_english(text: str, statement: bool) -> None:
    assert is_statement(text, {table.name for table in SHOP.tables}) is statement


def test_sql_in_the_place_of_a_question_is_refused_with_where_to_send_it() -> None:
    refusal = ENGINE.interpret("select name from customers where city = 'Berlin'")
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "This is a statement in SQL: send it as `sql`, not as `query`."


def test_every_detail_of_a_word_is_said_in_words() -> None:
    told_by_name = {Role.UNIT, Role.FILLER}
    details = {(role, detail) for role, detail in PHRASES.values() if detail and role not in told_by_name}
    assert details <= _SAID.keys()


def test_what_words_became() -> None:
    found = ENGINE.interpret("top 3 customers by number of orders since March 2025")
    assert isinstance(found, Interpretation)
    assert [(word.words, word.meaning) for word in found.words] == [
        ("top", "the first rows, highest first"),
        ("3", "3"),
        ("customers", "table customers"),
        ("by", "by"),
        ("number of", "how many"),
        ("orders", "table orders"),
        ("since March 2025", "from 2025-03-01 before the end"),
    ]
    assert meanings([]) == ()
