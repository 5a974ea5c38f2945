"""ID tokens: OpenID Connect Core section 3.1.3.7, read strictly. Pure.

The header is read before anything else and chooses among the provider's published keys only; what it says about keys
elsewhere (`jku`, `x5u`, `jwk`, `x5c`) is not looked at. The signature is joserfc's work, the claims authlib's.
"""

import base64
import hmac
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core.claims import CodeIDToken
from joserfc import jws
from joserfc.errors import JoseError

from app.access.oidc.keys import ProviderKey, chosen, spelled
from app.kernel import strict_json

MAX_LENGTH = 32_768
"""Characters; groups make some providers' tokens long."""
MAX_SUBJECT = 255
"""Core section 2."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_SEGMENTS = 3
_FORBIDDEN = frozenset({"crit", "b64", "zip"})
"""Header fields that change what the rest means; none is supported here."""
_TYPES = frozenset({"jwt", "id_token+jwt"})


class RefusedToken(ValueError):  # noqa: N818 - the field says refused
    """The token cannot be relied on; the message says why and holds nothing of the token."""


class UnknownKeyError(RefusedToken):
    """No published key is the one that the token names; it may be newer than what is known of them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The claims that the token must have."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    algorithms: Collection[str]
    leeway_seconds: int


class _AnyKnown(jws.JWSRegistry):
    """The algorithm was checked before; further header fields are the provider's own affair."""

    max_header_length = 4096

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_REGISTRY = _AnyKnown(strict_check_header=False)


def verified(token: str, keys: Sequence[ProviderKey], expected: Expected, now: datetime) -> dict[str, Any]:
    """The claims of a token that can be relied on.

    Raises:
        UnknownKeyError: its key is not among these.
        RefusedToken: anything else is wrong with it.
    """
    try:
        return _verified(token, keys, expected, now)
    except RefusedToken:
        raise
    except JoseError as error:
        raise RefusedToken(f"{type(error).__name__}: {getattr(error, 'claim', None) or 'signature'}") from error
    except Exception as error:  # whatever a provider's token provokes, it is not relied on
        raise RefusedToken(type(error).__name__) from error


def _verified(token: str, keys: Sequence[ProviderKey], expected: Expected, now: datetime) -> dict[str, Any]:
    segments = token.split(".")
    _require(len(token) <= MAX_LENGTH, "too long")
    _require(len(segments) == _SEGMENTS and all(map(_SEGMENT.fullmatch, segments)), "not a signed token")
    header = strict_json.loads(_decoded(segments[0]))
    _require(isinstance(header, dict) and not header.keys() & _FORBIDDEN, "header")
    algorithm, kid = header.get("alg"), header.get("kid")
    _require(isinstance(algorithm, str) and spelled(algorithm) in expected.algorithms, "algorithm")
    _require(isinstance(kid, str | None), "kid")
    _require(str(header.get("typ", "JWT")).lower() in _TYPES, "typ")
    key = chosen(keys, kid, spelled(algorithm))
    if key is None:
        raise UnknownKeyError("no such key")
    signed = jws.deserialize_compact(token, key.key, registry=_REGISTRY)
    claims = strict_json.loads(signed.payload)
    _require(isinstance(claims, dict), "claims")
    _check(claims, header | {"alg": spelled(algorithm)}, expected, now)
    return dict(claims)


def _check(claims: dict[str, Any], header: dict[str, Any], expected: Expected, now: datetime) -> None:
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {"client_id": expected.client_id, "access_token": expected.access_token}
    CodeIDToken(claims, header, options, params).validate(now=int(now.timestamp()), leeway=expected.leeway_seconds)
    nonce, subject = claims.get("nonce"), claims["sub"]
    _require(isinstance(nonce, str) and hmac.compare_digest(nonce.encode(), expected.nonce.encode()), "nonce")
    _require(0 < len(subject) <= MAX_SUBJECT and subject.isascii() and subject.isprintable(), "sub")
    _require(isinstance(claims.get("azp"), str | None), "azp")
    if "at_hash" in claims:  # authlib compares it, and passes over one that is empty
        _require(isinstance(claims["at_hash"], str) and bool(claims["at_hash"]), "at_hash")
        _require(expected.access_token is not None, "at_hash")


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise RefusedToken(reason)


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
