"""The provider's published keys (RFC 7517): what can be used of them, and which one a token names. Pure.

Keys that are damaged, weak, meant for something else or of an unknown kind are passed over, as section 5 asks.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

MAX_KEYS = 100
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16_384

_KIND_OF = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVE = {"EC": "P-256", "OKP": "Ed25519"}
_SPELLINGS = {"Ed25519": "EdDSA"}
"""RFC 9864 names the algorithm by its curve."""


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A public key by which the provider signs."""

    kid: str | None
    kind: str
    algorithm: str | None
    """The one algorithm that it is for, when the provider says so."""
    key: Key

    def serves(self, algorithm: str) -> bool:
        """Whether signatures of the algorithm can be this key's."""
        return _KIND_OF.get(algorithm) == self.kind and self.algorithm in {None, algorithm}


def usable_keys(document: Any) -> list[ProviderKey]:
    """The keys of a JWK set that can verify. Raises ValueError when it is no JWK set."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("not a key set")  # noqa: TRY004 - a document of another's, not an argument of ours
    found = [_key(shown) for shown in document["keys"][:MAX_KEYS]]
    return [key for key in found if key is not None]


def chosen(keys: Sequence[ProviderKey], kid: str | None, algorithm: str) -> ProviderKey | None:
    """The key for a token's header; without a `kid` the only one that serves. None when there is none, or several."""
    able = [key for key in keys if key.serves(algorithm) and (kid is None or key.kid == kid)]
    return able[0] if len(able) == 1 else None


def spelled(algorithm: str) -> str:
    """The algorithm by the name that settings have."""
    return _SPELLINGS.get(algorithm, algorithm)


def _key(shown: Any) -> ProviderKey | None:
    if not isinstance(shown, dict) or not _is_for_signatures(shown):
        return None
    kind, kid, algorithm = shown.get("kty"), shown.get("kid"), shown.get("alg")
    members = {name: shown.get(name) for name in _MEMBERS[str(kind)]}
    if not all(isinstance(value, str | None) for value in (kid, algorithm)):
        return None
    if not all(isinstance(value, str) and value for value in members.values()):
        return None
    try:
        key = _imported(str(kind), {name: str(value) for name, value in members.items()})
    except (JoseError, ValueError, TypeError):
        return None
    return ProviderKey(kid, str(kind), None if algorithm is None else spelled(algorithm), key)


def _is_for_signatures(shown: dict[str, Any]) -> bool:
    """Whether use, operations, kind and curve are those of a key that verifies."""
    operations, kind = shown.get("key_ops", ["verify"]), shown.get("kty")
    if shown.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return False
    return isinstance(kind, str) and kind in _MEMBERS and shown.get("crv") == _CURVE.get(kind)


def _imported(kind: str, members: dict[str, str]) -> Key:
    if kind == "RSA":
        modulus = base64.urlsafe_b64decode(members["n"] + "=" * (-len(members["n"]) % 4))
        if not MIN_RSA_BITS <= int.from_bytes(modulus, "big").bit_length() <= MAX_RSA_BITS:
            raise ValueError("weak")
        return RSAKey.import_key({"kty": kind, **members})
    return ECKey.import_key({"kty": kind, **members}) if kind == "EC" else OKPKey.import_key({"kty": kind, **members})
