"""Which type a reported column has once further rows have shown other values of it."""

import itertools

import pytest

from app.catalog.drift.change import Change
from app.catalog.drift.policy import RuleId, graded
from app.catalog.drift_reports.restating import AS_TEXT, restated

INFERRED = (
    "boolean",
    "bigint",
    "double precision",
    "numeric",
    "text",
    "uuid",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "jsonb",
    "bytea",
)


def added(type_: str | None, *, as_text: bool = False) -> Change:
    new = {"type": type_, "nullable": True}
    evidence = {AS_TEXT: True} if as_text else {}
    return graded(RuleId.COLUMN_ADDED, "/columns/points", None, new, column="points", evidence=evidence)


def of_both(known: str | None, seen: str | None, *, as_text: bool = False) -> str | None:
    """The type after both."""
    known_change = added(known, as_text=as_text)
    change = restated(known_change, added(seen, as_text=as_text)) or known_change
    type_: str | None = change.new["type"]
    return type_


@pytest.mark.parametrize(
    ("known", "seen", "as_text", "expected"),
    [
        (None, None, False, None),
        (None, "text", False, "text"),
        ("text", None, False, "text"),
        ("bigint", "bigint", False, "bigint"),
        ("bigint", "numeric", False, "numeric"),
        ("bigint", "double precision", False, "numeric"),
        ("date", "timestamp", False, "timestamp"),
        ("date", "timestamptz", False, "text"),
        ("uuid", "text", False, "text"),
        ("bigint", "text", False, "jsonb"),
        ("bigint", "text", True, "text"),
        ("boolean", "bigint", False, "jsonb"),
        ("boolean", "bigint", True, "text"),
        ("jsonb", "text", False, "jsonb"),
    ],
)
def test_the_type_for_the_values_of_both(
    known: str | None, seen: str | None, as_text: bool, expected: str | None
) -> None:
    assert of_both(known, seen, as_text=as_text) == expected


@pytest.mark.parametrize("as_text", [False, True])
def test_the_order_in_which_rows_come_does_not_matter(as_text: bool) -> None:
    for one, other in itertools.product(INFERRED, repeat=2):
        both = of_both(one, other, as_text=as_text)
        assert both == of_both(other, one, as_text=as_text)
        assert of_both(both, one, as_text=as_text) == both, "what was shown is held"


def test_other_changes_are_left_as_they_are() -> None:
    removed = graded(RuleId.COLUMN_ABSENT, "/columns/points", {"type": "bigint"}, None, column="points")
    assert restated(removed, added("text")) is None
    assert restated(added("text"), removed) is None
