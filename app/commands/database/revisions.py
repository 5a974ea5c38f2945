"""`spyne db`: what the migrations are, which of them the database has, and how to come to another."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from alembic import command
from alembic.script import Script, ScriptDirectory

from app.commands.database.shell import looked_at
from app.commands.environment import NoEnvironmentError, configured, upgrade
from app.kernel.db import migrations
from app.kernel.db.migrating import log
from app.kernel.db.migrating.log import BASE, Direction, LogEntry
from app.kernel.redaction import safe_text

_NONE: Final = "The database has no migration yet"


@dataclass(frozen=True, slots=True)
class Found:
    """What a database says of its migrations."""

    current: str | None
    """The revision that it is at; None before any."""
    log: Mapping[str, LogEntry]


@dataclass(frozen=True, slots=True)
class Reversal:
    """What a downgrade would do."""

    reverted: tuple[Script, ...]
    """The newest first, as they are reverted."""

    @property
    def target(self) -> str:
        """The revision that the database is at afterwards."""
        down = self.reverted[-1].down_revision
        return down if isinstance(down, str) else BASE

    def as_text(self) -> str:
        """What is reverted, for people."""
        if not self.reverted:
            return "Nothing is to be reverted: the database is there already."
        return "\n".join(
            ["These migrations are reverted, and what only they made room for is lost:", *_listed(self.reverted)]
        )


def current() -> str:
    """Which revision the database is at, and which this code needs. Raises `NoEnvironmentError`."""
    found, scripts = _look(), _scripts()
    head = migrations.head()
    if found.current == head:
        return "\n".join(["The database is at head:", *_listed([scripts.get_revision(head)])])
    if found.current is not None and not migrations.is_known(found.current):
        return f"The database is at {found.current}, which this code does not know: a later version of Spyne was here."
    missing = _between(scripts, head, found.current)
    at = _NONE if found.current is None else f"The database is at {found.current}"
    return "\n".join([f"{at}; `spyne db upgrade` applies:", *_listed(missing)])


def history() -> str:
    """Every revision, the newest first, with when and by whom it was applied. Raises `NoEnvironmentError`."""
    found, scripts = _look(), _scripts()
    known = found.current is not None and migrations.is_known(found.current)
    applied = {each.revision for each in _between(scripts, found.current, None)} if known else set()
    lines = [
        (
            f"{'*' if each.revision == found.current else ' '} {each.revision}",
            state(found.log.get(each.revision), applied=each.revision in applied),
            each.doc,
        )
        for each in scripts.walk_revisions()
    ]
    width = max(len(middle) for _, middle, _ in lines)
    return "\n".join(f"{name}  {middle:<{width}}  {doc}".rstrip() for name, middle, doc in lines)


def state(entry: LogEntry | None, *, applied: bool) -> str:
    """What the log says of a revision that the database has, or has not."""
    if entry is None or (entry.direction is Direction.DOWNGRADE) == applied:
        return "applied, not in the log" if applied else "not applied"
    word = {Direction.UPGRADE: "applied", Direction.DOWNGRADE: "reverted", Direction.STAMP: "stamped"}[entry.direction]
    moment = entry.applied_at.strftime("%Y-%m-%d %H:%M:%SZ")
    by = safe_text(entry.applied_by)
    return f"{word} {moment} by {by} in {entry.duration_ms:,} ms, version {entry.service_version}"


def upgraded(revision: str) -> str:
    """What was applied to bring the database to the revision. Raises `NoEnvironmentError`, and what Alembic refuses."""
    with configured() as here, here.migrating():
        url = here.urls.owner
        before = _found(url).current
        upgrade(url, revision)
        after = _found(url).current
    applied = _between(_scripts(), after, before)
    if not applied:
        return f"Nothing was to be applied: the database is at {after or BASE}."
    return "\n".join([f"The database is at {after}; applied:", *_listed(applied)])


def reversal(revision: str) -> Reversal:
    """What a downgrade to the revision would revert. Raises `NoEnvironmentError`, and what Alembic refuses."""
    found = _look()
    if found.current is None:
        raise NoEnvironmentError(f"{_NONE}: nothing can be reverted.")
    reverted = _scripts().iterate_revisions(found.current, revision, select_for_downgrade=True)
    return Reversal(tuple(reverted))


def downgraded(planned: Reversal) -> str:
    """Where the database is after the downgrade. Raises `NoEnvironmentError`, and what Alembic refuses."""
    with configured() as here, here.migrating():
        command.downgrade(migrations.configuration(here.urls.owner), planned.target)
        after = _found(here.urls.owner).current
    return f"The database is at {after or BASE}. This code needs {migrations.head()}: `spyne db upgrade` comes back."


def stamped(revision: str) -> str:
    """Where the database is said to be from now on. Raises `NoEnvironmentError`, and what Alembic refuses."""
    with configured() as here, here.migrating():
        command.stamp(migrations.configuration(here.urls.owner), revision)
        after = _found(here.urls.owner).current
    return f"The database is said to be at {after or BASE}; nothing was run."


def empty_revision(message: str) -> str:
    """The path of a new migration, to be filled in by hand. Needs no database."""
    return _written("", message=message)


def derived_revision(message: str) -> str:
    """The path of a new migration, from the models to the database at head. Raises `NoEnvironmentError`."""
    with looked_at() as url:
        return _written(url, message=message, autogenerate=True)


def _written(url: str, **options: Any) -> str:
    try:
        made = command.revision(migrations.configuration(url), **options)
    except OSError as error:
        if error.filename is None:  # of the network
            raise
        raise NoEnvironmentError(f"{error.filename} cannot be written: {error.strerror}.") from error
    assert isinstance(made, Script)
    return made.path


def _look() -> Found:
    with looked_at() as url:
        return _found(url)


def _found(url: str) -> Found:
    async def ask() -> Found:
        connection: asyncpg.Connection = await migrations.connect(url)
        try:
            async with connection.transaction(readonly=True):
                return Found(await log.current(connection), await log.latest(connection))
        finally:
            await connection.close()

    return asyncio.run(ask())


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(migrations.configuration(""))


def _between(scripts: ScriptDirectory, upper: str | None, lower: str | None) -> list[Script]:
    """The revisions above the lower one, up to the upper one: the order in which they are applied."""
    if upper is None or upper == lower:
        return []
    return list(reversed([*scripts.iterate_revisions(upper, lower or BASE)]))


def _listed(scripts: Iterable[Script] | Sequence[Script]) -> list[str]:
    return [f"  {script.revision}  {script.doc}" for script in scripts]
