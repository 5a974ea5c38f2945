"""The extension `vector` is made where embeddings are wanted in PostgreSQL, if the owner may; else all goes on."""

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.addons.knowledge.vectors.embedding_repository import EmbeddingReads
from app.addons.knowledge.vectors.extension import make_extension
from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.runtime.resources import Resources
from app.settings import Settings
from tests import owners
from tests.addons.knowledge.vectors.conftest import embedding_settings, pinecone_settings

WANTED = Settings(embedding=embedding_settings("http://127.0.0.1:1"))


async def schema(resources: Resources) -> str | None:
    """The schema of the extension, as the runtime login finds it."""
    async with resources.database.read() as session:
        return await EmbeddingReads(session).schema_of_extension()


async def test_a_superuser_makes_it_for_the_runtime_login(
    server: ServerAddress, urls: DatabaseUrls, resources: Resources
) -> None:
    url = owners.superuser_url(server, urls.owner)
    assert await schema(resources) is None
    assert await make_extension(url, WANTED)
    assert await make_extension(url, WANTED), "again is no change"
    assert await schema(resources) == "public"


async def test_one_that_is_there_is_used_wherever_it_is(
    server: ServerAddress, urls: DatabaseUrls, superuser: asyncpg.Connection, resources: Resources
) -> None:
    await superuser.execute('CREATE SCHEMA "other place"; CREATE EXTENSION vector SCHEMA "other place"')
    assert await schema(resources) is None, "nobody has let the runtime login use it"
    assert await make_extension(owners.superuser_url(server, urls.owner), WANTED)
    async with resources.database.read() as session:
        reads = EmbeddingReads(session)
        assert await reads.schema_of_extension() == "other place"
        assert await reads.nearest("other place", "m", [1.0, 0.0], 3) == []


async def test_an_owner_that_is_no_superuser_goes_on_without(
    server: ServerAddress, urls: DatabaseUrls, superuser: asyncpg.Connection, resources: Resources
) -> None:
    await owners.make_plain_owner(superuser)
    database = make_url(urls.owner).database or ""
    await superuser.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {owners.NAME}')
    assert not await make_extension(owners.plain_url(server, database), WANTED)
    assert await schema(resources) is None


@pytest.mark.parametrize(
    "settings", [Settings(), WANTED.model_copy(update={"pinecone": pinecone_settings("http://127.0.0.1:1")})]
)
async def test_nothing_is_made_where_it_is_not_wanted(settings: Settings) -> None:
    assert not await make_extension("postgresql+asyncpg://nobody:x@127.0.0.1:1/nowhere", settings)
