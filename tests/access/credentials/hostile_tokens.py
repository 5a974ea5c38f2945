"""Tokens that must all be refused. Many carry a genuine signature: what is wrong with them is something else."""

import base64
import hmac
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": "jwt:1"}
SUBJECT = "user:01890a5d-ac96-774b-bcce-b302099a8057"
JTI = "01890a5d-ac96-774b-bcce-b302099a8058"
CLIENT = SUBJECT.replace("user:", "client:")
SPELLINGS = {
    "in upper case": JTI.upper(),
    "in braces": f"{{{JTI}}}",
    "as a URN": f"urn:uuid:{JTI}",
    "without hyphens": JTI.replace("-", ""),
    "with other hyphens": JTI.replace("-", "")[:30] + "-" + JTI.replace("-", "")[30:],
    "with a space": f" {JTI}",
}
"""Other ways to write an id, all of which Python's UUID reads, but for the last."""
LARGE = 10**400


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


Key = bytes | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


def signed(header: Any, claims: Any, key: Key, algorithm: str = "sha256") -> str:
    """A compact JWS over raw bytes or JSON documents."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    signing_input = ".".join(encoded(part) for part in parts)
    return signing_input + "." + encoded(signature(signing_input.encode(), key, algorithm))


def signature(signing_input: bytes, key: Key, algorithm: str = "sha256") -> bytes:
    """As HS, RS or ES algorithms have it, by the kind of key."""
    if isinstance(key, bytes):
        return hmac.new(key, signing_input, algorithm).digest()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signing_input, padding.PKCS1v15(), _HASHES[algorithm])
    size = (key.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(signing_input, ec.ECDSA(_HASHES[algorithm])))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _shown(key: Key) -> dict[str, str]:
    """The key as the header member `jwk` of a forger has it."""
    if isinstance(key, bytes):
        return {"kty": "oct", "k": encoded(key)}
    return {"kty": "EC", "pem": key.public_key().public_bytes(*_PEM).decode()}


_PEM = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo


def good_claims(now: datetime) -> dict[str, Any]:
    at = int(now.timestamp())
    return {"iss": "spyne", "aud": "spyne-api", "sub": SUBJECT, "jti": JTI, "iat": at, "exp": at + 3600}


def _headers(claims: dict[str, Any], key: Key, header: dict[str, str]) -> dict[str, str]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    der = rsa_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = rsa_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    wrong: dict[str, dict[str, Any]] = {
        "alg none": {"alg": "none"},
        "alg None": {"alg": "None"},
        "alg empty": {"alg": ""},
        "alg null": {"alg": None},
        "alg number": {"alg": 256},
        "alg list": {"alg": [header["alg"]]},
        "alg lower case": {"alg": header["alg"].lower()},
        "alg HS256": {"alg": "HS256"},
        "alg RS256": {"alg": "RS256"},
        "alg ES256": {"alg": "ES256"},
        "alg PS256": {"alg": "PS256"},
        "alg A128KW": {"alg": "A128KW"},
        "typ JWT": {"typ": "JWT"},
        "typ id token": {"typ": "id+jwt"},
        "typ null": {"typ": None},
        "kid unknown": {"kid": "jwt:2"},
        "kid path": {"kid": "../../../../dev/null"},
        "kid sql": {"kid": "' OR '1'='1"},
        "kid null": {"kid": None},
        "kid list": {"kid": [header["kid"]]},
        "kid object": {"kid": {header["kid"]: 1}},
        "jku": {"jku": "https://evil.example/jwks"},
        "x5u": {"x5u": "https://evil.example/cert"},
        "jwk": {"jwk": _shown(key)},
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
    tokens = {
        name: signed(header | change, claims, key) for name, change in wrong.items() if change != {"alg": header["alg"]}
    }
    for missing in header:
        tokens[f"no {missing}"] = signed({k: v for k, v in header.items() if k != missing}, claims, key)
    unsigned = encoded(json.dumps(header | {"alg": "none"}).encode())
    body = encoded(json.dumps(claims).encode())
    return tokens | {
        "alg none without signature": f"{unsigned}.{body}.",
        "signature stripped": ".".join([*signed(header, claims, key).split(".")[:2], ""]),
        "HS512 with the right key": signed(header | {"alg": "HS512"}, claims, key, "sha512"),
        "HS384 with the right key": signed(header | {"alg": "HS384"}, claims, key, "sha384"),
        "SHA-512 signature under HS256": signed(header, claims, key, "sha512"),
        "signed with a DER public key": signed(header, claims, der),
        "signed with a PEM public key": signed(header, claims, pem),
        "RS256 signed with a DER public key": signed(header | {"alg": "RS256"}, claims, der),
        "signed with the empty key": signed(header, claims, b""),
        "signed with a zero key": signed(header, claims, bytes(32)),
        "signed with the kid": signed(header, claims, header["kid"].encode()),
        "header no object": signed([header], claims, key),
        "header a string": signed(b'"HS256"', claims, key),
        "header no JSON": signed(b"alg=HS256", claims, key),
        "header not UTF-8": signed(b'{"alg":"HS256","typ":"at+jwt","kid":"\xff"}', claims, key),
        "header with a key twice": signed(b'{"alg":"none","alg":"HS256","typ":"at+jwt","kid":"jwt:1"}', claims, key),
        "header nested too deeply": signed(b'{"alg":' + b"[" * 1000 + b"]" * 1000 + b"}", claims, key),
    }


def _claims(claims: dict[str, Any], key: Key, header: dict[str, str]) -> dict[str, str]:
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
        "iat in the next seconds": {"iat": now + 10},
        "iat in half a minute": {"iat": now + 30},
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
        "scope unknown": {"scope": "everything:do"},
        "scope known and unknown": {"scope": "audit:read everything:do"},
        "scope empty": {"scope": ""},
        "scope a space": {"scope": " "},
        "scope by two spaces": {"scope": "audit:read  query:run"},
        "scope by a tab": {"scope": "audit:read\tquery:run"},
        "scope with a space around": {"scope": " audit:read"},
        "scope in another order": {"scope": "query:run audit:read"},
        "scope twice": {"scope": "audit:read audit:read"},
        "scope in upper case": {"scope": "AUDIT:READ"},
        "scope by a comma": {"scope": "audit:read,query:run"},
        "epoch zero": {"epoch": "0"},
        "epoch with underscore": {"epoch": "0_0"},
        "epoch of thousands": {"epoch": "1_000"},
        "epoch of Arabic-Indic digits": {"epoch": "\u0660"},
        "epoch of full-width digits": {"epoch": "\uff11"},
        "epoch with a leading zero": {"epoch": "01"},
        "epoch with a sign": {"epoch": "+1"},
        "epoch negative": {"epoch": "-1"},
        "epoch with spaces": {"epoch": " 1 "},
        "epoch with a newline": {"epoch": "1\n"},
        "epoch empty": {"epoch": ""},
        "epoch number": {"epoch": 1},
        "epoch float": {"epoch": "1.0"},
        "epoch enormous": {"epoch": "9" * 20},
        "key no id": {"sub": CLIENT, "key": "x"},
        "key of a person": {"key": JTI},
        "key missing of a service": {"sub": CLIENT},
        "session of a service": {"sub": CLIENT, "key": JTI, "sid": JTI},
        "epoch of a service": {"sub": CLIENT, "key": JTI, "epoch": "1"},
        **{f"jti {name}": {"jti": text} for name, text in SPELLINGS.items()},
        **{f"sid {name}": {"sid": text} for name, text in SPELLINGS.items()},
        **{f"key {name}": {"sub": CLIENT, "key": text} for name, text in SPELLINGS.items()},
        "nbf": {"nbf": now + 600},
        "roles": {"roles": ["ADMIN"]},
    }
    tokens = {f"claim {name}": signed(header, claims | change, key) for name, change in wrong.items()}
    for missing in claims:
        tokens[f"no claim {missing}"] = signed(header, {k: v for k, v in claims.items() if k != missing}, key)
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
    return tokens | {f"claims {name}": signed(header, body.encode(), key) for name, body in raw.items()}


def _shapes(claims: dict[str, Any], key: Key, header: dict[str, str]) -> dict[str, str]:
    good = signed(header, claims, key)
    head, body, mark = good.split(".")
    other = signed(header, claims | {"jti": str(UUID(int=7))}, key).split(".")[2]
    return {
        "empty": "",
        "dots": "..",
        "one part": head,
        "two parts": f"{head}.{body}",
        "four parts": f"{good}.x",
        "five parts, as JWE": f"{head}.{body}.{mark}.{body}.{mark}",
        "padding": f"{head}.{body}.{mark}=",
        "padding within": f"{head}==.{body}.{mark}",
        "leading space": f" {good}",
        "trailing space": f"{good} ",
        "newline": f"{good}\n",
        "newline within": f"{head}.{body[:8]}\n{body[8:]}.{mark}",
        "foreign character within": f"{head}.{body}.{mark[:4]}!{mark[4:]}",
        "plain base64 alphabet": f"{head}.{body}.{'+' + mark[1:]}",
        "signature cut": f"{head}.{body}.{mark[:-2]}",
        "signature longer": f"{head}.{body}.{mark}AA",
        "signature of another token": f"{head}.{body}.{other}",
        "unused bits set": f"{head}.{body}.{mark[:-1]}{_sibling(mark[-1])}",
        "header and body swapped": f"{body}.{head}.{mark}",
        "longer than 4 kB": signed(header, claims | {"scope": "query:run " * 500}, key),
        "not ASCII": f"{head}.{body}.é{mark}",
        "quoted": f'"{good}"',
        "JSON serialisation": json.dumps({"payload": body, "protected": head, "signature": mark}),
    }


def _sibling(character: str) -> str:
    """Another last character of a 43-character segment which a lenient decoder reads as the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(character) | 1]


def hostile_tokens(key: Key, now: datetime, header: dict[str, str] | None = None) -> dict[str, bytes]:
    """Every hostile token by what is wrong with it.

    Args:
        key: the genuine signing key.
        now: the time at which they are shown.
        header: of the genuine tokens of this key; that of the service secret's when absent.
    """
    own, claims = header or HEADER, good_claims(now)
    tokens = _headers(claims, key, own) | _claims(claims, key, own) | _shapes(claims, key, own)
    late = good_claims(now - timedelta(hours=2))
    tokens["expired"] = signed(own, late, key)
    if isinstance(key, bytes | rsa.RSAPrivateKey):  # ECDSA signs by chance: the good token cannot be met again
        assert signed(own, claims, key) not in tokens.values()
    return {name: token.encode() for name, token in tokens.items()}
