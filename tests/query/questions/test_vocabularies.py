"""What a question is read with: the values that are looked up, keys as far as data says, engines that are kept."""

from dataclasses import replace

import asyncpg
import httpx
import pytest

from app.catalog.glossary.entries import Meaning, Term
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.vocabulary.model import ListedValues
from app.query.questions.cache import QuestionCache
from app.query.questions.vocabularies import Vocabularies
from app.query.values.found import FoundValues, texts_of
from tests.catalog.joins.steps import adopted, refreshed
from tests.query.language.shop import SHOP, VALUES

QUESTIONS = (
    "customers in Berlin",
    "how many customers from Germany",
    "orders not paid",
    "paid orders of customers from the United States",
    "products in the category kitchen tool",
    'customers named "Ada Lovelace"',
    "how many customers are called Turing",
    "visits by phone in 2024",
    "red kettles",
    "suppliers in Lyon or Berlin",
    "how many unicorns",
)


def found(question: str, values: ListedValues) -> FoundValues:
    """The values that an index of these finds for a question, looked up by the texts of the question alone."""
    texts = texts_of(question)
    return FoundValues(((term, hit) for term in texts for hit in values._hits.get(term, ())), values._few)


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_looked_up_suffices_to_read_the_question(question: str) -> None:
    known = Engine(SHOP)
    assert known.told(replace(SHOP, values=found(question, VALUES))).interpret(question) == known.interpret(question)


async def test_keys_that_nobody_declared_are_known_once_the_data_was_looked_at(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner)
    vocabularies = resources.build(Vocabularies)
    before = (await vocabularies.of("orders", SYSTEM)).table("orders")
    assert before is not None
    assert before.key == ()
    await refreshed(resources)
    tables = {table.name: table for table in (await vocabularies.of("orders", SYSTEM)).tables}
    assert (tables["orders"].key, tables["products"].key) == (("order_id",), ("product_id",))
    assert [column.name for column in tables["customers"].columns if column.unique] == ["customer_id", "name"]


async def test_an_engine_is_made_anew_only_where_tables_are_other() -> None:
    cache = QuestionCache()
    first = await cache.engine(SHOP)
    term = Term("vip", Meaning.TABLE, table="customers")
    told = replace(SHOP, values=ListedValues({}), glossary=(term,))
    assert await cache.engine(told) is first
    assert isinstance(first.told(told).interpret("how many vip are there"), Interpretation)
    assert isinstance(first.told(SHOP).interpret("how many kin are there"), Refusal)
    assert await cache.engine(replace(SHOP, tables=SHOP.tables[1:])) is not first
