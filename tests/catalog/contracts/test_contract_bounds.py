"""Every bound of a contract from both sides: what reaches it is registered, what goes one further is refused."""

from typing import Any

import pytest

from app.catalog.contracts.review import InvalidContract, review
from tests.catalog.bodies import contract, with_checks


def key_of(count: int) -> dict[str, Any]:
    body = contract()
    body["schema"]["columns"] += [{"name": f"k{n}", "type": "integer"} for n in range(count)]
    body["ingestion_semantics"]["idempotency_key"] = [f"k{n}" for n in range(count)]
    return body


def columns(count: int) -> dict[str, Any]:
    body = contract()
    listed = body["schema"]["columns"]
    listed += [{"name": f"c{n}", "type": "integer"} for n in range(count - len(listed))]
    return body


def pattern(text: str) -> dict[str, Any]:
    return with_checks("text", {"type": "pattern", "value": text})


def choices(count: int) -> dict[str, Any]:
    return with_checks("integer", {"type": "one_of", "values": list(range(count))})


BOUNDS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("columns of a key", "invalid-key", key_of(16), key_of(17)),
    ("columns", "invalid-columns", columns(1_000), columns(1_001)),
    ("choices", "invalid-one_of", choices(1_000), choices(1_001)),
    ("characters of a pattern", "invalid-pattern", pattern("x" * 512), pattern("x" * 513)),
    ("memory of a pattern, 0.9 MiB", "invalid-pattern", pattern(r"\pL{50}"), pattern(r"\pL{65}")),
    ("memory of a pattern, 7.2 MiB", "invalid-pattern", pattern(r"[a-z]{1000}"), pattern(r"\pL{400}")),
    ("characters of an endpoint", "invalid-endpoint", contract(endpoint="/" + "a" * 255),
     contract(endpoint="/" + "a" * 256)),
    ("characters of a table's name", "invalid-table-name", contract("a" * 40, endpoint="/a"),
     contract("a" * 41, endpoint="/a")),
]  # fmt: skip
"""What is bounded, the code, a contract at the bound, and one beyond it."""


@pytest.mark.parametrize(("code", "within", "beyond"), [each[1:] for each in BOUNDS], ids=[each[0] for each in BOUNDS])
def test_a_bound_may_be_reached_and_not_passed(code: str, within: dict[str, Any], beyond: dict[str, Any]) -> None:
    assert review(within).columns
    with pytest.raises(InvalidContract) as caught:
        review(beyond)
    assert {fault.code for fault in caught.value.faults} == {code}
