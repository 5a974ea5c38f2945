"""Which columns are indexed, by which texts a value is found, and which texts of a question are looked up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.vocabulary.words import ColumnName
from app.query.language.reading.stems import normalized
from app.query.language.vocabulary.model import ListedValues, ValueHit
from app.query.values.found import LONGEST, FoundValues, texts_of
from app.query.values.rules import MOST_NAMES, MOST_VALUES, indexable, most_values, terms_of


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


@pytest.mark.parametrize(
    ("value", "few", "terms"),
    [
        ("Paid", False, {"paid": 1.0}),
        ("New York", False, {"new york": 1.0, "new": 0.6, "york": 0.6}),
        ("Kitchen tools", True, {"kitchen tools": 1.0, "kitchen tool": 0.85, "kitchen": 0.6, "tools": 0.6}),
        ("!?", False, {}),
        ("", True, {}),
    ],
)
def test_the_texts_by_which_a_value_is_found(value: str, few: bool, terms: dict[str, float]) -> None:
    assert dict(terms_of(value, few=few)) == terms


def test_every_run_of_words_of_a_question_is_looked_up_and_none_longer_than_a_value() -> None:
    found = texts_of("How many customers live in New York?")
    assert {"new york", "customers", "custom", "how many customers live in new york"} & found >= {
        "new york",
        "customers",
    }
    assert max(len(text.split()) for text in texts_of("word " * 300)) == LONGEST


@given(st.text(max_size=60), st.booleans())
def test_a_value_is_found_by_itself_as_in_an_index_in_memory(value: str, few: bool) -> None:
    hits = [(term, ValueHit("t", "c", value, worth)) for term, worth in terms_of(value, few=few)]
    found = FoundValues(hits, {}).find(value)
    assert [hit.value for hit in found] == ([value] if normalized(value) else [])
    if normalized(value):
        assert found[0].worth == ListedValues({("t", "c"): [value]}).find(value)[0].worth == 1.0
