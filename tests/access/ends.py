"""The ends of credentials, as they show over HTTP: within a second, wherever they are asked about."""

import httpx

from tests.promises import promised

PROMISED_SECONDS = 1.0
"""Half of it is what a process may remember of a caller."""


async def shut_out(client: httpx.AsyncClient, *credentials: dict[str, str]) -> float:
    """Seconds until none of these headers is let in any more; an AssertionError when that is later than promised."""

    async def refused() -> bool:
        found = [(await client.get("/api/auth/me", headers=headers)).status_code for headers in credentials]
        assert set(found) <= {401}, found
        return True

    return await promised(refused, PROMISED_SECONDS, 0.02)
