#!/usr/bin/env python3
"""Makes docs/models.md from the models: every table of the control schema, and a diagram of each plane.

usage: models_docs.py [--check]      --check: exit 1 when the page is not as it would be written

Everything is imported and nothing is started: no database is needed. That models and migrations agree is what
scripts/check_migrations.py looks at.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, DefaultClause
from sqlalchemy.sql.elements import ClauseElement

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.kernel.db.models import Base  # noqa: E402 - found by the line above
from app.registry import DOMAINS  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]  # has no types of its own
SHORT_TYPES = {"TIMESTAMP WITH TIME ZONE": "timestamptz"}
"""Names that PostgreSQL takes as well, and that fit a column of a table."""

HEAD = """\
# The tables

Made from the models by `scripts/models_docs.py`: change the code, not this page. A test fails when the page is not as
the script would write it. How to work with the database: [database.md](database.md).

All of these are in the schema `spyne`. Not here, because other things keep them: `alembic_version` (Alembic), the
schema `jobs` (tickets of pgqueuer), and the governed relations in the schema `data`, which contracts define
([data.md](data.md)).

In the diagrams PK is the primary key and FK a foreign key; a table without columns belongs to another plane.
"""


def compiled(part: ClauseElement) -> str:
    """A part of a statement as PostgreSQL reads it, on one line."""
    text = str(part.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    return re.sub(r"\s+", " ", text).replace("%%", "%").strip()


def type_of(column: Column[object]) -> str:
    """The column's type."""
    name = str(column.type.compile(dialect=DIALECT))
    return SHORT_TYPES.get(name, name.lower())


def default_of(column: Column[object]) -> str:
    """What the column holds when an insert says nothing, in backticks; empty where an insert must say."""
    if column.computed is not None:
        return f"always `{_text(column.computed.sqltext)}`"
    if column.identity is not None:
        return "the next number"
    if isinstance(column.server_default, DefaultClause):
        return f"`{_text(column.server_default.arg)}`"
    return "" if column.default is None else "set by the service"


def _text(argument: object) -> str:
    return compiled(argument) if isinstance(argument, ClauseElement) else f"'{argument}'"


def ordered(table: Table) -> list[Column[object]]:
    """The columns, those of the primary key first."""
    return sorted(table.columns, key=lambda column: not column.primary_key)


def columns(table: Table) -> str:
    """The columns, as a table in Markdown."""
    lines = ["| column | type | null | default | meaning |", "|---|---|---|---|---|"]
    for column in ordered(table):
        cells = (
            f"`{column.name}`",
            type_of(column),
            "yes" if column.nullable else "",
            default_of(column),
            column.comment or "",
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def constraints(table: Table) -> Iterator[str]:
    """Keys, constraints and indexes, a line of a list for each."""
    order = (PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint, CheckConstraint)
    for kind in order:
        found = [each for each in table.constraints if type(each) is kind]
        for constraint in sorted(found, key=lambda each: str(each.name)):
            yield f"- {_constraint(constraint)}"
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        yield f"- `{compiled(CreateIndex(index)).replace('spyne.', '')}`"
    known = table.metadata.tables.values()
    referring = sorted(other.name for other in known if any(key.references(table) for key in foreign(other)))
    if referring:
        yield "- referred to by " + ", ".join(f"[`{name}`](#{name})" for name in dict.fromkeys(referring))


def foreign(table: Table) -> list[ForeignKey]:
    """The foreign keys of a table, column by column."""
    return [key for column in table.columns for key in column.foreign_keys]


def _constraint(constraint: object) -> str:
    if isinstance(constraint, PrimaryKeyConstraint):
        return f"primary key `{constraint.name}`: {_names(constraint.columns)}"
    if isinstance(constraint, UniqueConstraint):
        return f"unique `{constraint.name}`: {_names(constraint.columns)}"
    if isinstance(constraint, CheckConstraint):
        return f"check `{constraint.name}`: `{compiled(constraint.sqltext)}`"
    assert isinstance(constraint, ForeignKeyConstraint)
    there = constraint.referred_table.name
    deleted = f", on delete {constraint.ondelete.lower()}" if constraint.ondelete else ""
    referred = _names(element.column for element in constraint.elements)
    return f"foreign key `{constraint.name}`: {_names(constraint.columns)} → [`{there}`](#{there}) {referred}{deleted}"


def _names(named: Iterable[Column[object]]) -> str:
    return ", ".join(f"`{column.name}`" for column in named)


def diagram(tables: list[Table]) -> str:
    """The tables of a plane and what their foreign keys lead to, for Mermaid."""
    lines = ["```mermaid", "erDiagram"]
    for table in tables:
        lines.append(f"    {table.name} {{")
        for column in ordered(table):
            marks = ["PK"] * column.primary_key + ["FK"] * bool(column.foreign_keys)
            shown = re.sub(r"[^a-z0-9_()\[\]-]+", "_", type_of(column))
            lines.append(f"        {shown} {column.name}{' ' * bool(marks)}{', '.join(marks)}")
        lines.append("    }")
    for table in tables:
        keys = sorted(table.foreign_key_constraints, key=lambda each: str(each.name))
        lines += [f"    {_relationship(table, key)}" for key in keys]
    return "\n".join([*lines, "```"])


def _relationship(table: Table, key: ForeignKeyConstraint) -> str:
    """`parent ||--o{ child : column`: many children, or one where the key's columns are unique."""
    names = {column.name for column in key.columns}
    unique = [
        {column.name for column in constraint.columns}
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
    ]
    parent = "|o" if any(column.nullable for column in key.columns) else "||"
    child = "o|" if names in unique else "o{"
    return f'{key.referred_table.name} {parent}--{child} {table.name} : "{", ".join(sorted(names))}"'


def section(table: Table, file: str) -> str:
    """What there is to say of a table."""
    comment = f"{table.comment}. " if table.comment else ""
    return f"### `{table.name}`\n\n{comment}`{file}`\n\n{columns(table)}\n\n" + "\n".join(constraints(table)) + "\n"


def planes() -> dict[str, dict[Table, str]]:
    """The tables of each plane with the files of their models, the planes from below as the registry has them."""
    found: dict[str, dict[Table, str]] = {}
    for domain in DOMAINS:
        for model in domain.models:
            module = model.__module__
            table = model.__table__
            assert isinstance(table, Table)
            found.setdefault(module.split(".")[1], {})[table] = f"{module.replace('.', '/')}.py"
    return {plane: dict(sorted(of.items(), key=lambda item: item[0].name)) for plane, of in found.items()}


def page() -> str:
    """The page."""
    found = planes()
    assert sum(map(len, found.values())) == len(Base.metadata.tables)
    links = [
        f"- **{plane}**: " + ", ".join(f"[{table.name}](#{table.name})" for table in tables)
        for plane, tables in found.items()
    ]
    parts = [HEAD, "\n" + "\n".join(links) + "\n"]
    for plane, tables in found.items():
        parts.append(f"\n## Plane {plane}\n\n{diagram(list(tables))}\n")
        parts += [f"\n{section(table, file)}" for table, file in tables.items()]
    return "".join(parts)


def main() -> int:
    """Write the page, or say that it is not as it would be written."""
    text = page()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 1 if "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
