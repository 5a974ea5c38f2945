"""Answers about the deployment and its routes."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.kernel.db.database import OperationClass
from app.kernel.security.authorization import Permission


class ProcessFacts(BaseModel):
    """The process that answers."""

    started_at: datetime = Field(description="When it began.")
    uptime_seconds: float = Field(description="Since then.")
    pid: int = Field(description="Its number on its machine.")
    python: str = Field(description="Version of Python.")
    platform: str = Field(description="System and processor.")


class MigrationFacts(BaseModel):
    """The schema."""

    head: str = Field(description="The migration that the code needs.")
    applied: str | None = Field(description="The migration that the database is at.")


class DatabaseFacts(BaseModel):
    """The database, as it tells of itself."""

    version: str = Field(description="Version of PostgreSQL.")
    name: str = Field(description="Name of the database.")
    bytes: int = Field(description="Its size in bytes.")
    started_at: datetime = Field(description="When the server began.")
    encoding: str = Field(description="Encoding of text.")
    collation: str = Field(description="Collation of text.")
    connections: int = Field(description="Connections to this database now.")
    max_connections: int = Field(description="Connections that the server takes.")
    in_recovery: bool = Field(description="Whether it is a standby.")
    fsync: bool = Field(description="Whether commits reach the disk.")


class PoolFacts(BaseModel):
    """A pool of connections of this process."""

    size: int = Field(description="Connections that it may open.")
    in_use: int = Field(description="Connections lent out now.")


class WorkerFacts(BaseModel):
    """A worker."""

    label: str = Field(description="Machine and process.")
    started_at: datetime = Field(description="When it was first seen.")
    seen_at: datetime = Field(description="When it was last seen.")
    running: int = Field(description="Jobs under way in it.")


class DeploymentDocument(BaseModel):
    """What runs here."""

    version: str = Field(description="Version of the service.")
    revision: str | None = Field(description="Revision of the code, when it is known.")
    process: ProcessFacts = Field(description="The process that answers.")
    migrations: MigrationFacts = Field(description="The schema.")
    database: DatabaseFacts = Field(description="The database.")
    pools: dict[str, PoolFacts] = Field(description="Pools of this process, by what they are for.")
    storage: str = Field(description="Kind of the object storage: file, s3, gs or az.")
    workers: list[WorkerFacts] = Field(description="Workers that have not said good-bye.")
    features: dict[str, bool] = Field(description="What the environment has switched on.")


class RouteDocument(BaseModel):
    """One operation."""

    method: str = Field(description="HTTP method.")
    path: str = Field(description="Template of its path.")
    operation_id: str = Field(description="Its id in the OpenAPI document.")
    summary: str = Field(description="What it does.")
    tags: list[str] = Field(description="Its tags.")
    permissions: list[Permission] | None = Field(
        description="What a caller needs; empty: any valid credential; null: none at all."
    )
    operation_class: OperationClass = Field(description="What the maintenance modes take it for.")
    deprecated: bool = Field(description="Whether it is to go away.")
    sunset: str | None = Field(description="When it goes away.")
