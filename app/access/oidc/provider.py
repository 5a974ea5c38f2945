"""The identity provider as this process knows it: its discovery document and keys, and the exchange of a code.

Everything goes over the guarded client: no redirects, every address checked, a deadline for the whole answer. Documents
are kept for a bounded time; a key that is not among those known makes the set be fetched again, but not more often than
twice a minute.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url

from app.access.oidc.attempt import Attempt
from app.access.oidc.id_token import Expected, RefusedToken, UnknownKeyError, verified
from app.access.oidc.keys import ProviderKey, usable_keys
from app.access.oidc.problems import CodeRefused, InvalidIdToken, ProviderAway, ProviderFault, ProviderSlow
from app.kernel import strict_json
from app.kernel.http.client import (
    OutboundAnswer,
    OutboundFailed,
    OutboundHttp,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
)
from app.settings import OidcSettings

CALLBACK = "/api/auth/oidc/callback"
METADATA_SECONDS = 3600.0
KEYS_SECONDS = 600.0
"""A key that the provider took away counts no longer than this."""
REFETCH_SECONDS = 30.0
"""Between two fetches of the keys for the sake of one that is not known."""

_OK = 200
_SERVER_ERROR = 500
_BASIC, _POST = "client_secret_basic", "client_secret_post"


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of the discovery document that are used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    client_authentication: str
    names_itself: bool
    """Whether every callback must carry `iss` (RFC 9207)."""

    @classmethod
    def read(cls, document: Any, settings: OidcSettings) -> Self:
        """The metadata in the provider's document. Raises `ProviderFault` when it will not do, or is another's."""
        if not isinstance(document, dict) or document.get("issuer") != settings.issuer:
            raise ProviderFault("The discovery document is not that of the configured issuer.")
        urls = [document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        schemes = ("https://", "http://") if settings.allow_http else ("https://",)
        if not all(isinstance(url, str) and url.startswith(schemes) for url in urls):
            raise ProviderFault("The discovery document lacks an endpoint.")
        challenges = document.get("code_challenge_methods_supported", ["S256"])
        if not isinstance(challenges, list) or "S256" not in challenges:
            raise ProviderFault("The provider does not know PKCE with S256.")
        methods = document.get("token_endpoint_auth_methods_supported", [_BASIC])
        posts = isinstance(methods, list) and _BASIC not in methods and _POST in methods
        method = "none" if settings.client_secret is None else _POST if posts else _BASIC
        names_itself = document.get("authorization_response_iss_parameter_supported") is True
        return cls(str(urls[0]), str(urls[1]), str(urls[2]), method, names_itself)


@dataclass(slots=True)
class _Kept:
    """Something fetched, and when."""

    value: Any = None
    at: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_younger_than(self, seconds: float) -> bool:
        return time.monotonic() - self.at < seconds

    def put(self, value: Any) -> None:
        self.value, self.at = value, time.monotonic()


class OidcProvider:
    """Speaks with the provider. An asynchronous context manager; one per process is enough."""

    def __init__(self, settings: OidcSettings) -> None:
        """Connects to nothing yet. The settings must name an issuer."""
        assert settings.issuer is not None
        self.settings = settings
        self.issuer = settings.issuer
        self.redirect_uri = settings.redirect_base_url.rstrip("/") + CALLBACK
        self._http = OutboundHttp(
            OutboundPolicy(
                schemes=frozenset({"https", "http"} if settings.allow_http else {"https"}),
                networks=settings.allowed_networks,
                deadline=timedelta(seconds=settings.deadline_seconds),
            )
        )
        self._metadata = _Kept()
        self._keys = _Kept()
        self._sought_at = float("-inf")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.client.aclose()

    async def authorization_url(self, attempt: Attempt) -> str:
        """Where the browser goes to log in. Raises the provider's problems."""
        metadata = await self.metadata()
        return str(
            prepare_grant_uri(
                metadata.authorization_endpoint,
                self.settings.client_id,
                "code",
                redirect_uri=self.redirect_uri,
                scope=" ".join(self.settings.scopes.split()),
                state=attempt.state,
                nonce=attempt.nonce,
                code_challenge=create_s256_code_challenge(attempt.verifier),
                code_challenge_method="S256",
            )
        )

    async def redeem(self, code: str, attempt: Attempt, now: datetime) -> dict[str, Any]:
        """The claims of the ID token that the provider gives for the code.

        Raises:
            CodeRefused: it takes the code no more.
            InvalidIdToken: what it gave cannot be relied on.
            ProviderFault, ProviderAway, ProviderSlow: it did not give anything.
        """
        answer = await self._exchange(code, attempt)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access_token, str | None):
            raise ProviderFault("The token endpoint gave no ID token.")
        expected = Expected(
            self.issuer,
            self.settings.client_id,
            attempt.nonce,
            access_token,
            self.settings.algorithms,
            self.settings.leeway_seconds,
        )
        try:
            try:
                return verified(token, await self._known_keys(), expected, now)
            except UnknownKeyError:
                return verified(token, await self._newer_keys(), expected, now)
        except RefusedToken as error:
            raise InvalidIdToken(str(error)) from error

    async def metadata(self) -> Metadata:
        """The discovery document, at most an hour old. Raises the provider's problems."""
        async with self._metadata.lock:
            if not self._metadata.is_younger_than(METADATA_SECONDS):
                document = await self._fetched(get_well_known_url(self.issuer, external=True))
                self._metadata.put(Metadata.read(document, self.settings))
            metadata: Metadata = self._metadata.value
            return metadata

    async def _exchange(self, code: str, attempt: Attempt) -> dict[str, Any]:
        metadata, secret = await self.metadata(), self.settings.client_secret
        form = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self.redirect_uri, code_verifier=attempt.verifier
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        login = ClientAuth(
            self.settings.client_id, secret.get_secret_value() if secret else None, metadata.client_authentication
        )
        url, headers, form = login.prepare("POST", metadata.token_endpoint, headers, form)
        answer = await self._answer("POST", url, headers, form.encode())
        document = _json(answer)
        if answer.status == _OK and isinstance(document, dict):
            return document
        if isinstance(document, dict) and document.get("error") == "invalid_grant":
            raise CodeRefused
        raise ProviderFault("The token endpoint refused the request.")

    async def _known_keys(self) -> list[ProviderKey]:
        async with self._keys.lock:
            if not self._keys.is_younger_than(KEYS_SECONDS):
                await self._fetch_keys()
            keys: list[ProviderKey] = self._keys.value
            return keys

    async def _newer_keys(self) -> list[ProviderKey]:
        async with self._keys.lock:
            if time.monotonic() - self._sought_at >= REFETCH_SECONDS:
                self._sought_at = time.monotonic()
                await self._fetch_keys()
            keys: list[ProviderKey] = self._keys.value
            return keys

    async def _fetch_keys(self) -> None:
        document = await self._fetched((await self.metadata()).jwks_uri)
        try:
            self._keys.put(usable_keys(document))
        except ValueError as error:
            raise ProviderFault("The provider's keys are not a key set.") from error

    async def _fetched(self, url: str) -> Any:
        answer = await self._answer("GET", url, {"Accept": "application/json"})
        if answer.status != _OK:
            raise ProviderFault(f"The provider answered {answer.status} instead of a document.")
        document = _json(answer)
        if document is None:
            raise ProviderFault("The provider answered something else than JSON.")
        return document

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes | None = None
    ) -> OutboundAnswer:
        try:
            answer = await self._http.request(method, url, headers=headers, content=content)
        except OutboundTimeout as error:
            raise ProviderSlow(error.detail) from error
        except OutboundFailed as error:
            raise ProviderAway(error.detail, retry_after_seconds=5) from error
        except (OutboundRefused, OutboundTooLarge) as error:
            raise ProviderFault(error.detail) from error
        if answer.status >= _SERVER_ERROR:
            raise ProviderAway("The provider answered with a failure of its own.", retry_after_seconds=5)
        return answer


class ProviderInForce:
    """The provider of this process while its API runs; None when none is configured."""

    __slots__ = ("current",)

    def __init__(self) -> None:
        self.current: OidcProvider | None = None


def _json(answer: OutboundAnswer) -> Any:
    """The body, read strictly; None when it is not JSON."""
    try:
        return strict_json.loads(answer.body)
    except strict_json.InvalidJsonError:
        return None
