"""A signing key as text: PEM (RFC 7468), before it lines that say from when and until when it serves. Pure.

Weak keys, other kinds of keys and damaged text are refused with a message which says what is wrong and shows nothing
of the key.
"""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from app.kernel.security.signing import PrivateKey, PublicKey, SigningKey

MIN_RSA_BITS = 2048
"""RFC 7518 section 3.3."""
MAX_RSA_BITS = 8192
"""Larger keys make each verification, which strangers can ask for, cost milliseconds."""
MIN_RSA_EXPONENT = 65_537
"""FIPS 186-5, appendix A.1.1: smaller exponents made forgeries possible more than once."""

_LABELS = re.compile(r"^-----BEGIN ([A-Z0-9 ]+)-----\s*$", re.MULTILINE)
_LINE = re.compile(r"^(Signs-From|Verifies-Until): (\S+)\s*$", re.MULTILINE)
_PRIVATE = frozenset({"PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"})
_PUBLIC = frozenset({"PUBLIC KEY", "RSA PUBLIC KEY"})


class SigningKeyError(ValueError):
    """The key cannot be used; the message says why."""


def parse(text: str, signs_from: datetime) -> SigningKey:
    """The key in the text of a file.

    Args:
        text: PEM with one private or public key, perhaps after lines `Signs-From: <time>`, `Verifies-Until: <time>`.
        signs_from: what holds when the text does not say.

    Raises:
        SigningKeyError: it is no PEM, encrypted, weak, or of a kind that is not used.
    """
    labels = [label for label in _LABELS.findall(text) if label != "EC PARAMETERS"]
    if len(labels) != 1:
        raise SigningKeyError(f"it holds {len(labels)} PEM blocks instead of one key")
    times = _times(text)
    private, public = _loaded(text, labels[0])
    algorithm = _algorithm(public)
    return SigningKey(
        kid=thumbprint(public),
        algorithm=algorithm,
        public=public,
        private=private,
        signs_from=times.get("Signs-From", signs_from),
        verifies_until=times.get("Verifies-Until"),
    )


def render(key: SigningKey) -> str:
    """The text of a file that `parse` reads back as this key."""
    lines = [f"Signs-From: {_written(key.signs_from)}\n"]
    if key.verifies_until is not None:
        lines.append(f"Verifies-Until: {_written(key.verifies_until)}\n")
    if key.private is not None:
        pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    else:
        pem = key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return "".join(lines) + pem.decode("ascii")


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The members of RFC 7517 that describe the public key itself: `kty`, and `crv x y` or `n e`."""
    if isinstance(key, rsa.RSAPublicKey):
        modulus = key.public_numbers()
        return {"kty": "RSA", "n": _uint(modulus.n), "e": _uint(modulus.e)}
    point = key.public_numbers()
    size = (key.key_size + 7) // 8
    return {"kty": "EC", "crv": "P-256", "x": _uint(point.x, size), "y": _uint(point.y, size)}


def thumbprint(key: PublicKey) -> str:
    """RFC 7638: SHA-256 over the required members in lexicographic order, base64url; 43 characters."""
    canonical = json.dumps(public_jwk(key), sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _loaded(text: str, label: str) -> tuple[PrivateKey | None, PublicKey]:
    if "ENCRYPTED" in label or "Proc-Type: 4,ENCRYPTED" in text:
        raise SigningKeyError("it is encrypted; keep it unencrypted, readable by the service alone")
    raw = text.encode()
    try:
        if label in _PRIVATE:
            private = load_pem_private_key(raw, password=None)
            if isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
                return private, private.public_key()
        elif label in _PUBLIC:
            public = load_pem_public_key(raw)
            if isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
                return None, public
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"its {label} cannot be read") from error
    raise SigningKeyError(f"its {label} is not a key of RSA or of the curve P-256")


def _algorithm(key: PublicKey) -> str:
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise SigningKeyError(f"its curve is {key.curve.name}; only P-256 is used")
        return "ES256"
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise SigningKeyError(f"its RSA key has {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are needed")
    if key.public_numbers().e < MIN_RSA_EXPONENT:
        raise SigningKeyError(f"its RSA exponent is below {MIN_RSA_EXPONENT}")
    return "RS256"


def _times(text: str) -> dict[str, datetime]:
    times = {}
    for name, written in _LINE.findall(text[: text.index("-----BEGIN")]):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError as error:
            raise SigningKeyError(f"its {name} is not a time as RFC 3339 has it") from error
        if moment.tzinfo is None:
            raise SigningKeyError(f"its {name} has no offset")
        times[name] = moment.astimezone(UTC)
    return times


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _uint(value: int, size: int | None = None) -> str:
    """Base64urlUInt of RFC 7518 section 2; coordinates have their full length (section 6.2.1.2)."""
    return _base64url(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
