"""Every rule of the lint, by code."""

from collections.abc import Mapping
from types import MappingProxyType

from app.addons.lint.catalogue.indexing import FIELDS, INDEXING, TRANSFORMS
from app.addons.lint.catalogue.knowledge import DOCUMENTS, FILES, LOOKUPS, SEARCHES
from app.addons.lint.catalogue.rule import LintRule
from app.addons.lint.catalogue.syntax import CONF, KEYS, REGEXES, STANZAS

ALL_RULES = (
    *CONF, *KEYS, *STANZAS, *REGEXES, *INDEXING, *TRANSFORMS, *FIELDS, *LOOKUPS, *SEARCHES, *DOCUMENTS, *FILES,
)  # fmt: skip
RULES: Mapping[str, LintRule] = MappingProxyType({rule.code: rule for rule in ALL_RULES})
