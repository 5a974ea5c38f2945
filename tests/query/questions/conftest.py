"""What the process behind the clients was opened with."""

from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.query.values.building import ValueIndexing
from app.settings import Settings
from tests.catalog.joins.steps import CUSTOMERS, accepted, adopted, refreshed
from tests.conftest import SECRET
from tests.query.questions.steps import SHOP
from tests.service_processes import Surroundings


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    """The process's collaborators."""
    found: Resources = app.state.resources
    return found


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    """What a service in a process of its own is surrounded by."""
    return Surroundings(urls, SECRET, settings.home, tmp_path)


@pytest.fixture
async def shop(admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources) -> None:
    """Customers and their orders, adopted, joined and indexed."""
    await adopted(admin, owner, SHOP)
    await refreshed(resources)
    await accepted(admin, CUSTOMERS)
    await resources.build(ValueIndexing).build()
