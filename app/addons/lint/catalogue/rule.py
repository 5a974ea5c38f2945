"""One rule of the lint: its stable code, how bad a finding is, what is found and why that matters."""

from dataclasses import dataclass

from app.addons.lint.findings import Severity


@dataclass(frozen=True)
class LintRule:
    """One rule. `code` is stable and in kebab-case; `example` shows what is right."""

    code: str
    severity: Severity
    what: str
    why: str
    example: str
