"""Signing keys from the terminal: made, shown, retired. Every change is audited before its file is in place.

The running processes see the directory change within seconds; nothing has to be started again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from app.access.signing.actions import SigningKeyAction
from app.access.signing.directory import KeyDirectory, KeyFile
from app.access.signing.watch import key_directory
from app.audit.log.service import AuditTrail
from app.commands.environment import Environment, NoEnvironmentError
from app.commands.key_algorithm import KeyAlgorithm
from app.kernel.clock import utc_now
from app.kernel.db.database import OperationClass
from app.kernel.security.authorization import SYSTEM
from app.settings import AccessSettings


def prepare(settings: AccessSettings) -> None:
    """Make the directory when there is none: no process starts without it. Raises `DirectoryError`."""
    _directory(settings).prepare()


async def new_key(environment: Environment, algorithm: KeyAlgorithm) -> KeyFile:
    """A fresh key, published at once, which signs after the activation delay. Raises `DirectoryError`."""
    directory = _directory(environment.settings.access)
    async with environment.resources() as resources, resources.database.write(OperationClass.CONTROL) as session:
        file = directory.fresh(algorithm.value, resources.clock())
        after = {"algorithm": algorithm.value, "signs_from": file.key.signs_from}
        trail = AuditTrail(session, resources.secret)
        await trail.append(SYSTEM, SigningKeyAction.CREATE, "signing-key", file.key.kid, after=after)
        directory.write(file)
    return file


async def retire_key(environment: Environment, kid: str, *, last: bool) -> KeyFile:
    """The key, which signs no more and verifies until its last token is over.

    `kid` may be the beginning of an id that no other shares. With `last` the key may be the only one that signs, so
    that the service secret signs from then on.

    Raises:
        NoEnvironmentError: there is no such key, it is retired already, or no other key signs yet.
        DirectoryError: the directory cannot be read or written.
    """
    access = environment.settings.access
    directory = _directory(access)
    async with environment.resources() as resources, resources.database.write(OperationClass.CONTROL) as session:
        files, now = directory.read(), resources.clock()
        file = _named(files, kid)
        if file.key.verifies_until is not None:
            raise NoEnvironmentError(f"The key {file.key.kid} is retired already.")
        if not last and file.key.signs(now) and not any(f.key.signs(now) for f in files if f is not file):
            raise NoEnvironmentError(
                "No other key signs yet. Make one with `spyne keys new` and wait until it does, "
                "or give --last: then the service secret signs."
            )
        retired = directory.retired(file, now, timedelta(seconds=access.token_lifetime_seconds))
        after = {"verifies_until": retired.key.verifies_until}
        trail = AuditTrail(session, resources.secret)
        await trail.append(SYSTEM, SigningKeyAction.RETIRE, "signing-key", file.key.kid, after=after)
        directory.write(retired)
    return retired


def listed(settings: AccessSettings, now: datetime | None = None) -> list[str]:
    """A line for each key: id, algorithm, what it does. Raises `DirectoryError`."""
    moment = now or utc_now()
    files = _directory(settings).read()
    signing = max((f.key for f in files if f.key.signs(moment)), key=lambda k: (k.signs_from, k.kid), default=None)
    ordered = sorted(files, key=lambda file: (file.key.signs_from, file.key.kid))
    return [f"{f.key.kid}  {f.key.algorithm}  {_state(f, moment, signs=f.key is signing)}" for f in ordered]


def _state(file: KeyFile, now: datetime, *, signs: bool) -> str:
    key = file.key
    if key.verifies_until is not None:
        return f"retired, verifies until {_shown(key.verifies_until)}" if key.verifies(now) else "over"
    if key.private is None:
        return "verifies only"
    if key.signs_from > now:
        return f"signs from {_shown(key.signs_from)}"
    return "signs" if signs else "verifies, may be retired"


def _shown(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _named(files: Iterable[KeyFile], kid: str) -> KeyFile:
    found = [file for file in files if kid and file.key.kid.startswith(kid)]
    if len(found) != 1:
        raise NoEnvironmentError(
            "There is no such key." if not found else "Several keys begin like this; give the whole id."
        )
    return found[0]


def _directory(settings: AccessSettings) -> KeyDirectory:
    directory = key_directory(settings)
    if directory is None:
        raise NoEnvironmentError("ACCESS_SIGNING_KEYS is not set: the directory in which signing keys are kept.")
    return directory
