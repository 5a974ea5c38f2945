"""Which columns are indexed, by which texts a value is found, and which texts of a question are looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.vocabulary.words import ColumnName
from app.query.language.reading.stems import normalized
from app.query.language.vocabulary.model import FEW, MOST_HITS, ListedValues, ValueTerm, value_terms
from app.query.values.found import LONGEST, texts_of
from app.query.values.rules import MOST_NAMES, MOST_VALUES, OF_A_TABLE, Room, indexable, indexed_column, most_values


def column(name: str, type_: str = "text", *, private: bool = False) -> ColumnName:
    """A column as the catalog tells of it."""
    return ColumnName(name, type_, None, (), private)


def test_texts_that_are_not_private_are_indexed() -> None:
    columns = [
        column("name"),
        column("mail", private=True),
        column("code", "character varying(3)"),
        column("amount", "numeric(12,2)"),
        column("at", "timestamptz"),
    ]
    assert indexable(columns) == ["name", "code"]


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("name", MOST_NAMES),
        ("customer_name", MOST_NAMES),
        ("title", MOST_NAMES),
        ("status", MOST_VALUES),
        ("name_of_file", MOST_VALUES),
    ],
)
def test_columns_of_names_are_indexed_further(name: str, most: int) -> None:
    assert most_values(name) == most


MANY = [f"{'' if n % 2 else 'old '}thing {n} {chr(97 + n % 26)}{n}" for n in range(FEW + 1)]


@pytest.mark.parametrize(
    ("values", "terms"),
    [
        (["Paid"], {"paid": 1.0, "pay": 0.85}),
        (["New York"], {"new york": 1.0, "new": 0.6, "york": 0.6}),
        (["Kitchen tools"], {"kitchen tools": 1.0, "kitchen tool": 0.85, "kitchen": 0.6, "tools": 0.6}),
        (["an ox"], {"an ox": 1.0}),
        (["!?", ""], {}),
    ],
)
def test_the_texts_by_which_a_value_is_found(values: list[str], terms: dict[str, float]) -> None:
    assert {each.term: each.worth for each in value_terms(values)} == terms


def test_a_word_stands_once_for_all_values_that_hold_it_and_not_at_all_for_too_many() -> None:
    named = {each.term: each for each in value_terms([*MANY, "rare bird", "rare fish"])}
    assert named["rare"] == ValueTerm("rare", "rare bird", 0.6, 0)
    assert named["old"].worth == 0.6, "half of the values are old"
    assert "thing" not in named
    assert named["thing 1 b1"].worth == 1.0


def test_the_values_of_one_term_are_counted_surest_first_and_no_more_are_kept_than_are_looked_up() -> None:
    spelt = [each for each in value_terms(["pay", "Paid", "PAY", "pay day"]) if each.term == "pay"]
    assert [(each.value, each.worth, each.place) for each in spelt] == [
        ("pay", 1.0, 0),
        ("PAY", 1.0, 1),
        ("Paid", 0.85, 2),
        ("pay day", 0.6, 3),
    ]
    same = [f"yes{'!' * n}" for n in range(MOST_HITS + 5)]
    assert [each.place for each in value_terms(same) if each.term == "yes"] == list(range(MOST_HITS))


def test_of_a_column_that_finds_too_little_room_the_most_frequent_values_are_kept() -> None:
    values = [f"name{n}" for n in range(100)]
    whole = indexed_column(values, OF_A_TABLE)
    assert (len(whole.terms), whole.bytes) == (100, 2 * sum(map(len, values)))
    by_terms, by_bytes = indexed_column(values, Room(10, 10_000)), indexed_column(values, Room(100, 49))
    assert [each.value for each in by_terms.terms] == values[:10]
    assert [each.value for each in by_bytes.terms] == values[:4]
    assert indexed_column(values, Room(0, 0)).terms == ()


def test_a_column_is_the_same_whatever_the_order_of_its_values() -> None:
    values = [f"name {n}" for n in range(70)]
    digest = indexed_column(values, OF_A_TABLE).digest
    assert indexed_column(values[::-1], OF_A_TABLE).digest == digest
    assert indexed_column([*values, "name 70"], OF_A_TABLE).digest != digest
    assert indexed_column(values, Room(3, 10_000)).digest != digest


def test_every_run_of_words_of_a_question_is_looked_up_and_none_longer_than_a_value() -> None:
    found = texts_of("How many customers live in New York?")
    assert {"new york", "customers", "custom", "how many customers live in new york"} & found >= {
        "new york",
        "customers",
    }
    assert max(len(text.split()) for text in texts_of("word " * 300)) == LONGEST


def test_a_stem_finds_whole_values_of_categories_and_no_word_of_a_value() -> None:
    several = [f"code {n}" for n in range(FEW)]
    values = {("coupons", "kind"): ["Off"], ("coupons", "text"): ["10 off today"], ("codes", "code"): ["off", *several]}
    index = ListedValues(values)
    assert [(hit.column, hit.worth) for hit in index.find("offered")] == [("kind", 0.85)]
    assert [(hit.column, hit.worth) for hit in index.find("off")] == [("kind", 1.0), ("code", 1.0), ("text", 0.6)]


@given(st.lists(st.text(max_size=60), max_size=5, unique=True))
def test_every_value_with_a_word_is_found_by_itself(values: list[str]) -> None:
    index = ListedValues({("t", "c"): values})
    for value in values:
        found = {hit.value: hit.worth for hit in index.find(value)}
        assert found.get(value) == (1.0 if normalized(value) else None)
