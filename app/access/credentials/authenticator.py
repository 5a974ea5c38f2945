"""Resolves the credential of a request to an actor, several thousand times a second.

A credential is verified once and remembered by its text; whether it still counts is asked of the directory, whose
answer is never older than the configured half second. So a warm request costs two look-ups, and a disabled user, a
changed role, a revoked key or token counts everywhere within a second. A database that is away is an operational
failure (503), never a refusal, and no failure is remembered.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from uuid import UUID

from fastapi import Request
from starlette.types import Scope

from app.access.credentials.decoys import note_decoy
from app.access.credentials.keys import matches, prefix_of
from app.access.credentials.last_used import KeysLastUsed
from app.access.credentials.one_time_passwords import check_open
from app.access.credentials.tokens import AccessTokens, InvalidToken
from app.access.sessions.csrf import SAFE_METHODS, ForgedRequest, require_own_site, require_token
from app.access.sessions.last_used import SessionsLastUsed
from app.access.sessions.secrets import CSRF_KEY, csrf_token, digest_of
from app.access.sessions.service import SessionReading
from app.access.subject_repository import SubjectReads
from app.access.subject_status import Credential, SubjectStatus, admitted
from app.access.subjects import client_subject, parse_subject, user_subject
from app.audit.log.origin import note_client
from app.kernel.clock import Clock, utc_now
from app.kernel.db.database import Database
from app.kernel.problems import BadRequest, Unauthenticated
from app.kernel.security.authorization import Actor, DecoyKeys, Recognised
from app.kernel.security.credential_headers import CredentialKind, ShownCredential, shown_credential
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import EventKind, NotesEvents, SecurityEvents
from app.kernel.security.signing import SigningKeys
from app.settings import AccessSettings

REMEMBERED = 10_000
"""Credentials and subjects kept, each: some 15 MB at most; further ones push out the least recently used."""

Kept = TypeVar("Kept")


class TwoCredentials(BadRequest):
    """A request carries one credential, or none."""

    code, title = "two-credentials", "The request carries more than one credential"


class UnknownKey(Unauthenticated):
    """The API key is not one of ours, or not valid any more."""

    code, title = "invalid-key", "The API key is not valid"


class InvalidSession(Unauthenticated):
    """The session cookie is not one of ours, or its session is over."""

    code, title = "invalid-session", "The session is not valid"


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

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()

    def put(self, key: bytes | str, value: Kept) -> None:
        """Keep the value; the least recently used one goes when there are too many."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._capacity:
            self._items.popitem(last=False)

    def drop(self, key: bytes | str) -> None:
        """Forget the value."""
        self._items.pop(key, None)


class _Looked:
    """The status of a subject, and when the look at the database began."""

    __slots__ = ("at", "status")

    def __init__(self, at: float, status: SubjectStatus | None) -> None:
        self.at = at
        self.status = status


class Directory:
    """The statuses of subjects, as the database had it at most `ttl` seconds ago."""

    def __init__(self, load: Callable[[str], Awaitable[SubjectStatus | None]], ttl: float) -> None:
        self._load = load
        self._ttl = ttl
        self._looked: LeastRecentlyUsed[_Looked] = LeastRecentlyUsed(REMEMBERED)
        self._under_way: dict[str, asyncio.Task[SubjectStatus | None]] = {}

    async def status(self, subject: str) -> SubjectStatus | None:
        """The subject's status; None when there is no such one. One look at a time serves all who ask for it."""
        looked = self._looked.get(subject)
        if looked is not None and time.monotonic() - looked.at < self._ttl:
            return looked.status
        task = self._under_way.get(subject)
        if task is None:
            task = asyncio.create_task(self._look(subject), name="directory-look")
            self._under_way[subject] = task
            task.add_done_callback(lambda done: self._finished(subject, done))
        return await asyncio.shield(task)  # whoever is cancelled leaves the look to the others

    def forget(self, subject: str) -> None:
        """Look again at the next question: something is known that may be younger than the last look."""
        self._looked.drop(subject)
        self._under_way.pop(subject, None)

    async def _look(self, subject: str) -> SubjectStatus | None:
        began = time.monotonic()
        status = await self._load(subject)
        known = self._looked.get(subject)
        if known is None or known.at <= began:
            self._looked.put(subject, _Looked(began, status))
        return status

    def _finished(self, subject: str, task: asyncio.Task[SubjectStatus | None]) -> None:
        if self._under_way.get(subject) is task:
            del self._under_way[subject]
        if not task.cancelled():
            task.exception()  # marks it as retrieved, in case that everybody who waited is gone


class _Remembered:
    """A genuine credential, and the actor that it gave under the status seen last."""

    __slots__ = ("actor", "credential", "csrf", "ends_at", "status", "whose")

    def __init__(self, credential: Credential, csrf: str | None = None) -> None:
        self.credential = credential
        self.csrf = csrf
        self.whose = credential.whose
        self.ends_at = credential.expires_at.timestamp() if credential.expires_at is not None else float("inf")
        self.status: SubjectStatus | None = None
        self.actor: Actor | None = None


