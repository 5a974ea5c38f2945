"""What services are built from: one frozen set per process, used alike by HTTP, jobs, commands and tests."""

from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from app.kernel.clock import Clock, utc_now
from app.kernel.db.database import Database
from app.kernel.db.query_login import QueryLogin
from app.kernel.runtime.configuration import ConfigKey, ConfigurationInForce
from app.kernel.runtime.extensions import Extensions
from app.kernel.security.authorization import Authenticator, BlockedSubjects, DecoyKeys
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents
from app.kernel.security.signing import SigningKeys
from app.kernel.storage.object_storage import ObjectStorage
from app.settings import Settings

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The process's collaborators."""

    settings: Settings
    secret: ServiceSecret
    database: Database
    query_login: QueryLogin
    storage: ObjectStorage
    authenticator: Authenticator
    policy: PolicyInForce = field(default_factory=PolicyInForce)
    events: SecurityEvents = field(default_factory=SecurityEvents)
    signing_keys: SigningKeys = field(default_factory=SigningKeys)
    blocked_subjects: BlockedSubjects = field(default_factory=BlockedSubjects)
    decoy_keys: DecoyKeys = field(default_factory=DecoyKeys)
    configuration: ConfigurationInForce = field(default_factory=ConfigurationInForce)
    extensions: Extensions = field(default_factory=Extensions)
    clock: Clock = utc_now

    def configured(self, key: ConfigKey[Value]) -> Value:
        """The value in force, which costs nothing to ask for: ask each time, and keep it for one piece of work."""
        return self.configuration.value(key, self.settings)


async def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


ResourcesDep = Annotated[Resources, Depends(_resources)]
