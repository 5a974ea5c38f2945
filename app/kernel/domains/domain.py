"""A domain, as the registry knows it: what one package brings into the house. Every domain's `domain.py` makes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import APIRouter

from app.kernel.db.models import Base
from app.kernel.jobs import JobDefinition, Schedule
from app.kernel.ports.dashboard import DashboardTile
from app.kernel.ports.decisions import Watched
from app.kernel.ports.dependants import DependantSource
from app.kernel.ports.events import EventKind
from app.kernel.ports.exports import ExportSource
from app.kernel.ports.retention import RetentionTarget
from app.kernel.runtime.background import BackgroundTask
from app.kernel.runtime.configuration import ConfigKey
from app.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Domain:
    """What a domain brings into the house."""

    name: str
    routers: Sequence[APIRouter] = ()
    models: Sequence[type[Base]] = ()
    """The domain's tables; together they are the metadata, which a test holds."""
    actions: Sequence[type[StrEnum]] = ()
    """What the audit log calls the changes of the domain."""
    jobs: Callable[[Settings], Sequence[JobDefinition]] = lambda _: ()
    """The domain's background work, whose limits may be settings."""
    schedules: Sequence[Schedule] = ()
    background: Sequence[BackgroundTask] = ()
    config_keys: Sequence[ConfigKey[Any]] = ()
    """What an admin may decide while the service runs."""
    watched: Sequence[Watched] = ()
    """Views of decisions that every process keeps in memory."""
    tiles: Sequence[DashboardTile] = ()
    """What the dashboard shows of the domain."""
    event_kinds: Sequence[EventKind] = ()
    """What the domain announces."""
    export_sources: Sequence[ExportSource] = ()
    """What of the domain can be exported."""
    dependant_sources: Sequence[DependantSource] = ()
    """What of the domain relies on tables."""
    retention_targets: Callable[[Settings], Sequence[RetentionTarget]] = lambda _: ()
    """What of the domain is kept for a limited time."""
