"""Access tokens: the only module that knows python-jose, wrapped because python-jose alone accepts too much.

Every rule is checked here, the header before anything else: one constant algorithm per key, an exact set of header
fields, canonical base64url, at most 4 kB, all claims present, each in the one spelling in which it is issued. Whatever
goes wrong is `InvalidToken`.
Tokens are signed by the asymmetric key that is in turn, else by the key derived from the service secret, which always
verifies: so a change from one to the other ends no token.
"""

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from jose import jwk, jws
from jose.backends.base import Key

from app.access.subjects import parse_subject
from app.kernel import strict_json
from app.kernel.ids import new_id
from app.kernel.problems import Unauthenticated
from app.kernel.security.authorization import ActorKind, Permission
from app.kernel.security.secrets import MIN_BYTES, ServiceSecret, WeakSecretError
from app.kernel.security.signing import SigningKeys
from app.settings import AccessSettings

ALGORITHM = "HS256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type: RFC 9068 section 2.1: by it access tokens differ from other JWTs
CURRENT_KEY = "jwt:1"
MAX_TOKEN_LENGTH = 4096
MAX_LIFETIME = timedelta(days=1)
"""The longest that `AccessSettings.token_lifetime_seconds` allows; a token that claims more was not issued by us."""
CLOCK_SKEW = timedelta(seconds=1)
"""How far ahead another host's clock may be when it issues; never applied to the expiry. Clocks that are kept by NTP
differ by milliseconds, and `iat` is cut to whole seconds besides."""

_HEADER = frozenset({"alg", "typ", "kid"})
_REQUIRED = frozenset({"iss", "aud", "sub", "jti", "iat", "exp"})
_OPTIONAL = frozenset({"scope", "key", "epoch", "sid"})
_OPTIONAL_OF = {ActorKind.USER: frozenset({"scope", "epoch", "sid"}), ActorKind.CLIENT: frozenset({"scope", "key"})}
_NEEDED_OF = {ActorKind.USER: frozenset[str](), ActorKind.CLIENT: frozenset({"key"})}
"""A service's token ends with the key that it is issued for, so none is without one."""
_EPOCH = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
"""0 is not written, and PostgreSQL's bigint has 19 digits."""
_PERMISSIONS = frozenset(permission.value for permission in Permission)
_SEGMENT = re.compile(rb"[A-Za-z0-9_-]+")
_SEGMENTS = 3
_LATEST = 253_402_300_799
"""9999-12-31T23:59:59Z: the last second that `datetime` can hold."""


