"""Hostile and altered tokens at the door of the running service: every one is a 401, and none is a server error."""

import random

import httpx
from fastapi import FastAPI

from app.access.credentials.tokens import CURRENT_KEY
from app.kernel.clock import utc_now
from tests.access.credentials.hostile_tokens import hostile_tokens
from tests.access.sessions.steps import client_of, tokens_of
from tests.identities import Identities

FLIPS = 1000


async def _status(client: httpx.AsyncClient, token: bytes) -> int:
    headers = [(b"authorization", b"Bearer " + token)]
    return (await client.get("/api/auth/me", headers=headers)).status_code


async def test_every_hostile_token_and_flipped_bit_is_401(app: FastAPI, identities: Identities) -> None:
    hostile = hostile_tokens(app.state.resources.secret.key(CURRENT_KEY), utc_now())
    assert len(hostile) >= 60
    name, _ = await identities.user("ADMIN")
    async with client_of(app) as client:
        good = (await tokens_of(client, name))["access_token"].encode()
        let_in = [what for what, token in hostile.items() if await _status(client, token) not in {400, 401}]
        assert let_in == []
        refused = [what for what, token in hostile.items() if await _status(client, token) == 400]
        assert all(not hostile[what].isascii() or b"\n" in hostile[what] for what in refused), (
            "only what no header may hold"
        )
        bits = random.Random(11).sample(range(len(good) * 8), FLIPS)
        for bit in bits:
            flipped = bytearray(good)
            flipped[bit // 8] ^= 1 << (bit % 8)
            assert await _status(client, bytes(flipped)) in {400, 401}, bit
        assert await _status(client, good) == 200
