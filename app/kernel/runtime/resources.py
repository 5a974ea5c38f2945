"""What services are built from: one frozen set per process, used alike by HTTP, jobs, commands and tests.

A service says in its constructor which of these it uses, by type; `Resources.build` hands them in.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, TypeVar, cast, get_type_hints

from fastapi import Depends, Request

from app.kernel.clock import Clock, utc_now
from app.kernel.db.database import Database, Units
from app.kernel.db.query_login import QueryLogin
from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce
from app.kernel.security.authorization import Authenticator, BlockedSubjects, DecoyKeys
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents
from app.kernel.security.signing import SigningKeys
from app.kernel.storage.object_storage import ObjectStorage
from app.settings import Settings

Built = TypeVar("Built")
Value = TypeVar("Value")
Part = TypeVar("Part")


class Extensions:
    """What upper planes hand down, by its type: collections of what they contribute. `app/wiring.py` fills it."""

    __slots__ = ("_parts",)

    def __init__(self, *parts: object) -> None:
        self._parts = {type(part): part for part in parts}

    def add(self, *parts: object) -> None:
        """Hand in what is made only after the process's resources."""
        self._parts |= {type(part): part for part in parts}

    def of(self, kind: type[Part]) -> Part:
        """The collection of this type. Raises `LookupError` when the registry hands none in: a bug."""
        found = self._parts.get(kind)
        if found is None:
            raise LookupError(f"The registry hands in no {kind.__name__}.")
        return cast("Part", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The process's collaborators."""

    settings: Settings
    secret: ServiceSecret
    database: Database
    query_login: QueryLogin
    storage: ObjectStorage
    authenticator: Authenticator
    configuration: ConfigurationInForce
    policy: PolicyInForce = field(default_factory=PolicyInForce)
    events: SecurityEvents = field(default_factory=SecurityEvents)
    signing_keys: SigningKeys = field(default_factory=SigningKeys)
    blocked_subjects: BlockedSubjects = field(default_factory=BlockedSubjects)
    decoy_keys: DecoyKeys = field(default_factory=DecoyKeys)
    extensions: Extensions = field(default_factory=Extensions)
    clock: Clock = utc_now

    def configured(self, key: ConfigKey[Value]) -> Value:
        """The value of the key that is in force."""
        return self.configuration.value(key)

    def build(self, kind: Callable[..., Built], *given: object) -> Built:
        """What `kind` makes of `given` and of the collaborators that its further parameters name by their types.

        Types are those of the members above, `Units` for the database, and the types of `extensions`. A parameter
        whose type is none of these keeps its default.

        Raises `LookupError`: no domain hands in an extension of the type of a parameter, which is a bug.
        """
        return kind(*given, **{name: part(self) for name, part in _parts(kind, len(given))})


@cache
def _parts(kind: Callable[..., object], skipped: int) -> tuple[tuple[str, Callable[[Resources], object]], ...]:
    """The parameters of `kind` after the first ones, each with what looks its value up."""
    hints = get_type_hints(kind.__init__ if inspect.isclass(kind) else kind)
    further = list(inspect.signature(kind).parameters.values())[skipped:]
    return tuple(
        (each.name, _part(hints[each.name]))
        for each in further
        if each.default is each.empty or hints[each.name] in _members()
    )


def _part(wanted: Any) -> Callable[[Resources], object]:
    if wanted is Resources:  # of what hands them on
        return lambda resources: resources
    member = _members().get(wanted)
    if member is not None:
        return lambda resources: getattr(resources, member)
    return lambda resources: resources.extensions.of(wanted)


@cache
def _members() -> dict[Any, str]:
    return {kind: name for name, kind in get_type_hints(Resources).items()} | {Units: "database"}


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(_resources)]
