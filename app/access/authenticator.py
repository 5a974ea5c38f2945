"""Resolves the credential of a request to an actor, several thousand times a second.

A credential is verified once and remembered by its text; whether it still counts is asked of the directory, whose
answer is never older than the configured half second. So a warm request costs two look-ups, and a disabled user, a
changed role, a revoked key or token counts everywhere within a second. A database that is away is an operational
failure (503), never a refusal, and no failure is remembered.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from fastapi import Request

from app.access.keys import matches, prefix_of
from app.access.onetime import check_open
from app.access.repository import DirectoryRepository
from app.access.standing import Credential, Standing, admitted
from app.access.subjects import parse_subject
from app.access.tokens import AccessTokens, InvalidToken
from app.access.uses import KeyUses
from app.audit.origin import note_client
from app.kernel.authorization import Actor, ActorKind, Recognised
from app.kernel.clock import Clock, utc_now
from app.kernel.database import Database
from app.kernel.problems import BadRequest, Unauthenticated
from app.kernel.secrets import ServiceSecret
from app.settings import AccessSettings

REMEMBERED = 10_000
"""Credentials and subjects kept, each: some 15 MB at most; further ones push out the least recently used."""

_BEARER = b"bearer "

Kept = TypeVar("Kept")


class TwoCredentials(BadRequest):
    """A request carries one credential, or none (RFC 6750 section 2)."""

    code, title = "two-credentials", "The request carries more than one credential"


class UnknownKey(Unauthenticated):
    """The API key is not one of ours, or not valid any more."""

    code, title = "invalid-key", "The API key is not valid"


class LeastRecentlyUsed(Generic[Kept]):
    """A bounded dictionary."""

    def __init__(self, capacity: int) -> None:
        self._items: OrderedDict[bytes | str, Kept] = OrderedDict()
        self._capacity = capacity

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: bytes | str) -> Kept | None:
        """The value, which is now the most recently used one, or None."""
        found = self._items.get(key)
        if found is not None:
            self._items.move_to_end(key)
        return found

    def put(self, key: bytes | str, value: Kept) -> None:
        """Keep the value; the least recently used one goes when there are too many."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._capacity:
            self._items.popitem(last=False)


class _Looked:
    """A standing, and when the look at the database began."""

    __slots__ = ("at", "standing")

    def __init__(self, at: float, standing: Standing | None) -> None:
        self.at = at
        self.standing = standing


class Directory:
    """The standing of subjects, as the database had it at most `ttl` seconds ago."""

    def __init__(self, load: Callable[[str], Awaitable[Standing | None]], ttl: float) -> None:
        self._load = load
        self._ttl = ttl
        self._looked: LeastRecentlyUsed[_Looked] = LeastRecentlyUsed(REMEMBERED)
        self._under_way: dict[str, asyncio.Task[Standing | None]] = {}

    async def standing(self, subject: str) -> Standing | None:
        """The subject's standing; None when there is no such one. One look at a time serves all who ask for it."""
        looked = self._looked.get(subject)
        if looked is not None and time.monotonic() - looked.at < self._ttl:
            return looked.standing
        task = self._under_way.get(subject)
        if task is None:
            task = asyncio.create_task(self._look(subject), name="directory-look")
            self._under_way[subject] = task
            task.add_done_callback(lambda done: self._finished(subject, done))
        return await asyncio.shield(task)  # whoever is cancelled leaves the look to the others

    async def _look(self, subject: str) -> Standing | None:
        began = time.monotonic()
        standing = await self._load(subject)
        self._looked.put(subject, _Looked(began, standing))
        return standing

    def _finished(self, subject: str, task: asyncio.Task[Standing | None]) -> None:
        self._under_way.pop(subject, None)
        if not task.cancelled():
            task.exception()  # marks it as retrieved, in case that everybody who waited is gone


class _Remembered:
    """A genuine credential, and the actor that it gave under the standing seen last."""

    __slots__ = ("actor", "credential", "ends_at", "standing")

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.ends_at = credential.expires_at.timestamp() if credential.expires_at is not None else float("inf")
        self.standing: Standing | None = None
        self.actor: Actor | None = None


