"""Tokens that must all be refused. Many carry a genuine signature: what is wrong with them is something else."""

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": "jwt:1"}
SUBJECT = "user:01890a5d-ac96-774b-bcce-b302099a8057"
JTI = "01890a5d-ac96-774b-bcce-b302099a8058"
LARGE = 10**400


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, claims: Any, key: bytes, algorithm: str = "sha256") -> str:
    """A compact JWS over raw bytes or JSON documents."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    signing_input = ".".join(encoded(part) for part in parts)
    return signing_input + "." + encoded(hmac.new(key, signing_input.encode(), algorithm).digest())


def good_claims(now: datetime) -> dict[str, Any]:
    at = int(now.timestamp())
    return {"iss": "spyne", "aud": "spyne-api", "sub": SUBJECT, "jti": JTI, "iat": at, "exp": at + 3600}


def _headers(claims: dict[str, Any], key: bytes) -> dict[str, str]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = rsa_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = rsa_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    wrong: dict[str, dict[str, Any]] = {
        "alg none": {"alg": "none"},
        "alg None": {"alg": "None"},
        "alg empty": {"alg": ""},
        "alg null": {"alg": None},
        "alg number": {"alg": 256},
        "alg list": {"alg": ["HS256"]},
        "alg lower case": {"alg": "hs256"},
        "alg RS256": {"alg": "RS256"},
        "alg ES256": {"alg": "ES256"},
        "alg A128KW": {"alg": "A128KW"},
        "typ JWT": {"typ": "JWT"},
        "typ id token": {"typ": "id+jwt"},
        "typ null": {"typ": None},
        "kid unknown": {"kid": "jwt:2"},
        "kid path": {"kid": "../../../../dev/null"},
        "kid sql": {"kid": "' OR '1'='1"},
        "kid null": {"kid": None},
        "kid list": {"kid": ["jwt:1"]},
        "kid object": {"kid": {"jwt:1": 1}},
        "jku": {"jku": "https://evil.example/jwks"},
        "x5u": {"x5u": "https://evil.example/cert"},
        "jwk": {"jwk": {"kty": "oct", "k": encoded(key)}},
        "x5c": {"x5c": ["MIIB"]},
        "x5t": {"x5t": "abc"},
        "crit": {"crit": ["exp"]},
        "crit empty": {"crit": []},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "b64 true": {"b64": True},
        "zip": {"zip": "DEF"},
        "cty": {"cty": "JWT"},
        "unknown field": {"x-spyne": "1"},
    }
    tokens = {name: signed(HEADER | change, claims, key) for name, change in wrong.items()}
    for missing in HEADER:
        tokens[f"no {missing}"] = signed({k: v for k, v in HEADER.items() if k != missing}, claims, key)
    unsigned = encoded(json.dumps({"alg": "none", "typ": "at+jwt", "kid": "jwt:1"}).encode())
    body = encoded(json.dumps(claims).encode())
    return tokens | {
        "alg none without signature": f"{unsigned}.{body}.",
        "signature stripped": ".".join([*signed(HEADER, claims, key).split(".")[:2], ""]),
        "HS512 with the right key": signed(HEADER | {"alg": "HS512"}, claims, key, "sha512"),
        "HS384 with the right key": signed(HEADER | {"alg": "HS384"}, claims, key, "sha384"),
        "SHA-512 signature under HS256": signed(HEADER, claims, key, "sha512"),
        "signed with a DER public key": signed(HEADER, claims, der),
        "signed with a PEM public key": signed(HEADER, claims, pem),
        "RS256 signed with a DER public key": signed(HEADER | {"alg": "RS256"}, claims, der),
        "signed with the empty key": signed(HEADER, claims, b""),
        "signed with a zero key": signed(HEADER, claims, bytes(32)),
        "signed with the kid": signed(HEADER, claims, b"jwt:1"),
        "header no object": signed([HEADER], claims, key),
        "header a string": signed(b'"HS256"', claims, key),
        "header no JSON": signed(b"alg=HS256", claims, key),
        "header not UTF-8": signed(b'{"alg":"HS256","typ":"at+jwt","kid":"\xff"}', claims, key),
        "header with a key twice": signed(b'{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"jwt:1"}', claims, key),
        "header nested too deeply": signed(b'{"alg":' + b"[" * 1000 + b"]" * 1000 + b"}", claims, key),
    }


def _claims(claims: dict[str, Any], key: bytes) -> dict[str, str]:
    now = claims["iat"]
    wrong: dict[str, dict[str, Any]] = {
        "exp now": {"exp": now},
        "exp past": {"iat": now - 7200, "exp": now - 3600},
        "exp before iat": {"iat": now + 20, "exp": now + 10},
        "exp text": {"exp": str(now + 3600)},
        "exp float": {"exp": now + 3600.5},
        "exp true": {"exp": True},
        "exp null": {"exp": None},
        "exp zero": {"exp": 0},
        "exp negative": {"exp": -1},
        "exp enormous": {"exp": LARGE},
        "exp beyond datetime": {"exp": 253_402_300_800},
        "exp in ten years": {"exp": now + 315_360_000},
        "iat future": {"iat": now + 600, "exp": now + 4200},
        "iat float": {"iat": float(now)},
        "iat text": {"iat": str(now)},
        "iat true": {"iat": True},
        "aud other": {"aud": "another-api"},
        "aud list": {"aud": ["spyne-api"]},
        "aud list of two": {"aud": ["spyne-api", "another-api"]},
        "aud null": {"aud": None},
        "aud empty": {"aud": ""},
        "iss other": {"iss": "https://evil.example"},
        "iss list": {"iss": ["spyne"]},
        "iss null": {"iss": None},
        "sub number": {"sub": 1},
        "sub null": {"sub": None},
        "sub empty": {"sub": ""},
        "sub list": {"sub": [SUBJECT]},
        "sub bare id": {"sub": SUBJECT.removeprefix("user:")},
        "sub of another kind": {"sub": SUBJECT.replace("user", "system")},
        "sub upper case": {"sub": "user:" + SUBJECT.removeprefix("user:").upper()},
        "sub braces": {"sub": "user:{" + SUBJECT.removeprefix("user:") + "}"},
        "sub with NUL": {"sub": SUBJECT + "\x00"},
        "sub with more": {"sub": SUBJECT + "' OR 1=1"},
        "jti number": {"jti": 7},
        "jti no id": {"jti": "seven"},
        "jti null": {"jti": None},
        "scope list": {"scope": ["audit:read"]},
        "scope null": {"scope": None},
        "key no id": {"key": "x"},
        "nbf": {"nbf": now + 600},
        "roles": {"roles": ["ADMIN"]},
    }
    tokens = {f"claim {name}": signed(HEADER, claims | change, key) for name, change in wrong.items()}
    for missing in claims:
        tokens[f"no claim {missing}"] = signed(HEADER, {k: v for k, v in claims.items() if k != missing}, key)
    text = json.dumps(claims)[:-1]
    raw = {
        "exp Infinity": text.replace(f'"exp": {claims["exp"]}', '"exp": Infinity') + "}",
        "exp NaN": text.replace(f'"exp": {claims["exp"]}', '"exp": NaN') + "}",
        "exp 1e400": text.replace(f'"exp": {claims["exp"]}', '"exp": 1e400') + "}",
        "sub twice": text + f', "sub": "{SUBJECT}"' + "}",
        "not closed": text,
        "trailing text": text + "} x",
        "empty": "",
        "null": "null",
        "list": f"[{text}}}]",
        "nested too deeply": text + ', "scope": ' + "[" * 500 + "]" * 500 + "}",
        "lone surrogate": text + ', "scope": "\\ud800"}',
    }
    return tokens | {f"claims {name}": signed(HEADER, body.encode(), key) for name, body in raw.items()}


def _shapes(claims: dict[str, Any], key: bytes) -> dict[str, str]:
    good = signed(HEADER, claims, key)
    header, body, signature = good.split(".")
    other = signed(HEADER, claims | {"jti": str(UUID(int=7))}, key).split(".")[2]
    return {
        "empty": "",
        "dots": "..",
        "one part": header,
        "two parts": f"{header}.{body}",
        "four parts": f"{good}.x",
        "five parts, as JWE": f"{header}.{body}.{signature}.{body}.{signature}",
        "padding": f"{header}.{body}.{signature}=",
        "padding within": f"{header}==.{body}.{signature}",
        "leading space": f" {good}",
        "trailing space": f"{good} ",
        "newline": f"{good}\n",
        "newline within": f"{header}.{body[:8]}\n{body[8:]}.{signature}",
        "foreign character within": f"{header}.{body}.{signature[:4]}!{signature[4:]}",
        "plain base64 alphabet": f"{header}.{body}.{'+' + signature[1:]}",
        "signature cut": f"{header}.{body}.{signature[:-2]}",
        "signature longer": f"{header}.{body}.{signature}AA",
        "signature of another token": f"{header}.{body}.{other}",
        "unused bits set": f"{header}.{body}.{signature[:-1]}{_sibling(signature[-1])}",
        "header and body swapped": f"{body}.{header}.{signature}",
        "longer than 4 kB": signed(HEADER, claims | {"scope": "query:run " * 500}, key),
        "not ASCII": f"{header}.{body}.é{signature}",
        "quoted": f'"{good}"',
        "JSON serialisation": json.dumps({"payload": body, "protected": header, "signature": signature}),
    }


def _sibling(character: str) -> str:
    """Another last character of a 43-character segment which a lenient decoder reads as the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) | 1]


def hostile_tokens(key: bytes, now: datetime) -> dict[str, bytes]:
    """Every hostile token by what is wrong with it.

    Args:
        key: the genuine signing key.
        now: the time at which they are shown.
    """
    claims = good_claims(now)
    tokens = _headers(claims, key) | _claims(claims, key) | _shapes(claims, key)
    late = good_claims(now - timedelta(hours=2))
    tokens["expired"] = signed(HEADER, late, key)
    assert hashlib.sha256(signed(HEADER, claims, key).encode()).digest() not in {
        hashlib.sha256(token.encode()).digest() for token in tokens.values()
    }
    return {name: token.encode() for name, token in tokens.items()}
