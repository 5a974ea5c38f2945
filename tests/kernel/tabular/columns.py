"""Columns as PostgreSQL would describe them."""

from asyncpg.types import Attribute, Type

from app.kernel.tabular.rendering import Column, columns_of


def described(*pairs: tuple[str, str]) -> tuple[Column, ...]:
    """Columns of these names and types of `pg_catalog`, by PostgreSQL's own names."""
    return columns_of(Attribute(name, _type(kind)) for name, kind in pairs)


def _type(kind: str) -> Type:
    return Type(0, kind, "array" if kind.endswith("[]") else "scalar", "pg_catalog")
