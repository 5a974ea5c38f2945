"""Endpoints that are broken or mean harm: what they answer is bounded, checked, and never shown."""

import gzip
import json
import time
from typing import Any, Final
from uuid import uuid4

import pytest

from app.addons.knowledge.vectors.embeddings import EmbeddingModel
from app.addons.knowledge.vectors.index import VectorRecord
from app.addons.knowledge.vectors.outcome import NoVectors, Obstacle
from app.addons.knowledge.vectors.pinecone import PineconeIndex
from app.knowledge_settings import EmbeddingSettings, PineconeSettings
from tests.addons.knowledge.vectors.conftest import KEY, embedding_settings, pinecone_settings
from tests.addons.knowledge.vectors.protocol_server import DIMENSIONS, ProtocolServer, embeddings, sending, vector_of

SOUND: Final = [vector_of("a"), vector_of("b")]
UNREADABLE, WRONG = Obstacle.UNREADABLE, Obstacle.WRONG_DIMENSIONS


def with_index(*indexes: int) -> bytes:
    data = [{"index": index, "embedding": vector_of("a")} for index in indexes]
    return json.dumps({"data": data}).encode()


def number(written: str) -> bytes:
    return embeddings(SOUND).replace(str(SOUND[0][0]).encode(), written.encode(), 1)


MODELS: Final[dict[str, tuple[bytes, Obstacle]]] = {
    "nothing": (b"", UNREADABLE),
    "no JSON": (b"<html>", UNREADABLE),
    "half JSON": (embeddings(SOUND)[:-9], UNREADABLE),
    "a list": (b"[]", UNREADABLE),
    "no data": (b"{}", UNREADABLE),
    "one too few": (embeddings(SOUND[:1]), UNREADABLE),
    "one too many": (embeddings([*SOUND, SOUND[0]]), UNREADABLE),
    "one twice": (with_index(0, 0), UNREADABLE),
    "another's index": (with_index(0, 7), UNREADABLE),
    "a negative index": (with_index(-1, 0), UNREADABLE),
    "too short": (embeddings([SOUND[0], SOUND[1][:-1]]), WRONG),
    "too long": (embeddings([SOUND[0], [*SOUND[1], 0.1]]), WRONG),
    "empty": (embeddings([[], []]), WRONG),
    "NaN": (number("NaN"), UNREADABLE),
    "infinity": (number("1e999"), UNREADABLE),
    "a huge number": (number("1e300"), UNREADABLE),
    "text": (number('"1.0"'), UNREADABLE),
    "null": (number("null"), UNREADABLE),
    "zeros": (embeddings([[0.0] * DIMENSIONS] * 2), UNREADABLE),
    "deep": (b"[" * 60_000, UNREADABLE),
    "10 MiB": (embeddings(SOUND) + b" " * 10 * 1024 * 1024, Obstacle.TOO_LARGE),
}


@pytest.mark.parametrize("name", MODELS)
async def test_what_a_model_answers_is_checked(model: ProtocolServer, name: str) -> None:
    body, obstacle = MODELS[name]
    model.reply = sending(body)
    assert await EmbeddingModel(embedding_settings(model.url)).embed(["a", "b"]) == NoVectors(obstacle)


async def test_a_bomb_is_not_unpacked(model: ProtocolServer) -> None:
    model.reply = sending(gzip.compress(b" " * 100_000_000), **{"Content-Encoding": "gzip"})
    assert await EmbeddingModel(embedding_settings(model.url)).embed(["a"]) == NoVectors(Obstacle.TOO_LARGE)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 429, 500, 503])
async def test_refusals_and_redirects_are_followed_nowhere(model: ProtocolServer, status: int) -> None:
    model.reply = sending(b"see elsewhere", status, Location=f"{model.url}/v1/embeddings")
    found = await EmbeddingModel(embedding_settings(model.url)).embed(["a"])
    assert found == NoVectors(Obstacle.STATUS, status)
    assert len(model.asked) == 1
    assert KEY not in found.sentence


async def test_who_does_not_answer_is_not_waited_for(model: ProtocolServer) -> None:
    model.reply = ProtocolServer.hangs
    started = time.monotonic()
    found = await EmbeddingModel(embedding_settings(model.url, timeout_seconds=0.2)).embed(["a"])
    assert found == NoVectors(Obstacle.TIMEOUT)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "changes", [{"url": "http://127.0.0.1:1/v1"}, {"allowed_networks": []}, {"url": "http://nowhere.invalid/v1"}]
)
async def test_addresses_that_are_not_called(model: ProtocolServer, changes: dict[str, Any]) -> None:
    found = await EmbeddingModel(embedding_settings(model.url, **changes)).embed(["a"])
    assert found == NoVectors(Obstacle.UNREACHABLE)
    assert model.asked == []


