"""Every type of PostgreSQL that can be read: PostgreSQL's own text or JSON, the same in answers and in exports.

The relation is an adopted one with a column for every type of the server's `pg_type` that has a value.
"""

import base64
import csv
import io
import json
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from app.kernel.tabular.rendering import SETTINGS
from tests.operations.exports.steps import content, export
from tests.query.asking import ask

TYPES = """
CREATE SCHEMA legacy;
CREATE TYPE legacy.mood AS ENUM ('fine', '=1+1');
CREATE TYPE legacy.pair AS (a int, b text);
CREATE TYPE legacy.nested AS (p legacy.pair, m legacy.mood[], r int4range, d json, raw bytea);
CREATE TYPE legacy.floats AS RANGE (subtype = float8);
CREATE DOMAIN legacy.percent AS numeric(5,2) CHECK (VALUE <= 100);
CREATE DOMAIN legacy.words AS text[];
CREATE TYPE legacy.date AS ENUM ('today');
"""
"""Types of users, one of which bears the name of a type of PostgreSQL."""

CANDIDATES = (
    *("1", "-1.50", "t", "a", "=a", "2026-01-02", "10:11:12.5", "1 year 2 mons 3.5 secs", "101", "(1,2)", "{1,2,3}"),
    *("[(1,2),(3,4)]", "((1,2),(3,4))", "<(1,2),3>", "10.0.0.1/32", "10.0.0.0/8", "08:00:2b:01:02:03", "1/2A"),
    *("08:00:2b:01:02:03:04:05", "00000000-0000-0000-0000-00000000000a", '{"b": [1, 2.50], "a": "x"}', "[1,5)"),
    *("[2026-01-01,2026-02-01)", "{[1,5)}", "{[2026-01-01,2026-02-01)}", "$.a[*]", "a & b", "pg_class", "<a>1</a>"),
    *("10:20:10,15", '{a,NULL,"b c"}', "(1,x)", "fine", "today", "\\x00ff", "now_is_no_time", "+(int4,int4)"),
    *("abs(int4)", "english", "simple", "C", "postgres", "pg_catalog", "(0,1)", "1 2", "{}", "[1.5,2.5]"),
    *('("(1,x)",{fine},"[1,5)","[1]","\\\\x00ff")',),
)
"""Texts of which one at least is a value of nearly every type; arrays are made of the values of their elements."""

EXTREMES = {
    "numeric": ("NaN", "Infinity", "-Infinity", "1e400", "-0.10"),
    "float8": ("NaN", "Infinity", "-0", "1e300", "5e-324", "0.1", "1"),
    "float4": ("NaN", "-Infinity", "0.1", "3.4028235e38"),
    "date": ("infinity", "-infinity", "0044-03-15 BC", "10000-01-01", "5874897-12-31"),
    "timestamp": ("infinity", "0044-03-15 00:00:00.5 BC", "10000-01-01", "294276-12-31 23:59:59.999999", "0001-01-01"),
    "timestamptz": ("-infinity", "0044-03-15 00:00Z BC", "9999-12-31 23:59:59.999999Z", "294276-12-31 00:00Z"),
    "time": ("24:00", "00:00"),
    "timetz": ("10:00+05:30", "24:00-15:59:59"),
    "interval": ("-1 mons +3 days -00:00:00.000001", "infinity", "0"),
    "json": ('{"a":\n1,\r\n"a": 2}', "[1,\n\n2]", '"\\u0000"', "-1"),
    "jsonb": ('"=1+1"', "null", "1e400"),
    "text": ("", " ", "\ufeff", "a\r\nb", '"', "'", "=1", "\u2028"),
    "bytea": ("", "\\x" + "00ff" * 100),
    "bpchar": ("a  ", ""),
    "inet": ("10.0.0.1", "::1/64"),
    "char": ("", "\\377"),
    "int4range": ("empty", "(,)", "[1,)"),
    "money": ("-1234.56",),
    "xml": ("<a>\n</a>",),
}

NO_VALUE = {
    "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary", "gtsvector", "pg_ddl_command", "xml",
}  # fmt: skip
"""Types whose input PostgreSQL refuses: no column of a user's can have one. The tests' server is built without XML."""

