"""The further version of a contract that drift leads to, as a contract is registered. Pure.

What the document means, and whether it can be a contract at all, is judged where every contract is
(`contracts/review.py`); so whatever changes are carried over, the answer lists every fault of what comes of them.
"""

from collections.abc import Iterable
from typing import Any, Final

from app.catalog.contracts.changes.applying import Inapplicable, column_for
from app.catalog.contracts.definition import ChangePolicy, ContractDefinition, column_document
from app.catalog.drift.change import Change, ChangeKind
from app.catalog.drift.facts import CHECK_FACTS

_CHECKS: Final = {fact: check for check, fact in CHECK_FACTS.items()}
_GONE: Final = frozenset({ChangeKind.REMOVE, ChangeKind.RENAME})
_SEMANTICS: Final = "/ingestion_semantics/"


def successor_document(contract: ContractDefinition, changes: Iterable[Change]) -> dict[str, Any]:
    """The contract with the changes in it, in the words in which it would be registered.

    Where a column goes or gets another name, bodies that were sent before still bring it: a value for a column that is
    not there any more must not keep their rows out when they are replayed into the new version.

    Args:
        contract: the contract that drifted, with its columns.
        changes: what is to be otherwise. Words, defaults, and names of relations say nothing that a contract enforces.

    Raises:
        Inapplicable: a change asks for something that no contract can say.
    """
    changed = list(changes)
    document = _Successor(contract)
    for change in changed:
        document.take(change)
    unknown = contract.policy.unknown_columns
    if any(change.kind in _GONE for change in changed) and unknown is not ChangePolicy.EVOLVE:
        unknown = ChangePolicy.DISCARD_VALUE
    return document.written(unknown)


class _Successor:
    """The parts of the document that changes are written into."""

    def __init__(self, contract: ContractDefinition) -> None:
        self._contract = contract
        self._semantics = contract.semantics.document()
        self._columns = {column.name: column_document(column) for column in contract.columns or ()}

    def take(self, change: Change) -> None:
        """Write a change into the document. Raises `Inapplicable`."""
        if change.kind is ChangeKind.ADD:
            self._add(change)
        elif change.kind in {ChangeKind.KEY, ChangeKind.SEMANTICS}:
            self._semantics[_field_of(change)] = change.new
        elif change.kind is ChangeKind.REORDER:
            named = {name: self._columns[name] for name in change.new if name in self._columns}
            self._columns = named | self._columns
        elif (column := self._columns.get(change.column or "")) is not None:
            self._change(column, change)

    def written(self, unknown: ChangePolicy) -> dict[str, Any]:
        """The document, with this policy for unknown columns."""
        policy = self._contract.policy
        limits = {"rows": policy.max_rejected_rows, "share": policy.max_rejected_share}
        return {
            "endpoint": self._contract.endpoint,
            "table_name": self._contract.table_name,
            "ingestion_semantics": self._semantics,
            "schema": {"columns": list(self._columns.values())},
            "unknown_columns": unknown.value,
            "type_changes": policy.type_changes.value,
            "max_rejected": limits if any(limit is not None for limit in limits.values()) else None,
            "description": self._contract.description,
        }

    def _add(self, change: Change) -> None:
        new = change.new if isinstance(change.new, dict) else {}
        field, kind = str(new.get("source") or change.column or ""), new.get("type")
        if not isinstance(kind, str):
            raise Inapplicable(f"No value says yet what type {change.path} has.")
        name, source = column_for(field)
        nullable = bool(new.get("nullable", True))
        column = {"name": name, "type": kind, "nullable": nullable, "checks": [], "source": source}
        self._columns.setdefault(name, column)

    def _change(self, column: dict[str, Any], change: Change) -> None:
        if change.kind is ChangeKind.REMOVE:
            del self._columns[column["name"]]
        elif change.kind is ChangeKind.RENAME:
            self._rename(column, str(change.new))
        elif change.kind is ChangeKind.TYPE_CHANGE:
            column["type"] = change.new
            column["checks"] = [each for each in column["checks"] if each["type"] == "unique"]  # bounds are of a type
        elif change.kind is ChangeKind.NULLABILITY:
            column["nullable"] = bool(change.new)
        elif change.kind is ChangeKind.CONSTRAINT:
            _check(column, change)

    def _rename(self, column: dict[str, Any], field: str) -> None:
        before = column["name"]
        column["name"], column["source"] = column_for(field)
        self._columns = {each["name"]: each for each in self._columns.values()}
        for name, value in self._semantics.items():
            if isinstance(value, list):
                self._semantics[name] = [column["name"] if each == before else each for each in value]
            elif name.endswith("_column") and value == before:
                self._semantics[name] = column["name"]


def _field_of(change: Change) -> str:
    """The field of the semantics that a change is about."""
    return "idempotency_key" if change.kind is ChangeKind.KEY else change.path.removeprefix(_SEMANTICS)


def _check(column: dict[str, Any], change: Change) -> None:
    """Let the column have the check as it is by now, or have it no more. Raises `Inapplicable`."""
    check = _CHECKS.get(change.path.rpartition("/")[2])
    if check is None:
        raise Inapplicable(f"No check of a contract says {change.path}: register the contract with what it can say.")
    kept = [each for each in column["checks"] if each["type"] != check]
    if change.new is not None and change.new is not False:  # 0 is a bound
        values = {"one_of": {"values": change.new}, "unique": {}}.get(check, {"value": change.new})
        kept.append({"type": check} | values)
    column["checks"] = kept
