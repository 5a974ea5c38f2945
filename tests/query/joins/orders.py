"""Customers, their orders, and what hangs on an order: the ground on which joins repeat rows."""

from collections.abc import Iterable
from typing import Final

from app.query.guard.check import check
from app.query.guard.findings import GuardVerdict
from app.query.guard.relations import ONE, AcceptedJoin, Catalog, ColumnView, FanOut, RelationView
from app.query.joins.fan_out.warning import warnings_of
from app.query.presentation import logical_sql

COLUMNS: Final[dict[str, str]] = {
    "customers": "id integer, name text, credit integer, region text",
    "agents": "id integer, name text, fee numeric",
    "orders": (
        "id integer, customer_id integer, seller integer, buyer integer, total integer, weight double precision, "
        "price numeric, rate real, status text, ordered date, big bigint"
    ),
    "order_lines": (
        "id integer, order_id integer, product_id integer, qty integer, amount numeric, share double precision, "
        "rate real, note text, shipped date, big bigint"
    ),
    "products": "id integer, kind text, price numeric",
    "shipments": "id integer, order_id integer, carrier text, weight integer",
    "notes": "order_id integer, text text, points integer",
    "stock": "warehouse integer, sku text, on_hand integer",
    "moves": "id integer, warehouse integer, sku text, moved integer",
    "visits": "id integer, region text, seconds integer",
}
FEW: Final = FanOut(3.4, 50.0, 120)


def relation(table: str) -> RelationView:
    """A table as the guard sees it."""
    pairs = (column.split(" ", 1) for column in COLUMNS[table].split(", "))
    columns = tuple(ColumnView(name, kind) for name, kind in pairs)
    return RelationView(f"id-of-{table}", table, 1, "ACTIVE", "data", f"{table}__v1", columns)


def accepted(
    left: str, columns: str, right: str, others: str, known: tuple[FanOut | None, FanOut | None]
) -> AcceptedJoin:
    """An accepted join of these columns, written with commas."""
    names = tuple(columns.split(",")), tuple(others.split(","))
    return AcceptedJoin(f"{left}-{right}-{columns}", left, names[0], right, names[1], 1, *known)


JOINS: Final = (
    accepted("orders", "customer_id", "customers", "id", (FEW, ONE)),
    accepted("orders", "seller", "agents", "id", (FEW, ONE)),
    accepted("orders", "buyer", "agents", "id", (FEW, ONE)),
    accepted("order_lines", "order_id", "orders", "id", (FEW, ONE)),
    accepted("order_lines", "product_id", "products", "id", (FEW, ONE)),
    accepted("shipments", "order_id", "orders", "id", (FEW, ONE)),
    accepted("notes", "order_id", "orders", "id", (ONE, ONE)),
    accepted("moves", "warehouse,sku", "stock", "warehouse,sku", (FEW, ONE)),
    accepted("visits", "region", "customers", "region", (FEW, FEW)),
    accepted("shipments", "order_id", "order_lines", "order_id", (None, None)),
)
CATALOG: Final = Catalog.of(map(relation, COLUMNS), JOINS)


def checked(sql: str, joins: Iterable[AcceptedJoin] = JOINS) -> GuardVerdict:
    """The verdict on an allowed statement."""
    verdict = check(sql, Catalog(CATALOG.relations, tuple(joins)), fan_outs=warnings_of)
    assert verdict.allowed, (sql, verdict.findings)
    return verdict


def corrected(sql: str) -> str | None:
    """The corrected form by logical names, which the guard allows, and warns of no more; None when there is none."""
    verdict = checked(sql)
    assert verdict.fan_outs, sql
    (text,) = {warning.corrected for warning in verdict.fan_outs}
    if text is None:
        return None
    logical = logical_sql(text, list(CATALOG.relations.values()))
    again = checked(logical)
    assert again.fan_outs == (), (logical, again.fan_outs)
    assert again.sql == text
    assert again.output == verdict.output
    return logical
