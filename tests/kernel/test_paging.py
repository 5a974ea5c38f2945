"""Cursors are opaque, survive the way through an address, and are refused when they are not ours."""

import base64
import json
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.ids import new_id
from app.kernel.paging import InvalidCursor, PageRequest, decode_cursor, encode_cursor

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=60)


@given(TEXT)
def test_a_key_comes_back_from_its_cursor(key: str) -> None:
    cursor = encode_cursor(key)
    assert decode_cursor(cursor) == key
    assert cursor.replace("-", "").replace("_", "").isalnum(), "no character that an address would change"


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda data: base64.urlsafe_b64encode(data).decode()))
def test_nothing_else_is_a_cursor(cursor: str) -> None:
    try:
        key = decode_cursor(cursor)
    except ValueError:
        return
    assert isinstance(key, str)
    assert "\x00" not in key


def _encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "?",
        "====",
        "ä",
        "A" * 513,
        _encoded(1),
        _encoded(None),
        _encoded(["x"]),
        _encoded("\x00"),
        _encoded("no uuid"),
    ],
)
def test_a_cursor_that_is_not_ours_is_the_callers_fault(cursor: str) -> None:
    with pytest.raises(InvalidCursor) as refused:
        PageRequest(cursor=cursor).after(UUID)
    assert (refused.value.status, refused.value.faults[0].pointer) == (422, "query/cursor")


async def test_links_lead_through_a_list_without_gaps_or_repetition(admin: httpx.AsyncClient) -> None:
    names = [f"client-{number}" for number in range(7)]
    for name in names:
        assert (await admin.post("/api/clients", json={"name": name, "roles": ["VIEWER"]})).status_code == 201
    seen: list[str] = []
    path: str | None = "/api/clients?limit=3"
    while path is not None:
        answer = await admin.get(path)
        seen += [item["name"] for item in answer.json()["items"]]
        following = answer.links.get("next", {}).get("url")
        assert (following is None) == (answer.json()["next_cursor"] is None)
        if following is not None:
            query = dict(parse_qsl(urlsplit(following).query))
            assert query == {"limit": "3", "cursor": answer.json()["next_cursor"]}
            if len(seen) == 3:  # a newcomer at the front moves nobody
                await admin.post("/api/clients", json={"name": "newcomer", "roles": ["VIEWER"]})
        path = following
    assert seen == names[::-1]


async def test_a_cursor_of_one_who_is_gone_still_leads_on(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/api/clients", params={"cursor": encode_cursor(json.dumps([str(new_id())]))})
    assert answer.status_code == 200
