"""Databases with questions for `benchmarks.questions`: loading, words and values of their columns, comparing rows."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any

import asyncpg
import sqlglot
from sqlglot import exp

from app.query.guard.relations import Catalog, ColumnView, RelationView
from app.query.language.vocabulary.model import Vocabulary

SCHEMAS = {"ewallet": "consumer_div"}
_PREDICATE_ORDER = re.compile(r"\b(order|ordered|sort|sorted|top|alphabetical|alphabetically|ascending|descending)\b")


@dataclass(frozen=True)
class Question:
    """A question with what it must come to; without gold it must be refused."""

    id: str
    db: str
    text: str
    gold: tuple[str, ...]
    category: str
    instructions: str | None

    @property
    def in_order(self) -> bool:
        """Whether the words ask for an order."""
        return bool(_PREDICATE_ORDER.search(self.text.lower()))


def questions(folder: Path) -> Iterator[Question]:
    """The questions that have an answer, then those that have none."""
    for line in (folder / "questions.jsonl").read_text().splitlines():
        raw = json.loads(line)
        gold = (raw["gold_sql"], *raw.get("gold_alternatives", ()))
        yield Question(raw["id"], raw["db"], raw["question"], gold, raw["category"], raw.get("instructions"))
    for line in (folder / "unanswerable.jsonl").read_text().splitlines():
        raw = json.loads(line)
        yield Question(raw["id"], raw["db"], raw["question"], (), "unanswerable", None)


def schema_of(database: str) -> str:
    """The schema that a database of the set is loaded into."""
    return SCHEMAS.get(database, database)


async def load(owner: asyncpg.Connection, folder: Path, database: str) -> None:
    """Fill the schema of the database."""
    schema = schema_of(database)
    await owner.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    await owner.execute(f'SET search_path = "{schema}", public')
    for name in ("schema.sql", "data.sql", "fks.sql"):
        text = (folder / database / name).read_text()
        if text.strip():
            await owner.execute(text.replace("public.", f"{schema}."))
    await owner.execute("ANALYZE")
    await owner.execute("RESET search_path")


async def relations_of(owner: asyncpg.Connection) -> dict[str, str]:
    """The relations of adopted tables, by their logical names."""
    return {
        row["name"]: row["relation_name"] for row in await owner.fetch("SELECT name, relation_name FROM spyne.tables")
    }


def catalog_of(database: str, vocabulary: Vocabulary, relations: Mapping[str, str]) -> Catalog:
    """The relations of the vocabulary as the guard sees them."""
    schema = schema_of(database)
    return Catalog.of(
        (
            RelationView(
                table.name, table.name, 1, "READ_ONLY", schema, relations[table.name],
                tuple(ColumnView(column.name, column.type) for column in table.columns),
            )
            for table in vocabulary.tables
        ),
        vocabulary.joins,
    )  # fmt: skip


def _plain(value: Any) -> Any:
    """A value as it is compared: numbers by six figures, moments without a zone, days as midnights."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return float(f"{float(value):.6g}")
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    return str(value)


Rows = list[tuple[Any, ...]]


def plain_rows(records: Sequence[asyncpg.Record]) -> Rows:
    """The rows as they are compared."""
    return [tuple(_plain(value) for value in record.values()) for record in records]


def with_ties(sql: str) -> str | None:
    """The statement with all rows that tie for its last place; None when it has no limit."""
    tree = sqlglot.parse_one(sql, read="postgres")
    limit = tree.args.get("limit")
    if limit is None or tree.args.get("order") is None:
        return None
    count = limit.expression.sql()
    tree.set("limit", None)
    return f"{tree.sql('postgres')} FETCH FIRST {count} ROWS WITH TIES"


def same_rows(gold: Rows, answer: Rows, *, in_order: bool, tied: Rows | None) -> bool:
    """Whether the answer holds the gold rows: columns in any order, further columns allowed.

    Args:
        gold: rows of the gold statement.
        answer: rows of the answer.
        in_order: whether the question asks for an order, which must be that of gold then.
        tied: rows of gold with all that tie for the last place; the answer may pick any of these.
    """
    if not gold or not answer:
        return not gold and not answer
    width, wide = len(gold[0]), len(answer[0])
    if width > wide or (len(gold) != len(answer) and tied is None):
        return False
    for places in _mappings(gold if tied is None else tied, answer, width, wide):
        picked = [tuple(row[place] for place in places) for row in answer]
        if tied is not None:
            if len(gold) <= len(picked) <= len(tied) and not Counter(picked) - Counter(tied):
                return True
        elif (
            picked == gold
            or (Counter(picked) == Counter(gold) and not in_order)
            or (Counter(picked) == Counter(gold) and _same_but_for_ties(gold, picked))
        ):
            return True
    return False


def _same_but_for_ties(gold: Rows, picked: Rows) -> bool:
    """Whether some column has its values in the same order in both: the one that the rows are sorted by."""
    return any([row[place] for row in gold] == [row[place] for row in picked] for place in range(len(gold[0])))


def _mappings(gold: Rows, answer: Rows, width: int, wide: int) -> Iterator[tuple[int, ...]]:
    """Choices of the answer's columns for those of gold whose values could be the same."""
    sets = [{row[place] for row in answer} for place in range(wide)]
    wanted = [{row[place] for row in gold} for place in range(width)]
    for places in permutations(range(wide), width):
        if all(sets[place] <= want for place, want in zip(places, wanted, strict=True)):
            yield places


def has_limit(sql: str) -> bool:
    """Whether the statement itself is cut."""
    return sqlglot.parse_one(sql, read="postgres").find(exp.Limit) is not None
