"""Which relations an adoption asks for, and which of those that were found can be adopted. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.catalog.names import logical_name_fault, snake_case
from app.warehouse.inspection import CONTROL_SCHEMAS, FoundRelation, RelationKind, is_system_schema
from app.warehouse.naming import HIDDEN_PREFIX, MAX_IDENTIFIER_BYTES, RelationName

_WILD = re.compile(r"[*?]")
_LIKE = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\", "*": "%", "?": "_"})

PATTERN_KINDS = frozenset(
    {
        RelationKind.TABLE,
        RelationKind.PARTITIONED,
        RelationKind.VIEW,
        RelationKind.MATERIALIZED_VIEW,
        RelationKind.FOREIGN_TABLE,
    }
)
"""What a pattern looks for; indexes and sequences are no answer to `sales.*`."""

ADOPTABLE_KINDS = PATTERN_KINDS - {RelationKind.FOREIGN_TABLE}
"""What can be adopted. A foreign table's rows are on another server, out of reach of limits and snapshots."""


class AdoptionRefusal(StrEnum):
    """Why a relation is not adopted. Clients may rely on these."""

    NOT_FOUND = "not-found"
    SYSTEM_SCHEMA = "system-schema"
    CONTROL_SCHEMA = "control-schema"
    PARTITION = "partition"
    TEMPORARY = "temporary"
    NOT_A_TABLE = "not-a-table"
    FOREIGN_TABLE = "foreign-table"
    READS_PROTECTED = "view-reads-protected"
    NO_COLUMNS = "no-columns"
    ALREADY_ADOPTED = "already-adopted"
    NAME_UNUSABLE = "name-unusable"
    NAME_TAKEN = "name-taken"
    GRANT_NEEDED = "grant-needed"


@dataclass(frozen=True, slots=True)
class RelationPattern:
    """`schema.relation`; each part may hold `*` and `?`."""

    schema: str
    name: str

    @property
    def wild(self) -> bool:
        """Whether it may stand for several relations."""
        return _WILD.search(self.schema) is not None or _WILD.search(self.name) is not None

    @property
    def like(self) -> tuple[str, str]:
        """LIKE patterns of schema and name."""
        return self.schema.translate(_LIKE), self.name.translate(_LIKE)

    def finds(self, relation: RelationName) -> bool:
        """Whether the relation is one of those it stands for."""
        return _matches(self.schema, relation.schema) and _matches(self.name, relation.name)


def parse_pattern(text: str) -> RelationPattern:
    """The pattern. Raises ValueError when it is not `schema.relation`."""
    schema, dot, name = text.partition(".")
    sizes = (len(schema.encode()), len(name.encode()))
    if not dot or "." in name or not all(1 <= size <= MAX_IDENTIFIER_BYTES for size in sizes) or "\x00" in text:
        raise ValueError("Write schema.relation; * and ? stand for any and for one character.")
    return RelationPattern(schema, name)


def _matches(pattern: str, name: str) -> bool:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, name, re.DOTALL) is not None


def refusal(found: FoundRelation) -> AdoptionRefusal | None:
    """Why the relation cannot be adopted, as far as it can be seen from the relation itself."""
    schema = found.relation.schema
    reasons = (
        (is_system_schema(schema), AdoptionRefusal.SYSTEM_SCHEMA),
        (schema in CONTROL_SCHEMAS, AdoptionRefusal.CONTROL_SCHEMA),
        (found.kind is RelationKind.FOREIGN_TABLE, AdoptionRefusal.FOREIGN_TABLE),
        (found.kind not in ADOPTABLE_KINDS, AdoptionRefusal.NOT_A_TABLE),
        (found.temporary, AdoptionRefusal.TEMPORARY),
        (found.partition, AdoptionRefusal.PARTITION),
        (found.reads_protected, AdoptionRefusal.READS_PROTECTED),
        (all(column.name.startswith(HIDDEN_PREFIX) for column in found.columns), AdoptionRefusal.NO_COLUMNS),
    )
    return next((reason for applies, reason in reasons if applies), None)


def logical_name(relation: RelationName, names: Mapping[str, str]) -> str | None:
    """What the relation is called from now on: the given name, else its own, else that in snake case.

    `Order Lines` and `OrderLines` are called `order_lines`. None when what is given, or each of the others, is no name.
    """
    given = names.get(str(relation))
    candidates = (given,) if given is not None else (relation.name, snake_case(relation.name))
    return next((name for name in candidates if name is not None and not logical_name_fault(name)), None)
