"""A checked document as contracts: one for each entry of its `schema`, or every fault in it at once. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.catalog.contracts.definition import ContractDefinition
from app.catalog.contracts.odcs.document import InvalidDocument, SentDocument
from app.catalog.contracts.odcs.export import generated_purpose
from app.catalog.contracts.odcs.properties import Mapped, Note, column_of
from app.catalog.contracts.odcs.semantics import POLICY, SEMANTIC, Said, beside_faults, missing, said_of
from app.catalog.contracts.review import InvalidContract, review
from app.catalog.names import snake_case, table_name_fault
from app.kernel.problems import Fault, pointer_to

MAX_TABLES: Final = 100
"""Entries of one document: each becomes a table, and all of them in one transaction."""

MAX_NOTES: Final = 100
"""Notes of one contract that are answered."""

_OURS: Final = re.compile(r"data\.([a-z][a-z0-9_]*)__v[1-9][0-9]*")
"""The relation of a governed table, which exports write as physicalName: the logical name is a part of it."""

_AS_SENT: Final = ("/ingestion_semantics/", "/max_rejected")
"""Parts of a contract whose values were sent as they are, so that places within them are the same."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an entry of a document's `schema` is as a contract."""

    name: str
    """Of the entry."""
    definition: ContractDefinition
    description: str | None
    words: Mapping[str, Mapping[str, Any]]
    """By column: description, labels and sensitivity, as far as the document says them."""
    properties: Mapping[str, int]
    """By column: the index of its property; columns that the document does not have are not in it."""
    notes: tuple[Note, ...]
    places: Mapping[str, str]
    """JSON pointers into a contract, as `review` writes them, to those into what was sent."""

    def placed(self, fault: Fault) -> Fault:
        """The fault of the contract, as one of what was sent."""
        return fault.model_copy(update={"pointer": _placed(self.places, fault.pointer)})


def drafts(sent: SentDocument) -> tuple[Draft, ...]:
    """The contracts of a document, in its order.

    Raises:
        InvalidDocument: listing what no contract can be made of, and every field of the semantics that nothing says.
    """
    entries = sent.document.get("schema") or []
    at = f"{sent.place}/schema"
    if not 1 <= len(entries) <= MAX_TABLES:
        message = f"A document has 1 to {MAX_TABLES} entries in its schema; each becomes a contract."
        raise InvalidDocument(faults=[Fault(pointer=at, code="invalid-schema", message=message)])
    names = [entry["name"] for entry in entries]
    faults = [*beside_faults(sent.semantics, names), *_repeated(names, at, "name", "entry")]
    found = []
    for index in range(len(entries)):
        try:
            found.append(draft(sent, index))
        except InvalidDocument as refused:
            faults += refused.faults
    for field in ("table_name", "endpoint"):
        faults += _clashes(found, field)
    if faults:
        raise InvalidDocument(faults=list({(each.pointer, each.code): each for each in faults}.values()))
    return tuple(found)


def draft(sent: SentDocument, index: int) -> Draft:
    """The contract of one entry of the document. Raises `InvalidDocument`."""
    entry = _Entry(sent, index)
    try:
        definition = review(entry.body)
    except InvalidContract as refused:
        raise InvalidDocument(faults=[*entry.faults, *entry.translated(refused.faults)]) from refused
    if entry.faults:
        raise InvalidDocument(faults=entry.faults)
    return Draft(
        name=entry.name,
        definition=definition,
        description=entry.description(definition),
        words={each.body["name"]: each.words for each in entry.columns if each.words},
        properties={each.body["name"]: position for position, each in enumerate(entry.columns)},
        notes=tuple(entry.notes())[:MAX_NOTES],
        places=entry.places,
    )


