"""A kept document with what has changed about its contracts since, in the version of the standard it came in. Pure.

What a contract says now is compared with what the document said at its import; only differences go into the document,
each into the field which says it. All other fields stay as they came, in their order.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.catalog.contracts.definition import relation_plan
from app.catalog.contracts.odcs.document import InvalidDocument, SentDocument
from app.catalog.contracts.odcs.export import (
    BEFORE_TIMES,
    ENGINE,
    LIMITATIONS,
    STATUSES,
    own_properties,
    owner_of,
    property_of,
)
from app.catalog.contracts.odcs.importing import Draft, draft
from app.catalog.contracts.odcs.properties import plain
from app.catalog.contracts.record import ContractRecord
from app.warehouse.plan import Column


@dataclass(frozen=True, slots=True)
class Imported:
    """A contract that came from an entry of a document, as it stands now."""

    contract: ContractRecord
    entry: str
    """Name of the entry."""
    columns: tuple[Column, ...] | None


def merged(document: Mapping[str, Any], contract: Imported, others: Sequence[Imported] = ()) -> dict[str, Any]:
    """The document with the changes of the contracts that came from it.

    Args:
        document: as it was kept.
        contract: the one that the document is asked for: status and team are its own.
        others: further contracts of the same document.
    """
    found = copy.deepcopy(dict(document))
    for each in (contract, *others):
        _merge_entry(found, document, each)
    record = contract.contract
    found["status"] = STATUSES[record.state]
    _merge_limitations(found, record)
    _merge_owner(found, record)
    return found


def _merge_entry(found: dict[str, Any], document: Mapping[str, Any], imported: Imported) -> None:
    entries = document.get("schema") or []
    index = next((place for place, entry in enumerate(entries) if entry["name"] == imported.entry), None)
    if index is None:
        return
    entry, contract = found["schema"][index], imported.contract
    base = _base(document, index, contract)
    if contract.description != (base.description if base else None):
        _put(entry, "description", contract.description)
    if imported.columns is not None:
        _merge_columns(entry, base, imported, document["apiVersion"])
    _merge_custom(found, entry, own_properties(contract))


def _base(document: Mapping[str, Any], index: int, contract: ContractRecord) -> Draft | None:
    """What the document said of the contract at its import; None when it can no longer be read so.

    What came beside the document then is what the contract says now: semantics never change.
    """
    semantics = contract.semantics.document() | {"endpoint": contract.endpoint, "table_name": contract.table_name}
    sent = SentDocument(dict(document), document["apiVersion"], {document["schema"][index]["name"]: semantics})
    try:
        return draft(sent, index)
    except InvalidDocument:  # a stricter release came after it; then nothing of the document is taken for changed
        return None


def _merge_columns(entry: dict[str, Any], base: Draft | None, imported: Imported, version: str) -> None:
    contract, columns = imported.contract, imported.columns or ()
    identity = relation_plan(contract.relation, contract.semantics, columns).identity
    before = {column.name: column for column in (base.definition.columns or ())} if base else {}
    places = base.properties if base else {}
    listed = entry.get("properties") or []
    found = []
    for column in columns:
        words = contract.column_words.get(column.name, {})
        now = property_of(column, identity, words, version)
        if column.name in places and base is not None:
            kept = listed[places[column.name]]
            then = property_of(before[column.name], identity, base.words.get(column.name, {}), version)
            _apply(kept, then, now)
            found.append(kept)
        else:
            found.append(now)
    entry["properties"] = found


def _apply(kept: dict[str, Any], then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Put into the property what the column says now otherwise than then."""
    for field in [*then, *(name for name in now if name not in then)]:
        old, new = then.get(field), now.get(field)
        if old == new:
            continue
        if field == "logicalTypeOptions":
            kept.setdefault("logicalType", now["logicalType"])  # without a type, options mean nothing
            _apply_options(kept, old or {}, new or {})
        elif field == "quality":
            _apply_items(kept, field, old or [], new or [], lambda rule: plain(rule.get("implementation")))
        elif field == "customProperties":
            _apply_items(kept, field, old or [], new or [], lambda item: item.get("property"))
        else:
            _put(kept, field, new)


def _apply_options(kept: dict[str, Any], then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    options = dict(kept.get("logicalTypeOptions") or {})
    for name in [*then, *(each for each in now if each not in then)]:
        if then.get(name) != now.get(name):
            _put(options, name, now.get(name))
    _put(kept, "logicalTypeOptions", options or None)


def _apply_items(
    kept: dict[str, Any], field: str, then: Sequence[Any], now: Sequence[Any], named: Callable[[Any], Any]
) -> None:
    """Take the items of ours that are gone out of the list, and add the new ones; other people's stay."""
    gone = [named(item) for item in then if item not in now]
    new = [item for item in now if item not in then]
    items = [item for item in kept.get(field) or [] if not (_ours(item) and named(item) in gone)]
    _put(kept, field, [*items, *new] or None)


def _ours(item: Mapping[str, Any]) -> bool:
    return bool(item.get("engine", ENGINE) == ENGINE and item.get("vendor", ENGINE) == ENGINE)


def _merge_custom(found: dict[str, Any], entry: dict[str, Any], ours: Mapping[str, Any]) -> None:
    """Say our custom properties where they stand; new ones with the whole document when it has one entry alone."""
    single = len(found["schema"]) == 1
    for name, value in ours.items():
        places = [entry, found] if single else [entry]
        listed = [item for place in places for item in place.get("customProperties") or [] if _named(item, name)]
        if listed:
            if plain(listed[-1].get("value")) != value:
                listed[-1]["value"] = value
        elif single or not any(_says(item, name, value) for item in found.get("customProperties") or []):
            home = found if single else entry
            home["customProperties"] = [*(home.get("customProperties") or []), {"property": name, "value": value}]


def _named(item: Mapping[str, Any], name: str) -> bool:
    return bool(item.get("property") == name and item.get("vendor", ENGINE) == ENGINE)


def _says(item: Mapping[str, Any], name: str, value: Any) -> bool:
    return _named(item, name) and plain(item.get("value")) == value


def _merge_limitations(found: dict[str, Any], contract: ContractRecord) -> None:
    """A limitation that an export stated follows the state of the table; one of somebody else stays."""
    described = found.get("description")
    if isinstance(described, dict) and described.get("limitations") in LIMITATIONS.values():
        _put(described, "limitations", LIMITATIONS.get(contract.state))


def _merge_owner(found: dict[str, Any], contract: ContractRecord) -> None:
    """The owner is a member of the team; nobody is taken out."""
    owner, team = owner_of(contract), found.get("team")
    if team is None:
        team = [] if found["apiVersion"].startswith(BEFORE_TIMES) else {"members": []}
    members = team if isinstance(team, list) else team.get("members") or []
    if any(member.get("username") == owner["username"] for member in members):
        return
    if isinstance(team, list):
        owner.pop("id", None)  # a member of a plain list had none
        found["team"] = [*members, owner]
    else:
        found["team"] = team | {"members": [*members, owner]}


def _put(target: dict[str, Any], field: str, value: Any) -> None:
    """Set the field, or take it out when there is no value."""
    if value is None:
        target.pop(field, None)
    else:
        target[field] = value
