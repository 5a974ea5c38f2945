"""What tests of knowledge share."""

import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources


@pytest.fixture
def resources_of_app(app: FastAPI) -> Resources:
    """The collaborators of the running application."""
    found: Resources = app.state.resources
    return found