NOT_STRINGS = {
    "smallint", "integer", "bigint", "real", "double precision", "boolean", "bytea", "date", "time", "timestamp",
    "timestamptz", "oid",
}  # fmt: skip
"""Types that Arrow has itself."""

FACTS = """
SELECT t.oid, t.oid::regtype::text AS sql, t.typname AS name, n.nspname AS schema, t.typcategory::text AS category,
       t.typelem <> 0 AND t.typarray = 0 AND t.typcategory = 'A' AS array
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype IN ('b', 'c', 'd', 'e', 'm', 'r') AND t.typisdefined
   AND (t.typtype <> 'c' OR n.nspname = 'legacy')
   AND (t.typelem = 0 OR EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem
                                  AND (e.typtype NOT IN ('c', 'p') OR e.typnamespace = 'legacy'::regnamespace)))
   AND n.nspname IN ('pg_catalog', 'legacy')
 ORDER BY t.oid
"""


class Everything:
    """The adopted relation, and for each of its columns the type and the values."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self.owner = owner
        self.types: dict[str, Any] = {}
        self.names: list[str] = []

    async def make(self) -> None:
        await self.owner.execute(TYPES)
        values: dict[str, list[str]] = {}
        without = set()
        for fact in await self.owner.fetch(FACTS):
            found = await self._values(fact)
            if not found:
                without.add(fact["name"].removeprefix("_"))
                continue
            name = f"c{fact['oid']}"
            self.types[name], values[name] = fact, found
        assert without <= NO_VALUE
        self.names = list(values)
        columns = ", ".join(f"{name} {self.types[name]['sql']}" for name in self.names)
        await self.owner.execute(f"CREATE TABLE legacy.everything (row_number int, {columns})")
        for number in range(max(map(len, values.values()))):
            row = [(name, texts[number]) for name, texts in values.items() if number < len(texts)]
            await self.owner.execute(
                f"INSERT INTO legacy.everything (row_number, {', '.join(name for name, _ in row)}) VALUES ({number}, "
                + ", ".join(f"'{text.replace(chr(39), chr(39) * 2)}'" for _, text in row)
                + ")"
            )

    async def _values(self, fact: Any) -> list[str]:
        if fact["array"]:
            elements = await self.owner.fetchval(
                "SELECT format_type(typelem, NULL) FROM pg_type WHERE oid = $1", fact["oid"]
            )
            found = [text for text in CANDIDATES if await self._valid(text, elements)][:2]
            if not found:
                return []
            return [
                await self.owner.fetchval(
                    f"SELECT (ARRAY['{found[0].replace(chr(39), chr(39) * 2)}', NULL]::{fact['sql']})::text"
                ),
                "{}",
            ]
        texts = (*EXTREMES.get(fact["name"], ()), *CANDIDATES)
        return [text for text in texts if await self._valid(text, fact["sql"])][:8]

    async def _valid(self, text: str, kind: str) -> bool:
        try:
            return bool(await self.owner.fetchval("SELECT pg_input_is_valid($1, $2)", text, kind))
        except asyncpg.PostgresError:  # some readers fail instead of answering
            return False

    async def told(self) -> list[dict[str, tuple[str | None, str | None]]]:
        """By row and column, the text and the JSON that PostgreSQL makes of each value."""
        for name, value in SETTINGS.items():
            await self.owner.execute(f"SET {name} = '{value}'")
        shown = ", ".join(
            f"CASE WHEN {name} IS DISTINCT FROM NULL THEN concat({name}) END, to_json({name})::text"
            for name in self.names
        )
        found = await self.owner.fetch(f"SELECT {shown} FROM legacy.everything ORDER BY row_number")
        return [{name: (row[2 * place], row[2 * place + 1]) for place, name in enumerate(self.names)} for row in found]


@pytest.fixture
async def everything(owner: asyncpg.Connection, admin: httpx.AsyncClient) -> Everything:
    made = Everything(owner)
    await made.make()
    answer = await admin.post("/api/tables/adopt", json={"relations": ["legacy.everything"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["adopted"] == 1, answer.text
    return made


def as_json(type_: Any, value: str | None, told: str | None) -> Any:
    """What JSON holds, of what `to_json` makes."""
    if told is None:
        return None
    if type_["schema"] == "pg_catalog":
        match type_["name"]:
            case "bytea":
                return _base64(value)
            case "oid":
                return Decimal(value or "")
            case "numeric" if len(value or "") > 300:
                return value
    return json.loads(told, parse_float=Decimal, parse_int=Decimal)


def as_csv(type_: Any, value: str | None, told: str | None) -> str | None:
    """What CSV holds, of PostgreSQL's text."""
    if value is None or told is None:
        return None
    if (told[:1] in "[{" and told[:1] != value[:1]) or type_["array"] or type_["category"] == "C":
        return told
    if type_["schema"] == "pg_catalog":
        match type_["name"]:
            case "bytea":
                return _base64(value)
            case "bool":
                return told
            case "timestamp" | "timestamptz":
                return str(json.loads(told))
    return value


