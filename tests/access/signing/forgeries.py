"""Tokens that confuse families, keys and signatures of asymmetric algorithms. All must be refused."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from app.access.signing.pem import public_jwk, thumbprint
from app.kernel.security.signing import PrivateKey
from tests.access.credentials.hostile_tokens import HEADER, encoded, good_claims, signature, signed

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the curve P-256 (FIPS 186-5)."""


def header_of(key: PrivateKey) -> dict[str, str]:
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    return {"alg": algorithm, "typ": "at+jwt", "kid": thumbprint(key.public_key())}


def _with(header: Any, claims: Any, mark: bytes) -> str:
    return signed(header, claims, b"x").rpartition(".")[0] + "." + encoded(mark)


def _input(header: Any, claims: Any) -> bytes:
    return signed(header, claims, b"x").rpartition(".")[0].encode()


def _public_forms(key: PrivateKey) -> dict[str, bytes]:
    """What a confused verifier might take for an HMAC secret: everything that is public about the key."""
    public = key.public_key()
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(serialization.Encoding.PEM, spki)
    forms = {
        "PEM": pem,
        "PEM without its last line end": pem.rstrip(b"\n"),
        "DER": public.public_bytes(serialization.Encoding.DER, spki),
        "JWK": json.dumps(public_jwk(public)).encode(),
        "canonical JWK": json.dumps(public_jwk(public), sort_keys=True, separators=(",", ":")).encode(),
        "kid": thumbprint(public).encode(),
        "nothing": b"",
    }
    if isinstance(public, ec.EllipticCurvePublicKey):
        point = serialization.PublicFormat.UncompressedPoint
        forms["point"] = public.public_bytes(serialization.Encoding.X962, point)
    else:
        forms["modulus"] = public.public_numbers().n.to_bytes(public.key_size // 8, "big")
    return forms


def _confused(key: PrivateKey, others: dict[str, PrivateKey], secret: bytes, claims: dict[str, Any]) -> dict[str, str]:
    own = header_of(key)
    tokens = {}
    for form, value in _public_forms(key).items():
        for algorithm, digest in (("HS256", "sha256"), ("HS512", "sha512"), (own["alg"], "sha256")):
            tokens[f"{algorithm} by the public key as {form}"] = signed(own | {"alg": algorithm}, claims, value, digest)
        tokens[f"the secret's kid, by the public key as {form}"] = signed(HEADER, claims, value)
    tokens |= {
        "HS256 by the service secret, our kid": signed(own | {"alg": "HS256"}, claims, secret),
        "HMAC by the service secret, our header": signed(own, claims, secret),
        "the secret's kid, our algorithm and signature": signed(own | {"kid": "jwt:1"}, claims, key),
        "the secret's kid and algorithm, our signature": signed(HEADER, claims, key),
        "kid of the service secret's key in base64url": signed(own | {"kid": encoded(b"jwt:1")}, claims, key),
    }
    for name, other in others.items():
        theirs = header_of(other)
        tokens |= {
            f"signature of {name}": _with(own, claims, signature(_input(own, claims), other)),
            f"algorithm and signature of {name}": signed(own | {"alg": theirs["alg"]}, claims, other),
            f"kid of {name}": signed(own | {"kid": theirs["kid"]}, claims, key),
            f"kid and algorithm of {name}": signed(theirs, claims, key),
        }
    return tokens


def _kids(key: PrivateKey, claims: dict[str, Any]) -> dict[str, str]:
    own = header_of(key)
    kid = own["kid"]
    tricks = {
        "padded": kid + "=",
        "with a space": kid + " ",
        "with NUL": kid + "\x00",
        "as a file": kid + ".pem",
        "as a path": f"./{kid}",
        "as a path up": f"../keys/{kid}.pem",
        "in upper case": kid.upper(),
        "swapped case": kid.swapcase(),
        "cut": kid[:-1],
        "percent-encoded": "%" + format(ord(kid[0]), "02x") + kid[1:],
        "with a full-width letter": chr(ord(kid[0]) + 0xFEE0) + kid[1:],
        "empty": "",
        "URL": f"https://evil.example/{kid}",
        "SQL": f"{kid}' --",
        "dunder": "__class__",
    }
    return {f"kid {name}": signed(own | {"kid": value}, claims, key) for name, value in tricks.items()}


def _elliptic(key: ec.EllipticCurvePrivateKey, claims: dict[str, Any]) -> dict[str, str]:
    own = header_of(key)
    text = _input(own, claims)
    good = signature(text, key)
    r, s = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:], "big")
    values = {
        "r = s = 0": (0, 0),
        "r = 0": (0, s),
        "s = 0": (r, 0),
        "r = s = 1": (1, 1),
        "r = n": (N, s),
        "s = n": (r, N),
        "r = s = n": (N, N),
        "r = 1, s = n": (1, N),
        "r beyond n": (N + 1, s),
        "s beyond n": (r, N + 1),
        "r greatest": (2**256 - 1, s),
        "s greatest": (r, 2**256 - 1),
        "r and s swapped": (s, r),
        "s next": (r, s + 1),
    }
    tokens = {
        f"ECDSA {name}": _with(own, claims, one.to_bytes(32, "big") + two.to_bytes(32, "big"))
        for name, (one, two) in values.items()
    }
    der = key.sign(text, ec.ECDSA(hashes.SHA256()))
    p384 = ec.generate_private_key(ec.SECP384R1())
    return tokens | {
        "ECDSA in DER": _with(own, claims, der),
        "ECDSA in DER, cut to 64 bytes": _with(own, claims, der[:64]),
        "ECDSA with leading zeros": _with(own, claims, bytes(1) + good[:32] + bytes(1) + good[32:]),
        "ECDSA as 66 + 66 bytes": _with(own, claims, bytes(34) + good[:32] + bytes(34) + good[32:]),
        "ECDSA one byte more": _with(own, claims, good + b"\x00"),
        "ECDSA one byte less": _with(own, claims, good[:-1]),
        "ECDSA empty": _with(own, claims, b""),
        "ECDSA of P-384": _with(own, claims, signature(text, p384, "sha384")),
        "ECDSA over SHA-512": _with(own, claims, signature(text, key, "sha512")),
        "ES384": signed(own | {"alg": "ES384"}, claims, key, "sha384"),
        "ES256K": signed(own | {"alg": "ES256K"}, claims, key),
    }


