"""Passages are found by meaning where a model is there; where it is not, words alone find them, and that is said."""

from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.settings import DatabaseSettings, Settings
from tests.addons.knowledge.steps import PATH, SEARCH, uploaded
from tests.addons.knowledge.vectors.conftest import KEY, embedded, embedding_settings, pinecone_settings
from tests.addons.knowledge.vectors.protocol_server import ProtocolServer, sending

HOSTS = "# Hosts\n\nThe computer on which a session began.\n"
LOGINS = "# Sessions\n\nEach logon is one line.\n"
OTHERS = "# Units\n\nBytes are counted in thousands.\n"
MACHINE = {"q": "machine"}


@pytest.fixture
def settings(tmp_path: Path, model: ProtocolServer) -> Settings:
    """Settings that know the model."""
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3)
    return Settings(home=tmp_path / "home", database=database, embedding=embedding_settings(model.url))


async def answered(client: httpx.AsyncClient, **params: Any) -> tuple[list[str], dict[str, Any]]:
    """The titles that a search finds, and what it says of meaning."""
    answer = await client.get(SEARCH, params=params)
    assert answer.status_code == 200, answer.text
    assert KEY not in answer.text
    return [item["title"] for item in answer.json()["items"]], answer.json()["vectors"]


@pytest.fixture
async def library(manager: httpx.AsyncClient) -> list[dict[str, Any]]:
    return [await uploaded(manager, content) for content in (HOSTS, LOGINS, OTHERS)]


@pytest.mark.usefixtures("extension", "library")
async def test_what_means_the_same_is_found(
    manager: httpx.AsyncClient, resources_of_app: Resources, owner: asyncpg.Connection, model: ProtocolServer
) -> None:
    assert await answered(manager, **MACHINE) == ([], {"used": True, "obstacle": None, "detail": None})
    assert await embedded(resources_of_app) == {"done": 3, "total": 3, "unit": "passages"}
    assert await owner.fetchval("SELECT count(*) FROM spyne.knowledge_embeddings WHERE model = 'tester/8'") == 3
    titles, vectors = await answered(manager, **MACHINE)
    assert (titles[0], vectors["used"]) == ("Hosts", True)
    titles, _ = await answered(manager, q="signin session")
    assert titles[0] in {"Sessions", "Hosts"}
    hit = (await manager.get(SEARCH, params=MACHINE)).json()["items"][0]
    assert (hit["found_by"], hit["snippet"]) == (["meaning"], "The computer on which a session began.")
    assert await embedded(resources_of_app) == {}, "nothing is left to do"
    asked = len(model.asked)
    assert sum(len(each.document["input"]) for each in model.asked[:asked] if len(each.document["input"]) > 1) == 2


@pytest.mark.usefixtures("extension")
async def test_removed_documents_lose_their_embeddings(
    manager: httpx.AsyncClient, resources_of_app: Resources, owner: asyncpg.Connection, library: list[dict[str, Any]]
) -> None:
    await embedded(resources_of_app)
    await manager.delete(f"{PATH}/{library[0]['id']}")
    assert (await answered(manager, **MACHINE))[0][:1] != ["Hosts"]
    await embedded(resources_of_app)
    assert await owner.fetchval("SELECT count(*) FROM spyne.knowledge_embeddings") == 2
    await manager.patch(f"{PATH}/{library[0]['id']}", json={"is_active": True})
    await embedded(resources_of_app)
    assert (await answered(manager, **MACHINE))[0][0] == "Hosts"


@pytest.mark.usefixtures("extension")
async def test_another_title_is_embedded_anew(
    manager: httpx.AsyncClient, resources_of_app: Resources, model: ProtocolServer, library: list[dict[str, Any]]
) -> None:
    await embedded(resources_of_app)
    model.asked.clear()
    await manager.patch(f"{PATH}/{library[2]['id']}", json={"source": "a manual"})
    assert await embedded(resources_of_app) == {}
    await manager.patch(f"{PATH}/{library[2]['id']}", json={"title": "Firewall"})
    assert (await embedded(resources_of_app))["done"] == 1
    assert [each.document["input"] for each in model.asked] == [["Firewall\nUnits\n\nBytes are counted in thousands."]]
    assert (await answered(manager, q="gateway"))[0][0] == "Firewall"


