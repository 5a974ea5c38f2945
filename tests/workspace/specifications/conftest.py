"""What the process does first, for tests that run the pure half here."""

import logging

import pytest

from app.workspace.specifications.reading.read import prepare_terms


@pytest.fixture(scope="session", autouse=True)
def _terms() -> None:
    logging.getLogger("rdflib").setLevel(logging.CRITICAL)
    prepare_terms()