def _modular(key: rsa.RSAPrivateKey, claims: dict[str, Any]) -> dict[str, str]:
    own = header_of(key)
    text = _input(own, claims)
    n, size = key.public_key().public_numbers().n, key.key_size // 8
    good = signature(text, key)
    value = int.from_bytes(good, "big")
    small = rsa.generate_private_key(public_exponent=3, key_size=2048)
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(text)
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    # Bleichenbacher 2006: padding, digest, and rubbish behind it, as a perfect cube
    block = b"\x00\x01\xff\x00" + info + b"\x00" * (size - 4 - len(info))
    cube = _cube_root(int.from_bytes(block, "big")) + 1
    marks = {
        "0": bytes(size),
        "1": (1).to_bytes(size, "big"),
        "n - 1": (n - 1).to_bytes(size, "big"),
        "n": n.to_bytes(size, "big"),
        "s + n, one byte longer": (value + n).to_bytes(size + 1, "big"),
        "one zero byte before": b"\x00" + good,
        "one byte more": good + b"\x00",
        "one byte less": good[:-1],
        "empty": b"",
        "cube root for e = 3": cube.to_bytes(size, "big"),
        "the padded digest itself": block,
        "of a key with e = 3": signature(text, small),
        "of a key with 1024 bits": signature(text, short),
        "PSS": key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
        "over SHA-1": key.sign(text, padding.PKCS1v15(), hashes.SHA1()),
        "over SHA-512": signature(text, key, "sha512"),
    }
    tokens = {f"RSA {name}": _with(own, claims, mark) for name, mark in marks.items()}
    pss = own | {"alg": "PS256"}
    return tokens | {
        "PS256": _with(
            pss, claims, key.sign(_input(pss, claims), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        ),
        "RS512": signed(own | {"alg": "RS512"}, claims, key, "sha512"),
        "kid of a key with e = 3": signed(header_of(small), claims, small),
        "kid of a key with 1024 bits": signed(header_of(short), claims, short),
        "key with e = 3 in the header": signed(own | {"jwk": public_jwk(small.public_key())}, claims, small),
    }


def _cube_root(value: int) -> int:
    low, high = 0, 1 << (value.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= value else (low, middle - 1)
    return low


def forgeries(key: PrivateKey, others: dict[str, PrivateKey], secret: bytes, now: datetime) -> dict[str, bytes]:
    """Every forgery by what is wrong with it.

    Args:
        key: a genuine signing key.
        others: further keys by name, known to the verifier or not.
        secret: the genuine HMAC key of the service secret.
        now: the time at which they are shown.
    """
    claims = good_claims(now) | {"jti": str(UUID(int=99))}
    tokens = _confused(key, others, secret, claims) | _kids(key, claims)
    tokens |= _elliptic(key, claims) if isinstance(key, ec.EllipticCurvePrivateKey) else _modular(key, claims)
    return {name: token.encode() for name, token in tokens.items()}
