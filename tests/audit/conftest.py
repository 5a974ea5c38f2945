"""What the tests of the audit log share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.kernel.db.connections import DatabaseUrls
from app.settings import Settings
from tests.conftest import SECRET
from tests.service_processes import Surroundings


@pytest.fixture
async def engine(urls: DatabaseUrls) -> AsyncIterator[AsyncEngine]:
    """The owner's."""
    engine = create_async_engine(urls.owner)
    yield engine
    await engine.dispose()


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    return Surroundings(urls, SECRET, settings.home, tmp_path)