@pytest.mark.usefixtures("library")
async def test_without_the_extension_words_find(manager: httpx.AsyncClient, resources_of_app: Resources) -> None:
    facts = await embedded(resources_of_app)
    assert (facts["done"], facts["total"], facts["obstacle"]) == (0, 3, "no-extension")
    titles, vectors = await answered(manager, q="computer")
    assert (titles, vectors["used"], vectors["obstacle"]) == (["Hosts"], False, "no-extension")
    assert "superuser" in vectors["detail"]


@pytest.mark.usefixtures("extension", "library")
async def test_a_model_that_fails_stops_nothing(
    manager: httpx.AsyncClient, resources_of_app: Resources, model: ProtocolServer
) -> None:
    model.reply = sending(b"out of order", 500)
    facts = await embedded(resources_of_app)
    assert (facts["done"], facts["obstacle"]) == (0, "status")
    titles, vectors = await answered(manager, q="computer")
    assert (titles, vectors["obstacle"]) == (["Hosts"], "status")
    assert vectors["detail"] == "The endpoint refused the request. It answered 500."
    model.reply = ProtocolServer().reply
    assert (await embedded(resources_of_app))["done"] == 3, "the next run goes on"


@pytest.mark.usefixtures("extension", "library")
async def test_a_step_that_was_done_is_not_done_again(resources_of_app: Resources, model: ProtocolServer) -> None:
    speaking = model.reply
    answers = iter([True, False])

    def once(server: ProtocolServer, handler: Any, path: str, document: Any) -> None:
        (speaking if next(answers) else sending(b"", 503))(server, handler, path, document)

    model.reply = once
    assert (await embedded(resources_of_app))["done"] == 2
    model.reply = speaking
    assert (await embedded(resources_of_app))["done"] == 1


class TestAtPinecone:
    """The same with an index outside."""

    @pytest.fixture
    def settings(self, settings: Settings, model: ProtocolServer) -> Settings:
        return settings.model_copy(update={"pinecone": pinecone_settings(model.url)})

    async def test_embeddings_are_kept_and_found_outside(
        self,
        manager: httpx.AsyncClient,
        resources_of_app: Resources,
        owner: asyncpg.Connection,
        model: ProtocolServer,
        library: list[dict[str, Any]],
    ) -> None:
        assert (await embedded(resources_of_app))["done"] == 3
        assert len(model.kept) == 3
        rows = await owner.fetch("SELECT place, embedding FROM spyne.knowledge_embeddings")
        assert {(row["place"], row["embedding"]) for row in rows} == {("pinecone", None)}
        assert (await answered(manager, **MACHINE))[0][0] == "Hosts"
        sent = [each.document for each in model.asked if each.path == "/vectors/upsert"]
        assert "computer" not in str(sent), "no text leaves with the vectors"
        await manager.delete(f"{PATH}/{library[0]['id']}")
        titles, vectors = await answered(manager, **MACHINE)
        assert ("Hosts" in titles, vectors["used"]) == (False, True)
        await embedded(resources_of_app)
        assert len(model.kept) == 2

    async def test_an_index_that_fails_stops_nothing(
        self,
        manager: httpx.AsyncClient,
        resources_of_app: Resources,
        owner: asyncpg.Connection,
        model: ProtocolServer,
        library: list[dict[str, Any]],  # noqa: ARG002 - for what it does
    ) -> None:
        speaking = model.reply

        def models_alone(server: ProtocolServer, handler: Any, path: str, document: Any) -> None:
            (speaking if path.endswith("/embeddings") else sending(b"{", 200))(server, handler, path, document)

        model.reply = models_alone
        titles, vectors = await answered(manager, q="computer")
        assert (titles, vectors["obstacle"]) == (["Hosts"], "unreadable")
        model.reply = sending(b"", 500)
        assert (await embedded(resources_of_app))["obstacle"] == "status"
        assert await owner.fetchval("SELECT count(*) FROM spyne.knowledge_embeddings") == 0
