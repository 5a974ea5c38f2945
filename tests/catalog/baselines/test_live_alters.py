"""Random ALTERs on adopted relations: every change is found, as what it is, and nothing else; restores are no change.

`SPYNE_TEST_ALTERS=1000` makes so many statements; `SPYNE_TEST_ALTERS_SEED` begins elsewhere.
"""

import os
import re
from random import Random
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from app.catalog.baselines.service import Baselines, Look
from app.catalog.drift.change import Change, ChangeKind
from app.kernel.db.connections import DatabaseUrls
from app.kernel.dumping.programs import output, program
from app.kernel.runtime.resources import Resources
from tests.catalog.baselines.alters import ALTERS, TYPES, Alter, Column, Found, Model, expected, quoted

STATEMENTS = int(os.environ.get("SPYNE_TEST_ALTERS", "60"))
SEED = int(os.environ.get("SPYNE_TEST_ALTERS_SEED", "1"))
TABLES = 3
POSTGRESQL = 18

WORLD = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('glad', 'sad');
CREATE TABLE shop.target (code int PRIMARY KEY);
"""


def create(model: Model) -> str:
    """The statement that makes the table: a column of every type, some of them left away again to leave a gap."""
    for name, kind in zip(("a", "b", "c", "d", "Total: EUR", "select"), TYPES[:4] + TYPES[-2:], strict=True):
        model.columns.append(Column(next(model.ids), name, kind))
    columns = ", ".join(f"{quoted(column.name)} {column.type}" for column in model.columns)
    return f"CREATE TABLE {model.relation} (gap int, {columns}); ALTER TABLE {model.relation} DROP gap"


def shown(changes: tuple[Change, ...]) -> list[Found]:
    """The changes as the model tells them."""
    renamed = [change.new if change.kind is ChangeKind.RENAME else None for change in changes]
    return sorted([(c.kind.value, c.column, new) for c, new in zip(changes, renamed, strict=True)], key=str)


async def restored(owner: asyncpg.Connection, urls: DatabaseUrls, relation: str) -> None:
    """The relation dropped and made anew of its dump, with other numbers, under another oid."""
    arguments = ["--schema-only", "--no-owner", "--no-privileges", "--no-password", f"--table={relation}"]
    dump = b"".join([block async for block in output(program("pg_dump", POSTGRESQL), arguments, urls.owner)])
    await owner.execute(f"DROP TABLE {relation}")
    await owner.execute(re.sub(r"(?m)^\\.*$", "", dump.decode()))  # commands of psql, against hostile dumps
    await owner.execute("RESET ALL")


class Shop:
    """Adopted relations with their models."""

    def __init__(self, resources: Resources, owner: asyncpg.Connection, random: Random) -> None:
        self.resources, self.owner, self.random = resources, owner, random
        self.models: dict[UUID, Model] = {}
        self.statements = 0
        self.renames = 0

    async def adopt(self, admin: httpx.AsyncClient) -> None:
        """Make the relations and adopt them."""
        await self.owner.execute(WORLD)
        models = [Model(self.random, f"shop.t{number}") for number in range(TABLES)]
        for model in models:
            await self.owner.execute(create(model))
        answer = await admin.post("/api/tables/adopt", json={"relations": [model.relation for model in models]})
        found = {item["relation"]: UUID(item["table_id"]) for item in answer.json()["relations"]}
        self.models = {found[model.relation]: model for model in models}

    async def look(self) -> Look:
        """What a look finds at all of them."""
        async with self.resources.database.write() as session:
            return await Baselines(session, self.resources.clock).look_at(self.models)

    async def accept(self) -> None:
        """Accept everything."""
        async with self.resources.database.write() as session:
            for table_id in self.models:
                await Baselines(session).accept(table_id)

    async def alter(self, model: Model, alter: Alter) -> None:
        """Alter a relation and its model alike."""
        before = model.labels
        for statement in alter(model):
            await self.owner.execute(statement)
            self.statements += 1
        if model.labels != before:  # the type is that of all
            for other in self.models.values():
                other.labels = model.labels

    async def round(self) -> None:
        """Some alters between two looks: what is found is what the models say."""
        before = {table_id: model.copy() for table_id, model in self.models.items()}
        done = []
        for _ in range(self.random.randint(1, 5)):
            alter = self.random.choice(ALTERS)
            done.append(alter.__name__)
            await self.alter(self.random.choice(list(self.models.values())), alter)
        look = await self.look()
        found = {finding.table_id: shown(finding.changes) for finding in look.findings}
        wanted = {table_id: expected(before[table_id], model) for table_id, model in self.models.items()}
        assert found == {table_id: changes for table_id, changes in wanted.items() if changes}, done
        assert look.renewed == ()
        self.renames += sum(kind == "RENAME" for changes in wanted.values() for kind, _, _ in changes)


async def test_random_alters(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    random = Random(SEED)
    shop = Shop(app.state.resources, owner, random)
    await shop.adopt(admin)
    restores = rounds = 0
    while shop.statements < STATEMENTS:
        await shop.round()
        await shop.accept()
        rounds += 1
        if rounds % 5 == 0:
            table_id = random.choice(list(shop.models))
            await restored(owner, urls, shop.models[table_id].relation)
            look = await shop.look()
            assert (look.findings, look.renewed) == ((), (table_id,))
            assert (await shop.look()).renewed == ()
            restores += 1
    assert shop.renames > 0
    assert restores > 0
    print(f"{shop.statements} ALTERs in {rounds} looks: {shop.renames} renames found; {restores} restores, no change")
