"""A value or name that stands in many tables is looked for in those that the question names."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from app.query.language.engine import Engine
from app.query.language.linking.marks import Link, Mark, MarkKind
from app.query.language.linking.preference import MOST, PER_MARK, named_first
from app.query.language.outcome import Interpretation
from app.query.language.vocabulary.model import Column, ListedValues, Table, Vocabulary

ZONE = ZoneInfo("Europe/Berlin")
NAMES = ("airports", "clinics", "docks", "factories", "gardens", "hotels", "inns", "jails", "markets", "ports", "zoos")
COLUMNS = (
    Column("id", "bigint", unique=True), Column("city", "text"), Column("status", "text"),
    Column("capacity", "integer"),
)  # fmt: skip
STORED = {"city": ["Berlin", "Paris"], "status": ["open", "shut"]}
VALUES = {(name, column): values for name in NAMES for column, values in STORED.items()}
MANY = Engine(
    Vocabulary(
        tuple(Table(name, COLUMNS, ("id",)) for name in NAMES),
        (),
        ListedValues(VALUES),
        datetime(2026, 3, 1, tzinfo=ZONE),
        ZONE,
    )
)


@pytest.mark.parametrize("table", NAMES)
@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("how many {} are there in Berlin?", ("\"city\" = 'Berlin'",)),
        ('{} with city "Paris"', ("\"city\" = 'Paris'",)),
        ("how many open {} are in Paris?", ("\"city\" = 'Paris'", "\"status\" = 'open'")),
        ("average capacity of {} by city", ("AVG(", '"capacity"', "GROUP BY")),
    ],
)
def test_a_value_and_a_column_of_eleven_tables_are_those_of_the_table_that_is_named(
    table: str, question: str, parts: tuple[str, ...]
) -> None:
    found = MANY.interpret(question.format(table))
    assert isinstance(found, Interpretation), found
    assert f'FROM "{table}"' in found.sql
    assert all(part in found.sql for part in parts), found.sql


def test_the_surest_meaning_stays_in_front_and_what_is_named_is_weighed() -> None:
    links = tuple(Link(f"t{n:02}", "city", 1.0 - n / 100, "a stored value", "Berlin") for n in range(20))
    value = Mark(MarkKind.VALUE, "Berlin", 0, 6, links)
    table = Mark(MarkKind.NOUN, "t17", 7, 10, (Link("t17", None, 1.0, "the table's name"),))
    column = Mark(MarkKind.NOUN, "city", 11, 15, (Link("t18", "city", 1.0, "the column's name"),))
    found, *others = named_first([value, table, column])
    assert [link.table for link in found.links[:PER_MARK]] == ["t00", "t01", "t02", "t17", "t18"]
    assert len(found.links) == MOST
    assert others == [table, column]
    few = Mark(MarkKind.VALUE, "Berlin", 0, 6, links[:PER_MARK])
    assert named_first([few, table])[0] is few
