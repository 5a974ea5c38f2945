"""What rows are ranked by, what columns are called beside their names, and tables that are related in several ways."""

import pytest

from app.catalog.glossary.terms import Meaning, Term
from app.query.guard.relations import ONE, AcceptedJoin, FanOut
from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.vocabulary.model import Column, ListedValues, Table, Vocabulary
from tests.query.language.shop import BERLIN, MANY, NOW, join

VALUES = ListedValues({("parcels", "status"): ["lost", "sent"], ("depots", "city"): ["Oslo", "Bergen"]})

POST = Vocabulary(
    (
        Table(
            "depots", (Column("depot_no", "bigint", unique=True), Column("name", "text"), Column("city", "text")),
            ("depot_no",),
        ),
        Table(
            "parcels",
            (
                Column("parcel", "bigint", unique=True),
                Column("depot_no", "bigint"),
                Column("total", "numeric", "Postage of the parcel, in crowns"),
                Column("kg", "numeric", labels=("weight",)),
                Column("arr_delay", "integer"),
                Column("status", "text"),
            ),
            ("parcel",),
        ),
        Table(
            "trips", (Column("trip", "bigint", unique=True), Column("origin", "bigint"), Column("dest", "bigint")),
            ("trip",),
        ),
    ),
    (
        join("parcels", "depot_no", "depots", "depot_no"),
        AcceptedJoin("origin", "trips", ("origin",), "depots", ("depot_no",), left_rows=MANY, right_rows=ONE),
        AcceptedJoin("dest", "trips", ("dest",), "depots", ("depot_no",), left_rows=MANY, right_rows=ONE),
    ),
    VALUES,
    NOW,
    BERLIN,
)  # fmt: skip
ENGINE = Engine(POST)


def sql_of(question: str) -> str:
    """The SQL of a question that is answered, without quotes around names."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found.sql.replace('"', "")


def refused(question: str) -> Refusal:
    """The refusal of a question that must be refused."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Refusal), f"{question}: {found}"
    return found


@pytest.mark.parametrize(
    ("question", "end"),
    [
        ("top 3 depots by postage", "ORDER BY SUM(parcels.total) DESC NULLS LAST LIMIT 3"),
        ("top 3 depots by total postage", "ORDER BY SUM(parcels.total) DESC NULLS LAST LIMIT 3"),
        ("top 3 depots by weight", "ORDER BY SUM(parcels.kg) DESC NULLS LAST LIMIT 3"),
        ("top 2 cities by postage", "GROUP BY depots.city ORDER BY SUM(parcels.total) DESC NULLS LAST LIMIT 2"),
        ("top 2 statuses by weight", "GROUP BY parcels.status ORDER BY SUM(parcels.kg) DESC NULLS LAST LIMIT 2"),
        ("top 3 depots by average weight", "ORDER BY AVG(parcels.kg) DESC NULLS LAST LIMIT 3"),
        ("top 3 parcels by weight", "FROM parcels ORDER BY parcels.kg DESC NULLS LAST LIMIT 3"),
        ("bottom 3 parcels by total", "FROM parcels ORDER BY parcels.total ASC LIMIT 3"),
    ],
)
def test_rows_are_ranked_by_what_is_added_up_for_each_of_them(question: str, end: str) -> None:
    assert sql_of(question).endswith(end)


def test_what_is_added_up_is_an_assumption() -> None:
    found = ENGINE.interpret("top 3 depots by weight")
    assert isinstance(found, Interpretation)
    assert "kg is added up for each of depots." in found.assumptions


@pytest.mark.parametrize(
    ("question", "measure"),
    [
        ("average total per city", "AVG(parcels.total)"),
        ("average total of lost parcels", "AVG(parcels.total)"),
        ("total postage per city", "SUM(parcels.total)"),
        ("sum of total per status", "SUM(parcels.total)"),
        ("average arrival delay per city", "AVG(parcels.arr_delay)"),
    ],
)
def test_a_column_called_like_an_aggregate_and_other_names_of_columns(question: str, measure: str) -> None:
    assert measure in sql_of(question)


@pytest.mark.parametrize("question", ["the ten longest parcels", "highest parcel", "top 3 trips"])
def test_a_number_that_names_a_row_is_no_measure(question: str) -> None:
    refused(question)


@pytest.mark.parametrize("question", ["trips to Oslo", "depots without trips", "which depots have the most trips"])
def test_tables_related_in_several_ways_are_refused_with_each_way_as_an_alternative(question: str) -> None:
    refusal = refused(question)
    assert refusal.reason.endswith("are related in several ways: say which is meant.")
    ways = {each.reading: each.sql for each in refusal.alternatives}
    (origin,) = [sql for reading, sql in ways.items() if "trips.origin" in reading and "means" not in reading]
    (dest,) = [sql for reading, sql in ways.items() if "trips.dest" in reading and "means" not in reading]
    assert '"origin"' in origin
    assert '"dest"' in dest


def test_a_join_to_one_row_by_its_numbers_multiplies_nothing_though_no_key_is_declared() -> None:
    bare = (
        Table("a", (Column("x", "bigint"), Column("name", "text"))),
        Table("b", (Column("x", "bigint"), Column("weight", "numeric"))),
    )
    one = AcceptedJoin("a.x", "a", ("x",), "b", ("x",), left_rows=ONE, right_rows=FanOut(2.0, 2.0, 2))
    found = Engine(Vocabulary(bare, (one,), ListedValues({}), NOW, BERLIN)).interpret("total weight per name")
    assert isinstance(found, Interpretation)
    assert "SUM" in found.sql


def test_an_engine_that_is_kept_reads_with_the_values_of_its_last_vocabulary() -> None:
    bare = Engine(Vocabulary(POST.tables, POST.joins, ListedValues({}), NOW, BERLIN))
    assert isinstance(bare.interpret("how many parcels are lost"), Refusal)
    assert isinstance(bare.told(POST).interpret("how many parcels are lost"), Interpretation)
    assert isinstance(bare.interpret("how many parcels are lost"), Refusal)


def test_people_are_shown_by_both_of_their_names() -> None:
    words = ("worker_id bigint", "last_name text", "first_name text", "born date")
    columns = tuple(Column(*word.split(), unique=place == 0) for place, word in enumerate(words))
    found = Engine(
        Vocabulary((Table("workers", columns, ("worker_id",)),), (), ListedValues({}), NOW, BERLIN)
    ).interpret("oldest worker")
    assert isinstance(found, Interpretation)
    assert found.sql.startswith('SELECT "workers"."last_name", "workers"."first_name", "workers"."worker_id"')


def test_a_question_that_its_terms_make_too_long_is_refused_and_not_cut() -> None:
    term = Term("kin", Meaning.EXPRESSION, expression="parcels with weight over 5 and weight under 9000")
    engine = Engine(Vocabulary(POST.tables, POST.joins, VALUES, NOW, BERLIN, (term,)))
    assert isinstance(engine.interpret("how many kin"), Interpretation)
    refusal = engine.interpret("how many kin " * 40)
    assert isinstance(refusal, Refusal)
    assert "With its terms spelt out" in refusal.reason
