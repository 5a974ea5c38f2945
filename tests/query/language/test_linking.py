"""Linking: which tables, columns and values words may mean, and what the evidence is."""

import itertools
from dataclasses import replace

import pytest

from app.query.language.engine import interpret
from app.query.language.linking.gazetteer import codes_of
from app.query.language.linking.keys import shown_columns
from app.query.language.linking.links import Linker
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.linking.names import table_words, words_of
from app.query.language.linking.schema_index import SchemaIndex
from app.query.language.outcome import Interpretation
from app.query.language.reading.dates import dates_in
from app.query.language.reading.lexicon import PHRASES, Role
from app.query.language.reading.tokens import tokens_of
from app.query.language.vocabulary.model import Kind, ListedValues, Vocabulary, kind_of
from tests.query.language.shop import BERLIN, NOW, SHOP, table

GLUED = Vocabulary(
    (
        table("tblOrdLine", "ordlineid bigint, ordlineqty integer, ordlineunitprice numeric", "ordlineid"),
        table("wallet_movements_daily", "id bigint, amount numeric, is_open integer", "id"),
        table("wallet_owners", "id bigint, label text", "id"),
    ),
    (),
    ListedValues({}),
    NOW,
    BERLIN,
)


def marks(question: str, vocabulary: Vocabulary = SHOP) -> list[Mark]:
    """The marks of the question."""
    return Linker(SchemaIndex(vocabulary)).marks(tokens_of(question), dates_in(question, NOW.date()))


def meaning(question: str, words: str, vocabulary: Vocabulary = SHOP) -> tuple[str, str | None, str | None]:
    """Table, column and value that the words mean first."""
    (found,) = (mark for mark in marks(question, vocabulary) if mark.text == words)
    return found.link.table, found.link.column, found.link.value


@pytest.mark.parametrize(
    ("question", "words", "table_name", "column", "value"),
    [
        ("list customers", "customers", "customers", None, None),
        ("list clients", "clients", "customers", None, None),
        ("the order items", "order items", "order_items", None, None),
        ("the unit price", "unit price", "order_items", "unit_price", None),
        ("the price of units", "price of units", "order_items", "unit_price", None),
        ("the customer name", "customer name", "customers", "name", None),
        ("their e-mail", "e mail", "customers", "email", None),
        ("customer IDs", "customer IDs", "customers", "id", None),
        ("in Berlin", "Berlin", "customers", "city", "Berlin"),
        ("from Germany", "Germany", "customers", "country", "DE"),
        ("cancelled ones", "cancelled", "orders", "status", "cancelled"),
        ("the gold ones", "gold", "orders", "tier", "2"),
        ("inactive ones", "inactive", "customers", "is_active", "false"),
        ("VIP ones", "VIP", "orders", "tier", "2"),
        ('called "Red Kettle"', "Red Kettle", "products", "name", "Red Kettle"),
        ("in Kitchen tools", "Kitchen tools", "products", "category", "Kitchen tools"),
    ],
)
def test_words_mean_tables_columns_and_values(
    question: str, words: str, table_name: str, column: str | None, value: str | None
) -> None:
    assert meaning(question, words) == (table_name, column, value)


@pytest.mark.parametrize(
    ("question", "words", "table_name", "column"),
    [
        ("the order lines", "order lines", "tblOrdLine", None),
        ("the quantity", "quantity", "tblOrdLine", "ordlineqty"),
        ("the unit price", "unit price", "tblOrdLine", "ordlineunitprice"),
        ("wallet movements", "wallet movements", "wallet_movements_daily", None),
        ("movements", "movements", "wallet_movements_daily", None),
    ],
)
def test_glued_and_shortened_names_are_read(question: str, words: str, table_name: str, column: str | None) -> None:
    assert meaning(question, words, GLUED)[:2] == (table_name, column)


def test_flags_have_an_opposite() -> None:
    assert meaning("the closed ones", "closed", GLUED) == ("wallet_movements_daily", "is_open", "0")


@pytest.mark.parametrize("word", ["unicorns", "photosynthesis", "life", "subway"])
def test_a_word_of_nothing_is_unknown(word: str) -> None:
    assert [mark.kind for mark in marks(f"show {word}")][-1] is MarkKind.UNKNOWN


def test_a_word_that_says_what_to_do_is_no_value() -> None:
    values = ListedValues({("customers", "name"): ["Average", "Total"]})
    vocabulary = Vocabulary(SHOP.tables, SHOP.joins, values, NOW, BERLIN)
    assert next(mark.role for mark in marks("Average age", vocabulary)) is Role.AGGREGATE


def test_private_columns_are_not_in_a_listed_index_unless_put_there() -> None:
    assert SHOP.values.find("ada@example.org") == ()
    assert SHOP.values.distinct("customers", "email") is None


def test_every_token_is_in_one_mark() -> None:
    found = marks("How many paid orders did customers from Paris place in 2024, by month?")
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


def test_rows_are_shown_by_what_they_are_called() -> None:
    assert [column.name for column in shown_columns(SHOP.tables[0])] == ["name"]
    assert shown_columns(SHOP.tables[1]) == ()


def test_names_become_words() -> None:
    words = table_words(GLUED)
    assert words["tblOrdLine"] == ("order", "line") or words["tblOrdLine"][-1] == "line"
    assert words_of(GLUED.tables[0], GLUED.tables[0].columns[2]) == ("unit", "price")


def test_places_have_codes_and_names() -> None:
    assert ("country", "DE") in list(codes_of("Germany"))
    assert ("state", "california") in list(codes_of("CA"))
    assert list(codes_of("Atlantis")) == []


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("numeric(10,2)", Kind.NUMBER),
        ("character varying(20)", Kind.TEXT),
        ("date", Kind.DATE),
        ("boolean", Kind.BOOLEAN),
        ("timestamp(3) with time zone", Kind.MOMENT),
        ("jsonb", Kind.OTHER),
    ],
)
def test_types_have_kinds(declared: str, kind: Kind) -> None:
    assert kind_of(declared) is kind


def test_phrases_are_in_lower_case_and_single_spaced() -> None:
    assert all(phrase == " ".join(phrase.lower().split()) for phrase in PHRASES)


@pytest.mark.parametrize("name", ["things00014", "sales2024", "q1_sales", "t", "dim_date_v2", "Big_Boxes"])
def test_a_table_is_found_by_its_name_as_it_is_spelt_whatever_its_words(name: str) -> None:
    tables = tuple(table(each, "id bigint, n_sales integer", "id") for each in (name, "things00000", "things00001"))
    vocabulary = replace(SHOP, tables=tables, joins=(), glossary=())
    for question in (f"how many {name} with id over 16", f"sum of n_sales of {name.upper()}"):
        found = interpret(question, vocabulary)
        assert isinstance(found, Interpretation), (question, found)
        assert f'FROM "{name}"' in found.sql


def test_words_by_which_questions_are_asked_are_no_names_whatever_a_description_says() -> None:
    boxes = table("boxes", "id bigint, v integer, w integer", "id", v="How many", w="Number of, in all")
    vocabulary = replace(SHOP, tables=(*SHOP.tables, boxes))
    for question in ("how many customers", "number of customers"):
        found = interpret(question, vocabulary)
        assert isinstance(found, Interpretation)
        assert found.sql == 'SELECT COUNT(*) AS "customers_count" FROM "customers"'
