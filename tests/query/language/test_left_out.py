"""Nothing that was understood is left out, and nothing is counted, added up or grouped that nobody asked for."""

import pytest

from app.query.language.engine import Engine, interpret
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.reading.statements import asks_for_change
from app.query.language.vocabulary.model import ListedValues, Vocabulary
from tests.query.language.museum import ENGINE
from tests.query.language.shop import BERLIN, NOW, SHOP, table

CONFIDENT = 0.7


def sql_of(question: str) -> str:
    """The SQL of a question that is answered, without quotes."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Interpretation), (question, found)
    return found.sql.replace('"', "")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("billed amount by region in 2024", "SUM(fact_bill.amount)"),
        ("billed amount by region in 2024", "fact_bill.bill_date >= CAST('2024-01-01' AS DATE)"),
        ("amount per region", "GROUP BY dim_site.region"),
        ("salary by city", "SUM(tbl_employee.salary)"),
        ("which courses have an average score below 73", "GROUP BY tbl_training.course_name HAVING"),
        ("how many paintings are currently on display", "artwork.on_display = TRUE"),
        ("how many artworks are on display", "COUNT(*)"),
        ("names of the subscribers in Limerick", "SELECT t_subscriber.subname FROM t_subscriber"),
        ("closed tickets older than 90 days", "t_ticket.statuscode = 'CLS'"),
    ],
)
def test_what_is_meant(question: str, part: str) -> None:
    assert part in sql_of(question)


@pytest.mark.parametrize(
    "question",
    [
        "top 3 cities by number of internet outage tickets",
        "how many software engineers are there",
        "what share of ticket revenue comes from online sales",
        "score by city",
        "how many sculptures were lent out in 2024",
        "which courses have an average score above the overall average score",
        "how many bills cost more than twice the average amount",
    ],
)
def test_what_leaves_something_out_or_makes_no_sense_is_doubted(question: str) -> None:
    found = ENGINE.interpret(question)
    assert isinstance(found, Refusal) or found.confidence < CONFIDENT, found.sql


def test_each_year_is_of_what_happened_and_not_of_birth() -> None:
    students = table("student", "studentid integer, fullname text, birthyear integer, signedupon date", "studentid")
    engine = Engine(Vocabulary((students,), (), ListedValues({}), NOW, BERLIN))
    for question in ("how many students signed up each year", "students per year"):
        found = engine.interpret(question)
        assert isinstance(found, Refusal) or "signedupon" in found.sql
        assert isinstance(found, Refusal) or "birthyear" not in found.sql


def test_rows_are_shown_by_what_they_are_called_themselves() -> None:
    customers = table("cust", "cust_no integer, city_nm text, cust_nm text", "cust_no")
    engine = Engine(Vocabulary((customers,), (), ListedValues({}), NOW, BERLIN))
    found = engine.interpret("list all customers")
    assert isinstance(found, Interpretation)
    assert '"cust_nm"' in found.sql
    assert '"city_nm"' not in found.sql


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("Close all tickets older than 90 days", True),
        ("please delete old tickets", True),
        ("Could you please set the salary of accountants to 5", True),
        ("Cancel loan 7", True),
        ("Add a new artwork", True),
        ("raise everybody's salary", True),
        ("raise the fee of each loan", True),
        ("closed tickets per city", False),
        ("open tickets", False),
        ("open tickets per city", False),
        ("make a list of all loans", False),
        ("give me the loans", False),
        ("give the number of loans", False),
        ("set meals by price", False),
        ("orders of the month", False),
        ("how many orders were cancelled", False),
        ("updates per month", False),
    ],
)
def test_orders_to_change_something_are_no_questions(text: str, change: bool) -> None:
    assert asks_for_change(text) is change
    if change:
        assert isinstance(ENGINE.interpret(text), Refusal)


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("what is the price of product 12", 'SELECT "products"."price" FROM "products" WHERE "products"."id" = 12'),
        ("status of order 77", 'SELECT "orders"."status" FROM "orders" WHERE "orders"."id" = 77'),
        ("what is the age of customer 30", 'SELECT "customers"."age" FROM "customers" WHERE "customers"."id" = 30'),
        ("what is the name of supplier 3", 'SELECT "suppliers"."name" FROM "suppliers" WHERE "suppliers"."id" = 3'),
    ],
)
def test_a_number_behind_the_noun_for_a_row_is_its_key_and_no_value(question: str, sql: str) -> None:
    found = interpret(question, SHOP)
    assert isinstance(found, Interpretation)
    assert found.sql == sql


@pytest.mark.parametrize("question", ["customers with age 30", "products with price 12", "orders of tier 2"])
def test_a_number_behind_the_noun_for_a_column_is_its_value(question: str) -> None:
    found = interpret(question, SHOP)
    assert isinstance(found, Interpretation)
    assert '"id" =' not in found.sql


@pytest.mark.parametrize("question", ["what is the price", "what is the age"])
def test_one_number_of_many_rows_is_doubted(question: str) -> None:
    found = interpret(question, SHOP)
    assert isinstance(found, Refusal) or found.confidence < CONFIDENT
