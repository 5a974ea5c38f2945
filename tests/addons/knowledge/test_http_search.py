"""Searching over HTTP: fields are found however they are written, explanations before mentions, and nothing is HTML."""

import httpx
import pytest

from app.addons.knowledge.search import KnowledgeSearch
from app.kernel.runtime.resources import Resources
from tests.addons.knowledge.steps import SEARCH, found, uploaded
from tests.conftest import ClientOf

WEB = """# W3C extended log

The server writes one line per request. The time of a request is UTC.

## Client fields

| Field | Description |
|---|---|
| c-ip | The IP address of the client that made the request |
| cs-username | Name of the authenticated user; a hyphen for anonymous users |
| cs(User-Agent) | The browser type that the client used |

## Request fields

| Field | Description |
|---|---|
| cs-method | The requested action, for example GET |
| cs-uri-stem | The target of the action, for example Default.htm |
| sc-status | The HTTP status code |
| time-taken | How long the action took, in milliseconds |

## Notes

Behind a proxy c-ip is the proxy's address, so compare cs-uri-stem and c-ip with care.
"""
FIREWALL = """# Firewall traffic log

## Addresses

- srcip: Source address of the session
- dstip: Destination address of the session
- srcPort (integer) - Source port

## Volume

- sentbyte: Bytes that the client sent
- rcvdbyte: Bytes that came back

## Policy

An administrator decides which sessions are blocked; the action of a blocked session is deny.
"""
NETWORK = """# Connection log

## Columns

| Column | Type | Meaning |
|---|---|---|
| id.orig_h | addr | The originator's address |
| id.resp_p | port | The responder's port |
| conn_state | string | S0: attempt seen, no reply |
"""
GERMAN = "# Protokoll\n\n## Größe\n\nDie Größe der Datei in Bytes steht im Feld `dateigröße`.\n"

QUERIES: dict[str, tuple[str, str]] = {
    "c-ip": ("W3C", "Client fields"),
    "C-IP": ("W3C", "Client fields"),
    "cs-uri-stem": ("W3C", "Request fields"),
    "cs_uri_stem": ("W3C", "Request fields"),
    "cs(User-Agent)": ("W3C", "Client fields"),
    "user agent browser": ("W3C", "Client fields"),
    "sc-status": ("W3C", "Request fields"),
    "time taken milliseconds": ("W3C", "Request fields"),
    "status code": ("W3C", "Request fields"),
    "anonymous users": ("W3C", "Client fields"),
    "src_ip": ("Firewall", "Addresses"),
    "srcip": ("Firewall", "Addresses"),
    "src-ip": ("Firewall", "Addresses"),
    "SrcIP": ("Firewall", "Addresses"),
    "src_port": ("Firewall", "Addresses"),
    "dst_ip": ("Firewall", "Addresses"),
    "sent_byte": ("Firewall", "Volume"),
    "firewall sentbyte": ("Firewall", "Volume"),
    "administrators decide": ("Firewall", "Policy"),
    "blocking a session": ("Firewall", "Policy"),
    "id.orig_h": ("Connection", "Columns"),
    "orig_h": ("Connection", "Columns"),
    "conn_state S0": ("Connection", "Columns"),
    "originator": ("Connection", "Columns"),
    '"attempt seen"': ("Connection", "Columns"),
    "proxy -browser": ("W3C", "Notes"),
    "größe der Datei": ("Protokoll", "Größe"),
    "dateigröße": ("Protokoll", "Größe"),
    "unicorns of the proxy": ("W3C", "Notes"),
}
"""A query, and where its best passage is."""


@pytest.fixture
async def manager(as_role: ClientOf) -> httpx.AsyncClient:
    return await as_role("KNOWLEDGE_MANAGER")


@pytest.fixture
async def library(manager: httpx.AsyncClient) -> httpx.AsyncClient:
    for content in (WEB, FIREWALL, NETWORK, GERMAN):
        await uploaded(manager, content)
    return manager


async def test_the_best_passage_comes_first(library: httpx.AsyncClient) -> None:
    wrong = {}
    for query, (title, heading) in QUERIES.items():
        items = await found(library, query)
        first = (items[0]["title"], items[0]["headings"][-1]) if items else None
        if first is None or not first[0].startswith(title) or first[1] != heading:
            wrong[query] = first
    assert wrong == {}


ODD = ("unicorn", "-", '"', "&", "!!", "()", "a:*", "<->", "'", "\\", "\u202e", "  ", "or", "or or", '" or -"', "%")


async def test_odd_queries_and_limits(library: httpx.AsyncClient) -> None:
    for query in ODD:
        assert isinstance(await found(library, query), list)
    assert len(await found(library, "address", 1)) == 1
    for params in ({}, {"q": ""}, {"q": "x" * 501}, {"q": "x", "limit": 51}):
        assert (await library.get(SEARCH, params=params)).status_code == 422


async def test_what_stands_in_for_all_words_is_said(library: httpx.AsyncClient) -> None:
    async def matched(query: str) -> tuple[str, bool]:
        answer = (await library.get(SEARCH, params={"q": query})).json()
        return answer["matched"], bool(answer["items"])

    assert await matched("proxy address") == ("all-words", True)
    assert await matched("proxy unicorn") == ("any-word", True)
    assert await matched('"proxy unicorn"') == ("all-words", False)
    assert await matched("unicorn") == ("all-words", False)


async def test_a_snippet_has_no_tags_but_marks(manager: httpx.AsyncClient) -> None:
    script = "The field src_ip is `<script>alert('x')</script>` & \"more\" <img src=x onerror=alert(1)>"
    await uploaded(manager, script, "x.txt")
    (hit,) = await found(manager, "src_ip alert")
    shown = hit["snippet"].replace("<mark>", "").replace("</mark>", "")
    assert "<" not in shown
    assert ">" not in shown
    assert '"' not in shown
    assert "<mark>src_ip</mark>" in hit["snippet"]
    assert "&lt;img" in hit["snippet"]
    assert hit["found_by"] == ["words"]


async def test_a_name_is_marked_however_it_is_written(library: httpx.AsyncClient) -> None:
    for query, marked in (("src_ip", "srcip"), ("cs_uri_stem", "cs-uri-stem"), ("idorigh", "id.orig_h")):
        assert f"<mark>{marked}</mark>" in (await found(library, query))[0]["snippet"]


async def test_without_a_model_it_is_said_so(library: httpx.AsyncClient) -> None:
    vectors = (await library.get(SEARCH, params={"q": "c-ip"})).json()["vectors"]
    assert (vectors["used"], vectors["obstacle"]) == (False, "off")
    assert vectors["detail"].startswith("No embedding model")


@pytest.mark.usefixtures("library")
async def test_passages_are_cited_by_names(resources_of_app: Resources) -> None:
    search = resources_of_app.build(KnowledgeSearch)
    passages = await search.passages_for(["src_ip", "cs-uri-stem", "id.orig_h"])
    assert {passage.headings[-1] for passage in passages[:3]} == {"Addresses", "Request fields", "Columns"}
    assert passages == await search.passages_for(["src_ip", "cs-uri-stem", "id.orig_h"])
    assert [passage.headings[-1] for passage in await search.passages_for(["sentbyte"])] == ["Volume"]
    for odd in ([], [""], ['"'], ["or"], ["-"], ["unicorn"], ["a" * 5_000], ["x"] * 5_000):
        assert await search.passages_for(odd) == []
