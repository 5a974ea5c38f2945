"""What the process behind the clients was opened with."""

import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    """The process's collaborators."""
    found: Resources = app.state.resources
    return found
