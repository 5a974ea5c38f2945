"""Targets, protected networks, the index of blocks, the view of the door, decoy addresses: pure rules."""

import time
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from uuid import UUID

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.addresses import Address, Network
from app.operations.security.edge.blocking import (
    FOREVER,
    BlockKind,
    NetworkIndex,
    Target,
    parse_target,
    protected,
    target_of_address,
)
from app.operations.security.edge.decoys import decoy_path, is_route_in_use, path_fault
from app.operations.security.edge.edge_state import EdgeVerdict, EdgeView

USER = "01890000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("kind", "text", "written"),
    [
        ("address", "203.0.113.9", "203.0.113.9"),
        ("address", "2001:DB8:0::1", "2001:db8::1"),
        ("address", "::ffff:203.0.113.9", "203.0.113.9"),
        ("network", "203.0.113.0/24", "203.0.113.0/24"),
        ("network", "203.0.113.0/255.255.255.0", "203.0.113.0/24"),
        ("network", "2001:DB8::/32", "2001:db8::/32"),
        ("user", USER.upper(), USER),
        ("client", USER, USER),
    ],
)
def test_a_target_is_written_in_one_way(kind: str, text: str, written: str) -> None:
    assert parse_target(BlockKind(kind), text).text == written


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("address", ""), ("address", "203.0.113.0/24"), ("address", "example.com"), ("address", "203.0.113.256"),
        ("address", "*"), ("network", "203.0.113.9/24"), ("network", "0.0.0.0/0"), ("network", "::/0"),
        ("network", "::ffff:203.0.113.0/120"), ("network", "x"), ("user", "ada"), ("user", ""), ("client", "1"),
    ],
)  # fmt: skip
def test_what_is_no_target(kind: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_target(BlockKind(kind), text)


NETWORKS = {"never_blocked": [ip_network("198.51.100.0/24")], "proxies": [ip_network("10.0.0.0/8")]}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("127.0.0.1/32", "machine"), ("127.0.0.0/8", "machine"), ("126.0.0.0/7", "machine"), ("::1/128", "machine"),
        ("::/1", "machine"), ("10.1.2.3/32", "proxies"), ("8.0.0.0/5", "proxies"), ("198.51.100.7/32", "policy"),
        ("198.51.0.0/16", "policy"), ("198.51.101.0/24", None), ("2001:db8::/32", None),
    ],
)  # fmt: skip
def test_what_is_not_blocked_by_mistake(target: str, why: str | None) -> None:
    found = protected(parse_target(BlockKind.NETWORK, target), **NETWORKS)
    assert found is None if why is None else found is not None and why in found
    assert protected(Target(BlockKind.USER, USER), **NETWORKS) is None


def test_a_rule_blocks_the_whole_subscriber() -> None:
    assert target_of_address(ip_address("203.0.113.9")) == Target(BlockKind.ADDRESS, "203.0.113.9")
    assert target_of_address(ip_address("2001:db8:1:2:3::4")) == Target(BlockKind.NETWORK, "2001:db8:1:2::/64")


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def network_of(address: Address, length: int) -> Network:
    """The network of that length around an address."""
    bits = address.max_prefixlen - min(length, address.max_prefixlen)
    family = IPv4Network if address.version == 4 else IPv6Network
    return family((int(address) >> bits << bits, address.max_prefixlen - bits))


networks = st.builds(network_of, addresses, st.integers(1, 128))
blocks = st.lists(st.tuples(networks, st.sampled_from([1.0, 2.0, FOREVER])), max_size=20)


@given(blocks, st.lists(addresses, max_size=10))
def test_the_index_finds_what_a_walk_over_all_would(blocks: list[tuple[Network, float]], asked: list[Address]) -> None:
    index = NetworkIndex(blocks)
    for address in [*asked, *(network[0] for network, _ in blocks), *(network[-1] for network, _ in blocks)]:
        walked = [until for network, until in blocks if address.version == network.version and address in network]
        assert index.until(address) == max(walked, default=0.0)


def test_a_few_thousand_blocks_cost_nothing() -> None:
    index = NetworkIndex([(ip_network((int(ip_address("11.0.0.0")) + number, 32)), FOREVER) for number in range(5_000)])
    view = EdgeView(blocked_networks=index)
    asked = [
        str(ip_address(number)) for number in range(int(ip_address("93.0.0.0")), int(ip_address("93.0.0.0")) + 2_000)
    ]
    began = time.process_time()
    assert {view.verdict(address) for address in asked} == {EdgeVerdict.WELCOME}
    first = (time.process_time() - began) / len(asked)
    began = time.process_time()
    for _ in range(10):
        for address in asked:
            view.verdict(address)
    again = (time.process_time() - began) / len(asked) / 10
    assert first < 100e-6
    assert again < 10e-6


def test_the_verdict_on_an_address() -> None:
    view = EdgeView(
        blocked_networks=NetworkIndex([(ip_network("203.0.113.9/32"), FOREVER), (ip_network("203.0.113.10/32"), 1.0)]),
        allowed_networks=[ip_network("203.0.113.0/24")],
    )
    assert view.verdict("203.0.113.9") is EdgeVerdict.BLOCKED
    assert view.verdict("203.0.113.10") is EdgeVerdict.WELCOME, "the block is over"
    assert view.verdict("203.0.113.11") is EdgeVerdict.WELCOME
    assert view.verdict("198.51.100.1") is EdgeVerdict.ELSEWHERE
    assert view.verdict("127.0.0.1") is EdgeVerdict.LOCAL
    assert view.verdict("::1") is EdgeVerdict.LOCAL
    assert view.verdict(None) is EdgeVerdict.ELSEWHERE
    assert view.verdict("nonsense") is EdgeVerdict.ELSEWHERE
    assert EdgeView().verdict(None) is EdgeVerdict.WELCOME


DECOYS = ["/wp-login.php", "/.env", "/a/b/", "/API/nothing", "/x" * 250]
OURS = [
    "/health", "/health/", "/HEALTH", "/metrics", "/docs", "/docs/assets/x.js", "/openapi.json", "/api/tables",
    "/api/Tables/Any", "/api/tables/any/state/", "/api/query/preview", "/system/security/blocks", "/api/auth/token",
]  # fmt: skip


def test_the_services_own_addresses_are_no_decoys(app: FastAPI) -> None:
    assert [path for path in DECOYS if path_fault(path) or is_route_in_use(path, app.routes)] == []
    assert [path for path in OURS if not is_route_in_use(path, app.routes)] == []


@pytest.mark.parametrize(
    "path", ["", "/", "//", "wp-login.php", "/a?b", "/a#b", "/%2e", "/ä", "/a b", "/a\n", "/" + "x" * 500]
)
def test_what_is_no_decoy_address(path: str) -> None:
    assert path_fault(path) is not None


def test_decoys_are_found_however_they_are_written() -> None:
    assert decoy_path("/WP-Login.php/") == decoy_path("/wp-login.php")


def test_ids_of_targets_are_ids() -> None:
    assert UUID(parse_target(BlockKind.USER, USER).text) == UUID(USER)
