"""How a trial in the sandbox ended, as a part of a validation's report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from app.addons.sandbox.comparing import Comparison, Difference


class SandboxStatus(StrEnum):
    """How a trial ended. None of them decides a validation."""

    MATCHED = "matched"
    """Splunk shows the events of the replay, with the same times and fields."""
    DIFFERS = "differs"
    """Splunk shows something else; the differences say what."""
    SKIPPED = "skipped"
    """Nothing was tried: there is no sandbox, or it is not free."""
    BROKEN = "broken"
    """The sandbox cannot be reached, refused something, or did not answer as its protocol says."""


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """The outcome; `reason` says why there is nothing to compare."""

    status: SandboxStatus
    reason: str | None = None
    splunk: str | None = None
    """The version of Splunk."""
    replayed: int = 0
    found: int = 0
    paired: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    """Differences of each kind."""
    differences: tuple[Difference, ...] = ()

    @classmethod
    def of(cls, compared: Comparison, splunk: str, replayed: int, found: int) -> "SandboxReport":
        """The report of events that were compared."""
        status = SandboxStatus.DIFFERS if compared.differences else SandboxStatus.MATCHED
        return cls(status, None, splunk, replayed, found, compared.paired, compared.counts, compared.differences)

    def as_document(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)


class SandboxStopError(Exception):
    """A trial that cannot go on; says how it ends and why."""

    def __init__(self, status: SandboxStatus, reason: str) -> None:
        super().__init__(reason)
        self.report = SandboxReport(status, reason)


def broken(reason: str) -> SandboxStopError:
    """A trial that ends because Splunk does not do as it should."""
    return SandboxStopError(SandboxStatus.BROKEN, reason)


def skipped(reason: str) -> SandboxStopError:
    """A trial that does not begin."""
    return SandboxStopError(SandboxStatus.SKIPPED, reason)
