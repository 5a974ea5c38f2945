"""Faults of contracts say what is right: the missing field, a name that was likely meant, an example."""

from typing import Any

import pytest

from app.catalog.contracts.review import InvalidContract, review
from app.catalog.contracts.words import EXAMPLES
from app.catalog.names import column_name_fault, column_reading, snake_case
from app.warehouse.sources import written_source
from tests.catalog.bodies import contract, with_checks, with_column, with_semantics


def messages(body: Any) -> dict[str, str]:
    with pytest.raises(InvalidContract) as caught:
        review(body)
    return {fault.pointer: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ([], "", 'A contract is a JSON object: {"endpoint": '),
        (
            with_semantics(dedupe_window=None),
            "/ingestion_semantics/dedupe_window",
            'is missing. It is written like "24h".',
        ),
        (with_semantics(conflict_resolution=None), "/ingestion_semantics/conflict_resolution", 'like "latest_wins".'),
        (
            with_semantics(idempotency_key="api_id"),
            "/ingestion_semantics/idempotency_key",
            'like ["api_id", "event_id"].',
        ),
        (contract(table_name=7), "/table_name", 'Input should be a valid string. It is written like "customers".'),
        (contract(max_rejcted={}), "/max_rejcted", "There is no field 'max_rejcted' here. Did you mean max_rejected?"),
        (contract(colour="red"), "/colour", "There is no field 'colour' here."),
        (with_column(name="x", type="text", src="y"), "/schema/columns/5/src", "There is no field 'src' here."),
        (with_column(name="x"), "/schema/columns/5/type", 'like "numeric(12,2)".'),
        (with_column(name="x", type="strin"), "/schema/columns/5/type", "'strin' is no column type."),
        (with_column(name="x", type="boolan"), "/schema/columns/5/type", "Did you mean boolean?"),
        (with_column(name="x", type="text", source=1), "/schema/columns/5/source", 'It is written like "customerId".'),
        (
            with_checks("text", "min"),
            "/schema/columns/5/checks/0",
            'A check is written like {"type": "min", "value": 0}.',
        ),
        (with_checks("text", {}), "/schema/columns/5/checks/0", "A check says its type, one of not_null, min, max,"),
        (with_checks("text", {"type": "between"}), "/schema/columns/5/checks/0", "A check says its type, one of"),
        (
            with_semantics(event_time_column="event_tim"),
            "/ingestion_semantics/event_time_column",
            "The schema has no column 'event_tim'. Did you mean event_time?",
        ),
        (
            with_column(name="customerId", type="bigint"),
            "/schema/columns/5/name",
            'can read it: {"name": "customer_id", "source": "customerId"}.',
        ),
        (contract("Customers"), "/table_name", "beginning with a letter, such as customers."),
    ],
)
def test_a_fault_says_what_is_right(body: Any, pointer: str, said: str) -> None:
    assert said in messages(body)[pointer]


def test_every_example_is_one() -> None:
    assert {"endpoint", "table_name", "mode", "idempotency_key", "type", "source"} <= set(EXAMPLES)
    assert "value" not in EXAMPLES, "of a bound it is another one than of a pattern"


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("customerId", "customer_id"),
        ("CustomerID", "customer_id"),
        ("HTTPCode", "http_code"),
        ("Order Date", "order_date"),
        ("customer.id", "customer_id"),
        ("x-request-id", "x_request_id"),
        ("prix unité", "prix_unite"),
        ("Line2", "line2"),
        ("1st", None),
        ("Größe", None),
        ("日付", None),
        ("", None),
        ("-", None),
        ("/id", "id"),
        ("a" * 65, None),
    ],
)
def test_the_column_that_reads_a_field(name: str, column: str | None) -> None:
    assert snake_case(name) == column
    fault = column_name_fault(name)
    assert fault is not None
    assert ("source" in fault) is (column is not None)
    reading = column_reading(name)
    assert reading is None if column is None else reading == (column, written_source((name,)))


@pytest.mark.parametrize("name", ['say "x"', "a\\b", "id ", "a\nb", "Xmin", "Tableoid", "x" * 65, "aB" * 33])
def test_fields_that_no_column_of_another_name_reads(name: str) -> None:
    assert column_reading(name) is None
    assert "source" not in str(column_name_fault(name))
