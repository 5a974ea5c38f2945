"""A service beside a language model that is there, and may be asked."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from app.settings import DatabaseSettings, LanguageModelSettings, Settings
from tests.catalog.joins.steps import configured
from tests.model_server import ModelServer

KEY = "sk-this-key-is-never-shown"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """The model; it declines until it is told otherwise."""
    with ModelServer().running() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, model: ModelServer) -> Settings:
    """Settings that know the model."""
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3)
    return Settings(home=tmp_path / "home", database=database, language_model=knowing(model.url))


def knowing(url: str, **changes: object) -> LanguageModelSettings:
    """Settings of a model at this address on loopback."""
    told = {"url": url, "name": "tester", "api_key": KEY, "allow_http": True}
    return LanguageModelSettings.model_validate(told | {"allowed_networks": [ip_network("127.0.0.0/8")]} | changes)


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    """The process's collaborators."""
    found: Resources = app.state.resources
    return found


@pytest.fixture
async def asked_when_refused(admin: httpx.AsyncClient, resources: Resources) -> None:
    """The model is asked about questions that the rules refuse."""
    await configured(admin, resources, {"query.language-model": "when-refused"})
