"""What the lint finds: one defect at one place of the package, with what is right instead."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    """Splunk refuses, ignores or misreads the setting: the add-on does not do what the file says."""
    WARNING = "warning"
    """Splunk takes the setting, and what follows is rarely what was meant."""
    NOTE = "note"
    """Worth knowing where the add-on is installed or changed."""


@dataclass(frozen=True)
class Location:
    """Where in the package: a path, and as far as they apply the line (from 1), stanza and key."""

    path: str
    line: int | None = None
    stanza: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class LintFinding:
    """One defect. `code` is stable (`app/addons/lint/catalogue.py`); `example` shows what is right."""

    severity: Severity
    code: str
    path: str
    line: int | None
    stanza: str | None
    key: str | None
    message: str
    example: str
