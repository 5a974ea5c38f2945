"""What tests of knowledge do: documents are uploaded, and searched."""

from typing import Any

import httpx

PATH = "/api/knowledge/documents"
SEARCH = "/api/knowledge/search"


async def upload(
    client: httpx.AsyncClient,
    content: bytes | str,
    name: str = "guide.markdown",
    media_type: str | None = None,
    **fields: str,
) -> httpx.Response:
    """The answer to an upload."""
    body = content.encode() if isinstance(content, str) else content
    file = (name, body, media_type or "application/octet-stream")
    return await client.post(PATH, data=fields, files={"file": file})


async def uploaded(
    client: httpx.AsyncClient, content: bytes | str, name: str = "guide.markdown", **fields: str
) -> dict[str, Any]:
    """The document that an upload makes."""
    answer = await upload(client, content, name, **fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def found(client: httpx.AsyncClient, query: str, limit: int = 10) -> list[dict[str, Any]]:
    """The passages that a search finds."""
    answer = await client.get(SEARCH, params={"q": query, "limit": limit})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
