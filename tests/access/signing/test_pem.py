"""Key files as text: what is read, what is refused and how it is said, and what is shown to the world."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from app.access.signing.pem import SigningKeyError, parse, public_jwk, render, thumbprint
from app.kernel.security.signing import PrivateKey, SigningKey
from tests.access.signing.keys import NOW, elliptic, modular, signing_key

SECOND = NOW.replace(microsecond=0)


def pem(key: object, format_: PrivateFormat = PrivateFormat.PKCS8, password: bytes | None = None) -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, format_, encryption).decode()  # type: ignore[attr-defined]


def public_pem(key: object) -> str:
    public = key.public_key()  # type: ignore[attr-defined]
    return str(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())


@pytest.mark.parametrize("private", [elliptic(), modular()])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("until", [None, SECOND + timedelta(hours=1)])
def test_what_is_written_is_read_again(private: PrivateKey, whole: bool, until: datetime | None) -> None:
    key = signing_key(private, SECOND, until, whole=whole)
    text = render(key)
    read = parse(text, datetime(2000, 1, 1, tzinfo=UTC))
    assert (read.kid, read.algorithm, read.signs_from, read.verifies_until) == (
        key.kid,
        key.algorithm,
        key.signs_from,
        key.verifies_until,
    )
    assert (read.private is not None) == whole == ("PRIVATE" in text)
    assert render(read) == text


FOREIGN: dict[str, Callable[[], tuple[str, str, bool]]] = {
    "openssl genpkey, EC": lambda: (pem(elliptic()), "ES256", True),
    "openssl ecparam": lambda: (
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        + pem(elliptic(), PrivateFormat.TraditionalOpenSSL),
        "ES256",
        True,
    ),
    "openssl genrsa -traditional": lambda: (pem(modular(), PrivateFormat.TraditionalOpenSSL), "RS256", True),
    "public EC": lambda: (public_pem(elliptic()), "ES256", False),
    "public RSA": lambda: (public_pem(modular()), "RS256", False),
    "with other text before": lambda: (f"our key\nof 2026\n\n{pem(elliptic())}", "ES256", True),
    "with a time": lambda: (f"Signs-From: 2026-05-04T14:30:15+02:00\n{pem(elliptic())}", "ES256", True),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_keys_of_other_tools_are_read(name: str) -> None:
    text, algorithm, whole = FOREIGN[name]()
    read = parse(text, SECOND)
    assert (read.algorithm, read.private is not None, read.signs_from) == (algorithm, whole, SECOND)


WRONG: dict[str, tuple[Callable[[], str], str]] = {
    "empty": (lambda: "", "0 PEM blocks"),
    "no PEM": (lambda: "a key", "0 PEM blocks"),
    "two keys": (lambda: pem(elliptic()) + pem(modular()), "2 PEM blocks"),
    "cut": (lambda: pem(modular())[:900], "cannot be read"),
    "changed": (lambda: pem(elliptic()).replace("M", "N", 5), "cannot be read"),
    "encrypted": (lambda: pem(modular(), password=b"x"), "encrypted"),
    "encrypted, old form": (lambda: pem(modular(), PrivateFormat.TraditionalOpenSSL, b"x"), "encrypted"),
    "RSA of 1024 bits": (lambda: pem(rsa.generate_private_key(65_537, 1024)), "1024 bits; 2048 to 8192"),
    "RSA of 1024 bits, public": (lambda: public_pem(rsa.generate_private_key(65_537, 1024)), "1024 bits"),
    "RSA with e = 3": (lambda: pem(rsa.generate_private_key(3, 2048)), "exponent"),
    "P-384": (lambda: pem(ec.generate_private_key(ec.SECP384R1())), "secp384r1; only P-256"),
    "secp256k1": (lambda: pem(ec.generate_private_key(ec.SECP256K1())), "secp256k1; only P-256"),
    "Ed25519": (lambda: pem(ed25519.Ed25519PrivateKey.generate()), "not a key of RSA or of the curve P-256"),
    "DSA": (lambda: pem(dsa.generate_private_key(1024)), "not a key of RSA or of the curve P-256"),
    "certificate": (lambda: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "CERTIFICATE"),
    "SSH": (lambda: pem(ed25519.Ed25519PrivateKey.generate(), PrivateFormat.OpenSSH), "OPENSSH PRIVATE KEY"),
    "no time": (lambda: f"Signs-From: soon\n{pem(elliptic())}", "Signs-From is not a time"),
    "time without offset": (lambda: f"Verifies-Until: 2026-01-01T00:00:00\n{pem(elliptic())}", "no offset"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.filterwarnings("ignore:DSA keys")
def test_what_cannot_be_used_is_refused_with_a_reason_that_shows_nothing(name: str) -> None:
    make, reason = WRONG[name]
    text = make()
    with pytest.raises(SigningKeyError, match=reason) as refused:
        parse(text, NOW)
    said = str(refused.value)
    assert not [line for line in text.splitlines() if len(line) > 20 and line in said]


def test_the_thumbprint_is_that_of_the_standard() -> None:
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    n = int.from_bytes(base64.urlsafe_b64decode(modulus + "=="), "big")
    example = rsa.RSAPublicNumbers(65_537, n).public_key()
    assert thumbprint(example) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"  # RFC 7638 section 3.1


def test_coordinates_have_their_full_length() -> None:
    for number in range(1, 40):
        key = ec.derive_private_key(number, ec.SECP256R1())
        shown = public_jwk(key.public_key())
        assert len(shown["x"]) == len(shown["y"]) == 43
        canonical = json.dumps({name: shown[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
        digest = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
        assert thumbprint(key.public_key()) == digest


@pytest.mark.parametrize("private", [elliptic(), modular()])
def test_nothing_shows_a_private_key(private: PrivateKey) -> None:
    key: SigningKey = signing_key(private)
    assert "private" not in repr(key)
    assert public_jwk(key.public).keys() & {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "r", "t"} == set()


def test_times_are_of_any_offset() -> None:
    text = f"Signs-From: 2026-05-04T14:30:15+02:00\n{pem(elliptic())}"
    assert parse(text, NOW).signs_from == datetime(2026, 5, 4, 14, 30, 15, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("bits", "exponent", "reason"),
    [
        (2047, 65_537, "2047 bits"),
        (2048, 65_537, None),
        (8192, 65_537, None),
        (8193, 65_537, "8193 bits"),
        (2048, 65_535, "exponent"),
        (2048, 65_539, None),
    ],
)
def test_how_large_an_rsa_key_is(bits: int, exponent: int, reason: str | None) -> None:
    key = rsa.RSAPublicNumbers(exponent, (1 << bits - 1) + 1).public_key()
    text = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    if reason is None:
        assert parse(text, NOW).algorithm == "RS256"
    else:
        with pytest.raises(SigningKeyError, match=reason):
            parse(text, NOW)
