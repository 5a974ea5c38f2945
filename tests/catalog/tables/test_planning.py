"""The hash of a plan: another one for whatever a person would look at, the same for what moves all the time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.planning import Content, TransitionPlan
from app.catalog.tables.version import TableVersion
from app.kernel.ports.dependants import Dependant
from app.warehouse.inspection import Measurement, RelationColumn
from app.warehouse.naming import RelationName

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
VERSION = TableVersion(
    id=UUID(int=2),
    name="orders",
    version=2,
    state=TableState.SHADOW,
    contract_id="orders_v2",
    successor=None,
    state_changed_at=NOW,
    deprecated_at=None,
    sunset=None,
    revision=3,
    origin="contract",
    owner_id=None,
    owner_label="ada",
    relation=RelationName("data", "orders__v2"),
    schema_version=1,
    supersedes_id=None,
    created_at=NOW,
)
ID, AMOUNT = RelationColumn("id", "bigint", nullable=False), RelationColumn("amount", "integer", nullable=True)
NEW = Content(VERSION, (ID, AMOUNT), Measurement(rows=5, exact=True, checksum="0" * 16))
OLD = replace(NEW, version=replace(VERSION, id=UUID(int=1), version=1, state=TableState.ACTIVE))
EXPORT, JOIN = Dependant("export", "1", "nightly"), Dependant("join", "1", "orders to customers")
PLAN = TransitionPlan(
    target=NEW,
    to_state=TableState.ACTIVE,
    superseded=OLD,
    successor="clients",
    sunset=NOW + timedelta(days=30),
    dependants=(EXPORT, JOIN),
)


@pytest.mark.parametrize(
    "change",
    [
        {"to_state": TableState.READ_ONLY},
        {"target": replace(NEW, version=replace(VERSION, id=UUID(int=3)))},
        {"target": replace(NEW, version=replace(VERSION, state=TableState.READ_ONLY))},
        {"target": replace(NEW, shape=(ID,))},
        {"target": replace(NEW, shape=(ID, replace(AMOUNT, type="bigint")))},
        {"target": replace(NEW, shape=(ID, replace(AMOUNT, nullable=False)))},
        {"target": replace(NEW, shape=None)},
        {"superseded": None},
        {"superseded": replace(OLD, version=replace(OLD.version, id=UUID(int=9)))},
        {"superseded": replace(OLD, version=replace(OLD.version, state=TableState.READ_ONLY))},
        {"superseded": replace(OLD, shape=(ID,))},
        {"successor": "people"},
        {"successor": None},
        {"sunset": NOW + timedelta(days=30, microseconds=1)},
        {"sunset": NOW + timedelta(days=31)},
        {"sunset": None},
        {"dependants": (EXPORT,)},
        {"dependants": (EXPORT, replace(JOIN, id="2"))},
        {"dependants": (EXPORT, replace(JOIN, kind="preview"))},
        {"target": replace(NEW, measured=Measurement(rows=2, exact=True, checksum=None))},
        {"target": replace(NEW, measured=Measurement(rows=0, exact=True, checksum=None))},
        {"superseded": replace(OLD, measured=Measurement(rows=11, exact=False, checksum=None))},
    ],
)
def test_another_plan_has_another_hash(change: dict[str, Any]) -> None:
    assert replace(PLAN, **change).hash != PLAN.hash


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"target": replace(NEW, measured=Measurement(rows=6, exact=False, checksum=None))},
        {"superseded": replace(OLD, measured=None)},
        {"superseded": replace(OLD, measured=Measurement(rows=10, exact=True, checksum=None))},
        {"dependants": (JOIN, EXPORT)},
        {"dependants": (EXPORT, replace(JOIN, label="another name"))},
        {"dependants": (EXPORT, replace(JOIN, by="ben", at=NOW))},
        {"dependants": (EXPORT, JOIN, Dependant("execution", "1", "ada, once", "ada", NOW, lasting=False))},
        {"dependants": (EXPORT, JOIN, Dependant("preview", "1", "of ada", "ada", NOW, lasting=False))},
    ],
)
def test_what_moves_all_the_time_leaves_the_hash(change: dict[str, Any]) -> None:
    assert replace(PLAN, **change).hash == PLAN.hash