class _Entry:
    """An entry of `schema`, said in the words of a contract's registration."""

    def __init__(self, sent: SentDocument, index: int) -> None:
        self._sent = sent
        self._found: Mapping[str, Any] = sent.document["schema"][index]
        self._at = f"{sent.place}/schema/{index}"
        self.name: str = self._found["name"]
        beside = pointer_to(("semantics", self.name))
        places = (sent.place, self._at, beside)
        self._said = said_of(sent.document, self._found, sent.semantics.get(self.name, {}), places)
        self.faults: list[Fault] = []
        self.places: dict[str, str] = {"": self._at}
        self.columns: list[Mapped] = []
        self.body = self._body()

    def description(self, definition: ContractDefinition) -> str | None:
        """What the document says the data is; the sentence that exports make up is none."""
        own = self._found.get("description")
        if isinstance(own, str):
            return own
        whole = self._sent.document.get("description")
        purpose = whole.get("purpose") if isinstance(whole, dict) else None
        made_up = generated_purpose(definition.endpoint, definition.table_name)
        return purpose if isinstance(purpose, str) and purpose != made_up else None

    def notes(self) -> Iterator[Note]:
        """What is kept without being enforced."""
        if self._found.get("quality"):
            yield Note(f"{self._at}/quality", "Rules of quality for other engines are kept, and not enforced.")
        for column in self.columns:
            yield from column.notes

    def translated(self, faults: tuple[Fault, ...]) -> Iterator[Fault]:
        """The faults of the contract as faults of the document, without those that have been said already."""
        said = {fault.pointer for fault in self.faults}
        for fault in faults:
            field = fault.pointer.rpartition("/")[2]
            if fault.code == "missing" and fault.pointer == f"/ingestion_semantics/{field}":
                yield missing(field, self.name, self._primary_key() if field == "idempotency_key" else None)
            elif (pointer := _placed(self.places, fault.pointer)) not in said:
                yield fault.model_copy(update={"pointer": pointer})

    def _body(self) -> dict[str, Any]:
        table, pointer = self._table_name()
        self.places["/table_name"] = pointer
        endpoint = self._said.get("endpoint", Said(f"/api/v1/{table}", pointer))
        self.places["/endpoint"] = endpoint.pointer
        body: dict[str, Any] = {"endpoint": endpoint.value, "table_name": table}
        body["ingestion_semantics"] = {name: self._said[name].value for name in SEMANTIC if name in self._said}
        body |= {name: self._said[name].value for name in POLICY if name in self._said}
        for name, said in self._said.items():
            self.places[f"/ingestion_semantics/{name}" if name in SEMANTIC else f"/{name}"] = said.pointer
        if self._found.get("logicalType", "object") != "object":
            message = f"An entry of logicalType {self._found['logicalType']} is no table; object is nearest."
            self.faults.append(Fault(pointer=f"{self._at}/logicalType", code="no-table", message=message))
        if "properties" in self._found:
            body["schema"] = {"columns": self._columns()}
        return body

    def _columns(self) -> list[dict[str, Any]]:
        processing_time = self._text("processing_time_column")
        identity = self._identity()
        self.places["/schema/columns"] = f"{self._at}/properties"
        for index, found in enumerate(self._found["properties"]):
            column = column_of(found, f"{self._at}/properties/{index}", identity, processing_time)
            self.columns.append(column)
            self.faults += column.faults
            self.places |= {f"/schema/columns/{index}{inner}": at for inner, at in column.places.items()}
            for fault in column.faults:
                self.places[f"/schema/columns/{index}/type"] = fault.pointer
        return [column.body for column in self.columns]

    def _identity(self) -> list[str]:
        key = self._said["idempotency_key"].value if "idempotency_key" in self._said else []
        identity = [name for name in key if isinstance(name, str)] if isinstance(key, list) else []
        event_time = self._text("event_time_column")
        if self._text("mode") == "append" and event_time and event_time not in identity:
            return [*identity, event_time]
        return identity

    def _text(self, field: str) -> str | None:
        said = self._said.get(field)
        return said.value if said is not None and isinstance(said.value, str) else None

    def _primary_key(self) -> list[str] | None:
        """The columns of the primary key, in its order: what the idempotency key may be meant to be."""
        found = self._found.get("properties") or ()
        keyed = [
            (each.get("primaryKeyPosition", 0), column.body["name"])
            for each, column in zip(found, self.columns, strict=False)
            if each.get("primaryKey") is True
        ]
        return [name for _, name in sorted(keyed)] or None

    def _table_name(self) -> tuple[Any, str]:
        """The name of the table, and where it comes from: the first that a table can bear."""
        if "table_name" in self._said:
            return self._said["table_name"].value, self._said["table_name"].pointer
        candidates = []
        for field in ("physicalName", "name"):
            text = self._found.get(field)
            if isinstance(text, str):
                ours = _OURS.fullmatch(text)
                last = text.rpartition(".")[2]
                made = (ours.group(1) if ours else text, last, snake_case(last))
                candidates += [(name, f"{self._at}/{field}") for name in made if name is not None]
        usable = [pair for pair in candidates if table_name_fault(pair[0]) is None]
        return usable[0] if usable else (self.name, f"{self._at}/name")


def _placed(places: Mapping[str, str], pointer: str) -> str:
    """The pointer into what was sent: that of the nearest thing around the place which stands there."""
    known = pointer
    while known not in places:
        known = known.rpartition("/")[0]
    within = pointer[len(known) :] if known.startswith(_AS_SENT) else ""
    return places[known] + within


def _repeated(names: list[str], at: str, field: str, thing: str) -> Iterator[Fault]:
    times = Counter(names)
    for index, name in enumerate(names):
        if times[name] > 1 and name in names[:index]:
            message = f"Another {thing} has the name {name[:64]!r} already."
            yield Fault(pointer=f"{at}/{index}/{field}", code="duplicate-name", message=message)


def _clashes(found: list[Draft], field: str) -> Iterator[Fault]:
    """Where two contracts of a document would have the same table, or take rows under the same endpoint."""
    first: dict[str, Draft] = {}
    for each in found:
        value = getattr(each.definition, field)
        other = first.setdefault(value, each)
        if other is not each:
            message = f"The entry {other.name[:64]!r} has the {field} {value} already; say another one for this."
            yield Fault(pointer=each.places[f"/{field}"], code="duplicate-name", message=message)
