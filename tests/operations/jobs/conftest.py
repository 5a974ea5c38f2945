"""What the tests of jobs share."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.settings import Settings
from tests.conftest import SECRET
from tests.service_processes import Surroundings


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    """Those of the application."""
    found: Resources = app.state.resources
    return found


@pytest.fixture
def surroundings(urls: DatabaseUrls, settings: Settings, tmp_path: Path) -> Surroundings:
    """For processes on this test's database and state directory."""
    return Surroundings(urls, SECRET, settings.home, tmp_path)
