"""Asymmetric keys for access tokens, as this process knows them now.

They are read and chosen in access; the value stands here because whoever holds the process's resources must be able to
hand the one set to everything that issues or verifies.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey
PublicKey = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key pair, or the public half of one."""

    kid: str
    """RFC 7638 thumbprint."""
    algorithm: str
    """The one algorithm that the key is for: ES256 or RS256."""
    public: PublicKey = field(repr=False)
    private: PrivateKey | None = field(repr=False)
    signs_from: datetime
    """The key is published before, so that every verifier knows it when its first token arrives."""
    verifies_until: datetime | None = None
    """Set when the key is retired: the end of the last token that it can have signed."""

    def signs(self, now: datetime) -> bool:
        """Whether tokens may be signed with it."""
        return self.private is not None and self.verifies_until is None and self.signs_from <= now

    def verifies(self, now: datetime) -> bool:
        """Whether a token that it signed may still count."""
        return self.verifies_until is None or now < self.verifies_until


class SigningKeys:
    """The keys of this process, as the directory had them when it was last read without fault."""

    __slots__ = ("_by_kid", "generation")

    def __init__(self, keys: Sequence[SigningKey] = ()) -> None:
        self._by_kid = {key.kid: key for key in keys}
        self.generation = 0
        """Counts the replacements; what was verified under another generation may not count any more."""

    def current(self) -> Sequence[SigningKey]:
        """All keys, in the order of their ids."""
        return [self._by_kid[kid] for kid in sorted(self._by_kid)]

    def find(self, kid: str) -> SigningKey | None:
        """The key of that id."""
        return self._by_kid.get(kid)

    def signing(self, now: datetime) -> SigningKey | None:
        """The key that signs now: of those that may, the one which began last. None when there is none."""
        able = [key for key in self._by_kid.values() if key.signs(now)]
        return max(able, key=lambda key: (key.signs_from, key.kid), default=None)

    def replace(self, keys: Sequence[SigningKey]) -> None:
        """Let these keys hold from now on."""
        self._by_kid = {key.kid: key for key in keys}
        self.generation += 1
