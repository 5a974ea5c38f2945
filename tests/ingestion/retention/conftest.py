"""What the tests of retention on batches share."""

import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    """Those of the application."""
    found: Resources = app.state.resources
    return found