class InvalidToken(Unauthenticated):
    """The access token is not one of ours, or not valid any more."""

    code, title = "invalid-token", "The access token is not valid"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail)
        self.headers["WWW-Authenticate"] = 'Bearer realm="spyne", error="invalid_token"'  # RFC 6750 section 3.1


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a valid token."""

    subject: str
    jti: UUID
    issued_at: datetime
    expires_at: datetime
    scope: frozenset[str] | None
    """Permissions that the token is narrowed to; None for all that its holder has."""
    key_id: UUID | None
    """The API key that it was issued for, which must be valid still."""
    epoch: int = 0
    """The holder's credentials epoch, which must be the same still; 0 is not written."""
    session_id: UUID | None = None
    """The session that it belongs to, which must go on still."""


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A fresh token. The text is a secret."""

    text: str
    claims: Claims


class AccessTokens:
    """Issues and verifies the tokens of one service secret and its asymmetric keys."""

    def __init__(self, secret: ServiceSecret, settings: AccessSettings, keys: SigningKeys | None = None) -> None:
        """Derives the keys.

        Args:
            secret: gives the key of HS256.
            settings: lifetime, issuer and audience.
            keys: the process's asymmetric keys; none when absent.

        Raises:
            WeakSecretError: a key has less than 32 bytes.
        """
        self._lifetime = timedelta(seconds=settings.token_lifetime_seconds)
        self._issuer = settings.issuer
        self._audience = settings.audience
        self._secret_keys = [_hmac_key(value) for value in secret.verifying_keys(CURRENT_KEY)]
        self._asymmetric = keys if keys is not None else SigningKeys()

    @property
    def generation(self) -> int:
        """Differs once the asymmetric keys have: what was verified before is to be verified again."""
        return self._asymmetric.generation

    def issue(
        self,
        subject: str,
        now: datetime,
        *,
        scope: frozenset[str] | None = None,
        key_id: UUID | None = None,
        epoch: int = 0,
        session_id: UUID | None = None,
        not_after: datetime | None = None,
    ) -> IssuedToken:
        """A fresh token for a subject (`user_subject`, `client_subject`).

        Args:
            subject: whose.
            now: when.
            scope: permissions that it is narrowed to.
            key_id: the API key that it is issued for.
            epoch: the holder's credentials epoch.
            session_id: the session that it belongs to.
            not_after: ends it before the configured lifetime does, though it lasts a second at least.
        """
        issued_at = now.astimezone(UTC).replace(microsecond=0)
        expires_at = issued_at + self._lifetime
        if not_after is not None and not_after < expires_at:
            expires_at = max(not_after.astimezone(UTC).replace(microsecond=0), issued_at + timedelta(seconds=1))
        if scope is not None:
            scope &= _PERMISSIONS  # a session may have been narrowed by a newer version of the service
        claims = Claims(subject, new_id(), issued_at, expires_at, scope, key_id, epoch, session_id)
        body: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "jti": str(claims.jti),
            "iat": int(issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
        if scope is not None:
            body["scope"] = " ".join(sorted(scope))
        if key_id is not None:
            body["key"] = str(key_id)
        if epoch:
            body["epoch"] = str(epoch)
        if session_id is not None:
            body["sid"] = str(session_id)
        kid, algorithm, key = self._signing(now)
        text = jws.sign(body, key, headers={"typ": TOKEN_TYPE, "kid": kid}, algorithm=algorithm)
        return IssuedToken(text, claims)

    def _signing(self, now: datetime) -> tuple[str, str, Key]:
        """Id, algorithm and key by which a token of this moment is signed."""
        key = self._asymmetric.signing(now)
        if key is None:
            return CURRENT_KEY, ALGORITHM, self._secret_keys[0]
        return key.kid, key.algorithm, jwk.construct(key.private, key.algorithm)

    def verify(self, token: bytes, now: datetime) -> Claims:
        """The claims of a valid token. Raises `InvalidToken` for everything else."""
        try:
            return self._verified(token, now)
        except Exception as error:  # whatever a hostile token provokes, the answer is the same
            raise InvalidToken from error

    def _verified(self, token: bytes, now: datetime) -> Claims:
        _require(len(token) <= MAX_TOKEN_LENGTH)
        segments = token.split(b".")
        _require(len(segments) == _SEGMENTS and all(_is_canonical(segment) for segment in segments))
        header = strict_json.loads(_decoded(segments[0]))
        _require(isinstance(header, dict) and header.keys() == _HEADER)
        _require(header["typ"] == TOKEN_TYPE and isinstance(header["kid"], str))
        algorithm, keys = self._verifying(header["kid"], now)
        _require(header["alg"] == algorithm)
        return self._claims(strict_json.loads(jws.verify(token.decode("ascii"), keys, [algorithm])), now)

    def _verifying(self, kid: str, now: datetime) -> tuple[str, list[Key]]:
        """The one algorithm of the key, and the key; with the secret's, also that of the secret before it."""
        if kid == CURRENT_KEY:
            return ALGORITHM, self._secret_keys
        key = self._asymmetric.find(kid)
        if key is None or not key.verifies(now):
            raise ValueError("not a key")
        return key.algorithm, [jwk.construct(key.public, key.algorithm)]

    def _claims(self, body: Any, now: datetime) -> Claims:
        _require(isinstance(body, dict) and body.keys() >= _REQUIRED and body.keys() <= _REQUIRED | _OPTIONAL)
        _require(all(isinstance(body[name], str) for name in body.keys() - {"iat", "exp"}))
        _require(body["iss"] == self._issuer and body["aud"] == self._audience)
        kind, _ = parse_subject(body["sub"])
        _require(body.keys() <= _REQUIRED | _OPTIONAL_OF[kind] and body.keys() >= _NEEDED_OF[kind])
        issued_at, expires_at = _moment(body["iat"]), _moment(body["exp"])
        _require(issued_at <= now + CLOCK_SKEW and issued_at < expires_at <= issued_at + MAX_LIFETIME)
        _require(now < expires_at)
        scope = _scope(body["scope"]) if "scope" in body else None
        key_id = _id(body["key"]) if "key" in body else None
        epoch = _epoch(body["epoch"]) if "epoch" in body else 0
        session_id = _id(body["sid"]) if "sid" in body else None
        return Claims(body["sub"], _id(body["jti"]), issued_at, expires_at, scope, key_id, epoch, session_id)


def _hmac_key(value: bytes) -> Key:
    if len(value) < MIN_BYTES:
        raise WeakSecretError(f"A signing key has {len(value)} bytes; at least {MIN_BYTES} are needed.")
    key: Key = jwk.construct(value, ALGORITHM)
    return key


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError("not a valid token")


def _is_canonical(segment: bytes) -> bool:
    """Whether the segment is the one spelling of its bytes: unused bits zero, no padding, no foreign characters."""
    return (
        _SEGMENT.fullmatch(segment) is not None and base64.urlsafe_b64encode(_decoded(segment)).rstrip(b"=") == segment
    )


def _decoded(segment: bytes) -> bytes:
    return base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))


def _id(text: str) -> UUID:
    """The id. Raises ValueError for every other spelling of it than the one that is issued."""
    found = UUID(text)
    _require(str(found) == text)
    return found


def _epoch(text: str) -> int:
    _require(_EPOCH.fullmatch(text) is not None)
    return int(text)


def _scope(text: str) -> frozenset[str]:
    """The permissions, which are known here, each once and in their order (RFC 6749 section 3.3: by single spaces)."""
    found = frozenset(text.split(" "))
    _require(found <= _PERMISSIONS and " ".join(sorted(found)) == text)
    return found


def _moment(value: Any) -> datetime:
    _require(type(value) is int and 0 < value <= _LATEST)
    return datetime.fromtimestamp(value, UTC)
