"""What the lint finds: one defect at one place of the package, with what is right instead."""

from dataclasses import dataclass

from app.addons.lint.catalogue.rule import Severity
from app.addons.lint.catalogue.table import RULES

MAX_MESSAGE_CHARACTERS = 500
MAX_NAME_CHARACTERS = 120
"""Of a stanza's or key's name in a finding; hostile packages have longer ones."""


__all__ = ["LintFinding", "Location", "Severity", "found"]


@dataclass(frozen=True)
class Location:
    """Where in the package: a path, and as far as they apply the line (from 1), stanza and key."""

    path: str
    line: int | None = None
    stanza: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class LintFinding:
    """One defect. `code` is stable (`app/addons/lint/catalogue/`); `example` shows what is right."""

    severity: Severity
    code: str
    path: str
    line: int | None
    stanza: str | None
    key: str | None
    message: str
    example: str


def found(code: str, location: Location, message: str) -> LintFinding:
    """The finding of that rule at that place; names and message cut to length."""
    rule = RULES[code]
    stanza = None if location.stanza is None else location.stanza[:MAX_NAME_CHARACTERS]
    key = None if location.key is None else location.key[:MAX_NAME_CHARACTERS]
    text = message[:MAX_MESSAGE_CHARACTERS]
    return LintFinding(rule.severity, code, location.path, location.line, stanza, key, text, rule.example)
