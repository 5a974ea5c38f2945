"""Keys for tests, made once: RSA takes its time."""

from datetime import UTC, datetime
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app.access.signing.pem import thumbprint
from app.kernel.security.signing import PrivateKey, SigningKey

NOW = datetime(2026, 5, 4, 12, 30, 15, 250_000, tzinfo=UTC)


@cache
def elliptic(name: str = "one") -> ec.EllipticCurvePrivateKey:  # noqa: ARG001 - by name, so that there can be several
    return ec.generate_private_key(ec.SECP256R1())


@cache
def modular(name: str = "one") -> rsa.RSAPrivateKey:  # noqa: ARG001 - by name, so that there can be several
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def signing_key(
    private: PrivateKey, signs_from: datetime = NOW, verifies_until: datetime | None = None, *, whole: bool = True
) -> SigningKey:
    return SigningKey(
        kid=thumbprint(private.public_key()),
        algorithm="RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256",
        public=private.public_key(),
        private=private if whole else None,
        signs_from=signs_from,
        verifies_until=verifies_until,
    )
