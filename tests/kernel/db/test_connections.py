"""One function turns a URL into asyncpg's arguments: what SQLAlchemy's own pools connect with."""

from typing import Any

import pytest

from app.kernel.db.connections import driver_arguments
from app.kernel.dumping.programs import connecting


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("a:b@h/d", {"host": "h", "user": "a", "password": "b", "database": "d"}),
        ("a:b@h:6000/d", {"host": "h", "port": 6000, "user": "a", "password": "b", "database": "d"}),
        (
            "a:b@/d?host=/tmp/x&port=5433",
            {"host": "/tmp/x", "port": 5433, "user": "a", "password": "b", "database": "d"},
        ),
        ("a%40b:p%2F%22@h/d%20e", {"host": "h", "user": "a@b", "password": 'p/"', "database": "d e"}),
        ("a:b@h/d?ssl=require", {"host": "h", "user": "a", "password": "b", "database": "d", "ssl": "require"}),
        ("a:b@h/d?prepared_statement_cache_size=0", {"host": "h", "user": "a", "password": "b", "database": "d"}),
        ("a:b@/d", {"user": "a", "password": "b", "database": "d"}),
    ],
)
def test_the_driver_connects_where_the_pools_do(rest: str, expected: dict[str, Any]) -> None:
    assert driver_arguments(f"postgresql+asyncpg://{rest}") == expected


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("a:b@h:6000/d", {"PGHOST": "h", "PGPORT": "6000"}),
        ("a:b@/d?host=/tmp/x&port=5433", {"PGHOST": "/tmp/x", "PGPORT": "5433"}),
        ("a:b@/d", {"PGHOST": "localhost", "PGPORT": "5432"}),
        ("a:b@h/d?ssl=require", {"PGHOST": "h", "PGPORT": "5432", "PGSSLMODE": "require"}),
    ],
)
def test_the_programs_of_postgresql_connect_there_too(rest: str, expected: dict[str, str]) -> None:
    login = {"PGUSER": "a", "PGPASSWORD": "b", "PGDATABASE": "d"}
    found = dict(connecting(f"postgresql+asyncpg://{rest}"))
    assert found.pop("PGOPTIONS") == "-c statement_timeout=0 -c lock_timeout=60s"
    assert found == login | expected
