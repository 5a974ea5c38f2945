"""How rows come in, for which the standard has no word: from custom properties, or from beside the document. Pure.

What stands beside the document goes before the custom properties of an entry of `schema`, and these before those of the
whole document.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from app.catalog.contracts.odcs.properties import custom_values, plain
from app.catalog.contracts.words import EXAMPLES
from app.kernel.problems import Fault, pointer_to

CUSTOM: Final[dict[str, str]] = {
    "mode": "mode",
    "idempotency_key": "idempotencyKey",
    "event_time_column": "eventTimeColumn",
    "processing_time_column": "processingTimeColumn",
    "dedupe_window": "dedupeWindow",
    "conflict_resolution": "conflictResolution",
    "endpoint": "endpoint",
    "table_name": "tableName",
    "unknown_columns": "unknownColumns",
    "type_changes": "typeChanges",
    "max_rejected": "maxRejected",
}
"""Fields of a contract that stand beside a document, with the custom property that exports write each as."""

SEMANTIC: Final = tuple(CUSTOM)[:6]
"""The six that say how rows are told apart, ordered and merged; each is required."""

POLICY: Final = ("unknown_columns", "type_changes", "max_rejected")
OF_ONE_TABLE: Final = frozenset({"endpoint", "table_name"})
"""Fields that no two tables share: custom properties of a document with several entries do not say them for all."""

SHOWN_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Said:
    """A value, and where it stands in what was sent."""

    value: Any
    pointer: str


def beside_faults(semantics: Mapping[str, Any], names: list[str]) -> list[Fault]:
    """Where the semantics beside a document name an entry that is not there, or a field that no contract has."""
    faults = []
    for name, fields in semantics.items():
        at = pointer_to(("semantics", name))
        if name not in names:
            near = get_close_matches(name[:SHOWN_LENGTH], names, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            message = f"The document has no entry {name[:SHOWN_LENGTH]!r} in its schema.{hint}"
            faults.append(Fault(pointer=at, code="unknown-schema", message=message))
        for each in fields:
            if each not in CUSTOM:
                near = get_close_matches(each[:SHOWN_LENGTH], CUSTOM, n=1)
                hint = f" Did you mean {near[0]}?" if near else f" There are {', '.join(CUSTOM)}."
                message = f"Semantics have no field {each[:SHOWN_LENGTH]!r}.{hint}"
                faults.append(Fault(pointer=at + pointer_to([each]), code="extra-forbidden", message=message))
    return faults


def said_of(
    document: Mapping[str, Any], entry: Mapping[str, Any], beside: Mapping[str, Any], places: tuple[str, str, str]
) -> dict[str, Said]:
    """What is said of an entry, by the name of the field in a contract.

    Args:
        document: the whole document.
        entry: the entry of `schema`.
        beside: what stands beside the document for this entry.
        places: JSON pointers of the document, the entry, and of what stands beside.
    """
    root, own, outside = places
    single = len(document.get("schema") or ()) == 1
    whole, part = (custom_values(each.get("customProperties")) for each in (document, entry))
    found: dict[str, Said] = {}
    for field, custom in CUSTOM.items():
        if field in beside:
            found[field] = Said(plain(beside[field]), f"{outside}/{field}")
        elif custom in part:
            value, index = part[custom]
            found[field] = Said(value, f"{own}/customProperties/{index}/value")
        elif custom in whole and (single or field not in OF_ONE_TABLE):
            value, index = whole[custom]
            found[field] = Said(value, f"{root}/customProperties/{index}/value")
    return found


def missing(field: str, name: str, example: Any = None) -> Fault:
    """The fault of an entry of which nothing says this field, with how to say it.

    Args:
        field: one of `SEMANTIC`.
        name: name of the entry.
        example: a value that may be meant; the one from the description of contracts when there is none.
    """
    shown = EXAMPLES.get(field, '"…"') if example is None else json.dumps(example, ensure_ascii=False)
    entry = json.dumps(name[:SHOWN_LENGTH], ensure_ascii=False)
    message = (
        f"Nothing says {field} for {name[:SHOWN_LENGTH]!r}, and the standard has no word for it. Say it beside the "
        f'document, {{"document": …, "semantics": {{{entry}: {{"{field}": {shown}}}}}}}, '
        f'or in the customProperties of the entry, {{"property": "{CUSTOM[field]}", "value": {shown}}}.'
    )
    return Fault(pointer=pointer_to(("semantics", name, field)), code="missing", message=message)
