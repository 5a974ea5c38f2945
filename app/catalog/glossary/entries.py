"""An entry of the glossary, and what may be wrong with one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.catalog.glossary.terms import Meaning, Term, plain_term
from app.kernel.http.etags import etag
from app.kernel.problems import Fault

NEEDED: Final[Mapping[Meaning, tuple[str, ...]]] = {
    Meaning.TABLE: ("table",),
    Meaning.COLUMN: ("table", "column"),
    Meaning.VALUE: ("table", "column", "value"),
    Meaning.EXPRESSION: ("expression",),
    Meaning.JOIN: ("join_id",),
    Meaning.STATEMENT: ("sql",),
}
"""By meaning, the parts that an entry has; it has no others."""

OF_QUESTIONS: Final = frozenset(
    (
        "a", "all", "an", "and", "are", "average", "avg", "between", "by", "count", "different", "distinct", "do",
        "does", "each", "every", "find", "first", "for", "from", "give", "has", "have", "highest", "how", "in", "is",
        "last", "least", "less", "list", "lowest", "many", "max", "mean", "median", "min", "more", "most", "much",
        "no", "not", "number", "of", "on", "or", "over", "per", "show", "sum", "than", "that", "the", "their",
        "there", "to", "top", "total", "under", "was", "were", "what", "when", "where", "which", "who", "whose",
        "with", "without",
    )
)  # fmt: skip
"""Words by which every question is asked: a term of no others would change what all questions mean."""

PARTS: Final = ("table", "column", "value", "expression", "join_id", "sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class GlossaryEntry(Term):
    """An entry in force, or one that was."""

    id: UUID
    version: int
    """Counts the meanings of the term from 1."""
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None

    @property
    def etag(self) -> str:
        """The ETag of the entry."""
        return etag(self.id, "revoked" if self.revoked_at else "in-force")


def entry_faults(entry: Term) -> list[Fault]:
    """The parts that are missing, and those that say nothing for the meaning."""
    needed = NEEDED[entry.meaning]
    faults = []
    for part in PARTS:
        given = getattr(entry, part) is not None
        if part in needed and not given:
            message = f"A term that means a {entry.meaning.value} names its {', '.join(needed)}."
            faults.append(Fault(pointer=f"/{part}", code="missing", message=message))
        elif given and part not in needed:
            message = f"A term that means a {entry.meaning.value} has only {', '.join(needed)}."
            faults.append(Fault(pointer=f"/{part}", code="not-of-this-meaning", message=message))
    if entry.meaning not in {Meaning.STATEMENT, Meaning.JOIN} and set(plain_term(entry.term).split()) <= OF_QUESTIONS:
        message = "Every question is asked by such words: a term has one at least that names something."
        faults.append(Fault(pointer="/term", code="word-of-questions", message=message))
    if entry.expression is not None and plain_term(entry.term) == plain_term(entry.expression):
        message = "The expression is the term: say what it means in other words, or in more."
        faults.append(Fault(pointer="/expression", code="says-itself", message=message))
    return faults
