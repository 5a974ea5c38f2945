"""No body holds up the event loop: whatever one sender sends, all others are served meanwhile."""

from collections.abc import Sequence

import httpx
import pytest

from app.kernel.problems import MAX_FAULTS
from tests.ingestion.hostile_bodies import CONTRACTS, DOCUMENTS_OF_OTHERS, OF_JSON, Hostile, encoded
from tests.ingestion.hostile_records import MORE_CSV, MORE_PARQUET
from tests.ingestion.hostile_tables import OF_CSV, OF_PARQUET
from tests.ingestion.steps import NDJSON, ndjson, pieces_of, register, send, taken
from tests.lag import prompt_loop

ANSWERS = {201, 400, 413, 422}
PIECE = 1 << 16
"""Bytes that a server hands over at once."""


def cut(body: bytes) -> list[bytes]:
    return [body[start : start + PIECE] for start in range(0, len(body), PIECE)]


async def send_all(client: httpx.AsyncClient, bodies: Sequence[Hostile]) -> None:
    contracts: dict[str, str] = {}
    for number, hostile in enumerate(bodies):
        fresh = hostile.contract == "undeclared"  # the first batch decides what it is
        name = f"{hostile.contract}{number}" if fresh else hostile.contract
        if name not in contracts:
            contracts[name] = await register(client, name, **CONTRACTS[hostile.contract])
        body, headers = cut(hostile.body), {"Content-Encoding": hostile.coding}
        async with prompt_loop(what=f"{hostile.name} for {name}"):
            answer = await send(client, contracts[name], pieces_of(*body), hostile.media, headers=headers)
        assert answer.status_code in ANSWERS, (hostile.name, answer.text[:500])


def test_there_are_enough_of_them() -> None:
    assert len(OF_JSON + OF_CSV + OF_PARQUET + MORE_CSV + MORE_PARQUET) + len(DOCUMENTS_OF_OTHERS) >= 115
    assert {hostile.contract for hostile in OF_JSON} == CONTRACTS.keys()


@pytest.mark.slow
@pytest.mark.usefixtures("open_for_data")
@pytest.mark.parametrize("contract", CONTRACTS)
async def test_a_body_of_json_holds_nothing_up(engineer: httpx.AsyncClient, contract: str) -> None:
    await send_all(engineer, [hostile for hostile in OF_JSON if hostile.contract == contract])


@pytest.mark.slow
@pytest.mark.usefixtures("open_for_data")
@pytest.mark.parametrize(
    "bodies", [OF_CSV, OF_PARQUET, MORE_CSV, MORE_PARQUET], ids=["csv", "parquet", "more csv", "more parquet"]
)
async def test_a_table_holds_nothing_up(engineer: httpx.AsyncClient, bodies: Sequence[Hostile]) -> None:
    await send_all(engineer, bodies)


async def test_a_repetition_holds_nothing_up(engineer: httpx.AsyncClient, things: str) -> None:
    """Its body is read and hashed to the end, however it comes."""
    await taken(engineer, things, ndjson([(1, 0, 1)]), key="k")
    async with prompt_loop(what="a repetition"):
        answer = await send(engineer, things, pieces_of(b"\n" * (32 << 20)), NDJSON, key="k")
    assert answer.status_code in {409, 422}, answer.text


@pytest.mark.parametrize("name", DOCUMENTS_OF_OTHERS)
async def test_a_document_of_another_operation_holds_nothing_up(engineer: httpx.AsyncClient, name: str) -> None:
    body = encoded(DOCUMENTS_OF_OTHERS[name]())
    assert len(body) <= 1 << 20
    async with prompt_loop(what=name):
        answer = await engineer.post(
            "/api/contracts/register", content=pieces_of(*cut(body)), headers={"Content-Type": "application/json"}
        )
    assert answer.status_code in {400, 422}, answer.text[:500]
    assert len(answer.content) < 1 << 20
    faults = answer.json().get("faults", [])
    assert len(faults) <= MAX_FAULTS
    assert ("more than the 500" in answer.json()["detail"]) == (len(faults) == MAX_FAULTS)
