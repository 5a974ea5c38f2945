"""People of the add-on plane."""

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from tests.conftest import ClientOf


@pytest.fixture
def running(app: FastAPI) -> Resources:
    """What the running application was opened with."""
    resources: Resources = app.state.resources
    return resources


@pytest.fixture
async def requestor(as_role: ClientOf) -> httpx.AsyncClient:
    """A requestor's client."""
    return await as_role("REQUESTOR")


@pytest.fixture
async def approver(as_role: ClientOf) -> httpx.AsyncClient:
    """An approver's client."""
    return await as_role("APPROVER")
