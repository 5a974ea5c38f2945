"""One rule of the lint: its stable code, how bad a finding is, what is found and why that matters."""

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
class LintRule:
    """One rule. `code` is stable and in kebab-case; `example` shows what is right."""

    code: str
    severity: Severity
    what: str
    why: str
    example: str
