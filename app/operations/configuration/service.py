"""Use cases of the configuration: show, decide, go back."""

from typing import Any

from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, InvalidRequest, NotFound
from app.kernel.runtime.configuration import ConfigKey
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.configuration.actions import ConfigurationAction
from app.operations.configuration.models import ConfigurationVersion
from app.operations.configuration.reading import DecisionReader
from app.operations.configuration.repository import ConfigurationReads, ConfigurationWrites
from app.operations.configuration.rules import ConfigKeys, shown
from app.operations.configuration.schemas import ConfigDocument, DecisionDocument
from app.settings import Settings


class UnreadableDecision(Conflict):
    """A decision of the history cannot be taken again: it does not fit the key any more, or cannot be decrypted."""

    code, title = "unreadable-decision", "That decision cannot be taken again"


class ConfigurationViews:
    """Shows keys, values and history."""

    def __init__(self, session: ReadSession, keys: ConfigKeys, secret: ServiceSecret, settings: Settings) -> None:
        self._decisions = ConfigurationReads(session)
        self._settings = settings
        self._keys = keys
        self._reader = DecisionReader(keys, secret)

    async def all(self, prefix: str | None) -> list[ConfigDocument]:
        """Every key whose name begins so."""
        rows = {row.key: row for row in await self._decisions.current()}
        return [self._document(key, rows.get(key.name)) for key in self._keys if key.name.startswith(prefix or "")]

    async def one(self, name: str) -> Tagged[ConfigDocument]:
        """A key with what is in force. Raises `ConfigurationKeyNotFound`."""
        key = self._keys.of(name)
        return _tagged(self._document(key, await self._decisions.last(key.name)))

    async def history(self, name: str, request: PageRequest) -> Page[DecisionDocument]:
        """A page of the decisions about a key, the last one first. Raises `ConfigurationKeyNotFound`."""
        key = self._keys.of(name)
        found = await self._decisions.history(key.name, request)
        return found.shaped(lambda row: self._decision(key, row))

    def _document(self, key: ConfigKey[Any], row: ConfigurationVersion | None) -> ConfigDocument:
        decided, default = self._reader.read(key, row), key.default(self._settings)
        return ConfigDocument(
            key=key.name,
            description=key.description,
            value=shown(key, default if decided.is_default else decided.value),
            default=shown(key, default),
            is_default=decided.is_default,
            version=0 if row is None else row.version,
            secret=key.secret,
            restart_needed=key.restart_needed,
            value_schema=dict(key.schema),
            fault=decided.fault,
            decided_at=None if row is None else row.decided_at,
            decided_by=None if row is None else row.decided_by,
        )

    def _decision(self, key: ConfigKey[Any], row: ConfigurationVersion) -> DecisionDocument:
        # A secret is masked whole where it cannot be read.
        value = shown(key, row.value if row.sealed is None else self._reader.read(key, row).value or "")
        return DecisionDocument(
            version=row.version,
            value=None if row.is_default else value,
            is_default=row.is_default,
            reason=row.reason,
            decided_at=row.decided_at,
            decided_by=row.decided_by,
        )


class ConfigurationService(ConfigurationViews):
    """Decides as well, in the caller's transaction, audited; one decision at a time."""

    _decisions: ConfigurationWrites

    def __init__(self, session: WriteSession, keys: ConfigKeys, secret: ServiceSecret, settings: Settings) -> None:
        super().__init__(session, keys, secret, settings)
        self._decisions = ConfigurationWrites(session)
        self._audit = AuditTrail(session)

    async def decide(
        self, actor: Actor, name: str, value: Any, reason: str | None, if_match: str | None
    ) -> Tagged[ConfigDocument]:
        """The key with its new value.

        Raises:
            ConfigurationKeyNotFound: names the nearest keys.
            InvalidRequest: the value does not fit; every fault is listed.
            PreconditionFailed: `if_match` names another version.
        """
        key = self._keys.of(name)
        faults = self._keys.faults(key, value)
        if faults:
            raise InvalidRequest(faults=faults)
        before = await self._before(key, if_match)
        return await self._take(actor, ConfigurationAction.CHANGED, key, before, self._row(key, value, reason))

    async def reset(self, actor: Actor, name: str, if_match: str | None) -> Tagged[ConfigDocument]:
        """The key with its default in force. Raises `ConfigurationKeyNotFound`, `PreconditionFailed`."""
        key = self._keys.of(name)
        before = await self._before(key, if_match)
        row = ConfigurationVersion(key=key.name, is_default=True)
        return await self._take(actor, ConfigurationAction.RESET, key, before, row)

    async def revert(
        self, actor: Actor, name: str, version: int, reason: str | None, if_match: str | None
    ) -> Tagged[ConfigDocument]:
        """The key as it was decided then, as a new decision.

        Raises:
            ConfigurationKeyNotFound: names the nearest keys.
            NotFound: there is no such version.
            UnreadableDecision: what was decided then cannot hold now.
            PreconditionFailed: `if_match` names another version.
        """
        key = self._keys.of(name)
        before = await self._before(key, if_match)
        then = await self._decisions.version(key.name, version)
        if then is None:
            raise NotFound(f"{key.name} has no version {version}.")
        decided = self._reader.read(key, then)
        if decided.fault is not None:
            raise UnreadableDecision(decided.fault)
        row = self._row(key, then.value if then.sealed is None else decided.value, reason)
        if then.is_default:
            row = ConfigurationVersion(key=key.name, is_default=True, reason=reason)
        return await self._take(actor, ConfigurationAction.REVERTED, key, before, row)

    async def _before(self, key: ConfigKey[Any], if_match: str | None) -> ConfigurationVersion | None:
        await self._decisions.one_at_a_time()
        before = await self._decisions.last(key.name)
        check_if_match(if_match, etag(0 if before is None else before.version))
        return before

    def _row(self, key: ConfigKey[Any], value: Any, reason: str | None) -> ConfigurationVersion:
        kept: dict[str, Any] = {"sealed": self._reader.seal(value)} if key.secret else {"value": value}
        return ConfigurationVersion(key=key.name, is_default=False, reason=reason, **kept)

    async def _take(
        self,
        actor: Actor,
        action: ConfigurationAction,
        key: ConfigKey[Any],
        before: ConfigurationVersion | None,
        row: ConfigurationVersion,
    ) -> Tagged[ConfigDocument]:
        row.version, row.decided_by = 1 if before is None else before.version + 1, actor.label
        was = _audited(self._document(key, before))
        await self._decisions.add(row)
        now = self._document(key, row)
        after = _audited(now) | {"reason": row.reason}
        await self._audit.append(actor, action, "configuration", None, key.name, before=was, after=after)
        return _tagged(now)


def _tagged(document: ConfigDocument) -> Tagged[ConfigDocument]:
    return Tagged(document, etag(document.version))


def _audited(document: ConfigDocument) -> dict[str, Any]:
    """The fields for the audit log; of a secret only which decision it is."""
    value = "[secret]" if document.secret and not document.is_default else document.value
    return {"version": document.version, "is_default": document.is_default, "setting": value}