class DirectoryAuthenticator:
    """The authenticator of the service: bearer tokens and API keys, against the directory in the database."""

    def __init__(
        self, database: Database, secret: ServiceSecret, settings: AccessSettings, clock: Clock = utc_now
    ) -> None:
        """Derives the keys; looks at nothing yet."""
        self._database = database
        self._tokens = AccessTokens(secret, settings)
        self._clock = clock
        self.uses = KeyUses()
        self._directory = Directory(self._load, settings.caller_cache_seconds)
        self._by_token: LeastRecentlyUsed[_Remembered] = LeastRecentlyUsed(REMEMBERED)
        self._by_key: LeastRecentlyUsed[_Remembered] = LeastRecentlyUsed(REMEMBERED)

    async def __call__(self, request: Request) -> Actor:
        """The actor behind the request's one credential.

        Raises:
            Unauthenticated: there is none, or it is not valid any more.
            TwoCredentials: there is more than one.
        """
        scope = request.scope
        note_client(scope)
        bearer, key = _presented(scope["headers"])
        if bearer is not None:
            remembered = self._by_token.get(bearer) or self._genuine_token(bearer)
            refusal: type[Unauthenticated] = InvalidToken
        else:
            assert key is not None
            remembered = self._by_key.get(key) or await self._genuine_key(key)
            refusal = UnknownKey
        if self._clock().timestamp() >= remembered.ends_at:
            raise refusal
        standing = await self._directory.standing(remembered.credential.subject)
        if standing is None or remembered.standing is not standing:
            remembered.actor = admitted(remembered.credential, standing)
            remembered.standing = standing
        if remembered.actor is None:
            raise refusal
        assert standing is not None
        if standing.must_change_password:
            check_open(scope, remembered.actor)
        if remembered.credential.key_id is not None:
            self.uses.note(remembered.credential.key_id, self._clock())
        scope["spyne.credential"] = remembered.credential
        return remembered.actor

    def recognised(self, headers: Sequence[tuple[bytes, bytes]]) -> Recognised | None:
        """Whose credential the headers carry, if it was found genuine and valid here before."""
        try:
            bearer, key = _presented(headers)
        except (TwoCredentials, Unauthenticated):
            return None
        remembered = self._by_key.get(key) if bearer is None and key is not None else self._by_token.get(bearer or b"")
        if remembered is None or remembered.actor is None:
            return None
        limit = remembered.standing.requests_per_minute if remembered.standing is not None else None
        return Recognised(remembered.credential.subject, limit)

    def _genuine_token(self, token: bytes) -> _Remembered:
        claims = self._tokens.verify(token, self._clock())
        credential = Credential(
            "access_token",
            claims.subject,
            str(claims.jti),
            claims.expires_at,
            jti=claims.jti,
            key_id=claims.key_id,
            scope=claims.scope,
            epoch=claims.epoch,
        )
        remembered = _Remembered(credential)
        self._by_token.put(token, remembered)
        return remembered

    async def _genuine_key(self, key: bytes) -> _Remembered:
        text = key.decode("latin-1")
        prefix = prefix_of(text)
        if prefix is None:
            raise UnknownKey
        async with self._database.read() as session:
            known = await DirectoryRepository(session).key(prefix)
        if known is None or not matches(text, known.digest):
            raise UnknownKey
        subject = f"client:{known.client_id}"
        remembered = _Remembered(Credential("api_key", subject, str(known.id), known.expires_at, key_id=known.id))
        self._by_key.put(key, remembered)
        return remembered

    async def _load(self, subject: str) -> Standing | None:
        kind, id_ = parse_subject(subject)
        async with self._database.read() as session:
            directory = DirectoryRepository(session)
            return await (directory.user(id_) if kind is ActorKind.USER else directory.client(id_))


def _presented(headers: Sequence[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """The bearer token or the API key among the headers: exactly one of them, once."""
    authorization = key = None
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None or key is not None:
                raise TwoCredentials
            authorization = value
        elif name == b"x-api-key":
            if authorization is not None or key is not None:
                raise TwoCredentials
            key = value
    if authorization is None:
        if key is None:
            raise Unauthenticated
        return None, key
    if authorization[:7].lower() != _BEARER:
        raise InvalidToken("The Authorization header does not carry a bearer token.")
    return authorization[7:], None
