"""A vocabulary for tests: a shop, and rivers and cities. None of it is of a data set that is measured."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.catalog.glossary.terms import Meaning, Term
from app.query.guard.relations import ONE, AcceptedJoin, Catalog, ColumnView, FanOut, RelationView
from app.query.language.vocabulary.model import Column, ListedValues, Table, Vocabulary

NOW = datetime(2025, 8, 15, 10, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MANY = FanOut(3.0, 9.0, 12)


def table(name: str, columns: str, key: str, rows: int = 100, unique: str = "", **described: str) -> Table:
    """A table of columns written as `name type, name type`."""
    parts = [part.strip().partition(" ") for part in columns.split(",")]
    return Table(
        name,
        tuple(
            Column(column, kind, described.get(column), unique=column == key or column in unique.split())
            for column, _, kind in parts
        ),
        (key,) if key else (),
        rows,
    )


def join(left: str, column: str, right: str, key: str) -> AcceptedJoin:
    """An accepted n:1 join."""
    return AcceptedJoin(
        f"{left}.{column}", left, (column,), right, (key,), left_rows=MANY, right_rows=ONE, cardinality="n:1"
    )


TABLES = (
    table(
        "customers",
        "id bigint, name text, email text, city text, country text, created_at timestamp with time zone, "
        "is_active boolean, age integer",
        "id",
    ),
    table(
        "orders",
        "id bigint, customer_id bigint, status text, ordered_on date, shipped_on date, total_amount numeric, "
        "tier integer",
        "id",
        1_000,
        tier="0 for bronze, 1 for silver, 2 for gold",
    ),
    table(
        "order_items",
        "id bigint, order_id bigint, product_id bigint, quantity integer, unit_price numeric",
        "id",
        3_000,
    ),
    table("products", "id bigint, name text, category text, price numeric, supplier_id bigint", "id", 50),
    table("suppliers", "id bigint, name text, city text, rating numeric", "id", 10),
    table(
        "visits", "id bigint, customer_id bigint, visited_at timestamp, ended_at timestamp, device text", "id", 5_000
    ),
    table("shelves", "id bigint, label text", "id", 5),
)
JOINS = (
    join("orders", "customer_id", "customers", "id"),
    join("order_items", "order_id", "orders", "id"),
    join("order_items", "product_id", "products", "id"),
    join("products", "supplier_id", "suppliers", "id"),
    join("visits", "customer_id", "customers", "id"),
)
VALUES = ListedValues(
    {
        ("customers", "name"): ["Ada Lovelace", "Alan Turing", "Grace Hopper"],
        ("customers", "city"): ["Berlin", "Paris", "New York"],
        ("customers", "country"): ["DE", "FR", "US"],
        ("orders", "status"): ["paid", "pending", "cancelled"],
        ("products", "category"): ["Garden", "Kitchen tools", "Books"],
        ("products", "name"): ["Red Kettle", "Blue Kettle", "Spade"],
        ("suppliers", "city"): ["Lyon", "Berlin"],
        ("visits", "device"): ["phone", "desktop"],
    }
)
GLOSSARY = (
    Term("revenue", Meaning.EXPRESSION, expression="total amount of paid orders"),
    Term("shopper", Meaning.TABLE, table="customers"),
    Term("VIP", Meaning.VALUE, table="orders", column="tier", value="2"),
    Term("basket value", Meaning.COLUMN, table="orders", column="total_amount"),
)
SHOP = Vocabulary(TABLES, JOINS, VALUES, NOW, BERLIN, GLOSSARY)

RIVERS = Vocabulary(
    (
        table("state", "state_name text, capital text, population bigint, area double precision", "state_name", 50),
        table("city", "city_name text, state_name text, population bigint", "", 300),
        table("river", "river_name text, length integer, traverse text", "", 100),
    ),
    (
        join("city", "state_name", "state", "state_name"),
        AcceptedJoin(
            "river.traverse", "river", ("traverse",), "state", ("state_name",), left_rows=MANY, right_rows=ONE
        ),
    ),
    ListedValues(
        {
            ("state", "state_name"): ["texas", "ohio", "utah"],
            ("city", "city_name"): ["austin", "provo"],
            ("river", "river_name"): ["red", "ohio", "colorado"],
        }
    ),
    NOW,
    BERLIN,
)


def catalog(vocabulary: Vocabulary) -> Catalog:
    """The tables of a vocabulary as the guard sees them."""
    return Catalog.of(
        (
            RelationView(
                each.name,
                each.name,
                1,
                "ACTIVE",
                "warehouse",
                each.name,
                tuple(ColumnView(column.name, column.type) for column in each.columns),
            )
            for each in vocabulary.tables
        ),
        vocabulary.joins,
    )