class DirectoryAuthenticator:
    """The authenticator of the service: bearer tokens, API keys and session cookies, against the directory."""

    def __init__(
        self,
        database: Database,
        secret: ServiceSecret,
        settings: AccessSettings,
        clock: Clock = utc_now,
        policy: PolicyInForce | None = None,
        signing_keys: SigningKeys | None = None,
        decoys: DecoyKeys | None = None,
        events: NotesEvents | None = None,
    ) -> None:
        """Derives the keys; looks at nothing yet."""
        self.sessions_last_used = SessionsLastUsed()
        self.keys_last_used = KeysLastUsed()
        self._policy = policy or PolicyInForce()
        self._csrf_key = secret.key(CSRF_KEY)
        self._database = database
        self._tokens = AccessTokens(secret, settings, signing_keys)
        self._generation = self._tokens.generation
        self._clock = clock
        self._decoys = decoys or DecoyKeys()
        self._events = events or SecurityEvents()
        self._directory = Directory(self._load, settings.caller_cache_seconds)
        self._by_token, self._by_key, self._by_cookie = (LeastRecentlyUsed[_Remembered](REMEMBERED) for _ in range(3))
        self._known = {
            CredentialKind.BEARER: self._by_token,
            CredentialKind.API_KEY: self._by_key,
            CredentialKind.SESSION: self._by_cookie,
        }

    async def __call__(self, request: Request) -> Actor:
        """The actor behind the request's one credential.

        Raises:
            Unauthenticated: there is none, or it is not valid any more.
            TwoCredentials: there is more than one.
        """
        scope = request.scope
        note_client(scope)
        shown = shown_credential(scope)
        if shown is None:
            raise Unauthenticated
        remembered, refusal = await self._genuine(shown)
        now = self._clock().timestamp()
        if now >= remembered.ends_at:
            raise refusal
        status = await self._directory.status(remembered.whose)
        if status is None or remembered.status is not status:
            remembered.actor = admitted(remembered.credential, status)
            remembered.status = status
        if remembered.actor is None:
            raise refusal
        assert status is not None
        if status.must_change_password:
            check_open(scope, remembered.actor)
        if remembered.credential.key_id is not None:
            self.keys_last_used.note(remembered.credential.key_id, self._clock())
        if remembered.csrf is not None and scope["method"] not in SAFE_METHODS:
            self._check_intended(scope, remembered.csrf, remembered.credential.subject)
        if remembered.credential.session_id is not None:
            self.sessions_last_used.note(remembered.credential.session_id, now)
        scope["spyne.credential"] = remembered.credential
        return remembered.actor

    def _check_intended(self, scope: Scope, csrf: str, subject: str) -> None:
        """Return when a page of ours makes the request. Raises `ForgedRequest`."""
        try:
            require_own_site(scope["headers"])
            require_token(scope["headers"], csrf)
        except ForgedRequest as forged:
            address = scope["client"][0] if scope.get("client") else None
            self._events.note(EventKind.CSRF, address=address, subject=subject, detail={"why": forged.detail})
            raise

    def recognised(self, shown: ShownCredential) -> Recognised | None:
        """Whose credential a request shows, if it was found genuine and valid here before."""
        known = self._known.get(shown.kind)
        remembered = None if known is None else known.get(shown.secret)
        if remembered is None or remembered.actor is None:
            return None
        limit = remembered.status.requests_per_minute if remembered.status is not None else None
        return Recognised(remembered.credential.subject, limit)

    async def _genuine(self, shown: ShownCredential) -> tuple[_Remembered, type[Unauthenticated]]:
        """The genuine credential, and the refusal for when it counts no more."""
        if shown.kind is CredentialKind.BEARER:
            if self._generation != self._tokens.generation:
                self._generation = self._tokens.generation
                self._by_token.clear()  # the key that signed one of them may be gone
            return self._by_token.get(shown.secret) or self._genuine_token(shown.secret), InvalidToken
        if shown.kind is CredentialKind.API_KEY:
            return self._by_key.get(shown.secret) or await self._genuine_key(shown.secret), UnknownKey
        if shown.kind is CredentialKind.SESSION:
            return self._by_cookie.get(shown.secret) or await self._genuine_cookie(shown.secret), InvalidSession
        if shown.kind is CredentialKind.OTHER_SCHEME:
            raise InvalidToken("The Authorization header does not carry a bearer token.")
        several_sessions = shown.kind is CredentialKind.SEVERAL_SESSIONS
        raise TwoCredentials("The request carries several session cookies." if several_sessions else None)

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
            session_id=claims.session_id,
        )
        remembered = _Remembered(credential)
        if credential.key_id is not None:
            self._directory.forget(remembered.whose)
        self._by_token.put(token, remembered)
        return remembered

    async def _genuine_key(self, key: bytes) -> _Remembered:
        text = key.decode("latin-1")
        prefix = prefix_of(text)
        if prefix is None:
            raise UnknownKey
        async with self._database.read() as session:
            known = await SubjectReads(session).key(prefix)
        if known is None or not matches(text, known.digest):
            note_decoy(text, self._decoys, self._events)
            raise UnknownKey
        subject = client_subject(known.client_id)
        remembered = _Remembered(Credential("api_key", subject, str(known.id), known.expires_at, key_id=known.id))
        self._directory.forget(remembered.whose)  # the key may be younger than the last look at its client
        self._by_key.put(key, remembered)
        return remembered

    async def _genuine_cookie(self, cookie: bytes) -> _Remembered:
        digest = digest_of(cookie.decode("latin-1"), "session")
        if digest is None:
            raise InvalidSession
        async with self._database.read() as session:
            known = await SessionReading(session, self._clock, self._policy).by_digest(digest)
        if known is None:
            raise InvalidSession
        credential = Credential(
            "session", user_subject(known.user_id), str(known.id), known.ends_at, epoch=None, session_id=known.id
        )
        remembered = _Remembered(credential, csrf_token(self._csrf_key, known.id))
        self._by_cookie.put(cookie, remembered)
        return remembered

    async def _load(self, whose: str) -> SubjectStatus | None:
        subject, _, session_id = whose.partition("/")
        async with self._database.read() as session:
            if not session_id:
                return await SubjectReads(session).subject(subject)
            _, user_id = parse_subject(subject)
            return await SessionReading(session, self._clock, self._policy).holder(user_id, UUID(session_id))
