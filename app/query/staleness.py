"""The basis that a preview was made on, and whether that still holds when it is executed. Pure.

A preview is bound to the regenerated SQL, the version and shape of every table, the version of every accepted join that
it uses, the meaning of every term that its question was read by, and the caller's roles and limits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from app.catalog.glossary.entries import GlossaryEntry
from app.catalog.glossary.terms import Meaning, Term, plain_term
from app.query.corrections.corrections import ProposedTerm
from app.query.results.limits import Limits


@dataclass(frozen=True, slots=True)
class TableBasis:
    """The version of a table that a name stood for."""

    table_id: str
    name: str
    version: int
    relation: str
    """Schema and name of the physical relation."""
    shape: str
    """Digest of its visible columns."""


@dataclass(frozen=True, slots=True)
class JoinBasis:
    """The version of an accepted join that the statement uses."""

    join_id: str
    version: int


@dataclass(frozen=True, slots=True)
class TermBasis:
    """A term that a question was read by, as a preview is bound to it."""

    term: str
    digest: str
    """Of its meaning: a proposal that is accepted as it stands changes nothing."""
    version: int | None = None
    """Of the entry of the glossary; None of a correction that waits for a decision."""
    correction_id: str | None = None
    join_id: str | None = None

    @classmethod
    def of(cls, term: Term) -> "TermBasis":
        """What binds a preview to the term."""
        return cls(
            plain_term(term.term),
            term.digest,
            term.version if isinstance(term, GlossaryEntry) else None,
            str(term.correction_id) if isinstance(term, ProposedTerm) else None,
            term.join_id,
        )


def bases_of(terms: Iterable[Term], join_ids: Iterable[str]) -> tuple[TermBasis, ...]:
    """What binds a preview to the terms, by term; of those that prefer a join, whose join the statement uses."""
    used = set(join_ids)
    found = [TermBasis.of(each) for each in terms if each.meaning is not Meaning.JOIN or each.join_id in used]
    return tuple(sorted(found, key=lambda each: each.term))


def shape_digest(columns: Iterable[tuple[str, str]]) -> str:
    """A digest of names and types, in order."""
    return sha256("\n".join(f"{name} {type_}" for name, type_ in columns).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PreviewBasis:
    """Everything that a preview is bound to."""

    sql_hash: str
    tables: tuple[TableBasis, ...]
    roles: tuple[str, ...]
    limits: Limits
    joins: tuple[JoinBasis, ...] = ()
    terms: tuple[TermBasis, ...] = ()

    def document(self) -> dict[str, Any]:
        """The basis as it is stored."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> "PreviewBasis":
        """The basis within a stored document. Raises KeyError or TypeError for one of another shape."""
        return cls(
            sql_hash=document["sql_hash"],
            tables=tuple(TableBasis(**table) for table in document["tables"]),
            roles=tuple(document["roles"]),
            limits=Limits(**document["limits"]),
            joins=tuple(JoinBasis(**join) for join in document.get("joins", ())),  # older documents have none
            terms=tuple(TermBasis(**term) for term in document.get("terms", ())),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is no longer as it was. `code` is stable."""

    code: str
    message: str


def changes(before: PreviewBasis, now: PreviewBasis, joins: Mapping[str, int]) -> tuple[Change, ...]:
    """The changes since the preview; empty when it still holds. `joins` are those in force now: versions by id."""
    found = [*_table_changes(before, now), *_join_changes(before, joins), *_term_changes(before, now)]
    if not found and before.sql_hash != now.sql_hash:
        found.append(Change("sql", "The statement is written differently now."))
    if before.roles != now.roles:
        found.append(Change("roles", "Your roles have changed."))
    if before.limits != now.limits:
        found.append(Change("limits", "Your limits have changed."))
    return tuple(found)


def _table_changes(before: PreviewBasis, now: PreviewBasis) -> list[Change]:
    current = {table.name: table for table in now.tables}
    found: list[Change] = []
    for table in before.tables:
        other = current.get(table.name)
        if other is None:
            found.append(Change("table-gone", f"{table.name} is no longer readable by this statement."))
        elif (other.table_id, other.version, other.relation) != (table.table_id, table.version, table.relation):
            found.append(
                Change("table-version", f"{table.name} was version {table.version} and is version {other.version} now.")
            )
        elif other.shape != table.shape:
            found.append(Change("table-schema", f"The columns of {table.name} have changed."))
    return found


def _join_changes(before: PreviewBasis, joins: Mapping[str, int]) -> list[Change]:
    """What became of the joins that the preview showed; one that was accepted since changes nothing that it said."""
    found: list[Change] = []
    for join in before.joins:
        version = joins.get(join.join_id)
        if version is None:
            found.append(Change("join-gone", f"The join {join.join_id} is no longer in force."))
        elif version != join.version:
            message = f"The join {join.join_id} was version {join.version} and is version {version} now."
            found.append(Change("join-version", message))
    return found


def _term_changes(before: PreviewBasis, now: PreviewBasis) -> list[Change]:
    """Which terms of the question mean something else by now, or mean something that meant nothing."""
    was, has = ({term.term: term.digest for term in each.terms} for each in (before, now))
    messages = {
        "term-gone": [term for term in was if term not in has],
        "term-meaning": [term for term in was if term in has and has[term] != was[term]],
        "term-new": [term for term in has if term not in was],
    }
    said = {
        "term-gone": "is revoked.",
        "term-meaning": "has another meaning now.",
        "term-new": "has a meaning that it had not.",
    }
    return [Change(code, f"The term {term!r} {said[code]}") for code, terms in messages.items() for term in terms]
