"""A provider that is slow, away, wrong about itself, or leads elsewhere."""

import json
import socket
import time
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from app.access.oidc.provider import OidcProvider
from tests.access.oidc.conftest import Browser, RunningProvider, problem
from tests.access.oidc.provider import CLIENT_SECRET, DELETED
from tests.promises import kept

BEGIN = "/api/auth/oidc/login"


async def begun(browser: Browser) -> httpx.Response:
    return await browser.http.get(BEGIN)


async def answer_of(what: str, browser: Browser, client_side: OidcProvider) -> httpx.Response:
    """The answer when this of the provider is asked for again."""
    client_side._metadata.at = client_side._keys.at = float("-inf")
    return await begun(browser) if what == "openid-configuration" else await browser.log_in()


PARTS = ["openid-configuration", "token", "jwks"]


@pytest.mark.parametrize("changes", [{"deadline_seconds": 0.3}])
async def test_slow(browser: Browser, provider: RunningProvider, client_side: OidcProvider) -> None:
    for what in PARTS:
        provider.plan(slow={what: 1.0})
        at = time.monotonic()
        problem(await answer_of(what, browser, client_side), 504, "oidc-provider-slow")
        await kept(time.monotonic() - at, 1.0, what)


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("changes", [{"issuer": f"http://127.0.0.1:{closed_port()}"}, {"issuer": "http://no.invalid"}])
async def test_away(browser: Browser) -> None:
    answer = await begun(browser)
    problem(answer, 503, "oidc-provider-away")
    assert "Retry-After" in answer.headers


async def test_failures_and_pages(browser: Browser, provider: RunningProvider, client_side: OidcProvider) -> None:
    for what in PARTS:
        for status, ours in [(500, 503), (503, 503), (404, 502), (401, 502), (200, 502)]:
            provider.plan(status={what: status})
            answer = await answer_of(what, browser, client_side)
            problem(answer, ours, "oidc-provider-away" if ours == 503 else "oidc-provider-fault")
            assert "<h1>" not in answer.text


async def test_it_works_again_after_a_failure(browser: Browser, provider: RunningProvider) -> None:
    provider.plan(status={"openid-configuration": 500})
    problem(await begun(browser), 503, "oidc-provider-away")
    provider.plan(status={"jwks": 500})
    problem(await browser.log_in(), 503, "oidc-provider-away")
    provider.plan()
    assert (await browser.log_in()).status_code == 303


async def test_redirects_are_not_followed(
    browser: Browser, provider: RunningProvider, client_side: OidcProvider
) -> None:
    for what in PARTS:
        provider.plan(redirect={what: f"{provider.issuer}/elsewhere"})
        problem(await answer_of(what, browser, client_side), 502, "oidc-provider-fault")
    assert provider.seen("elsewhere") == 0


METADATA: dict[str, dict[str, Any]] = {
    "issuer another": {"issuer": "https://evil.example"},
    "issuer missing": {"issuer": DELETED},
    "issuer list": {"issuer": ["x"]},
    "no authorization endpoint": {"authorization_endpoint": DELETED},
    "no token endpoint": {"token_endpoint": DELETED},
    "no keys": {"jwks_uri": DELETED},
    "authorization endpoint a script": {"authorization_endpoint": "javascript:alert(1)"},
    "token endpoint a file": {"token_endpoint": "file:///etc/passwd"},
    "token endpoint a number": {"token_endpoint": 7},
    "only plain PKCE": {"code_challenge_methods_supported": ["plain"]},
}


async def test_a_discovery_document_that_does_not_do(browser: Browser, provider: RunningProvider) -> None:
    for name, wrong in METADATA.items():
        provider.plan(metadata=wrong)
        answer = await begun(browser)
        assert answer.status_code == 502, name
        problem(answer, 502, "oidc-provider-fault")


async def test_the_issuer_must_be_the_configured_one_to_the_letter(browser: Browser, provider: RunningProvider) -> None:
    for wrong in (f"{provider.issuer}/", provider.issuer.upper(), f" {provider.issuer}"):
        provider.plan(metadata={"issuer": wrong})
        problem(await begun(browser), 502, "oidc-provider-fault")


BODIES = {
    "empty": "",
    "no JSON": "issuer=x",
    "list": "[]",
    "NaN": '{"issuer": NaN}',
    "twice": '{"issuer": "a", "issuer": "b"}',
    "deep": "[" * 5000,
    "huge": json.dumps({"issuer": "x" * 2_000_000}),
    "a key set without keys": '{"keys": 7}',
}


async def test_documents_that_are_none(browser: Browser, provider: RunningProvider, client_side: OidcProvider) -> None:
    for what in PARTS:
        for name, body in BODIES.items():
            provider.plan(body={what: body})
            answer = await answer_of(what, browser, client_side)
            assert answer.status_code == 502, (what, name)
            problem(answer, 502, "oidc-provider-fault")


async def test_key_sets_with_nothing_usable(browser: Browser, provider: RunningProvider) -> None:
    weak = {"kty": "RSA", "n": "AQAB" * 20, "e": "AQAB", "kid": "a"}
    sets: list[list[Any]] = [[], [7], [{}], [weak], [{"kty": "oct", "k": "c2VjcmV0"}], [{"kty": "EC", "crv": "P-256"}]]
    for keys in sets:
        provider.plan(body={"jwks": json.dumps({"keys": keys})})
        problem(await browser.log_in(), 401, "oidc-invalid-id-token")


@pytest.mark.parametrize(
    "changes", [{"allowed_networks": ()}, {"allowed_networks": (ip_network("10.0.0.0/8"), ip_network("::1/128"))}]
)
async def test_private_addresses_are_not_called_unless_allowed(browser: Browser, provider: RunningProvider) -> None:
    before = provider.seen("openid-configuration")
    problem(await begun(browser), 502, "oidc-provider-fault")
    assert provider.seen("openid-configuration") == before


async def test_endpoints_elsewhere_in_private_networks_are_not_called(
    browser: Browser, provider: RunningProvider
) -> None:
    provider.plan(metadata={"token_endpoint": "http://169.254.169.254/latest", "jwks_uri": "http://[::1]/keys"})
    problem(await browser.log_in(), 502, "oidc-provider-fault")


@pytest.mark.parametrize("changes", [{"allow_http": False, "issuer": "https://127.0.0.1:1"}])
async def test_plain_http_is_not_spoken_unless_allowed(client_side: OidcProvider, browser: Browser) -> None:
    client_side.issuer = "http://127.0.0.1:1"
    problem(await begun(browser), 502, "oidc-provider-fault")


@pytest.mark.parametrize("changes", [{"client_secret": None}, {"client_id": "nobody"}])
async def test_a_client_that_the_provider_does_not_know(browser: Browser, client_side: OidcProvider) -> None:
    url = httpx.URL(await browser.begin()).copy_set_param("client_id", "spyne")
    answer = await browser.http.get(browser.at_provider(str(url)))
    assert answer.status_code in {400, 502, 503}
    assert CLIENT_SECRET not in answer.text + str(answer.headers)
    assert client_side.issuer not in answer.text
