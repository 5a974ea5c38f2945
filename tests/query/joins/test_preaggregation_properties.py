"""Random statements over random rows: without a warning an aggregate counts every row once; corrected it does so too.

The reference is made in Python: the rows of the join are read with the identities of their sources, and each row of
what an aggregate reads is counted once in each group.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from app.kernel.embedded import ServerAddress
from tests.query.joins.orders import checked, corrected
from tests.query.joins.test_preaggregation import database_of_orders

ALIASES = {"c": "customers", "o": "orders", "l": "order_lines", "s": "shipments", "p": "products"}
EDGES = {
    frozenset("co"): "o.customer_id = c.id",
    frozenset("ol"): "l.order_id = o.id",
    frozenset("os"): "s.order_id = o.id",
    frozenset("lp"): "l.product_id = p.id",
}
NUMBERS = {"c": ["credit"], "o": ["total", "price"], "l": ["qty", "amount"], "s": ["weight"], "p": ["price"]}
KEYS = {"c": ["id"], "o": ["id", "customer_id"], "l": ["order_id", "product_id"], "s": ["order_id"], "p": ["id"]}
GROUPS = [
    "c.region",
    "o.status",
    "p.kind",
    "l.qty",
    "o.id",
    "s.carrier",
    "coalesce(p.kind, 'none')",
    "l.qty + 1",
    "l.order_id",
]
small = st.none() | st.integers(0, 2)
few = st.integers(1, 3)


@dataclass
class Aggregate:
    function: str
    alias: str
    argument: str
    condition: str | None
    distinct: str = ""

    @property
    def sql(self) -> str:
        suffix = f" FILTER (WHERE {self.condition})" if self.condition else ""
        return f"{self.function}({self.distinct}{self.argument}){suffix}"


@dataclass
class Question:
    source: str
    groups: list[str]
    aggregates: list[Aggregate]
    parents: dict[str, str]
    """Of each source, the one that it is joined to."""

    def identity(self, alias: str, ids: dict[str, Any]) -> tuple[str, Any]:
        """Which row of a source a row of the join holds; of no row, which one it is that has no match."""
        while ids[alias] is None and alias in self.parents:
            alias = self.parents[alias]
        return alias, ids[alias]

    @property
    def sql(self) -> str:
        outputs = [*self.groups, *(aggregate.sql for aggregate in self.aggregates)]
        group = f" GROUP BY {', '.join(self.groups)}" if self.groups else ""
        return f"SELECT {', '.join(outputs)} {self.source}{group}"


@st.composite
def conditions(draw: st.DrawFn, aliases: str) -> str:
    alias = draw(st.sampled_from(aliases))
    column = draw(st.sampled_from(NUMBERS[alias] + KEYS[alias]))
    if draw(st.integers(0, 7)) == 0:
        other = draw(st.sampled_from(aliases))
        return f"{alias}.{column} > {other}.{draw(st.sampled_from(NUMBERS[other] + KEYS[other]))}"
    form = draw(st.sampled_from(["{} > 1", "{} > 1", "{} <= 2", "{} IS NOT NULL", "{} IS NULL", "coalesce({}, 9) > 1"]))
    return form.format(f"{alias}.{column}")


@st.composite
def questions(draw: st.DrawFn) -> Question:
    aliases = draw(st.sampled_from(["ol", "col", "ols", "olp", "co", "colp", "cols", "olps", "colps"]))
    order = draw(st.permutations(aliases))
    placed, parts = [order[0]], [f"FROM {ALIASES[order[0]]} {order[0]}"]
    rest, parents = list(order[1:]), {}
    while rest:
        alias = next(alias for alias in rest if any(frozenset((alias, other)) in EDGES for other in placed))
        rest.remove(alias)
        parents[alias] = next(other for other in placed if frozenset((alias, other)) in EDGES)
        on = EDGES[frozenset((alias, parents[alias]))]
        if draw(st.integers(0, 4)) == 0:
            on += " AND " + draw(conditions("".join([*placed, alias])))
        placed.append(alias)
        parts.append(f"{draw(st.sampled_from(['JOIN', 'LEFT JOIN']))} {ALIASES[alias]} {alias} ON {on}")
    wheres = draw(st.lists(conditions(aliases), max_size=2)) if draw(st.booleans()) else []
    if wheres:
        parts.append("WHERE " + " AND ".join(wheres))
    groups = [group for group in GROUPS if any(f"{alias}." in group for alias in aliases)]
    return Question(
        " ".join(parts),
        draw(st.lists(st.sampled_from(groups), max_size=2, unique=True)),
        draw(st.lists(aggregates(aliases), min_size=1, max_size=3)),
        parents,
    )


@st.composite
def aggregates(draw: st.DrawFn, aliases: str) -> Aggregate:
    condition = draw(conditions(aliases)) if draw(st.integers(0, 3)) == 0 else None
    if draw(st.integers(0, 4)) == 0:
        return Aggregate("count", "", "*", condition)
    alias = draw(st.sampled_from(aliases))
    column = f"{alias}.{draw(st.sampled_from(NUMBERS[alias]))}"
    odd = [f"coalesce({column}, 5)", f"CASE WHEN {column} > 1 THEN 1 ELSE 0 END"]
    form = draw(st.sampled_from([column, column, column, *odd]))
    function = draw(st.sampled_from(["sum", "sum", "avg", "count", "min", "max"]))
    return Aggregate(function, alias, form, condition, "DISTINCT " if draw(st.integers(0, 9)) == 0 else "")


order_ids = st.none() | st.integers(1, 6)
rows = st.fixed_dictionaries({
    "customers": st.lists(st.tuples(small, st.sampled_from(["n", "s"])), min_size=1, max_size=3),
    "orders": st.lists(st.tuples(order_ids, small, small, st.sampled_from("xy")), min_size=1, max_size=5),
    "order_lines": st.lists(st.tuples(order_ids, small, small, small), max_size=8),
    "shipments": st.lists(st.tuples(order_ids, small, st.sampled_from("ab")), max_size=6),
    "products": st.lists(st.tuples(st.none() | st.sampled_from("kj"), small), max_size=2),
})  # fmt: skip
INTO = {
    "customers": "credit, region",
    "orders": "customer_id, total, price, status",
    "order_lines": "order_id, product_id, qty, amount",
    "shipments": "order_id, weight, carrier",
    "products": "kind, price",
}


class Reader:
    """Runs statements from a test that is no coroutine."""

    def __init__(self, runner: asyncio.Runner, connection: "asyncpg.Connection[Any]") -> None:
        self.runner = runner
        self.connection = connection

    def fill(self, tables: dict[str, list[tuple[Any, ...]]]) -> None:
        async def fill() -> None:
            await self.connection.execute(f"TRUNCATE {', '.join(tables)}")
            for table, content in tables.items():
                if not content:
                    continue
                marks = ", ".join(f"${index}" for index in range(2, len(content[0]) + 2))
                numbered = [(number, *row) for number, row in enumerate(content, 1)]
                insert = f"INSERT INTO {table} (id, {INTO[table]}) VALUES ($1, {marks})"
                await self.connection.executemany(insert, numbered)

        self.runner.run(fill())

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.runner.run(self.connection.fetch(sql))]


@pytest.fixture(scope="module")
def reader(server: ServerAddress) -> Iterator[Reader]:
    with asyncio.Runner() as runner, database_of_orders(server, "properties") as name:
        settings = {"search_path": "data"}
        connection = runner.run(asyncpg.connect(**server.connect_kwargs(name), server_settings=settings))
        yield Reader(runner, connection)
        runner.run(connection.close())


def _reference(reader: Reader, question: Question) -> list[tuple[Any, ...]]:
    aliases = [alias for alias in ALIASES if f" {alias} " in f"{question.source} "]
    identities = [f"{alias}.id" for alias in aliases]
    outputs = [*question.groups, *identities]
    for aggregate in question.aggregates:
        outputs += ["1" if aggregate.argument == "*" else aggregate.argument, aggregate.condition or "true"]
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in reader.read(f"SELECT {', '.join(outputs)} {question.source}"):
        groups[row[: len(question.groups)]].append(row[len(question.groups) :])
    if not question.groups and not groups:
        groups[()] = []
    found = []
    for key, members in groups.items():
        values: list[Any] = []
        for index, aggregate in enumerate(question.aggregates):
            kept: dict[Any, Any] = {}
            for number, row in enumerate(members):
                ids = dict(zip(aliases, row, strict=False))
                value, holds = row[len(aliases) + 2 * index : len(aliases) + 2 * index + 2]
                if holds and value is not None:
                    kept[question.identity(aggregate.alias, ids) if aggregate.alias else number] = value
            values.append(_aggregated(aggregate, list(kept.values())))
        found.append((*key, *values))
    return found


def _aggregated(aggregate: Aggregate, values: list[Any]) -> Any:
    function = aggregate.function
    values = list(set(values)) if aggregate.distinct else values
    if function == "count":
        return len(values)
    if not values:
        return None
    if function == "avg":
        return Decimal(sum(values)) / len(values)
    return {"sum": sum, "min": min, "max": max}[function](values)


def _plain(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(
        repr([round(float(cell), 9) if isinstance(cell, int | Decimal) else cell for cell in row]) for row in rows
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(question=questions(), tables=rows)
def test_an_aggregate_counts_each_row_once_or_is_warned_of(
    reader: Reader, question: Question, tables: dict[str, list[tuple[Any, ...]]]
) -> None:
    verdict = checked(question.sql)
    text: str | None = question.sql
    if verdict.fan_outs:
        text = corrected(question.sql)
        event("corrected" if text is not None else "not corrected")
    if text is None:
        return
    reader.fill(tables)
    assert _plain(reader.read(text)) == _plain(_reference(reader, question)), (question.sql, text)
