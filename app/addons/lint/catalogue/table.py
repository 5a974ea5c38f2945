"""Every rule of the lint, by code."""

from collections.abc import Mapping
from types import MappingProxyType

from app.addons.lint.catalogue.indexing import FIELDS, INDEXING, TRANSFORMS
from app.addons.lint.catalogue.knowledge import DOCUMENTS, FILES, LOOKUPS, SEARCHES
from app.addons.lint.catalogue.rule import LintRule
from app.addons.lint.catalogue.syntax import CONF, KEYS, REGEXES, STANZAS
from app.addons.lint.findings import LintFinding, Location

MAX_MESSAGE_CHARACTERS = 500
MAX_NAME_CHARACTERS = 120
"""Of a stanza's or key's name in a finding; hostile packages have longer ones."""

ALL_RULES = (
    *CONF, *KEYS, *STANZAS, *REGEXES, *INDEXING, *TRANSFORMS, *FIELDS, *LOOKUPS, *SEARCHES, *DOCUMENTS, *FILES,
)  # fmt: skip
RULES: Mapping[str, LintRule] = MappingProxyType({rule.code: rule for rule in ALL_RULES})


def found(code: str, location: Location, message: str) -> LintFinding:
    """The finding of that rule at that place; names and message cut to length."""
    rule = RULES[code]
    stanza = None if location.stanza is None else location.stanza[:MAX_NAME_CHARACTERS]
    key = None if location.key is None else location.key[:MAX_NAME_CHARACTERS]
    text = message[:MAX_MESSAGE_CHARACTERS]
    return LintFinding(rule.severity, code, location.path, location.line, stanza, key, text, rule.example)
