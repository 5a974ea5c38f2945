"""The snapshot of everything, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.exports.snapshot.taking import SnapshotSource

DOMAIN = Domain(name="snapshot", export_sources=(SnapshotSource(),))