async def test_a_model_is_asked_by_its_protocol(model: ProtocolServer) -> None:
    assert await EmbeddingModel(embedding_settings(model.url)).embed(["a", "b"]) == SOUND
    (asked,) = model.asked
    assert (asked.path, asked.headers["Authorization"]) == ("/v1/embeddings", f"Bearer {KEY}")
    assert asked.document == {"model": "tester", "input": ["a", "b"], "encoding_format": "float"}
    assert await EmbeddingModel(EmbeddingSettings()).embed(["a"]) == NoVectors(Obstacle.OFF)


INDEXES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no matches": b"{}",
    "ids of somebody else": b'{"matches": [{"id": "doc1", "score": 0.5}]}',
    "no score": b'{"matches": [{"id": "0190c4f2-0000-7000-8000-000000000000"}]}',
    "NaN": b'{"matches": [{"id": "0190c4f2-0000-7000-8000-000000000000", "score": NaN}]}',
    "too many": json.dumps({"matches": [{"id": str(uuid4()), "score": 0.5} for _ in range(4)]}).encode(),
    "one twice": json.dumps({"matches": [{"id": str(uuid4()), "score": 0.5}] * 2}).encode(),
}


@pytest.mark.parametrize("name", INDEXES)
async def test_what_an_index_answers_is_checked(model: ProtocolServer, name: str) -> None:
    model.reply = sending(INDEXES[name])
    assert await PineconeIndex(pinecone_settings(model.url)).query(SOUND[0], 3) == NoVectors(Obstacle.UNREADABLE)


async def test_an_index_that_refuses(model: ProtocolServer) -> None:
    model.reply = sending(b'{"message": "no"}', 403)
    index, refused = PineconeIndex(pinecone_settings(model.url)), NoVectors(Obstacle.STATUS, 403)
    assert await index.upsert([VectorRecord(uuid4(), SOUND[0])]) == refused
    assert await index.delete([uuid4()]) == refused
    assert await index.query(SOUND[0], 3) == refused


async def test_an_index_is_asked_by_its_protocol(model: ProtocolServer) -> None:
    index = PineconeIndex(pinecone_settings(model.url))
    records = [VectorRecord(uuid4(), vector_of(str(number))) for number in range(150)]
    assert await index.upsert(records) is None
    assert [len(asked.document["vectors"]) for asked in model.asked] == [100, 50]
    near = await index.query(records[7].vector, 3)
    assert not isinstance(near, NoVectors)
    assert (near[0].id, round(near[0].score, 6), len(near)) == (records[7].id, 1.0, 3)
    assert await index.delete([record.id for record in records]) is None
    assert model.kept == {}
    assert {asked.headers["Api-Key"] for asked in model.asked} == {KEY}
    assert {asked.headers["X-Pinecone-Api-Version"] for asked in model.asked} == {"2025-04"}
    assert {asked.document["namespace"] for asked in model.asked} == {"tests"}


WRONG_SETTINGS: Final[dict[str, tuple[type[EmbeddingSettings] | type[PineconeSettings], dict[str, Any]]]] = {
    "plain http": (EmbeddingSettings, {"url": "http://models.example/v1"}),
    "a login": (EmbeddingSettings, {"url": "https://me:sk-hunter2@models.example/v1"}),
    "a query": (EmbeddingSettings, {"url": "https://models.example/v1?key=sk-hunter2"}),
    "no name": (EmbeddingSettings, {"name": ""}),
    "a key of two lines": (EmbeddingSettings, {"api_key": "sk-hunter2\r\nX-Other: 1"}),
    "no dimensions": (EmbeddingSettings, {"dimensions": 0}),
    "too many dimensions": (EmbeddingSettings, {"dimensions": 100_000}),
    "an index without a key": (PineconeSettings, {"api_key": None}),
    "an index by plain http": (PineconeSettings, {"url": "http://index.example"}),
}


@pytest.mark.parametrize("name", WRONG_SETTINGS)
def test_settings_that_are_wrong_are_refused_without_a_secret(name: str) -> None:
    group, changes = WRONG_SETTINGS[name]
    whole = {"url": "https://models.example/v1", "name": "m", "api_key": "sk-hunter2"}
    assert "hunter2" not in repr(group.model_validate(whole))
    with pytest.raises(ValueError, match=r"KNOWLEDGE|dimensions") as caught:
        group.model_validate(whole | changes)
    assert "hunter2" not in " ".join(fault["msg"] for fault in caught.value.errors())  # type: ignore[attr-defined]
