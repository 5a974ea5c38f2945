"""Passwords cost the same for everybody, and not everything at once."""

import asyncio

import pytest
from argon2 import PasswordHasher

from app.access.passwords import passwords

pytestmark = pytest.mark.usefixtures("dear_hashes")
PASSWORD = "correct horse battery staple"
DEAR = "$argon2id$v=19$m=19456,t=2,p=1$"


async def test_unknown_users_cost_a_verification_and_are_never_right(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher, compared = passwords._HASHER, list[str]()

    class Counting:
        hash = hasher.hash

        def verify_and_update(self, password: str, encoded: str) -> tuple[bool, str | None]:
            compared.append(encoded)
            return hasher.verify_and_update(password, encoded)

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    passwords._nobodys_hash.cache_clear()
    assert await passwords.verify("anything", None) == (False, None)
    assert [encoded[: len(DEAR)] for encoded in compared] == [DEAR], "as dear as that of somebody"


async def test_an_older_hash_is_made_afresh() -> None:
    older = PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1).hash(PASSWORD)
    right, fresh = await passwords.verify(PASSWORD, older)
    assert right
    assert fresh is not None
    assert fresh.startswith(DEAR)


async def test_few_verifications_run_at_a_time() -> None:
    running = most = 0

    async def one() -> None:
        nonlocal running, most
        async with passwords.turn():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == passwords.AT_ONCE == 2
