"""Changes of identities in a line."""

import functools

import pytest

from app.kernel.runtime.resources import Resources
from tests.access.administration import Change, change


@pytest.fixture(name="change")
def _change(resources: Resources) -> Change:
    return functools.partial(change, resources)