def _base64(value: str | None) -> str:
    return base64.b64encode(bytes.fromhex((value or "")[2:])).decode()


async def test_answers_and_exports_hold_what_postgresql_writes(
    everything: Everything, app: FastAPI, admin: httpx.AsyncClient
) -> None:
    told, names = await everything.told(), everything.names
    assert len(names) > 150, "the walk has not been cut short"
    sql = "SELECT * FROM everything ORDER BY row_number"
    plain = {"csv_formulas": "plain"}

    expected = [{name: as_json(everything.types[name], *row[name]) for name in names} for row in told]
    answer = await ask(admin, sql)
    assert answer.status_code == 200, answer.text
    document = json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)
    columns = [column["name"] for column in document["columns"]]
    assert [dict(zip(columns[1:], row[1:], strict=True)) for row in document["rows"]] == expected

    answer = await ask(admin, sql, "application/x-ndjson")
    exported = await content(
        admin, await export(admin, app.state.resources, filter_params={"table": "everything"}, format="ndjson")
    )
    for body in (answer.content, exported):
        lines = body.split(b"\n")
        assert lines.pop() == b""
        assert len(lines) == len(told)
        rows = [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in lines]
        rows.sort(key=lambda row: row.pop("row_number"))
        assert rows == expected

    texts = [{name: as_csv(everything.types[name], *row[name]) or "" for name in names} for row in told]
    preview = await admin.post("/api/query/preview", json={"sql": sql})
    answer = await admin.post(
        "/api/query/execute", json={"preview_id": preview.json()["preview_id"]} | plain, headers={"Accept": "text/csv"}
    )
    exported = await content(
        admin, await export(admin, app.state.resources, filter_params={"table": "everything"}, **plain)
    )
    for body in (answer.content, exported):
        header, *records = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
        found = [dict(zip(header, record, strict=True)) for record in records]
        found.sort(key=lambda row: int(row.pop("row_number")))
        assert found == texts


async def test_columns_of_text_hold_the_same(everything: Everything, app: FastAPI, admin: httpx.AsyncClient) -> None:
    names = [name for name in everything.names if everything.types[name]["sql"] not in NOT_STRINGS]
    names = [
        name for name in names if everything.types[name]["name"] not in {"bool", "timestamp", "timestamptz", "time"}
    ]
    listed = ", ".join(names)
    told = [{name: as_csv(everything.types[name], *row[name]) for name in names} for row in await everything.told()]
    answers = []
    for accept in ("application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"):
        answer = await ask(admin, f"SELECT {listed} FROM everything ORDER BY row_number", accept)
        assert answer.status_code == 200, answer.text
        answers.append(
            pq.read_table(io.BytesIO(answer.content))
            if "parquet" in accept
            else pa.ipc.open_stream(answer.content).read_all()
        )
    shown = await export(
        admin, app.state.resources, format="parquet", filter_params={"table": "everything", "columns": names}
    )
    exported = pq.read_table(io.BytesIO(await content(admin, shown)))
    assert exported.schema.equals(answers[0].schema, check_metadata=True)
    for table in (*answers, exported):
        assert {str(field.type) for field in table.schema} == {"string"}
        assert table.to_pylist() == told
