"""How much a caller may ask for, by role. Pure.

The answer is the most that any of the caller's roles allows; a role that the table does not name has the lowest line.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields

KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one execution."""

    max_rows: int
    """Most rows of an answer; more are cut, and the answer says so."""
    max_bytes: int
    """Bytes of the answer as it is encoded; more are cut, and the answer says so."""
    max_cost: float
    """The planner's total cost (PostgreSQL manual, 14.1: units of one sequential page read); more is refused."""
    timeout_ms: int
    """Milliseconds for the whole execution."""
    work_mem_kb: int
    """Memory of one sort or hash before it spills to disk, in KiB."""


LOWEST = Limits(max_rows=10_000, max_bytes=8 * MIB, max_cost=1e6, timeout_ms=15_000, work_mem_kb=16 * KIB)

LIMITS: dict[str, Limits] = {
    "VIEWER": LOWEST,
    "ANALYST": Limits(max_rows=100_000, max_bytes=64 * MIB, max_cost=1e7, timeout_ms=30_000, work_mem_kb=32 * KIB),
    "ENGINEER": Limits(max_rows=500_000, max_bytes=256 * MIB, max_cost=5e7, timeout_ms=60_000, work_mem_kb=64 * KIB),
    "ADMIN": Limits(max_rows=1_000_000, max_bytes=512 * MIB, max_cost=1e8, timeout_ms=120_000, work_mem_kb=64 * KIB),
}
"""A sequential scan of one million narrow rows costs some 2e4, so VIEWER may read tens of millions; the caps of rows
and bytes are what a person can look at, a notebook can hold and a service can take in."""


HIGHEST_COST = max(line.max_cost for line in LIMITS.values())


def limits_for(roles: Collection[str], ceiling_seconds: float, ceiling_cost: float = HIGHEST_COST) -> Limits:
    """The limits of a caller with these roles.

    Args:
        roles: names of roles.
        ceiling_seconds: the service's own statement timeout; no role has a longer one.
        ceiling_cost: the service's own bound of costs; no role has a higher one.
    """
    lines = [LIMITS[role] for role in roles if role in LIMITS] or [LOWEST]
    most = {item.name: max(getattr(line, item.name) for line in lines) for item in fields(Limits)}
    most["timeout_ms"] = min(int(most["timeout_ms"]), max(1, int(ceiling_seconds * 1000)))
    most["max_cost"] = min(most["max_cost"], ceiling_cost)
    return Limits(**most)
