"""The client behind our own proxies is found; nobody else's word about an address is believed."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from app.kernel.addresses import counted_as
from app.middleware.client_address import ClientAddress
from app.middleware.forwarding import Proxies, parse_entry
from app.settings import ServerSettings
from tests.middleware.asgi import scope

NETWORKS = [ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("192.0.2.7/32")]
PROXIES = Proxies(NETWORKS)


async def seen(
    peer: tuple[str, int] | None, *headers: tuple[bytes, bytes], networks: Any = NETWORKS, **more: Any
) -> tuple[Any, str]:
    """Client and scheme as the application sees them."""
    found: list[tuple[Any, str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
        found.append((scope.get("client"), scope["scheme"]))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None: ...

    await ClientAddress(app, networks)(scope(headers=headers, client=peer, **more), receive, send)
    return found[0]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" \t203.0.113.9 ", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("203.0.113.9:65535", "203.0.113.9"),
        ("2001:DB8::1", "2001:db8::1"),
        ("2001:0db8:0:0:0:0:0:1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:80", "203.0.113.9"),
        ("::1", "::1"),
    ],
)
def test_forms_of_an_address(text: str, address: str) -> None:
    found = parse_entry(text)
    assert found is not None
    assert str(found) == address


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "unknown", "_hidden", "_gazonk:80", "localhost", "203.0.113", "203.0.113.9.1", "203.0.113.256",
        "203.0.113.09", "203.0.113.9:65536", "203.0.113.9:", "203.0.113.9:8x", "203.0.113.9:123456", "[203.0.113.9]",
        "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]443", "[]", "[]:80", "203.0.113.9%eth0", "fe80::1%", "0x7f.1",
        "3405803785", "127.1", "203.0.113.9/32", '"203.0.113.9"', "for=203.0.113.9", "203.0.113.9 203.0.113.10",
        "\u0661.1.1.1", "1" * 200, "::" * 60, "203.0.113.9\x00", "203.0.113.9\n",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert parse_entry(text) is None


@given(st.text(max_size=60))
def test_no_text_fails(text: str) -> None:
    found = parse_entry(text)
    assert found is None or ip_address(str(found)) == found


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([], "10.0.0.1"),
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9:80"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9", "10.0.0.2", "10.0.0.3,[fd00::1]:80"], "203.0.113.9"),
        (["203.0.113.9, 192.0.2.7"], "203.0.113.9"),
        (["203.0.113.9, 192.0.2.8"], "192.0.2.8"),
        (["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
        (["203.0.113.9, unknown"], "10.0.0.1"),
        (["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.9,"], "10.0.0.1"),
        (["203.0.113.9,, 10.0.0.2"], "10.0.0.2"),
        ([""], "10.0.0.1"),
        (["\xff\xfe"], "10.0.0.1"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1"),
    ],
)
async def test_the_right_most_address_that_is_not_ours(headers: list[str], client: str) -> None:
    sent = [(b"x-forwarded-for", value.encode("latin-1")) for value in headers]
    (address, _), _ = await seen(("10.0.0.1", 5000), *sent)
    assert address == client


@pytest.mark.parametrize("peer", ["203.0.113.1", "127.0.0.1", "::1", "2001:db8::1", "11.0.0.1", "no address", ""])
async def test_nothing_is_believed_from_others(peer: str) -> None:
    headers = ((b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-proto", b"https"))
    assert await seen((peer, 5000), *headers) == ((peer, 5000), "http")
    assert await seen(("10.0.0.1", 5000), *headers, networks=()) == (("10.0.0.1", 5000), "http")


async def test_a_peer_without_an_address_stays_so() -> None:
    assert await seen(None, (b"x-forwarded-for", b"198.51.100.1")) == (None, "http")


async def test_a_mapped_peer_is_an_ipv4_peer() -> None:
    assert (await seen(("::ffff:203.0.113.1", 7)))[0] == ("203.0.113.1", 7)
    assert (await seen(("::ffff:10.0.0.1", 7), (b"x-forwarded-for", b"203.0.113.9")))[0] == ("203.0.113.9", 0)


@pytest.mark.parametrize(
    ("addresses", "protocols", "scheme"),
    [
        ("203.0.113.9", ["https"], "https"),
        ("203.0.113.9", ["HTTPS"], "https"),
        ("203.0.113.9", ["https", "http"], "http"),
        ("203.0.113.9", ["https, http"], "http"),
        ("203.0.113.9, 10.0.0.2", ["https, http"], "https"),
        ("203.0.113.9, 10.0.0.2", ["https"], "https"),
        ("198.51.100.1, 203.0.113.9, 10.0.0.2", ["http, https, http"], "https"),
        ("203.0.113.9", ["gopher"], "http"),
        ("203.0.113.9", ["javascript:alert(1)"], "http"),
        ("203.0.113.9", [""], "http"),
        ("unknown", ["https"], "http"),
        ("", ["https"], "http"),
    ],
)
async def test_the_scheme_is_the_outermost_proxys_word(addresses: str, protocols: list[str], scheme: str) -> None:
    headers = [(b"x-forwarded-for", addresses.encode()), *((b"x-forwarded-proto", each.encode()) for each in protocols)]
    assert (await seen(("10.0.0.1", 1), *headers))[1] == scheme


async def test_web_sockets_keep_their_scheme() -> None:
    headers = ((b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https"))
    assert await seen(("10.0.0.1", 1), *headers, type="websocket", scheme="ws") == (("203.0.113.9", 0), "wss")


ours = st.integers(1, 2**24 - 1).map(lambda number: str(ip_address((10 << 24) + number)))
public = st.one_of(st.ip_addresses(v=4, network="198.18.0.0/15"), st.ip_addresses(v=6, network="2001:db8::/32")).map(
    str
)
hostile = st.lists(
    st.one_of(
        st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore")),
        ours.map(str.encode),
        public.map(str.encode),
    ),
    max_size=5,
)


@given(hostile, hostile, public, st.lists(ours, max_size=4), ours)
def test_the_left_part_of_the_header_changes_nothing(
    left: list[bytes], left_protocols: list[bytes], client: str, chain: list[str], peer: str
) -> None:
    """Whatever the client sends: the proxies append what they saw, and that alone counts."""
    appended = [each.encode() for each in (client, *chain)]
    schemes = [b"https", *(b"http" for _ in chain)]
    honest = PROXIES.origin(peer, appended, schemes)
    attacked = PROXIES.origin(peer, [*left, *appended], [*left_protocols, *schemes])
    assert attacked == honest
    assert (honest.address, honest.scheme) == (client, "https")


@given(public, st.lists(ours, max_size=4), ours)
def test_one_header_or_several_are_the_same(client: str, chain: list[str], peer: str) -> None:
    entries = [each.encode() for each in (client, *chain)]
    assert PROXIES.origin(peer, entries, []) == PROXIES.origin(peer, [b", ".join(entries)], [])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_ipv6_subscriber_is_one(address: str, counted: str) -> None:
    assert counted_as(address) == counted


def test_the_list_of_proxies_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ServerSettings().trusted_proxies == ()
    monkeypatch.setenv("SERVER_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8,192.0.2.7")
    assert [str(each) for each in ServerSettings().trusted_proxies] == ["10.0.0.0/8", "fd00::/8", "192.0.2.7/32"]


@pytest.mark.parametrize("text", ["*", "10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.0/8;fd00::/8", "proxy.example"])
def test_a_list_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_TRUSTED_PROXIES", text)
    with pytest.raises(ValidationError):
        ServerSettings()
